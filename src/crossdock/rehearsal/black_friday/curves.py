"""The evening as shapes: paths in a field of 1000 by 1000, ticks and bands in percent of its width or height.

The field is stretched to whatever the page has, and all words stand outside of it: so they are as large on a
telephone as on a wall.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from math import ceil, log10

import msgspec

from crossdock.canonical.status import OrderStatus
from crossdock.insight.wording import duration_in_words
from crossdock.kit.clock import MICROSECONDS, seconds_to_us
from crossdock.policies.order_status import urgency_of
from crossdock.rehearsal.black_friday.figures import Moment
from crossdock.rehearsal.black_friday.plan import Evening
from crossdock.rehearsal.black_friday.story import LaneSample, Told

FIELD = 1_000
TICKS_MAX = 8
TICK_MINUTES = (1, 2, 5, 10, 15, 30, 60)
_NICE = (1.0, 2.0, 5.0, 10.0)
_NICE_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400)
Y_STEPS = 3


class Tick(msgspec.Struct, frozen=True):
    """A mark on an axis, in percent from the left or the bottom."""

    percent: float
    words: str


class Stretch(msgspec.Struct, frozen=True):
    """A part of the time, in percent from the left; `kind` says how it is painted, `title` what it was."""

    left: float
    width: float
    kind: str
    title: str


class Line(msgspec.Struct, frozen=True):
    """One curve: `kind` names its colour, `area` closes it down to the ground."""

    name: str
    kind: str
    path: str
    area: str


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A field with its curves and axes. `words` is what somebody hears who does not see it."""

    title: str
    caption: str
    words: str
    lines: Sequence[Line]
    rises: Sequence[Tick]


class Window(msgspec.Struct, frozen=True):
    """The part of the evening that is shown."""

    evening: Evening
    begins: float
    ends: float

    def percent(self, seconds: float) -> float:
        """Where a moment lies."""
        share = (seconds - self.begins) / (self.ends - self.begins)
        return round(100 * min(1.0, max(0.0, share)), 3)

    def ticks(self) -> list[Tick]:
        """Times of day."""
        minutes = (self.ends - self.begins) / 60
        step = 60 * next((each for each in TICK_MINUTES if minutes / each <= TICKS_MAX), TICK_MINUTES[-1])
        clock, past = self.evening.clock, self.evening.begins_at // MICROSECONDS % 3_600
        first = ceil((self.begins + past) / step) * step
        return [
            Tick(self.percent(at - past), clock(at - past))
            for at in range(first, round(self.ends + past) + 1, step)
        ]

    def stretch(self, begins: float, ends: float, kind: str, title: str) -> Stretch:
        """A part of it."""
        left = self.percent(begins)
        return Stretch(left, round(self.percent(ends) - left, 3), kind, title)


def window_of(told: Told, moments: Sequence[Moment]) -> Window:
    """From a little before the burst until a little after the last order that was late."""
    evening = told.evening
    busy = [moment.at for moment in moments if max(moment.oldest_seconds.values()) > 60]  # noqa: PLR2004 - a minute
    calm_at = max([evening.burst_ends_at, *(at for at in busy if at > evening.burst_at)])
    lead = max(120.0, (calm_at - evening.burst_at) * 0.15)
    return Window(evening, max(0.0, evening.burst_at - lead), min(evening.ends_at, calm_at + lead))


def line(name: str, kind: str, points: Iterable[tuple[float, float]], window: Window, top: float) -> Line:
    """A curve through what lies in the window."""
    inside = [(at, value) for at, value in points if window.begins <= at <= window.ends]
    spots = [f"{window.percent(at) * FIELD / 100:.1f},{FIELD * (1 - value / top):.1f}" for at, value in inside]
    path = "M" + "L".join(spots) if spots else ""
    area = ""
    if spots:
        left, right = spots[0].split(",")[0], spots[-1].split(",")[0]
        area = f"M{left},{FIELD}L{'L'.join(spots)}L{right},{FIELD}Z"
    return Line(name, kind, path, area)


def rises(top: float, *, of_time: bool) -> list[Tick]:
    """Marks up to `top`."""
    step = top / Y_STEPS
    return [
        Tick(round(100 * number / Y_STEPS, 2), _in_words(number * step, of_time=of_time))
        for number in range(1, Y_STEPS + 1)
    ]


def top_of(values: Iterable[float], *, of_time: bool) -> float:
    """A round number of steps above all of them."""
    highest = max(max(values, default=0.0), 1.0) / Y_STEPS
    if of_time:
        return float(Y_STEPS * next((nice for nice in _NICE_SECONDS if nice >= highest), _NICE_SECONDS[-1]))
    size = 10 ** int(log10(highest)) if highest >= 1 else 1
    return float(Y_STEPS * size * next(nice for nice in _NICE if nice * size >= highest))


def lane_stretches(samples: Sequence[LaneSample], window: Window) -> list[Stretch]:
    """How the ERP's lane stood."""
    return _stretches(samples, window, lambda sample: sample.erp_state, "ERP lane {}")


def quota_stretches(samples: Sequence[LaneSample], window: Window) -> list[Stretch]:
    """Which statuses could still be shown."""
    return _stretches(samples, window, shown_at_most, "statuses: {}")


def shown_at_most(sample: LaneSample) -> str:
    """What the quota lets pass."""
    if sample.ceiling < 0:
        return "none"
    return "all" if sample.ceiling >= urgency_of(OrderStatus.CAPTURED) else "pressing"


def _stretches(
    samples: Sequence[LaneSample], window: Window, kind_of: Callable[[LaneSample], str], title: str
) -> list[Stretch]:
    found: list[Stretch] = []
    groups = [(kind, list(group)) for kind, group in groupby(samples, kind_of)]
    for number, (kind, group) in enumerate(groups):
        begins = group[0].at
        ends = groups[number + 1][1][0].at if number + 1 < len(groups) else group[-1].at
        if ends > window.begins and begins < window.ends:
            when = f"{window.evening.clock(begins)} to {window.evening.clock(ends)}"
            found.append(window.stretch(begins, ends, kind, f"{title.format(kind)}, {when}"))
    return found


def _in_words(value: float, *, of_time: bool) -> str:
    return duration_in_words(seconds_to_us(value)) if of_time else f"{value:,.0f}"
