"""The memory ERP as a server on loopback, and the surfaces that docks in this process share by name."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from crossdock.adapters.memory.simulator.control import PREFIX, Control
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.ports.manifest import Progress
from crossdock.transport.loopback import LoopbackServer, Request, Response

_shared: dict[str, Surface] = {}


def shared_surface(name: str) -> Surface:
    """The surface that goes by this name in this process; a new one with the standard estate at first."""
    return _shared.get(name) or _shared.setdefault(name, Surface())


def share_surface(name: str, surface: Surface | None) -> None:
    """Let `surface` go by this name, or nothing any more."""
    if surface is None:
        _shared.pop(name, None)
    else:
        _shared[name] = surface


class MemoryErp:
    """Serves a surface and its control endpoints over HTTP, from the running event loop.

    It can go down, so that connections are refused, and come back at the same address. Put another `surface` in
    its place to begin afresh.
    """

    def __init__(self, surface: Surface, *, port: int = 0) -> None:
        self.surface = surface
        self._control = Control(lambda: self.surface, self._go_down_for)
        self._server = LoopbackServer(self._respond, port=port)
        self._port = port
        self._outage: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it answers (also while it is down)."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Answer from now on."""
        await self._server.start_here()
        self._port = self._server.port

    async def stop(self) -> None:
        """Answer no more; stopping twice is fine."""
        if self._outage is not None:
            self._outage.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._outage
            self._outage = None
        await self._server.stop_here()

    async def go_down(self) -> None:
        """Refuse connections until `come_back`."""
        await self._server.stop_here()

    async def come_back(self) -> None:
        """Answer at the same address again."""
        self._server = LoopbackServer(self._respond, port=self._port)
        await self._server.start_here()

    def _go_down_for(self, seconds: float) -> None:
        async def outage() -> None:
            await asyncio.sleep(0.05)  # the control request still gets its answer
            await self.go_down()
            await asyncio.sleep(seconds)
            await self.come_back()

        if self._outage is None or self._outage.done():
            self._outage = asyncio.create_task(outage())

    async def _respond(self, request: Request) -> Response:
        if request.path.startswith(PREFIX):
            return await self._control.respond(request)
        return await self.surface.respond(request)


class LocalMemory:
    """Starts a memory ERP on this machine. `unique_reference` and `secret` are what the surface takes."""

    def __init__(self, *, unique_reference: bool = True, secret: str = "memory-secret", port: int = 0) -> None:  # noqa: S107 - a key to nothing
        self.surface = Surface(unique_reference=unique_reference, secret=secret)
        self._secret = secret
        self._unique_reference = unique_reference
        self._server = MemoryErp(self.surface, port=port)

    async def start(self, progress: Progress | None = None) -> Mapping[str, Any]:
        """Start and return the dock's settings."""
        await self._server.start()
        if progress is not None:
            progress("start the memory ERP", 1, 1)
        return {"url": self._server.url, "secret": self._secret, "unique_reference": self._unique_reference}

    async def stop(self) -> None:
        """Stop it; stopping twice is fine."""
        await self._server.stop()
