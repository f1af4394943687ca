"""The evening in figures: how many, how long, and how it went over time."""

from collections.abc import Sequence

import msgspec

from crossdock.canonical.status import OrderStatus
from crossdock.rehearsal.black_friday.story import BANDS, Band, Story, Told


class BandFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Orders of one urgency. Waits are from an order's arrival to the ERP's word."""

    band: Band
    name: str
    arrived: int
    accepted: int
    refused: int
    wait_p50_seconds: float
    wait_p95_seconds: float
    wait_max_seconds: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The whole evening."""

    orders: int
    bands: Sequence[BandFigures]
    backlog_max: int
    erp_calls: int
    erp_calls_per_order: float
    erp_throttled: int
    erp_refused_connections: int
    status_calls: int
    status_calls_left: int


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the curves: orders per minute, how many are open, and how old the oldest is by urgency."""

    at: float
    arrived_per_minute: float
    accepted_per_minute: float
    backlog: int
    oldest_seconds: dict[Band, float]


def measure(told: Told) -> Figures:
    """Put the figures together."""
    sent, landed = told.erp_calls.get("sent", 0), told.erp_calls.get("landed", 0)
    booked = sum(len(story.documents) for story in told.stories)
    return Figures(
        orders=len(told.stories),
        bands=[_band(band, [story for story in told.stories if story.band == band]) for band in BANDS],
        backlog_max=max(moment.backlog for moment in moments(told)),
        erp_calls=sent,
        erp_calls_per_order=sent / max(booked, 1),
        erp_throttled=sent - landed,
        erp_refused_connections=told.erp_calls.get("connection refused", 0),
        status_calls=told.status_calls,
        status_calls_left=told.evening.calls_left,
    )


def moments(told: Told, step_seconds: float = 15.0) -> list[Moment]:
    """The evening in steps."""
    steps = int(told.evening.ends_at // step_seconds) + 1
    arrived, accepted, change = [0] * (steps + 1), [0] * (steps + 1), [0] * (steps + 1)
    oldest: dict[Band, list[float]] = {band: [0.0] * (steps + 1) for band in BANDS}
    for story in sorted(told.stories, key=lambda one: one.arrived_at):
        begin = min(steps, int(story.arrived_at // step_seconds))
        end = steps if story.decided_at is None else min(steps, int(story.decided_at // step_seconds))
        arrived[begin] += 1
        change[min(steps, begin + 1)] += 1
        change[min(steps, end + 1)] -= 1
        if story.ended in {OrderStatus.ACCEPTED, OrderStatus.PARTLY_ACCEPTED}:
            accepted[end] += 1
        ages = oldest[story.band]
        for step in range(begin + 1, end + 1):
            ages[step] = max(ages[step], step * step_seconds - story.arrived_at)
    per_minute, found, backlog = 60 / step_seconds, [], 0
    for step in range(steps):
        backlog += change[step]
        found.append(
            Moment(
                at=step * step_seconds,
                arrived_per_minute=arrived[step] * per_minute,
                accepted_per_minute=accepted[step] * per_minute,
                backlog=backlog,
                oldest_seconds={band: oldest[band][step] for band in BANDS},
            )
        )
    return found


def _band(band: Band, stories: Sequence[Story]) -> BandFigures:
    waits = sorted(waited for story in stories if (waited := story.waited()) is not None)
    return BandFigures(
        band=band,
        name=BANDS[band],
        arrived=len(stories),
        accepted=sum(story.ended is OrderStatus.ACCEPTED for story in stories),
        refused=sum(story.ended is OrderStatus.REFUSED for story in stories),
        wait_p50_seconds=_at_share(waits, 0.5),
        wait_p95_seconds=_at_share(waits, 0.95),
        wait_max_seconds=_at_share(waits, 1.0),
    )


def _at_share(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3) if ordered else 0.0
