"""`python -m bench.peers`: six durable steps and one HTTP call, ours and the peers', in one run."""

import argparse
import contextlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.lean_erp import lean_erp_in_own_process
from bench.peers.contest import ROOT, Course, Pace, SideFailed
from bench.peers.environments import Unobtainable, python_with, restate_server
from bench.peers.report import Results, settings_of, shared_of, table_of, targets_of
from bench.peers.servers import OwnPostgres, own_postgres
from bench.peers.sides import OURS, SIDES, Side

SECONDS_MAX = 360.0


@dataclass(frozen=True)
class Sizes:
    rounds: int
    pace: Pace


SMALL = Sizes(rounds=1, pace=Pace(warm_up_seconds=0.5, seconds=2.0))
WHOLE = Sizes(rounds=3, pace=Pace(warm_up_seconds=1.0, seconds=4.0))


def prepare(sides: list[Side]) -> dict[Side, str]:
    """Make what environments are missing; the sides that cannot be had, and why."""
    reasons = {}
    for side in sides:
        try:
            if side.environment != OURS:
                python_with(side.environment)
            if side.store == "restate":
                restate_server()
        except Unobtainable as reason:
            reasons[side] = str(reason)
    return reasons


def run_rounds(
    course: Course, sides: list[Side], sizes: Sizes, console: Console, reasons: dict[Side, str]
) -> Results:
    """Lap by lap, A B C and then C B A, so that whatever the machine does meets everybody."""
    results, began = Results(reasons=reasons), time.monotonic()
    for number in range(sizes.rounds):
        if number and (time.monotonic() - began) * (number + 1) / number > SECONDS_MAX:
            break  # on a busy machine fewer rounds: who asked shall not wait for an hour
        for side in sides if number % 2 == 0 else reversed(sides):
            if side in results.reasons:
                continue
            with console.status(f"round {number + 1} of {sizes.rounds}: {side.name}"):
                try:
                    results.readings[side].append(course.run_lap(side, sizes.pace, number))
                except (Unobtainable, SideFailed) as reason:
                    results.reasons[side] = str(reason)
    return results


def measure(sides: list[Side], sizes: Sizes, console: Console) -> None:
    """All rounds, and the tables."""
    base = ROOT / ".crossdock" / "bench"
    base.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        # Not in /tmp, which may be memory: what is synced here shall reach a disk.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=base)))
        folder.chmod(0o755)  # a PostgreSQL that may not run as root has its files below it
        erp = stack.enter_context(lean_erp_in_own_process())
        postgres: OwnPostgres | Unobtainable
        try:
            postgres = stack.enter_context(own_postgres(folder))
        except Unobtainable as reason:
            postgres = reason
        with console.status("making the peers' environments, the first time"):
            reasons = prepare(sides)
        results = run_rounds(Course(folder, erp, postgres), sides, sizes, console, reasons)
        console.print(table_of(results, sides, sizes.pace.seconds))
        console.print(targets_of(results))
        console.print(settings_of(sides, postgres))
        console.print(shared_of(results))


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser(prog="bench.peers", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a look, not a measurement")
    parser.add_argument("--only", default="", metavar="WORDS", help="only sides with one of these words, by comma")
    arguments = parser.parse_args()
    words = [word.strip().lower() for word in arguments.only.split(",")]
    sides = [side for side in SIDES if any(word in side.name.lower() for word in words)]
    measure(sides, SMALL if arguments.small else WHOLE, Console(width=140))


if __name__ == "__main__":
    main()
