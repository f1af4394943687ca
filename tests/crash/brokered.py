"""The hub that is killed between a broker and its store: orders come in from a broker, events go out to it."""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog
from tests.crash.points import COMMITS, arm
from tests.crash.table import DEATHS

from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import Deployment, HubSettings, Policies, Routes, SystemEntry, check_deployment
from crossdock.bootstrap.hub import Hub, make_store
from crossdock.canonical.order import Order
from crossdock.contracts.orders import OrderCaptured
from crossdock.durable.records import RunState
from crossdock.kit.clock import SystemClock, seconds_to_us
from crossdock.kit.redaction import Secret
from crossdock.policies.order_acceptance import AcceptanceRules
from crossdock.ports.manifest import Limits
from crossdock.processes import order_intake
from crossdock.testing.bench import KeptEvent
from crossdock.testing.builders import an_order

LEASE_SECONDS = 0.6
PATIENCE_SECONDS = 40.0
LEFT_OVER = 3
ORDERS_PER_DEATH = 3
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.crash.hub", "tests.crash.brokered"])
PUBLICATION = "publication"
POINTS = tuple(
    f"{side} {name} is committed" for name in ("arrival", "position", PUBLICATION) for side in ("before", "after")
)
"""Around the commits of the inbox, of the source's position, and of the mark that events were published."""


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """Which store, which broker (adapter and settings, its password apart), how many orders, and how to die."""

    store: str
    adapter: str
    settings: dict[str, Any]
    password: str = ""
    count: int = 0
    point: str = ""
    visits: int = 1


class Reckoning(msgspec.Struct, frozen=True, kw_only=True):
    """What was offered, what became of it, and what was told of each subject in which order, by the store."""

    orders: list[str]
    submitted: list[str]
    captured: list[str]
    told: dict[str, list[str]]


def deployment_for(duty: Duty) -> Deployment:
    """A memory ERP in the hub's own process, and a broker for everything else."""
    settings = duty.settings | ({"password": Secret(duty.password)} if duty.password else {})
    parts = {
        "hub": HubSettings(store=duty.store),
        "systems": {
            "erp": SystemEntry(adapter="memory", settings={"ledger": "brokered"}),
            "broker": SystemEntry(
                adapter=duty.adapter, settings=settings, limits=Limits(batch_max=5, linger_seconds=0.02)
            ),
        },
        "routes": Routes(erp="erp", order_sources=("broker",), event_sinks=("broker",)),
        "policies": Policies(acceptance=AcceptanceRules(check_prices=False)),
    }
    return check_deployment(parts, find_manifests(), Path("/"))


def work(duty: Duty) -> None:
    """Work until all orders are through and all events out, or until death comes."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=Path(os.devnull).open("w")))  # noqa: SIM115
    order_intake.STANDBY_SECONDS = 0.05
    COMMITS[PUBLICATION] = lambda commit: (
        commit.cursor is not None and commit.cursor.name.startswith("relay:events:")
    )
    if duty.point:
        arm(duty.point, duty.visits)
    sys.exit(asyncio.run(_work(duty)))


async def _work(duty: Duty) -> int:
    async with Hub(deployment_for(duty)) as hub:
        hub.worker._lease_us = seconds_to_us(LEASE_SECONDS)
        hub.worker._beat_seconds = LEASE_SECONDS / 3
        await hub.run()
        await hub.load_stock()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await _is_through(hub, duty.count):  # noqa: ASYNC110 - what is waited for has no event
                    await asyncio.sleep(0.02)
        except TimeoutError:
            return LEFT_OVER
    return 0


async def _is_through(hub: Hub, count: int) -> bool:
    counts = await hub.store.count_runs()
    if sum(counts.values()) < count or set(counts) - {RunState.DONE, RunState.PARKED}:
        return False
    cursors = await hub.store.read_cursors()
    return cursors.get("relay:events:broker") == str(await hub.store.last_sequence())


async def killed_everywhere(duty: Duty, offer: Callable[[Sequence[Order]], Awaitable[object]]) -> Reckoning:
    """Let orders come in while hubs die at every point, and the last one finish; what it says of itself.

    The broker's proxy lives in this process, so a hub is waited for in a thread.
    """
    for point in POINTS:
        first = duty.count
        await offer([an_order(f"O-{first + number}") for number in range(ORDERS_PER_DEATH)])
        duty = msgspec.structs.replace(duty, count=first + ORDERS_PER_DEATH)
        killed = await asyncio.to_thread(run, msgspec.structs.replace(duty, point=point))
        assert killed, f"nobody comes by {point}"
        DEATHS[point][duty.adapter] += 1
    assert not await asyncio.to_thread(run, duty), "the last one finishes"
    store = make_store(deployment_for(duty), SystemClock())
    await store.open()
    try:
        runs = await store.list_runs(state=RunState.DONE, limit=1_000)
        told = await store.read_events(0, 10_000)
    finally:
        await store.close()
    return Reckoning(
        orders=[f"O-{number}" for number in range(duty.count)],
        submitted=sorted((view.run_id.rpartition("/")[2] for view in runs), key=lambda name: int(name[2:])),
        captured=[event.subject for event in told if event.type == OrderCaptured.type],
        told=_by_key((event.subject, event.event_id) for event in told),
    )


def kept_in_order(kept: Sequence[KeptEvent]) -> dict[str, list[str]]:
    """Ids of what a broker keeps by key, the first of each: what comes again under its id is known."""
    return {
        key: list(dict.fromkeys(ids)) for key, ids in _by_key((one.partition_key, one.id) for one in kept).items()
    }


def _by_key(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, name in pairs:
        found.setdefault(key, []).append(name)
    return found


def run(duty: Duty) -> bool:
    """Let a hub work until it dies or is through; whether it died. One that does neither fails the test."""
    process = PROCESSES.Process(target=work, args=(duty,), name=f"a hub, to die {duty.point or 'never'}")
    process.start()
    process.join(PATIENCE_SECONDS + 20)
    assert process.exitcode in {0, -9}, f"{process.name} ended with {process.exitcode}"
    return process.exitcode != 0
