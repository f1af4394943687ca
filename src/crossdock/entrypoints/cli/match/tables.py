"""Tables and colours that the views of `crossdock match` share."""

from typing import Any

from rich.table import Table

STYLES = {"link": "good", "review": "wait", "new": "quiet"}


def plain_table(*, header: bool = False) -> Any:
    """A table without lines."""
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=header, header_style="quiet")
