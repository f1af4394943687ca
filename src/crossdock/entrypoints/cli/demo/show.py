"""How the day looks while it happens: a live picture on a terminal, elsewhere a line for whatever happens."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from crossdock.canonical.status import OrderStatus
from crossdock.entrypoints.cli.demo.customer_verdict import THREADS
from crossdock.entrypoints.cli.demo.watch import Watch
from crossdock.entrypoints.cli.output import STATUS_STYLES, err, plain, status

REFRESH_PER_SECOND = 4
BAR_CELLS = 34
PLAIN_EVERY_SECONDS = 10.0
_ORDER = (
    OrderStatus.CAPTURED,
    OrderStatus.WAITING,
    OrderStatus.ACCEPTED,
    OrderStatus.PARTLY_ACCEPTED,
    OrderStatus.REFUSED,
    OrderStatus.NEEDS_ATTENTION,
)


class Show:
    """The picture. `total` is how many orders the day has; `systems` are the lanes that are shown, by name."""

    def __init__(self, total: int, systems: dict[str, str], console: Console | None = None) -> None:
        self._console = console or err()
        self._total = total
        self._systems = systems
        self._begun = time.monotonic()
        self._live: Live | None = None
        self._plain_at = 0.0
        self._watch: Watch | None = None
        self._handed = 0
        self._hub_alive = True
        self._customers = ""

    def expect(self, total: int) -> None:
        """The day has so many orders after all."""
        self._total = total

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show it as long as this is open."""
        self._begun = time.monotonic()
        if not self._console.is_terminal:
            yield
            return
        with Live(
            self._picture(), console=self._console, refresh_per_second=REFRESH_PER_SECOND, transient=True
        ) as self._live:
            yield
        self._live = None

    def tell(self, text: str, *, good: bool = False) -> None:
        """See Narrator."""
        seconds, style = time.monotonic() - self._begun, "good" if good else "wait"
        if self._live is None:
            self._console.print(f"{seconds:4.0f} s  {plain(text)}", soft_wrap=True)
            return
        line = Table.grid(padding=(0, 2))
        line.add_column(justify="right", min_width=6)
        line.add_column()
        line.add_row(Text(f"{seconds:.0f} s", "quiet"), Text(plain(text), style))
        self._console.print(line)  # it scrolls away above the picture

    def update(self, watch: Watch, handed: int, *, hub_alive: bool, customers: int | None = None) -> None:
        """Draw what is known now; `customers` is how many of what happens to them has come to its end."""
        self._watch, self._handed, self._hub_alive = watch, handed, hub_alive
        self._customers = "" if customers is None else f"customers {customers} of {THREADS}"
        if self._live is not None:
            self._live.update(self._picture())
            return
        now = time.monotonic()
        if now - self._plain_at >= PLAIN_EVERY_SECONDS:
            self._plain_at = now
            counts = watch.counts()
            words = ", ".join(
                f"{counts[known]} {known.value.replace('_', ' ')}" for known in _ORDER if counts[known]
            )
            line = f"{now - self._begun:4.0f} s  {handed} of {self._total} handed in: {words or 'nothing yet'}"
            line += f"; {self._customers}" if self._customers else ""
            self._console.print(Text(line, style="quiet"), soft_wrap=True)

    def _picture(self) -> Panel:
        parts: list[Table | Text] = [self._bars(), Text(), self._lanes()]
        elapsed = time.monotonic() - self._begun
        title = Text.assemble(("A day of trade", "bold"), (f"  {elapsed:.0f} s", "quiet"))
        return Panel(Group(*parts), title=title, title_align="left", border_style="quiet", padding=(1, 2))

    def _bars(self) -> Table:
        counts = self._watch.counts() if self._watch else {}
        rows = Table.grid(padding=(0, 2))
        rows.add_column(min_width=16)
        rows.add_column(justify="right", min_width=4)
        rows.add_column()
        rows.add_row(Text("handed in", "bold"), str(self._handed), self._bar(self._handed, "lane"))
        for known in _ORDER:
            count = counts.get(known, 0)
            style = STATUS_STYLES.get(known.value, "")
            rows.add_row(status(known.value), str(count) if count else "·", self._bar(count, style))
        return rows

    def _bar(self, count: int, style: str) -> Text:
        share = count / self._total if self._total else 0.0
        cells = max(1, round(share * BAR_CELLS)) if count else 0
        return Text.assemble(("█" * cells, style), ("░" * (BAR_CELLS - cells) if style == "lane" else "", "quiet"))

    def _lanes(self) -> Text:
        line = Text()
        line.append("hub ", style="quiet").append("up" if self._hub_alive else "down", self._tone(self._hub_alive))
        for system, title in self._systems.items():
            state = self._watch.lane_status(system) if self._watch else "open"
            line.append(f"   {title} ", style="quiet").append(
                state.replace("_", " "), STATUS_STYLES.get(state, "")
            )
        if self._customers:
            line.append(f"   {self._customers}", style="quiet")
        return line

    def _tone(self, well: bool) -> str:  # noqa: FBT001 - one word of a picture
        return "good" if well else "bad"


class Preparations:
    """Bars for what is done before the day begins: installing, seeding, starting. It is a `Progress` callback."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or err()
        self._terminal = console.is_terminal
        self._console = console
        self._bars = Progress(
            TextColumn("  {task.description:<34}", style="quiet"),
            BarColumn(bar_width=30, complete_style="cyan", finished_style="green"),
            MofNCompleteColumn(),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    @contextmanager
    def shown(self) -> Iterator["Preparations"]:
        """Show the bars as long as this is open."""
        if not self._terminal:
            yield self
            return
        with self._bars:
            yield self

    def __call__(self, stage: str, done: int, total: int) -> None:
        """See `ports.manifest.Progress`."""
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total)
            if not self._terminal:
                self._console.print(f"  {stage} …", style="quiet")
        self._bars.update(self._tasks[stage], completed=done, total=total)
