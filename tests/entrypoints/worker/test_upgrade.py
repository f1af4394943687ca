"""Release N-1 gives way to N while runs are in flight: side by side on one database, one worker after the other.

Once they are asked to stop, and once they are killed with whatever they have under way. `make upgrade` does it
with 2,000 runs; here there are few.
"""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from tests.entrypoints.worker.release import NAME, STEPS, WORLD, recipe
from tests.hubs import eventually

from crossdock.durable.records import Commit, RunState
from crossdock.kit.clock import SystemClock
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.sql_store import SqlStore

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

SECONDS_PER_RUN, SECONDS_AT_LEAST = 0.25, 90.0
OLD, NEW = 1, 2


class Worker:
    """A worker of one of the releases."""

    def __init__(self, version: int, dsn: str) -> None:
        command = (sys.executable, "-m", "tests.entrypoints.worker.release", str(version), dsn)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "up\n"

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0

    def die(self) -> None:
        """What it had under way stays as it is until its lease is over."""
        self.process.kill()
        self.process.wait()


End = Callable[[Worker], None]


@contextmanager
def workers() -> Iterator[list[Worker]]:
    started: list[Worker] = []
    try:
        yield started
    finally:
        for worker in started:
            worker.process.kill()
            worker.process.communicate()


@pytest.fixture
def runs(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--upgrade-runs"))


async def start(store: SqlStore, version: int, numbers: range) -> None:
    """As the hub of that release does it, for whichever worker may."""
    process = recipe(version)
    for first in range(numbers.start, numbers.stop, 200):
        part = range(first, min(first + 200, numbers.stop))
        starts = tuple(process.start(str(number), number) for number in part)
        await store.apply([Commit(starts=starts)], SystemClock().now())


async def finished(store: SqlStore, count: int) -> bool:
    return (await store.count_runs()).get(RunState.DONE, 0) >= count


@pytest.mark.timeout(1_800)  # with 2,000 runs; `patience` says sooner that one of them stands still
@pytest.mark.parametrize("end", [Worker.end, Worker.die], ids=["asked to stop", "killed"])
async def test_nothing_is_lost_or_doubled_while_workers_are_replaced_one_after_the_other(
    postgres_dsn: str, runs: int, end: End
) -> None:
    store = PostgresStore(postgres_dsn, SystemClock())
    await store.open()
    patience = SECONDS_AT_LEAST + runs * SECONDS_PER_RUN
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        admin.execute(WORLD)
    half, part = runs // 2, max(1, runs // 10)
    with workers() as crew:

        async def join(version: int) -> Worker:
            crew.append(await asyncio.to_thread(Worker, version, postgres_dsn))
            return crew[-1]

        first, second = await join(OLD), await join(OLD)
        await start(store, OLD, range(half))
        await eventually(lambda: finished(store, part), within_seconds=patience)
        newcomer = await join(NEW)  # it migrates the database under those that are at work
        await start(store, NEW, range(half, runs))
        await asyncio.to_thread(end, first)
        await eventually(lambda: finished(store, 3 * part), within_seconds=patience)
        third = await join(OLD)  # one of the old ones is restarted, on what is now a newer database
        await join(NEW)
        await asyncio.to_thread(end, second)
        await eventually(lambda: finished(store, 6 * part), within_seconds=patience)
        await asyncio.to_thread(end, third)
        if end is Worker.die:
            await join(NEW)
            await asyncio.to_thread(end, newcomer)
        await eventually(lambda: finished(store, runs), within_seconds=patience)
    assert await store.count_runs() == {RunState.DONE: runs}
    await store.close()
    check_the_world(postgres_dsn, runs, half)


def check_the_world(dsn: str, runs: int, half: int) -> None:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT run_id, step, version FROM world ORDER BY id").fetchall()
        added = connection.execute("SELECT to_regclass('added_by_n') IS NOT NULL").fetchone()
    assert added == (True,)
    did: dict[str, list[tuple[str, int]]] = {f"{NAME}/{number}": [] for number in range(runs)}
    for run_id, step, version in rows:
        did[run_id].append((step, version))
    assert not [run_id for run_id, writes in did.items() if not {"hold", "submit"} <= {step for step, _ in writes}]
    assert not {pair: n for pair, n in Counter((run_id, step) for run_id, step, _ in rows).items() if n > 1}
    for number in range(runs):
        versions = [version for _, version in did[f"{NAME}/{number}"]]
        assert versions == sorted(versions), "an old worker went on with what a new one had carried on"
        if number >= half:
            assert set(versions) == {NEW}, "an old worker took what it does not know"
        if set(versions) == {NEW}:
            assert [step for step, _ in did[f"{NAME}/{number}"]] == list(STEPS[NEW])
    assert {version for _, _, version in rows} == {OLD, NEW}
