"""Several real processes of one deployment: a database, an ERP that keeps its own log, workers."""

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import yaml
from msgspec.structs import replace

from crossdock.adapters.memory.simulator.calls import Call
from crossdock.adapters.memory.simulator.server import MemoryErp
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import load_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.durable.records import Commit, EffectStep
from crossdock.kit.clock import MICROSECONDS
from crossdock.stock.holds import CountStock, StockCount
from crossdock.testing.builders import a_line, an_order

SECRET = "several"
PRODUCT = "P-490"
"""Of this one the standard estate has plenty."""

WAIT_SECONDS = 60.0
RUNS_MAX = 8
"""A worker that took up everything would leave nothing to share."""

NOT_THROUGH_THE_LANE = frozenset({"/session", "/about", "/messages"})


class Process:
    """`crossdock …` on a deployment, and what its log has told so far."""

    def __init__(self, folder: Path, *words: str) -> None:
        command = (sys.executable, "-m", "crossdock.entrypoints.cli", *words, "-d", str(folder), "--log", "json")
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.told: list[dict[str, Any]] = []
        up = self.read_until("up")
        self.name = up["worker_id"]
        self.address = f"http://{up['host']}:{up['port']}"

    def read_until(self, event: str) -> dict[str, Any]:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.told.append(json.loads(line))
            if self.told[-1]["event"] == event:
                return self.told[-1]
        raise AssertionError(f"the log ended without {event}: {self.told}")

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        return self.process.wait(WAIT_SECONDS)

    def end(self) -> int:
        self.tell(signal.SIGTERM)
        return self.wait()


class Crew:
    """The processes of a test; those that still live are killed at its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[Process] = []

    def start(self, *words: str) -> Process:
        self.processes.append(Process(self.folder, *words))
        return self.processes[-1]

    def worker(self) -> Process:
        return self.start("worker")


@contextmanager
def crew(folder: Path) -> Iterator[Crew]:
    members = Crew(folder)
    try:
        yield members
    finally:
        for member in members.processes:
            member.process.kill()
            member.process.communicate()


@asynccontextmanager
async def an_erp() -> AsyncIterator[MemoryErp]:
    """The ERP, answering from the test's own event loop."""
    erp = MemoryErp(Surface(secret=SECRET))
    await erp.start()
    try:
        yield erp
    finally:
        await erp.stop()


def write_deployment(folder: Path, dsn: str, erp: MemoryErp, **limits: float) -> Path:
    """One memory ERP over HTTP, and what it bears."""
    system = {"adapter": "memory", "settings": {"url": erp.url, "secret": SECRET}, "limits": limits}
    (folder / "hub.yaml").write_text(yaml.safe_dump({"store": dsn, "runs_max": RUNS_MAX}))
    (folder / "systems.yaml").write_text(yaml.safe_dump({"erp": system}))
    (folder / "routes.yaml").write_text(yaml.safe_dump({"erp": "erp"}))
    (folder / "policies.yaml").write_text(yaml.safe_dump({"acceptance": {"check_prices": False}}))
    return folder


@asynccontextmanager
async def onlooker(folder: Path) -> AsyncIterator[Hub]:
    """A hub that looks on, hands in orders, and executes nothing; it has taken over the stock."""
    found = load_deployment(folder, find_manifests())
    async with Hub(replace(found, hub=replace(found.hub, runs_max=0))) as hub:
        counts = (StockCount(product=PRODUCT, location="W1", micro=1_000_000_000),)
        await hub.committer.submit(Commit(effects=(EffectStep("count_stock", CountStock(counts=counts)),)))
        yield hub


async def hand_in(hub: Hub, count: int) -> list[str]:
    """So many orders that any worker may take up; the ids of their runs."""
    line = a_line(product=PRODUCT, price="1.005")
    orders = [an_order(f"O-{number:04}", lines=[line]) for number in range(count)]
    for order in orders:
        await hub.capture.take(order)
    return [hub.submission.run_id(order.order_id) for order in orders]


def held_by(dsn: str, name: str) -> tuple[int, int]:
    """How many runs a worker holds, and whether it is registered (0 or 1)."""
    with psycopg.connect(dsn) as connection:
        runs = connection.execute("SELECT count(*) FROM run WHERE worker = %s", (name,)).fetchone()
        known = connection.execute("SELECT count(*) FROM worker WHERE id = %s", (name,)).fetchone()
    assert runs
    assert known
    return runs[0], known[0]


# ── what the ERP's own log says ─────────────────────────────────────────────────────────────────────


def lane_calls(erp: MemoryErp) -> list[Call]:
    return [call for call in erp.surface.log.calls if call.path not in NOT_THROUGH_THE_LANE]


def overrun(calls: Sequence[Call], per_second: float, burst: int, in_flight_max: int, seconds: float) -> int:
    """By how many calls the worst window of so many seconds exceeds what it may hold; 0 or less is well.

    The lane promises that at most `burst + per_second x W` calls start in any window of W seconds. What the ERP
    sees start in a window either started in it, or was under way when it began: at most `in_flight_max`, over
    all workers. So no pause of a process or of the machine can make a lane that keeps its word look as if not.
    """
    starts = sorted(call.at for call in calls)
    window, worst, first = round(seconds * MICROSECONDS), 0, 0
    for last, at in enumerate(starts):
        while starts[first] <= at - window:
            first += 1
        worst = max(worst, last - first + 1)
    return worst - int(burst + per_second * seconds) - in_flight_max


def at_once(calls: Sequence[Call]) -> int:
    """The largest number of calls that were being answered at one moment."""
    turns = sorted([(call.at, 1) for call in calls] + [(call.until, -1) for call in calls if call.until])
    running = peak = 0
    for _, change in turns:
        running += change
        peak = max(peak, running)
    return peak
