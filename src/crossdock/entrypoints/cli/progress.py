"""A bar for what is being done."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from crossdock.entrypoints.cli.output import err


@contextmanager
def progress() -> Iterator[Any]:
    """A bar for what is being done, on a terminal; nothing elsewhere."""
    console = err()
    columns: tuple[Any, ...] = (
        TextColumn("  {task.description}", style="quiet"),
        BarColumn(bar_width=40, complete_style="cyan", finished_style="green"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("", total=1.0)

        def show(what: str, share: float) -> None:
            bars.update(bar, completed=share, description=f"{what:<28}")

        yield show
