"""`python -m bench.match_store`: matching against the hub's own database, as arrivals meet it.

Parties are put into the index first, one per record of made-up retailers (see match_fill). Then further records
are weighed one after another (normalised, keys, candidates, weights, explanation; nothing written), and others
settled at once by group commit, with the decision stored: each is durable when it counts. On PostgreSQL two
workers settle.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from rich.console import Console
from rich.table import Table

from bench.accounts import read_books, tell_shared
from bench.match.profiles import profile_of
from bench.match.rows import Row
from bench.match_fill import Part, fill_postgres, fill_sqlite, make_parts
from bench.stage import fresh_postgres
from crossdock.durable.committer import Committer
from crossdock.kit.clock import SystemClock
from crossdock.processes.customer_recognition import Recogniser
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.sqlite import SqliteStore

ROOT = Path(__file__).parents[1]
AT_ONCE = 200
WARM_UP = 300
WORKERS = 2
HEADINGS = (
    "store",
    "parties",
    "GB",
    "filled s",
    "p50 ms",
    "p99 ms",
    "CPU ms",
    "settled/s",
    "workers",
    "CPU ms",
    "RSS MiB",
)


@dataclass(frozen=True)
class Pace:
    """Milliseconds of each, or seconds of all from the first to the last, and CPU seconds of the process."""

    took: Sequence[float]
    began: float
    ended: float
    cpu: float


async def ask(store: SqlStore, rows: Sequence[Row]) -> Pace:
    """Weigh each, one after another."""
    recogniser, took = Recogniser(store), []
    for row in rows[:WARM_UP]:
        await recogniser.weigh(f"asked/{row.key}", profile_of(row))
    start, cpu = time.monotonic(), time.process_time()
    for row in rows[WARM_UP:]:
        began = time.perf_counter()
        await recogniser.weigh(f"asked/{row.key}", profile_of(row))
        took.append((time.perf_counter() - began) * 1_000)
    return Pace(took, start, time.monotonic(), time.process_time() - cpu)


async def settle(store: SqlStore, rows: Sequence[Row]) -> Pace:
    """Settle all, so many at once."""
    committer = Committer(store, SystemClock())
    committer.start()
    recogniser, room = Recogniser(store), asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> None:
        async with room:
            await recogniser.place(committer.submit, f"new/{row.key}", profile_of(row))

    await asyncio.gather(*(one(row) for row in rows[:WARM_UP]))
    began, cpu = time.monotonic(), time.process_time()
    await asyncio.gather(*(one(row) for row in rows[WARM_UP:]))
    pace = Pace((), began, time.monotonic(), time.process_time() - cpu)
    await committer.close()
    return pace


def settle_beside_others(address: str, rows: Sequence[Row]) -> Pace:
    """`settle` in a process of its own."""

    async def settle_here() -> Pace:
        store = PostgresStore(address, SystemClock())
        await store.open()
        pace = await settle(store, rows)
        await store.close()
        return pace

    return asyncio.run(settle_here())


async def measure_sqlite(
    folder: Path, parts: Sequence[Part], asked: Sequence[Row], new: Sequence[Row]
) -> list[str]:
    """A row of the table: one process does all."""
    path = folder / "hub.sqlite"
    store = SqliteStore(path, SystemClock())
    await store.open()
    await store.close()
    filled = _timed(lambda: fill_sqlite(path, parts))
    size = path.stat().st_size
    store = SqliteStore(path, SystemClock())
    await store.open()
    weighed = await ask(store, asked)
    settled = await settle(store, new)
    await store.close()
    return _row("SQLite", parts, size, filled, weighed, [settled], len(new))


async def measure_postgres(
    address: str, parts: Sequence[Part], asked: Sequence[Row], new: Sequence[Row]
) -> list[str]:
    """A row of the table: one process asks, several settle."""
    store = PostgresStore(address, SystemClock())
    await store.open()
    filled = _timed(lambda: fill_postgres(address, parts))
    with psycopg.connect(address) as database:
        found = database.execute("SELECT pg_database_size(current_database())").fetchone()
    weighed = await ask(store, asked)
    await store.close()
    with ProcessPoolExecutor(WORKERS) as pool:
        shares = [new[worker::WORKERS] for worker in range(WORKERS)]
        settled = list(pool.map(settle_beside_others, [address] * WORKERS, shares))
    return _row("PostgreSQL", parts, found[0] if found else 0, filled, weighed, settled, len(new))


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _row(
    kind: str, parts: Sequence[Part], size: int, filled: float, weighed: Pace, settled: Sequence[Pace], count: int
) -> list[str]:
    count -= WARM_UP * len(settled)
    seconds = max(one.ended for one in settled) - min(one.began for one in settled)
    return [
        kind,
        f"{sum(part.parties for part in parts):,}",
        f"{size / 1e9:.2f}",
        f"{filled:.0f}",
        f"{np.quantile(weighed.took, 0.5):.2f}",
        f"{np.quantile(weighed.took, 0.99):.2f}",
        f"{weighed.cpu / len(weighed.took) * 1_000:.2f}",
        f"{count / seconds:,.0f}",
        f"{len(settled)}",
        f"{sum(one.cpu for one in settled) / count * 1_000:.2f}",
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024:,.0f}",
    ]


async def main() -> None:
    """Both stores, one after the other."""
    parser = argparse.ArgumentParser(prog="bench.match_store", description=__doc__)
    parser.add_argument("--parties", type=int, default=100_000, help="how many are indexed")
    parser.add_argument("--questions", type=int, default=4_000, help="records weighed one after another")
    parser.add_argument("--arrivals", type=int, default=12_000, help="records settled at once")
    parser.add_argument("--only", default="", choices=("", "sqlite", "postgres"))
    said = parser.parse_args()
    base = ROOT / ".crossdock" / "bench"
    base.mkdir(parents=True, exist_ok=True)
    table = Table(*HEADINGS, title="Matching against the hub's database")
    books, began = read_books(), time.monotonic()
    # Not in /tmp, which may be memory: what is synced here shall reach a disk.
    with tempfile.TemporaryDirectory(dir=base) as folder:
        parts = make_parts(Path(folder), said.parties, said.questions + said.arrivals)
        rows = [row for some in zip(*(part.kept_back() for part in parts), strict=True) for row in some]
        asked, new = rows[: said.questions], rows[said.questions :]
        if said.only != "postgres":
            table.add_row(*await measure_sqlite(Path(folder), parts, asked, new))
        if said.only != "sqlite":
            with fresh_postgres() as address:
                if address is not None:
                    table.add_row(*await measure_postgres(address, parts, asked, new))
    console = Console(width=130)
    console.print(table)
    console.print(f"{time.monotonic() - began:.0f} s in all")
    console.print(tell_shared([read_books().foreign_share(books, time.monotonic() - began)]))


if __name__ == "__main__":
    asyncio.run(main())
