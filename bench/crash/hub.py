"""The hub that is killed: a whole one with its API, in a process of its own, armed to die at places that are owed.

It is the production code; only its waits are short, so that a lease runs out and a retry comes within a run.
"""

import asyncio
import mmap
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
import structlog

from bench.crash.agreement import ERP, ONBOARDING, OWNERSHIP
from bench.crash.ailments import Ailment, ShiftedClock, suffer
from bench.crash.mutants import MUTANTS, Mutant, put
from crossdock.adapters.memory import ADAPTER
from crossdock.bootstrap import hub as hub_module
from crossdock.bootstrap.deployment import (
    Deployment,
    HttpSettings,
    HubSettings,
    Policies,
    Routes,
    SystemEntry,
    check_deployment,
)
from crossdock.bootstrap.hub import Hub
from crossdock.durable import committer, relay, run
from crossdock.durable.lanes import LaneLimits
from crossdock.durable.process import Process
from crossdock.durable.retries import RetryPolicy
from crossdock.durable.worker import Worker
from crossdock.entrypoints.api.app import serve
from crossdock.kit.failpoints import arm
from crossdock.policies.order_acceptance import AcceptanceRules
from crossdock.ports.manifest import Limits
from crossdock.processes import (
    customer_beginning,
    customer_indexing,
    customer_telling,
    order_intake,
    party_erasure,
)
from crossdock.testing.failpoints import places

SECRET = "crash-run"
LEASE_SECONDS = 1.0
CALL_SECONDS = 1.0
LATE_SECONDS = 1.6
SETTLE_SECONDS = 3.0
"""Longer than the latest write is late, which is longer than a lease: so it is promised by the ERP."""

STALL_SECONDS = 2.5 * LEASE_SECONDS
SLOTS = 5_000
"""So many that what dead hubs still hold of them does not stop the others: a hub dies every second here."""

PAUSE_SECONDS = 3.0
"""So long a hub waits for what somebody else said, and for what was under way when somebody was forgotten."""

PAGE_ROWS = 4
"""So few records a page of the match index has that one is died over."""

NAMES = tuple(place.name for place in places())
COUNTER_BYTES = 4


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """What one hub is to do: where everything is, and how it ends.

    It dies at the first of the `owed` places it passes after `spared` passes of any of them, or stalls there for
    longer than its lease. Once it is up it `lives_seconds` at most; 0: for ever. `prepares`: it only makes the
    tables and takes the stock over. At the `doors`, by system where they are, customers come in.
    """

    number: int
    store: str
    erp_url: str
    port: int
    folder: str
    owed: tuple[str, ...] = ()
    spared: int = 0
    ends: Literal["dies", "stalls"] = "dies"
    lives_seconds: float = 0.0
    ailment: Ailment = ""
    mutant: Mutant = ""
    prepares: bool = False
    doors: Mapping[str, str] = {}


class Tally:
    """How often each place was passed and where the hub died, in a file that outlives it."""

    def __init__(self, path: Path) -> None:
        size = COUNTER_BYTES * (len(NAMES) + 1)
        path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            self._counters = memoryview(mmap.mmap(file.fileno(), size)).cast("I")
        self._index = {name: index for index, name in enumerate(NAMES)}

    def count(self, name: str) -> None:
        """The place was passed."""
        self._counters[self._index[name]] += 1

    def end_at(self, name: str) -> None:
        """The hub ends here."""
        self._counters[len(NAMES)] = self._index[name] + 1


def read_tally(path: Path) -> tuple[Counter[str], str]:
    """The passes by place, and the place of its end, empty where it ended otherwise."""
    counters = memoryview(path.read_bytes()).cast("I") if path.exists() else ()
    if not counters:
        return Counter(), ""
    end = counters[len(NAMES)]
    return Counter(dict(zip(NAMES, counters[:-1], strict=True))), NAMES[end - 1] if end else ""


def work(duty: Duty) -> None:
    """Work until death comes, or SIGTERM."""
    with Path(duty.folder, f"hub-{duty.number}.log").open("wb") as log:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), stream.fileno())
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    random.seed(duty.number)
    _hurry()
    if duty.mutant:
        MUTANTS[duty.mutant]()
    _arm(duty)
    sys.exit(asyncio.run(_work(duty)))


def _arm(duty: Duty) -> None:
    tally, owed, spared = Tally(Path(duty.folder, f"hub-{duty.number}.tally")), set(duty.owed), duty.spared

    def passing(name: str) -> None:
        nonlocal spared
        tally.count(name)
        if name not in owed:
            return
        if spared:
            spared -= 1
            return
        tally.end_at(name)
        if duty.ends == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        owed.clear()
        time.sleep(STALL_SECONDS)

    arm(passing)


def _hurry() -> None:
    """The same behaviour in less time. What is waited for is never shorter than what it must outlast."""
    put(run, "ASK_AGAIN_SECONDS", 0.3)
    put(relay, "IDLE_SECONDS", 0.05)
    put(hub_module, "OPEN_SECONDS_FIRST", 0.1)
    put(hub_module, "OPEN_SECONDS_MAX", 0.5)
    put(order_intake, "STANDBY_SECONDS", 0.1)
    put(committer, "RETRY_SECONDS_MAX", 0.5)
    put(customer_beginning, "LOOK_SECONDS", 0.1)
    put(customer_indexing, "LOOK_SECONDS", 0.1)
    put(customer_indexing, "PAGE_ROWS_MAX", PAGE_ROWS)
    put(customer_telling, "PAUSE_SECONDS", PAUSE_SECONDS)
    put(party_erasure, "SWEEP_SECONDS", PAUSE_SECONDS)
    for module in (relay, order_intake):
        put(module, "RETRY_SECONDS_FIRST", 0.1)
        put(module, "RETRY_SECONDS_MAX", 0.5)
    limits = partial(LaneLimits, cool_down_seconds=0.2, cool_down_max_seconds=1.0, probe_seconds=2.0)
    put(hub_module, "LaneLimits", partial(limits, slot_lease_seconds=4.0))
    put(hub_module, "Worker", _hurried_worker)


def _hurried_worker(
    store: Any, committer: Any, processes: Sequence[Process[Any]], *others: Any, **facts: Any
) -> Worker:
    soon = RetryPolicy(first_wait_seconds=0.1, wait_seconds_max=1.0)
    hurried = [replace(process, retries=soon) for process in processes]
    return Worker(store, committer, hurried, *others, lease_seconds=LEASE_SECONDS, poll_seconds=0.1, **facts)


async def _work(duty: Duty) -> int:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    clock = ShiftedClock()
    hub = Hub(deployment_for(duty), clock)
    async with hub:
        await hub.run()
        if duty.prepares:
            await hub.load_stock()
            return 0
        loop = asyncio.get_running_loop()
        if duty.lives_seconds:
            loop.call_later(duty.lives_seconds, os.kill, os.getpid(), signal.SIGKILL)
        suffering = asyncio.ensure_future(suffer(duty.ailment, clock, duty.store))
        await serve(hub, "127.0.0.1", duty.port, stop=stop)
        await suffering
    return 0


def deployment_for(duty: Duty) -> Deployment:
    """One ERP that is also the sales channel, over HTTP. It does not look before it writes: the engine must."""
    manifests = {"memory": msgspec.structs.replace(ADAPTER, outcome_settles_seconds=SETTLE_SECONDS)}
    limits = Limits(
        in_flight_max=SLOTS, rate_per_second=400.0, daily_budget=50_000_000, batch_max=20, linger_seconds=0.02
    )
    urls = {ERP: duty.erp_url, **duty.doors}
    policies = Policies(acceptance=AcceptanceRules(check_prices=False))
    parts: dict[str, Any] = {
        "hub": HubSettings(store=duty.store, http=HttpSettings(port=duty.port)),
        "systems": {
            name: SystemEntry(adapter="memory", settings=_settings(url), limits=limits)
            for name, url in urls.items()
        },
        "routes": Routes(erp=ERP, order_sources=(ERP,), status_sinks=(ERP,)),
        "policies": policies,
    }
    if duty.doors:
        parts["ownership"] = OWNERSHIP
        parts["policies"] = msgspec.structs.replace(policies, onboarding=ONBOARDING)
    return check_deployment(parts, manifests, Path(duty.folder))


def _settings(url: str) -> dict[str, Any]:
    return {
        "url": url,
        "secret": SECRET,
        "unique_reference": True,
        "arrivals_wait_seconds": 0.1,
        "arrivals_max": 5,
        "timeout_seconds": CALL_SECONDS,
    }
