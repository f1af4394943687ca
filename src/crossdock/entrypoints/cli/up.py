"""`crossdock up` and `crossdock worker`: the hub at work, until somebody stops it."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from msgspec.structs import replace

from crossdock.entrypoints.cli.deployments import DeploymentOption, read_deployment
from crossdock.entrypoints.cli.output import note
from crossdock.entrypoints.cli.running import debugging
from crossdock.entrypoints.worker.logs import set_up_logging
from crossdock.kit.errors import Misconfigured

if TYPE_CHECKING:
    from crossdock.bootstrap.deployment import Deployment

LogFormat = Literal["auto", "json", "text"]

HostOption = Annotated[
    str | None, typer.Option("--host", metavar="ADDRESS", help="Where to listen, instead of hub.yaml's.")
]
PortOption = Annotated[
    int | None,
    typer.Option("--port", "-p", min=0, max=65_535, help="The port, instead of hub.yaml's; 0 takes a free one."),
]
LogOption = Annotated[
    LogFormat, typer.Option("--log", help="How the log is written to standard error: JSON unless on a terminal.")
]


def up(
    *,
    host: HostOption = None,
    port: PortOption = None,
    work: Annotated[
        bool,
        typer.Option("--work/--no-work", help="Carry runs out here, or leave them to workers."),
    ] = True,
    log: LogOption = "auto",
    deployment: DeploymentOption = None,
) -> None:
    """Run the hub in one process: worker, intake, HTTP API and console.

    With --no-work it takes orders and shows them, and `crossdock worker` carries them out; that needs PostgreSQL.

    SIGTERM or Ctrl-C stops it within seconds: calls under way end, the rest is handed back and goes on at the
    next start. A second one stops it at once, which is just as safe, only less polite.

    [bold]Examples[/]

      crossdock up
      crossdock up --deployment /etc/crossdock --port 0
    """
    found = read_deployment(deployment)
    http = replace(
        found.hub.http,
        host=host if host is not None else found.hub.http.host,
        port=port if port is not None else found.hub.http.port,
    )
    if not work:
        _check_shared(found)
    found = replace(found, hub=replace(found.hub, http=http, runs_max=found.hub.runs_max if work else 0))
    _set_up(log)
    from crossdock.entrypoints.worker.running import Duty, run_hub  # noqa: PLC0415 - `--help` waits for no library

    raise typer.Exit(asyncio.run(run_hub(found, duty=Duty.HUB, port=http.port, started=_tell_address)))


def worker(
    *,
    host: HostOption = None,
    port: Annotated[
        int | None,
        typer.Option("--port", "-p", min=0, max=65_535, help="Answer probes and /metrics there; 0: any."),
    ] = None,
    log: LogOption = "auto",
    deployment: DeploymentOption = None,
) -> None:
    """Run one more worker beside a hub that is up: runs, statuses, events; no intake, no API. Needs PostgreSQL.

    Start as many as you like: each has a name of its own, they share the lanes' limits, and what one leaves behind
    the others go on with. SIGTERM stops it within seconds, as it does a hub.

    [bold]Examples[/]

      crossdock worker --deployment /etc/crossdock
      crossdock worker --port 8401
    """
    found = read_deployment(deployment)
    _check_shared(found)
    if host is not None:
        found = replace(found, hub=replace(found.hub, http=replace(found.hub.http, host=host)))
    _set_up(log)
    from crossdock.entrypoints.worker.running import Duty, run_hub  # noqa: PLC0415 - `--help` waits for no library

    raise typer.Exit(asyncio.run(run_hub(found, duty=Duty.WORKER, port=port, started=_tell_address)))


def _check_shared(deployment: "Deployment") -> None:
    if not deployment.hub.store.startswith("postgres"):
        raise Misconfigured(
            "SQLite serves one process; for several, name a PostgreSQL database in hub.yaml: "
            "store: {env: CROSSDOCK_STORE}",
            code="store-single",
        )


def _set_up(log: LogFormat) -> None:
    as_json = log == "json" or (log == "auto" and not sys.stderr.isatty())
    set_up_logging(level="debug" if debugging() else "info", as_json=as_json)


def _tell_address(address: str) -> None:
    """For the person who started it; whoever reads the log finds the same there."""
    if sys.stderr.isatty():
        note(f"Console and API: {address}  ·  Ctrl-C stops" if address else "At work  ·  Ctrl-C stops", "bold")
