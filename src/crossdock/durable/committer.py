"""Group commit: many runs' records become durable in one transaction.

Whatever is pending when the store is free goes as one batch. Nothing lingers: alone, a commit is made at
once; under load, batches grow by themselves and the cost per record falls.
"""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field

from crossdock.durable.records import Commit, Outcome
from crossdock.durable.store import Store, StoreUnavailable
from crossdock.kit.clock import Clock
from crossdock.kit.failpoints import failpoint

BATCH_MAX = 400
RETRY_SECONDS_FIRST = 0.05
RETRY_SECONDS_MAX = 2.0


@dataclass
class CommitterFigures:
    """What the committer did: transactions, records, and store outages it sat through."""

    transactions: int = 0
    commits: int = 0
    outages: int = 0
    batch_sizes: deque[int] = field(default_factory=lambda: deque(maxlen=256))


class Committer:
    """Gathers commits and applies them in batches; `submit` returns when the commit is durable."""

    def __init__(self, store: Store, clock: Clock, *, batch_max: int = BATCH_MAX) -> None:
        self._store = store
        self._clock = clock
        self._batch_max = batch_max
        self._pending: deque[tuple[Commit, asyncio.Future[Outcome]]] = deque()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.figures = CommitterFigures()

    @property
    def backlog(self) -> int:
        """Commits that wait for the store."""
        return len(self._pending)

    def start(self) -> None:
        """Begin to apply."""
        self._loop = asyncio.get_running_loop()  # asking for it costs more than making a future
        self._task = self._loop.create_task(self._apply_forever(), name="committer")

    async def close(self) -> None:
        """Apply what is pending and stop. Where the store does not answer then, what is pending fails."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def abort(self) -> None:
        """Stop at once, as a crash would; what is pending is lost to its waiters."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def submit(self, commit: Commit) -> asyncio.Future[Outcome]:
        """Queue `commit`; the future yields its outcome once it is durable, or was refused."""
        loop = self._loop or asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._pending.append((commit, future))
        self._wake.set()
        return future

    async def _apply_forever(self) -> None:
        while True:
            if not self._pending:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                # Let everybody who became ready in the same turn of the loop join the batch.
                await asyncio.sleep(0)
                continue
            batch = self._take()
            failpoint("committer.batch_taken")
            await self._apply(batch)

    def _take(self) -> list[tuple[Commit, asyncio.Future[Outcome]]]:
        """The next batch: at most one commit per run, the rest keeps its turn."""
        batch: list[tuple[Commit, asyncio.Future[Outcome]]] = []
        runs: set[str] = set()
        held_back: list[tuple[Commit, asyncio.Future[Outcome]]] = []
        while self._pending and len(batch) < self._batch_max:
            item = self._pending.popleft()
            run_id = item[0].run_id
            if run_id and run_id in runs:
                held_back.append(item)
                continue
            runs.add(run_id)
            batch.append(item)
        self._pending.extendleft(reversed(held_back))
        return batch

    async def _apply(self, batch: list[tuple[Commit, asyncio.Future[Outcome]]]) -> None:
        wait_seconds = RETRY_SECONDS_FIRST
        while True:
            try:
                outcomes = await self._store.apply([commit for commit, _ in batch], self._clock.now())
            except StoreUnavailable as outage:
                # Nobody may go on as if it were written: everything waits for the database, in order.
                self.figures.outages += 1
                failpoint("committer.outage")
                if self._closing:
                    _fail(batch, outage)
                    return
                await self._clock.sleep(wait_seconds)
                wait_seconds = min(wait_seconds * 2, RETRY_SECONDS_MAX)
            except Exception as error:  # noqa: BLE001 - one record the database cannot take must not stop the others
                await self._isolate(batch, error)
                return
            else:
                break
        failpoint("committer.applied")
        self.figures.transactions += 1
        self.figures.commits += len(batch)
        self.figures.batch_sizes.append(len(batch))
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if not future.done():
                future.set_result(outcome)
        failpoint("committer.told")

    async def _isolate(self, batch: list[tuple[Commit, asyncio.Future[Outcome]]], error: Exception) -> None:
        """Halve the batch until the record that cannot be applied fails alone."""
        if len(batch) == 1:
            _fail(batch, error)
            return
        half = len(batch) // 2
        await self._apply(batch[:half])
        await self._apply(batch[half:])


def _fail(batch: list[tuple[Commit, asyncio.Future[Outcome]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
