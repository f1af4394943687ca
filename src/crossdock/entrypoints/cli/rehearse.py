"""`crossdock rehearse`: a bad day in simulated time, to see what holds before it comes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.entrypoints.cli.output import err, note, out, plain, tell
from crossdock.rehearsal.black_friday.day import Progress as Report
from crossdock.rehearsal.black_friday.day import play
from crossdock.rehearsal.black_friday.figures import Figures, measure
from crossdock.rehearsal.black_friday.plan import Evening, check
from crossdock.rehearsal.black_friday.promises import Promise, check_promises, words
from crossdock.rehearsal.black_friday.report import report

app = typer.Typer(
    name="rehearse", no_args_is_help=True, rich_markup_mode="rich", help="Rehearse a bad day, in simulated time."
)
DEFAULTS = Evening()


@app.callback()
def rehearse() -> None:
    """Rehearse a bad day in simulated time: the production engine, against simulated systems.

    Nothing is set up and nothing outside is touched: an hour passes in seconds, in memory, and the same seed
    always comes out the same. Exit code 0 says that every promise held, 1 that one did not.
    """


@app.command("black-friday")
def black_friday(
    *,
    orders_per_hour: Annotated[
        float, typer.Option("--orders-per-hour", min=1, max=100_000, help="What arrives on a usual evening.")
    ] = DEFAULTS.orders_per_hour,
    burst: Annotated[
        float, typer.Option("--burst", min=1, max=10_000, help="So many times as much arrives in the burst.")
    ] = DEFAULTS.burst,
    outage_minutes: Annotated[
        float,
        typer.Option("--outage-minutes", min=1, max=60, help="How long the ERP is away, amid the burst."),
    ] = DEFAULTS.outage_minutes,
    erp_per_second: Annotated[
        float,
        typer.Option("--erp-per-second", min=0.5, max=1_000, help="Calls the ERP answers; 429 to what is more."),
    ] = DEFAULTS.erp_per_second,
    seed: Annotated[int, typer.Option("--seed", help="Another evening of the same kind.")] = DEFAULTS.seed,
    to: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Write pictures and figures to this HTML file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures and promises as JSON.")] = False,
) -> None:
    """The busiest evening of the year, until after midnight, and what holds of what is promised.

    After ten quiet minutes a hundredfold burst of orders begins. The ERP takes fewer calls than the
    deployment believes and answers 429 to the rest; three minutes into the burst it goes away altogether, and
    comes back while the burst is still on. Salesforce's quota for the day is four fifths used up before it begins.
    Worker, lanes, journal and processes are those of production.

    Ten promises are checked on the ERP's books, Salesforce's records and the events: nothing lost, nothing twice,
    money equal, urgent orders first, patient ones late but never starved, ERP and quota protected, statuses
    honest, back to normal within twice the outage. Where the last one fails, it says what the ERP itself needs for
    what waited: that is how to find out whether your ERP is quick enough.

    [bold]Examples[/]

      crossdock rehearse black-friday
      crossdock rehearse black-friday --report evening.html
      crossdock rehearse black-friday --outage-minutes 30 --erp-per-second 20
      crossdock rehearse black-friday --orders-per-hour 20 --outage-minutes 2
    """
    evening = Evening(
        orders_per_hour=orders_per_hour,
        burst=burst,
        outage_minutes=outage_minutes,
        erp_per_second=erp_per_second,
        seed=seed,
    )
    check(evening)
    with _progress(evening) as progress:
        told = play(evening, progress)
    figures, promises = measure(told), check_promises(told)
    if to is not None:
        to.write_text(report(told, figures, promises), encoding="utf-8")
    if as_json:
        tell({"evening": evening, "figures": figures, "promises": promises})
    else:
        _print(evening, figures, promises)
        note(f"The pictures are in {to}" if to else "See it over time: --report evening.html")
    if not all(promise.held for promise in promises):
        raise typer.Exit(ExitCode.FAILED)


def _print(evening: Evening, figures: Figures, promises: list[Promise]) -> None:
    console = out()
    console.print(
        Text(f"\nBlack Friday, {evening.clock(0)} to {evening.clock(evening.ends_at)}, in simulated time", "bold")
    )
    waits = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="quiet")
    for column in ("orders", "arrived", "accepted", "refused", "waited p50", "p95", "longest"):
        waits.add_column(column, justify="left" if column == "orders" else "right")
    for band in figures.bands:
        seconds = (band.wait_p50_seconds, band.wait_p95_seconds, band.wait_max_seconds)
        counts = (str(band.arrived), str(band.accepted), str(band.refused))
        waits.add_row(band.name, *counts, *(words(each) for each in seconds))
    console.print(waits)
    line = f"{figures.backlog_max} waited at most; {figures.erp_calls_per_order:.1f} ERP calls an order"
    console.print(Text(f"{line}; seed {evening.seed}\n", "quiet"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for promise in promises:
        mark = Text("kept", "good") if promise.held else Text("BROKEN", "bad")
        table.add_row(mark, Text(promise.name, "bold"), Text(plain(promise.figure)))
        for exception in promise.exceptions:
            table.add_row("", "", Text(plain(exception), "bad"))
    console.print(table)


@contextmanager
def _progress(evening: Evening) -> Iterator[Report]:
    """A bar on a terminal, and nothing elsewhere."""
    console = err()
    columns: tuple[Any, ...] = (
        TextColumn("  {task.description}", style="quiet"),
        BarColumn(bar_width=40, complete_style="cyan", finished_style="green"),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task(evening.clock(0))

        def show(passed: float, of: float) -> None:
            bars.update(bar, completed=passed, total=of, description=evening.clock(passed))

        yield show
