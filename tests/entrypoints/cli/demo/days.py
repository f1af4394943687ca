"""Orders of a demo's day and what is heard of them, as the tests need them."""

from typing import Any

from crossdock.canonical.ledger import LineMovement
from crossdock.canonical.party import Address
from crossdock.contracts.orders import OrderAccepted, OrderCaptured, OrderRefused
from crossdock.entrypoints.cli.demo.market import Buyer
from crossdock.entrypoints.cli.demo.trade import Entry, Tale
from crossdock.entrypoints.cli.demo.watch import Watch

NOW = 1_795_255_200_000_000
BUYER = Buyer(
    number="C-1",
    name="Buyer",
    kind="organisation",
    currency="EUR",
    address=Address(lines=("Quay 1",), city="Hamburg", country="DE"),
)


def entry(index: int, tale: Tale = "plain") -> Entry:
    """An order of the plan, typed into Salesforce."""
    return Entry(
        index=index,
        door="salesforce",
        tale=tale,
        buyer=BUYER,
        wants=(),
        brand="Hill",
        region="DACH",
        channel="B2B",
        order_id=f"O-{index}",
    )


def captured(order_id: str) -> OrderCaptured:
    """The hub has it."""
    return OrderCaptured(
        order_id=order_id, at=NOW, source="crossdock", channel="B2B", currency="EUR", net="25.00", customer="C-1"
    )


def accepted(order_id: str, number: str, micro: int = 2_000_000) -> OrderAccepted:
    """The ERP has it."""
    lines = (LineMovement("1", micro),)
    return OrderAccepted(order_id=order_id, at=NOW, source="crossdock", lines=lines, erp="ERP", erp_number=number)


def refused(order_id: str, code: str) -> OrderRefused:
    """It ended with a no."""
    return OrderRefused(order_id=order_id, at=NOW, source="crossdock", reason="no", code=code)


def watched(*events: Any) -> Watch:
    """A watch that saw these events."""
    watch = Watch(None)  # type: ignore[arg-type] # it only reads what it is given here
    for event in events:
        watch.take(event)
    return watch
