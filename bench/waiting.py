"""Memory and claim cost with many runs waiting: they are rows, not tasks."""

import gc
import resource
import time
from itertools import islice
from pathlib import Path

from rich.table import Table

from bench.stage import hub_at_work
from bench.workload import orders
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.order import Order
from crossdock.durable.records import Commit

CHUNK = 2_000


async def measure_waiting(folder: Path, count: int) -> Table:
    """Resident memory before and after so many orders were captured while the ERP's lane is paused."""
    table = Table(title="Runs that wait for a closed lane (SQLite)")
    for heading in ("waiting runs", "resident MB", "captured/s", "claim of 1 run, ms"):
        table.add_column(heading, justify="right")
    async with hub_at_work(folder, "sqlite:hub.sqlite") as hub:
        await hub.lanes["erp"].pause(actor="bench", reason="measured")
        source = orders(count, prefix="Q")
        waiting = 0
        for goal in (1_000, count):
            began, before = time.perf_counter(), waiting
            while waiting < goal:
                for order in islice(source, min(CHUNK, goal - waiting)):
                    last = hub.committer.submit(_capture(hub, order))
                    waiting += 1
                await last
            rate = (waiting - before) / (time.perf_counter() - began)
            while (await hub.store.count_runs()).get("waiting", 0) < goal:
                hub.worker.wake()
                await hub.clock.sleep(0.1)
            gc.collect()
            table.add_row(f"{waiting:,}", f"{_resident_mb():.0f}", f"{rate:,.0f}", f"{await _claim_ms(hub):.2f}")
    return table


def _capture(hub: Hub, order: Order) -> Commit:
    return Commit(starts=(hub.submission.start(order.order_id, order),))


async def _claim_ms(hub: Hub) -> float:
    known = {(hub.submission.name, hub.submission.version): hub.submission.version}
    began = time.perf_counter()
    for _ in range(20):
        await hub.store.claim("nobody", known, {"ready": 1}, hub.clock.now())
    return (time.perf_counter() - began) / 20 * 1_000


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
