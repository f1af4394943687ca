"""Stands between a Kafka client and the mock cluster, understands the framing, and misbehaves when told to."""

import asyncio

PRODUCE, FETCH, METADATA = 0, 1, 3
HOST = b"127.0.0.1"


class KafkaProxy:
    """Forwards to the broker on `upstream`, and calls itself the broker in what the broker says about itself."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.port = 0
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.behave()

    def behave(self) -> None:
        """Forget every trouble and every count."""
        self.lose_next = self.break_next = False
        self.away_seconds = 0.0
        self.delay_seconds = 0.0
        self.fetched = 0
        self._away_until = 0.0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST.decode(), self.port, limit=2**24)
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

    def go_away(self) -> None:
        """Take no connections for a while."""
        self._away_until = asyncio.get_running_loop().time() + self.away_seconds

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if asyncio.get_running_loop().time() < self._away_until:
            writer.transport.abort()
            return
        link = asyncio.ensure_future(_Link(self, reader, writer).run())
        self._links[link] = writer
        try:
            await link
        finally:
            del self._links[link]
            writer.transport.abort()


class _Link:
    """One client's connection, both ways."""

    def __init__(self, proxy: KafkaProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader, self._writer = reader, writer
        self._asked: dict[bytes, int] = {}
        self._lost: set[bytes] = set()

    async def run(self) -> None:
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(
                HOST.decode(), self._proxy.upstream, limit=2**24
            )
        except OSError:
            self._writer.transport.abort()
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
        """From the client to the broker; ends where the connection is to be cut."""
        while (frame := await _read_frame(self._reader)) is not None:
            proxy, kind, correlation = self._proxy, int.from_bytes(frame[4:6], "big"), frame[8:12]
            self._asked[correlation] = kind
            if kind == METADATA and proxy.break_next:
                proxy.break_next = False
                return
            if kind == PRODUCE and proxy.lose_next:
                proxy.lose_next = False
                self._lost.add(correlation)
            upstream.write(frame)
            await upstream.drain()

    async def _back(self, upstream: asyncio.StreamReader) -> None:
        """From the broker to the client."""
        ours = HOST + self._proxy.port.to_bytes(4, "big")
        theirs = HOST + self._proxy.upstream.to_bytes(4, "big")
        while (frame := await _read_frame(upstream)) is not None:
            correlation = frame[4:8]
            if correlation in self._lost:
                self._proxy.go_away()
                return
            kind = self._asked.pop(correlation, -1)
            if kind == FETCH:
                self._proxy.fetched += frame.count(b'"order_id"')
            if kind == PRODUCE and self._proxy.delay_seconds:
                await asyncio.sleep(self._proxy.delay_seconds)
            self._writer.write(frame.replace(theirs, ours))  # of one length, so every frame stays what it is
            await self._writer.drain()


async def _read_frame(reader: asyncio.StreamReader) -> bytes | None:
    try:
        size = await reader.readexactly(4)
        return size + await reader.readexactly(int.from_bytes(size, "big"))
    except asyncio.IncompleteReadError:
        return None
