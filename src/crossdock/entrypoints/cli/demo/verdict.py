"""Whether every promise was kept: the plan, the hub, Salesforce and the ERP's own books laid side by side."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.canonical.order import Order
from crossdock.canonical.status import OrderStatus
from crossdock.entrypoints.cli.demo.books import Booked
from crossdock.entrypoints.cli.demo.trade import TURNED_AWAY, Entry
from crossdock.entrypoints.cli.demo.watch import Watch
from crossdock.kit.money import Quantity
from crossdock.processes.order_submission import erp_key

SHOWN_MAX = 5
ACCEPTED = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTLY_ACCEPTED})


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """One invariant: whether it held, the figure that says so, and the first exceptions if it did not."""

    name: str
    held: bool
    figure: str
    exceptions: tuple[str, ...] = ()


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All that the verdict rests on. `handed` are the plan's entries by the hub's order id.

    `inputs` are the hub's orders as they were captured; `shown` is the status that Salesforce shows per order id.
    `turned_away` are entries that ended at the door, with the HTTP status they got.
    """

    handed: Mapping[str, Entry]
    turned_away: Mapping[str, int]
    inputs: Mapping[str, Order]
    booked: Sequence[Booked]
    shown: Mapping[str, str]
    scarce_product: str
    scarce_pieces: int
    writes_at_once_peak: int
    writes_at_once_max: int


def judge(evidence: Evidence, watch: Watch) -> tuple[Promise, ...]:
    """Every promise, kept or not."""
    by_reference: dict[str, list[Booked]] = defaultdict(list)
    for booked in evidence.booked:
        by_reference[booked.reference].append(booked)
    promises = [
        _nothing_lost(evidence, watch),
        _nothing_doubled(by_reference),
        _accepted_means_booked(evidence, watch, by_reference),
        _money_agrees(evidence, watch, by_reference),
        _as_foretold(evidence, watch),
        _shown_in_salesforce(evidence, watch),
    ]
    # A stream orders nothing scarce, and takes no detour on which somebody could count what is under way.
    if any(line.product == evidence.scarce_product for order in evidence.inputs.values() for line in order.lines):
        promises.append(_nothing_oversold(evidence, watch))
    if evidence.writes_at_once_peak:
        promises.append(_erp_protected(evidence))
    return tuple(promises)


def promise(name: str, figure: str, exceptions: Sequence[str]) -> Promise:
    """It held where there are no exceptions."""
    return Promise(name=name, held=not exceptions, figure=figure, exceptions=tuple(exceptions[:SHOWN_MAX]))


def _nothing_lost(evidence: Evidence, watch: Watch) -> Promise:
    """Whatever was handed over is in the hub and has ended."""
    lost = [order_id for order_id in evidence.handed if order_id not in watch.rows]
    open_ones = [order_id for order_id in evidence.handed if order_id in watch.rows and not watch.end_of(order_id)]
    exceptions = [f"{order_id} is not in the hub" for order_id in lost]
    exceptions += [f"{order_id} is still {watch.rows[order_id].status.value}" for order_id in open_ones]
    return promise("orders lost", f"{len(lost)} of {len(evidence.handed)}", exceptions)


def _nothing_doubled(by_reference: Mapping[str, Sequence[Booked]]) -> Promise:
    """The ERP has no reference twice."""
    doubled = {reference: found for reference, found in by_reference.items() if len(found) > 1}
    exceptions = [
        f"{reference}: {', '.join(one.number or 'draft' for one in found)}" for reference, found in doubled.items()
    ]
    figure = f"{sum(len(found) - 1 for found in doubled.values())} among {len(by_reference)}"
    return promise("duplicates in the ERP", figure, exceptions)


def _accepted_means_booked(
    evidence: Evidence, watch: Watch, by_reference: Mapping[str, Sequence[Booked]]
) -> Promise:
    """What the hub calls accepted stands in the ERP, under the number it named, and nothing else does."""
    accepted = {order_id for order_id in evidence.handed if _is_accepted(watch, order_id)}
    keys = {erp_key(order_id): order_id for order_id in evidence.handed}
    exceptions = []
    for order_id in sorted(accepted):
        numbers = {one.number for one in by_reference.get(erp_key(order_id), ())}
        if watch.rows[order_id].erp_number not in numbers:
            exceptions.append(f"{order_id} is called accepted, but the ERP does not have it")
    exceptions += [
        f"the ERP has {keys.get(reference, reference)}, which the hub does not call accepted"
        for reference in by_reference
        if keys.get(reference) not in accepted
    ]
    return promise("accepted here = in the ERP", f"{len(accepted)} = {len(evidence.booked)}", exceptions)


def _is_accepted(watch: Watch, order_id: str) -> bool:
    row = watch.rows.get(order_id)
    return row is not None and row.status in ACCEPTED


def _money_agrees(evidence: Evidence, watch: Watch, by_reference: Mapping[str, Sequence[Booked]]) -> Promise:
    """To the cent, order by order; the figure adds them up per currency."""
    totals: Counter[str] = Counter()
    exceptions = []
    for order_id in evidence.handed:
        order = evidence.inputs.get(order_id)
        if not _is_accepted(watch, order_id) or order is None:
            continue
        ours = accepted_net(order, watch.accepted[order_id])
        theirs = sum((one.net for one in by_reference.get(erp_key(order_id), ())), Decimal(0))
        totals[order.currency] += int(ours * 100)
        if ours != theirs:
            exceptions.append(f"{order_id}: {ours} here, {theirs} there ({order.currency})")
    figure = "  ".join(f"{cents / 100:,.2f} {currency}" for currency, cents in sorted(totals.items()))
    return promise("money equal on both sides", figure or "none moved", exceptions)


def accepted_net(order: Order, accepted: Any) -> Decimal:
    """What the accepted quantities are worth, at the order's prices."""
    lines = {line.line_id: line for line in order.lines}
    return sum(
        (
            lines[moved.line_id].unit_price.times(Quantity.from_micro(moved.micro)).decimal
            for moved in accepted.lines
        ),
        Decimal(0),
    )


def _as_foretold(evidence: Evidence, watch: Watch) -> Promise:
    """Each order ended as the plan says it must, whatever failed on the way."""
    exceptions = [
        f"{order_id} ({entry.tale}): {' or '.join(sorted(entry.ends))} was due, it is {watch.end_of(order_id)}"
        for order_id, entry in evidence.handed.items()
        if watch.end_of(order_id) not in entry.ends
    ]
    for order_id, status in evidence.turned_away.items():
        if not 400 <= status < 500 or order_id in watch.rows:  # noqa: PLR2004 - HTTP's own classes
            exceptions.append(f"{order_id} should be {TURNED_AWAY} with a clear problem, but got {status}")
    right = len(evidence.handed) + len(evidence.turned_away) - len(exceptions)
    return promise(
        "ended as it had to", f"{right} of {len(evidence.handed) + len(evidence.turned_away)}", exceptions
    )


def _nothing_oversold(evidence: Evidence, watch: Watch) -> Promise:
    """Of the scarce product no more was accepted than there was."""
    sold = 0
    for order_id, event in watch.accepted.items():
        order = evidence.inputs.get(order_id)
        products = {line.line_id: line.product for line in order.lines} if order else {}
        sold += sum(moved.micro for moved in event.lines if products.get(moved.line_id) == evidence.scarce_product)
    pieces = sold // 1_000_000
    figure = f"{pieces} of {evidence.scarce_pieces} {evidence.scarce_product}"
    too_many = [f"{pieces} accepted, {evidence.scarce_pieces} there"] if pieces > evidence.scarce_pieces else []
    return promise("nothing promised twice", figure, too_many)


def _shown_in_salesforce(evidence: Evidence, watch: Watch) -> Promise:
    """Every order typed into Salesforce shows there how it stands here."""
    exceptions = []
    for order_id, shown in evidence.shown.items():
        row = watch.rows.get(order_id)
        here = row.status.value.replace("_", " ").capitalize() if row else "nothing"
        if shown != here:
            exceptions.append(f"{order_id} shows {shown or 'nothing'}, and is {here}")
    right = len(evidence.shown) - len(exceptions)
    return promise("status shown in Salesforce", f"{right} of {len(evidence.shown)}", exceptions)


def _erp_protected(evidence: Evidence) -> Promise:
    """The lane let no more through than the ERP bears."""
    peak, allowed = evidence.writes_at_once_peak, evidence.writes_at_once_max
    too_many = [f"{peak} at once"] if peak > allowed else []
    return promise("ERP protected", f"at most {peak} orders at once, {allowed} allowed", too_many)
