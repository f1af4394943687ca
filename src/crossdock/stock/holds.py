"""Holding stock in the hub's own availability ledger (INV-03, ORD-09).

A hold is a conditional decrement in the same transaction as the step that asked for it: two buyers of the
last piece cannot both get it. What is shown as available and what is held are different numbers.
Quantities are millionths of the product's unit.
"""

from typing import Literal

import msgspec

from crossdock.durable.records import Effect


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """So much of a product for a line; `location` where the line insists on one."""

    line_id: str
    product: str
    micro: int
    location: str = ""


class HoldStock(Effect, frozen=True, kw_only=True):
    """Hold what there is for each line under `key`. `whole`: a line gets all it wants or nothing."""

    key: str
    wanted: tuple[Wanted, ...]
    whole: bool = False


class ReleaseStock(Effect, frozen=True, kw_only=True):
    """Give back what is held under `key`; nothing held is fine."""

    key: str


class ConsumeStock(Effect, frozen=True, kw_only=True):
    """The ERP has the order: what it accepted counts there from now on, the rest is given back.

    `accepted` are (line_id, micro); lines not named were refused.
    """

    key: str
    accepted: tuple[tuple[str, int], ...]


class StockCount(msgspec.Struct, frozen=True):
    """What a location may promise of a product, as its system says now."""

    product: str
    location: str
    micro: int


class CountStock(Effect, frozen=True, kw_only=True):
    """Take over counts. Holds that the counting system cannot know of yet stay subtracted."""

    counts: tuple[StockCount, ...]


class Allocation(msgspec.Struct, frozen=True):
    """A part of a line held at a location."""

    line_id: str
    location: str
    micro: int


class Shortage(msgspec.Struct, frozen=True):
    """A part of a line that could not be held."""

    line_id: str
    micro: int
    reason: Literal["short", "unknown_product"]


class Held(msgspec.Struct, frozen=True):
    """What a HoldStock found."""

    allocations: tuple[Allocation, ...]
    shortages: tuple[Shortage, ...]

    def micro(self, line_id: str) -> int:
        """How much is held for a line."""
        return sum(part.micro for part in self.allocations if part.line_id == line_id)
