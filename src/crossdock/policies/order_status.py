"""The one mapping from what happened to an order to the status that every system shows (ORD-16), and how soon."""

from typing import Any

from crossdock.canonical.status import OrderStatus
from crossdock.contracts.orders import (
    OrderAccepted,
    OrderCaptured,
    OrderNeedsAttention,
    OrderRefused,
    OrderReleased,
    OrderWaiting,
)


def status_after(event: Any) -> OrderStatus | None:
    """The status an order has when this was the latest that happened to it; None where it changes nothing."""
    match event:
        case OrderAccepted() if event.pending:
            return OrderStatus.WAITING
        case OrderAccepted():
            return OrderStatus.PARTLY_ACCEPTED if event.refused else OrderStatus.ACCEPTED
        case OrderRefused():
            return OrderStatus.REFUSED
        case OrderWaiting():
            return OrderStatus.WAITING
        case OrderNeedsAttention():
            return OrderStatus.NEEDS_ATTENTION
        case OrderCaptured() | OrderReleased():
            return OrderStatus.CAPTURED
    return None


def reason_of(event: Any) -> str:
    """What to tell whoever reads the order's record."""
    match event:
        case OrderWaiting():
            return f"Accepted here and waiting for {event.waits_for}: {event.reason}"
        case OrderNeedsAttention():
            return f"With {event.owner}: {event.reason}"
        case OrderAccepted() if event.pending:
            return f"{event.erp} has it as {event.erp_number} and has not decided yet"
        case OrderRefused() | OrderAccepted():
            return event.reason
    return ""


def urgency_of(status: OrderStatus) -> int:
    """How soon a status must be seen, as a priority: first what somebody has to act on, last what is only a stage.

    Where a system's daily quota runs short, the less urgent is shown later, in fuller batches.
    """
    match status:
        case OrderStatus.REFUSED | OrderStatus.NEEDS_ATTENTION | OrderStatus.CANCELLED:
            return 1
        case OrderStatus.CAPTURED | OrderStatus.WAITING:
            return 7
    return 5
