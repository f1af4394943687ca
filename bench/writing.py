"""`python -m bench.writing`: what the thread that writes costs, and how often it stands still.

Figures that a busy machine disturbs little: CPU by thread and process, statements, and how often the writing
thread stopped, to wait for an answer, for the disk, or for the interpreter that the event loop's thread holds.
"""

import argparse
import asyncio
import resource
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from bench.floor import postgres_writer, run_floor, sqlite_writer
from bench.footprint import BACKENDS, backend_cpu_seconds
from bench.full import submit_all
from bench.stage import fresh_postgres, hub_at_work
from bench.workload import orders
from crossdock.storage.sql_store import SqlStore

CONCURRENCY = 200
WARM_UP = 500
HEADINGS = (
    *("floor/s", "orders/s", "share", "worker", "of it writing", "server"),
    *("tx/order", "statements/tx", "stops/tx", "writing"),
)


@dataclass
class Writing:
    """What was seen of the writing thread: transactions, statements, seconds, and voluntary stops."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def watch(self, store: SqlStore) -> None:
        """Count what `store` writes from here on, and every statement of its thread."""
        inner, execute = store._transact, psycopg.Connection.execute  # noqa: SLF001 - the one seam where all is written

        def transact(work: Callable[..., Any]) -> Any:
            began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_THREAD)
            try:
                return inner(work)
            finally:
                after = resource.getrusage(resource.RUSAGE_THREAD)
                self.seconds += time.perf_counter() - began
                self.cpu_seconds += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                self.counts.update(transactions=1, stops=after.ru_nvcsw - before.ru_nvcsw)

        def counted(*arguments: Any, **options: Any) -> Any:
            if threading.current_thread().name.startswith("store-write"):
                self.counts["statements"] += 1
            return execute(*arguments, **options)

        store._transact = transact  # type: ignore[method-assign] # noqa: SLF001 - as above
        psycopg.Connection.execute = counted  # type: ignore[method-assign]


async def measure(name: str, store: str, folder: Path, count: int, floor: float) -> list[str]:
    """A row of the table."""
    async with hub_at_work(folder, store) as hub:
        await submit_all(hub, list(orders(WARM_UP, prefix="W")), concurrency=CONCURRENCY)
        writing, execute = Writing(), psycopg.Connection.execute
        writing.watch(hub.store)
        backends = backends_of(store)
        server = backend_cpu_seconds(backends)
        try:
            full = await submit_all(hub, list(orders(count, prefix="F")), concurrency=CONCURRENCY)
        finally:
            psycopg.Connection.execute = execute  # type: ignore[method-assign]
        server = backend_cpu_seconds(backends) - server
    transactions = writing.counts["transactions"]
    return [
        name,
        f"{floor:,.0f}",
        f"{full.per_second:,.0f}",
        f"{full.per_second / floor:.2f}",
        *(f"{seconds / count * 1_000:.2f}" for seconds in (full.cpu_seconds, writing.cpu_seconds, server)),
        f"{transactions / count:.3f}",
        f"{writing.counts['statements'] / transactions:.1f}" if server else "",
        f"{writing.counts['stops'] / transactions:.1f}",
        f"{writing.seconds / full.seconds:.0%}",
    ]


def backends_of(address: str) -> list[int]:
    """The server's processes that serve a hub on this database."""
    if not address.startswith("postgresql"):
        return []
    with psycopg.connect(address) as asking:
        return [row[0] for row in asking.execute(BACKENDS).fetchall()]


async def measure_all(count: int, laps: int, console: Console) -> None:
    """Both stores in turns, and the table."""
    table = Table("store", title=f"{count:,} orders a lap; CPU in ms an order")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for lap in range(laps):
        with tempfile.TemporaryDirectory() as place, fresh_postgres() as bare, fresh_postgres() as whole:
            folder = Path(place)
            floor = count / await run_floor(sqlite_writer(folder / "floor.sqlite"), count, CONCURRENCY)
            table.add_row(*await measure("SQLite", f"sqlite:hub-{lap}.sqlite", folder, count, floor))
            if bare is not None and whole is not None:
                floor = count / await run_floor(postgres_writer(bare), count, CONCURRENCY)
                table.add_row(*await measure("PostgreSQL", whole, folder, count, floor))
    console.print(table)


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser(prog="bench.writing", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_500)
    parser.add_argument("--laps", type=int, default=3)
    arguments = parser.parse_args()
    asyncio.run(measure_all(arguments.orders, arguments.laps, Console(width=140)))


if __name__ == "__main__":
    main()
