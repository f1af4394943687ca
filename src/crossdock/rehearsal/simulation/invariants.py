"""What must hold: the cheap half after every commit and booking, the rest when the day is over.

Each check yields what is wrong, in words; the name of the check is the name of the invariant.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from crossdock.canonical.order import Order
from crossdock.contracts.orders import ORDER_EVENTS, OrderAccepted, OrderCaptured, OrderRefused, StockHeld
from crossdock.durable.codec import decode
from crossdock.durable.records import FINAL_STATES, RunState, StoredEvent
from crossdock.kit.money import MICRO
from crossdock.processes.order_submission import Submitted, erp_key
from crossdock.processes.status_feedback import latest_updates
from crossdock.rehearsal.erp import Document
from crossdock.rehearsal.simulation.world import World

Wrong = Iterator[str]

_LEVELS = """
    SELECT l.product, l.available, l.held, coalesce(sum(r.micro) FILTER (WHERE r.state = 'held'), 0),
        coalesce(sum(r.micro) FILTER (WHERE r.state = 'consumed'), 0)
    FROM stock_level l LEFT JOIN reservation r ON r.product = l.product AND r.location = l.location
    GROUP BY l.product, l.location
"""
_TWO_AT_ONCE = "SELECT subject FROM run WHERE state = 'running' GROUP BY subject HAVING count(*) > 1"
_OWNERLESS = """
    SELECT r.id FROM run r LEFT JOIN parked p ON p.run_id = r.id
    WHERE r.state = 'parked' AND (p.owner IS NULL OR p.owner = '')
"""
_BUGS = "SELECT run_id, facts FROM parked WHERE category = 'bug'"
_KEPT = """
    SELECT v.key, v.product, v.micro FROM reservation v JOIN run r ON r.id = v.key
    WHERE v.state = 'held' AND r.state IN ('done', 'skipped')
"""


# ── after every commit and booking ──────────────────────────────────────────────────────────────────


def stock_adds_up(world: World) -> Wrong:
    """Never negative, never held twice: what is free, held and gone is what was counted."""
    counted = world.scenario.pieces * MICRO
    for product, available, held, reserved, consumed in world.database.connection.execute(_LEVELS):
        if available < 0 or held < 0 or held != reserved or available + held + consumed != counted:
            yield f"{product}: {available} free, {held} held for {reserved} reserved, {consumed} gone of {counted}"


def one_run_per_subject(world: World) -> Wrong:
    """Runs about one order go one after another."""
    for (subject,) in world.database.connection.execute(_TWO_AT_ONCE):
        yield f"two runs of {subject} at once"


def one_order_per_key(world: World, key: str) -> Wrong:
    """The ERP has no order twice."""
    standing = [document.number for document in world.erp.documents[key] if not document.cancelled]
    if len(standing) > 1:
        yield f"{' and '.join(standing)} stand under one key"


AFTER_COMMIT: Sequence[Callable[[World], Wrong]] = (stock_adds_up, one_run_per_subject)


# ── when the day is over ────────────────────────────────────────────────────────────────────────────


class Books:
    """What the hub has in the end, read once for all checks."""

    def __init__(self, world: World) -> None:
        self.world = world
        execute = world.database.connection.execute
        self.runs: dict[str, tuple[str, bytes, bytes]] = {
            run_id: (state, bytes(given), bytes(result))
            for run_id, state, given, result in execute("SELECT id, state, input, result FROM run")
        }
        self.events = [
            StoredEvent(
                sequence=sequence,
                event_id=event_id,
                type=kind,
                subject=subject,
                correlation_id="",
                at=at,
                data=data,
            )
            for sequence, event_id, kind, subject, at, data in execute(
                "SELECT sequence, event_id, type, subject, at, data FROM event ORDER BY sequence"
            )
        ]
        self.told: Mapping[str, list[Any]] = defaultdict(list)
        for event in self.events:
            if event.type in ORDER_EVENTS:
                self.told[event.subject].append(decode(event.data, ORDER_EVENTS[event.type]))

    def submissions(self) -> Iterator[tuple[str, Submitted, Order]]:
        """The orders whose submission ended by itself, how, and with what they were captured."""
        for planned in self.world.scenario.orders:
            state, given, result = self.runs.get(run_of(planned.order_id), ("", b"", b""))
            if state == RunState.DONE:
                yield planned.order_id, decode(result, Submitted), decode(given, Order)

    def told_of(self, order_id: str, kind: type[Any]) -> list[Any]:
        """The events of a kind about an order."""
        return [event for event in self.told[f"order/{order_id}"] if type(event) is kind]

    def standing(self, order_id: str) -> Document | None:
        """The order in the ERP."""
        return self.world.erp.standing(erp_key(order_id))


def run_of(order_id: str) -> str:
    """The run that submits an order."""
    return f"order_submission/{order_id}"


def no_order_is_lost(books: Books) -> Wrong:
    """What was accepted has its run, and other content under its number is seen by a person."""
    for planned in books.world.scenario.orders:
        if run_of(planned.order_id) not in books.runs:
            yield f"{planned.order_id} has no run"
        variants = [run_id for run_id in books.runs if run_id.startswith(f"{run_of(planned.order_id)}@")]
        if planned.changed_at is not None and planned.door == "stream" and not variants:
            yield f"nobody was told that {planned.order_id} came again with other content"


def every_run_ends(books: Books) -> Wrong:
    """Or is parked, with an owner, and not for a bug."""
    for run_id, (state, *_) in books.runs.items():
        if state not in FINAL_STATES | {RunState.PARKED}:
            yield f"{run_id} is {state}"
    execute = books.world.database.connection.execute
    yield from (f"{run_id} is parked and nobody's" for (run_id,) in execute(_OWNERLESS))
    yield from (f"{run_id} is parked for a bug: {bytes(facts).decode()}" for run_id, facts in execute(_BUGS))


def every_hold_ends(books: Books) -> Wrong:
    """Released or consumed with the run that held it."""
    for key, product, micro in books.world.database.connection.execute(_KEPT):
        yield f"{key} has ended and still holds {micro} of {product}"


def both_sides_agree(books: Books) -> Wrong:
    """What the hub says was accepted stands in the ERP with that money, and nothing that was refused does."""
    for order_id, submitted, _ in books.submissions():
        document = books.standing(order_id)
        if submitted.outcome == "refused":
            if document is not None:
                yield f"{order_id} was refused and stands in the ERP as {document.number}"
            continue
        if document is None or document.number != submitted.erp_number:
            number = document.number if document else "nothing"
            yield f"{order_id} was accepted as {submitted.erp_number}, the ERP has {number}"
            continue
        ours, theirs = _net_of(books, order_id, document.order), _net_in(document)
        if ours != theirs:
            yield f"{order_id}: {ours} accepted here, {theirs} in the ERP"


def _net_of(books: Books, order_id: str, order: Order) -> Decimal:
    prices = {line.line_id: line.unit_price.decimal for line in order.lines}
    accepted = [move for event in books.told_of(order_id, OrderAccepted) for move in event.lines]
    return sum((prices[move.line_id] * move.micro / MICRO for move in accepted), Decimal(0))


def _net_in(document: Document) -> Decimal:
    taken = [line for line in document.order.lines if line.line_id not in document.refused]
    return sum((line.net().decimal for line in taken), Decimal(0))


def every_order_is_told_once(books: Books) -> Wrong:
    """Captured first and once; held, accepted and refused at most once; and the end is the run's."""
    for planned in books.world.scenario.orders:
        told = books.told[f"order/{planned.order_id}"]
        counts = Counter(type(event) for event in told)
        if counts[OrderCaptured] != 1 or type(told[0]) is not OrderCaptured:
            yield f"{planned.order_id} was captured {counts[OrderCaptured]} times, first: {told[:1]}"
        again = [kind.__name__ for kind in (StockHeld, OrderAccepted, OrderRefused) if counts[kind] > 1]
        if again:
            yield f"{planned.order_id} told more than once: {', '.join(again)}"
    for order_id, submitted, _ in books.submissions():
        kind = OrderRefused if submitted.outcome == "refused" else OrderAccepted
        other = OrderAccepted if kind is OrderRefused else OrderRefused
        if not books.told_of(order_id, kind) or books.told_of(order_id, other):
            yield f"{order_id} ended {submitted.outcome}, and {kind.__name__} was not what was told"


def events_leave_in_order(books: Books) -> Wrong:
    """Each at least once, the same under the same id, and for the first time in the order of commits."""
    first: dict[int, str] = {}
    for event in books.world.broker.published:
        known = first.setdefault(event.sequence, event.event_id)
        if known != event.event_id:
            yield f"event {event.sequence} left as {known} and as {event.event_id}"
    wanted = {event.sequence: event.event_id for event in books.events}
    if list(first) != sorted(first):
        yield f"events left in the order {list(first)}"
    if first != wanted:
        yield f"events {sorted(wanted.keys() ^ first.keys())} are missing or were never committed"


def statuses_are_shown(books: Books) -> Wrong:
    """The shop shows each order's latest status."""
    by_order: dict[str, list[StoredEvent]] = defaultdict(list)
    for event in books.events:
        by_order[event.subject].append(event)
    for planned in books.world.scenario.orders:
        latest = latest_updates(by_order[f"order/{planned.order_id}"], lambda _record: True)
        shown = books.world.shop.shown.get(record_of(planned.order_id))
        if latest and (shown is None or shown.status != latest[-1].status):
            yield f"{planned.order_id} is {latest[-1].status}, shown as {shown.status if shown else 'nothing'}"


def record_of(order_id: str) -> str:
    """The number of an order's record in the shop."""
    return f"R-{order_id}"


AT_THE_END: Sequence[Callable[[Books], Wrong]] = (
    no_order_is_lost,
    every_run_ends,
    every_hold_ends,
    both_sides_agree,
    every_order_is_told_once,
    events_leave_in_order,
    statuses_are_shown,
)
