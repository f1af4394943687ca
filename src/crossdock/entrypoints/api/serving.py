"""Serving an application on a port until told to stop, and then stopping within seconds.

An open event stream would keep a server alive for ever: the streams are ended first, then the server waits for
answers under way, and not longer than `STOP_SECONDS_MAX`.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator

import uvicorn
from litestar import Litestar

from crossdock.kit.errors import Misconfigured

STOP_SECONDS_MAX = 5
KEEP_ALIVE_SECONDS = 30
BACKLOG = 1_024


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs it, and ends streams before it waits for them."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._end_streams = end_streams

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Not ours."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Streams first."""
        await self._end_streams()
        await super().shutdown(sockets)


async def serve_app(
    app: Litestar,
    end_streams: Callable[[], Awaitable[None]],
    host: str,
    port: int,
    *,
    stop: asyncio.Event,
    started: Callable[[str], None],
) -> None:
    """Serve until `stop` is set or the task is cancelled; `started` is told the address. Raises Misconfigured."""
    listening = listen(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS_MAX,
    )
    server = _Server(config, end_streams)
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn offers a flag, no event
            await asyncio.sleep(0.01)
        if server.started:
            started(_address(listening))
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.should_exit = True
        await serving
        listening.close()


def listen(host: str, port: int) -> socket.socket:
    """Take the port; what is accepted from it sends at once. Raises Misconfigured."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise Misconfigured(
            f"cannot listen on {host}:{port}: {error.strerror or error}; choose another port, or 0 for a free one",
            code="port-not-free",
        ) from error
    # The protocol is named because asyncio switches Nagle's delay off only where it sees TCP by name: an answer's
    # head and body are two writes, and the second would wait 40 ms for the client to acknowledge the first.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=bound.detach())


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
