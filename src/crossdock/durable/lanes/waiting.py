"""The calls that wait in memory: in order of rank, one at a time per parent, and not too many."""

import asyncio
import heapq
from collections.abc import Iterable

from crossdock.durable.lanes.limits import LaneLimits
from crossdock.durable.lanes.record import LaneClosed
from crossdock.kit.clock import Instant, seconds_to_us

JUNK_MIN = 64


class Waiter:
    """One call that waits. Its rank never changes: when its work began, and later by a step per lack of urgency.

    So less urgent work is overtaken by what begins within its steps, and by nothing else.
    """

    __slots__ = ("cancelled", "future", "granted", "order", "parent", "priority", "probe", "rank", "refused")

    def __init__(self, priority: int, parent: str | None, rank: int, order: int) -> None:
        self.priority = priority
        self.parent = parent
        self.rank = rank
        self.order = order
        self.probe = False
        self.granted = False
        self.cancelled = False
        self.refused: LaneClosed | None = None
        self.future: asyncio.Future[None] | None = None

    def __lt__(self, other: "Waiter") -> bool:
        return (self.rank, self.order) < (other.rank, other.order)

    @property
    def waits(self) -> bool:
        """Whether its fate is open."""
        return not self.granted and not self.cancelled and self.refused is None

    async def wait(self) -> None:
        """Return when the call may start. Raises LaneClosed when it may not, and CancelledError."""
        if self.waits:
            self.future = asyncio.get_running_loop().create_future()
            await self.future
        if self.refused is not None:
            raise self.refused.again()

    def grant(self, *, probe: bool) -> None:
        """Let it start."""
        self.granted, self.probe = True, probe
        self._wake()

    def refuse(self, closed: LaneClosed) -> None:
        """Send it back."""
        self.refused = closed
        self._wake()

    def _wake(self) -> None:
        if self.future is not None and not self.future.done():
            self.future.set_result(None)


class WaitingRoom:
    """All waiters of a lane on one worker. Those whose parent is busy stand aside until it is free."""

    def __init__(self, limits: LaneLimits) -> None:
        self._step_us = seconds_to_us(limits.ageing_step_seconds)
        self._waiting_max = limits.waiting_max
        self._order = 0
        self._heap: list[Waiter] = []
        self._aside: dict[str, list[Waiter]] = {}
        self._bound: Waiter | None = None
        self.busy: set[str] = set()
        self.count = 0

    @property
    def is_clear(self) -> bool:
        """Whether nobody stands before a newcomer. False says only that there may be somebody."""
        return not self._heap

    def enter(self, priority: int, parent: str | None, since: Instant) -> tuple[Waiter, Waiter | None]:
        """A new waiter whose work began `since`, and the one to refuse for it: the last of all, perhaps itself."""
        self._order += 1
        waiter = Waiter(priority, parent, since + priority * self._step_us, self._order)
        evicted = self._last_of_all(waiter) if self.count >= self._waiting_max else None
        self.count += 1
        if evicted is not waiter:
            heapq.heappush(self._heap, waiter)
            if self._bound is None or self._bound < waiter:
                self._bound = waiter
        return waiter, evicted

    def _last_of_all(self, newcomer: Waiter) -> Waiter:
        """Who ranks last. Nobody here ranks behind the bound, so that mostly nobody needs to be looked at."""
        if self._bound is not None and self._bound < newcomer:
            return newcomer
        self._bound = max(waiter for waiter in self._everybody() if waiter.waits)
        return max(self._bound, newcomer)

    def _everybody(self) -> Iterable[Waiter]:
        yield from self._heap
        for waiters in self._aside.values():
            yield from waiters

    def begun_before(self, instant: Instant) -> int:
        """How many wait whose work began before that."""
        step_us = self._step_us
        return sum(1 for one in self._everybody() if one.waits and one.rank - one.priority * step_us < instant)

    def first(self) -> Waiter | None:
        """Whose turn it is, among those whose parent is free."""
        heap = self._heap
        while heap:
            waiter = heap[0]
            if waiter.waits and waiter.parent not in self.busy:
                return waiter
            heapq.heappop(heap)
            if waiter.parent is not None:
                if waiter.waits:
                    heapq.heappush(self._aside.setdefault(waiter.parent, []), waiter)
                else:
                    self._call_next(waiter.parent)
        return None

    def parent_freed(self, parent: str) -> None:
        """The call of that parent ended: the next one joins the others."""
        self.busy.discard(parent)
        self._call_next(parent)

    def _call_next(self, parent: str) -> None:
        aside = self._aside.get(parent)
        if aside is None or parent in self.busy:
            return
        while aside:
            waiter = heapq.heappop(aside)
            if waiter.waits:
                heapq.heappush(self._heap, waiter)
                break
        if not aside:
            del self._aside[parent]

    def left(self) -> None:
        """Somebody was granted, refused or cancelled. It is dropped when it is come across."""
        self.count -= 1
        if len(self._heap) <= 2 * self.count + JUNK_MIN:
            return
        gone = [waiter for waiter in self._heap if not waiter.waits]
        self._heap = [waiter for waiter in self._heap if waiter.waits]
        heapq.heapify(self._heap)
        for waiter in gone:
            if waiter.parent is not None:
                self._call_next(waiter.parent)

    def empty(self) -> list[Waiter]:
        """Send everybody out: the waiters, most urgent first."""
        everybody = sorted(waiter for waiter in self._everybody() if waiter.waits)
        self._heap.clear()
        self._aside.clear()
        self._bound = None
        self.count = 0
        return everybody
