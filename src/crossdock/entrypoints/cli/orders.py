"""`crossdock orders`: find an order by any of its numbers, see its journey, hand one in."""

from pathlib import Path
from typing import Annotated

import typer

from crossdock.canonical.status import OrderStatus
from crossdock.entrypoints.cli import order_views as views
from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption, open_hub
from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.entrypoints.cli.intake import capture_all, read_orders
from crossdock.entrypoints.cli.journey_view import find_journey, print_journey
from crossdock.entrypoints.cli.output import note, tell
from crossdock.entrypoints.cli.running import asynchronous
from crossdock.kit.wording import counted

LIST_MAX = 200
BEHIND_MAX = 1_000

app = typer.Typer(no_args_is_help=True, help="Find orders, see their journeys, hand orders in.")


@app.command("list")
@asynchronous
async def list_orders(
    search: Annotated[
        str, typer.Argument(metavar="NUMBER", help="An order's, ERP's, Salesforce's or customer's number.")
    ] = "",
    *,
    status: Annotated[OrderStatus | None, typer.Option("--status", "-s", help="Only these.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=LIST_MAX, help="At most so many.")] = 50,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """List orders, newest first, and how many stand in each status.

    [bold]Examples[/]

      crossdock orders list
      crossdock orders list C-1001
      crossdock orders list --status needs_attention
      crossdock orders list --status waiting --json | jq -r '.orders[].order_id'
    """
    async with open_hub(deployment) as hub:
        rows = await hub.board.list_orders(status=status, search=search, limit=limit)
        counts = await hub.board.count_orders()
        behind = await views.events_behind(hub.store)
        now = hub.clock.now()
    if as_json:
        tell({"counts": {known.value: count for known, count in counts.items()}, "orders": rows})
        return
    views.print_list(rows, counts, now, filtered=bool(search or status))
    if behind > BEHIND_MAX or (behind and not rows):
        note(
            f"The board is {counted(behind, 'event')} behind; it is brought up to date by a hub that is up.",
            "wait",
        )
    if len(rows) == limit:
        note(f"There may be more than these {limit}: give a number or --status, or raise --limit.")


@app.command("show")
@asynchronous
async def show_order(
    number: Annotated[
        str, typer.Argument(metavar="NUMBER", help="Any of the order's numbers.", show_default=False)
    ],
    *,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw an order's journey: what happened when, which system said so, what it waits for, what each line became.

    [bold]Examples[/]

      crossdock orders show SF-00000123
      crossdock orders show 801xx000003DHGtAAO --json
    """
    async with open_hub(deployment) as hub:
        journey = await find_journey(hub, number)
        now = hub.clock.now()
    if as_json:
        tell(journey)
    else:
        print_journey(journey, now)


@app.command("submit")
@asynchronous
async def submit(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Orders as JSON: one, a list, or one per line; - is standard input."),
    ],
    *,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> int:
    """Hand orders in, each exactly once: the same order again is the same order.

    Everything that is wrong with the file is told at once, and then nothing of it is taken. A hub that is up goes
    on with the orders at once; without one they are safe and wait.

    [bold]Examples[/]

      crossdock orders submit order.json
      crossdock orders submit - < day.jsonl
    """
    orders = read_orders(file)
    async with open_hub(deployment) as hub:
        taken = await capture_all(hub, orders, quiet=as_json)
    if as_json:
        tell({order_id: outcome.value for order_id, outcome in taken.items()})
    else:
        views.print_taken(taken)
    return ExitCode.REFUSED if any(outcome.value == "changed" for outcome in taken.values()) else ExitCode.OK
