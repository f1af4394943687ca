"""The evening as it is planned: how many orders arrive when, how urgent each is, when the ERP is away."""

from collections.abc import Iterator

import msgspec

from crossdock.canonical.order import Order, OrderLine
from crossdock.canonical.party import Address, Customer, ExternalReference
from crossdock.kit.clock import MICROSECONDS, Instant, seconds_to_us, to_datetime
from crossdock.kit.errors import Invalid
from crossdock.kit.money import Price, Quantity
from crossdock.rehearsal.chance import Chance

MIDNIGHT: Instant = 1_795_824_000 * MICROSECONDS
"""The end of Friday 2026-11-27 in UTC, when Salesforce counts its calls anew."""

RECOVERY_MIN_SECONDS, RECOVERY_OUTAGES = 1_200.0, 4.0
AFTER_MIDNIGHT_SECONDS = 600.0

QUIET_SECONDS = 600.0
"""The evening's pace, before the burst."""

OUTAGE_AFTER_SECONDS = 180.0
BURST_AFTER_OUTAGE_SECONDS = 120.0
"""The outage is in the middle of the burst: the queue is long when it begins, and grows on when it has ended."""

ORDERS_MAX = 100_000
ORDERED_AT = to_datetime(MIDNIGHT)
CALLS_LEFT_PER_ORDER, CALLS_LEFT_MIN = 0.3, 60
QUOTA_USED_SHARE = 0.8
PRODUCTS = 40
CUSTOMERS = 2_000
BLOCKED_SHARE = 0.01

PRIORITIES = ((0, 0.02), (2, 0.08), (5, 0.65), (7, 0.15), (9, 0.10))
"""What part of the orders is how urgent: same-day and store pickup first, the marketplace's own lead time last."""


class Evening(msgspec.Struct, frozen=True, kw_only=True):
    """The sizes of the rehearsal. The burst is `burst` times `orders_per_hour`, around the ERP's outage.

    The ERP answers `erp_per_second` requests a second, and 429 to what is more.
    """

    orders_per_hour: float = 120.0
    burst: float = 100.0
    outage_minutes: float = 10.0
    erp_per_second: float = 10.0
    seed: int = 1

    @property
    def burst_at(self) -> float:
        """Seconds after the beginning."""
        return QUIET_SECONDS

    @property
    def outage_at(self) -> float:
        """When the ERP goes away."""
        return self.burst_at + OUTAGE_AFTER_SECONDS

    @property
    def outage_ends_at(self) -> float:
        """When it is back."""
        return self.outage_at + self.outage_minutes * 60

    @property
    def burst_ends_at(self) -> float:
        """From then on orders come at the evening's pace again."""
        return self.outage_ends_at + BURST_AFTER_OUTAGE_SECONDS

    @property
    def ends_at(self) -> float:
        """The rehearsal's horizon: what has not ended by then is late beyond every promise."""
        return self.midnight_at + AFTER_MIDNIGHT_SECONDS

    @property
    def midnight_at(self) -> float:
        """The day ends twice as late as everything should be normal again."""
        return self.burst_ends_at + max(RECOVERY_MIN_SECONDS, RECOVERY_OUTAGES * self.outage_minutes * 60)

    @property
    def begins_at(self) -> Instant:
        """When that is."""
        return MIDNIGHT - seconds_to_us(self.midnight_at)

    @property
    def orders_expected(self) -> int:
        """How many arrive, about."""
        bursting = self.burst_ends_at - self.burst_at
        usual = self.midnight_at - bursting
        return round(self.orders_per_hour / 3_600 * (usual + self.burst * bursting))

    @property
    def calls_left(self) -> int:
        """Calls to Salesforce that are left of the day when it begins: far fewer than statuses to show."""
        return max(CALLS_LEFT_MIN, round(CALLS_LEFT_PER_ORDER * self.orders_expected))

    @property
    def calls_a_day(self) -> int:
        """The day's quota."""
        return round(self.calls_left / (1.0 - QUOTA_USED_SHARE))

    def clock(self, seconds: float) -> str:
        """The time of day so many seconds after the beginning."""
        return f"{to_datetime(self.begins_at + seconds_to_us(seconds)):%H:%M}"

    def rate_at(self, seconds: float) -> float:
        """Orders a second at that moment."""
        bursts = self.burst_at <= seconds < self.burst_ends_at
        return self.orders_per_hour / 3_600 * (self.burst if bursts else 1.0)


class Planned(msgspec.Struct, frozen=True):
    """One order, and when it arrives."""

    at: float
    order: Order


def check(evening: Evening) -> None:
    """Raises Invalid with what cannot be rehearsed."""
    if evening.orders_expected > ORDERS_MAX:
        text = f"{evening.orders_expected} orders are more than a rehearsal takes: at most {ORDERS_MAX}"
        raise Invalid(text, code="rehearsal-too-large")


def plan(evening: Evening) -> Iterator[Planned]:
    """The orders in the order in which they arrive: as chance has it, at the planned rate."""
    chance = Chance(evening.seed)
    at, number = 0.0, 0
    arrivals = chance.of("arrivals")
    changes = [evening.burst_at, evening.burst_ends_at, evening.midnight_at]
    while changes:
        coming = at + arrivals.expovariate(evening.rate_at(at))
        if coming >= changes[0]:
            at = changes.pop(0)  # from here on at another pace; chance has no memory
            continue
        at = coming
        number += 1
        yield Planned(at, _order(chance, number))


def is_blocked(customer: str) -> bool:
    """Whose credit is used up: the ERP refuses them, and the buyer is to hear it soon."""
    return int(customer.removeprefix("C-")) < CUSTOMERS * BLOCKED_SHARE


def customers() -> list[str]:
    """All customers."""
    return [f"C-{number}" for number in range(CUSTOMERS)]


def prices() -> dict[str, str]:
    """What the products cost."""
    return {f"P-{number}": f"{5 + number * 7 % 90}.{number * 13 % 100:02}" for number in range(PRODUCTS)}


def record_of(order_id: str) -> str:
    """The number of an order's record in Salesforce."""
    return f"R-{order_id}"


def _order(chance: Chance, number: int) -> Order:
    draw = chance.of("order", number)
    listed = prices()
    products = draw.sample(sorted(listed), k=draw.choice((1, 1, 2, 3)))
    urgencies, shares = [each for each, _ in PRIORITIES], [share for _, share in PRIORITIES]
    order_id = f"BF-{number:06}"
    return Order(
        order_id=order_id,
        channel="shop",
        currency="EUR",
        ordered_at=ORDERED_AT,
        customer=Customer(name="Ada Beispiel", number=f"C-{draw.randrange(CUSTOMERS)}"),
        shipping_address=Address(
            name="Ada Beispiel", lines=("Musterweg 1",), postal_code="10115", city="Berlin", country="DE"
        ),
        lines=tuple(
            OrderLine(
                line_id=str(line + 1),
                product=product,
                quantity=Quantity.of(draw.randrange(1, 4)),
                unit_price=Price(listed[product], "EUR"),
            )
            for line, product in enumerate(products)
        ),
        references=(ExternalReference("shop", "Order", record_of(order_id)),),
        priority=draw.choices(urgencies, shares)[0],
    )
