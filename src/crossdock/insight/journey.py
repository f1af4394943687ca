"""An order's journey: what happened when, which system said it, how long it took, what it waits for (OBS-01).

Made from what is durable (events, journal, audit), so it is complete and the same wherever it is shown.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from crossdock.canonical.ledger import Counters
from crossdock.canonical.order import Order
from crossdock.canonical.status import OrderStatus
from crossdock.contracts.orders import (
    ORDER_EVENTS,
    OrderAccepted,
    OrderCaptured,
    OrderWaiting,
    StockHeld,
    order_subject,
)
from crossdock.durable.codec import decode
from crossdock.durable.records import Parking, RunState, StoredEvent
from crossdock.durable.store import AuditEntry, RunView, Store
from crossdock.insight.ledger import counters_of, said_by
from crossdock.insight.moments import Moment, moments_of
from crossdock.insight.order_board import fold
from crossdock.kit.clock import MICROSECONDS, Instant
from crossdock.kit.errors import Invalid
from crossdock.policies.order_status import status_after
from crossdock.ports.order_board import BoardRow

EVENTS_MAX = 1_000
RUNS_MAX = 20


class LineState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line and what became of its quantity, in millionths of `unit`. `reasons` are the refusals' codes."""

    line_id: str
    counters: Counters
    product: str = ""
    description: str = ""
    unit: str = ""
    unit_price: str = ""
    net: str = ""
    reasons: tuple[str, ...] = ()


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A fact with its age: what, since when it is known to be so, and who said it."""

    value: str
    as_of: Instant
    age_seconds: float
    source: str


class ParkedWork(msgspec.Struct, frozen=True, kw_only=True):
    """A run that stands still, and why."""

    run_id: str
    since: Instant
    parking: Parking


class Present(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the work on the order does right now; `until` where a moment is known at which it goes on."""

    state: RunState
    words: str
    since: Instant
    until: Instant | None = None


class Journey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All there is to tell about an order. `shown_in` says of each system whether it shows the latest status."""

    order_id: str
    correlation_id: str
    row: BoardRow
    moments: tuple[Moment, ...]
    lines: tuple[LineState, ...]
    facts: Mapping[str, Known]
    run_ids: tuple[str, ...]
    order: Order | None = None
    present: Present | None = None
    parked: tuple[ParkedWork, ...] = ()
    shown_in: Mapping[str, bool] = {}


async def read_journey(
    store: Store, order_id: str, now: Instant, *, sinks: Mapping[str, str] | None = None
) -> Journey | None:
    """The journey of an order; None where nobody ever heard of it. `sinks` are names of status sinks by system.

    Raises StoreUnavailable.
    """
    subject = order_subject(order_id)
    events = await store.read_events(0, EVENTS_MAX, subject)
    found = [*await store.list_runs(subject=subject, limit=RUNS_MAX)]
    found += await store.list_runs(subject=f"status/{order_id}", limit=RUNS_MAX)
    if not events and not found:
        return None
    runs = [run for view in found if (run := await store.find_run(view.run_id)) is not None]
    audit = [entry for run in runs for entry in await store.list_audit(run_id=run.run_id)]
    positions = await store.read_cursors() if sinks else {}
    reached = {title: int(positions.get(f"relay:status:{name}") or 0) for name, title in (sinks or {}).items()}
    return journey(order_id, events, runs, audit, now, reached)


def journey(
    order_id: str,
    events: Sequence[StoredEvent],
    runs: Sequence[RunView],
    audit: Sequence[AuditEntry],
    now: Instant,
    reached: Mapping[str, int] | None = None,
) -> Journey:
    """The journey told by an order's events, its runs with their journals, and the audit of its runs.

    `reached` says up to which event each system's status was brought.
    """
    happened = [decode(stored.data, kind) for stored in events if (kind := ORDER_EVENTS.get(stored.type))]
    order = _order(runs)
    return Journey(
        order_id=order_id,
        correlation_id=_correlation(events, runs, order_id),
        row=_row(order_id, happened, runs),
        moments=moments_of(happened, runs, audit),
        lines=_lines(happened, order),
        facts=_facts(happened, now),
        run_ids=tuple(run.run_id for run in runs),
        order=order,
        present=_present(runs),
        parked=tuple(
            ParkedWork(run_id=run.run_id, since=run.parked_at or run.updated_at, parking=run.parking)
            for run in runs
            if run.state is RunState.PARKED and run.parking is not None
        ),
        shown_in=_shown(events, reached or {}),
    )


# ── the order as a whole ────────────────────────────────────────────────────────────────────────────


def _order(runs: Sequence[RunView]) -> Order | None:
    for run in runs:
        if run.subject.startswith("order/"):
            try:
                return decode(run.input, Order)
            except Invalid:
                continue  # it came in as something that is no order yet
    return None


def _correlation(events: Sequence[StoredEvent], runs: Sequence[RunView], order_id: str) -> str:
    known = [event.correlation_id for event in events] + [run.correlation_id for run in runs]
    return next(filter(None, known), order_id)


def _row(order_id: str, happened: Sequence[Any], runs: Sequence[RunView]) -> BoardRow:
    row: BoardRow | None = None
    for event in happened:
        row = fold(row, event)
    if row is not None:
        return row
    first = min(runs, key=lambda run: run.created_at)
    parking = next((run.parking for run in runs if run.parking is not None), None)
    return BoardRow(
        order_id=order_id,
        status=OrderStatus.NEEDS_ATTENTION if parking else OrderStatus.CAPTURED,
        captured_at=first.created_at,
        updated_at=max(run.updated_at for run in runs),
        reason=parking.reason if parking else "",
    )


def _present(runs: Sequence[RunView]) -> Present | None:
    """The unfinished run that was touched last tells."""
    open_runs = [run for run in runs if run.state not in {RunState.DONE, RunState.SKIPPED}]
    if not open_runs:
        return None
    run = max(open_runs, key=lambda run: run.updated_at)
    words = {
        RunState.READY: "About to be worked on",
        RunState.RUNNING: "In work",
        RunState.QUEUED: "Queued behind earlier work on this order",
        RunState.PARKED: "Stands still until a person decides",
        RunState.WAITING: f"Waiting for {run.waiting_on}",
    }[run.state]
    return Present(state=run.state, words=words, since=run.updated_at, until=run.wake_at)


def _shown(events: Sequence[StoredEvent], reached: Mapping[str, int]) -> Mapping[str, bool]:
    """Only an order with a record of its own is shown anywhere."""
    latest = 0
    for stored in events:
        kind = ORDER_EVENTS.get(stored.type)
        if kind is None:
            continue
        event = decode(stored.data, kind)
        if event.record and status_after(event) is not None:
            latest = stored.sequence
    return {title: position >= latest for title, position in reached.items()} if latest else {}


def _facts(happened: Sequence[Any], now: Instant) -> Mapping[str, Known]:
    facts: dict[str, Known] = {}

    def learn(name: str, value: str, event: Any) -> None:
        if name in facts and facts[name].value == value and name != "status":
            return
        age = round(max(now - event.at, 0) / MICROSECONDS, 3)
        facts[name] = Known(value=value, as_of=event.at, age_seconds=age, source=said_by(event))

    for event in happened:
        status = status_after(event)
        if status is not None:
            learn("status", status.value, event)
        match event:
            case OrderCaptured():
                learn("net", f"{event.net} {event.currency}", event)
                learn("customer", event.customer, event)
            case OrderAccepted():
                learn("erp_number", event.erp_number, event)
            case OrderWaiting():
                learn("waits_for", event.waits_for, event)
        if not isinstance(event, OrderWaiting | StockHeld):
            facts.pop("waits_for", None)
        if event.record:
            learn("record", event.record, event)
    return facts


# ── lines ───────────────────────────────────────────────────────────────────────────────────────────


def _lines(happened: Sequence[Any], order: Order | None) -> tuple[LineState, ...]:
    counted = dict(counters_of(happened))
    reasons: dict[str, dict[str, None]] = {}
    for event in happened:
        refused = event.refused if isinstance(event, OrderAccepted) else event.lines
        for line in refused:
            if line.reason:
                reasons.setdefault(line.line_id, {})[line.reason] = None
    states = []
    for line in order.lines if order else ():
        counters = counted.pop(line.line_id, None) or Counters(ordered=line.quantity.micro)
        states.append(
            LineState(
                line_id=line.line_id,
                counters=counters,
                product=line.product,
                description=line.description,
                unit=line.quantity.unit,
                unit_price=line.unit_price.amount,
                net=line.net().amount,
                reasons=tuple(reasons.get(line.line_id, ())),
            )
        )
    states += [
        LineState(line_id=line_id, counters=counters, reasons=tuple(reasons.get(line_id, ())))
        for line_id, counters in counted.items()
    ]
    return tuple(states)
