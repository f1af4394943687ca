"""Batches: many items, one call, a result for each."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from crossdock.durable.lanes.lane import Lane
from crossdock.durable.lanes.limits import CURRENT_PRIORITY, CURRENT_SINCE
from crossdock.durable.lanes.record import LaneClosed
from crossdock.kit.clock import MICROSECONDS, Instant, seconds_to_us

T = TypeVar("T")
R = TypeVar("R")


class _Item(Generic[T, R]):
    __slots__ = ("at", "future", "parent", "priority", "rank", "value")

    def __init__(self, value: T, priority: int, parent: str | None, at: Instant, rank: tuple[int, int]) -> None:
        self.value = value
        self.priority = priority
        self.parent = parent
        self.at = at
        self.rank = rank
        self.future: asyncio.Future[R] = asyncio.get_running_loop().create_future()

    def __lt__(self, other: "_Item[T, R]") -> bool:
        return self.rank < other.rank

    def settle(self, result: R | BaseException) -> None:
        if self.future.done():
            return
        if isinstance(result, BaseException):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


class Batcher(Generic[T, R]):
    """Groups what is submitted into calls of up to `batch_max` items.

    A batch asks for its way after `linger_seconds`, or as soon as it is full, and is made up only when the lane
    lets it go: so batches grow while the lane is busy. Items travel in the order of the lane, those of one
    parent (`parent_of`; None: no parent) never in two batches at a time.

    `call` gets the items and returns a result for each in the same order. An exception among the results is
    that item's alone; one that `call` raises is everybody's in the batch.
    """

    def __init__(
        self,
        lane: Lane,
        call: Callable[[list[T]], Awaitable[Sequence[R | Exception]]],
        batch_max: int,
        linger_seconds: float,
        parent_of: Callable[[T], str | None] | None = None,
    ) -> None:
        if batch_max < 1 or linger_seconds < 0:
            raise ValueError(f"batches of {batch_max} after {linger_seconds} s make no sense")
        self._lane = lane
        self._call = call
        self._batch_max = batch_max
        self._linger_us = seconds_to_us(linger_seconds)
        self._parent_of = parent_of
        self._step_us = seconds_to_us(lane.limits.ageing_step_seconds)
        self._order = 0
        self._pending: list[_Item[T, R]] = []
        self._aside: dict[str, list[_Item[T, R]]] = {}
        self._travelling: set[str] = set()
        self._asking: dict[asyncio.Task[None], int] = {}
        self._lingering: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, item: T, priority: int | None = None) -> R:
        """The result for `item`. Raises what befell it, or LaneClosed where it did not travel."""
        if priority is None:
            priority = CURRENT_PRIORITY.get()
        now = self._lane.clock.now()
        parent = self._parent_of(item) if self._parent_of else None
        self._order += 1
        since = min(CURRENT_SINCE.get() or now, now)
        entry = _Item[T, R](item, priority, parent, now, (since + priority * self._step_us, self._order))
        self._queue(entry)
        self._look()
        return await entry.future

    async def close(self) -> None:
        """Cancel what is under way and whoever waits."""
        for item in [*self._pending, *(item for items in self._aside.values() for item in items)]:
            item.future.cancel()
        self._pending.clear()
        self._aside.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _queue(self, item: _Item[T, R]) -> None:
        if item.parent is not None and item.parent in self._travelling:
            self._aside.setdefault(item.parent, []).append(item)
        else:
            heapq.heappush(self._pending, item)

    def _look(self) -> None:
        """Ask for a way if a batch is due and nobody as urgent asks already, or see to it that we look again."""
        while self._pending and self._pending[0].future.done():
            heapq.heappop(self._pending)
        if not self._pending:
            return
        priority = min(item.priority for item in self._pending) if self._asking else 0
        if self._asking and min(self._asking.values()) <= priority:
            return
        now = self._lane.clock.now()
        due_at = min(item.at for item in self._pending) + self._linger_us
        if len(self._pending) < self._batch_max and now < due_at:
            if self._lingering is None:
                self._lingering = self._begin(self._linger(due_at - now))
            return
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        priority = min(item.priority for item in self._pending)
        batch: list[_Item[T, R]] = []
        self._asking[self._begin(self._travel(batch, priority))] = priority

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=f"batch-{self._lane.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _linger(self, microseconds: int) -> None:
        await self._lane.clock.sleep(microseconds / MICROSECONDS)
        self._lingering = None
        self._look()

    async def _travel(self, batch: list[_Item[T, R]], priority: int) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            results = await self._lane.call(partial(self._send, batch, task), priority=priority)
        except asyncio.CancelledError:
            for item in batch:
                item.future.cancel()
            raise
        except (Exception, LaneClosed) as error:  # noqa: BLE001 - whatever it is, it belongs to those who submitted
            self._asking.pop(task, None)
            for item in batch or self._send_back():
                item.settle(error)
        else:
            for item, result in zip(batch, results, strict=True):
                item.settle(result)
        finally:
            self._asking.pop(task, None)
            self._arrive(batch)

    async def _send(self, batch: list[_Item[T, R]], task: asyncio.Task[None]) -> Sequence[R | Exception]:
        """The way is free: make up the batch from what is pending by now, and go."""
        del self._asking[task]
        while self._pending and len(batch) < self._batch_max:
            item = heapq.heappop(self._pending)
            if not item.future.done():
                batch.append(item)
        self._travelling.update(item.parent for item in batch if item.parent is not None)
        left, self._pending = self._pending, []
        for item in left:
            self._queue(item)
        if not self._pending:
            for other in self._asking:
                other.cancel()
        self._look()
        if not batch:
            return []
        results = await self._call([item.value for item in batch])
        if len(results) != len(batch):
            raise RuntimeError(f"{self._lane.name}: {len(batch)} items went out, {len(results)} results came back")
        return results

    def _send_back(self) -> list[_Item[T, R]]:
        """The lane takes nothing: everybody who could have travelled."""
        pending, self._pending = self._pending, []
        return pending

    def _arrive(self, batch: list[_Item[T, R]]) -> None:
        """The batch ended: its parents' other items may travel."""
        for parent in {item.parent for item in batch if item.parent is not None}:
            self._travelling.discard(parent)
            for item in self._aside.pop(parent, ()):
                self._queue(item)
        self._look()
