"""Runs a command: asynchronous ones to their end, and every error as one line that says what to do."""

import asyncio
import functools
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import typer
from rich.text import Text

from crossdock.entrypoints.cli.exits import ExitCode, exit_code_of
from crossdock.entrypoints.cli.output import err, plain
from crossdock.entrypoints.worker.logs import set_up_logging
from crossdock.kit.errors import CrossdockError
from crossdock.kit.redaction import scrub

T = TypeVar("T")
DEBUG_VARIABLE = "CROSSDOCK_DEBUG"
FINDINGS_SHOWN_MAX = 50

WHAT_TO_DO = {
    "deployment-missing": "make one: crossdock init",
    "deployment-ambiguous": "name it: --deployment DIR",
    "deployment-faulty": "mend the lines above, then: crossdock systems check",
    "database-in-use": "stop the other one, or name a PostgreSQL store in hub.yaml",
    "store-busy": "try again; if it stays so, see who holds the database",
    "tryton-not-installed": "pip install 'crossdock[tryton]', or: crossdock demo --erp memory",
    "adapter-not-loadable": "what the adapter needs may be missing: pip install 'crossdock[ADAPTER]'",
    "match-not-installed": "pip install 'crossdock[match]'",
    "model-unreadable": "learn one with this release: crossdock match train FILE",
    "columns-unknown": "see what a column may hold: crossdock match dedupe --help",
    "nats-not-installed": "Debian: apt install nats-server",
    "not-parked": "see what is parked: crossdock parked list",
    "reason-missing": "say why: --reason TEXT",
    "port-not-free": "--port 0 takes any that is free",
    "no-checkout": "clone the sources, then: make bench",
}


def asynchronous(command: Callable[..., Coroutine[Any, Any, int | None]]) -> Callable[..., None]:
    """Let Typer call an asynchronous command; the number it returns is the exit code."""

    @functools.wraps(command)
    def call(*args: Any, **options: Any) -> None:
        code = carry_out(command(*args, **options))
        if code:
            raise typer.Exit(code)

    call.__signature__ = inspect.signature(command)  # type: ignore[attr-defined]
    return call


def carry_out(work: Coroutine[Any, Any, T]) -> T:
    """Do asynchronous work to its end, for commands of which only a part is."""
    set_up_logging(level="debug" if debugging() else "error", as_json=not sys.stderr.isatty())
    return asyncio.run(work)


def debugging() -> bool:
    """Whether the user wants to see where a fault happened."""
    return os.environ.get(DEBUG_VARIABLE, "") not in {"", "0"}


def run_safely(app: typer.Typer) -> int:
    """Run the command line; what it raises becomes a line on standard error and an exit code."""
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.OK if end.code is None else ExitCode.FAILED
    except BrokenPipeError:
        # Whoever read our output has seen enough (`| head`); Python must not complain while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last one to catch it
        report(error)
        return exit_code_of(error)
    return ExitCode.OK


def report(error: BaseException) -> None:
    """Say what went wrong: one line with its code, the findings below, and what to do."""
    console = err()
    if debugging():
        console.print("".join(traceback.format_exception(error)), style="quiet", soft_wrap=True)
    if isinstance(error, KeyboardInterrupt):
        console.print("Interrupted.", style="quiet")
        return
    if not isinstance(error, CrossdockError):
        line = _line("bug", f"{type(error).__name__}: {scrub(str(error))}")
        console.print(line, soft_wrap=True)
        console.print(f"  → this is a fault of Crossdock's own; {DEBUG_VARIABLE}=1 shows where", style="quiet")
        return
    message, *_ = error.message.splitlines() or [""]
    console.print(_line(error.code, message.rstrip(":"), error.vendor_code), soft_wrap=True)
    for finding in error.findings[:FINDINGS_SHOWN_MAX]:
        words = Text.assemble("  ", (plain(finding.path), "lane"), "  ", plain(finding.message))
        console.print(words, soft_wrap=True)
    if len(error.findings) > FINDINGS_SHOWN_MAX:
        console.print(f"  … and {len(error.findings) - FINDINGS_SHOWN_MAX} more", style="quiet")
    if hint := WHAT_TO_DO.get(error.code):
        console.print(f"  → {hint}", style="quiet")


def _line(code: str, message: str, vendor_code: str = "") -> Text:
    vendor = f" ({plain(vendor_code)})" if vendor_code else ""
    return Text.assemble(("error ", "bad"), (code, "bold"), f"{vendor}  {plain(message)}")
