"""Time as a port: the domain never reads a clock, it is given one.

Instants are integers, microseconds since 1970-01-01 UTC: they compare, store and add without surprises.
"""

import asyncio
import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

Instant = int
MICROSECONDS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOOK_AT_WALL_US = 10_000
_EVEN: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Not every system has a clock that goes on while the machine sleeps."""


class Clock(Protocol):
    """Reads the time, which never goes back, and waits for it."""

    def now(self) -> Instant:
        """The present instant (wall clock, UTC)."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...


class SteadyClock:
    """Follows a wall clock that may be set, without ever jumping: what is off is made up for at a twentieth.

    So a wait that has begun is not over because somebody set the clock, and time never goes back. `elapsed` counts
    microseconds evenly, through a sleep of the machine, too.
    """

    def __init__(self, wall: Callable[[], Instant], elapsed: Callable[[], int]) -> None:
        self._wall = wall
        self._elapsed = elapsed
        self._at, self._seen = wall(), elapsed()
        self._wall_is_behind = 0

    def agree(self, instant: Instant) -> None:
        """Take over the time of somebody whom others follow, too; before any work begins, for this is a jump."""
        self._wall_is_behind = instant - self._wall()
        self._at, self._seen = instant, self._elapsed()

    def now(self) -> Instant:
        """See `Clock.now`."""
        passed = self._elapsed() - self._seen
        if passed < _LOOK_AT_WALL_US:
            return self._at + passed
        off = self._wall() + self._wall_is_behind - (self._at + passed)
        most = passed // 20
        self._at, self._seen = self._at + passed + max(-most, min(off, most)), self._seen + passed
        return self._at

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await asyncio.sleep(seconds)


class SystemClock(SteadyClock):
    """The machine's clock."""

    def __init__(self) -> None:
        super().__init__(wall_now, elapsed_evenly)


def wall_now() -> Instant:
    """What the machine's wall clock shows, which somebody may set."""
    return time.time_ns() // 1_000


def elapsed_evenly() -> int:
    """Microseconds since some beginning, which nobody can set; through a sleep of the machine, too."""
    return time.clock_gettime_ns(_EVEN) // 1_000


class ManualClock:
    """A clock that stands still until it is advanced: for tests and rehearsals."""

    def __init__(self, start: Instant = 1_767_225_600 * MICROSECONDS) -> None:
        self._now = start
        self._sleepers: list[tuple[Instant, int, asyncio.Future[None]]] = []
        self._order = 0

    def now(self) -> Instant:
        """See `Clock.now`."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return once the clock was advanced past `seconds` from now."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (self._now + seconds_to_us(seconds), self._order, future))
        await future

    def advance(self, seconds: float) -> None:
        """Move the time on and wake whoever slept until then."""
        self._now += seconds_to_us(seconds)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)


def seconds_to_us(seconds: float) -> int:
    """Seconds as whole microseconds."""
    return round(seconds * MICROSECONDS)


def to_datetime(instant: Instant) -> datetime:
    """The instant as an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=instant)


def from_datetime(moment: datetime) -> Instant:
    """The instant of an aware datetime. Raises ValueError for a naive one: it names no moment."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without time zone names no moment")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def iso(instant: Instant) -> str:
    """ISO 8601 in UTC with milliseconds, for people and wires."""
    return to_datetime(instant).isoformat(timespec="milliseconds").replace("+00:00", "Z")
