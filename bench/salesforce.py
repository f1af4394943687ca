"""Salesforce calls per 1,000 orders: events in, orders fetched, statuses back, on the simulated org."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.table import Table

from bench.full import estate
from bench.workload import CUSTOMERS, LEDGER, PRODUCTS
from crossdock.adapters.memory.simulator.server import share_surface
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.adapters.salesforce.local import LocalSalesforce
from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.seeding import Line
from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import HubSettings, Policies, Routes, SystemEntry, check_deployment
from crossdock.bootstrap.hub import Hub

TARGET = 30
PATIENCE_SECONDS = 60.0
SUBMITTED = {
    "Submitted__c": True,
    "ShippingStreet": "Quay 1",
    "ShippingCity": "Hamburg",
    "ShippingPostalCode": "20457",
    "ShippingCountry": "Germany",
}


async def measure_calls(folder: Path, orders: int, per_second: float) -> Table:
    """REST calls by kind for so many orders, handed to the org at that rate."""
    table = Table(
        title=f"Salesforce calls for {orders:,} orders at {per_second:.0f}/s, per 1,000 (target ≤ {TARGET})"
    )
    table.add_column("call")
    table.add_column("per 1,000 orders", justify="right")
    org = LocalSalesforce()
    settings = dict(await org.start())
    try:
        sell(org.simulator)
        async with _hub(folder, settings) as hub:
            before = org.simulator.calls.by_kind
            counted = org.simulator.calls.rest
            await _hand_in(org.simulator, orders, per_second)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while _shown(org.simulator) < orders:
                    await hub.clock.sleep(0.2)
            calls = org.simulator.calls.rest - counted
            kinds = org.simulator.calls.by_kind
    finally:
        await org.stop()
    for kind, count in sorted(kinds.items()):
        made = count - before.get(kind, 0)
        if made:
            table.add_row(kind, f"{made / orders * 1_000:.1f}")
    table.add_section()
    table.add_row("REST calls in all", f"{calls / orders * 1_000:.1f}")
    return table


def sell(simulator: SalesforceSimulator) -> None:
    """The workload's customers and products, in the org."""
    for number in CUSTOMERS:
        simulator.seed.account(number, f"Customer {number}")
    for code in PRODUCTS:
        simulator.seed.product(code, f"Article {code}", {"EUR": 10})


async def _hand_in(simulator: SalesforceSimulator, orders: int, per_second: float) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(orders):
        await asyncio.sleep(max(0.0, began + number / per_second - loop.time()))
        lines = [Line(PRODUCTS[(number * 7 + line) % len(PRODUCTS)], 1 + line) for line in range(4)]
        customer = CUSTOMERS[number % len(CUSTOMERS)]
        simulator.seed.order(customer, lines, currency="EUR", announce=True, **SUBMITTED)


def _shown(simulator: SalesforceSimulator) -> int:
    return sum(1 for row in simulator.rows("Order") if row.get("Hub_Status__c") == "Accepted")


@asynccontextmanager
async def _hub(folder: Path, settings: dict[str, object]) -> AsyncIterator[Hub]:
    share_surface(LEDGER, Surface(estate=estate()))
    parts = {
        "hub": HubSettings(store="sqlite:salesforce.sqlite"),
        "systems": {
            "erp": SystemEntry(adapter="memory", settings={"ledger": LEDGER}),
            "salesforce": SystemEntry(adapter="salesforce", settings=settings),
        },
        "routes": Routes(erp="erp", order_sources=("salesforce",), status_sinks=("salesforce",)),
        "policies": Policies(),
    }
    async with Hub(check_deployment(parts, find_manifests(), folder)) as hub:
        await hub.run()
        await hub.load_stock()
        await asyncio.sleep(1.0)
        yield hub
    share_surface(LEDGER, None)
