"""Between Acme's words and ours: pure functions, no I/O."""

from datetime import UTC
from decimal import Decimal

from crossdock.canonical.order import Order
from crossdock.canonical.party import Address
from crossdock.kit.clock import from_datetime
from crossdock.ports.order_gateway import Acceptance, AcceptanceStatus, LineResult, OrderChange
from crossdock_acme import wire
from crossdock_acme.failures import reason

STATUSES: dict[str, AcceptanceStatus] = {
    "confirmed": "accepted",
    "confirmed_in_part": "partly_accepted",
    "shipped": "accepted",
}
"""What each status means; any other one is pending."""

CANCELLED = "cancelled"
_KINDS = {"shipment": "shipment", "invoice": "invoice"}


def order_to_wire(order: Order, *, key: str, correlation_id: str) -> wire.SalesOrder:
    """An order as Acme takes it."""
    return wire.SalesOrder(
        ref=key,
        buyer_ref=order.order_id,
        trace=correlation_id,
        account=order.customer.number,
        currency=order.currency,
        placed_at=order.ordered_at.astimezone(UTC),
        ship_to=_ship_to(order.shipping_address) if order.shipping_address else None,
        lines=tuple(
            wire.SalesLine(
                no=line.line_id,
                sku=line.product,
                qty=line.quantity.value,
                unit=line.quantity.unit,
                price=line.unit_price.amount,
                text=line.description,
            )
            for line in order.lines
        ),
    )


def _ship_to(address: Address) -> wire.ShipTo:
    return wire.ShipTo(
        name=address.name,
        street=address.lines,
        zip=address.postal_code,
        city=address.city,
        country=address.country,
    )


def acceptance(answer: wire.OrderAnswer) -> Acceptance:
    """What Acme made of an order; a status that nobody here knows is pending."""
    return Acceptance(
        number=answer.id,
        status=STATUSES.get(answer.status, "pending"),
        lines=tuple(_line_result(line) for line in answer.lines),
        vendor_status=answer.status,
    )


def _line_result(line: wire.LineAnswer) -> LineResult:
    if not line.reason:
        return LineResult(line_id=line.no, accepted_micro=_micro(line.confirmed))
    code, words = reason(line.reason)
    return LineResult(
        line_id=line.no,
        accepted_micro=_micro(line.confirmed),
        refused_micro=_micro(line.rejected),
        reason_code=code,
        reason=words,
        vendor_code=line.reason,
    )


def _micro(text: str) -> int:
    return int(Decimal(text).scaleb(6))


def change(item: wire.Change) -> OrderChange:
    """A change of an order, or of a document made from it."""
    return OrderChange(
        key=item.ref,
        number=item.id,
        kind=_KINDS.get(item.type, "order"),  # type: ignore[arg-type]
        document=item.doc,
        vendor_status=item.status,
        changed_at=from_datetime(item.at),
    )
