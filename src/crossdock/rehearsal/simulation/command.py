"""The command: many seeds with a progress bar and a table, or one seed with its trace, made small."""

import argparse
import os
import sys
import time
from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from crossdock.kit.wording import counted
from crossdock.rehearsal.simulation.many import Sum, play_many
from crossdock.rehearsal.simulation.play import Verdict, play
from crossdock.rehearsal.simulation.scenario import Scenario, scenario_of
from crossdock.rehearsal.simulation.shrinking import shrink

SEEDS = 1_000
FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 1 where an invariant did not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m crossdock.rehearsal.simulation",
        description="Play seeded days full of faults in simulated time; check after every step what must hold.",
    )
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help=f"how many seeds (default {SEEDS})")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first of them (default 0)")
    parser.add_argument("--seed", type=int, metavar="SEED", help="replay it: its trace, made small if it fails")
    parser.add_argument("--whole", action="store_true", help="with --seed: do not make it smaller")
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="default: all cores"
    )
    asked = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    if asked.seed is not None:
        return _replay(console, asked.seed, whole=asked.whole)
    return _play_all(console, range(asked.first, asked.first + asked.seeds), asked.processes)


def _play_all(console: Console, seeds: Sequence[int], processes: int) -> int:
    began = time.monotonic()
    columns = (TextColumn("seeds"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[failed]}"))
    errors = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=errors, disable=not errors.is_terminal) as progress:
        bar = progress.add_task("seeds", total=len(seeds), failed="")

        def show(so_far: Sum) -> None:
            failed = f"{len(so_far.failing)} failed" if so_far.failing else ""
            progress.update(bar, completed=so_far.seeds, failed=failed)

        total = play_many(seeds, processes, show)
    console.print(_table(total))
    took = time.monotonic() - began
    hours = total.virtual_seconds / 3_600
    faults = total.injected.total()
    console.print(
        f"{total.seeds:,} seeds, {total.orders:,} orders, {faults:,} faults, {total.turns:,} turns, "
        f"{hours:,.1f} simulated hours in {took:,.1f} s: {len(total.failing)} failed"
    )
    for failing in total.failing:
        console.print(f"  seed {failing.seed}: {failing.found.invariant}: {failing.found.detail}", markup=False)
    if not total.failing:
        return 0
    first = total.failing[0].seed
    console.print(f"\nreplay one with: make simulate SEED={first}\n")
    _tell(console, _smallest(scenario_of(first)))
    return FAILED


def _replay(console: Console, seed: int, *, whole: bool) -> int:
    verdict = play(scenario_of(seed), traced=True)
    if verdict.found and not whole:
        verdict = _smallest(verdict.scenario)
    _tell(console, verdict)
    return FAILED if verdict.found else 0


def _smallest(scenario: Scenario) -> Verdict:
    """The smallest scenario in which the same invariant breaks, played once more with its trace."""
    wanted = {found.invariant for found in play(scenario).found}
    small = shrink(scenario, lambda candidate: bool(wanted & {found.invariant for found in play(candidate).found}))
    return play(small, traced=True)


def _tell(console: Console, verdict: Verdict) -> None:
    scenario = verdict.scenario
    for line in verdict.lines:
        console.print(line, markup=False, overflow="fold", soft_wrap=True)
    console.print(
        f"\nseed {scenario.seed}: {counted(scenario.workers, 'worker')}, ERP: {scenario.erp.replace('_', ' ')}"
    )
    for part in (*scenario.orders, *scenario.faults):
        console.print(f"  {_in_words(part)}", markup=False)
    for found in verdict.found:
        console.print(f"at {found.at:.4f} s: {found.invariant}: {found.detail}", markup=False)
    if not verdict.found:
        console.print("everything held")


def _in_words(part: msgspec.Struct) -> str:
    facts = msgspec.structs.asdict(part)
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value not in {"", 0, None, ()})


def _table(total: Sum) -> Table:
    table = Table("fault", "injected", title="Faults", title_justify="left")
    table.columns[1].justify = "right"
    for kind, count in sorted(total.injected.items(), key=lambda entry: (-entry[1], entry[0])):
        table.add_row(kind.replace("_", " "), f"{count:,}")
    table.add_row("all", f"{total.injected.total():,}")
    return table
