"""`crossdock`: the command line as a whole."""

import inspect
import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from crossdock.entrypoints.cli import (
    bench,
    capacity,
    check,
    credit,
    customers,
    events,
    freshness,
    init,
    lanes,
    orders,
    parked,
    privacy,
    rehearse,
    retention,
    stock,
    systems,
    up,
)
from crossdock.entrypoints.cli.demo import command as demo
from crossdock.entrypoints.cli.exits import EXIT_CODES_HELP
from crossdock.entrypoints.cli.match import command as match
from crossdock.entrypoints.cli.running import DEBUG_VARIABLE, run_safely

app = typer.Typer(
    name="crossdock",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES_HELP,
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it with the flag
    if wanted:
        sys.stdout.write(f"crossdock {version('crossdock')}\n")
        raise typer.Exit


@app.callback()
def crossdock(
    *,
    debug: Annotated[
        bool, typer.Option("--debug", help=f"Show where a fault happened (also {DEBUG_VARIABLE}=1).")
    ] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """A retail integration hub: Salesforce and the ERP agree, whatever fails in between.

    [bold]Begin here[/]

      crossdock demo             a day of trade on this machine, nothing to set up
      crossdock init             write a deployment to fill in
      crossdock systems check    does every system answer, and may we do our work?
      crossdock up               run the hub: worker, intake, HTTP API and console
    """
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"


RUN, WORK = "Run it", "Look and put right"
app.command("demo", rich_help_panel=RUN)(demo.demo)
app.command("init", rich_help_panel=RUN)(init.init)
app.command("check", rich_help_panel=RUN)(check.check)
app.command("up", rich_help_panel=RUN)(up.up)
app.command("worker", rich_help_panel=RUN)(up.worker)
app.add_typer(rehearse.app, name="rehearse", rich_help_panel=RUN)
app.command(
    "bench",
    rich_help_panel=RUN,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)(bench.bench)
app.command("capacity", rich_help_panel=RUN)(capacity.show_capacity)
app.add_typer(systems.app, name="systems", rich_help_panel=WORK)
app.add_typer(orders.app, name="orders", rich_help_panel=WORK)
app.add_typer(parked.app, name="parked", rich_help_panel=WORK)
app.add_typer(customers.app, name="customers", rich_help_panel=WORK)
app.add_typer(lanes.app, name="lanes", rich_help_panel=WORK)
app.add_typer(stock.app, name="stock", rich_help_panel=WORK)
app.add_typer(credit.app, name="credit", rich_help_panel=WORK)
app.command("freshness", rich_help_panel=WORK)(freshness.show_freshness)
app.command("retention", rich_help_panel=WORK)(retention.show_retention)
app.add_typer(privacy.app, name="privacy", rich_help_panel=WORK)
app.add_typer(events.app, name="events", rich_help_panel=WORK)
app.add_typer(match.app, name="match", rich_help_panel=WORK)


def _fit_help(group: typer.Typer) -> None:
    """Let the paragraphs of every command's help fill the terminal, however their source is broken into lines."""
    for command in group.registered_commands:
        command.help = "\n\n".join(map(_in_one_line, (inspect.getdoc(command.callback) or "").split("\n\n")))
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            _fit_help(inner.typer_instance)


def _in_one_line(paragraph: str) -> str:
    is_drawn = any(line.startswith(" ") for line in paragraph.splitlines())
    return paragraph if is_drawn else " ".join(paragraph.split())


_fit_help(app)


def main() -> None:
    """The entry of the `crossdock` command."""
    sys.exit(run_safely(app))
