"""One order status for every system (ORD-16), derived from facts and never stored as truth."""

from collections.abc import Mapping
from enum import StrEnum

from crossdock.canonical.ledger import Counters


class OrderStatus(StrEnum):
    """Where an order stands, in the words that sales, service and finance share."""

    CAPTURED = "captured"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    PARTLY_ACCEPTED = "partly_accepted"
    REFUSED = "refused"
    NEEDS_ATTENTION = "needs_attention"
    SHIPPED = "shipped"
    INVOICED = "invoiced"
    CANCELLED = "cancelled"


def derive(lines: Mapping[str, Counters], *, waiting: bool = False, parked: bool = False) -> OrderStatus:
    """The status that the counters speak for; `waiting` and `parked` are facts about the work on it."""
    ordered = sum(line.ordered for line in lines.values())
    accepted = sum(line.accepted for line in lines.values())
    cancelled = sum(line.cancelled for line in lines.values())
    refused = sum(line.refused for line in lines.values())
    if parked:
        return OrderStatus.NEEDS_ATTENTION
    if ordered and cancelled + refused >= ordered:
        return OrderStatus.REFUSED if not cancelled else OrderStatus.CANCELLED
    if accepted:
        if all(line.invoiced >= line.accepted for line in lines.values()):
            return OrderStatus.INVOICED
        if all(line.shipped >= line.accepted for line in lines.values()):
            return OrderStatus.SHIPPED
        return OrderStatus.ACCEPTED if accepted >= ordered else OrderStatus.PARTLY_ACCEPTED
    return OrderStatus.WAITING if waiting else OrderStatus.CAPTURED
