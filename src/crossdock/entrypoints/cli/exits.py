"""What a command's exit code says, so that a script can tell one kind of no from another."""

from enum import IntEnum

from crossdock.durable.store import StoreUnavailable
from crossdock.kit.errors import CrossdockError, Recovery


class ExitCode(IntEnum):
    """0 is well done; 2 is Typer's own for a wrong call."""

    OK = 0
    FAILED = 1
    """The command did its work, and what it looked at is not well (a check failed, a verb did not take)."""
    USAGE = 2
    """The command was called the wrong way."""
    MISCONFIGURED = 3
    """The deployment is missing or faulty; every finding is listed."""
    NOT_FOUND = 4
    """There is no such order, run or lane."""
    UNAVAILABLE = 5
    """The database or a system does not answer."""
    REFUSED = 6
    """What was handed in cannot be taken as it is; the findings say where."""
    BUG = 70
    """Something that must not happen; `--debug` shows where."""
    INTERRUPTED = 130
    """Ctrl-C."""


class NotFound(CrossdockError):
    """What was asked for does not exist."""

    recovery = Recovery.REPAIR


_BY_RECOVERY = {
    Recovery.STOP: ExitCode.MISCONFIGURED,
    Recovery.RETRY: ExitCode.UNAVAILABLE,
    Recovery.ASK: ExitCode.UNAVAILABLE,
    Recovery.PAUSE: ExitCode.UNAVAILABLE,
    Recovery.REPAIR: ExitCode.REFUSED,
    Recovery.REREAD: ExitCode.REFUSED,
    Recovery.COMPENSATE: ExitCode.REFUSED,
    Recovery.ASSIGN: ExitCode.FAILED,
}


def exit_code_of(error: BaseException) -> ExitCode:
    """The code a command ends with when it raised `error`."""
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    if isinstance(error, NotFound):
        return ExitCode.NOT_FOUND
    if isinstance(error, StoreUnavailable):
        return ExitCode.UNAVAILABLE
    if isinstance(error, CrossdockError):
        return _BY_RECOVERY.get(error.recovery, ExitCode.BUG)
    return ExitCode.BUG


EXIT_CODES_HELP = (
    "[bold]Exit codes[/]  0 well · 1 what was looked at is not well · 2 wrong call · 3 deployment faulty · "
    "4 not found · 5 does not answer · 6 input refused · 70 a fault of Crossdock's own · 130 Ctrl-C"
)
