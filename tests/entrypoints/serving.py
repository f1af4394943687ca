"""A hub behind a real socket, for what only a real server can show."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from crossdock.bootstrap.hub import Hub
from crossdock.entrypoints.api.app import serve


@asynccontextmanager
async def served(hub: Hub) -> AsyncIterator[tuple[str, asyncio.Event, "asyncio.Task[None]"]]:
    """Its address, the event that stops it, and the task that serves."""
    stop, up = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.ensure_future(serve(hub, "127.0.0.1", 0, stop=stop, started=up.set_result))
    await asyncio.wait({up, serving}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    try:
        yield up.result(), stop, serving
    finally:
        stop.set()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(serving, 15)
