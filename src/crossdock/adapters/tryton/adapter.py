"""The dock: Tryton in the roles that the hub knows. It decides nothing and remembers nothing."""

from collections.abc import AsyncGenerator, Mapping, Sequence

from crossdock.adapters.tryton import relationships
from crossdock.adapters.tryton.catalogue import CatalogueReader
from crossdock.adapters.tryton.changes import Changes
from crossdock.adapters.tryton.client import TrytonClient
from crossdock.adapters.tryton.customers import Customers
from crossdock.adapters.tryton.directories import Directories
from crossdock.adapters.tryton.drafting import Drafting
from crossdock.adapters.tryton.mapping import SYSTEM
from crossdock.adapters.tryton.orders import Orders
from crossdock.adapters.tryton.settings import TrytonSettings
from crossdock.canonical.order import Order
from crossdock.canonical.party import ExternalReference
from crossdock.canonical.product import PriceQuote, Product, StockLevel
from crossdock.kit.clock import Clock
from crossdock.kit.errors import CrossdockError, Unsupported
from crossdock.kit.money import Quantity
from crossdock.ports import customer_sink as sink
from crossdock.ports.customer_sink import CustomerMerge, CustomerWrite
from crossdock.ports.customer_source import CustomerBatch
from crossdock.ports.directories import CustomerRecord
from crossdock.ports.manifest import SystemCheck
from crossdock.ports.order_gateway import Acceptance, ChangePage
from crossdock.ports.order_source import Gap

# What the hub's user must be allowed to do, by model.
RIGHTS: Mapping[str, tuple[str, ...]] = {
    "sale.sale": ("read", "write", "create"),
    "party.party": ("read", "write", "create"),
    "party.address": ("read", "write", "create"),
    "party.contact_mechanism": ("read", "write", "create"),
    "party.identifier": ("read", "write", "create"),
    "res.user.warning": ("create",),
    "product.product": ("read",),
    "stock.shipment.out": ("read",),
    "stock.move": ("read",),
    "account.invoice": ("read",),
}
WIZARDS = ("party.replace", "party.erase")
"""Merging customers."""

SERIES = "8.0"


class TrytonDock:
    """One Tryton database: orders, customers in both directions, customer directory, products, prices, stock."""

    def __init__(self, settings: TrytonSettings, clock: Clock) -> None:
        self._client = TrytonClient(settings, clock)
        self._relationships = relationships.Relationships(self._client, settings)
        catalogue = CatalogueReader(self._client, settings, clock)
        self._orders = Orders(self._client, Drafting(self._client, catalogue, settings, clock))
        self._changes = Changes(self._client, settings)
        self._customers = Customers(self._client, catalogue, settings, clock)
        self._directories = Directories(self._client, catalogue, settings)

    async def open(self) -> None:
        """See `Dock.open`."""
        await self._client.open()

    async def close(self) -> None:
        """See `Dock.close`."""
        await self._client.close()

    async def check(self) -> SystemCheck:
        """See `Dock.check`: the version, and the rights that the hub's user lacks."""
        try:
            version = await self._client.version()
            are_there = await self._relationships.are_there()
            rights = {**RIGHTS, **(relationships.RIGHTS if are_there else {})}
            exempt = await self._relationships.exempt()
            access = await self._client.query("model.ir.model.access.get_access", list(rights))
            # Tryton shows an action to those who may run it, and to nobody else.
            shown = await self._client.search_read("ir.action.wizard", [("wiz_name", "in", WIZARDS)], ["wiz_name"])
        except CrossdockError as error:
            return SystemCheck(ok=False, product="Tryton", detail=error.message)
        lacking = [
            f"{right} {model}"
            for model, needed in rights.items()
            for right in needed
            if not access.get(model, {}).get(right)
        ]
        lacking += [f"run the wizard {name}" for name in WIZARDS if name not in {row["wiz_name"] for row in shown}]
        detail = f"ready; {exempt}" if exempt else "ready"
        if lacking:
            detail = f"the hub's user may not {', '.join(lacking)}"
        elif version != SERIES:
            detail = f"series {version} works as far as we know; {SERIES} is what is tested"
        return SystemCheck(ok=not lacking, product=f"Tryton {version}", detail=detail)

    async def submit_order(self, order: Order, *, key: str, correlation_id: str) -> Acceptance:
        """See `OrderGateway.submit_order`."""
        return await self._orders.submit(order, key=key, correlation_id=correlation_id)

    async def find_order(self, *, key: str) -> Acceptance | None:
        """See `OrderGateway.find_order`."""
        return await self._orders.find(key=key)

    async def cancel_order(self, *, key: str, reason: str) -> None:
        """See `OrderGateway.cancel_order`."""
        await self._orders.cancel(key=key, reason=reason)

    async def read_changes(self, cursor: str, *, limit: int) -> ChangePage:
        """See `OrderGateway.read_changes`."""
        return await self._changes.read(cursor, limit=limit)

    def customer_changes(self, position: str) -> AsyncGenerator[CustomerBatch, None]:
        """See `CustomerSource.customer_changes`."""
        return self._customers.changes(position)

    def refill_customers(self, gap: Gap) -> AsyncGenerator[CustomerBatch, None]:
        """See `CustomerSource.refill_customers`."""
        return self._customers.refill(gap)

    async def count_changed_customers(self, gap: Gap) -> int:
        """See `CustomerSource.count_changed_customers`."""
        return await self._customers.count(gap)

    async def write_customers(
        self, writes: Sequence[CustomerWrite]
    ) -> Sequence[sink.CustomerRecord | CrossdockError]:
        """See `CustomerSink.write_customers`."""
        return await self._customers.write(writes)

    async def read_customers(self, records: Sequence[ExternalReference]) -> Sequence[sink.CustomerRecord | None]:
        """See `CustomerSink.read_customers`."""
        return await self._customers.read(records)

    async def find_customer(self, *, key: str) -> sink.CustomerRecord | None:
        """See `CustomerSink.find_customer`."""
        return await self._customers.find(key=key)

    async def join_customers(self, merge: CustomerMerge) -> sink.CustomerRecord:
        """See `CustomerSink.join_customers`."""
        return await self._customers.join(merge)

    async def part_customers(self, merge: CustomerMerge) -> sink.CustomerRecord:
        """See `CustomerSink.part_customers`."""
        return await self._customers.part(merge)

    async def erase_customer(self, erasure: sink.CustomerErasure) -> None:
        """See `CustomerSink.erase_customer`."""
        await self._customers.erase(erasure)

    async def list_belongings(
        self,
        record: ExternalReference,  # noqa: ARG002 - whatever it is
    ) -> sink.Belongings:
        """See `CustomerSink.list_belongings`: what was merged here stays merged."""
        return sink.Belongings()

    async def return_belongings(
        self,
        merge: CustomerMerge,  # noqa: ARG002 - whatever it is
        records: Sequence[ExternalReference],  # noqa: ARG002 - the same
    ) -> Sequence[CrossdockError | None]:
        """See `CustomerSink.return_belongings`."""
        raise Unsupported("what was merged stays merged", code="merge-is-final", system=SYSTEM)

    async def find_customers(self, numbers: Sequence[str]) -> Mapping[str, CustomerRecord]:
        """See `CustomerDirectory.find_customers`."""
        return await self._directories.customers(numbers)

    async def find_products(self, codes: Sequence[str]) -> Mapping[str, Product]:
        """See `ProductSource.find_products`."""
        return await self._directories.products(codes)

    async def list_products(self) -> Sequence[Product]:
        """See `ProductSource.list_products`."""
        return await self._directories.all_products()

    async def find_prices(
        self, customer_number: str, currency: str, wanted: Sequence[tuple[str, Quantity]]
    ) -> Sequence[PriceQuote]:
        """See `PriceSource.find_prices`."""
        return await self._directories.prices(customer_number, currency, wanted)

    async def read_stock(self, products: Sequence[str]) -> Sequence[StockLevel]:
        """See `StockSource.read_stock`."""
        return await self._directories.stock(products)
