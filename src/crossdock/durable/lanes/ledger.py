"""What lanes need from a store, and the changes that work on any of them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

import msgspec
from msgspec.structs import replace

from crossdock.durable.lanes.breaker import pause, resume
from crossdock.durable.lanes.record import Intervention, LaneRecord
from crossdock.durable.lanes.slots import SlotAsk, SlotShare
from crossdock.kit.clock import Instant

LaneChange = Callable[[LaneRecord], LaneRecord]


class BudgetGrant(msgspec.Struct, frozen=True, kw_only=True):
    """So many calls of the day's budget are ours; `used` is what all workers have taken by now."""

    granted: int
    used: int


class LaneLedger(Protocol):
    """The limits all workers share. Every method is atomic over all workers, and what it did survives a restart.

    Methods raise whatever the store raises when it cannot be reached; the lane then asks again.
    """

    async def lane_load(self, lane: str) -> LaneRecord:
        """The lane's record; a fresh one where nothing was ever written."""
        ...

    async def lane_load_all(self) -> Mapping[str, LaneRecord]:
        """The records of all lanes that have one, by name."""
        ...

    async def lane_save(self, lane: str, record: LaneRecord, by: Intervention | None = None) -> bool:
        """Write `record` if the one in the ledger has the version before; whether it did.

        A person's hand in it is written to the audit along with it.
        """
        ...

    async def lane_reserve_rate(
        self, lane: str, *, permits: int, interval_us: int, tolerance_us: int, now: Instant
    ) -> Instant:
        """Reserve `permits` >= 1: permit number k, from 0, is good from the returned instant + k x `interval_us`.

        The instant may lie in the past by up to `tolerance_us`: permits that nobody used in time.
        """
        ...

    async def lane_take_slots(self, ask: SlotAsk, now: Instant) -> SlotShare:
        """Lease slots; asking renews, and asking for none lets go. See `share_slots`."""
        ...

    async def lane_take_budget(self, lane: str, *, day: int, wanted: int, daily_budget: int) -> BudgetGrant:
        """Take up to `wanted` calls of the day's budget."""
        ...

    async def lane_return_budget(self, lane: str, *, day: int, calls: int) -> None:
        """Give back what was taken and not used."""
        ...


async def amend(
    ledger: LaneLedger,
    lane: str,
    change: LaneChange,
    known: LaneRecord | None = None,
    by: Intervention | None = None,
) -> tuple[LaneRecord, LaneRecord]:
    """Change a lane's record, over whatever others write meanwhile: the record before and the one after.

    Starts from `known`, or from what the ledger has. Where the change has nothing to say, nothing is written.
    """
    before = known if known is not None else await ledger.lane_load(lane)
    while True:
        after = change(before)
        if after == before:
            return before, before
        after = replace(after, version=before.version + 1)
        if await ledger.lane_save(lane, after, by):
            return before, after
        before = await ledger.lane_load(lane)


async def pause_lane(ledger: LaneLedger, lane: str, now: Instant, *, actor: str, reason: str) -> LaneRecord:
    """Stop a lane on every worker until it is resumed. Calls under way are left to end."""
    by = Intervention(at=now, actor=actor, verb="pause", reason=reason)
    stop = partial(pause, reason="paused", detail=f"{actor}: {reason}", now=now)
    _, after = await amend(ledger, lane, stop, by=by)
    return after


async def resume_lane(ledger: LaneLedger, lane: str, now: Instant, *, actor: str, reason: str = "") -> LaneRecord:
    """Let a lane go on: at once if a person had paused it, else with one call that goes first."""
    by = Intervention(at=now, actor=actor, verb="resume", reason=reason)
    _, after = await amend(ledger, lane, partial(resume, now=now), by=by)
    return after
