"""A small HTTP server for vendor simulators: on loopback only, able to misbehave on purpose.

It knows no vendor. A simulator gives one function from `Request` to `Response`; `Routes` helps it to choose by
path. A `Response` may ask for a delay, or for the connection to be dropped without an answer, which is how
"the vendor committed, but nobody heard of it" is rehearsed.
"""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, unquote

import msgspec
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

HOST = "127.0.0.1"
BODY_BYTES_MAX = 160 * 1024 * 1024
START_TIMEOUT_SECONDS = 10.0
_ABORT = "crossdock.abort"

Handler = TypeVar("Handler")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request. `path` keeps its percent-encoding; header names are lower case; last query key wins."""

    method: str
    path: str
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: bytes = b""

    def json(self) -> Any:
        """Decode the body. Raises msgspec.DecodeError when it is not JSON."""
        return msgspec.json.decode(self.body)


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP answer; `drop` sends nothing and cuts the connection, after `delay_seconds` in either case."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = {}
    delay_seconds: float = 0.0
    drop: bool = False


def json_response(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with `value` as JSON."""
    return Response(
        status=status,
        body=msgspec.json.encode(value),
        headers={"content-type": "application/json;charset=UTF-8", **(headers or {})},
    )


class NoRoute(LookupError):
    """No route has this path."""


class MethodNotAllowed(LookupError):
    """The path exists, but not for this method. `allowed` names the methods it has."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(",".join(allowed))
        self.allowed = allowed


class Match(msgspec.Struct, Generic[Handler], frozen=True):
    """A route's handler, the path's variables (decoded) and the template that matched."""

    handler: Handler
    variables: dict[str, str]
    template: str


class Routes(Generic[Handler]):
    """A table of routes, tried in the order of their registration.

    A template is a path with variables in braces: `{name}` is one segment, `{name:path}` any rest. Literal parts
    are compared regardless of case when `ignore_case` is set, as some vendors do.
    """

    def __init__(self, *, ignore_case: bool = False) -> None:
        self._flags = re.IGNORECASE if ignore_case else 0
        self.table: list[tuple[str, re.Pattern[str], str, Handler]] = []

    def add(self, method: str, template: str) -> Callable[[Handler], Handler]:
        """Register the decorated handler."""
        parts = re.split(r"\{(\w+(?::path)?)\}", template)
        pattern = "".join(_variable(part) if index % 2 else re.escape(part) for index, part in enumerate(parts))

        def register(handler: Handler) -> Handler:
            self.table.append((method, re.compile(pattern + "/?", self._flags), template, handler))
            return handler

        return register

    def include(self, other: "Routes[Handler]") -> None:
        """Append all routes of another table."""
        self.table += other.table

    def find(self, method: str, path: str) -> Match[Handler]:
        """Choose by method and path. Raises NoRoute or MethodNotAllowed."""
        allowed: list[str] = []
        for candidate, pattern, template, handler in self.table:
            found = pattern.fullmatch(path)
            if found is None:
                continue
            if candidate == method:
                variables = {name: unquote(value) for name, value in found.groupdict().items()}
                return Match(handler, variables, template)
            allowed.append(candidate)
        if allowed:
            raise MethodNotAllowed(tuple(dict.fromkeys(allowed)))
        raise NoRoute(path)


def _variable(part: str) -> str:
    name, _, kind = part.partition(":")
    return f"(?P<{name}>.+)" if kind else f"(?P<{name}>[^/]+)"


class LoopbackServer:
    """Serves `respond` on 127.0.0.1, in a thread of its own or in the running event loop.

    The port is chosen by the operating system unless one is named. With `certificate` and `key` (PEM files) the
    server speaks TLS. Start with either `start` or `start_here`; stop with the matching `stop` or `stop_here`.
    """

    def __init__(
        self,
        respond: Callable[[Request], Awaitable[Response]],
        *,
        port: int = 0,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        self._app = _Application(respond)
        self._tls = {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)} if certificate else {}
        self._wanted_port = port
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that is bound. Raises RuntimeError before the start."""
        if self._socket is None:
            raise RuntimeError("the server was not started")
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Scheme, host and port, without a trailing slash."""
        return f"{'https' if self._tls else 'http'}://{HOST}:{self.port}"

    def bind(self) -> None:
        """Take the port, so that `url` is known before the first request. Raises OSError when it is taken."""
        if self._socket is not None:
            return
        # The protocol is named because asyncio switches Nagle's delay off only where it sees TCP by name.
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((HOST, self._wanted_port))
        except OSError:
            bound.close()
            raise
        self._socket = bound

    def start(self) -> None:
        """Serve from a background thread; return when connections are accepted. Raises OSError, RuntimeError."""
        server, sockets = self._prepare()
        self._thread = threading.Thread(
            target=asyncio.run, args=(server.serve(sockets),), name=f"loopback-{self.port}", daemon=True
        )
        self._thread.start()
        if not server.accepting.wait(START_TIMEOUT_SECONDS):
            raise RuntimeError("the server did not start in time")

    def stop(self) -> None:
        """End `start`: cut what is in flight and return when the thread is gone."""
        if self._thread is not None and self._server is not None:
            self._server.end(self._app)
            self._thread.join(START_TIMEOUT_SECONDS)
        self._forget()

    async def start_here(self) -> None:
        """Serve from the running event loop; return when connections are accepted. Raises OSError."""
        server, sockets = self._prepare()
        self._task = asyncio.create_task(server.serve(sockets), name=f"loopback-{self.port}")
        accepting = asyncio.create_task(server.accepting_here.wait())
        await asyncio.wait({self._task, accepting}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            accepting.cancel()
            await self._task

    async def stop_here(self) -> None:
        """End `start_here`: cut what is in flight and return when the port is free."""
        if self._task is not None and self._server is not None:
            self._server.end(self._app)
            await self._task
        self._forget()

    def _prepare(self) -> tuple["_Server", list[socket.socket]]:
        if self._server is not None:
            raise RuntimeError("the server was started already")
        self.bind()
        assert self._socket is not None
        config = uvicorn.Config(
            self._app,
            http=_AbortableProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            **self._tls,  # type: ignore[arg-type]
        )
        self._server = _Server(config)
        return self._server, [self._socket]

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._server, self._thread, self._task = None, None, None, None


class _Server(uvicorn.Server):
    """A server inside a bigger program: it leaves the process's signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = threading.Event()
        self.accepting_here = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.accepting.set()
        self.accepting_here.set()

    async def main_loop(self) -> None:
        # The ticks of uvicorn's own loop come ten times a second, which idle simulators need not pay for.
        while not await self.on_tick(counter=0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), timeout=1.0)

    def end(self, app: "_Application") -> None:
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nothing is in flight any more
                self._loop.call_soon_threadsafe(self._cut, app)

    def _cut(self, app: "_Application") -> None:
        self._ended.set()
        app.cut_everything()
        for connection in list(self.server_state.connections):
            # Closing politely would wait for each client's TLS goodbye.
            connection.transport.abort()


class _AbortableProtocol(H11Protocol):
    """Gives each request the means to cut its connection without a byte of answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        app = self.app

        async def with_abort(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"] = {_ABORT: transport.abort}
            await app(scope, receive, send)

        self.app = with_abort


class _Application:
    """The ASGI side: reads the body, asks `respond`, sends or drops."""

    def __init__(self, respond: Callable[[Request], Awaitable[Response]]) -> None:
        self._respond = respond
        self._in_flight: set[asyncio.Task[Any]] = set()
        self._stopping = False

    def cut_everything(self) -> None:
        self._stopping = True
        for task in self._in_flight:
            task.cancel()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._in_flight.add(task)
        try:
            await self._serve(scope, receive, send)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            await _drop(scope, receive)
        finally:
            self._in_flight.discard(task)

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        body = await _body(receive)
        if body is None:
            await _drop(scope, receive)
            return
        response = await self._respond(_request(scope, body))
        if response.delay_seconds > 0:
            await asyncio.sleep(response.delay_seconds)
        if response.drop:
            await _drop(scope, receive)
            return
        headers = [
            (name.lower().encode(), value.encode("latin-1", "replace")) for name, value in response.headers.items()
        ]
        headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})


def _request(scope: Any, body: bytes) -> Request:
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
    )


async def _body(receive: Any) -> bytes | None:
    """Read the whole body; None when the caller went away or sent more than a simulator takes."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _drop(scope: Any, receive: Any) -> None:
    """Cut the connection and wait until the server noticed, so that it does not answer in our stead."""
    scope["extensions"][_ABORT]()
    while (await receive())["type"] != "http.disconnect":
        pass
