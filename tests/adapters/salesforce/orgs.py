"""A small org for the dock's tests: one customer, two products, orders on demand, and docks that reach it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from crossdock.adapters.salesforce import ADAPTER
from crossdock.adapters.salesforce.adapter import SalesforceDock
from crossdock.adapters.salesforce.local import connection
from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.directory import ConnectedApp
from crossdock.adapters.salesforce.simulator.faults import Fault
from crossdock.adapters.salesforce.simulator.seeding import Line
from crossdock.adapters.salesforce.simulator.settings import OrgSettings
from crossdock.canonical.status import OrderStatus
from crossdock.kit.clock import SystemClock
from crossdock.ports.order_source import Arrival, ArrivalBatch, Gap
from crossdock.ports.status_sink import StatusUpdate

PATIENCE_SECONDS = 20.0
TOPIC = "/data/OrderChangeEvent"
QUICK: dict[str, Any] = {
    "gather_seconds": 0.05,
    "settle_seconds": 0.1,
    "retry_seconds_min": 0.05,
    "retry_seconds_max": 0.2,
    "overlap_seconds": 60,
}
SHIP_TO = {"ShippingStreet": "Domstraße 1", "ShippingCity": "Köln", "ShippingCountry": "Germany"}


class TestOrg:
    """The simulator, and the words in which the tests speak to it."""

    __test__ = False

    def __init__(self, simulator: SalesforceSimulator) -> None:
        self.simulator = simulator
        self.account = simulator.seed.account("C-1001", "Anvil & Söhne")
        simulator.seed.product("P-100", "Anvil", {"EUR": 19.99, "USD": 21.5})
        simulator.seed.product("P-110", "Hammer", {"EUR": 0.07})

    def order(self, *, announce: bool = True, submitted: bool = True, lines: int = 1, **fields: Any) -> str:
        """Enter an order; its id."""
        products = ("P-100", "P-110")
        entered = [Line(products[index % 2], index + 1) for index in range(lines)]
        values = {"Submitted__c": submitted, "Channel__c": "B2B", **SHIP_TO, **fields}
        return self.simulator.seed.order("C-1001", entered, announce=announce, **values)

    def orders(self, count: int, **fields: Any) -> list[str]:
        """Enter so many orders."""
        return [self.order(**fields) for _ in range(count)]

    def row(self, record: str, sobject: str = "Order") -> dict[str, Any]:
        """The record as the org has it."""
        return next(row for row in self.simulator.rows(sobject) if row["Id"] == record)

    def kept(self, record: str, sobject: str = "Account") -> dict[str, Any]:
        """The record as the org keeps it, also in the recycle bin."""
        return dict(self.simulator.org.table(sobject).rows[record])

    def trouble(self, fault: Fault) -> None:
        """Switch a fault on."""
        self.simulator.faults.add(fault)

    def calls(self, kind: str) -> int:
        """How many calls of a kind there were."""
        return self.simulator.calls.by_kind.get(kind, 0)

    @property
    def sign_ins(self) -> int:
        """How many times the token endpoint was asked."""
        return sum(count for kind, count in self.simulator.calls.by_kind.items() if "oauth2/token" in kind)

    def revoke(self) -> None:
        """End all sessions, and let nobody in again."""
        credentials = self.simulator.credentials
        self.simulator.register_app(ConnectedApp(client_id=credentials.client_id, approved=False))
        self.simulator.expire_sessions()

    def dock(self, *, events: dict[str, Any] | None = None, **changes: Any) -> SalesforceDock:
        """A dock, not yet open."""
        values = {
            **connection(self.simulator),
            "bulk_poll_seconds_min": 0.02,
            **changes,
            "events": QUICK | (events or {}),
        }
        dock: SalesforceDock = ADAPTER.make_dock(ADAPTER.load_settings(values), SystemClock())
        return dock

    @asynccontextmanager
    async def open_dock(self, **changes: Any) -> AsyncIterator[SalesforceDock]:
        """An open dock."""
        dock = self.dock(**changes)
        try:
            await dock.open()
            yield dock
        finally:
            await dock.close()


@asynccontextmanager
async def running_org(*, tls: bool = False, **settings: Any) -> AsyncIterator[TestOrg]:
    """A fresh org, serving."""
    async with SalesforceSimulator(OrgSettings(**settings), tls=tls) as simulator:
        yield TestOrg(simulator)


async def listen(
    dock: SalesforceDock, position: str, enough: Callable[[Sequence[ArrivalBatch]], bool]
) -> list[ArrivalBatch]:
    """Batches after `position` until there are enough."""
    batches: list[ArrivalBatch] = []
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(dock.arrivals(position)) as stream:
        async for batch in stream:
            batches.append(batch)
            if enough(batches):
                break
    return batches


def having(*records: str) -> Callable[[Sequence[ArrivalBatch]], bool]:
    """Enough once all these records arrived."""
    return lambda batches: set(records) <= {arrival.external_id for arrival in arrivals_of(batches)}


def arrivals_of(batches: Sequence[ArrivalBatch]) -> list[Arrival]:
    """All arrivals, in order."""
    return [arrival for batch in batches for arrival in batch.arrivals]


def ids_of(batches: Sequence[ArrivalBatch]) -> list[str]:
    """The external ids of all arrivals, in order."""
    return [arrival.external_id for arrival in arrivals_of(batches)]


def gaps_of(batches: Sequence[ArrivalBatch]) -> list[Gap]:
    """All gaps, in order."""
    return [batch.gap for batch in batches if batch.gap is not None]


async def refilled(dock: SalesforceDock, gap: Gap) -> list[str]:
    """The external ids that a refill brings."""
    return ids_of([batch async for batch in dock.refill(gap)])


async def seen_position(org: TestOrg, dock: SalesforceDock) -> str:
    """The position behind an order that was heard of."""
    record = org.order()
    return (await listen(dock, "", having(record)))[-1].position


async def follow(dock: SalesforceDock, position: str, *wanted: str) -> tuple[list[ArrivalBatch], set[str]]:
    """As the hub does: a gap is refilled before anything after it. Ends when all wanted have come either way."""
    batches: list[ArrivalBatch] = []
    known: set[str] = set()
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(dock.arrivals(position)) as stream:
        async for batch in stream:
            batches.append(batch)
            known |= set(ids_of([batch]))
            if batch.gap is not None:
                found = await refilled(dock, batch.gap)
                assert len(found) == len(set(found)) == await dock.count_changed(batch.gap)
                known |= set(found)
            if known.issuperset(wanted):
                break
    return batches, known


def status(record: str, state: OrderStatus = OrderStatus.ACCEPTED, **facts: Any) -> StatusUpdate:
    """An update of a record."""
    values = {"order_id": f"SF-{record}", "as_of": 1_767_225_600_000_000, **facts}
    return StatusUpdate(record=record, status=state, **values)
