"""The test of the tests, where a storm would need luck: the moment that matters is held open by hand.

Each is done twice: with the guarantee nothing is wrong, without it the same moment is found out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from bench.crash import mutants
from bench.crash.mutants import Mutant
from tests.durable.recipes import a_process, told
from tests.engine import engine_with
from tests.stores import Stores

from crossdock.durable.records import Commit, Outcome, RunState
from crossdock.durable.run import Run
from crossdock.kit.clock import Instant
from crossdock.storage.sql_store import SqlStore

pytestmark = [pytest.mark.anyio, pytest.mark.crash, pytest.mark.mutants]

Break = Callable[[Mutant], None]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Switch a guarantee off, in this process and for this test."""
    monkeypatch.setattr(mutants, "put", monkeypatch.setattr)
    return lambda mutant: mutants.MUTANTS[mutant]() if mutant else None


async def announce(run: Run, _value: Any) -> None:
    run.publish(told("done"))


PROCESS = a_process(announce)


class Held:
    """Lets what is called through it begin, and go on only when it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = asyncio.Event(), asyncio.Event()

    async def wait(self, *_: object) -> None:
        self.begun.set()
        await self.let_go.wait()


async def told_of(store: SqlStore) -> list[str]:
    return [event.type for event in await store.read_events(0, 100)]


@pytest.mark.postgres
@pytest.mark.parametrize(("mutant", "times"), [("", 1), ("fencing", 2)])
async def test_who_writes_for_a_run_it_lost_is_found_out(
    postgres_only: Stores, broken: Break, monkeypatch: pytest.MonkeyPatch, mutant: Mutant, times: int
) -> None:
    """A worker stands still with its last commit in hand until its lease is over; another finishes the run."""
    broken(mutant)
    mine, yours = await postgres_only.open(), await postgres_only.open()
    held, apply = Held(), mine.apply

    async def apply_late(commits: Sequence[Commit], now: Instant) -> Sequence[Outcome]:
        if any(commit.events for commit in commits):
            await held.wait()
        return await apply(commits, now)

    monkeypatch.setattr(mine, "apply", apply_late)
    async with engine_with(mine, postgres_only.clock, PROCESS) as first:
        run_id = await first.start(PROCESS, "1", "1")
        await first.until(held.begun.is_set)
        await first.worker.abort()
        await yours.retire(first.worker.worker_id, postgres_only.clock.now())
        async with engine_with(yours, postgres_only.clock, PROCESS) as second:
            await second.settle()
            assert (await second.view(run_id)).state is RunState.DONE
            assert await told_of(yours) == ["done"]
            held.let_go.set()
            await first.committer.close()
            assert await told_of(yours) == ["done"] * times


@pytest.mark.parametrize(("mutant", "times"), [("", 1), ("outbox", 0)])
async def test_who_publishes_apart_from_its_work_is_found_out(
    stores: Stores, broken: Break, monkeypatch: pytest.MonkeyPatch, mutant: Mutant, times: int
) -> None:
    """A worker dies as soon as a run's last commit is in the database; another looks whether anything is left."""
    broken(mutant)
    store, held = await stores.open(), Held()
    write: Callable[[Any], Awaitable[Any]] = store._write

    async def write_and_stand_still(work: Any) -> Any:
        found = await write(work)
        if held.begun.is_set() or not (await store.count_runs()).get("done"):
            return found
        await held.wait()
        return found

    monkeypatch.setattr(store, "_write", write_and_stand_still)
    async with engine_with(store, stores.clock, PROCESS) as engine:
        run_id = await engine.start(PROCESS, "1", "1")
        await engine.until(held.begun.is_set)
        await engine.crash()
        await engine.begin()
        await engine.settle()
        assert (await engine.view(run_id)).state is RunState.DONE
        assert await told_of(store) == ["done"] * times
