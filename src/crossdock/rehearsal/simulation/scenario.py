"""A scenario: what is ordered, by which door, and what goes wrong meanwhile. All of it drawn from one seed.

It is plain data, so that a failing one can be made smaller piece by piece and told to others.
"""

from random import Random
from typing import Literal

import msgspec

from crossdock.rehearsal.chance import Chance

FaultKind = Literal[
    "crash",
    "pause",
    "clock",
    "store_down",
    "store_refuses",
    "store_answers_late",
    "request_lost",
    "answer_lost",
    "answer_late",
    "lands_late",
    "lands_twice",
    "refused",
    "throttled",
    "slow",
    "down",
    "hung",
    "slowness",
    "rate",
]
"""What happens to a worker, to its way to the database, to one call, to a whole system."""

ErpKind = Literal["refuses_twice", "looked_up", "trusting"]
"""Whether it refuses a second order under one reference; else, whether its dock looks first (see `erp`)."""

WORKER_KINDS: tuple[FaultKind, ...] = ("crash", "crash", "crash", "pause", "pause", "clock")
STORE_KINDS: tuple[FaultKind, ...] = ("store_down", "store_refuses", "store_answers_late")
CALL_KINDS: tuple[FaultKind, ...] = (
    "request_lost",
    "answer_lost",
    "answer_late",
    "lands_late",
    "lands_late",
    "lands_twice",
    "refused",
    "throttled",
    "slow",
)
WEATHER_KINDS: tuple[FaultKind, ...] = ("down", "hung", "slowness", "rate")

PRODUCTS = ("P-1", "P-2", "P-3")
DISCONTINUED = "P-3"
BLOCKED = "C-9"
TROUBLED_SECONDS = 12.0
"""Faults begin within this time, orders within half of it."""

LANDS_WITHIN_SECONDS = 3.5
"""No call of a scenario is longer under way; the hubs wait a little longer (`SETTLE_SECONDS`)."""

SETTLE_SECONDS = 4.0
LEASE_SECONDS = 5.0
PAUSE_SECONDS_MAX = 14.0


class PlannedLine(msgspec.Struct, frozen=True):
    """So many pieces of a product."""

    product: str
    pieces: int


class PlannedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order, and when it comes. `again` is when it comes once more; `changed_at` when with other content."""

    order_id: str
    at: float
    door: Literal["stream", "channel"]
    lines: tuple[PlannedLine, ...]
    customer: str = "C-1"
    accepts_partial: bool = True
    again: tuple[float, ...] = ()
    changed_at: float | None = None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """From `at` on, for so many `seconds` where that matters; `target` is a worker's number or a system.

    A crash or pause waits for `number` more turns of its worker, counted from the next thing that is committed
    where it is `at_work`. `store_refuses` refuses `number` requests; a clock is set by `number` seconds and put
    right again. What happens to one call happens to a write where it is `at_work`.
    """

    kind: FaultKind
    at: float
    target: str
    seconds: float = 0.0
    number: int = 0
    at_work: bool = False


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One seed's day. `pieces` lie in stock of each product; `verb` is what the operator does at the end."""

    seed: int
    workers: int
    erp: ErpKind
    shuffled: bool
    pieces: int
    verb: Literal["retry", "compensate"]
    orders: tuple[PlannedOrder, ...]
    faults: tuple[Fault, ...]


def scenario_of(seed: int) -> Scenario:
    """The scenario that belongs to a seed, for ever as long as this file does not change."""
    chance = Chance(seed)
    die = chance.of("scenario")
    workers = die.choice((1, 2, 2, 2, 3))
    erp: ErpKind = die.choice(("refuses_twice", "looked_up", "looked_up", "trusting"))
    return Scenario(
        seed=seed,
        workers=workers,
        erp=erp,
        shuffled=_likely(die, 50),
        pieces=die.choice((2, 4, 50)),
        verb=die.choice(("retry", "compensate")),
        orders=tuple(_order(chance.of("order", number), number) for number in range(die.randint(1, 4))),
        faults=tuple(_fault(chance.of("fault", number), workers, erp) for number in range(die.randint(0, 6))),
    )


def _likely(die: Random, percent: int) -> bool:
    return die.randrange(100) < percent


def _order(die: Random, number: int) -> PlannedOrder:
    at = round(die.uniform(0, TROUBLED_SECONDS / 2), 3)
    lines = tuple(
        PlannedLine(die.choice(PRODUCTS[:2] * 4 + PRODUCTS), die.randint(1, 3)) for _ in range(die.randint(1, 2))
    )
    again = tuple(round(at + die.uniform(0, 6), 3) for _ in range(die.choice((0, 0, 0, 1, 2))))
    return PlannedOrder(
        order_id=f"O-{number + 1}",
        at=at,
        door=die.choice(("stream", "channel")),
        lines=lines,
        customer=BLOCKED if _likely(die, 10) else "C-1",
        accepts_partial=_likely(die, 80),
        again=again,
        changed_at=round(at + die.uniform(0, 6), 3) if _likely(die, 10) else None,
    )


def _fault(die: Random, workers: int, erp: ErpKind) -> Fault:
    at = round(die.uniform(0, TROUBLED_SECONDS), 3)
    kinds = die.choices((WORKER_KINDS, STORE_KINDS, CALL_KINDS, WEATHER_KINDS), (4, 1, 5, 1))[0]
    kind, seconds, number = die.choice(kinds), 0.0, 0
    on_worker = kind in WORKER_KINDS + STORE_KINDS
    target = str(die.randrange(workers)) if on_worker else "erp" if _likely(die, 80) else "shop"
    match kind:
        case "crash":
            number = int(10 ** die.uniform(0, 1.3)) - 1
        case "pause":
            seconds, number = die.uniform(0.5, PAUSE_SECONDS_MAX), int(10 ** die.uniform(0, 1.7)) - 1
        case "clock":
            seconds, number = die.uniform(1, 12), die.choice((-3_600, -20, -3, 3, 20, 3_600))
        case "store_refuses":
            number = die.randint(1, 4)
        case "store_down" | "store_answers_late":
            seconds = die.uniform(0.2, 8)
        case "down" | "hung" | "slowness" | "rate":
            seconds = die.uniform(0.5, 6)
        case _:
            seconds = die.uniform(0.2, LANDS_WITHIN_SECONDS)
            kind = _bearable(kind, target, erp)
    at_work = kind in {"crash", "pause", *CALL_KINDS} and _likely(die, 75)
    return Fault(kind=kind, at=at, target=target, seconds=round(seconds, 3), number=number, at_work=at_work)


def _bearable(kind: FaultKind, system: str, erp: ErpKind) -> FaultKind:
    """What no hub can make good is not asked of it (see docs/operations/simulation.md)."""
    if system == "shop" and kind in {"lands_late", "lands_twice", "slow"}:
        return "answer_lost"  # an earlier status that overtakes a later one
    if kind == "lands_twice" and erp != "refuses_twice":
        return "answer_lost"  # two orders in an ERP that cannot tell, whoever sent the second
    return kind
