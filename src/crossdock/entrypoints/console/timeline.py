"""A journey as a drawing: one track per kind of place, one row per moment, the way between them as lines.

Everything is computed here in whole pixels; the template only writes it down. Above a row's dot the geometry is
fixed, below it a line runs to the row's end, however tall its text makes it.
"""

from collections.abc import Sequence

import msgspec

from crossdock.insight.journey import Journey
from crossdock.insight.moments import Moment, Stretch, Track
from crossdock.kit.clock import Instant

TRACKS: tuple[Track, ...] = ("channel", "hub", "erp", "person")
TRACK_WORDS = {"channel": "Channel", "hub": "Hub", "erp": "ERP", "person": "People"}
TRACK_PX = 48
DOT_PX = 18
TURN_PX = 9
LONG_US = 1_000_000
SHARE_UNITS = 1_000
SHARE_UNITS_MIN = 12


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One moment with its piece of the drawing.

    `way_in` is the path from the row's top to the dot, `way_out` whether and how the line goes on below it.
    `ticks` are the calls that were made before this one.
    """

    moment: Moment
    x: int
    way_in: str
    way_out: Stretch | None
    ticks: tuple[int, ...]
    slow: bool


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the bar that shows where the time went."""

    stretch: Stretch
    begin: int
    width: int
    took_us: int


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """The whole timeline. `tracks` are (name, words, centre in pixels)."""

    tracks: tuple[tuple[Track, str, int], ...]
    width: int
    rows: tuple[Row, ...]
    shares: tuple[Share, ...]
    total_us: int
    goes_on: Stretch | None


def draw(journey: Journey, now: Instant) -> Drawing:
    """The drawing of a journey as it is `now`. Tracks that nothing happened on are left out."""
    used = {moment.track for moment in journey.moments} | {"hub"}
    tracks = [track for track in TRACKS if track in used]
    places = {track: TRACK_PX // 2 + TRACK_PX * index for index, track in enumerate(tracks)}
    goes_on = _goes_on(journey)
    spent = [(moment.stretch, moment.took_us) for moment in journey.moments]
    if goes_on and journey.moments:
        spent.append((goes_on, max(now - journey.moments[-1].at, 0)))
    rows = []
    for index, moment in enumerate(journey.moments):
        before = places[journey.moments[index - 1].track] if index else None
        after = journey.moments[index + 1].stretch if index + 1 < len(journey.moments) else goes_on
        rows.append(_row(moment, before, places[moment.track], after))
    return Drawing(
        tracks=tuple((track, TRACK_WORDS[track], places[track]) for track in tracks),
        width=TRACK_PX * len(tracks),
        rows=tuple(rows),
        shares=_shares(spent),
        total_us=sum(took for _, took in spent),
        goes_on=goes_on,
    )


def _row(moment: Moment, before: int | None, x: int, after: Stretch | None) -> Row:
    ticks = tuple(x - 14 - 6 * tick for tick in range(min(moment.attempts - 1, 3))) if moment.attempts > 1 else ()
    return Row(
        moment=moment,
        x=x,
        way_in="" if before is None else _path(before, x),
        way_out=after,
        ticks=ticks,
        slow=moment.took_us >= LONG_US,
    )


def _path(begin: int, end: int) -> str:
    """Down on the track left behind, round the corner, across to the dot."""
    if begin == end:
        return f"M{begin} 0V{DOT_PX}"
    side = TURN_PX if end > begin else -TURN_PX
    return f"M{begin} 0V{DOT_PX - TURN_PX}Q{begin} {DOT_PX} {begin + side} {DOT_PX}H{end}"


def _goes_on(journey: Journey) -> Stretch | None:
    """How the time after the last moment is being spent, while the order is not decided."""
    if journey.present is None:
        return None
    if journey.parked:
        return "stand"
    return "wait" if journey.present.state.value == "waiting" else "work"


def _shares(spent: Sequence[tuple[Stretch, int]]) -> tuple[Share, ...]:
    """Pieces in the order of time; equal neighbours joined, and none so small that nobody sees it."""
    joined: list[tuple[Stretch, int]] = []
    for stretch, took in spent:
        if not took:
            continue
        if joined and joined[-1][0] == stretch:
            joined[-1] = (stretch, joined[-1][1] + took)
        else:
            joined.append((stretch, took))
    total = sum(took for _, took in joined)
    shares: list[Share] = []
    begin = 0
    for stretch, took in joined:
        width = max(round(took * SHARE_UNITS / total), SHARE_UNITS_MIN)
        shares.append(Share(stretch=stretch, begin=begin, width=width, took_us=took))
        begin += width
    return tuple(shares)
