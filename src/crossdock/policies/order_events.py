"""Events about an order, ready for the outbox, and what it is to the inbox."""

import hashlib
from typing import Any

from crossdock.canonical.ledger import LineMovement
from crossdock.canonical.order import Order
from crossdock.contracts.orders import OrderCaptured, OrderEvent, OrderRefused, order_subject
from crossdock.durable.codec import encode
from crossdock.durable.records import InboxRow, Outgoing
from crossdock.kit.clock import Instant

HUB = "crossdock"
INBOX = "order"
RECORD_KIND = "Order"
UNTRANSLATABLE = "untranslatable"
"""Why an arrival is parked that was no order: until it is repaired, it is known by a key of its own."""


def arrival_of(order: Order) -> InboxRow:
    """An order is known by its number; other content under it is a conflict."""
    return InboxRow(INBOX, order.order_id, digest_of(encode(order)))


def digest_of(content: bytes) -> str:
    """Equal for equal orders, which the hub always writes the same way, however they came in."""
    return hashlib.blake2s(content, digest_size=12).hexdigest()


def record_of(order: Order) -> str:
    """The number of the order's own record where it was captured."""
    return next((known.value for known in order.references if known.kind == RECORD_KIND), "")


def order_event(
    kind: type[OrderEvent], order: Order, *, at: Instant, correlation_id: str, **facts: Any
) -> Outgoing:
    """An event about `order`; `facts` are the fields that this kind has besides the common ones."""
    event = kind(order_id=order.order_id, at=at, source=HUB, record=record_of(order), **facts)
    return Outgoing(kind.type, order_subject(order.order_id), encode(event), correlation_id)


def captured(order: Order, *, at: Instant, correlation_id: str) -> Outgoing:
    """The hub has taken responsibility for the order."""
    return order_event(
        OrderCaptured,
        order,
        at=at,
        correlation_id=correlation_id,
        lines=tuple(LineMovement(line.line_id, line.quantity.micro) for line in order.lines),
        channel=order.channel,
        brand=order.brand,
        region=order.region,
        customer=order.customer.number,
        currency=order.currency,
        net=order.net().amount,
    )


def arrival_ended(key: str, *, record: str, at: Instant, correlation_id: str, code: str, reason: str) -> Outgoing:
    """What was parked under a key of its own goes no further under that key."""
    event = OrderRefused(order_id=key, at=at, source=HUB, record=record, code=code, reason=reason)
    return Outgoing(event.type, order_subject(key), encode(event), correlation_id)
