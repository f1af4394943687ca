"""Stands between a NATS client and its server, understands the protocol, and misbehaves once when told to."""

import asyncio
import re
from collections.abc import Callable

_SIZED = re.compile(rb"^(PUB|HPUB|MSG|HMSG) ", re.IGNORECASE)


class Frame:
    """One protocol message: its words, and all its bytes."""

    def __init__(self, line: bytes, payload: bytes = b"") -> None:
        self.words = line.split()
        self.bytes = line + payload

    @property
    def op(self) -> bytes:
        return self.words[0].upper() if self.words else b""

    @property
    def subject(self) -> bytes:
        return self.words[1]

    @property
    def reply(self) -> bytes:
        """Where a client wants its answer; empty where it wants none."""
        count = {b"PUB": 4, b"HPUB": 5}.get(self.op, 0)
        return self.words[2] if count and len(self.words) == count else b""

    @property
    def is_publication(self) -> bool:
        """A message for a stream, as against a question to the JetStream API or an acknowledgement."""
        return self.op in {b"PUB", b"HPUB"} and bool(self.reply) and not self.subject.startswith(b"$JS.")

    @property
    def is_question(self) -> bool:
        return self.op in {b"PUB", b"HPUB"} and self.subject.startswith(b"$JS.API.")


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """The next message, or None at the end."""
    line = await reader.readline()
    if not line:
        return None
    if not _SIZED.match(line):
        return Frame(line)
    return Frame(line, await reader.readexactly(int(line.split()[-1]) + 2))


class NatsProxy:
    """Forwards to the server on `upstream`. Publications that wait for their answer are counted."""

    def __init__(self, upstream: int, port: int = 0) -> None:
        self.upstream = upstream
        self.port = port
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.behave()

    def behave(self) -> None:
        """Forget every trouble and every count."""
        self.refuse_next = self.lose_next = self.silence_next = self.break_next = False
        self.delay_seconds = 0.0
        self.in_flight_peak = 0
        self.published = 0
        self.on_answer: Callable[[], None] | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=2**24)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the door and cut every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.cut()

    async def cut(self) -> None:
        """Cut every connection; new ones are welcome."""
        for writer in self._links.values():
            writer.transport.abort()  # each link ends by itself then, with both its connections
        await asyncio.gather(*self._links, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = asyncio.ensure_future(_Link(self, reader, writer).run())
        self._links[link] = writer
        try:
            await link
        finally:
            del self._links[link]
            writer.transport.abort()


class _Link:
    """One client's connection, both ways."""

    def __init__(self, proxy: NatsProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader, self._writer = reader, writer
        self._sids: dict[bytes, bytes] = {}
        self._waiting: set[bytes] = set()
        self._lost: set[bytes] = set()
        self._silenced: set[bytes] = set()

    async def run(self) -> None:
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(
                "127.0.0.1", self._proxy.upstream, limit=2**24
            )
        except OSError:
            self._writer.close()
            return
        ways = [
            asyncio.ensure_future(self._forth(upstream_writer)),
            asyncio.ensure_future(self._back(upstream_reader)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for writer in (self._writer, upstream_writer):
                writer.transport.abort()

    async def _forth(self, upstream: asyncio.StreamWriter) -> None:
        """From the client to the server; ends where the connection is to be cut."""
        while (frame := await read_frame(self._reader)) is not None:
            proxy = self._proxy
            if frame.op == b"SUB":
                self._sids[frame.subject] = frame.words[-1]
            if frame.is_question and proxy.break_next:
                proxy.break_next = False
                return
            if frame.is_publication:
                if proxy.refuse_next:
                    proxy.refuse_next = False
                    self._answer_busy(frame.reply)
                    continue
                proxy.published += 1
                self._waiting.add(frame.reply)
                proxy.in_flight_peak = max(proxy.in_flight_peak, len(self._waiting))
                if proxy.lose_next:
                    proxy.lose_next = False
                    self._lost.add(frame.reply)
                if proxy.silence_next:
                    proxy.silence_next = False
                    self._silenced.add(frame.reply)
            upstream.write(frame.bytes)
            await upstream.drain()

    async def _back(self, upstream: asyncio.StreamReader) -> None:
        """From the server to the client."""
        while (frame := await read_frame(upstream)) is not None:
            if frame.op in {b"MSG", b"HMSG"} and frame.subject in self._waiting:
                if self._proxy.on_answer is not None:
                    self._proxy.on_answer()
                if frame.subject in self._lost:
                    return
                if self._proxy.delay_seconds:
                    await asyncio.sleep(self._proxy.delay_seconds)
                self._waiting.discard(frame.subject)
                if frame.subject in self._silenced:
                    continue
            self._writer.write(frame.bytes)
            await self._writer.drain()

    def _answer_busy(self, reply: bytes) -> None:
        """As the server itself answers while nobody leads the stream."""
        prefix = next(pattern for pattern in self._sids if reply.startswith(pattern.rstrip(b"*>")))
        status = b"NATS/1.0 503\r\n\r\n"
        size = str(len(status)).encode()
        self._writer.write(
            b" ".join([b"HMSG", reply, self._sids[prefix], size, size]) + b"\r\n" + status + b"\r\n"
        )
