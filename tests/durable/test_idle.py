"""An idle hub leaves the database alone, and still takes up at once what others start."""

import asyncio
from typing import Any

import pytest
from tests.durable.recipes import World, a_process
from tests.engine import Engine, engine_with
from tests.hubs import eventually
from tests.stores import Stores

from crossdock.durable.news import SAFETY_SECONDS, Bell
from crossdock.durable.process import Process
from crossdock.durable.records import Commit, RunState
from crossdock.durable.relay import Subscription
from crossdock.durable.run import Run
from crossdock.durable.worker import LEASE_SECONDS
from crossdock.kit.clock import ManualClock
from crossdock.kit.errors import Unavailable
from crossdock.storage.sql_store import SqlStore

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

RELAYS = 2
BEATS_PER_MINUTE = 3 * 60 / LEASE_SECONDS
LOOKS_PER_MINUTE = 60 / SAFETY_SECONDS
ASKED_PER_MINUTE_MAX = BEATS_PER_MINUTE + 1 + (2 + RELAYS) * (LOOKS_PER_MINUTE + 1)
"""Beats, one look for strangers, and the safety looks of worker, lanes and relays, one more each for the rim."""


class Counted:
    """A store, and how often it went to the database."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.asked = 0
        for name in ("_transact", "_look"):
            setattr(store, name, self._counting(getattr(store, name)))

    def _counting(self, method: Any) -> Any:
        def counted(work: Any) -> Any:
            self.asked += 1
            return method(work)

        return counted


@pytest.fixture
async def listening(postgres_only: Stores) -> SqlStore:
    store = await postgres_only.open()
    await store.listen()

    async def hears() -> bool:
        return store.news.heard

    await eventually(hears)
    return store


def a_reading(world: World) -> Process[Any]:
    async def body(run: Run, _value: Any) -> None:
        await run.step("read", lambda _key: world.read("read"), returns=str)

    return a_process(body)


async def is_done(engine: Engine) -> bool:
    return (await engine.view("p/1")).state is RunState.DONE


async def pass_quietly(clock: ManualClock, seconds: float) -> None:
    """Let time pass in small steps, and everything happen that is due, without waking anybody."""
    for _ in range(round(seconds * 4)):
        clock.advance(0.25)
        await asyncio.sleep(0.003)


async def test_an_idle_worker_asks_the_database_every_few_seconds_only(
    listening: SqlStore, postgres_only: Stores, world: World
) -> None:
    async def deliver(_events: Any) -> Any:
        return ()

    clock, process = postgres_only.clock, a_reading(world)
    async with engine_with(listening, clock, process, lease_seconds=LEASE_SECONDS) as engine:
        for number in range(RELAYS):
            engine.subscribe(Subscription(f"reader-{number}", deliver))
        await pass_quietly(engine.clock, 60)
        counted = Counted(listening)
        await pass_quietly(engine.clock, 60)
        assert 0 < counted.asked <= ASKED_PER_MINUTE_MAX


async def test_what_another_process_starts_is_taken_up_without_time_passing(
    listening: SqlStore, postgres_only: Stores, world: World
) -> None:
    process, other = a_reading(world), await postgres_only.open()
    async with engine_with(listening, postgres_only.clock, process) as engine:
        await pass_quietly(engine.clock, 1)
        await other.apply([Commit(starts=(process.start("1", "1"),))], engine.clock.now())
        await eventually(lambda: is_done(engine))


async def test_a_timer_is_heeded_when_it_is_due_also_by_a_worker_that_did_not_set_it(
    listening: SqlStore, postgres_only: Stores, world: World
) -> None:
    process, other = a_reading(world), await postgres_only.open()
    world.faults = [Unavailable("x", code="x", retry_after_seconds=5.0)]
    async with engine_with(other, postgres_only.clock, process) as first:
        assert (await first.go(process, "1", "1")).wake_at
    async with engine_with(listening, postgres_only.clock, process) as engine:
        await pass_quietly(engine.clock, 4.5)
        assert (await engine.view("p/1")).state == "waiting"
        await pass_quietly(engine.clock, 1)
        await eventually(lambda: is_done(engine))


async def test_a_ring_that_nobody_waits_for_is_heard_by_who_comes_next() -> None:
    bell, clock = Bell(), ManualClock()
    bell.ring()
    assert await bell.wait(clock, 60)
    bell.hush()
    waiting = asyncio.ensure_future(bell.wait(clock, 60))
    await asyncio.sleep(0.01)
    assert clock._sleepers
    clock.advance(61)
    assert not await waiting
