"""How soon an order is answered for while its ERP is down: by HTTP, so many a second."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.accounts import tree_seconds
from bench.workload import orders
from crossdock.durable.codec import encode
from crossdock.kit.errors import CrossdockError
from crossdock.transport.http import HttpClient

TIMEOUT_SECONDS = 60.0
WARM_UP_SECONDS = 2.0
JSON_BODY = {"content-type": "application/json"}


@dataclass(frozen=True)
class Answers:
    """Milliseconds from the moment an order was due to its answer, and what was answered (0: nothing)."""

    milliseconds: tuple[float, ...]
    statuses: dict[int, int]
    cpu_ms: float
    """Of the hub, for each order."""

    def percentile(self, share: float) -> float:
        ranked = sorted(self.milliseconds)
        return ranked[min(len(ranked) - 1, int(len(ranked) * share))]


async def measure_intake(store: str, folder: Path, *, per_second: int, seconds: float) -> Answers:
    """At so many orders a second. The answer is given once the order is durable."""
    with _served(store, folder) as (address, process):
        client = HttpClient(address, timeout_seconds=TIMEOUT_SECONDS, connect_seconds=TIMEOUT_SECONDS)
        try:
            await _send(client, process, per_second, WARM_UP_SECONDS, "W")
            return await _send(client, process, per_second, seconds, "I")
        finally:
            await client.close()


async def _send(client: HttpClient, process: int, per_second: int, seconds: float, prefix: str) -> Answers:
    spent: list[float] = []
    statuses: Counter[int] = Counter()

    async def one(body: bytes, due: float) -> None:
        headers = {"content-type": "application/json"}
        try:
            answer = await client.send(
                "POST", "/v1/orders", system="hub", writes=True, headers=headers, content=body
            )
            statuses[answer.status] += 1
        except CrossdockError:
            statuses[0] += 1
        spent.append((time.perf_counter() - due) * 1_000)

    bodies = [encode(order) for order in orders(int(per_second * seconds), prefix=prefix)]
    began, cpu = time.perf_counter(), tree_seconds(process)
    async with asyncio.TaskGroup() as group:
        for number, body in enumerate(bodies):
            due = began + number / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(body, due))
    return Answers(tuple(spent), dict(statuses), (tree_seconds(process) - cpu) / len(bodies) * 1_000)


@contextmanager
def _served(store: str, folder: Path) -> Iterator[tuple[str, int]]:
    words = [sys.executable, "-m", "bench.backlog.hub", "intake", store, str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            said = (line.strip() for line in process.stdout)
            # Its log comes by the same way.
            yield next(line for line in said if line.startswith("http://")), process.pid
        finally:
            process.terminate()
