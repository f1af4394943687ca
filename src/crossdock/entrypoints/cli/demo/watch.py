"""Reads along in the hub's database: what became of each order, how the lanes stand, which gaps were closed."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crossdock.canonical.status import OrderStatus
from crossdock.contracts.customers import CustomerActivated
from crossdock.contracts.orders import ORDER_EVENTS, OrderAccepted, OrderNeedsAttention, OrderRefused
from crossdock.contracts.sources import SourceGap
from crossdock.durable.codec import decode
from crossdock.durable.lanes.breaker import status_at
from crossdock.durable.lanes.record import LaneRecord
from crossdock.insight.order_board import fold
from crossdock.kit.clock import MICROSECONDS
from crossdock.ports.order_board import BoardRow

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub

PAGE = 1_000
ENDED = frozenset(
    {
        OrderStatus.ACCEPTED,
        OrderStatus.PARTLY_ACCEPTED,
        OrderStatus.REFUSED,
        OrderStatus.NEEDS_ATTENTION,
        OrderStatus.CANCELLED,
    }
)
"""Nothing more will happen to these by itself."""


class Watch:
    """Looks whenever it is told to. `rows` are the orders, `codes` why they were refused or parked.

    `activated` are the numbers of companies whose credit was approved in the course of the day.
    """

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._position = 0
        self.rows: dict[str, BoardRow] = {}
        self.codes: dict[str, str] = {}
        self.accepted: dict[str, OrderAccepted] = {}
        self.waited: set[str] = set()
        self.lanes: Mapping[str, LaneRecord] = {}
        self.gaps: list[SourceGap] = []
        self.activated: set[str] = set()
        self.acceptances: Counter[str] = Counter()

    async def look(self) -> None:
        """Read what happened since the last look. Raises StoreUnavailable."""
        while True:
            events = await self._hub.store.read_events(self._position, PAGE)
            for event in events:
                self._position = event.sequence
                if event.type == SourceGap.type:
                    self.gaps.append(decode(event.data, SourceGap))
                elif event.type == CustomerActivated.type:
                    self.activated.add(decode(event.data, CustomerActivated).erp_number)
                elif kind := ORDER_EVENTS.get(event.type):
                    self.take(decode(event.data, kind))
            if len(events) < PAGE:
                break
        self.lanes = await self._hub.store.lane_load_all()

    def take(self, event: Any) -> None:
        """Take one event of an order into account."""
        row = fold(self.rows.get(event.order_id), event)
        self.rows[event.order_id] = row
        match event:
            case OrderAccepted():
                self.accepted[event.order_id] = event
                self.acceptances[event.order_id] += 1
            case OrderRefused() | OrderNeedsAttention():
                self.codes[event.order_id] = event.code
        if row.status is OrderStatus.WAITING:
            self.waited.add(event.order_id)

    def counts(self) -> Counter[OrderStatus]:
        """How many orders stand in each status."""
        return Counter(row.status for row in self.rows.values())

    def ended(self) -> int:
        """How many orders need nothing more from the machine."""
        return sum(1 for row in self.rows.values() if row.status in ENDED)

    def end_of(self, order_id: str) -> str:
        """How an order ended, in the words of the plan; empty while it has not."""
        row = self.rows.get(order_id)
        if row is None or row.status not in ENDED:
            return ""
        match row.status:
            case OrderStatus.REFUSED:
                return f"refused: {self.codes.get(order_id, '')}"
            case OrderStatus.NEEDS_ATTENTION:
                return f"parked: {self.codes.get(order_id, '')}"
        return row.status.value.replace("_", " ")

    def lane_status(self, system: str) -> str:
        """How a lane stands now."""
        return status_at(self.lanes.get(system, LaneRecord()), self._hub.clock.now())

    def seconds_to_acceptance(self) -> list[float]:
        """From capture to the ERP's word, sorted."""
        return sorted(
            (row.decided_at - row.captured_at) / MICROSECONDS
            for order_id, row in self.rows.items()
            if order_id in self.accepted
        )

    def acceptance_span_seconds(self) -> float:
        """From the first acceptance to the last."""
        times = [event.at for event in self.accepted.values()]
        return (max(times) - min(times)) / MICROSECONDS if times else 0.0


def percentile(ordered: list[float], share: float) -> float:
    """The value below which that share lies; 0 where there is none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
