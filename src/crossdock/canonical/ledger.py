"""What happened to each line's quantity: an append-only list of facts, and counters folded from it.

A quantity never floats free: whatever was accepted, refused, held or shipped belongs to a line, and the
status of an order is derived from the counters and the facts' own times, never stored.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from crossdock.kit.clock import Instant


class Movement(StrEnum):
    """What a fact says about a quantity."""

    ORDERED = "ordered"
    HELD = "held"
    RELEASED = "released"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    SHIPPED = "shipped"
    INVOICED = "invoiced"
    CANCELLED = "cancelled"
    RETURNED = "returned"


class LineMovement(msgspec.Struct, frozen=True, omit_defaults=True):
    """So many millionths of a line's unit moved; `reason` is a stable code where something was refused."""

    line_id: str
    micro: int
    reason: str = ""


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing a system said: when it happened (`at`), who said so, and what it did to the lines."""

    movement: Movement
    at: Instant
    source: str
    lines: tuple[LineMovement, ...] = ()
    reference: str = ""


class Counters(msgspec.Struct, kw_only=True):
    """Millionths of one line's unit, by what became of them."""

    ordered: int = 0
    held: int = 0
    accepted: int = 0
    refused: int = 0
    shipped: int = 0
    invoiced: int = 0
    cancelled: int = 0
    returned: int = 0

    @property
    def open(self) -> int:
        """Neither accepted, refused nor cancelled yet."""
        return max(0, self.ordered - self.accepted - self.refused - self.cancelled)


def fold(facts: Iterable[Fact]) -> Mapping[str, Counters]:
    """The counters per `line_id` after all `facts`, in any order that keeps holds before releases."""
    lines: dict[str, Counters] = {}
    for fact in facts:
        for moved in fact.lines:
            counters = lines.setdefault(moved.line_id, Counters())
            if fact.movement is Movement.RELEASED:
                counters.held = max(0, counters.held - moved.micro)
            else:
                name = fact.movement.value
                setattr(counters, name, getattr(counters, name) + moved.micro)
    return lines
