"""What taking up runs costs the store, and in which order they come: nothing else is at work."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import quantiles

from bench.backlog.fill import Backlog
from crossdock.durable.records import READY_QUEUE, ClaimedRun, Commit, Known, RunState, Transition
from crossdock.kit.clock import Instant, SystemClock
from crossdock.storage.batch import PRIORITY_STEP_US
from crossdock.storage.sql_store import SqlStore

WORKER = "bench"
LEASE_US = 3_600_000_000
CLAIMS = 80
RUNS_A_CLAIM = 10
TURNS = 80

KNOWN: Known = {("order_submission", 1): 1, ("bench", 1): 1}
"""Whatever `Backlog` writes."""

Fill = Callable[[Backlog, Instant], None]


@dataclass(frozen=True)
class Claims:
    """Milliseconds for a claim of ten runs, and whether the runs came as they rank."""

    milliseconds: float
    in_order: bool


@dataclass
class Taken:
    """What one store gave so far."""

    store: SqlStore
    milliseconds: list[float] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)

    def claims(self) -> Claims:
        """In sum."""
        return Claims(_undisturbed(self.milliseconds), in_order=self.ranks == sorted(self.ranks))


async def measure_claims(backlogs: Sequence[tuple[SqlStore, Fill]]) -> list[Claims]:
    """Claims from stores with these backlogs, in turns, so that whatever the machine does meets all."""
    async with AsyncExitStack() as stack:
        all_taken = [Taken(await stack.enter_async_context(opened(store, fill))) for store, fill in backlogs]
        for _ in range(CLAIMS):
            for taken in all_taken:
                began = time.perf_counter()
                runs = await taken.store.claim(WORKER, KNOWN, {READY_QUEUE: RUNS_A_CLAIM}, SystemClock().now())
                taken.milliseconds.append((time.perf_counter() - began) * 1_000)
                taken.ranks += [_rank(run) for run in runs]
        return [
            Claims(_undisturbed(taken.milliseconds), taken.ranks == sorted(taken.ranks)) for taken in all_taken
        ]


async def measure_turns(backlogs: Sequence[tuple[SqlStore, Fill]]) -> list[float]:
    """Milliseconds for a hot subject's run to be taken up and ended, and the next one called."""
    async with AsyncExitStack() as stack:
        all_taken = [Taken(await stack.enter_async_context(opened(store, fill))) for store, fill in backlogs]
        for _ in range(TURNS):
            for taken in all_taken:
                now = SystemClock().now()
                began = time.perf_counter()
                [run] = await taken.store.claim(WORKER, KNOWN, {READY_QUEUE: RUNS_A_CLAIM}, now)
                end = Transition(state=RunState.DONE, result=b"{}")
                await taken.store.apply([Commit(run_id=run.run_id, epoch=run.epoch, transition=end)], now)
                taken.milliseconds.append((time.perf_counter() - began) * 1_000)
        return [_undisturbed(taken.milliseconds) for taken in all_taken]


@asynccontextmanager
async def opened(store: SqlStore, fill: Fill) -> AsyncIterator[SqlStore]:
    """A fresh store with its backlog, and one worker registered."""
    now = SystemClock().now()
    await store.open()
    try:
        fill(Backlog(store.url), now)
        await store.register(WORKER, KNOWN, now, now + LEASE_US)
        yield store
        await store.retire(WORKER, SystemClock().now())  # what it took is ready again
    finally:
        await store.close()


def _undisturbed(milliseconds: Sequence[float]) -> float:
    """The lower quartile: what a busy machine disturbs least."""
    return quantiles(milliseconds, n=4)[0]


def _rank(run: ClaimedRun) -> int:
    """As `Backlog.ready` ranks them: by number, and a step later for each step of priority."""
    return int(run.run_id.rpartition("-")[2]) + run.priority * PRIORITY_STEP_US
