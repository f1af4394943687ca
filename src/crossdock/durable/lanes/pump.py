"""The pump: one task that fetches what is short, for as long as something is, and an alarm for what takes time."""

import asyncio
from collections.abc import Awaitable, Callable

from crossdock.kit.clock import MICROSECONDS, Clock, Instant

RETRY_US = MICROSECONDS

Fetch = Callable[[], Awaitable[None]]


class Pump:
    """Runs only while there is something to do.

    `need` says what to fetch next, or nothing; `turn` is called after each fetch and when the alarm rings. It
    lets go whoever can, and ends by calling `look` with the same instant: were the clock read again between the
    two, what became possible meanwhile would be seen by neither. A fetch that fails is tried again a second
    later; `on_trouble` hears of the first failure in a row.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        need: Callable[[Instant], Fetch | None],
        turn: Callable[[], None],
        on_trouble: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._need = need
        self._turn = turn
        self._on_trouble = on_trouble
        self._task: asyncio.Task[None] | None = None
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: Instant = 0
        self._retry_at: Instant = 0
        self._next: Fetch | None = None
        self._fetching = False
        self._closed = False
        self.trouble = ""
        """Why the latest fetch failed; empty when all is well."""

    def look(self, now: Instant) -> None:
        """See whether there is something to fetch. While a fetch is under way, its end takes a turn anyway."""
        if self._fetching:
            return
        self._next = self._need(now)
        if self._next is None or self._task is not None:
            return
        if self.trouble and now < self._retry_at:
            self.wake_at(self._retry_at)
        else:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="lane-pump")

    def wake_at(self, instant: Instant) -> None:
        """Take a turn at that instant, or before."""
        if self._closed:
            return
        if self._alarm is not None:
            if self._alarm_at <= instant:
                return
            self._alarm.cancel()
        self._alarm_at = instant
        self._alarm = asyncio.get_running_loop().create_task(self._ring(instant), name="lane-alarm")

    async def close(self) -> None:
        """Let a fetch under way end, and no alarm ring any more."""
        self._closed = True
        if self._task is not None:
            await asyncio.wait([self._task])
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    async def _run(self) -> None:
        try:
            while self._next is not None:
                self._fetching = True
                await self._next()
                self._fetching = False
                self.trouble = ""
                self._turn()
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must not wait for nobody
            first = not self.trouble
            self.trouble = f"the ledger does not answer: {type(error).__name__}"
            self._retry_at = self._clock.now() + RETRY_US
            if first:
                self._on_trouble(self.trouble)
            self.wake_at(self._retry_at)
        finally:
            self._task = None
            self._fetching = False

    async def _ring(self, instant: Instant) -> None:
        await self._clock.sleep(max(0, instant - self._clock.now()) / MICROSECONDS)
        self._alarm = None
        self._turn()
