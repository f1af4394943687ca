"""The network between the hub and the ERP: TCP on loopback that delays, cuts, repeats and swallows, by a seed.

It understands just enough HTTP/1.1 to know where a request or an answer ends. Which fault befalls a request is
drawn from the seed and the request's number, so the same order of requests meets the same faults.
"""

import asyncio
import contextlib
import random
import re
import socket
import struct
import time
from collections import Counter
from collections.abc import Sequence
from typing import Literal, cast

import msgspec

HOST = "127.0.0.1"
SILENT_SECONDS_MAX = 30.0
READ_BYTES = 65_536
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CUT_NOW = struct.pack("ii", 1, 0)
PROBLEM = b'{"code":"%s","text":"from the network"}'

Direction = Literal["", "requests", "answers", "both", "gone"]
Kind = Literal["latency", "reset", "half_open", "truncated", "repeated", "dropped", "late", "failed", "throttled"]


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """In a thousand requests, how many meet which fault. What repeats or comes late befalls only writes."""

    latency: int = 0
    reset: int = 0
    half_open: int = 0
    truncated: int = 0
    repeated: int = 0
    dropped: int = 0
    late: int = 0
    failed: int = 0
    throttled: int = 0


STORMY = Rates(
    latency=60, reset=20, half_open=5, truncated=10, repeated=20, dropped=80, late=20, failed=20, throttled=8
)
"""Of a hundred writes eight are carried out and nobody hears of it, two land after everybody gave up on them."""

WRITES_ONLY: frozenset[Kind] = frozenset({"repeated", "late"})


class FaultProxy:
    """Passes requests on to `upstream`; `rates` may be changed at any time.

    `writes` are paths that change something there. `late_seconds` is how long a late write takes to land: longer
    than anybody's lease, shorter than what the ERP promises. `repeats` says whether a request may arrive twice.
    What could not be passed on `lands_within_seconds` after it came never lands, as the ERP promises: however slow
    the machine is on which all this runs, it proves nothing against the hub.
    """

    def __init__(
        self,
        upstream: int,
        writes: frozenset[str],
        *,
        seed: int,
        late_seconds: float,
        lands_within_seconds: float,
        repeats: bool,
    ) -> None:
        self.rates = Rates()
        self.cut: Direction = ""
        self.injected: Counter[str] = Counter()
        self.requests = 0
        self.port = 0
        self._upstream = upstream
        self._writes = writes
        self._seed = seed
        self._late_seconds = late_seconds
        self._lands_within_seconds = lands_within_seconds
        self._repeats = repeats
        self._server: asyncio.Server | None = None
        self._late: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Where the hub finds the ERP."""
        return f"http://{HOST}:{self.port}"

    @property
    def connections(self) -> int:
        """How many the hubs have open."""
        return len(self._open)

    async def start(self) -> None:
        """Take connections, always at the same port."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cut everything and refuse whoever comes; what is late still lands."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            _reset(writer)

    async def cut_off(self, direction: Direction) -> None:
        """Let nothing through any more that way. `gone`: nobody is there, and connections are refused."""
        self.cut = direction
        if direction == "gone":
            await self.stop()

    async def mend(self) -> None:
        """Let everything through again."""
        self.cut = ""
        if self._server is None:
            await self.start()

    async def settle(self) -> None:
        """Return when every late write has landed."""
        while self._late:
            await asyncio.gather(*self._late, return_exceptions=True)

    # ── one connection of the hub ───────────────────────────────────────────────────────────────────

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while (request := await read_message(reader)) and await self._carry(request, writer):
                pass
            if not writer.is_closing():
                await _outwait(reader)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass
        except asyncio.CancelledError:
            pass  # the run is over: nobody waits for this connection, and asyncio would call it an error
        finally:
            self._open.discard(writer)
            writer.close()

    async def _carry(self, request: bytes, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether the connection goes on. One that is left open stays silent."""
        self.requests += 1
        came = time.monotonic()
        if self.cut in {"requests", "both"}:
            self.injected["swallowed"] += 1
            return False
        kind = self._draw(request)
        if kind:
            self.injected[kind] += 1
        match kind:
            case "latency":
                await asyncio.sleep(random.Random(self.requests).uniform(0.02, 0.3))
            case "reset":
                _reset(writer)
                return False
            case "half_open":
                return False
            case "late":
                self._carry_late(request, came)
                _reset(writer)
                return False
            case "failed" | "throttled":
                return await _answer(writer, _refusal(kind))
            case "repeated":
                await self._ask(request, came)
            case _:
                pass
        answer = await self._ask(request, came)
        if self.cut in {"answers", "both"}:
            self.injected["swallowed"] += 1
            return False
        if kind == "dropped" or not answer:
            _reset(writer)
            return False
        if kind == "truncated":
            await _answer(writer, answer[: len(answer) // 2])
            writer.close()
            return False
        return await _answer(writer, answer)

    def _draw(self, request: bytes) -> Kind | None:
        path = request.split(b" ", 2)[1].decode("ascii", "replace")
        drawn = random.Random(self._seed * 1_000_003 + self.requests).randrange(1_000)
        for kind, rate in msgspec.structs.asdict(self.rates).items():
            drawn -= rate
            if drawn < 0:
                may = (kind not in WRITES_ONLY or path in self._writes) and (kind != "repeated" or self._repeats)
                return cast("Kind", kind) if may else None
        return None

    async def _ask(self, request: bytes, came: float) -> bytes:
        try:
            reader, writer = await asyncio.open_connection(HOST, self._upstream)
        except OSError:
            return b""
        try:
            if time.monotonic() - came > self._lands_within_seconds:
                self.injected["never landed"] += 1
                return b""
            writer.write(request)
            return await read_message(reader)
        except (OSError, asyncio.IncompleteReadError):
            return b""
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _carry_late(self, request: bytes, came: float) -> None:
        async def land() -> None:
            await asyncio.sleep(self._late_seconds)
            await self._ask(request, came)

        task = asyncio.get_running_loop().create_task(land())
        self._late.add(task)
        task.add_done_callback(self._late.discard)


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """One request or answer with its body; empty at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return b""
    found = LENGTH.search(head)
    return head + (await reader.readexactly(int(found[1])) if found else b"")


async def _outwait(reader: asyncio.StreamReader) -> None:
    """Say nothing until the other side has lost patience."""
    async with asyncio.timeout(SILENT_SECONDS_MAX):
        while await reader.read(READ_BYTES):
            pass


async def _answer(writer: asyncio.StreamWriter, answer: bytes) -> bool:
    writer.write(answer)
    await writer.drain()
    return True


def _refusal(kind: Kind) -> bytes:
    body = PROBLEM % (b"TOO_MANY" if kind == "throttled" else b"MAINTENANCE")
    status = b"429 Too Many Requests\r\nretry-after: 0.2" if kind == "throttled" else b"503 Service Unavailable"
    head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % (status, len(body)) + body


def _reset(writer: asyncio.StreamWriter) -> None:
    """Cut with RST, as a crashed machine does."""
    plug: socket.socket | None = writer.get_extra_info("socket")
    if plug is not None and not writer.is_closing():
        with contextlib.suppress(OSError):
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CUT_NOW)
    transport = writer.transport
    transport.abort()


class Network:
    """The proxies before all systems, as one: what is cut is cut for all of them."""

    def __init__(self, proxies: Sequence[FaultProxy]) -> None:
        self._proxies = proxies

    @property
    def injected(self) -> Counter[str]:
        """Every fault, by its kind."""
        return sum((proxy.injected for proxy in self._proxies), Counter())

    def let_meet(self, rates: Rates) -> None:
        """From now on so many requests meet faults."""
        for proxy in self._proxies:
            proxy.rates = rates

    async def start(self) -> None:
        """See `FaultProxy.start`."""
        for proxy in self._proxies:
            await proxy.start()

    async def cut_off(self, direction: Direction) -> None:
        """See `FaultProxy.cut_off`."""
        for proxy in self._proxies:
            await proxy.cut_off(direction)

    async def mend(self) -> None:
        """See `FaultProxy.mend`."""
        for proxy in self._proxies:
            await proxy.mend()

    async def stop(self) -> None:
        """Cut everything, and let what is late land."""
        for proxy in self._proxies:
            await proxy.stop()
            await proxy.settle()

    async def settle(self) -> None:
        """See `FaultProxy.settle`."""
        for proxy in self._proxies:
            await proxy.settle()
