"""Customers that are written one by one reach their system in as few calls as it allows.

runs ─ one write each ─ gathered for as long as the system's manifest says ─ one call ─ to each its own outcome
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from crossdock.durable.lanes import Batcher, Lane
from crossdock.kit.errors import CrossdockError, NotAuthorized, Transient
from crossdock.ports.customer_sink import CustomerRecord, CustomerSink, CustomerWrite
from crossdock.ports.manifest import Limits


class _Outcome(msgspec.Struct, frozen=True):
    """What one write came to: also an error is an answer, and the call as a whole went well."""

    of: CustomerRecord | CrossdockError


class GatheredWrites:
    """A customer sink behind its lane; writes that come within `linger_seconds` travel together.

    `dock` is the system's own, for the lane is taken once for a whole call; `guarded` is it behind its lane, for
    everything else.
    """

    def __init__(self, lane: Lane, dock: CustomerSink, guarded: Any, limits: Limits) -> None:
        self._lane, self._dock, self._guarded = lane, dock, guarded
        self._batches: Batcher[CustomerWrite, _Outcome] = Batcher(
            lane, self._send, limits.batch_max, limits.linger_seconds
        )

    async def write_customers(self, writes: Sequence[CustomerWrite]) -> Sequence[CustomerRecord | CrossdockError]:
        """See CustomerSink; several writes travel as they are, since somebody has gathered them."""
        if len(writes) != 1:
            outcomes: Sequence[CustomerRecord | CrossdockError] = await self._guarded.write_customers(writes)
            return outcomes
        try:
            return [(await self._batches.submit(writes[0])).of]
        except (Transient, NotAuthorized) as fault:
            # As for every call behind a lane: where that closed over it, the work waits for the lane.
            closed = self._lane.closure()
            if closed is None:
                raise
            raise closed from fault

    async def close(self) -> None:
        """Send nothing any more."""
        await self._batches.close()

    async def _send(self, writes: list[CustomerWrite]) -> list[_Outcome | Exception]:
        return [_Outcome(outcome) for outcome in await self._dock.write_customers(writes)]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._guarded, name)
