"""A hub in a process of its own, so that its memory is its own: `python -m bench.backlog.hub ROLE STORE FOLDER`.

`drain` works until so many runs are finished and tells its resident memory; `intake` serves the API over an ERP
that does not answer, and tells its address.
"""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from bench.peers.lap import free_port
from bench.stage import hub_at_work
from bench.workload import deployment
from crossdock.bootstrap.hub import Hub
from crossdock.entrypoints.api.app import serve

DRAINED = 800
"""Fewer than the smallest backlog that is drained: the same work for all."""


async def drain(store: str, folder: Path) -> None:
    began = time.perf_counter()
    async with hub_at_work(folder, store) as hub:
        while hub.worker.finished < DRAINED:
            await hub.clock.sleep(0.02)
        seconds = time.perf_counter() - began
        print(json.dumps({"resident_mb": _resident_mb(), "per_second": hub.worker.finished / seconds}), flush=True)


async def intake(store: str, folder: Path) -> None:
    nobody = {"url": f"http://127.0.0.1:{free_port()}", "secret": "none", "in_flight_max": 16}
    async with Hub(deployment(folder, store, nobody)) as hub:
        await hub.run()
        await serve(hub, "127.0.0.1", 0, started=lambda address: print(address, flush=True))


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    role = {"drain": drain, "intake": intake}[sys.argv[1]]
    asyncio.run(role(sys.argv[2], Path(sys.argv[3])))
