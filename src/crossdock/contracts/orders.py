"""What the hub tells the world about orders (EVT-01). One subject per order: `order/<order_id>`.

Each event is also a fact of the order's ledger: its `lines` say what happened to which quantity, and the
order's status is derived from them. Quantities are millionths of the line's unit.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from crossdock.canonical.ledger import LineMovement
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Finding


def order_subject(order_id: str) -> str:
    """The subject under which everything about an order runs and is told."""
    return f"order/{order_id}"


class OrderEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all of them carry. `at` is when it happened where it happened, `source` which system said so."""

    type: ClassVar[str]
    order_id: str
    at: Instant
    source: str
    record: str = ""
    """The number of the order's record in the system that captured it."""
    lines: tuple[LineMovement, ...] = ()


class OrderCaptured(OrderEvent, frozen=True, kw_only=True):
    """The hub has taken responsibility for the order. Lines: ordered."""

    type: ClassVar[str] = "crossdock.order.captured.v1"
    channel: str
    brand: str = ""
    region: str = ""
    customer: str = ""
    currency: str
    net: str


class StockHeld(OrderEvent, frozen=True, kw_only=True):
    """Stock is held for the order. Lines: held."""

    type: ClassVar[str] = "crossdock.stock.held.v1"


class OrderAccepted(OrderEvent, frozen=True, kw_only=True):
    """The ERP has the order. Lines: accepted; what it did not take is in `refused`, each with its reason.

    While `pending` is true the ERP has not decided: no line is accepted yet.
    """

    type: ClassVar[str] = "crossdock.order.accepted.v1"
    erp: str
    erp_number: str
    refused: tuple[LineMovement, ...] = ()
    reason: str = ""
    pending: bool = False


class OrderRefused(OrderEvent, frozen=True, kw_only=True):
    """Nobody will fulfil the order, and nothing is left of it anywhere. Lines: refused."""

    type: ClassVar[str] = "crossdock.order.refused.v1"
    reason: str
    code: str
    findings: tuple[Finding, ...] = ()


class OrderWaiting(OrderEvent, frozen=True, kw_only=True):
    """The order is safe here and waits for a system."""

    type: ClassVar[str] = "crossdock.order.waiting.v1"
    waits_for: str
    reason: str


class OrderNeedsAttention(OrderEvent, frozen=True, kw_only=True):
    """The order stands still until a person decides (order exception)."""

    type: ClassVar[str] = "crossdock.order.exception.v1"
    category: str
    code: str
    owner: str
    reason: str


class OrderReleased(OrderEvent, frozen=True, kw_only=True):
    """A person has let the order go on."""

    type: ClassVar[str] = "crossdock.order.released.v1"
    reason: str = ""


ORDER_EVENTS: Mapping[str, type[Any]] = {
    event.type: event
    for event in (
        OrderCaptured,
        StockHeld,
        OrderAccepted,
        OrderRefused,
        OrderWaiting,
        OrderNeedsAttention,
        OrderReleased,
    )
}
