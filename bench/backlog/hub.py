"""A hub in a process of its own, so that its memory is its own: `python -m bench.backlog.hub ROLE STORE FOLDER`.

`drain` works until so many runs are finished and tells its resident memory; `hold` captures so many orders while
the ERP's lane is paused, and tells what that takes; `intake` serves the API over an ERP that does not answer, and
tells its address.
"""

import asyncio
import gc
import json
import resource
import sys
import time
from itertools import islice
from pathlib import Path

from bench.full import cpu_seconds, submit_all
from bench.peers.lap import free_port
from bench.stage import hub_at_work
from bench.workload import deployment, orders
from crossdock.bootstrap.hub import Hub
from crossdock.durable.records import LANE_QUEUE_PREFIX, Commit
from crossdock.entrypoints.api.app import serve

DRAINED = 800
"""Fewer than the smallest backlog that is drained: the same work for all."""

WARM_UP = 5_000
"""So many orders are carried out before the lane is paused: what a hub at full work needs is there already."""

CHUNK = 500
CLAIMS = 80
RUNS_A_CLAIM = 10
QUIET_SECONDS = 1.0


async def drain(store: str, folder: Path) -> None:
    began = time.perf_counter()
    async with hub_at_work(folder, store) as hub:
        while hub.worker.finished < DRAINED:
            await hub.clock.sleep(0.02)
        seconds = time.perf_counter() - began
        print(json.dumps({"resident_mb": _resident_mb(), "per_second": hub.worker.finished / seconds}), flush=True)


async def hold(store: str, folder: Path, count: int) -> None:
    async with hub_at_work(folder, store) as hub:
        await submit_all(hub, orders(WARM_UP, prefix="W"), concurrency=CHUNK)
        await hub.lanes["erp"].pause(actor="bench", reason="measured")
        before, began = _resident_mb(), time.perf_counter()
        source = orders(count, prefix="Q")
        while chunk := list(islice(source, CHUNK)):
            starts = [hub.submission.start(order.order_id, order) for order in chunk]
            await asyncio.gather(*(hub.worker.commit(Commit(starts=(start,))) for start in starts))
        captured = count / (time.perf_counter() - began)
        while (await hub.store.count_runs()).get("waiting", 0) < count or await _moves(hub):
            pass
        gc.collect()
        found = {"before_mb": before, "resident_mb": _resident_mb(), "captured_per_second": captured}
        print(json.dumps(found | {"claim_cpu_ms": await _claim_ms(hub)}), flush=True)


async def _moves(hub: Hub) -> bool:
    """Whether anything was committed for a while: a claim that shares the store with others is not measured."""
    commits = hub.committer.figures.commits
    await hub.clock.sleep(QUIET_SECONDS)
    return hub.committer.figures.commits != commits


async def _claim_ms(hub: Hub) -> float:
    """Milliseconds of CPU to take up ten of those that wait for the lane: no disk, no neighbour is in it."""
    known = {(hub.submission.name, hub.submission.version): hub.submission.version}
    began = cpu_seconds()
    for _ in range(CLAIMS):
        await hub.store.claim("nobody", known, {LANE_QUEUE_PREFIX + "erp": RUNS_A_CLAIM}, hub.clock.now())
    return (cpu_seconds() - began) / CLAIMS * 1_000


async def intake(store: str, folder: Path) -> None:
    nobody = {"url": f"http://127.0.0.1:{free_port()}", "secret": "none", "in_flight_max": 16}
    async with Hub(deployment(folder, store, nobody)) as hub:
        await hub.run()
        await serve(hub, "127.0.0.1", 0, started=lambda address: print(address, flush=True))


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    role, at, place, *sizes = sys.argv[1:]
    if role == "hold":
        asyncio.run(hold(at, Path(place), int(sizes[0])))
    else:
        asyncio.run({"drain": drain, "intake": intake}[role](at, Path(place)))
