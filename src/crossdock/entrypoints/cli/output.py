"""What commands print: tables for people on standard output, JSON for scripts, troubles on standard error.

Words that came from other systems are printed as they are, never read as mark-up, and without control characters.
"""

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any

import msgspec
from rich.console import Console
from rich.text import Text
from rich.theme import Theme

from crossdock.entrypoints.cli.listing import Listing
from crossdock.insight.wording import duration_in_words
from crossdock.kit.clock import Instant, from_datetime, to_datetime
from crossdock.kit.wording import with_moments

PIPED_COLUMNS = 160
THEME = Theme(
    {
        "good": "green",
        "wait": "yellow",
        "bad": "red",
        "quiet": "bright_black",
        "name": "bold",
        "lane": "cyan",
    }
)
STATUS_STYLES = {
    "captured": "lane",
    "waiting": "wait",
    "accepted": "good",
    "partly_accepted": "good",
    "shipped": "good",
    "invoiced": "good",
    "refused": "bad",
    "cancelled": "quiet",
    "needs_attention": "bad",
    "open": "good",
    "half_open": "wait",
    "closed": "bad",
    "paused": "wait",
    "parked": "bad",
    "running": "lane",
    "ready": "lane",
    "queued": "wait",
    "done": "good",
    "skipped": "quiet",
}
SEVERITIES = {1: "low", 2: "medium", 3: "high", 4: "critical"}

_CONTROL = {code: "·" for code in [*range(32), 127, *range(128, 160)] if chr(code) != "\n"}


def _console(file: IO[str]) -> Console:
    fixed = not file.isatty() and "COLUMNS" not in os.environ
    width = PIPED_COLUMNS if fixed else None
    return Console(file=file, theme=THEME, markup=False, highlight=False, emoji=False, width=width)


def out() -> Console:
    """Standard output, as it is now."""
    return _console(sys.stdout)


def err() -> Console:
    """Standard error, as it is now."""
    return _console(sys.stderr)


def say(text: str | Text = "", style: str = "") -> None:
    """A line for people."""
    out().print(text, style=style or None)


def note(text: str | Text, style: str = "quiet") -> None:
    """A line beside the result: what is being done, what to do next."""
    err().print(text, style=style, soft_wrap=True)


def tell(value: Any) -> None:
    """The result as JSON, indented; a script's whole answer."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(text.decode() + "\n")


def tell_line(value: Any) -> None:
    """One JSON value on one line, at once: for streams."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def plain(text: str) -> str:
    """`text` on one line, its moments in local time, without anything that would move a terminal's cursor."""
    return with_moments(" ".join(text.translate(_CONTROL).split()), _day_and_time)


def shortened(text: str, characters_max: int) -> str:
    """`text` on one line, cut where it is too long."""
    text = plain(text)
    return text if len(text) <= characters_max else text[: characters_max - 1] + "…"


def cell(value: object, style: str = "") -> Text:
    """A value in a table."""
    return Text(plain(str(value)), style=style)


def status(name: str) -> Text:
    """A status in its colour, in words."""
    return Text(name.replace("_", " "), style=STATUS_STYLES.get(name, ""))


def show(rows: Listing, empty: Sequence[str] = ("Nothing there.",)) -> None:
    """Print a table, or what to do where it has no rows."""
    if rows.row_count:
        out().print(rows)
        return
    for line in empty:
        note(line)


def clock_time(at: Instant) -> str:
    """The time of day here; with the date where it is not today."""
    moment = to_datetime(at).astimezone()
    today = datetime.now(moment.tzinfo).date() == moment.date()
    return moment.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


def clock_time_of(said: str) -> str:
    """The same, of a moment as the API tells it; empty where nothing is said."""
    return clock_time(from_datetime(datetime.fromisoformat(said))) if said else ""


def _day_and_time(at: Instant) -> str:
    return to_datetime(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def ago(at: Instant, now: Instant) -> str:
    """How long something is past."""
    return f"{duration_in_words(now - at)} ago"
