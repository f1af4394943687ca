"""The engine on both databases."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.durable.recipes import World
from tests.engine import Engine, engine_with
from tests.stores import Stores

from crossdock.durable.process import Process

Begin = Callable[..., Awaitable[Engine]]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def begin(stores: Stores) -> Any:
    """`await begin(process, ...)`: an engine at work."""
    async with AsyncExitStack() as stack:

        async def begin(*processes: Process[Any], **facts: Any) -> Engine:
            store = await stores.open()
            return await stack.enter_async_context(engine_with(store, stores.clock, *processes, **facts))

        yield begin
