"""A simulated ERP: its books, which outlive every crash of ours, and the dock with which a hub reaches them.

Some ERPs refuse a second order under the same reference; many know no such thing and can only be asked whether
there is one: on those, two writes under one key are two orders. A dock to such an ERP looks first; one that is
`trusting` does not even do that, so that everything depends on the hub.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Literal

import msgspec

from crossdock.canonical.order import Order
from crossdock.canonical.product import PriceQuote, Product, StockLevel
from crossdock.durable.codec import encode
from crossdock.kit.errors import Conflict, Rejected
from crossdock.kit.money import Price, Quantity
from crossdock.ports.directories import CustomerRecord
from crossdock.ports.order_gateway import Acceptance, ChangePage, LineResult
from crossdock.rehearsal.network import Link

SYSTEM = "erp"
NOT_SOLD = "product-inactive"


class Document(msgspec.Struct, kw_only=True):
    """An order in the ERP's books. `refused` are lines it did not take."""

    number: str
    key: str
    order: Order
    content: bytes
    refused: frozenset[str] = frozenset()
    cancelled: bool = False

    def acceptance(self) -> Acceptance:
        """The ERP's answer about it."""
        lines = tuple(
            LineResult(line_id=line.line_id, accepted_micro=line.quantity.micro)
            if line.line_id not in self.refused
            else LineResult(
                line_id=line.line_id,
                accepted_micro=0,
                refused_micro=line.quantity.micro,
                reason_code=NOT_SOLD,
                reason=f"{line.product} is not sold any more.",
            )
            for line in self.order.lines
        )
        status: Literal["accepted", "partly_accepted"] = "partly_accepted" if self.refused else "accepted"
        return Acceptance(number=self.number, status=status, lines=lines, vendor_status="CONFIRMED")


class VirtualErp:
    """The books. `on_booking` is called after each change of them.

    Orders of customers in `blocked` are refused; lines of products in `discontinued` are not taken.
    """

    def __init__(self, *, unique_reference: bool, on_booking: Callable[[str], None] = lambda _key: None) -> None:
        self.unique_reference = unique_reference
        self.documents: dict[str, list[Document]] = defaultdict(list)
        self.prices: dict[str, str] = {}
        self.blocked: set[str] = set()
        self.discontinued: set[str] = set()
        self._on_booking = on_booking
        self._numbers = 0

    def standing(self, key: str) -> Document | None:
        """The order under `key` that was not cancelled."""
        return next((document for document in self.documents[key] if not document.cancelled), None)

    def place(self, order: Order, key: str) -> Acceptance:
        """Book an order. Raises Rejected, and Conflict where the reference must be unique and is not."""
        content = encode(order)
        known = self.standing(key)
        if known is not None and self.unique_reference:
            if known.content != content:
                raise Conflict("the reference is used for another order", code="key-reused", system=SYSTEM)
            return known.acceptance()
        if order.customer.number in self.blocked:
            raise Rejected("The customer's credit is used up.", code="credit-hold", system=SYSTEM)
        refused = frozenset(line.line_id for line in order.lines if line.product in self.discontinued)
        if len(refused) == len(order.lines):
            raise Rejected("Nothing of this is sold any more.", code=NOT_SOLD, system=SYSTEM)
        self._numbers += 1
        document = Document(number=f"SO-{self._numbers}", key=key, order=order, content=content, refused=refused)
        self.documents[key].append(document)
        self._on_booking(key)
        return document.acceptance()

    def cancel(self, key: str) -> None:
        """Withdraw whatever stands under `key`."""
        for document in self.documents[key]:
            document.cancelled = True
        self._on_booking(key)


class ErpDock:
    """One machine's connection to the ERP: order gateway and masters."""

    def __init__(self, erp: VirtualErp, link: Link, *, trusting: bool = False) -> None:
        self._erp = erp
        self._trusting = trusting
        self._link = link
        self._turns: dict[str, asyncio.Lock] = {}

    async def submit_order(self, order: Order, *, key: str, correlation_id: str) -> Acceptance:  # noqa: ARG002 - a port
        """See `OrderGateway.submit_order`."""
        if self._erp.unique_reference or self._trusting:
            return await self._place(order, key)
        async with self._turn(key):
            standing = await self._link.call("find", key, lambda: self._erp.standing(key))
            if standing is None:
                return await self._place(order, key)
            if standing.content != encode(order):
                raise Conflict("the reference is used for another order", code="key-reused", system=SYSTEM)
            return standing.acceptance()

    async def find_order(self, *, key: str) -> Acceptance | None:
        """See `OrderGateway.find_order`."""
        standing = await self._link.call("find", key, lambda: self._erp.standing(key))
        return standing.acceptance() if standing is not None else None

    async def cancel_order(self, *, key: str, reason: str) -> None:  # noqa: ARG002 - the books know no reasons
        """See `OrderGateway.cancel_order`."""
        await self._link.call("cancel", key, lambda: self._erp.cancel(key), writes=True)

    async def read_changes(self, cursor: str, *, limit: int) -> ChangePage:  # noqa: ARG002 - nothing moves here
        """See `OrderGateway.read_changes`: nothing happens to orders in these books but what the hub does."""
        return ChangePage(changes=(), cursor=cursor)

    async def find_customers(self, numbers: Sequence[str]) -> Mapping[str, CustomerRecord]:
        """See `CustomerDirectory.find_customers`: everybody is known."""
        return await self._link.call(
            "customers",
            ",".join(numbers),
            lambda: {number: CustomerRecord(number=number, name=f"Customer {number}") for number in numbers},
        )

    async def find_products(self, codes: Sequence[str]) -> Mapping[str, Product]:
        """See `ProductSource.find_products`."""
        return await self._link.call(
            "products",
            ",".join(codes),
            lambda: {code: Product(code=code, name=code) for code in codes if code in self._erp.prices},
        )

    async def list_products(self) -> Sequence[Product]:
        """See `ProductSource.list_products`."""
        return list((await self.find_products(sorted(self._erp.prices))).values())

    async def find_prices(
        self, customer_number: str, currency: str, wanted: Sequence[tuple[str, Quantity]]
    ) -> Sequence[PriceQuote]:
        """See `PriceSource.find_prices`: one list for everybody."""
        codes = [code for code, _ in wanted if code in self._erp.prices]
        return await self._link.call(
            "prices",
            f"{customer_number}:{','.join(codes)}",
            lambda: [PriceQuote(product=code, price=Price(self._erp.prices[code], currency)) for code in codes],
        )

    async def read_stock(self, products: Sequence[str]) -> Sequence[StockLevel]:  # noqa: ARG002 - see below
        """See `StockSource.read_stock`: these books hold no stock; the hub's ledger does."""
        return ()

    async def _place(self, order: Order, key: str) -> Acceptance:
        return await self._link.call("place", key, lambda: self._erp.place(order, key), writes=True)

    @contextlib.asynccontextmanager
    async def _turn(self, key: str) -> AsyncIterator[None]:
        """One writer per key on this machine, as every dock of an ERP without a unique reference does it."""
        lock = self._turns.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked() and self._turns.get(key) is lock:
                del self._turns[key]
