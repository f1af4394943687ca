"""A stage for lanes: virtual time that moves from event to event, and calls that end when the test says so."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from crossdock.durable.lanes import Lane
from crossdock.kit.clock import Instant, ManualClock, seconds_to_us

SETTLE_TURNS = 25


class RestlessClock(ManualClock):
    """A manual clock on which every look costs time: no two readings are the same, as in life."""

    look_us = 1

    def now(self) -> Instant:
        self._now += self.look_us
        return self._now


async def settle() -> None:
    """Let everything happen that can happen without time passing."""
    for _ in range(SETTLE_TURNS):
        await asyncio.sleep(0)


async def turn_until(condition: Callable[[], bool]) -> None:
    """Go to the very turn of the loop in which it holds."""
    for _ in range(SETTLE_TURNS):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


async def pass_time(clock: ManualClock, seconds: float) -> None:
    """Move the time on, stopping at every instant for which somebody sleeps."""
    await settle()
    end = clock._now + seconds_to_us(seconds)
    while clock._sleepers and clock._sleepers[0][0] <= end:
        clock.advance(max(0, clock._sleepers[0][0] - clock._now) / 1_000_000)
        await settle()
    clock.advance(max(0, end - clock._now) / 1_000_000)
    await settle()


class Call:
    """One call through a lane, begun when the lane lets it, ended by the test."""

    def __init__(
        self,
        lane: Lane,
        clock: ManualClock,
        on_start: Callable[["Call"], None],
        loop: asyncio.AbstractEventLoop | None = None,
        **facts: Any,
    ) -> None:
        loop = loop or asyncio.get_running_loop()
        self.lane = lane
        self.facts = facts
        self.entered_at = 0
        self.started_at: Instant | None = None
        self.ended = False
        self._clock = clock
        self._on_start = on_start
        self._outcome: asyncio.Future[object] = loop.create_future()
        self.task = loop.create_task(self._go())
        # A test need not look at every call's end; the loop would complain of it in whichever test is next.
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _go(self) -> object:
        self.entered_at = self._clock._now
        return await self.lane.call(self._work, **self.facts)

    async def _work(self) -> object:
        self.started_at = self._clock._now
        self._on_start(self)
        try:
            return await self._outcome
        finally:
            self.ended = True

    @property
    def waits(self) -> bool:
        return self.started_at is None and not self.task.done()

    @property
    def runs(self) -> bool:
        return self.started_at is not None and not self.ended

    @property
    def error(self) -> BaseException | None:
        return self.task.exception() if self.task.done() and not self.task.cancelled() else None

    def finish(self, outcome: object) -> None:
        """Let the call return `outcome`, or raise it, as soon as the loop turns."""
        if self._outcome.done():
            return
        if isinstance(outcome, BaseException):
            self._outcome.set_exception(outcome)
            self._outcome.exception()  # a call that never started does not look at it, and need not
        else:
            self._outcome.set_result(outcome)

    async def end(self, outcome: object = "done") -> None:
        """End the call, and see what comes of it."""
        self.finish(outcome)
        await settle()


class Stage:
    """Begins calls and notes in which order they start."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.calls: list[Call] = []
        self.started: list[Call] = []

    async def begin(self, lane: Lane, **facts: Any) -> Call:
        """Begin a call and see what comes of it at once."""
        call = Call(lane, self.clock, self.started.append, **facts)
        self.calls.append(call)
        await settle()
        return call

    async def begin_many(self, lane: Lane, count: int, **facts: Any) -> list[Call]:
        """Begin many at the same instant."""
        calls = [Call(lane, self.clock, self.started.append, **facts) for _ in range(count)]
        self.calls += calls
        await settle()
        return calls

    async def finish(self, lane: Lane, outcome: object = "done") -> Call:
        """Make one call and end it like that."""
        call = await self.begin(lane)
        await call.end(outcome)
        return call

    async def pass_time(self, seconds: float) -> None:
        """See `pass_time`."""
        await pass_time(self.clock, seconds)

    async def close(self) -> None:
        """End whatever is left, without complaint."""
        for call in self.calls:
            call.task.cancel()
        await asyncio.gather(*(call.task for call in self.calls), return_exceptions=True)


async def result_of(work: Awaitable[Any]) -> Any:
    """What comes of it: the result or the error."""
    try:
        return await work
    except BaseException as error:  # noqa: BLE001 - the error is the result here
        return error
