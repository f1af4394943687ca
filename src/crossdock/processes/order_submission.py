"""An order becomes an accepted order in the ERP, once, with its stock held and every refusal explained.

    check ─ enrich ─ judge ─ hold stock ─ submit to ERP ═ announce
                       │          │             ║
                    refused    nothing        pivot: before it a refusal is undone,
                               to promise     after it only forward

Requirements: ORD-02, 03, 09, 12, 14, 15, 18; SCN-01, SCN-03, SCN-13.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from crossdock.canonical.ledger import LineMovement
from crossdock.canonical.order import Order, OrderLine
from crossdock.canonical.product import PriceQuote
from crossdock.contracts.orders import (
    OrderAccepted,
    OrderEvent,
    OrderNeedsAttention,
    OrderRefused,
    OrderReleased,
    OrderWaiting,
    StockHeld,
    order_subject,
)
from crossdock.durable.lanes import LaneClosed
from crossdock.durable.process import Happening, Process, Stake
from crossdock.durable.records import Outgoing
from crossdock.durable.run import Run
from crossdock.kit.clock import Clock
from crossdock.kit.errors import Finding, Invalid, Rejected
from crossdock.kit.failpoints import failpoint
from crossdock.kit.ids import check_business_key, write_key
from crossdock.kit.money import Quantity
from crossdock.kit.wording import counted, said_at
from crossdock.policies.order_acceptance import (
    PENDING,
    AcceptanceRules,
    LineRefusal,
    References,
    check_completeness,
    in_words,
    judge,
)
from crossdock.policies.order_events import UNTRANSLATABLE, arrival_ended, arrival_of, captured, order_event
from crossdock.ports.directories import CustomerDirectory, PriceSource, ProductSource
from crossdock.ports.order_gateway import Acceptance, OrderGateway
from crossdock.stock.holds import ConsumeStock, Held, HoldStock, ReleaseStock, Wanted

HUB = "crossdock"
URGENT_NET = 10_000


@dataclass(frozen=True)
class Collaborators:
    """Whom the process works with. `erp_name` is what people call the ERP."""

    erp: OrderGateway
    customers: CustomerDirectory
    products: ProductSource
    prices: PriceSource
    rules: AcceptanceRules
    clock: Clock
    erp_name: str
    settle_seconds: float


class Submitted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a submission ended."""

    outcome: str
    erp_number: str = ""
    reason: str = ""


def order_submission(using: Collaborators) -> Process[Order]:
    """The process, ready to be started with `start(order.order_id, order)`."""

    async def body(run: Run, order: Order) -> Submitted:
        return await submit_order(run, order, using)

    return Process(
        name="order_submission",
        version=1,
        input=Order,
        body=body,
        subject=lambda order: order_subject(order.order_id),
        priority=lambda order: order.priority,
        stake=stake_of,
        announce=lambda order, happening: announce(order, happening, using.clock),
        gives_back={"hold_stock": lambda run_id: ReleaseStock(key=run_id)},
        asked_anew=("enrich", "hold_stock"),
        arrival=arrival_of,
        owner="order-desk",
        desks={PENDING: "credit-desk"},
    )


async def submit_order(run: Run, arrived: Order, using: Collaborators) -> Submitted:
    """The recipe."""
    try:
        run.heed()
        _check(arrived)
        known = await run.step(
            "enrich",
            lambda _key: _enrich(arrived, using),
            returns=References,
            on_wait=lambda closed: _waiting(arrived, run, closed, using),
        )
        run.heed()
        refused = _judge(arrived, known, using)
        order = _without(arrived, refused)
        held = await _hold_stock(run, order, using)
        order, short = _what_is_held(order, held)
        failpoint("submission.stock_held")
        acceptance = await _submit_to_erp(run, order, using)
        failpoint("submission.accepted")
    except Rejected as refusal:
        return await _turn_back(run, arrived, refusal, using)
    return _announce_acceptance(run, order, acceptance, (*refused, *short), using)


def _check(order: Order) -> None:
    """Raises Invalid with every finding: somebody has to repair the order before anybody can judge it."""
    check_business_key(order.order_id, "$.order_id")
    findings = check_completeness(order)
    if findings:
        raise Invalid(
            f"{counted(len(findings), 'finding')}: {in_words(findings)}", code="incomplete", findings=findings
        )


async def _enrich(order: Order, using: Collaborators) -> References:
    number = order.customer.number
    customers = await using.customers.find_customers([number]) if number else {}
    products = await using.products.find_products(sorted({line.product for line in order.lines}))
    customer = customers.get(number)
    quotes: tuple[PriceQuote, ...] = ()
    if customer is not None and using.rules.check_prices:
        wanted = [(line.product, line.quantity) for line in order.lines if line.product in products]
        quotes = tuple(await using.prices.find_prices(number, order.currency, wanted)) if wanted else ()
    known = References(customer=customer, products=dict(products), prices=quotes)
    verdict = judge(order, known, using.rules)
    if verdict.holds:  # parked at this step, so that whoever goes on asks anew
        raise Invalid(in_words(verdict.holds), code=verdict.holds[0].code, system=HUB, findings=verdict.holds)
    return known


def _judge(order: Order, known: References, using: Collaborators) -> Sequence[LineRefusal]:
    """Raises Rejected for what the customer must be told, Invalid for what the order desk must decide."""
    verdict = judge(order, known, using.rules)
    if verdict.refusals:
        first = verdict.refusals[0]
        raise Rejected(in_words(verdict.refusals), code=first.code, system=HUB, findings=verdict.refusals)
    if verdict.repairs:
        raise Invalid(
            in_words(verdict.repairs), code=verdict.repairs[0].code, system=HUB, findings=verdict.repairs
        )
    return verdict.refused_lines


async def _hold_stock(run: Run, order: Order, using: Collaborators) -> Held:
    """Raises Rejected where nothing, or not everything of an order that must be whole, can be promised."""
    wanted = tuple(
        Wanted(line.line_id, line.product, line.quantity.micro, _location(order, line)) for line in order.lines
    )
    held = await run.record(
        "hold_stock",
        HoldStock(key=run.run_id, wanted=wanted),
        returns=Held,
        undo=ReleaseStock(key=run.run_id),
    )
    if not held.allocations or (held.shortages and not order.accepts_partial):
        short = _short_lines(order, held)
        findings = [Finding(line.code, f"$.lines[{line.line_id}]", line.reason) for line in short]
        raise Rejected(in_words(findings), code="out-of-stock", system=HUB, findings=findings)
    moved = tuple(LineMovement(part.line_id, part.micro) for part in held.allocations)
    run.publish(_event(StockHeld, order, run.correlation_id, using.clock, lines=moved))
    return held


async def _submit_to_erp(run: Run, order: Order, using: Collaborators) -> Acceptance:
    return await run.step(
        "submit_to_erp",
        lambda key: using.erp.submit_order(order, key=key, correlation_id=run.correlation_id),
        returns=Acceptance,
        undo=lambda key: using.erp.cancel_order(key=key, reason="refused before acceptance"),
        recall=lambda key: using.erp.find_order(key=key),
        pivot=True,
        key=erp_key(order.order_id),
        settle_seconds=using.settle_seconds,
        on_wait=lambda closed: _waiting(order, run, closed, using),
    )


def _announce_acceptance(
    run: Run, order: Order, acceptance: Acceptance, refused_here: Sequence[LineRefusal], using: Collaborators
) -> Submitted:
    pending = acceptance.status == "pending"
    taken = tuple((line.line_id, line.accepted_micro) for line in acceptance.lines if line.accepted_micro)
    if not pending:  # until the ERP has decided, the stock stays held
        run.attach("consume_stock", ConsumeStock(key=run.run_id, accepted=taken))
    refused = [LineMovement(line.line_id, line.micro, line.code) for line in refused_here]
    refused += [
        LineMovement(line.line_id, line.refused_micro, line.reason_code)
        for line in acceptance.lines
        if line.refused_micro
    ]
    reasons = [line.reason for line in refused_here] + [line.reason for line in acceptance.lines]
    reason = " ".join(dict.fromkeys(filter(None, reasons)))
    event = _event(
        OrderAccepted,
        order,
        run.correlation_id,
        using.clock,
        lines=() if pending else tuple(LineMovement(*each) for each in taken),
        erp=using.erp_name,
        erp_number=acceptance.number,
        refused=tuple(refused),
        reason=reason,
        pending=pending,
    )
    run.publish(event)
    outcome = "pending" if pending else "partly_accepted" if refused else "accepted"
    return Submitted(outcome=outcome, erp_number=acceptance.number, reason=reason)


async def _turn_back(run: Run, order: Order, refusal: Rejected, using: Collaborators) -> Submitted:
    """Undo what was done, give the stock back, and say why in the customer's record."""
    await run.compensate()
    failpoint("submission.turned_back")
    lines = tuple(LineMovement(line.line_id, line.quantity.micro, refusal.code) for line in order.lines)
    event = _event(
        OrderRefused,
        order,
        run.correlation_id,
        using.clock,
        lines=lines,
        reason=refusal.message,
        code=refusal.code,
        findings=refusal.findings,
    )
    run.publish(event)
    return Submitted(outcome="refused", reason=refusal.message)


# ── what the order tells about itself ───────────────────────────────────────────────────────────────


def stake_of(order: Order) -> Stake:
    """An order that stands still hurts fulfilment; a big or urgent one hurts more."""
    net = order.net()
    severity = 3 if net.decimal >= URGENT_NET or order.priority <= 1 else 2
    return Stake(domain="fulfilment", severity=severity, at_risk=f"{net.amount} {net.currency}")


def announce(order: Order | None, happening: Happening, clock: Clock) -> Sequence[Outgoing]:
    """What others hear when work on the order stops, goes on, or is given up."""
    parking = happening.parking
    if order is None or (happening.kind != "parked" and parking is not None and parking.code == UNTRANSLATABLE):
        return _announce_arrival(order, happening, clock)
    if happening.run_id.startswith(f"order_submission/{order.order_id}@"):
        return ()  # another version of an order that stands as it was submitted
    if happening.kind == "parked" and parking is not None:
        event = _event(
            OrderNeedsAttention,
            order,
            order.order_id,
            clock,
            category=parking.category,
            code=parking.code,
            owner=parking.owner,
            reason=happening.reason,
        )
    elif happening.kind == "skipped":
        lines = tuple(LineMovement(line.line_id, line.quantity.micro, "skipped") for line in order.lines)
        event = _event(
            OrderRefused, order, order.order_id, clock, lines=lines, reason=happening.reason, code="skipped"
        )
    else:
        event = _event(OrderReleased, order, order.order_id, clock, reason=happening.reason)
    return (event,)


def _announce_arrival(order: Order | None, happening: Happening, clock: Clock) -> Sequence[Outgoing]:
    """An arrival that was no order: what was told under its own key ends there, and the order begins."""
    key, now, correlation_id = happening.run_id.partition("/")[2], clock.now(), happening.correlation_id
    if happening.kind == "skipped":
        reason, record = happening.reason, correlation_id
        return (
            arrival_ended(
                key, record=record, at=now, correlation_id=correlation_id, code="skipped", reason=reason
            ),
        )
    if happening.kind == "parked" or order is None:
        return ()  # parked as before: nothing new to tell
    reason = f"It was repaired and goes on as {order.order_id}."
    return (
        arrival_ended(key, record="", at=now, correlation_id=correlation_id, code="repaired", reason=reason),
        captured(order, at=now, correlation_id=correlation_id),
    )


def _waiting(order: Order, run: Run, closed: LaneClosed, using: Collaborators) -> Outgoing:
    reason = closed.detail or f"the lane is closed ({closed.reason})"
    if closed.reopens_at is not None and closed.reason != "full":
        reason = f"{reason}; asked again from {said_at(closed.reopens_at)}"
    return _event(OrderWaiting, order, run.correlation_id, using.clock, waits_for=using.erp_name, reason=reason)


def _event(kind: type[OrderEvent], order: Order, correlation_id: str, clock: Clock, **facts: object) -> Outgoing:
    return order_event(kind, order, at=clock.now(), correlation_id=correlation_id, **facts)


# ── lines ───────────────────────────────────────────────────────────────────────────────────────────


def erp_key(order_id: str) -> str:
    """The key under which any ERP knows the order: one per order, whichever run submits it."""
    return write_key("order", order_id)


def _location(order: Order, line: OrderLine) -> str:
    """Only a pickup insists on a place; everything else is shipped from wherever it lies."""
    fulfilment = line.fulfilment or order.fulfilment
    return fulfilment.location if fulfilment.method == "pickup" else ""


def _without(order: Order, refused: Sequence[LineRefusal]) -> Order:
    if not refused:
        return order
    gone = {line.line_id for line in refused}
    return replace(order, lines=tuple(line for line in order.lines if line.line_id not in gone))


def _short_lines(order: Order, held: Held) -> list[LineRefusal]:
    products = {line.line_id: line for line in order.lines}
    refusals = []
    for short in held.shortages:
        line = products[short.line_id]
        got = Quantity.from_micro(held.micro(short.line_id), line.quantity.unit)
        of = f"{got.value} of {line.quantity.value} {line.quantity.unit}"
        reason = f"Of {line.product} only {of} can be promised."
        refusals.append(LineRefusal(short.line_id, short.micro, "out-of-stock", reason))
    return refusals


def _what_is_held(order: Order, held: Held) -> tuple[Order, Sequence[LineRefusal]]:
    """The order as far as stock is held for it, and what that leaves out."""
    if not held.shortages:
        return order, ()
    lines = []
    for line in order.lines:
        micro = held.micro(line.line_id)
        if micro == line.quantity.micro:
            lines.append(line)
        elif micro:
            lines.append(replace(line, quantity=Quantity.from_micro(micro, line.quantity.unit)))
    return replace(order, lines=tuple(lines)), _short_lines(order, held)
