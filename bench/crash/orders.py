"""The orders of a run: who wants what, through which door, how often it is sent, and how much there is of it."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from bench.crash.erp import CURRENCIES
from crossdock.adapters.memory import mapping
from crossdock.adapters.memory.wire import SalesOrder
from crossdock.canonical.order import Order
from crossdock.canonical.party import ExternalReference
from crossdock.kit.money import Quantity
from crossdock.testing.builders import a_line, an_order

PRODUCTS = tuple(f"P-{number}" for number in range(100, 300, 10))
STOCK_SHARE = 0.6
"""Of all that is wanted so much is there: somebody goes without, and nothing may be promised twice."""

TWICE_SHARE = 0.2
CHANGED_SHARE = 0.05
POISON_SHARE = 0.02
WHOLE_SHARE = 0.2
STREAM_SHARE = 0.4
SHUFFLED_OVER = 20

Door = Literal["api", "stream"]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One sending of an order. `changed`: with other content than the first; `poison`: nobody can read it."""

    door: Door
    order: Order
    changed: bool = False
    poison: bool = False

    def on_the_wire(self) -> SalesOrder:
        """As the channel brings it."""
        wanted = mapping.order_to_wire(self.order, "")
        return msgspec.structs.replace(wanted, currency="no currency") if self.poison else wanted


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """All orders of a run, and the sendings in their order: a fifth comes twice, and not always in turn."""

    orders: Mapping[str, Order]
    offers: Sequence[Offer]
    on_hand: Mapping[str, int]

    @property
    def again(self) -> int:
        """How many sendings bring what was brought before."""
        return len(self.offers) - len(self.orders) - sum(offer.poison for offer in self.offers)


def make_book(count: int, seed: int) -> Book:
    """So many orders; equal for equal seeds."""
    chance = random.Random(seed)
    orders = {order.order_id: order for order in (_order(number, chance) for number in range(count))}
    wanted: Counter[str] = Counter()
    offers: list[tuple[float, Offer]] = []
    for place, order in enumerate(orders.values()):
        for line in order.lines:
            wanted[line.product] += line.quantity.micro // 1_000_000
        door: Door = "stream" if chance.random() < STREAM_SHARE else "api"
        offers.append((place, Offer(door=door, order=order)))
        later = place + 0.5 + chance.random() * SHUFFLED_OVER
        if chance.random() < TWICE_SHARE:
            offers.append((later, Offer(door=chance.choice(("api", "stream")), order=order)))
        if chance.random() < CHANGED_SHARE:
            offers.append((later, Offer(door=door, order=_changed(order), changed=True)))
        if chance.random() < POISON_SHARE:
            poison = msgspec.structs.replace(order, order_id=f"X-{place:06}")
            offers.append((later, Offer(door="stream", order=poison, poison=True)))
    on_hand = {product: int(wanted[product] * STOCK_SHARE) for product in PRODUCTS}
    return Book(orders=orders, offers=[offer for _, offer in sorted(offers, key=_place)], on_hand=on_hand)


def _place(entry: tuple[float, Offer]) -> float:
    return entry[0]


def _order(number: int, chance: random.Random) -> Order:
    currency = CURRENCIES[number % len(CURRENCIES)]
    lines = [
        a_line(
            str(line),
            product=product,
            quantity=str(chance.randint(1, 3)),
            price=f"{chance.randint(1, 99)}.{chance.randint(0, 99):02}",
            currency=currency,
        )
        for line, product in enumerate(chance.sample(PRODUCTS, chance.randint(1, 3)))
    ]
    return an_order(
        f"O-{number:06}",
        lines=lines,
        currency=currency,
        customer=f"C-{1001 + number % 40}",
        references=(ExternalReference("shop", "Order", f"R-{number:06}"),),
        accepts_partial=chance.random() >= WHOLE_SHARE,
    )


def _changed(order: Order) -> Order:
    first, *others = order.lines
    more = msgspec.structs.replace(first, quantity=Quantity("7", first.quantity.unit))
    return msgspec.structs.replace(order, lines=(more, *others))
