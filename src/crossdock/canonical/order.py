"""The canonical order (ORD-01): what a channel captured and an ERP is asked to accept."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from crossdock.canonical.party import Address, Code, Customer, ExternalReference
from crossdock.kit.currencies import MINOR_UNITS
from crossdock.kit.money import Currency, Money, Price, Quantity

LINES_MAX = 1_000

Moment = Annotated[datetime, Meta(tz=True)]


class Adjustment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A discount (negative) or surcharge (positive) on a line or on the whole order."""

    kind: Literal["discount", "promotion", "surcharge", "shipping"]
    amount: Money
    code: Annotated[str, Meta(max_length=64)] = ""


class Tax(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tax as the channel computed it; the ERP stays the authority. `rate` is a percentage, "19"."""

    code: Code
    amount: Money
    rate: Annotated[str, Meta(pattern=r"^([0-9]{1,3}(\.[0-9]{1,4})?)?$")] = ""


class PaymentContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the order is to be paid and what was authorised; never a card number."""

    method: Literal["invoice", "card", "wallet", "gift_card", "bank_transfer", "cash"] = "invoice"
    terms: Annotated[str, Meta(max_length=64)] = ""
    authorised: Money | None = None
    authorisation: Annotated[str, Meta(max_length=128)] = ""


class RequestedFulfilment(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the goods should reach the buyer; `location` names a warehouse or the store for a pickup."""

    method: Literal["ship", "pickup"] = "ship"
    location: Annotated[str, Meta(max_length=64)] = ""
    requested_at: Moment | None = None


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One product, so many, at a price. `line_id` is unique within the order and stays with the line."""

    line_id: Code
    product: Code
    quantity: Quantity
    unit_price: Price
    description: Annotated[str, Meta(max_length=1_000)] = ""
    adjustments: Annotated[tuple[Adjustment, ...], Meta(max_length=50)] = ()
    taxes: Annotated[tuple[Tax, ...], Meta(max_length=20)] = ()
    fulfilment: RequestedFulfilment | None = None

    def net(self) -> Money:
        """Price times quantity plus adjustments, without tax."""
        total = self.unit_price.times(self.quantity)
        for adjustment in self.adjustments:
            total += adjustment.amount
        return total


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order of one customer in one currency.

    `order_id` is the business key: whoever sends the same one again means the same order. `priority` runs
    from 0 (first) to 9 (last) and only decides the turn when a system is the bottleneck.
    """

    order_id: Code
    channel: Code
    currency: Currency
    ordered_at: Moment
    customer: Customer
    lines: Annotated[tuple[OrderLine, ...], Meta(min_length=1, max_length=LINES_MAX)]
    brand: Annotated[str, Meta(max_length=64)] = ""
    region: Annotated[str, Meta(max_length=64)] = ""
    billing_address: Address | None = None
    shipping_address: Address | None = None
    adjustments: Annotated[tuple[Adjustment, ...], Meta(max_length=50)] = ()
    taxes: Annotated[tuple[Tax, ...], Meta(max_length=50)] = ()
    total: Money | None = None
    payment: PaymentContext = PaymentContext()
    fulfilment: RequestedFulfilment = RequestedFulfilment()
    references: Annotated[tuple[ExternalReference, ...], Meta(max_length=20)] = ()
    accepts_partial: bool = True
    priority: Annotated[int, Meta(ge=0, le=9)] = 5

    def __post_init__(self) -> None:
        if self.currency not in MINOR_UNITS:
            raise ValueError(f"{self.currency!r} is not an ISO 4217 currency")

    def reference(self, system: str, kind: str = "") -> str:
        """The number `system` gave this order (of that kind, where given), or an empty text."""
        for known in self.references:
            if known.system == system and kind in {"", known.kind}:
                return known.value
        return ""

    def net(self) -> Money:
        """Lines and adjustments, without tax: what is at stake while the order waits.

        Raises ValueError where that is more than money can express.
        """
        total = sum((line.net().decimal for line in self.lines), Decimal(0))
        total += sum((adjustment.amount.decimal for adjustment in self.adjustments), Decimal(0))
        return Money.of(total, self.currency)
