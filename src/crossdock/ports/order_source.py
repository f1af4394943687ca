"""Where orders come from: a stream of arrivals whose position moves only when the hub has committed."""

from collections.abc import AsyncGenerator
from typing import Protocol

import msgspec

from crossdock.canonical.order import Order
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Finding


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `external_id` is the same for every delivery of the same thing.

    Exactly one of `order` and `findings` is filled: what could not be translated arrives as findings, with
    `raw` as it came, so that it is parked and repaired instead of lost or blocking the stream.
    """

    external_id: str
    received_at: Instant
    order: Order | None = None
    findings: tuple[Finding, ...] = ()
    raw: bytes = b""


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time in which changes may have been missed, and why: it is refilled and proved.

    `dropped`: so many, as the source itself says, no query brings back. They count as changed, so that the
    proof fails and a person hears of it.
    """

    since: Instant
    until: Instant
    reason: str
    dropped: int = 0


class ArrivalBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Arrivals that are committed together with `position`; a gap is refilled before anything after it."""

    arrivals: tuple[Arrival, ...]
    position: str
    gap: Gap | None = None


class OrderSource(Protocol):
    """Hands out captured orders. The hub pulls: what it has not asked for yet stays with the source."""

    def arrivals(self, position: str) -> AsyncGenerator[ArrivalBatch, None]:
        """Batches after `position` (empty: from the beginning of what the system retains), without end.

        Raises NotAuthorized or Misconfigured; passing faults are retried inside.
        """
        ...

    def refill(self, gap: Gap) -> AsyncGenerator[ArrivalBatch, None]:
        """Everything that changed in the gap (widened by the source's overlap), read by query, in batches."""
        ...

    async def count_changed(self, gap: Gap) -> int:
        """How many orders the system itself counts in the gap (same widening): the proof's right-hand side."""
        ...
