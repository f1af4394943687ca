"""The orders that are measured: four lines each, a customer, an address, about 850 bytes on the wire."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import Deployment, HubSettings, Policies, Routes, SystemEntry, check_deployment
from crossdock.canonical.order import Order, OrderLine
from crossdock.canonical.party import Address, Customer, ExternalReference
from crossdock.kit.money import Price, Quantity
from crossdock.policies.order_acceptance import AcceptanceRules
from crossdock.ports.manifest import Limits

PRODUCTS = tuple(f"P-{number:04d}" for number in range(200))
CUSTOMERS = tuple(f"C-{number:05d}" for number in range(500))
STOCK_MICRO = 10_000_000 * 1_000_000
LINES = 4
LEDGER = "bench"
CALLS_AT_ONCE = 16
"""Over HTTP: the connection pool's cost grows with its size, and an ERP seldom bears more."""


def orders(count: int, *, prefix: str) -> Iterator[Order]:
    """So many orders, all different, none of them awkward."""
    moment = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    address = Address(name="Ada Example", lines=("Quay 1",), postal_code="20457", city="Hamburg", country="DE")
    for number in range(count):
        lines = tuple(
            OrderLine(
                line_id=str(line + 1),
                product=PRODUCTS[(number * 7 + line * 31) % len(PRODUCTS)],
                quantity=Quantity(str(1 + line)),
                unit_price=Price("10.00", "EUR"),
                description="A thing that is sold by the piece",
            )
            for line in range(LINES)
        )
        yield Order(
            order_id=f"{prefix}-{number:07d}",
            channel="bench",
            currency="EUR",
            ordered_at=moment,
            references=(ExternalReference("bench", "Order", f"R-{number:07d}"),),
            customer=Customer(number=CUSTOMERS[number % len(CUSTOMERS)], name="Ada Example"),
            lines=lines,
            shipping_address=address,
        )


def deployment(folder: Path, store: str, settings: dict[str, object]) -> Deployment:
    """A hub with the memory ERP."""
    parts = {
        "hub": HubSettings(store=store),
        "systems": {
            "erp": SystemEntry(
                adapter="memory",
                settings=settings,
                limits=Limits(
                    in_flight_max=CALLS_AT_ONCE if "url" in settings else 1_000, batch_max=200, linger_seconds=0.05
                ),
            )
        },
        "routes": Routes(erp="erp", status_sinks=("erp",)),
        "policies": Policies(acceptance=AcceptanceRules()),
    }
    return check_deployment(parts, find_manifests(), folder)
