"""A simulated shop: orders leave it by a stream that may repeat itself, and their statuses come back to it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from functools import partial

from crossdock.canonical.order import Order
from crossdock.kit.clock import Instant
from crossdock.kit.errors import CrossdockError, Transient
from crossdock.ports.order_source import Arrival, ArrivalBatch, Gap
from crossdock.ports.status_sink import StatusUpdate
from crossdock.rehearsal.network import Link

SYSTEM = "shop"
BATCH_MAX = 5
LOOK_AGAIN_SECONDS = 0.5


class VirtualShop:
    """What was captured, in the order in which the stream delivers it, and what each record shows."""

    def __init__(self) -> None:
        self.stream: list[Arrival] = []
        self.shown: dict[str, StatusUpdate] = {}
        self.orders: dict[str, Order] = {}

    def capture(self, order: Order, at: Instant) -> None:
        """A buyer has ordered; the stream delivers it."""
        self.orders[order.order_id] = order
        self.deliver(order, at)

    def deliver(self, order: Order, at: Instant) -> None:
        """Into the stream, once more where it was there already."""
        self.stream.append(Arrival(external_id=order.order_id, received_at=at, order=order))

    def show(self, updates: Sequence[StatusUpdate]) -> list[CrossdockError | None]:
        """Write statuses on records."""
        for update in updates:
            self.shown[update.record] = update
        return [None] * len(updates)


class ShopDock:
    """One machine's connection to the shop: order source and status sink."""

    def __init__(self, shop: VirtualShop, link: Link, *, look_again_seconds: float = LOOK_AGAIN_SECONDS) -> None:
        self._shop = shop
        self._look_again_seconds = look_again_seconds
        self._link = link

    async def arrivals(self, position: str) -> AsyncGenerator[ArrivalBatch, None]:
        """See `OrderSource.arrivals`. A position is how many arrivals of the stream were seen."""
        after = int(position or 0)
        while True:
            try:
                batch = await self._link.call("arrivals", "", partial(self._after, after))
            except Transient:
                batch = ()
            if not batch:
                await asyncio.sleep(self._look_again_seconds)
                continue
            after += len(batch)
            yield ArrivalBatch(arrivals=batch, position=str(after))

    async def refill(self, gap: Gap) -> AsyncGenerator[ArrivalBatch, None]:
        """See `OrderSource.refill`."""
        found = tuple(arrival for arrival in self._shop.stream if gap.since <= arrival.received_at <= gap.until)
        yield ArrivalBatch(arrivals=found, position="")

    async def count_changed(self, gap: Gap) -> int:
        """See `OrderSource.count_changed`."""
        return sum(gap.since <= arrival.received_at <= gap.until for arrival in self._shop.stream)

    async def report_statuses(self, updates: Sequence[StatusUpdate]) -> Sequence[CrossdockError | None]:
        """See `StatusSink.report_statuses`."""
        key = ",".join(update.order_id for update in updates)
        return await self._link.call("statuses", key, lambda: self._shop.show(updates), writes=True)

    def _after(self, after: int) -> tuple[Arrival, ...]:
        return tuple(self._shop.stream[after : after + BATCH_MAX])
