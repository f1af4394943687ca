"""`python -m bench.match_store`: matching against the hub's own database, as arrivals meet it.

Parties are put into the index first, one per person of a made-up retailer. Then further records are weighed one
after another (normalised, keys, candidates, weights, explanation; nothing written), and others settled at once by
group commit, with the decision stored: each is durable when it counts.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.match.profiles import profile_of
from bench.match.retail import retail_rows
from bench.match.rows import Row
from bench.stage import fresh_postgres
from crossdock.durable.committer import Committer
from crossdock.durable.records import Commit, EffectStep
from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.recognition.index import Finding, SettleRecord
from crossdock.kit.clock import SystemClock
from crossdock.processes.customer_recognition import Recogniser
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.sqlite import SqliteStore

BATCH = 500
AT_ONCE = 200
HEADINGS = ("store", "parties", "indexed/s", "p50 ms", "p99 ms", "settled/s", "CPU ms", "RSS MiB")


async def fill(store: SqlStore, rows: Iterable[Row]) -> int:
    """Index one party per row, as found elsewhere; how many."""
    count, now = 0, SystemClock().now()
    rows = iter(rows)
    while some := list(islice(rows, BATCH)):
        await store.apply([Commit(effects=tuple(_placed(row) for row in some))], now)
        count += len(some)
    return count


def _placed(row: Row) -> EffectStep:
    features = features_of(profile_of(row))
    keys = keys_of(features)
    finding = Finding(record=f"bench/{row.key}", party_id=f"P-{row.key}", band="new")
    effect = SettleRecord(
        finding=finding, features=features, keys=keys, added=keys, seen={}, creates=True, certain=True
    )
    return EffectStep(row.key, effect)


async def ask(store: SqlStore, rows: Sequence[Row]) -> list[float]:
    """Weigh each; milliseconds of each."""
    recogniser, took = Recogniser(store), []
    for row in rows:
        began = time.perf_counter()
        await recogniser.weigh(f"asked/{row.key}", profile_of(row))
        took.append((time.perf_counter() - began) * 1_000)
    return took


async def settle(store: SqlStore, rows: Sequence[Row]) -> tuple[float, float]:
    """Settle all, so many at once; seconds, and CPU seconds of this process."""
    committer = Committer(store, SystemClock())
    committer.start()
    recogniser, room = Recogniser(store), asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> None:
        async with room:
            await recogniser.place(committer.submit, f"new/{row.key}", profile_of(row))

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(row) for row in rows))
    spent = time.perf_counter() - began, time.process_time() - cpu
    await committer.close()
    return spent


async def measure(kind: str, store: SqlStore, parties: int, questions: int) -> list[str]:
    """A row of the table."""
    await store.open()
    rows = retail_rows(parties + 2 * questions)
    began = time.perf_counter()
    count = await fill(store, islice(rows, parties))
    filled = time.perf_counter() - began
    asked, settled = list(islice(rows, questions)), list(rows)
    took = np.sort(await ask(store, asked))
    seconds, cpu = await settle(store, settled)
    await store.close()
    return [
        kind,
        f"{count:,}",
        f"{count / filled:,.0f}",
        f"{np.quantile(took, 0.5):.2f}",
        f"{np.quantile(took, 0.99):.2f}",
        f"{len(settled) / seconds:,.0f}",
        f"{cpu / len(settled) * 1_000:.2f}",
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024:,.0f}",
    ]


async def main() -> None:
    """Both stores, one after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parties", type=int, default=100_000, help="how many are indexed (1000000 takes long)")
    parser.add_argument("--questions", type=int, default=2_000)
    said = parser.parse_args()
    table = Table(*HEADINGS, title="Matching against the hub's database")
    with tempfile.TemporaryDirectory() as folder:
        store: SqlStore = SqliteStore(Path(folder) / "hub.sqlite", SystemClock())
        table.add_row(*await measure("SQLite", store, said.parties, said.questions))
    with fresh_postgres() as address:
        if address is not None:
            store = PostgresStore(address, SystemClock())
            table.add_row(*await measure("PostgreSQL", store, said.parties, said.questions))
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main())
