"""The engine on a stage: a store, a worker with its lanes, a desk, and time that stands still until told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from crossdock.durable.committer import Committer
from crossdock.durable.desk import Desk
from crossdock.durable.lanes import LaneLimits, Lanes
from crossdock.durable.process import Process
from crossdock.durable.records import Commit, RunState
from crossdock.durable.relay import Relay, Subscription
from crossdock.durable.store import RunView
from crossdock.durable.worker import Worker
from crossdock.kit.clock import ManualClock
from crossdock.kit.ids import new_id
from crossdock.storage.sql_store import SqlStore

LONG_LEASE_SECONDS = 1e9
"""Tests let hours pass in one leap, in which no worker could renew anything; see `begin(lease_seconds=…)`."""

PATIENCE_SECONDS = 20.0
TURN_SECONDS, TURN_SECONDS_MAX = 0.0005, 0.01
FINAL = {RunState.DONE, RunState.SKIPPED}


class Stage:
    """Whoever has a store, a worker with its lanes, and time that stands still until told."""

    store: SqlStore
    clock: ManualClock
    committer: Committer
    worker: Worker
    lanes: Lanes
    patience_seconds = PATIENCE_SECONDS

    async def settle(self) -> None:
        """Return when nothing is left to do at this moment."""

        async def is_settled() -> bool:
            self.worker.wake()
            return not self.worker.active and not self.committer.backlog and not await self._claimable()

        await self._wait(is_settled)

    async def until(self, reached: Callable[[], bool]) -> None:
        """Return when `reached`, time standing still."""

        async def is_reached() -> bool:
            self.worker.wake()
            return reached()

        await self._wait(is_reached)

    async def advance(self, seconds: float, *, steps: int = 1) -> None:
        """Let time pass, in so many steps, and everything happen that is due."""
        for _ in range(steps):
            self.clock.advance(seconds / steps)
            await asyncio.sleep(0)
            await self.settle()

    async def view(self, run_id: str) -> RunView:
        """A run as it stands."""
        view = await self.store.find_run(run_id)
        assert view is not None, f"{run_id} is lost"
        return view

    async def picture(self) -> str:
        """All runs that have not ended, for a failing test to show."""
        views = await self.store.list_runs(limit=200)
        return "\n".join(
            f"{view.run_id} {view.state} {view.waiting_on} {view.parking.reason if view.parking else ''}"
            for view in views
            if view.state not in FINAL
        )

    async def _wait(self, reached: Callable[[], Any]) -> None:
        deadline = asyncio.get_running_loop().time() + self.patience_seconds
        turn_seconds = TURN_SECONDS
        while not await reached():
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"nothing settles:\n{await self.picture()}")
            await asyncio.sleep(turn_seconds)
            turn_seconds = min(turn_seconds * 1.5, TURN_SECONDS_MAX)

    async def _claimable(self) -> int:
        rooms = [f"lane:{name}" for name, lane in self.lanes.items() if lane.room()]
        known = self.worker._cookbook.known
        marks = ",".join("?" * (len(rooms) + 1))
        versions = " OR ".join(["(process = ? AND version = ?)"] * len(known))
        sql = (
            f"SELECT count(*) FROM run WHERE state = 'running' OR ((queue IN ({marks}) OR wake_at <= ?) "
            f"AND ({versions or '1 = 0'}))"
        )
        parameters = ("ready", *rooms, self.clock.now(), *(part for version in known for part in version))
        return int((await self.store._read(lambda tx: tx.execute(sql, parameters).fetchone()))[0])


class Engine(Stage):
    """One hub's engine. `crash` forgets everything but the store; `begin` starts anew, as after a restart.

    Time is the clock's: `advance` moves it and lets everything settle that has become due.
    """

    def __init__(
        self,
        store: SqlStore,
        clock: ManualClock,
        processes: Sequence[Process[Any]] = (),
        *,
        lanes: dict[str, LaneLimits] | None = None,
        runs_max: int = 500,
        lease_seconds: float = LONG_LEASE_SECONDS,
    ) -> None:
        self.store = store
        self.clock = clock
        self.processes = list(processes)
        self._limits = {"erp": LaneLimits()} if lanes is None else lanes
        self._runs_max = runs_max
        self._lease_seconds = lease_seconds
        self._relays: list[Relay] = []
        self._make()
        self.desk = Desk(store, self.processes, clock)

    def _make(self) -> None:
        self.committer = Committer(self.store, self.clock)
        self.lanes = Lanes(
            self.store,
            self.clock,
            new_id(),
            on_alert=lambda _alert: None,
            jitter=lambda: 0.5,
            news=self.store.news,
        )
        for name, limits in self._limits.items():
            self.lanes.add(name, limits)
        self.worker = Worker(
            self.store,
            self.committer,
            self.processes,
            self.lanes,
            self.clock,
            runs_max=self._runs_max,
            lease_seconds=self._lease_seconds,
        )

    # ── life ────────────────────────────────────────────────────────────────────────────────────────

    async def begin(self) -> None:
        """Take up work, with whatever `processes` are now."""
        self._make()
        self.desk = Desk(self.store, self.processes, self.clock)
        self.committer.start()
        await self.lanes.start()
        await self.worker.start()

    async def crash(self) -> None:
        """As a killed process: nothing that was pending is written. Then its lease is over."""
        for relay in self._relays:
            await relay.stop()
        self._relays = []
        await self.worker.abort()
        await self.committer.abort()
        await self.lanes.close()
        await self.store.retire(self.worker.worker_id, self.clock.now())

    async def stop(self) -> None:
        """As a process that was asked to stop."""
        for relay in self._relays:
            await relay.stop()
        self._relays = []
        await self.worker.stop(grace_seconds=0)
        await self.lanes.close()
        await self.committer.close()

    def subscribe(self, subscription: Subscription) -> Relay:
        """Deliver events until the crash or the stop."""
        relay = Relay(subscription, self.store, self.worker, self.clock)
        relay.start()
        self._relays.append(relay)
        return relay

    # ── work ────────────────────────────────────────────────────────────────────────────────────────

    async def start(self, process: Process[Any], key: str, value: Any) -> str:
        """Start a run; its id."""
        await self.worker.commit(Commit(starts=(process.start(key, value),)))
        return process.run_id(key)

    async def go(self, process: Process[Any], key: str, value: Any) -> RunView:
        """Start a run and let it go as far as it goes without time passing."""
        run_id = await self.start(process, key, value)
        await self.settle()
        return await self.view(run_id)


@contextlib.asynccontextmanager
async def engine_with(
    store: SqlStore, clock: ManualClock, *processes: Process[Any], **facts: Any
) -> AsyncIterator[Engine]:
    """An engine at work, and gone at the end."""
    engine = Engine(store, clock, processes, **facts)
    await engine.begin()
    try:
        yield engine
    finally:
        await engine.crash()
