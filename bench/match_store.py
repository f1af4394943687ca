"""`python -m bench.match_store`: matching against the hub's own database, as arrivals meet it.

Parties are put into the index first, one per record of made-up retailers (see match_fill). Then further records
are weighed one after another (normalised, keys, candidates, weights, explanation; nothing written), and others
settled at once by group commit, with the decision stored: each is durable when it counts. On PostgreSQL two
workers settle. Of several sizes what four times the largest would take is reckoned, as if it grew on alike.
"""

import argparse
import asyncio
import contextlib
import math
import resource
import sqlite3
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

from bench.accounts import read_books, tell_shared, tree_seconds
from bench.match.profiles import profile_of
from bench.match.rows import Row
from bench.match_fill import Part, fill_postgres, fill_sqlite, make_parts
from bench.stage import fresh_postgres
from crossdock.bootstrap.hub import tune_garbage_collector
from crossdock.durable.committer import Committer
from crossdock.kit.clock import SystemClock
from crossdock.processes.customer_recognition import Recogniser
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.sqlite import SqliteStore
from crossdock.storage.transaction import Transaction

ROOT = Path(__file__).parents[1]
AT_ONCE = 200
WARM_UP = 300
WORKERS = 2
HEADINGS = (
    "store",
    "parties",
    "GB",
    "index GB",
    "filled s",
    "p50 ms",
    "p99 ms",
    "CPU ms",
    "settled/s",
    "workers",
    "CPU ms",
    "server ms",
    "RSS MiB",
)
"""The first CPU is that of one match, the second that of one record settled; the server's is on top of it."""
GROWTH = 4
"""What comes of so many times the parties is reckoned from the two largest sizes that were measured."""


@dataclass(frozen=True)
class Pace:
    """Milliseconds of each, or seconds of all from the first to the last; CPU seconds: the process, its server."""

    took: Sequence[float]
    began: float
    ended: float
    cpu: float
    served: float = 0.0


@dataclass(frozen=True)
class Figures:
    """A row of the table."""

    store: str
    parties: int
    size: int
    index: int
    filled: float
    weighed: Pace
    settled: Sequence[Pace]
    count: int
    memory_kib: int

    @property
    def numbers(self) -> list[float]:
        """Those behind the store's name, in the order of HEADINGS."""
        began, ended = min(one.began for one in self.settled), max(one.ended for one in self.settled)
        return [
            self.parties,
            self.size / 1e9,
            self.index / 1e9,
            self.filled,
            *np.quantile(self.weighed.took, (0.5, 0.99)).tolist(),
            self.weighed.cpu / len(self.weighed.took) * 1_000,
            self.count / (ended - began),
            len(self.settled),
            sum(one.cpu for one in self.settled) / self.count * 1_000,
            sum(one.served for one in self.settled) / self.count * 1_000,
            self.memory_kib / 1_024,
        ]


async def ask(store: SqlStore, rows: Sequence[Row]) -> Pace:
    """Weigh each, one after another, in a process that collects garbage as a hub does."""
    tune_garbage_collector()
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
    """Settle all, so many at once, in a process that collects garbage as a hub does."""
    tune_garbage_collector()
    committer = Committer(store, SystemClock())
    committer.start()
    recogniser, room = Recogniser(store), asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> None:
        async with room:
            await recogniser.place(committer.submit, f"new/{row.key}", profile_of(row))

    await asyncio.gather(*(one(row) for row in rows[:WARM_UP]))
    servers = await _servers(store) if isinstance(store, PostgresStore) else ()
    began, cpu, served = time.monotonic(), time.process_time(), sum(map(tree_seconds, servers))
    await asyncio.gather(*(one(row) for row in rows[WARM_UP:]))
    ended, cpu = time.monotonic(), time.process_time() - cpu
    await committer.close()
    return Pace((), began, ended, cpu, sum(map(tree_seconds, servers)) - served)


async def _servers(store: PostgresStore) -> set[int]:
    """The processes that serve the store's connections; they are on this machine."""

    def pid(tx: Transaction) -> int:
        return int(tx.execute("SELECT pg_backend_pid()").fetchone()[0])

    # Its connections are its own business: only what they cost is asked.
    return {await ask(pid) for ask in (store._write, store._read, store._read_by_index)}  # noqa: SLF001


def settle_beside_others(address: str, rows: Sequence[Row]) -> Pace:
    """`settle` in a process of its own."""

    async def settle_here() -> Pace:
        store = PostgresStore(address, SystemClock())
        await store.open()
        pace = await settle(store, rows)
        await store.close()
        return pace

    return asyncio.run(settle_here())


async def measure_sqlite(folder: Path, parts: Sequence[Part], asked: Sequence[Row], new: Sequence[Row]) -> Figures:
    """A row of the table: one process does all."""
    path = folder / "hub.sqlite"
    store = SqliteStore(path, SystemClock())
    await store.open()
    await store.close()
    filled = _timed(lambda: fill_sqlite(path, parts))
    size = path.stat().st_size
    with contextlib.closing(sqlite3.connect(path)) as database:
        told = "SELECT sum(pgsize) FROM dbstat WHERE name = 'match_key'"
        (index,) = database.execute(told).fetchone()
    store = SqliteStore(path, SystemClock())
    await store.open()
    weighed = await ask(store, asked)
    settled = await settle(store, new)
    await store.close()
    return _figures("SQLite", parts, (size, index), filled, weighed, [settled], len(new))


async def measure_postgres(
    address: str, parts: Sequence[Part], asked: Sequence[Row], new: Sequence[Row]
) -> Figures:
    """A row of the table: one process asks, several settle."""
    store = PostgresStore(address, SystemClock())
    await store.open()
    filled = _timed(lambda: fill_postgres(address, parts))
    with psycopg.connect(address) as database:
        sizes = database.execute(
            "SELECT pg_database_size(current_database()), pg_total_relation_size('match_key')"
        ).fetchone()
    assert sizes is not None
    size, index = sizes
    weighed = await ask(store, asked)
    await store.close()
    with ProcessPoolExecutor(WORKERS) as pool:
        shares = [new[worker::WORKERS] for worker in range(WORKERS)]
        settled = list(pool.map(settle_beside_others, [address] * WORKERS, shares))
    return _figures("PostgreSQL", parts, (size, index), filled, weighed, settled, len(new))


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _figures(
    store: str,
    parts: Sequence[Part],
    sizes: tuple[int, int],
    filled: float,
    weighed: Pace,
    settled: Sequence[Pace],
    count: int,
) -> Figures:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    parties = sum(part.parties for part in parts)
    settled_count = count - WARM_UP * len(settled)
    return Figures(store, parties, *sizes, filled, weighed, settled, settled_count, memory)


def reckoned(less: Sequence[float], more: Sequence[float], times: int) -> list[float]:
    """What comes of `times` as many parties as in `more`, if it goes on as from `less` to `more`."""
    steps = math.log(times) / math.log(more[0] / less[0])
    return [
        new if place in _STAYS else new * (new / old) ** steps if old and new else 0.0
        for place, (old, new) in enumerate(zip(less, more, strict=True))
    ]


_STAYS = frozenset({HEADINGS.index("workers") - 1})
_FORMS = (
    "{:,.0f}",
    *("{:.2f}",) * 2,
    "{:.0f}",
    *("{:.2f}",) * 3,
    "{:,.0f}",
    "{:.0f}",
    *("{:.2f}",) * 2,
    "{:,.0f}",
)


def _row(store: str, numbers: Sequence[float]) -> list[str]:
    return [store, *(form.format(number) for form, number in zip(_FORMS, numbers, strict=True))]


async def measure(folder: Path, parties: int, said: argparse.Namespace) -> list[Figures]:
    """Both databases, one after the other."""
    found: list[Figures] = []
    parts = make_parts(folder, parties, said.questions + said.arrivals)
    rows = [row for some in zip(*(part.kept_back() for part in parts), strict=True) for row in some]
    asked, new = rows[: said.questions], rows[said.questions :]
    if said.only != "postgres":
        found.append(await measure_sqlite(folder, parts, asked, new))
    if said.only != "sqlite":
        with fresh_postgres() as address:
            if address is not None:
                found.append(await measure_postgres(address, parts, asked, new))
    return found


async def main() -> None:
    """Both stores, one after the other."""
    parser = argparse.ArgumentParser(prog="bench.match_store", description=__doc__)
    parser.add_argument(
        "--parties",
        type=int,
        nargs="+",
        default=[100_000],
        help="how many are indexed, one or several sizes",
    )
    parser.add_argument("--questions", type=int, default=4_000, help="records weighed one after another")
    parser.add_argument("--arrivals", type=int, default=12_000, help="records settled at once")
    parser.add_argument("--only", default="", choices=("", "sqlite", "postgres"))
    said = parser.parse_args()
    base = ROOT / ".crossdock" / "bench"
    base.mkdir(parents=True, exist_ok=True)
    table = Table(*HEADINGS, title="Matching against the hub's database")
    books, began = read_books(), time.monotonic()
    found: dict[str, list[Figures]] = {}
    for parties in sorted(said.parties):
        # Not in /tmp, which may be memory: what is synced here shall reach a disk.
        with tempfile.TemporaryDirectory(dir=base) as folder:
            for one in await measure(Path(folder), parties, said):
                found.setdefault(one.store, []).append(one)
    for store, sizes in found.items():
        for one in sizes:
            table.add_row(*_row(store, one.numbers))
        if len(sizes) > 1:
            numbers = reckoned(sizes[-2].numbers, sizes[-1].numbers, GROWTH)
            table.add_row(*_row(f"{store}, reckoned", numbers), style="dim")
    console = Console(width=150)
    console.print(table)
    console.print(f"{time.monotonic() - began:.0f} s in all")
    console.print(tell_shared([read_books().foreign_share(books, time.monotonic() - began)]))


if __name__ == "__main__":
    asyncio.run(main())
