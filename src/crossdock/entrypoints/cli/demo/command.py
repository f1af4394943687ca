"""`crossdock demo`: sets the stage, lets the day pass, gives the verdict."""

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from crossdock.entrypoints.cli.demo.day import Day, Played, play
from crossdock.entrypoints.cli.demo.estate import ErpName
from crossdock.entrypoints.cli.demo.faults import TROUBLES
from crossdock.entrypoints.cli.demo.show import Show
from crossdock.entrypoints.cli.demo.stage import Stage, set_stage
from crossdock.entrypoints.cli.demo.summary import print_race, print_summary, print_what_next
from crossdock.entrypoints.cli.demo.trade import plan_day
from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.entrypoints.cli.output import note, tell
from crossdock.entrypoints.cli.running import asynchronous
from crossdock.kit.errors import Conflict

ORDERS_MIN = 40
ORDERS_DEFAULT = 300
ORDERS_ONCE_DEFAULT = 120
PACES: dict[ErpName, float] = {"tryton": 3.0, "memory": 10.0}
"""Orders handed in a second: as much as the ERP takes, roughly, so that an outage is felt for a while."""

AT_ONCE_PER_SECOND = 100_000.0


@asynchronous
async def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End after the verdict; the exit code says whether all held.")
    ] = False,
    orders: Annotated[
        int | None,
        typer.Option("--orders", "-n", min=ORDERS_MIN, max=20_000, help="How many; 300, or 120 with --once."),
    ] = None,
    erp: Annotated[
        ErpName, typer.Option("--erp", help="A real Tryton, or a small ERP in memory that needs nothing.")
    ] = "tryton",
    speed: Annotated[
        float | None, typer.Option("--speed", min=0.1, max=500.0, help="Orders handed in per second.")
    ] = None,
    stream: Annotated[
        int,
        typer.Option("--stream", min=0, max=200_000, help="Then so many more against a fast ERP, for speed."),
    ] = 0,
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65_535, help="The console's port; 0 takes a free one.")
    ] = 0,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Keep deployment, database and logs here.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures and promises as JSON.")] = False,
) -> int:
    """A day of trade on this machine, with everything going wrong that goes wrong on a real day.

    A Salesforce simulator, a real Tryton and the hub are started and filled; orders come in through Salesforce and
    through the API; events are delivered twice and get lost, answers vanish, the ERP goes down, the hub is killed.
    Customers come, too: a company is numbered by the ERP and may order on invoice once its credit is approved, a
    person who comes by two channels becomes one customer, terms go from the ERP to Salesforce and not back. Two
    whom nobody can tell apart wait for a person: you, in the console; with --once somebody decides.
    At the end Tryton and Salesforce are asked what they have, and every promise is checked. Needs nothing but this
    machine; the first start installs a database template, later ones take seconds.

    [bold]Examples[/]

      crossdock demo
      crossdock demo --once --orders 120
      crossdock demo --erp memory --once
      crossdock demo --stream 5000
    """
    count = orders or (ORDERS_ONCE_DEFAULT if once else ORDERS_DEFAULT)
    asked = Asked(count=count, erp=erp, per_second=speed or PACES[erp], port=port, stays=not once, stream=stream)
    task = asyncio.current_task()
    assert task is not None
    with _sigterm_cancels(task), _place(keep) as folder:
        try:
            return ExitCode.OK if await _play(folder, asked, as_json=as_json) else ExitCode.FAILED
        except asyncio.CancelledError:
            task.uncancel()
            note("Interrupted: everything that was started has ended.")
            return ExitCode.INTERRUPTED


@dataclass(frozen=True)
class Asked:
    """What the user wants to see."""

    count: int
    erp: ErpName
    per_second: float
    port: int
    stays: bool
    stream: int


async def _play(folder: Path, asked: Asked, *, as_json: bool) -> bool:
    """The day, the stream if there is one, and the console until Ctrl-C; whether every promise was kept."""
    async with contextlib.AsyncExitStack() as exits:
        stage = await set_stage(folder, asked.erp, asked.port, exits)
        note(f"The console is at {stage.process.address}")
        day = Day(stage, _show(stage, asked.count), TROUBLES, decides=not asked.stays)
        played = await play(day, plan_day(stage.market, asked.count), per_second=asked.per_second)
        if not as_json:
            print_summary(played.figures, played.promises, stage.estate.kind.shows)
        raced = await _race(folder / "stream", asked.stream, as_json=as_json) if asked.stream else None
        if as_json:
            tell({**played.as_plain(), "stream": raced.as_plain() if raced else None})
        if asked.stays:
            review = day.customers.seen.doubtful.review if day.customers else 0
            print_what_next(stage.process.address, folder, _telling(day), review)
            await _until_interrupted()
        return played.kept and (raced is None or raced.kept)


async def _race(folder: Path, count: int, *, as_json: bool) -> Played:
    """Many orders at once against an ERP that is fast, for speed."""
    async with contextlib.AsyncExitStack() as exits:
        stage = await set_stage(folder, "memory", 0, exits, plenty=True)
        day = Day(stage, _show(stage, count), ())
        entries = plan_day(stage.market, count, salesforce_only=True)
        raced = await play(day, entries, per_second=AT_ONCE_PER_SECOND)
    if not as_json:
        print_race(raced.figures, raced.promises)
    return raced


def _show(stage: Stage, total: int) -> Show:
    return Show(total, {name: stage.hub.deployment.title_of(name) for name in stage.hub.deployment.systems})


def _telling(day: Day) -> str:
    """An order whose journey has something to tell: one that waited for the ERP."""
    waited = sorted(day.watch.waited & set(day.watch.accepted))
    return waited[0] if waited else next(iter(day.watch.accepted), "")


@contextlib.contextmanager
def _place(keep: Path | None) -> Iterator[Path]:
    """Where everything is: in a temporary folder, unless it is to be kept. Raises Conflict where it is in use."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="crossdock-demo-") as folder:
            yield Path(folder)
        return
    if keep.exists() and any(keep.iterdir()):
        raise Conflict(f"{keep} is not empty: each demo begins in a folder of its own", code="folder-not-empty")
    keep.mkdir(parents=True, exist_ok=True)
    try:
        yield keep.resolve()
    finally:
        note(f"Kept in {keep}: deployment, database, hub.log, and the ERP's own files.")


@contextlib.contextmanager
def _sigterm_cancels(task: asyncio.Task[Any]) -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does: with everything that it started."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def _until_interrupted() -> None:
    task = asyncio.current_task()
    assert task is not None
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        task.uncancel()  # Ctrl-C is how this part is meant to end
        note("\nEnding everything …")
