"""What the laps came to: the one table, the targets, versions and settings, and who else had the machine."""

import shutil
import statistics
from collections import defaultdict
from dataclasses import dataclass, field

from rich.table import Table

from bench.accounts import tell_shared
from bench.peers.contest import Reading
from bench.peers.environments import Unobtainable, pinned_version, restate_version
from bench.peers.servers import POSTGRES_SETTINGS, RESTATE_PARTITIONS, OwnPostgres, redis_version
from bench.peers.sides import OURS_POSTGRES, OURS_SQLITE, TARGETS, Side

PACKAGES = {
    "dbos": ("dbos", "sqlalchemy", "psycopg", "urllib3"),
    "celery": ("celery", "kombu", "redis", "urllib3"),
    "restate": ("restate-sdk", "hypercorn", "uvloop", "aiohttp"),
}
"""Whose versions are said; all are pinned."""


@dataclass
class Results:
    """Readings by side, and why some have none."""

    readings: dict[Side, list[Reading]] = field(default_factory=lambda: defaultdict(list))
    reasons: dict[Side, str] = field(default_factory=dict)

    def ratio(self, ours: Side, other: Side) -> float | None:
        """How many times faster ours is: round by round, for the machine changes; then the median."""
        rounds = zip(self.readings[ours], self.readings[other], strict=False)
        ratios = [own.per_second / its.per_second for own, its in rounds]
        return statistics.median(ratios) if ratios else None

    def median(self, side: Side) -> Reading | None:
        """The lap in the middle, by orders a second."""
        laps = sorted(self.readings[side], key=lambda lap: lap.per_second)
        return laps[len(laps) // 2] if laps else None


def table_of(results: Results, sides: list[Side], seconds: float) -> Table:
    """The one table."""
    rounds = max((len(laps) for laps in results.readings.values()), default=0)
    table = Table(
        title=f"Six durable steps and one HTTP call an order: median of {rounds} rounds "
        f"of {seconds:.0f} s, all on one machine"
    )
    table.add_column("side", no_wrap=True)
    for heading in ("orders/s", "lowest, highest", "CPU ms/order", "tx/order"):
        table.add_column(heading, justify="right")
    for store in ("SQLite", "PostgreSQL"):
        table.add_column(f"ours, {store}, is", justify="right")
    for side in sides:
        lap = results.median(side)
        if lap is None:
            table.add_row(side.name, "-", "-", "-", "-", "-", "-")
            continue
        rates = [reading.per_second for reading in results.readings[side]]
        cells = [f"{lap.per_second:,.0f}", f"{min(rates):,.0f}, {max(rates):,.0f}", f"{lap.cpu_ms:.2f}"]
        cells.append(_transactions(side, lap))
        ratios = (results.ratio(ours, side) for ours in (OURS_SQLITE, OURS_POSTGRES))
        cells += [f"{ratio:.2f} x" if ratio else "-" for ratio in ratios]
        table.add_row(side.name, *cells)
    if results.reasons:
        table.caption = "\n".join(f"{side.name}: {reason}" for side, reason in results.reasons.items())
    return table


def _transactions(side: Side, lap: Reading) -> str:
    if lap.transactions is None:
        return "own log"
    return f"{lap.transactions:.0f} commands" if side.store == "redis" else f"{lap.transactions:.2f}"


def targets_of(results: Results) -> Table:
    """What is aimed at, and what was seen."""
    table = Table(title="Targets")
    for heading in ("ours", "beside", "at least", "seen"):
        table.add_column(heading, justify="left" if heading in {"ours", "beside"} else "right")
    for target in TARGETS:
        seen = results.ratio(target.ours, target.other)
        if seen is not None:
            verdict = "" if seen >= target.times else " (below)"
            table.add_row(target.ours.name, target.other.name, f"{target.times:g} x", f"{seen:.2f} x{verdict}")
    return table


def settings_of(sides: list[Side], postgres: OwnPostgres | Unobtainable) -> Table:
    """Versions and settings."""
    table = Table(title="Settings", show_header=False)
    for side in sides:
        table.add_row(side.name, f"{side.in_flight * side.programs} orders in flight; {side.settings}")
    table.add_section()
    if isinstance(postgres, OwnPostgres):
        table.add_row(
            "PostgreSQL", f"{postgres.version}, {', '.join(POSTGRES_SETTINGS)}, else as shipped (fsync on)"
        )
    if shutil.which("redis-server"):
        table.add_row("Redis", f"{redis_version()}, appendonly, synced every second, no snapshots")
    table.add_row("Restate server", f"{restate_version()}, {RESTATE_PARTITIONS} partitions, else as shipped")
    for name, wanted in PACKAGES.items():
        table.add_row(name, ", ".join(f"{package} {pinned_version(name, package)}" for package in wanted))
    return table


def shared_of(results: Results) -> str:
    """Who else had the machine, over all laps."""
    return tell_shared([lap.foreign_share for laps in results.readings.values() for lap in laps])
