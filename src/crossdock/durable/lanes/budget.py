"""The daily budget: taken from the ledger in blocks, and kept for the urgent when it will not last the day.

Beside it stands what the system itself says of its quota, which others use up as well: the tighter one counts.
"""

from math import ceil

from crossdock.durable.lanes.limits import PRIORITY_LEAST_URGENT, PRIORITY_MOST_URGENT
from crossdock.durable.lanes.record import LaneClosed
from crossdock.kit.clock import MICROSECONDS, Instant

DAY_US = 86_400 * MICROSECONDS
FORECAST_AFTER_US = 3_600 * MICROSECONDS
"""A day younger than this is forecast as if it were so old: the first minutes say little."""

SHED_FOR_US = 900 * MICROSECONDS
QUOTA_TRUSTED_US = 900 * MICROSECONDS
"""So long a system's word on its quota counts. Then a call finds out: others may have stopped, or hours passed."""

QUOTA_AMPLE_SHARE = 0.2
RESERVED_SHARE = 0.05
RESERVED_FOR = 2
"""The last part of what a day or a system allows is for calls this urgent or more, whatever the forecast says."""

BLOCKS_PER_DAY = 200
"""At most this part of the budget is lost when a worker dies."""


def day_of(now: Instant) -> int:
    """The day in UTC, counted from 1970-01-01."""
    return now // DAY_US


def next_day_at(now: Instant) -> Instant:
    """When the next budget begins."""
    return (day_of(now) + 1) * DAY_US


def forecast(used: int, now: Instant) -> int:
    """Where the day ends if it goes on as it went so far."""
    passed = max(now % DAY_US, FORECAST_AFTER_US)
    return used + round(used * max(0, DAY_US - passed) / passed)


def priority_ceiling(used: int, daily_budget: int, now: Instant) -> int:
    """The least urgent priority that may still use the budget: 9 (all) to 0, and -1 when it is used up.

    Nothing is shed while the forecast stays within the budget, or half of it is left. Below, the ceiling
    falls with what is left. The last `RESERVED_SHARE` is for the urgent, also where the forecast is good: it knows
    nothing of what may still happen today.
    """
    left = daily_budget - used
    if left <= 0:
        return -1
    if forecast(used, now) <= daily_budget:
        return RESERVED_FOR if left <= RESERVED_SHARE * daily_budget else PRIORITY_LEAST_URGENT
    return min(PRIORITY_LEAST_URGENT, ceil(2 * PRIORITY_LEAST_URGENT * left / daily_budget))


class Allotment:
    """One worker's part of the day's budget, and what it last heard of the whole."""

    def __init__(self, daily_budget: int) -> None:
        self.daily_budget = daily_budget
        self.day = -1
        self._left = 0
        self._used = 0

    def left(self, now: Instant) -> int:
        """Calls that need not ask the ledger. Yesterday's are worth nothing."""
        return self._left if day_of(now) == self.day else 0

    def used(self, now: Instant) -> int:
        """What all workers have taken of today's budget, ours unspent included, when last heard."""
        return self._used if day_of(now) == self.day else 0

    def ceiling(self, now: Instant) -> int:
        """The least urgent priority that may pass now; see `priority_ceiling`."""
        left = self.left(now)
        return priority_ceiling(self.used(now) - left, self.daily_budget, now)

    def spend(self) -> None:
        """A call starts."""
        self._left -= 1

    def refund(self, now: Instant) -> None:
        """The call did not start after all."""
        if day_of(now) == self.day:
            self._left += 1

    def block(self, waiting: int, recent_per_second: float) -> int:
        """How much to ask for: what is needed now, or probably within a second."""
        return max(1, min(max(waiting, round(recent_per_second)), self.daily_budget // BLOCKS_PER_DAY))

    def granted(self, day: int, calls: int, used: int) -> None:
        """The ledger gave so many calls of that day; `used` is the sum of all workers."""
        if day != self.day:
            self.day, self._left = day, 0
        self._left += calls
        self._used = used

    def give_back(self) -> tuple[int, int]:
        """The day and the calls to return to the ledger."""
        calls, self._left = self._left, 0
        self._used -= calls
        return self.day, calls


class Quota:
    """What the system said last of its own quota: so many calls used of so many allowed."""

    def __init__(self) -> None:
        self.allowed = 0
        self._used = 0
        self._trusted_until: Instant = 0

    def told(self, used: int, allowed: int, now: Instant) -> None:
        """An answer of the system says so."""
        self._used, self.allowed, self._trusted_until = used, allowed, now + QUOTA_TRUSTED_US

    def left(self, now: Instant) -> int | None:
        """How many calls the system still takes from anybody; None where it has not said so lately."""
        return max(0, self.allowed - self._used) if now < self._trusted_until else None

    def ceiling(self, now: Instant) -> int:
        """The least urgent priority that may pass now.

        Nothing is shed while a fifth is left; below, the ceiling falls with what is left. There is no forecast: a
        quota of a rolling day comes back by the hour. The most urgent always may, for the system decides the last.
        """
        left = self.left(now)
        if left is None:
            return PRIORITY_LEAST_URGENT
        highest = RESERVED_FOR if left <= RESERVED_SHARE * self.allowed else PRIORITY_LEAST_URGENT
        scarcity = left / (QUOTA_AMPLE_SHARE * self.allowed) if self.allowed else 0.0
        return max(PRIORITY_MOST_URGENT, min(highest, ceil(PRIORITY_LEAST_URGENT * scarcity)))


def ceiling_of(allotment: Allotment | None, quota: Quota, now: Instant) -> int:
    """The least urgent priority that our own budget and the system's quota both let pass."""
    told = quota.ceiling(now)
    return told if allotment is None else min(told, allotment.ceiling(now))


def shed(lane: str, priority: int, allotment: Allotment | None, quota: Quota, now: Instant) -> LaneClosed | None:
    """Why there is nothing for a call of this priority; None where it may go."""
    if priority <= (ceiling := ceiling_of(allotment, quota, now)):
        return None
    if allotment is not None and ceiling < 0:
        detail = f"the day's {allotment.daily_budget} calls are used up"
        return LaneClosed(lane, "budget", next_day_at(now), detail)
    short = "the day's budget runs short"
    if quota.ceiling(now) == ceiling:
        short = f"the system's quota runs short ({quota.left(now)} of {quota.allowed} calls left)"
    until = min(now + SHED_FOR_US, next_day_at(now))
    return LaneClosed(lane, "shed", until, f"{short}: only priorities up to {ceiling} pass")
