"""The moments of an order's journey: from events, from journals, from the audit, in order of time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from crossdock.contracts.orders import (
    OrderAccepted,
    OrderCaptured,
    OrderNeedsAttention,
    OrderRefused,
    OrderWaiting,
    StockHeld,
)
from crossdock.durable.records import JournalRow, StepState
from crossdock.durable.store import AuditEntry, RunView
from crossdock.insight.wording import quantity_in_words, step_in_words
from crossdock.kit.clock import Instant

HUB = "crossdock"

Track = Literal["channel", "hub", "erp", "person"]
Tone = Literal["plain", "good", "warn", "bad", "wait"]
Stretch = Literal["work", "wait", "stand"]


class Moment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened. `track` is the kind of place it happened at, `system` the place itself.

    `stretch` says what the time before it was spent on: work, waiting for a system, or standing until a person
    came; `took_us` how long that was. `attempts` counts calls where more than one was made.
    """

    at: Instant
    track: Track
    system: str
    title: str
    detail: str = ""
    tone: Tone = "plain"
    stretch: Stretch = "work"
    took_us: int = 0
    attempts: int = 0


def moments_of(
    happened: Sequence[Any], runs: Sequence[RunView], audit: Sequence[AuditEntry]
) -> tuple[Moment, ...]:
    """All moments, each with how long the way to it took and what that time was spent on."""
    return _timed([*_told(happened), *_worked(happened, runs), *_operated(audit)])


def _timed(moments: Sequence[Moment]) -> tuple[Moment, ...]:
    timed: list[Moment] = []
    stretch: Stretch = "work"
    for moment in sorted(moments, key=lambda moment: moment.at):
        took = moment.at - timed[-1].at if timed else 0
        timed.append(replace(moment, took_us=took, stretch=stretch if timed else "work"))
        if moment.tone == "wait":
            stretch = "wait"
        elif moment.tone == "bad" and moment.track == "hub":
            stretch = "stand"
        else:
            stretch = "work"
    return tuple(timed)


def _told(happened: Sequence[Any]) -> Iterator[Moment]:
    """What the events tell."""
    units = _amounts(happened)
    for event in happened:
        moment = _moment_of(event, units)
        if moment is not None:
            yield moment


def _amounts(happened: Sequence[Any]) -> int:
    return sum(line.micro for event in happened if isinstance(event, OrderCaptured) for line in event.lines)


def _moment_of(event: Any, ordered: int) -> Moment | None:
    at, hub = event.at, str(event.source)
    match event:
        case OrderCaptured():
            lines = len(event.lines)
            detail = f"{lines} line{'s' if lines != 1 else ''}, {event.net} {event.currency}"
            detail += f", customer {event.customer}" if event.customer else ""
            return Moment(at=at, track="channel", system=event.channel, title="Captured", detail=detail)
        case StockHeld():
            held = sum(line.micro for line in event.lines)
            short = f"only {quantity_in_words(held)} of {quantity_in_words(ordered)}"
            tone: Tone = "plain" if held >= ordered else "warn"
            detail = "" if held >= ordered else short
            return Moment(at=at, track="hub", system=hub, title="Stock held", detail=detail, tone=tone)
        case OrderWaiting():
            title = f"Waiting for {event.waits_for}"
            return Moment(at=at, track="hub", system=hub, title=title, detail=event.reason, tone="wait")
        case OrderAccepted():
            words = "Taken up" if event.pending else "Partly accepted" if event.refused else "Accepted"
            title = f"{words} as {event.erp_number}"
            tone = "warn" if event.refused or event.pending else "good"
            detail = event.reason or ("it has not decided yet" if event.pending else "")
            return Moment(at=at, track="erp", system=event.erp, title=title, detail=detail, tone=tone)
        case OrderRefused():
            title = "Given up" if event.code == "skipped" else "Refused"
            return Moment(at=at, track="hub", system=hub, title=title, detail=event.reason, tone="bad")
        case OrderNeedsAttention():
            title = f"Parked for {event.owner}"
            return Moment(at=at, track="hub", system=hub, title=title, detail=event.reason, tone="bad")
    return None  # that it was released is told by whoever released it, with the reason


_TOLD_BY_EVENTS = {"consume_stock"}
_AT_ERP = {"submit_to_erp", "undo:submit_to_erp"}
_TONES: Mapping[StepState, Tone] = {StepState.REFUSED: "bad", StepState.DELAYED: "warn"}


def _worked(happened: Sequence[Any], runs: Sequence[RunView]) -> Iterator[Moment]:
    """What the journals know beyond the events."""
    told = {type(event) for event in happened}
    names = [
        event.erp if isinstance(event, OrderAccepted) else getattr(event, "waits_for", "") for event in happened
    ]
    erp = next(filter(None, names), "ERP")
    for run in runs:
        for row in run.journal:
            known = row.step in _TOLD_BY_EVENTS or (row.step == "hold_stock" and StockHeld in told)
            known |= row.state is StepState.DELAYED and not row.attempts  # it waits, and was never called
            settled = row.step == "submit_to_erp" and row.state is StepState.DONE and OrderAccepted in told
            if not known and (not settled or row.attempts > 1):
                yield _moment_of_step(row, erp)


def _moment_of_step(row: JournalRow, erp: str) -> Moment:
    outside = row.step in _AT_ERP
    details = {
        StepState.REFUSED: "refused",
        StepState.DELAYED: "failed in passing, will be tried again",
        StepState.UNHEARD: "the answer was lost; asked whether it took effect",
        StepState.INTENT: "begun; the answer is not known yet" if outside else "begun",
    }
    calls = f"after {row.attempts} calls" if row.attempts > 1 else ""
    return Moment(
        at=row.at,
        track="erp" if outside else "hub",
        system=erp if outside else HUB,
        title=step_in_words(row.step),
        detail="; ".join(filter(None, (details.get(row.state, ""), calls))),
        tone=_TONES.get(row.state, "plain"),
        attempts=row.attempts if row.attempts > 1 else 0,
    )


_VERBS = {
    "retry": "Tried again",
    "repair": "Repaired and continued",
    "skip": "Skipped",
    "compensate": "Turned back",
    "assign": "Assigned",
}


def _operated(audit: Sequence[AuditEntry]) -> Iterator[Moment]:
    """What people did."""
    for entry in audit:
        title = f"{_VERBS.get(entry.verb, entry.verb)} by {entry.actor}"
        detail = f"to {entry.reason}" if entry.verb == "assign" else entry.reason
        yield Moment(at=entry.at, track="person", system=entry.actor, title=title, detail=detail)
