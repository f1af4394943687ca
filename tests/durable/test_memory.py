"""What has ended is gone at once: all garbage is collected seldom, and a backlog must not pile up until then."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from tests.durable.conftest import Begin
from tests.durable.recipes import World, a_process

from crossdock.durable.records import RunState
from crossdock.durable.run import Run
from crossdock.kit.errors import CrossdockError, Rejected, Unavailable

pytestmark = pytest.mark.anyio
SWITCHES_MAX = 20


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Nothing is freed but by reference count."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    ("befalls", "state"),
    [(None, RunState.DONE), (Unavailable, RunState.WAITING), (Rejected, RunState.PARKED)],
    ids=["done", "waits", "parked"],
)
async def test_a_run_that_is_over_or_waits_leaves_nothing_in_memory(
    begin: Begin, world: World, befalls: type[CrossdockError] | None, state: RunState
) -> None:
    runs: list[weakref.ref[Run]] = []

    async def body(run: Run, _value: Any) -> None:
        runs.append(weakref.ref(run))

        async def write(key: str) -> str:
            if befalls is not None:
                raise befalls("on purpose", code="x", system="world")
            return str(await world.write(run.run_id, key))

        await run.step("write", write, returns=str, undo=lambda key: world.undo(run.run_id, key))

    engine = await begin(process := a_process(body))
    assert (await engine.go(process, "1", "1")).state is state
    for _ in range(SWITCHES_MAX):  # the task's own end takes a turn of the loop
        await asyncio.sleep(0)
    assert [run() for run in runs] == [None]
