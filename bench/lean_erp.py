"""The leanest ERP that still keeps a ledger: `python -m bench.lean_erp` prints its address.

It takes an order by key (`POST /orders/<key>`, the same key again is the same order) and tells what it holds
(`GET /ledger/<prefix>`). Nothing else, so that a comparison of engines is not one of ERPs: it answers many
thousand requests a second on one core, where the simulator of `bench.erp` stops at about one thousand.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class LeanErp:
    """One at work: its address and its process."""

    url: str
    process_id: int


@contextlib.contextmanager
def lean_erp_in_own_process() -> Iterator[LeanErp]:
    """From its first answer to the end of the block."""
    process = subprocess.Popen([sys.executable, "-m", "bench.lean_erp"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield LeanErp(process.stdout.readline().strip(), process.pid)
    finally:
        process.terminate()
        process.wait()


class Desk(asyncio.Protocol):
    """One connection: requests in, answers out, in order."""

    def __init__(self, calls_by_key: Counter[str]) -> None:
        self._calls_by_key = calls_by_key
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(END_OF_HEAD)) >= 0:
            head = self._received[:end]
            whole = end + len(END_OF_HEAD) + _content_length(head)
            if len(self._received) < whole:
                return
            body, self._received = self._received[end + len(END_OF_HEAD) : whole], self._received[whole:]
            self._transport.write(self._answer(head.split(b" ", 2)[1].decode(), body))

    def _answer(self, path: str, body: bytes) -> bytes:
        _, room, name = path.split("/", 2)
        if room == "ledger":
            calls = [count for key, count in self._calls_by_key.items() if key.startswith(name)]
            return _ok({"orders": len(calls), "calls": sum(calls)})
        order = json.loads(body)
        self._calls_by_key[name] += 1
        return _ok({"number": f"SO-{name}", "status": "accepted", "lines": len(order["lines"])})


def _content_length(head: bytes) -> int:
    found = head.lower().partition(b"\r\ncontent-length:")[2]
    return int(found.partition(b"\r\n")[0] or 0)


def _ok(value: object) -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


async def _serve() -> None:
    calls_by_key: Counter[str] = Counter()
    server = await asyncio.get_running_loop().create_server(lambda: Desk(calls_by_key), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve())
