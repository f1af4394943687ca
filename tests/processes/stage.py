"""A whole hub on a stage: every part real, ERP and shop in this process, time standing still until told."""

import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.engine import LONG_LEASE_SECONDS, Stage
from tests.stores import Stores

from crossdock.adapters.memory.simulator.server import share_surface
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.adapters.memory.wire import Document, StatusRow
from crossdock.bootstrap import hub as hub_module
from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import HubSettings, Policies, Routes, SystemEntry, check_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.order import Order
from crossdock.canonical.party import ExternalReference
from crossdock.contracts.orders import ORDER_EVENTS
from crossdock.durable.codec import decode
from crossdock.durable.lease import Lease
from crossdock.durable.store import RunView
from crossdock.identity.golden.ownership import Ownership
from crossdock.kit.clock import ManualClock, seconds_to_us
from crossdock.policies.order_acceptance import AcceptanceRules
from crossdock.ports.manifest import Limits
from crossdock.processes.order_capture import Captured
from crossdock.processes.order_submission import erp_key
from crossdock.transport.loopback import Request, Response

TICK_SECONDS = 0.05


class CountedSurface(Surface):
    """An ERP or shop that counts what it was asked, by path."""

    calls: Counter[str]

    async def respond(self, request: Request) -> Response:
        self.calls[request.path] += 1
        return await super().respond(request)


class HubStage(Stage):
    """The hub, its ERP and the shop its orders come from."""

    def __init__(self, hub: Hub, erp: CountedSurface, shop: CountedSurface, clock: ManualClock) -> None:
        self.hub, self.erp, self.shop, self.clock = hub, erp, shop, clock
        self.store, self.worker, self.committer, self.lanes = hub.store, hub.worker, hub.committer, hub.lanes

    async def take(self, *orders: Order) -> list[Captured]:
        """Capture orders, and let everything happen that can."""
        captured = [await self.hub.capture.take(order) for order in orders]
        await self.flow()
        return captured

    async def flow(self) -> None:
        """Let everything happen that needs next to no time: runs, arrivals, feedback."""

        async def flowed() -> bool:
            self.clock.advance(TICK_SECONDS)
            self.worker.wake()
            if self.worker.active or self.committer.backlog or await self._claimable():
                return False
            end = await self.store.last_sequence()
            return all(relay.position >= end for relay in self.hub.relays if not relay.trouble)

        await self._wait(flowed)

    async def eventually(self, reached: Callable[[], bool], *, tick_seconds: float = 0.5) -> None:
        """Let time pass until something is so, and everything happen that follows."""

        def is_reached() -> bool:
            self.clock.advance(tick_seconds)
            return reached()

        await self.until(is_reached)
        await self.flow()

    async def pass_time(self, seconds: float, *, steps: int = 1) -> None:
        """Let time pass, and everything happen that becomes due."""
        for _ in range(steps):
            self.clock.advance(seconds / steps)
            await self.flow()

    async def run_of(self, order_id: str) -> RunView:
        """The run that submits the order."""
        return await self.view(f"order_submission/{order_id}")

    async def result_of(self, order_id: str) -> Any:
        """How the submission ended."""
        return msgspec.json.decode((await self.run_of(order_id)).result or b"{}")

    async def events_of(self, order_id: str) -> list[Any]:
        """What was told of an order, oldest first."""
        events = await self.store.read_events(0, 1_000, f"order/{order_id}")
        return [decode(event.data, ORDER_EVENTS[event.type]) for event in events]

    async def told(self, order_id: str) -> list[str]:
        """The kinds of what was told of an order."""
        return [type(event).__name__ for event in await self.events_of(order_id)]

    def in_erp(self, order_id: str) -> list[Document]:
        """What the ERP has of an order, cancelled ones too."""
        return list(self.erp.ledger.orders(erp_key(order_id)))

    def shown(self, record: str) -> StatusRow | None:
        """What the shop shows on a record."""
        return self.shop.board.shown.get(record)

    def status(self, record: str) -> str:
        """The status that a record shows, if any."""
        row = self.shown(record)
        return row.status if row else ""

    async def stock(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(available, held) whole pieces by product and location, where something moved."""
        sql = "SELECT product, location, available, held FROM stock_level"
        rows = await self.store._read(lambda tx: tx.execute(sql).fetchall())
        return {(row[0], row[1]): (row[2] // 1_000_000, row[3] // 1_000_000) for row in rows}


@asynccontextmanager
async def hub_stage(
    stores: Stores,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    check_prices: bool = False,
    unique_reference: bool = True,
    policies: Policies | None = None,
    ownership: Ownership | None = None,
) -> AsyncIterator[HubStage]:
    """A hub at work, with the ERP's stock loaded."""
    names = {role: uuid.uuid4().hex for role in ("erp", "shop")}
    surfaces = {role: CountedSurface(clock=stores.clock, unique_reference=unique_reference) for role in names}
    for role, surface in surfaces.items():
        surface.calls = Counter()
        share_surface(names[role], surface)
    limits = Limits(in_flight_max=32, batch_max=5, linger_seconds=0.1)
    parts = {
        "hub": HubSettings(),
        "systems": {
            "erp": SystemEntry(
                adapter="memory",
                title="Books",
                settings={"ledger": names["erp"], "unique_reference": unique_reference},
            ),
            "shop": SystemEntry(
                adapter="memory",
                settings={"ledger": names["shop"], "arrivals_wait_seconds": 0.01, "arrivals_max": 4},
                limits=limits,
            ),
        },
        "routes": Routes(erp="erp", order_sources=("shop",), status_sinks=("shop",)),
        "policies": policies or Policies(acceptance=AcceptanceRules(check_prices=check_prices)),
        "ownership": ownership,
    }
    monkeypatch.setattr(hub_module, "make_store", lambda _deployment, clock: stores.make(clock))
    monkeypatch.setattr(hub_module, "tune_garbage_collector", lambda: None)
    hub = Hub(check_deployment(parts, find_manifests(), folder), stores.clock)
    hub.worker._lease_us = seconds_to_us(LONG_LEASE_SECONDS)
    hub.worker.lease = Lease(stores.clock, LONG_LEASE_SECONDS)
    try:
        async with hub:
            await hub.run()
            await hub.load_stock()
            yield HubStage(hub, surfaces["erp"], surfaces["shop"], stores.clock)
    finally:
        for name in names.values():
            share_surface(name, None)


def record(number: str) -> Sequence[ExternalReference]:
    """The reference by which the shop knows the order's record."""
    return (ExternalReference("shop", "Order", number),)
