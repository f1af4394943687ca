"""What the hub asks about before it promises: customers, products, prices, stock. Reads only."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from crossdock.canonical.party import Address
from crossdock.canonical.product import PriceQuote, Product, StockLevel
from crossdock.kit.money import Quantity


class CustomerRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A customer as the ERP knows them; `blocked` customers may not order, for `block_reason`.

    `standing`: what keeps them from ordering on invoice, though they may order otherwise.
    """

    number: str
    name: str
    kind: Literal["organisation", "person"] = "organisation"
    blocked: bool = False
    block_reason: str = ""
    payment_terms: str = ""
    standing: Literal["", "credit_pending", "credit_refused"] = ""
    addresses: tuple[Address, ...] = ()


class CustomerDirectory(Protocol):
    """Looks customers up (read)."""

    async def find_customers(self, numbers: Sequence[str]) -> Mapping[str, CustomerRecord]:
        """The known ones by number; an unknown number is simply absent."""
        ...


class ProductSource(Protocol):
    """Knows what is sold."""

    async def find_products(self, codes: Sequence[str]) -> Mapping[str, Product]:
        """The known ones by code, inactive ones too; an unknown code is simply absent."""
        ...

    async def list_products(self) -> Sequence[Product]:
        """Every product, for initial loads."""
        ...


class PriceSource(Protocol):
    """Knows what a customer pays."""

    async def find_prices(
        self, customer_number: str, currency: str, wanted: Sequence[tuple[str, Quantity]]
    ) -> Sequence[PriceQuote]:
        """A quote per wanted product the price list knows, in any order; Rejected for an unsold currency."""
        ...


class StockSource(Protocol):
    """Knows what lies where."""

    async def read_stock(self, products: Sequence[str]) -> Sequence[StockLevel]:
        """Levels per product and location; all products where `products` is empty."""
        ...
