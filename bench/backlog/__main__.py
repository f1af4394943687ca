"""`python -m bench.backlog`: what stands still must not slow what moves."""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.accounts import read_books, tell_shared
from bench.backlog.claims import measure_claims, measure_turns
from bench.backlog.intake import measure_intake
from bench.stage import fresh_postgres
from crossdock.kit.clock import SystemClock
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.sqlite import SqliteStore

BASE = 1_000
"""The backlog that the large one is compared with."""

HOT_BASE = 200
AT_MOST = 1.2
PER_SECOND = 200
DRAIN_SECONDS_MAX = 120


@dataclass(frozen=True)
class Sizes:
    ready: int
    parked: int
    hot: int
    intake_seconds: float


SMALL = Sizes(ready=20_000, parked=5_000, hot=4_000, intake_seconds=3.0)
WHOLE = Sizes(ready=1_000_000, parked=100_000, hot=40_000, intake_seconds=15.0)


Place = tuple[str, SqlStore]
"""How a deployment names a database, and a store on it that is not open yet."""


class Places:
    """Fresh databases of one kind, one after another."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self._folder = folder

    @contextlib.contextmanager
    def fresh(self, count: int) -> Iterator[list[Place]]:
        """So many, which go away again. Raises ConnectionError where no server answers."""
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(self._one()) for _ in range(count)]

    @contextlib.contextmanager
    def _one(self) -> Iterator[Place]:
        if self.kind == "SQLite":
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                path = Path(folder) / "hub.sqlite"
                yield f"sqlite:{path}", SqliteStore(path, SystemClock())
            return
        with fresh_postgres() as address:
            if address is None:
                raise ConnectionError("no PostgreSQL server answers")
            yield address, PostgresStore(address, SystemClock())


async def measure_store(places: Places, folder: Path, sizes: Sizes, console: Console) -> list[tuple[str, ...]]:
    """The rows of one store: what, with few, with many, ratio, aimed at."""
    with console.status(f"{places.kind}: claims and memory"), places.fresh(3) as fresh:
        stores = [store for _, store in fresh]
        claims = await measure_claims(
            [
                (stores[0], lambda backlog, now: backlog.ready(BASE, now)),
                (stores[1], lambda backlog, now: backlog.ready(sizes.ready, now)),
                (stores[2], lambda backlog, now: backlog.beside_parked(BASE, sizes.parked, now)),
            ]
        )
        drains = [await _drain(address, folder) for address, _ in fresh[:2]]
    with console.status(f"{places.kind}: turns of a hot subject"), places.fresh(2) as fresh:
        turns = await measure_turns(
            [
                (fresh[0][1], lambda backlog, now: backlog.hot(HOT_BASE, now)),
                (fresh[1][1], lambda backlog, now: backlog.hot(sizes.hot, now)),
            ]
        )
    with console.status(f"{places.kind}: intake"), places.fresh(1) as fresh:
        answers = await measure_intake(fresh[0][0], folder, per_second=PER_SECOND, seconds=sizes.intake_seconds)
    few, many, beside = (claim.milliseconds for claim in claims)
    in_order = all(claim.in_order for claim in claims)
    kinds = ", ".join(f"{count:,} x {status}" for status, count in sorted(answers.statuses.items()))
    answered = f"{answers.percentile(0.5):.1f}, {answers.percentile(0.99):.1f} ms"
    return [
        _compared(f"claim of 10 runs; {sizes.ready:,} ready", few, many, "ms"),
        _compared(f"claim of 10 runs; {sizes.parked:,} subjects parked", few, beside, "ms"),
        ("runs come in order of priority", "", "yes" if in_order else "NO", "", "yes"),
        _compared(f"turn of one subject; {sizes.hot:,} runs of it", turns[0], turns[1], "ms"),
        _compared(f"resident memory of a hub; {sizes.ready:,} ready", drains[0], drains[1], "MB"),
        (
            f"intake at {PER_SECOND}/s, ERP down, {answers.cpu_ms:.1f} ms CPU each: p50, p99 ({kinds})",
            "",
            answered,
            "",
            "p99 < 25 ms",
        ),
    ]


def _compared(what: str, few: float, many: float, unit: str) -> tuple[str, ...]:
    return what, f"{few:.2f} {unit}", f"{many:.2f} {unit}", f"{many / few:.2f} x", f"{AT_MOST:g} x"


async def _drain(address: str, folder: Path) -> float:
    """Resident megabytes of a hub that has drained some of what is there."""
    words = [sys.executable, "-m", "bench.backlog.hub", "drain", address, str(folder)]
    said = await asyncio.to_thread(
        subprocess.run, words, capture_output=True, text=True, check=False, timeout=DRAIN_SECONDS_MAX
    )
    if said.returncode:
        raise RuntimeError(f"the hub failed: {said.stderr[-1_000:]}")
    resident: float = json.loads(said.stdout.splitlines()[-1])["resident_mb"]
    return resident


async def measure(sizes: Sizes, console: Console) -> None:
    """Both stores, one table."""
    table = Table(title="What stands still must not slow what moves")
    for heading in ("store", "what", "with few", "with many", "ratio", "aimed at"):
        table.add_column(heading, justify="left" if heading in {"store", "what"} else "right")
    table.caption = f"few: {BASE:,} runs ready, {HOT_BASE} runs of the subject"
    foreign = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for kind in ("SQLite", "PostgreSQL"):
            before, began = read_books(), time.monotonic()
            try:
                for row in await measure_store(Places(kind, folder), folder, sizes, console):
                    table.add_row(kind, *row)
            except ConnectionError as reason:
                table.add_row(kind, str(reason))
            table.add_section()
            foreign.append(read_books().foreign_share(before, time.monotonic() - began))
    console.print(table)
    console.print(tell_shared(foreign))


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser(prog="bench.backlog", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a look, not a measurement")
    arguments = parser.parse_args()
    asyncio.run(measure(SMALL if arguments.small else WHOLE, Console(width=140)))


if __name__ == "__main__":
    main()
