"""Tables that fit the terminal: what matters is never broken, what is spare is left out where it is narrow."""

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

NARROW_COLUMNS = 110


class Listing:
    """Rows under headings. Columns are counted from 0.

    `words` hold sentences and may be broken; every other column stays whole. `numbers` are aligned to the right.
    `spare` columns are left out on a terminal of less than NARROW_COLUMNS.
    """

    def __init__(
        self,
        *headings: str,
        words: Iterable[int] = (),
        numbers: Iterable[int] = (),
        spare: Iterable[int] = (),
    ) -> None:
        self._headings = headings
        self._words = frozenset(words)
        self._numbers = frozenset(numbers)
        self._spare = frozenset(spare)
        self._rows: list[Sequence[Text]] = []

    def add_row(self, *cells: Text) -> None:
        """Add a row, a cell for every heading."""
        assert len(cells) == len(self._headings)
        self._rows.append(cells)

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        narrow = options.max_width < NARROW_COLUMNS
        shown = [index for index in range(len(self._headings)) if not (narrow and index in self._spare)]
        made = Table(box=SIMPLE_HEAD, header_style="quiet", pad_edge=False, show_edge=False)
        for index in shown:
            whole = index not in self._words
            justify = "right" if index in self._numbers else "left"
            made.add_column(self._headings[index], justify=justify, no_wrap=whole, overflow="fold")  # type: ignore[arg-type]
        for row in self._rows:
            made.add_row(*(row[index] for index in shown))
        yield made
