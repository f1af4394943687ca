"""Readable test data: `an_order(lines=3)`, `a_line(price="0")`. Name what matters; every default makes sense."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from crossdock.canonical.order import Order, OrderLine
from crossdock.canonical.party import (
    Address,
    Contact,
    Customer,
    Organisation,
    Party,
    PostalAddress,
    ShippingProfile,
)
from crossdock.canonical.status import OrderStatus
from crossdock.contracts.envelope import CloudEvent, envelope
from crossdock.durable.codec import encode
from crossdock.kit.clock import MICROSECONDS, Instant
from crossdock.kit.money import Money, Price, Quantity
from crossdock.ports.status_sink import StatusUpdate

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOON_INSTANT: Instant = 1_767_268_800 * MICROSECONDS


def money(amount: str, currency: str = "EUR") -> Money:
    """`money("12.50")`."""
    return Money(amount, currency)


def a_line(
    line_id: str = "1",
    *,
    product: str = "P-100",
    quantity: str = "1",
    unit: str = "EA",
    price: str = "10.00",
    currency: str = "EUR",
    **changes: Any,
) -> OrderLine:
    """A line; `changes` are further fields of OrderLine."""
    return OrderLine(
        line_id=line_id,
        product=product,
        quantity=Quantity(quantity, unit),
        unit_price=Price(price, currency),
        **changes,
    )


def an_address(**changes: Any) -> Address:
    """An address in Berlin; `changes` replace fields of Address."""
    fields: dict[str, Any] = {
        "name": "Ada Beispiel",
        "lines": ("Musterweg 1",),
        "postal_code": "10115",
        "city": "Berlin",
        "country": "DE",
    }
    return Address(**(fields | changes))


def a_customer(number: str = "C-1001", **changes: Any) -> Customer:
    """A customer with a number; `changes` replace fields of Customer."""
    fields: dict[str, Any] = {"name": "Ada Beispiel", "kind": "organisation", "email": "ada@shop.example"}
    return Customer(number=number, **(fields | changes))


def a_company(name: str = "Anvil & Söhne GmbH", **changes: Any) -> Party:
    """A statement about a company that every system can keep; `changes` replace fields of Party."""
    address = PostalAddress(lines=("Größe Straße 1",), postal_code="10115", city="Berlin", country="DE")
    fields: dict[str, Any] = {
        "kind": "organisation",
        "organisation": Organisation(name=name),
        "contact": Contact(email="office@anvil.example", phone="+49 30 5550100"),
        "shipping": {"default": ShippingProfile(address=address)},
    }
    return Party(**(fields | changes))


def an_order(
    order_id: str = "O-1001",
    *,
    lines: Sequence[OrderLine] | int = 1,
    customer: Customer | str = "C-1001",
    currency: str = "EUR",
    products: Sequence[str] = ("P-100", "P-110", "P-120"),
    unit: str = "EA",
    **changes: Any,
) -> Order:
    """An order with these lines, or with so many over `products`; `changes` are further fields of Order."""
    if isinstance(lines, int):
        lines = [
            a_line(str(index + 1), product=products[index % len(products)], unit=unit, currency=currency)
            for index in range(lines)
        ]
    fields: dict[str, Any] = {
        "channel": "web",
        "ordered_at": NOON,
        "shipping_address": an_address(),
        "customer": a_customer(customer) if isinstance(customer, str) else customer,
    }
    return Order(order_id=order_id, currency=currency, lines=tuple(lines), **(fields | changes))


def a_status_update(record: str, **changes: Any) -> StatusUpdate:
    """An update that tells of an accepted order; `changes` replace fields of StatusUpdate."""
    fields: dict[str, Any] = {
        "order_id": "O-1001",
        "status": OrderStatus.ACCEPTED,
        "as_of": NOON_INSTANT,
        "erp_number": "SO-1",
    }
    return StatusUpdate(record=record, **(fields | changes))


def a_cloud_event(event_id: str = "E-1", *, subject: str = "order/O-1001", told: str = "") -> CloudEvent:
    """An event about an order; `told` is some text in what it tells."""
    return envelope(
        event_id=event_id,
        kind="crossdock.order.released.v1",
        subject=subject,
        at=NOON_INSTANT,
        correlation_id=subject.partition("/")[2],
        sequence=1,
        data=encode({"order_id": subject.partition("/")[2], "at": NOON_INSTANT, "source": "hub", "reason": told}),
    )
