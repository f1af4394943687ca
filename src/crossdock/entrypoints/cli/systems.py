"""`crossdock systems`: which systems are connected, and whether each answers and lets us do our work."""

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from crossdock.durable.lanes.breaker import status_at
from crossdock.durable.lanes.record import LaneRecord
from crossdock.entrypoints.cli.deployments import DeploymentOption, JsonOption, open_hub, read_deployment
from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import cell, err, note, out, show, status, tell
from crossdock.entrypoints.cli.running import asynchronous
from crossdock.kit.errors import CrossdockError
from crossdock.ports.manifest import SystemCheck

if TYPE_CHECKING:
    from crossdock.bootstrap.deployment import Deployment
    from crossdock.bootstrap.hub import Hub

CHECK_TIMEOUT_SECONDS = 30.0

app = typer.Typer(no_args_is_help=True, help="See which systems are connected and how they are.")


class SystemReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `systems check` found out about one system; `roles` are what the deployment uses it for."""

    system: str
    adapter: str
    ok: bool
    product: str
    detail: str
    roles: tuple[str, ...]
    lane: str
    lane_reason: str


@app.command("list")
def list_systems(*, deployment: DeploymentOption = None, as_json: JsonOption = False) -> None:
    """List the deployment's systems: adapter, what each is used for, and the limits its lane holds.

    [bold]Example[/]

      crossdock systems list --json | jq '.[].system'
    """
    known = read_deployment(deployment)
    rows: list[dict[str, Any]] = []
    for name, entry in known.systems.items():
        manifest = known.manifest_of(name)
        rows.append(
            {
                "system": name,
                "title": known.title_of(name),
                "adapter": entry.adapter,
                "used_for": list(uses_of(known, name)),
                "limits": manifest.limits,
            }
        )
    if as_json:
        tell(rows)
        return
    headings = ("SYSTEM", "TITLE", "ADAPTER", "USED FOR", "AT ONCE", "PER SECOND", "PER DAY")
    listed = Listing(*headings, numbers=(4, 5, 6), words=(3,), spare=(1, 5))
    for row in rows:
        limits = row["limits"]
        listed.add_row(
            cell(row["system"], "name"),
            cell(row["title"]),
            cell(row["adapter"]),
            cell(", ".join(row["used_for"]) or "nothing"),
            cell(limits.in_flight_max),
            cell(f"{limits.rate_per_second:g}" if limits.rate_per_second else "no limit", "quiet"),
            cell(limits.daily_budget or "no limit", "quiet"),
        )
    show(listed)


@app.command("check")
@asynchronous
async def check_systems(*, deployment: DeploymentOption = None, as_json: JsonOption = False) -> int:
    """Ask every system whether it answers and whether our user may do what we need.

    Ends with 1 if one does not, so that a script can wait for a landscape to come up.

    [bold]Examples[/]

      crossdock systems check
      crossdock systems check --json | jq '.[] | select(.ok | not)'
    """
    async with open_hub(deployment) as hub:
        with err().status("asking the systems …"):
            records = await hub.store.lane_load_all()
            checks = await asyncio.gather(*(_check(dock) for dock in hub.docks.values()))
        reports = [
            _report(hub, name, check, records.get(name, LaneRecord()))
            for name, check in zip(hub.docks, checks, strict=True)
        ]
    if as_json:
        tell(reports)
    else:
        _print(reports)
    return ExitCode.OK if all(report.ok for report in reports) else ExitCode.FAILED


async def _check(dock: Any) -> SystemCheck:
    """The dock's own check; one that cannot even connect says so in the same form."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            await dock.open()
            found: SystemCheck = await dock.check()
            return found
    except TimeoutError:
        return SystemCheck(ok=False, product="", detail=f"no answer within {CHECK_TIMEOUT_SECONDS:.0f} s")
    except CrossdockError as fault:
        return SystemCheck(ok=False, product="", detail=f"{fault.message} [{fault.code}]")
    finally:
        await dock.close()


def _report(hub: "Hub", name: str, check: SystemCheck, record: LaneRecord) -> SystemReport:
    return SystemReport(
        system=name,
        adapter=hub.deployment.systems[name].adapter,
        ok=check.ok,
        product=check.product,
        detail=check.detail,
        roles=uses_of(hub.deployment, name),
        lane=status_at(record, hub.clock.now()),
        lane_reason=record.detail or record.reason,
    )


def uses_of(deployment: "Deployment", system: str) -> tuple[str, ...]:
    """What the routes use a system for."""
    routes = deployment.routes
    masters = {"customers": routes.customers, "products": routes.products, "prices": routes.prices}
    uses = ["orders in"] if system in routes.order_sources else []
    uses += ["status back"] if system in routes.status_sinks else []
    uses += ["events out"] if system in routes.event_sinks else []
    uses += ["ERP"] if system == routes.erp else []
    uses += [what for what, name in (masters | {"stock": routes.stock}).items() if (name or routes.erp) == system]
    return tuple(uses)


def _print(reports: list[SystemReport]) -> None:
    listed = Listing(
        "", "SYSTEM", "ADAPTER", "ANSWERS AS", "RIGHTS AND STATE", "LANE", words=(3, 4, 5), spare=(2,)
    )
    for report in reports:
        lane = status(report.lane)
        if report.lane_reason and report.lane != "open":
            lane.append(f" ({report.lane_reason})", style="quiet")
        listed.add_row(
            cell("✓", "good") if report.ok else cell("✗", "bad"),
            cell(report.system, "name"),
            cell(report.adapter),
            cell(report.product or "—"),
            cell(report.detail, "" if report.ok else "bad"),
            lane,
        )
    out().print(listed)
    troubled = [report.system for report in reports if not report.ok]
    if troubled:
        note(f"{', '.join(troubled)}: see address, credential and rights in systems.yaml, then check again.")
