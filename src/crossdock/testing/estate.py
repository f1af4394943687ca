"""What the system under test knows: the customers, products and codes that the suite may ask about."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from crossdock.canonical.order import Order, OrderLine
from crossdock.canonical.party import PostalAddress
from crossdock.testing.builders import a_line, an_order


class Estate(msgspec.Struct, frozen=True, kw_only=True):
    """Override what differs. The first names exist in the system, those called unknown do not.

    `refusals` and `line_refusals` map a few of the vendor's codes to the hub's, as the dock should do it.
    `priced_product` costs `price` for `customer` in `currency`. `products_count` is how many products the system
    has in all, better more than it lists on one page; 0 leaves that open.

    `corrections` are the parts of `misspelt_address` that the system writes otherwise. `ambiguous_address` may be
    several there, at `undeliverable_address` it knows of no house, and of `uncovered_address`'s country of none.
    """

    customer: str = "C-1001"
    customer_name: str = "Anvil & Söhne"
    blocked_customer: str = "C-9001"
    unknown_customer: str = "C-0000"
    products: tuple[str, ...] = ("P-100", "P-110", "P-120")
    products_count: int = 0
    inactive_product: str = "P-900"
    unknown_product: str = "P-000"
    unit: str = "EA"
    location: str = "W1"
    currency: str = "EUR"
    unsold_currency: str = "JPY"
    priced_product: str = "P-110"
    price: str = "2.015"
    address: PostalAddress = PostalAddress(
        lines=("2000 Main St",), postal_code="92614-7211", city="Irvine", region="CA", country="US"
    )
    misspelt_address: PostalAddress = PostalAddress(
        lines=("2000 main",), postal_code="92614", city="Irvine", region="CA", country="US"
    )
    corrections: tuple[tuple[str, str], ...] = (("lines", "2000 Main St"), ("postal_code", "92614-7211"))
    ambiguous_address: PostalAddress = PostalAddress(
        lines=("100 Oak",), postal_code=None, city="Springfield", region="IL", country="US"
    )
    undeliverable_address: PostalAddress = PostalAddress(
        lines=("9999 Main St",), postal_code="92614", city="Irvine", region="CA", country="US"
    )
    uncovered_address: PostalAddress = PostalAddress(lines=("Hauptstr. 1",), city="Berlin", country="DE")
    refusals: Mapping[str, str] = {}
    line_refusals: Mapping[str, str] = {}

    def order(self, order_id: str = "O-1001", *, lines: Sequence[OrderLine] | int = 1, **changes: Any) -> Order:
        """An order that this system can accept."""
        return an_order(
            order_id,
            lines=lines,
            **{
                "customer": self.customer,
                "currency": self.currency,
                "products": self.products,
                "unit": self.unit,
                **changes,
            },
        )

    def line(self, line_id: str = "1", **changes: Any) -> OrderLine:
        """A line of such an order."""
        return a_line(
            line_id,
            **{"product": self.products[0], "unit": self.unit, "currency": self.currency, **changes},
        )
