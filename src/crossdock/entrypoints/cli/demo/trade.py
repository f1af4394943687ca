"""A day of trade as data: who orders what through which door, and how each has to end. The same every time."""

import random
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from crossdock.canonical.order import Order, OrderLine, RequestedFulfilment
from crossdock.canonical.party import Address, Customer
from crossdock.entrypoints.cli.demo.market import Buyer, Goods, Market
from crossdock.kit.money import Price, Quantity

SEED = 20_261_121
QUIET_START = 6
"""The first orders of the day are plain: whoever looks sees something go well before things go wrong."""

PIECES_TRADE_MAX = 9
"""From ten pieces on, trade prices fall; the day stays below."""

SHARE_SALESFORCE = 0.55
WRONG_PRICE = 1.25
UNKNOWN_PRODUCT = "LAMP-ARRAKIS"
UNKNOWN_CUSTOMER = "C-4040"

Door = Literal["salesforce", "api"]
Tale = Literal[
    "plain",
    "out of stock",
    "partly out of stock",
    "unknown product",
    "one unknown product",
    "blocked customer",
    "unknown customer",
    "wrong price",
    "no address",
    "same order twice",
    "same number, other content",
    "poison message",
    "malformed message",
    "credit pending",
    "credit approved",
]
TURNED_AWAY = "turned away"
"""How a message ends that is no order: with a clear problem at the door, and nothing of it inside."""

_ACCEPTED = frozenset({"accepted"})
ENDS: dict[Tale, frozenset[str]] = {
    "plain": _ACCEPTED,
    "out of stock": frozenset({"refused: out-of-stock"}),
    "partly out of stock": frozenset({"partly accepted"}),
    "unknown product": frozenset({"refused: product-unknown"}),
    "one unknown product": frozenset({"partly accepted"}),
    "blocked customer": frozenset({"refused: customer-blocked"}),
    "unknown customer": frozenset({"refused: customer-unknown"}),
    "wrong price": frozenset({"parked: price-mismatch"}),
    "no address": frozenset({"parked: incomplete"}),
    "same order twice": _ACCEPTED,
    "same number, other content": _ACCEPTED,
    "poison message": frozenset({"parked: untranslatable"}),
    "malformed message": frozenset({TURNED_AWAY}),
    "credit pending": frozenset({"refused: credit-pending"}),
    "credit approved": _ACCEPTED,
}
"""How orders of each tale have to end, whatever fails on the way."""

COMPANY_TALES: tuple[Tale, ...] = ("credit pending", "credit approved")
"""Of orders that no plan has, since who places them becomes a customer in the course of the day only."""

_DOORS: dict[Tale, Door] = {
    "unknown customer": "api",
    "no address": "salesforce",
    "same order twice": "api",
    "same number, other content": "api",
    "poison message": "salesforce",
    "malformed message": "api",
}
_PER_HUNDRED: dict[Tale, int] = {
    "out of stock": 2,
    "partly out of stock": 2,
    "unknown product": 1,
    "one unknown product": 1,
    "blocked customer": 2,
    "unknown customer": 1,
    "wrong price": 2,
    "no address": 1,
    "same order twice": 2,
    "same number, other content": 1,
    "poison message": 1,
    "malformed message": 1,
}
_REGIONS = {"DE": "DACH", "AT": "DACH", "CH": "DACH", "FR": "West", "NL": "West", "GB": "UK", "US": "Americas"}
_PLACES = {"GB": "LDN", "US": "NWK"}
_BRANDS = ("Harbour", "Hill")
_CHANNELS = (("web", "WEB"), ("web", "WEB"), ("store", "STO"), ("marketplace", "MKT"))


class Want(msgspec.Struct, frozen=True):
    """So many pieces of a product at that price."""

    product: str
    pieces: int
    price: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One order of the day. `order_id` is empty where Salesforce numbers it; `location` where anywhere will do."""

    index: int
    door: Door
    tale: Tale
    buyer: Buyer
    wants: tuple[Want, ...]
    brand: str
    region: str
    channel: str
    location: str = ""
    order_id: str = ""

    @property
    def ends(self) -> frozenset[str]:
        """How it may end."""
        return ENDS[self.tale]


def plan_day(market: Market, count: int, *, salesforce_only: bool = False) -> tuple[Entry, ...]:
    """`count` entries in the order in which they happen. Nothing in it depends on the clock or on chance."""
    dice = random.Random(SEED)  # noqa: S311 - a repeatable day, no secret
    stock = {one.code: one.pieces for one in market.goods}
    tales = _tales(count, dice)
    entries = []
    for index in range(count):
        tale = "plain" if salesforce_only else tales.get(index, "plain")
        share = 1.0 if salesforce_only else SHARE_SALESFORCE
        door = _DOORS.get(tale) or ("salesforce" if dice.random() < share else "api")
        entries.append(_entry(index, tale, door, market, stock, dice))
    return tuple(entries)


def company_order(tale: Tale, buyer: Buyer, market: Market) -> Entry:
    """An order on invoice of a company that has just become a customer, at the price that people pay."""
    listed = [one for one in market.goods if ("person", buyer.currency, one.code) in market.prices]
    goods = listed[0]
    price = market.prices["person", buyer.currency, goods.code]
    return Entry(
        index=-1,
        door="api",
        tale=tale,
        buyer=buyer,
        wants=(Want(goods.code, 1, price.amount),),
        brand=_BRANDS[0],
        region=_REGIONS[buyer.address.country],
        channel="B2B",
        order_id=f"B2B-{tale.replace(' ', '-')}",
    )


def _tales(count: int, dice: random.Random) -> dict[int, Tale]:
    """Where in the day what happens: each at least once, spread over all of it."""
    wanted: list[Tale] = [
        tale for tale, share in _PER_HUNDRED.items() for _ in range(max(1, round(share * count / 100)))
    ]
    places = dice.sample(range(QUIET_START, count), min(len(wanted), count - QUIET_START))
    return dict(zip(places, wanted, strict=False))


def _entry(
    index: int, tale: Tale, door: Door, market: Market, stock: dict[str, int], dice: random.Random
) -> Entry:
    kind = "organisation" if door == "salesforce" else "person"
    buyers = [buyer for buyer in market.buyers if buyer.kind == kind] or list(market.buyers)
    buyer = market.blocked if tale == "blocked customer" else dice.choice(buyers)
    if tale == "unknown customer":
        buyer = msgspec.structs.replace(buyer, number=UNKNOWN_CUSTOMER)
    channel, prefix = ("B2B", "") if door == "salesforce" else dice.choice(_CHANNELS)
    country = buyer.address.country
    place = _PLACES.get(country, market.locations[0])
    return Entry(
        index=index,
        door=door,
        tale=tale,
        buyer=buyer,
        wants=tuple(_wants(tale, buyer, market, stock, dice)),
        brand=dice.choice(_BRANDS),
        region=_REGIONS.get(country, "Elsewhere"),
        channel=channel,
        location=place if door == "api" and place in market.locations else "",
        order_id=f"{prefix}-{index + 1:06d}" if prefix else "",
    )


def _wants(tale: Tale, buyer: Buyer, market: Market, stock: dict[str, int], dice: random.Random) -> Iterator[Want]:
    match tale:
        case "poison message":
            return
        case "out of stock":
            yield _want(market.gone, 1, buyer, market)
            return
        case "unknown product":
            yield Want(UNKNOWN_PRODUCT, 1, "99.00")
            return
        case "one unknown product":
            yield Want(UNKNOWN_PRODUCT, 2, "99.00")
        case "partly out of stock":
            yield _want(market.scarce, market.scarce.pieces + 1, buyer, market)
        case _:
            pass
    trade = buyer.kind == "organisation"
    lines = dice.randint(1, 5 if trade else 3)
    ordered = [one for one in market.goods if stock[one.code] >= PIECES_TRADE_MAX]
    for place, goods in enumerate(dice.sample(ordered, min(lines, len(ordered)))):
        pieces = dice.randint(1, PIECES_TRADE_MAX if trade else 2)
        stock[goods.code] -= pieces
        factor = WRONG_PRICE if tale == "wrong price" and not place else 1.0
        yield _want(goods, pieces, buyer, market, factor)


def _want(goods: Goods, pieces: int, buyer: Buyer, market: Market, factor: float = 1.0) -> Want:
    price = market.price(buyer, goods)
    if factor != 1.0:
        cents = round(price.minor_units * factor)
        return Want(goods.code, pieces, f"{cents // 100}.{cents % 100:02d}")
    return Want(goods.code, pieces, price.amount)


def as_order(entry: Entry, at: datetime, *, more: int = 0) -> Order:
    """The entry as a channel sends it to the API; `more` pieces on the first line make other content of it."""
    currency = entry.buyer.currency
    lines = tuple(
        OrderLine(
            line_id=str(place + 1),
            product=want.product,
            quantity=Quantity.of(want.pieces + (more if not place else 0)),
            unit_price=Price(want.price, currency),
        )
        for place, want in enumerate(entry.wants)
    )
    return Order(
        order_id=entry.order_id,
        channel=entry.channel,
        currency=currency,
        ordered_at=at,
        customer=Customer(number=entry.buyer.number, name=entry.buyer.name, kind=_kind(entry.buyer)),
        lines=lines,
        brand=entry.brand,
        region=entry.region,
        shipping_address=_addressed(entry.buyer),
        fulfilment=RequestedFulfilment(location=entry.location),
    )


def _kind(buyer: Buyer) -> Literal["organisation", "person"]:
    return "organisation" if buyer.kind == "organisation" else "person"


def _addressed(buyer: Buyer) -> Address:
    return buyer.address if buyer.address.name else msgspec.structs.replace(buyer.address, name=buyer.name)
