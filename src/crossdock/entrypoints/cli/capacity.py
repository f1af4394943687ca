"""`crossdock capacity`: what a peak asks of the database, of workers and of the ERP."""

import math
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from crossdock.entrypoints.cli.deployments import JsonOption
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import note, out, tell
from crossdock.insight.capacity import Capacity, Demand, capacity, coefficients


def show_capacity(
    *,
    orders_per_hour: Annotated[float, typer.Option(help="Orders in the busiest hour of the year.")],
    lines: Annotated[float, typer.Option(help="Lines of an order, on average.")] = 4.0,
    peak_factor: Annotated[float, typer.Option(help="How much the worst minute exceeds that hour.")] = 2.0,
    busy_hours_per_day: Annotated[float, typer.Option(help="Hours of such a day that are like it.")] = 10.0,
    headroom: Annotated[float, typer.Option(help="Share of a limit that stays free.")] = 0.5,
    erp_in_flight: Annotated[int, typer.Option(help="Calls the ERP bears at once.")] = 10,
    erp_seconds: Annotated[float, typer.Option(help="Seconds the ERP takes for a call.")] = 0.25,
    as_json: JsonOption = False,
) -> None:
    """Reckon what a peak asks for, from what was measured: by peak write rates, not by averages.

    Every coefficient is a measured constant; --json shows each with its source. Where they were measured, and what
    the model leaves out, is said in docs/operations/scale.md.

    [bold]Examples[/]

      crossdock capacity --orders-per-hour 36000
      crossdock capacity --orders-per-hour 36000 --lines 12 --peak-factor 3 --json
    """
    demand = Demand(
        orders_per_hour=orders_per_hour,
        lines=lines,
        peak_factor=peak_factor,
        busy_hours_per_day=busy_hours_per_day,
        headroom=headroom,
        erp_in_flight=erp_in_flight,
        erp_seconds=erp_seconds,
    )
    known = coefficients()
    try:
        found = capacity(demand, known)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if as_json:
        facts = msgspec.structs.asdict(found)
        facts = {name: value if _is_finite(value) else None for name, value in facts.items()}
        tell({"demand": demand, "capacity": facts, "coefficients": dict(known)})
    else:
        _show(found)


def _is_finite(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _show(found: Capacity) -> None:
    never = "never" if math.isinf(found.erp_hours_to_catch_up) else f"{found.erp_hours_to_catch_up:.1f} h"
    table = Listing("at the peak", "", numbers=(1,))
    for name, value in (
        ("orders a second", f"{found.orders_per_second:,.1f}"),
        ("rows written a second", f"{found.rows_per_second:,.0f}"),
        ("WAL, MB a second", f"{found.wal_megabytes_per_second:,.2f}"),
        ("transactions a second, at most", f"{found.transactions_per_second:,.0f}"),
        ("cores of the database", f"{found.database_cores:,.2f}"),
        ("cores of workers", f"{found.worker_cores:,.2f}"),
        ("workers, with headroom", f"{found.workers:,}"),
        ("ERP calls a second", f"{found.erp_calls_per_second:,.1f}"),
        ("use of the ERP's lane", f"{found.erp_lane_use:.0%}"),
        ("ERP behind after an hour, for", never),
        ("storage, GB a day", f"{found.storage_gigabytes_per_day:,.2f}"),
        ("WAL, GB a day", f"{found.wal_gigabytes_per_day:,.1f}"),
    ):
        table.add_row(Text(name), Text(value))
    out().print(table)
    for limit in found.limits:
        note(limit, style="wait")
    if not found.limits:
        note("One database of the size that was measured bears it.", style="good")
