"""`python -m bench`: the full order process beside the bare floor, in one run on one machine."""

import argparse
import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.erp import erp_in_own_process
from bench.floor import STEPS, Write, postgres_writer, run_floor, sqlite_writer
from bench.full import submit_all, submit_at_rate
from bench.rooms import profile_rooms
from bench.salesforce import measure_calls
from bench.stage import fresh_postgres, hub_at_work
from bench.waiting import measure_waiting
from bench.workload import CALLS_AT_ONCE, orders


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    floor: int
    full: int
    warm_up: int
    paced: int
    waiting: int
    salesforce: int


SMALL = Sizes(floor=4_000, full=1_500, warm_up=1_000, paced=250, waiting=5_000, salesforce=1_000)
WHOLE = Sizes(floor=20_000, full=10_000, warm_up=1_000, paced=1_500, waiting=100_000, salesforce=1_000)


async def measure_store(kind: str, store: str, write: Write, sizes: Sizes, folder: Path) -> list[str]:
    """A row of the first table: everything in this process."""
    await run_floor(write, sizes.warm_up, 200)
    floor = sizes.floor / await run_floor(_under_other_keys(write, "x"), sizes.floor, 200)
    async with hub_at_work(folder, store) as hub:
        await submit_all(hub, list(orders(sizes.warm_up, prefix="W")), concurrency=200)
        full = await submit_all(hub, list(orders(sizes.full, prefix="F")), concurrency=200)
        paced = await submit_at_rate(hub, list(orders(sizes.paced, prefix="P")), per_second=50)
    return [
        kind,
        f"{floor:,.0f}",
        f"{full.per_second:,.0f}",
        f"{full.per_second / floor:.2f}",
        f"{full.transactions / full.orders:.3f}",
        f"{full.cpu_seconds / full.orders * 1_000:.2f}",
        f"{paced.percentile(0.5):.1f} / {paced.percentile(0.99):.1f}",
    ]


async def measure_with_call(
    kind: str, store: str, write: Write, sizes: Sizes, folder: Path, url: str
) -> list[str]:
    """A row of the second table: the ERP is another process, reached over HTTP by both sides."""
    async with hub_at_work(folder, store, url) as hub:
        await submit_all(hub, list(orders(sizes.warm_up, prefix="HW")), concurrency=100)
        full = await submit_all(hub, list(orders(sizes.full // 2, prefix="HF")), concurrency=100)
        wanted = list(orders(sizes.full // 2, prefix="HX"))
        dock = hub.docks["erp"]

        room = asyncio.Semaphore(CALLS_AT_ONCE)

        async def call(number: int) -> object:
            order = wanted[number]
            async with room:
                return await dock.submit_order(order, key=order.order_id, correlation_id=order.order_id)

        seconds = await run_floor(_under_other_keys(write, "y"), len(wanted), 100, call)
    floor = len(wanted) / seconds
    share = full.per_second / floor
    return [
        kind,
        f"{floor:,.0f}",
        f"{full.per_second:,.0f}",
        f"{share:.2f}",
        f"{full.cpu_seconds / full.orders * 1_000:.2f}",
    ]


def _under_other_keys(write: Write, prefix: str) -> Write:
    return lambda rows: write([(prefix + row[0], *row[1:]) for row in rows])


async def measure(sizes: Sizes, console: Console) -> None:
    """Everything, and the tables."""
    bare = _table(
        f"Full order process, one worker, beside the bare floor ({STEPS} journal rows an order, nothing else)",
        ("floor/s", "orders/s", "share", "tx/order", "CPU ms/order", "p50 / p99 ms at 50/s"),
    )
    called = _table(
        f"The same, the ERP in a process of its own: floor with {STEPS} rows and one HTTP call an order",
        ("floor/s", "orders/s", "share", "hub CPU ms/order"),
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with console.status("SQLite"), erp_in_own_process() as url:
            write = sqlite_writer(folder / "floor.sqlite")
            bare.add_row(*await measure_store("SQLite", "sqlite:hub.sqlite", write, sizes, folder))
            called.add_row(*await measure_with_call("SQLite", "sqlite:http.sqlite", write, sizes, folder, url))
        with (
            console.status("PostgreSQL"),
            fresh_postgres() as floor,
            fresh_postgres() as one,
            fresh_postgres() as two,
        ):
            if floor is None or one is None or two is None:
                bare.add_row("PostgreSQL", "no server answers")
            else:
                write = postgres_writer(floor)
                bare.add_row(*await measure_store("PostgreSQL", one, write, sizes, folder))
                with erp_in_own_process() as url:
                    called.add_row(*await measure_with_call("PostgreSQL", two, write, sizes, folder, url))
        console.print(bare)
        console.print(called)
        with console.status("Salesforce calls"):
            console.print(await measure_calls(folder / "salesforce", sizes.salesforce, per_second=100))
        with console.status("where the time goes"):
            console.print(await profile_rooms(folder / "rooms", sizes.full // 2))
        with console.status(f"{sizes.waiting:,} waiting runs"):
            console.print(await measure_waiting(folder, sizes.waiting))


def _table(title: str, headings: tuple[str, ...]) -> Table:
    table = Table("store", title=title)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a look, not a measurement")
    arguments = parser.parse_args()
    asyncio.run(measure(SMALL if arguments.small else WHOLE, Console(width=120)))


if __name__ == "__main__":
    main()
