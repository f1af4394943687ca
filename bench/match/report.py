"""What the matchers came to: a table per set, ours beside the best peer, and how fast."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from bench.match.contest import OURS, Reading, Side
from bench.match.judge import Verdict
from bench.match.sets import LabelledSet

Readings = Mapping[Side, Reading]


def quality_of(labelled: LabelledSet, rows: int, readings: Readings, reasons: Mapping[Side, str]) -> Table:
    """One set: all matchers at the threshold that needs no truth, and at the best one."""
    true = next(iter(readings.values())).pairs.true if readings else 0
    table = Table(title=f"{labelled.title}: {rows:,} records, {true:,} true pairs")
    table.add_column("matcher", no_wrap=True)
    for heading in ("pairs P", "R", "F1", "best F1", "clusters P", "R", "F1", "best F1", "s", "CPU s", "MB"):
        table.add_column(heading, justify="right")
    for side, reading in readings.items():
        report = reading.report
        table.add_row(
            side.name,
            *_cells(reading.pairs, reading.best_pairs),
            *_cells(reading.clusters, reading.best_clusters),
            f"{reading.seconds:.1f}",
            f"{report['cpu_seconds']:.1f}",
            f"{report['peak_mb']:.0f}",
        )
    for side, reason in reasons.items():
        table.add_row(side.name, *("-",) * 11)
        table.caption = "\n".join(filter(None, (str(table.caption or ""), f"{side.name}: {reason}")))
    return table


def _cells(natural: Verdict, best: Verdict) -> tuple[str, ...]:
    return f"{natural.precision:.4f}", f"{natural.recall:.4f}", f"{natural.f1:.4f}", f"{best.f1:.4f}"


def standing_of(results: Mapping[LabelledSet, Readings]) -> Table:
    """Ours beside the best of the others, set by set: F1 of clusters."""
    table = Table(title="F1 of clusters, ours beside the best of the others")
    table.add_column("set", no_wrap=True)
    for heading in ("ours", "best other", "who", "", "ours at best", "best other at best", "who"):
        table.add_column(heading, justify="right")
    for labelled, readings in results.items():
        if OURS not in readings or len(readings) == 1:
            continue
        others = {side: reading for side, reading in readings.items() if side is not OURS}
        natural = max(others, key=lambda side: others[side].clusters.f1)
        best = max(others, key=lambda side: others[side].best_clusters.f1)
        own = readings[OURS]
        ahead = own.clusters.f1 - others[natural].clusters.f1
        table.add_row(
            labelled.title,
            f"{own.clusters.f1:.4f}",
            f"{others[natural].clusters.f1:.4f}",
            natural.name,
            f"{ahead:+.4f}",
            f"{own.best_clusters.f1:.4f}",
            f"{others[best].best_clusters.f1:.4f}",
            best.name,
        )
    return table


def speed_of(rows: Mapping[LabelledSet, int], results: Mapping[LabelledSet, Readings]) -> Table:
    """Rows a second over whole files; a ratio compares what was measured in this run."""
    table = Table(title="Whole files: rows a second, from rows to clusters")
    for heading in ("set", "matcher", "rows/s", "ours is", "by CPU, ours is", "with cleaning, ours is", "MB"):
        table.add_column(heading, justify="left" if heading in {"set", "matcher"} else "right")
    for labelled, readings in results.items():
        own = readings.get(OURS)
        for side, reading in readings.items():
            ratios = ("", "", "")
            if own and side is not OURS:
                ratios = (
                    f"{reading.seconds / own.seconds:.2f} x",
                    f"{reading.report['cpu_seconds'] / own.report['cpu_seconds']:.2f} x",
                    f"{reading.seconds_with_cleaning / own.seconds:.2f} x",
                )
            rate = f"{rows[labelled] / reading.seconds:,.0f}"
            table.add_row(labelled.title, side.name, rate, *ratios, f"{reading.report['peak_mb']:.0f}")
        if own:
            parts = (f"{own.report[f'{part}_seconds']:.1f} s" for part in ("normalising", "training", "matching"))
            table.add_row("", "  of ours: normalising, training, matching", ", ".join(parts))
        table.add_section()
    return table


def single_of(singles: Mapping[LabelledSet, dict[str, Any]]) -> Table:
    """One arrival at a time."""
    table = Table(title="One match: normalise, find candidates in memory, weigh and explain each; one process")
    for heading in ("set", "records", "p50", "p99", "CPU each", "candidates", "index built", "MB"):
        table.add_column(heading, justify="left" if heading == "set" else "right")
    for labelled, report in singles.items():
        table.add_row(
            labelled.title,
            f"{report['records']:,}",
            f"{report['p50_ms']:.2f} ms",
            f"{report['p99_ms']:.2f} ms",
            f"{report['cpu_ms']:.2f} ms",
            f"{report['candidates']:.1f}",
            f"{report['index_seconds']:.1f} s",
            f"{report['peak_mb']:.0f}",
        )
    return table
