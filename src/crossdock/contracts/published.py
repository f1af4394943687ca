"""Everything the hub publishes: by type its contract, and which team answers for it (EVT-02)."""

from collections.abc import Mapping
from typing import Any

from crossdock.contracts.customers import CUSTOMER_EVENTS
from crossdock.contracts.orders import ORDER_EVENTS
from crossdock.contracts.sources import SourceGap

PUBLISHED: Mapping[str, type[Any]] = {**ORDER_EVENTS, **CUSTOMER_EVENTS, SourceGap.type: SourceGap}

OWNERS: Mapping[str, str] = {
    "order": "order-desk",
    "stock": "order-desk",
    "source": "integration",
    "customer": "data-stewards",
}
"""Who to ask about a contract, by the second word of its type."""


def subject_kind(kind: str) -> str:
    """What events of this type are about: the first part of their subject."""
    if kind in CUSTOMER_EVENTS:
        return "customer"
    return "order" if kind in ORDER_EVENTS else "source"


def owner_of(kind: str) -> str:
    """The team that answers for a contract."""
    return OWNERS[kind.split(".")[1]]
