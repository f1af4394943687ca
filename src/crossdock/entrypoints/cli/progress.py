"""A bar for what is being done."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from crossdock.entrypoints.cli.output import err


@contextmanager
def progress() -> Iterator[Any]:
    """A bar for what is being done, on a terminal; nothing elsewhere.

    What is done side by side ("person: pairs", "organisation: keys") has a bar each.
    """
    console = err()
    columns: tuple[Any, ...] = (
        TextColumn("  {task.description}", style="quiet"),
        BarColumn(bar_width=40, complete_style="cyan", finished_style="green"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        shown: dict[str, TaskID] = {}

        def show(what: str, share: float) -> None:
            of, aside, _ = what.rpartition(": ")
            for other in [other for other in shown if not (aside and other)]:
                if other != of:
                    bars.remove_task(shown.pop(other))
            if of not in shown:
                shown[of] = bars.add_task("", total=1.0)
            bars.update(shown[of], completed=share, description=f"{what:<28}")

        yield show
