"""How much the target system bears, how a lane behaves when it does not, and how urgent a call is."""

import math
from contextvars import ContextVar
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from crossdock.kit.clock import Instant

PRIORITY_MOST_URGENT: Final = 0
PRIORITY_DEFAULT: Final = 5
PRIORITY_LEAST_URGENT: Final = 9

CURRENT_PRIORITY: ContextVar[int] = ContextVar("crossdock_priority", default=PRIORITY_DEFAULT)
"""The priority of calls that name none; the engine sets it for each run."""

CURRENT_SINCE: ContextVar[Instant | None] = ContextVar("crossdock_since", default=None)
"""When the work began that a call belongs to; the engine sets it for each run, and without it a call begins now.

Calls of equal urgency go in the order in which their work began. Were it the order of the calls, then after an
outage everybody's first call would go before anybody's last, and for a while nothing would be finished.
"""

_Count = Annotated[int, Meta(ge=0)]
_Positive = Annotated[int, Meta(ge=1)]
_Seconds = Annotated[float, Meta(gt=0)]


class LaneLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of one lane. The first four belong to the target system and hold over all workers together.

    `in_flight_max`, `rate_per_second` and `daily_budget` 0 mean: no limit of that kind is known.

    In any window of W seconds at most `rate_burst + rate_per_second x W` calls start, where a burst below a
    quarter of a second's calls plus one counts as that: so far may a permit be late. `rate_burst` 0 is half a
    second's worth. The day of `daily_budget` is a day in UTC.

    `waiting_max` calls wait in memory; what is more goes back to being a row. Work of one priority
    lower is overtaken by more urgent work of the next `ageing_step_seconds` and then no longer.

    The breaker trips after `failures_max` failures in a row, or where at least `failure_calls_min` calls of
    the last `failure_window_seconds` failed in the share `failure_ratio_max`. The lane then cools down for
    `cool_down_seconds`, twice as long after each failed probe, up to `cool_down_max_seconds`. A quota that the
    system calls used up is probed every `exhausted_probe_seconds`; a probe that does not end within
    `probe_seconds` makes way for another. A worker that falls silent loses its share of `in_flight_max`
    after `slot_lease_seconds`.

    Raises ValueError where a number makes no sense.
    """

    in_flight_max: _Count = 0
    rate_per_second: Annotated[float, Meta(ge=0)] = 0.0
    rate_burst: _Count = 0
    daily_budget: _Count = 0
    waiting_max: _Positive = 200
    ageing_step_seconds: _Seconds = 60.0
    failures_max: _Positive = 5
    failure_ratio_max: Annotated[float, Meta(gt=0, le=1)] = 0.5
    failure_calls_min: _Positive = 20
    failure_window_seconds: _Seconds = 30.0
    cool_down_seconds: _Seconds = 5.0
    cool_down_max_seconds: _Seconds = 60.0
    exhausted_probe_seconds: _Seconds = 900.0
    probe_seconds: _Seconds = 60.0
    slot_lease_seconds: Annotated[float, Meta(ge=4)] = 10.0

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{name} is {value}: not a finite number from 0 up")
