"""`crossdock retention`: how long what ended is kept, and what may go."""

from typing import Annotated

import typer

from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption, open_hub
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import cell, note, say, show, tell
from crossdock.entrypoints.cli.running import asynchronous


@asynchronous
async def show_retention(
    *,
    now: Annotated[
        bool, typer.Option("--now", help="Clear it now, without waiting for the hub to do so.")
    ] = False,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what ended so long ago that it is cleared away (`retention` in hub.yaml), and how much of it there is.

    A running hub does so by itself every six hours, a little at a time. Cleared are runs of canaries and of what
    systems were told, and what runs of orders carried; an order's status, events and numbers stay. Never what is
    parked or was skipped, the audit, stock, or by what an arrival is known when it comes again. 0 days keeps all.

    [bold]Examples[/]

      crossdock retention
      crossdock retention --now
    """
    async with open_hub(deployment) as hub:
        found = await hub.retention.run_round(only_count=not now, pause_seconds=0.0)
        rules = hub.deployment.hub.retention
    days = {"canaries": rules.canaries_days, "tellings": rules.tellings_days, "orders": rules.orders_days}
    if as_json:
        tell(
            [
                {"kind": kind, "days": kept, "runs": found.get(kind, 0), "cleared": now}
                for kind, kept in days.items()
            ]
        )
        return
    rows = Listing("WHAT", "KEPT", "CLEARED" if now else "TO BE CLEARED", numbers=(2,))
    for kind, kept in days.items():
        rows.add_row(
            cell(kind, "name"), cell(f"{kept:g} days" if kept else "for good"), cell(str(found.get(kind, 0)))
        )
    show(rows)
    if now:
        say(f"{sum(found.values())} run(s) were cleared.")
    else:
        note("Nothing was cleared yet. A running hub does so, or --now.")
