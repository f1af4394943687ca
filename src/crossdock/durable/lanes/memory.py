"""A ledger in memory: for tests, rehearsals, and hubs that forget."""

from collections.abc import Mapping

from crossdock.durable.lanes.ledger import BudgetGrant
from crossdock.durable.lanes.rate import reserve
from crossdock.durable.lanes.record import Intervention, LaneRecord
from crossdock.durable.lanes.slots import SlotAsk, SlotHolding, SlotShare, share_slots
from crossdock.kit.clock import Instant


class MemoryLedger:
    """Implements LaneLedger within one process."""

    def __init__(self) -> None:
        self._records: dict[str, LaneRecord] = {}
        self.interventions: list[tuple[str, Intervention]] = []
        self._rates: dict[str, Instant] = {}
        self._slots: dict[str, dict[str, SlotHolding]] = {}
        self._budgets: dict[tuple[str, int], int] = {}

    async def lane_load(self, lane: str) -> LaneRecord:
        """See LaneLedger."""
        return self._records.get(lane, LaneRecord())

    async def lane_load_all(self) -> Mapping[str, LaneRecord]:
        """See LaneLedger."""
        return dict(self._records)

    async def lane_save(self, lane: str, record: LaneRecord, by: Intervention | None = None) -> bool:
        """See LaneLedger."""
        known = self._records.get(lane, LaneRecord())
        if known.version != record.version - 1:
            return False
        self._records[lane] = record
        if by is not None:
            self.interventions.append((lane, by))
        return True

    async def lane_reserve_rate(
        self, lane: str, *, permits: int, interval_us: int, tolerance_us: int, now: Instant
    ) -> Instant:
        """See LaneLedger."""
        used_up_at = reserve(self._rates.get(lane, 0), permits, interval_us, now)
        self._rates[lane] = used_up_at
        return used_up_at - permits * interval_us - tolerance_us

    async def lane_take_slots(self, ask: SlotAsk, now: Instant) -> SlotShare:
        """See LaneLedger."""
        holders = self._slots.setdefault(ask.lane, {})
        holders.pop(ask.worker_id, None)
        share = share_slots(ask, list(holders.values()), now)
        if ask.wanted or share.held:
            holders[ask.worker_id] = SlotHolding(ask.worker_id, share.held, ask.wanted, now + ask.lease_us)
        return share

    async def lane_take_budget(self, lane: str, *, day: int, wanted: int, daily_budget: int) -> BudgetGrant:
        """See LaneLedger."""
        used = self._budgets.get((lane, day), 0)
        granted = max(0, min(wanted, daily_budget - used))
        self._budgets[lane, day] = used + granted
        return BudgetGrant(granted=granted, used=used + granted)

    async def lane_return_budget(self, lane: str, *, day: int, calls: int) -> None:
        """See LaneLedger."""
        self._budgets[lane, day] = max(0, self._budgets.get((lane, day), 0) - calls)
