"""The lane ledger's methods on a store: each one transaction."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from crossdock.durable.lanes.ledger import BudgetGrant
from crossdock.durable.lanes.record import Intervention, LaneRecord, lane_subject
from crossdock.durable.lanes.slots import SlotAsk, SlotShare
from crossdock.durable.news import LANES
from crossdock.kit.clock import Instant
from crossdock.storage import lanes
from crossdock.storage.audit import write_audit
from crossdock.storage.transaction import Transaction

T = TypeVar("T")


def _save(tx: Transaction, lane: str, record: LaneRecord, by: Intervention | None) -> bool:
    saved = lanes.save(tx, lane, record)
    if saved:
        tx.news.add(LANES)
    if saved and by is not None:
        write_audit(tx, by.at, by.actor, by.verb, lane_subject(lane), by.reason)
    return saved


class LaneStore(ABC):
    """See LaneLedger."""

    @abstractmethod
    async def _write(self, work: Callable[[Transaction], T]) -> T: ...

    @abstractmethod
    async def _read(self, work: Callable[[Transaction], T]) -> T: ...

    async def lane_load(self, lane: str) -> LaneRecord:
        """See LaneLedger."""
        return await self._read(partial(lanes.load, lane=lane))

    async def lane_load_all(self) -> Mapping[str, LaneRecord]:
        """See LaneLedger."""
        return await self._read(lanes.load_all)

    async def lane_save(self, lane: str, record: LaneRecord, by: Intervention | None = None) -> bool:
        """See LaneLedger."""
        return await self._write(partial(_save, lane=lane, record=record, by=by))

    async def lane_reserve_rate(
        self, lane: str, *, permits: int, interval_us: int, tolerance_us: int, now: Instant
    ) -> Instant:
        """See LaneLedger."""
        return await self._write(
            partial(
                lanes.reserve_rate,
                lane=lane,
                permits=permits,
                interval_us=interval_us,
                tolerance_us=tolerance_us,
                now=now,
            )
        )

    async def lane_take_slots(self, ask: SlotAsk, now: Instant) -> SlotShare:
        """See LaneLedger."""
        return await self._write(partial(lanes.take_slots, ask=ask, now=now))

    async def lane_take_budget(self, lane: str, *, day: int, wanted: int, daily_budget: int) -> BudgetGrant:
        """See LaneLedger."""
        return await self._write(
            partial(lanes.take_budget, lane=lane, day=day, wanted=wanted, daily_budget=daily_budget)
        )

    async def lane_return_budget(self, lane: str, *, day: int, calls: int) -> None:
        """See LaneLedger."""
        await self._write(partial(lanes.return_budget, lane=lane, day=day, calls=calls))
