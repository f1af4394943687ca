"""Products and prices as the hub compares them with an order."""

import msgspec

from crossdock.kit.money import Price, Quantity


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A sellable thing. `code` is the number every system shares; an inactive one is not sold any more."""

    code: str
    name: str
    unit: str = "EA"
    active: bool = True


class PriceQuote(msgspec.Struct, frozen=True, kw_only=True):
    """The price a customer pays for a product by the price list that applies to them."""

    product: str
    price: Price
    price_list: str = ""


class StockLevel(msgspec.Struct, frozen=True, kw_only=True):
    """What a location has of a product: `on_hand` now, `forecast` after everything already promised there."""

    product: str
    location: str
    on_hand: Quantity
    forecast: Quantity
