"""The availability ledger: levels per product and location, reservations per line.

All levels a batch touches are locked in one order and read once; holds are decided in the batch's order and
written back together. `available` is what may still be promised; `held` is promised and not yet the ERP's.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Literal

from crossdock.kit.clock import Instant
from crossdock.kit.failpoints import failpoint
from crossdock.stock.holds import (
    Allocation,
    ConsumeStock,
    CountStock,
    Held,
    HoldStock,
    ReleaseStock,
    Shortage,
    Wanted,
)
from crossdock.storage.transaction import Answer, Transaction

HELD, CONSUMED, RELEASED = "held", "consumed", "released"
_RESERVED = "SELECT key, line_id, location, product, micro, state FROM reservation WHERE key"
_RESERVATION = ("key", "line_id", "location", "product", "micro", "state", "at")
_Reserved = tuple[str, str, str, str, int, str]
_HELD_AGAIN = (
    "ON CONFLICT (key, line_id, location) DO UPDATE SET product = excluded.product, micro = excluded.micro, "
    "state = excluded.state, at = excluded.at"
)


_LEVELS = "SELECT product, location, available, held FROM stock_level WHERE product"
_LEVELS_BY_KEY = f"{_LEVELS} IN (SELECT product FROM reservation WHERE key"


class _Levels:
    """Levels that are locked (`asked`, in one order), and what became of them."""

    def __init__(self, tx: Transaction, asked: Answer) -> None:
        self._tx = tx
        rows = asked.fetchall()
        self._levels = {(product, location): [available, held] for product, location, available, held in rows}
        self._places: dict[str, list[str]] = defaultdict(list)
        for product, location in sorted(self._levels):
            self._places[product].append(location)
        self._touched: set[tuple[str, str]] = set()

    def knows(self, product: str) -> bool:
        return product in self._places

    def offers(self, product: str, location: str) -> list[tuple[str, int]]:
        """(location, available) with something to give: the fullest first, so that lines seldom split."""
        found = []
        for place in (location,) if location else self._places.get(product, ()):
            level = self._levels.get((product, place))
            if level is not None and level[0] > 0:
                found.append((place, level[0]))
        if len(found) > 1:
            found.sort(key=_fullest_first)
        return found

    def move(self, product: str, location: str, *, available: int, held: int) -> None:
        level = self._levels.setdefault((product, location), [0, 0])
        level[0] += available
        level[1] += held
        self._touched.add((product, location))

    def write(self, now: Instant) -> None:
        rows = [(*self._levels[key], now, *key) for key in sorted(self._touched)]
        self._tx.update("stock_level", ("available", "held", "at"), ("product", "location"), rows)


def _reserved_products(
    tx: Transaction, effects: Sequence[ReleaseStock | ConsumeStock]
) -> tuple[dict[str, list[_Reserved]], _Levels]:
    """What is held under the effects' keys, and the levels of those products: asked for together."""
    keys = sorted({effect.key for effect in effects})
    reserved = tx.ask_in(_RESERVED, keys)
    levels = tx.ask_in(_LEVELS_BY_KEY, keys, f") ORDER BY product, location {tx.locks}")
    return _by_key(reserved, (HELD,)), _Levels(tx, levels)


def _fullest_first(offer: tuple[str, int]) -> int:
    return -offer[1]


def hold_stock(tx: Transaction, effects: Sequence[HoldStock], now: Instant) -> list[Held]:
    """Hold for each in turn; holding again under a key finds what it holds, or what became the ERP's."""
    reserved = tx.ask_in(_RESERVED, sorted({effect.key for effect in effects}))
    products = sorted({wanted.product for effect in effects for wanted in effect.wanted})
    asked = tx.ask_in(_LEVELS, products, f"ORDER BY product, location {tx.locks}")
    known, levels = _by_key(reserved, (HELD, CONSUMED)), _Levels(tx, asked)
    rows: list[_Reserved] = []
    answers = []
    for effect in effects:
        if effect.key in known:
            answers.append(_as_held(effect, known[effect.key]))
            continue
        held, shortages = _hold(levels, effect)
        rows += held
        if held:
            known[effect.key] = held
        allocations = tuple(Allocation(row[1], row[2], row[4]) for row in held)
        answers.append(Held(allocations, tuple(shortages)))
    levels.write(now)
    failpoint("stock.level_lowered")
    tx.insert("reservation", _RESERVATION, [(*row, now) for row in rows], _HELD_AGAIN)
    return answers


def _hold(levels: _Levels, effect: HoldStock) -> tuple[list[_Reserved], list[Shortage]]:
    held: list[_Reserved] = []
    shortages: list[Shortage] = []
    for wanted in effect.wanted:
        parts, missing = _allocate(levels, wanted, whole=effect.whole)
        if missing:
            reason: Literal["short", "unknown_product"] = (
                "short" if levels.knows(wanted.product) else "unknown_product"
            )
            shortages.append(Shortage(wanted.line_id, missing, reason))
        for part in parts:
            levels.move(wanted.product, part.location, available=-part.micro, held=part.micro)
            held.append((effect.key, part.line_id, part.location, wanted.product, part.micro, HELD))
    return held, shortages


def _allocate(levels: _Levels, wanted: Wanted, *, whole: bool) -> tuple[list[Allocation], int]:
    offers = levels.offers(wanted.product, wanted.location)
    if whole and sum(micro for _, micro in offers) < wanted.micro:
        return [], wanted.micro
    missing, parts = wanted.micro, []
    for location, micro in offers:
        taken = min(micro, missing)
        if taken:
            parts.append(Allocation(wanted.line_id, location, taken))
            missing -= taken
    return parts, missing


def release_stock(tx: Transaction, effects: Sequence[ReleaseStock], now: Instant) -> list[None]:
    """Give back whatever is still held under each key."""
    held, levels = _reserved_products(tx, effects)
    changed = []
    for rows in held.values():
        for key, line_id, location, product, micro, _state in rows:
            levels.move(product, location, available=micro, held=-micro)
            changed.append((RELEASED, now, key, line_id, location))
    levels.write(now)
    failpoint("stock.released")
    tx.update("reservation", ("state", "at"), ("key", "line_id", "location"), changed)
    return [None] * len(effects)


def consume_stock(tx: Transaction, effects: Sequence[ConsumeStock], now: Instant) -> list[None]:
    """What the ERP accepted is its own now; what it refused can be promised again."""
    held, levels = _reserved_products(tx, effects)
    changed = []
    for effect in effects:
        accepted = dict(effect.accepted)
        for key, line_id, location, product, micro, _state in held.pop(effect.key, []):
            taken = min(micro, accepted.get(line_id, 0))
            accepted[line_id] = accepted.get(line_id, 0) - taken
            levels.move(product, location, available=micro - taken, held=-micro)
            changed.append((CONSUMED if taken else RELEASED, now, taken or micro, key, line_id, location))
    levels.write(now)
    failpoint("stock.consumed")
    tx.update("reservation", ("state", "at", "micro"), ("key", "line_id", "location"), changed)
    return [None] * len(effects)


def count_stock(tx: Transaction, effects: Sequence[CountStock], now: Instant) -> list[None]:
    """Set the levels to the counts, minus what is held and not yet known to the counting system."""
    counts = {(count.product, count.location): count.micro for effect in effects for count in effect.counts}
    rows = [(product, location, micro, 0, now) for (product, location), micro in sorted(counts.items())]
    tx.insert(
        "stock_level",
        ("product", "location", "available", "held", "at"),
        rows,
        "ON CONFLICT (product, location) DO UPDATE SET available = excluded.available - stock_level.held, "
        "at = excluded.at",
    )
    return [None] * len(effects)


def _by_key(reserved: Answer, states: Collection[str]) -> dict[str, list[_Reserved]]:
    found: dict[str, list[_Reserved]] = defaultdict(list)
    for row in sorted(reserved.fetchall()):
        if row[5] in states:
            found[row[0]].append(row)
    return found


def _as_held(effect: HoldStock, rows: Sequence[_Reserved]) -> Held:
    allocations = tuple(Allocation(row[1], row[2], row[4]) for row in rows)
    missing = {wanted.line_id: wanted.micro for wanted in effect.wanted}
    for part in allocations:
        missing[part.line_id] = missing.get(part.line_id, 0) - part.micro
    return Held(allocations, tuple(Shortage(line, micro, "short") for line, micro in missing.items() if micro > 0))
