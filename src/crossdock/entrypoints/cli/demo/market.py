"""What can be traded: customers, products, prices and stock, asked from the ERP the way the hub asks it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.canonical.party import Address
from crossdock.kit.errors import Misconfigured, Rejected
from crossdock.kit.money import Money, Quantity
from crossdock.ports.manifest import Progress

NUMBERS = tuple(f"C-{number}" for number in [*range(1_001, 1_101), *range(9_001, 9_011)])
"""Customer numbers that the local ERPs' estates use."""

CURRENCY_OF = {"CH": "CHF", "GB": "GBP", "US": "USD", "SE": "SEK"}
HOME_CURRENCY = "EUR"
SCARCE_PIECES_MAX = 20


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer who orders."""

    number: str
    name: str
    kind: str
    currency: str
    address: Address


class Goods(msgspec.Struct, frozen=True, kw_only=True):
    """A product that is sold, and how many pieces there are of it in all places together."""

    code: str
    name: str
    unit: str
    pieces: int


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `prices` are per kind of customer, currency and product, in the currency's own decimals."""

    buyers: tuple[Buyer, ...]
    blocked: Buyer
    goods: tuple[Goods, ...]
    scarce: Goods
    gone: Goods
    locations: tuple[str, ...]
    prices: Mapping[tuple[str, str, str], Money]

    @property
    def traders(self) -> tuple[Buyer, ...]:
        """Who orders through Salesforce: companies, or everybody where there are none."""
        return tuple(buyer for buyer in self.buyers if buyer.kind == "organisation") or self.buyers

    def price(self, buyer: Buyer, goods: Goods) -> Money:
        """What a piece costs that buyer."""
        return self.prices[buyer.kind, buyer.currency, goods.code]


async def read_market(erp: Any, progress: Progress) -> Market:
    """Ask an ERP's dock. Raises Misconfigured where it has too little to make a day of trade of."""
    progress("asking the ERP what it sells", 0, 4)
    records = await erp.find_customers(NUMBERS)
    progress("asking the ERP what it sells", 1, 4)
    products = {product.code: product for product in await erp.list_products() if product.active}
    progress("asking the ERP what it sells", 2, 4)
    levels = await erp.read_stock([])
    progress("asking the ERP what it sells", 3, 4)
    pieces: dict[str, Decimal] = dict.fromkeys(products, Decimal(0))
    for level in levels:
        if level.product in pieces:
            pieces[level.product] += level.forecast.decimal
    open_ones = [record for record in records.values() if record.addresses and not record.blocked]
    # Of customers who share a name one orders: whoever looks at the others would take some of them for him.
    named = {record.name: record for record in reversed(open_ones)}
    buyers = [_buyer(record) for record in reversed(named.values())]
    blocked = next((record for record in records.values() if record.blocked), None)
    prices = await _prices(erp, buyers, {code: product.unit for code, product in products.items()})
    everywhere = set.intersection(*({code for *_, code in priced} for priced in _by_list(prices).values()))
    goods = [
        Goods(code=code, name=products[code].name, unit=products[code].unit, pieces=int(pieces[code]))
        for code in sorted(products)
        if code in everywhere and products[code].unit == "EA"
    ]
    scarce = next((one for one in goods if 0 < one.pieces <= SCARCE_PIECES_MAX), None)
    gone = next((one for one in goods if not one.pieces), None)
    if blocked is None or scarce is None or gone is None or not buyers:
        raise Misconfigured("the ERP's estate lacks what a day of trade needs", code="estate-too-small")
    progress("asking the ERP what it sells", 4, 4)
    return Market(
        buyers=tuple(buyer for buyer in buyers if (buyer.kind, buyer.currency, scarce.code) in prices),
        blocked=_buyer(blocked, buyers[0].address),
        goods=tuple(one for one in goods if one.pieces > SCARCE_PIECES_MAX),
        scarce=scarce,
        gone=gone,
        locations=tuple(sorted({level.location for level in levels})),
        prices=prices,
    )


def standing_of(buyer: Buyer, market: Market) -> tuple[str, str]:
    """The status of a buyer's account and credit."""
    return ("blocked", "on_hold") if buyer is market.blocked else ("active", "approved")


def _buyer(record: Any, address: Address | None = None) -> Buyer:
    place = record.addresses[0] if record.addresses else address
    assert place is not None
    return Buyer(
        number=record.number,
        name=record.name,
        kind=record.kind,
        currency=CURRENCY_OF.get(place.country, HOME_CURRENCY),
        address=place,
    )


async def _prices(erp: Any, buyers: list[Buyer], units: Mapping[str, str]) -> dict[tuple[str, str, str], Money]:
    """One buyer of each kind and currency stands for all of them; who has no price list pays in the home one's."""
    found: dict[tuple[str, str, str], Money] = {}
    wanted = [(code, Quantity("1", unit)) for code, unit in units.items()]
    asked = {(buyer.kind, buyer.currency): buyer.number for buyer in buyers}
    for (kind, currency), number in asked.items():
        try:
            quotes = await erp.find_prices(number, currency, wanted)
        except Rejected:
            continue
        found |= {
            (kind, currency, quote.product): Money.of(quote.price.decimal, currency)
            for quote in quotes
            if quote.price.decimal > 0
        }
    return found


def _by_list(prices: Mapping[tuple[str, str, str], Money]) -> dict[tuple[str, str], set[tuple[str, str, str]]]:
    lists: dict[tuple[str, str], set[tuple[str, str, str]]] = {}
    for kind, currency, code in prices:
        lists.setdefault((kind, currency), set()).add((kind, currency, code))
    return lists
