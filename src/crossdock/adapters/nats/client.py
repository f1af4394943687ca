"""One connection to NATS, made when it is needed; nothing is retried in here.

The library's own reconnection is off: while it runs, a call neither fails nor ends, and the lane, whose task it is
to notice that a system is away, would notice nothing.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import nats.errors
from nats.aio.client import Client as Connection
from nats.js import JetStreamContext

from crossdock.adapters.nats.failures import ConnectionGone, failure, is_refusal, not_connected, refused
from crossdock.adapters.nats.settings import NatsSettings
from crossdock.kit.errors import Misconfigured

T = TypeVar("T")
RETRY_SECONDS = 0.1


class Client:
    """Calls JetStream. Raises what `failures` names."""

    def __init__(self, settings: NatsSettings) -> None:
        self._settings = settings
        self._connecting = asyncio.Lock()
        self._connection: Connection | None = None
        self._gone = asyncio.Event()
        self._refused = False
        self.epoch = 0
        """Counts connections: what was found out on one is asked anew on the next."""

    async def open(self) -> None:
        """Connect; opening what is open does nothing. Raises NotAuthorized, Unavailable or Misconfigured."""
        await self._connected()

    async def close(self) -> None:
        """Disconnect; closing twice is fine."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):  # a connection that is broken cannot be closed politely
                await connection.close()

    @property
    def version(self) -> tuple[int, ...]:
        """The server's version, as far as it is a number."""
        assert self._connection is not None
        said = self._connection.connected_server_version
        return (int(said.major), int(said.minor), int(said.patch))

    async def call(self, ask: Callable[[JetStreamContext], Awaitable[T]], *, writes: bool = False) -> T:
        """Ask JetStream; an answer that cannot come any more, since the connection is gone, is not waited for."""
        connection = await self._connected()
        gone = self._gone
        asking = asyncio.ensure_future(ask(connection.jetstream(timeout=self._settings.timeout_seconds)))
        parting = asyncio.ensure_future(gone.wait())
        try:
            await asyncio.wait({asking, parting}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise failure(error, writes=writes) from None
        finally:
            for waiting in (asking, parting):
                waiting.cancel()
            await asyncio.gather(asking, parting, return_exceptions=True)
        raise refused() if self._refused else failure(ConnectionGone(), writes=writes)

    async def _connected(self) -> Connection:
        async with self._connecting:
            if self._connection is not None and self._connection.is_connected and not self._gone.is_set():
                return self._connection
            await self.close()
            connection, gone = Connection(), asyncio.Event()
            self._gone, self._refused = gone, False
            try:
                async with asyncio.timeout(self._settings.connect_seconds):
                    await connection.connect(**self._options(gone))
            except (nats.errors.Error, TimeoutError, OSError) as error:
                with contextlib.suppress(Exception):  # the library may leave half a connection behind
                    await connection.close()
                raise (refused() if self._refused else not_connected(error)) from None
            self._connection = connection
            self.epoch += 1
            return connection

    def _options(self, gone: asyncio.Event) -> dict[str, Any]:
        settings = self._settings

        async def heard(error: Exception) -> None:
            """The server's complaints come outside of any call; one about our rights ends the connection."""
            if is_refusal(error):
                self._refused = True
                gone.set()

        async def parted() -> None:
            gone.set()

        options: dict[str, Any] = {
            "servers": list(settings.servers),
            "name": "crossdock",
            "allow_reconnect": False,
            "max_reconnect_attempts": 1,  # while it connects the library would try a server for minutes
            "reconnect_time_wait": RETRY_SECONDS,
            "connect_timeout": settings.connect_seconds,
            "error_cb": heard,
            "disconnected_cb": parted,
            "closed_cb": parted,
        }
        if settings.user:
            options["user"] = settings.user
        if settings.password is not None:
            options["password"] = settings.password.reveal()
        if settings.token is not None:
            options["token"] = settings.token.reveal()
        if settings.tls_ca_file:
            options["tls"] = _tls(settings.tls_ca_file)
        return options


def _tls(authority: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise Misconfigured(
            "the file of the certificate authority cannot be read", code="certificate-unreadable", system="nats"
        ) from error
