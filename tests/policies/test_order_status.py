"""One mapping from what happened to the status that every system shows."""

from typing import Any

import pytest

from crossdock.canonical.ledger import LineMovement
from crossdock.canonical.status import OrderStatus
from crossdock.contracts.orders import (
    ORDER_EVENTS,
    OrderAccepted,
    OrderCaptured,
    OrderNeedsAttention,
    OrderRefused,
    OrderReleased,
    OrderWaiting,
    StockHeld,
)
from crossdock.policies.order_status import reason_of, status_after

COMMON: dict[str, Any] = {"order_id": "O-1", "at": 0, "source": "hub"}
ACCEPTED: dict[str, Any] = COMMON | {"erp": "Books", "erp_number": "SO-1"}
EVENTS = {
    OrderCaptured(**COMMON, channel="web", currency="EUR", net="1"): (OrderStatus.CAPTURED, ""),
    StockHeld(**COMMON): (None, ""),
    OrderAccepted(**ACCEPTED): (OrderStatus.ACCEPTED, ""),
    OrderAccepted(**ACCEPTED, refused=(LineMovement("1", 1),), reason="short"): (
        OrderStatus.PARTLY_ACCEPTED,
        "short",
    ),
    OrderAccepted(**ACCEPTED, pending=True): (
        OrderStatus.WAITING,
        "Books has it as SO-1 and has not decided yet",
    ),
    OrderRefused(**COMMON, reason="blocked", code="x"): (OrderStatus.REFUSED, "blocked"),
    OrderWaiting(**COMMON, waits_for="Books", reason="down"): (
        OrderStatus.WAITING,
        "Accepted here and waiting for Books: down",
    ),
    OrderNeedsAttention(**COMMON, category="repair", code="x", owner="desk", reason="odd"): (
        OrderStatus.NEEDS_ATTENTION,
        "With desk: odd",
    ),
    OrderReleased(**COMMON): (OrderStatus.CAPTURED, ""),
}


@pytest.mark.parametrize(("event", "shown"), EVENTS.items())
def test_each_event_has_its_status_and_its_words(event: Any, shown: tuple[OrderStatus | None, str]) -> None:
    assert (status_after(event), reason_of(event)) == shown


def test_no_event_is_forgotten() -> None:
    assert {type(event) for event in EVENTS} == set(ORDER_EVENTS.values())
