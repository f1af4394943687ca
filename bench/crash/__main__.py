"""`python -m bench.crash` (`make crash`): kill hubs, network and database under load, then ask the ERP."""

import argparse
import asyncio
import os
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bench.crash.plan import SIZES, Plan
from bench.crash.report import show
from bench.crash.run import Outcome, run
from bench.crash.server import NoServer


def main() -> int:
    """The exit code: 0 where everything was as promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=list(SIZES), default="change", help="how much (default: change)")
    parser.add_argument("--store", choices=["sqlite", "postgres"], help="only this one")
    parser.add_argument("--seed", type=int, default=1, help="of orders, faults and deaths (default: 1)")
    parser.add_argument("--limit", type=float, default=0.0, help="seconds after which each says what hangs")
    parser.add_argument("--keep", type=Path, help="a folder for databases and logs, kept")
    asked = parser.parse_args()
    console = Console()
    outcomes, left_out = [], 0
    with tempfile.TemporaryDirectory(prefix="crossdock-crash-") as scratch:
        folder = asked.keep or Path(scratch)
        for plan in SIZES[asked.size]:
            if asked.store not in {None, plan.store}:
                continue
            seeded = msgspec.structs.replace(plan, seed=asked.seed, limit_seconds=asked.limit)
            try:
                outcomes.append(run_with_bar(seeded, folder, console))
            except NoServer as missing:
                console.print(f"[yellow]{plan.store} is left out: {missing}")
                left_out += 1
    show(outcomes, console)
    if left_out and os.environ.get("CROSSDOCK_REQUIRE_SERVICES") == "1":
        return 1
    return 0 if outcomes and all(outcome.holds for outcome in outcomes) else 1


def run_with_bar(plan: Plan, parent: Path, console: Console) -> Outcome:
    """One run in a folder of its own, its progress shown."""
    folder = parent / plan.store
    folder.mkdir(parents=True)
    for each in (parent, folder):
        each.chmod(0o755)  # PostgreSQL may run as another account
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(f"{plan.store}: {what}", total=of)
            bars.update(tasks[what], completed=min(done, of))

        return asyncio.run(run(plan, folder, progress))


if __name__ == "__main__":
    raise SystemExit(main())
