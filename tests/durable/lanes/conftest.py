"""Lanes on a stage, in virtual time."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from tests.durable.lanes.stage import Stage

from crossdock.durable.lanes import Lane, LaneAlert, LaneLimits, Lanes, MemoryLedger
from crossdock.kit.clock import ManualClock

OpenLane = Callable[..., Awaitable[Lane]]


@pytest.fixture
def clock() -> ManualClock:
    """Stands at 2026-01-01T00:00Z."""
    return ManualClock()


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def alerts() -> list[LaneAlert]:
    return []


@pytest.fixture
async def stage(clock: ManualClock) -> AsyncIterator[Stage]:
    stage = Stage(clock)
    yield stage
    await stage.close()


@pytest.fixture
async def open_lane(ledger: MemoryLedger, clock: ManualClock, alerts: list[LaneAlert]) -> AsyncIterator[OpenLane]:
    """Opens the lane `erp` on a worker, kept by its own `Lanes`."""
    opened: list[Lanes] = []

    async def open_on(worker_id: str = "worker-1", **limits: float) -> Lane:
        lanes = Lanes(ledger, clock, worker_id, on_alert=alerts.append, jitter=lambda: 0.5)
        lane = lanes.add("erp", LaneLimits(**limits))  # type: ignore[arg-type]
        await lanes.start()
        opened.append(lanes)
        return lane

    yield open_on
    for lanes in opened:
        await lanes.close()
