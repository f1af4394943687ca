"""The rate: permits reserved from the ledger in small blocks, each with the instant from which it may be used.

The arithmetic is the generic cell rate algorithm: one number per lane, the instant at which all permits given
out so far would be used up at the limit's pace.
"""

from collections import deque
from math import ceil

from crossdock.durable.lanes.limits import LaneLimits
from crossdock.kit.clock import MICROSECONDS, Instant

AHEAD_US = MICROSECONDS // 4
"""So far ahead permits are reserved, and so much later than its turn one may be used."""

LATENCY_MAX_US = 10 * MICROSECONDS

LEAD_MAX_US = 60 * MICROSECONDS
LEAD_MAX_PERMITS = 100
"""No honest crowd of workers reserves further ahead: what lies beyond was written by a clock that ran wrong."""


def lead_max_us(interval_us: int) -> int:
    """How far ahead of now reservations are believed."""
    return LEAD_MAX_US + LEAD_MAX_PERMITS * interval_us


def reserve(used_up_at: Instant, permits: int, interval_us: int, now: Instant) -> Instant:
    """When the permits given out so far are used up, after `permits` more."""
    credible = now < used_up_at <= now + lead_max_us(interval_us)
    return (used_up_at if credible else now) + permits * interval_us


class Pace:
    """One worker's permits, each by the instant from which it may be used: its turn less the tolerance."""

    def __init__(self, limits: LaneLimits) -> None:
        rate = limits.rate_per_second
        self.interval_us = ceil(MICROSECONDS / rate)
        burst = limits.rate_burst or max(1, ceil(rate / 2))
        self.tolerance_us = max(0, (burst - 1) * self.interval_us - AHEAD_US)
        self._ahead_max = max(1, AHEAD_US // self.interval_us)
        self._permits: deque[Instant] = deque()
        self._latency_us = 0

    def ready(self, now: Instant) -> bool:
        """Whether a permit may be used now. Those that nobody used in time lapse."""
        permits = self._permits
        if permits and permits[0] > now + lead_max_us(self.interval_us):
            permits.clear()  # the clock was set back
        while permits and permits[0] + self.tolerance_us + AHEAD_US < now:
            permits.popleft()
        return bool(permits) and permits[0] <= now

    def take(self) -> None:
        """Use the permit that is ready."""
        self._permits.popleft()

    @property
    def next_at(self) -> Instant | None:
        """When the next permit may be used; None where another block is to be reserved."""
        return self._permits[0] if self._permits else None

    def block(self, waiting: int, free_slots: int, recent_per_second: float) -> int:
        """How many permits to reserve: what will probably be used within the time they are good for."""
        recent = ceil(recent_per_second * AHEAD_US / MICROSECONDS)
        return max(1, min(self._ahead_max, max(waiting, recent), free_slots + recent))

    def from_when(self, now: Instant) -> Instant:
        """From when on to reserve: the answer takes as long as the last one, and must not come too late."""
        return now + self._latency_us

    def granted(self, permits: int, first: Instant, latency_us: int) -> None:
        """The ledger gave `permits`, the first one good from `first`, and took so long to say it."""
        self._permits.extend(first + index * self.interval_us for index in range(permits))
        self._latency_us = max(0, min(latency_us, LATENCY_MAX_US))


class Meter:
    """Calls that started within the last second, roughly: this one, and what is left of the one before."""

    def __init__(self) -> None:
        self._second = 0
        self._count = 0
        self._before = 0

    def count(self, now: Instant) -> None:
        """A call starts."""
        if not 0 <= now - self._second < MICROSECONDS:
            self._roll(now)
        self._count += 1

    def per_second(self, now: Instant) -> float:
        """The present rate."""
        if not 0 <= now - self._second < MICROSECONDS:
            self._roll(now)
        return self._count + self._before * (1 - (now - self._second) / MICROSECONDS)

    def _roll(self, now: Instant) -> None:
        adjacent = 0 <= now - self._second < 2 * MICROSECONDS
        self._before = self._count if adjacent else 0
        self._second = now - now % MICROSECONDS
        self._count = 0
