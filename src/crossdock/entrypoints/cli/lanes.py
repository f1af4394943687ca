"""`crossdock lanes`: the guarded ways to the systems, and how to close and open them by hand."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossdock.durable.lanes.breaker import status_at
from crossdock.durable.lanes.ledger import pause_lane, resume_lane
from crossdock.durable.lanes.record import LaneRecord, lane_subject
from crossdock.entrypoints.cli.choosing import actor
from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption, ReasonOption, open_hub
from crossdock.entrypoints.cli.exits import NotFound
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import ago, cell, clock_time, note, say, show, status, tell
from crossdock.entrypoints.cli.running import asynchronous
from crossdock.kit.clock import iso
from crossdock.kit.errors import Finding, Invalid

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub

app = typer.Typer(no_args_is_help=True, help="See the guarded ways to the systems; close and open them by hand.")

LaneArgument = Annotated[str, typer.Argument(metavar="SYSTEM", help="The lane's system.", show_default=False)]


@app.command("list")
@asynchronous
async def list_lanes(*, deployment: DeploymentOption = None, as_json: JsonOption = False) -> None:
    """List the lanes: open or closed, why, since when, and when the next call is tried.

    [bold]Example[/]

      crossdock lanes list
    """
    async with open_hub(deployment) as hub:
        records = await hub.store.lane_load_all()
        now = hub.clock.now()
        rows = [_row(hub, name, records.get(name, LaneRecord()), now) for name in hub.lanes]
    if as_json:
        tell(rows)
        return
    listed = Listing("LANE", "STATE", "SINCE", "TRIED AGAIN", "WHY", words=(4,))
    for row, record in ((row, records.get(row["lane"], LaneRecord())) for row in rows):
        listed.add_row(
            cell(row["lane"], "name"),
            status(row["status"]),
            cell(ago(record.since, now) if record.since else "—", "quiet"),
            cell(clock_time(record.reopens_at) if row["reopens_at"] else "—", "quiet"),
            cell(record.detail or record.reason or "—"),
        )
    show(listed)


def _row(hub: "Hub", name: str, record: LaneRecord, now: int) -> dict[str, Any]:
    limits = hub.deployment.manifest_of(name).limits
    closed = record.status == "closed" and record.reopens_at
    return {
        "lane": name,
        "status": status_at(record, now),
        "reason": record.reason,
        "detail": record.detail,
        "since": iso(record.since) if record.since else None,
        "reopens_at": iso(record.reopens_at) if closed else None,
        "in_flight_max": limits.in_flight_max,
        "rate_per_second": limits.rate_per_second,
        "daily_budget": limits.daily_budget,
    }


@app.command("pause")
@asynchronous
async def pause(
    system: LaneArgument,
    *,
    reason: ReasonOption,
    deployment: DeploymentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close a lane on every worker until it is resumed. Calls under way end; work waits, safe and in order.

    [bold]Example[/]

      crossdock lanes pause erp --reason "month-end closing until 18:00"
    """
    if not reason.strip():
        finding = Finding("reason-missing", "$.reason", "at least one character")
        raise Invalid("say why the lane is paused", code="reason-missing", findings=[finding])
    async with open_hub(deployment) as hub:
        lane = _known(hub, system)
        record = await pause_lane(hub.store, lane, hub.clock.now(), actor=actor(), reason=reason)
        _answer(hub, system, record, as_json=as_json)
    note("Work for it waits as rows and goes on by itself when you resume: crossdock lanes resume " + system)


@app.command("resume")
@asynchronous
async def resume(
    system: LaneArgument, *, deployment: DeploymentOption = None, as_json: JsonOption = False
) -> None:
    """Open a lane again: at once if a person had paused it, else with one call that goes first.

    [bold]Example[/]

      crossdock lanes resume erp
    """
    async with open_hub(deployment) as hub:
        record = await resume_lane(hub.store, _known(hub, system), hub.clock.now(), actor=actor())
        _answer(hub, system, record, as_json=as_json)


@app.command("history")
@asynchronous
async def history(
    system: LaneArgument, *, deployment: DeploymentOption = None, as_json: JsonOption = False
) -> None:
    """Show who paused and resumed a lane, when and why, latest first.

    [bold]Example[/]

      crossdock lanes history erp
    """
    async with open_hub(deployment) as hub:
        entries = await hub.store.list_audit(run_id=lane_subject(_known(hub, system)))
        now = hub.clock.now()
    if as_json:
        tell(entries)
        return
    listed = Listing("WHEN", "WHO", "WHAT", "WHY", words=(3,))
    for entry in entries:
        listed.add_row(
            cell(ago(entry.at, now), "quiet"), cell(entry.actor), cell(entry.verb), cell(entry.reason or "—")
        )
    show(listed)


def _known(hub: "Hub", system: str) -> str:
    if system not in hub.lanes:
        raise NotFound(f"there is no lane {system}; there are: {', '.join(hub.lanes)}", code="lane-unknown")
    return system


def _answer(hub: "Hub", system: str, record: LaneRecord, *, as_json: bool) -> None:
    if as_json:
        tell(_row(hub, system, record, hub.clock.now()))
    else:
        say(f"{system} is {status_at(record, hub.clock.now()).replace('_', ' ')}")
