"""A hub at work in this process, for as long as a test wants."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import load_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.order import Order
from crossdock.durable.records import RunState
from crossdock.testing.builders import a_line, an_order

ENDED = {RunState.DONE, RunState.PARKED, RunState.SKIPPED}
TURNS_MAX = 400


def a_good_order(order_id: str = "O-1", *, price: str = "1.005", **changes: object) -> Order:
    """An order that the memory ERP's standard estate accepts at once."""
    return an_order(order_id, lines=[a_line(price=price)], **changes)  # type: ignore[arg-type]


def as_file(path: Path, *orders: Order) -> str:
    """The orders in a file, as one JSON value."""
    path.write_bytes(msgspec.json.encode(orders[0] if len(orders) == 1 else orders))
    return str(path)


async def _work(folder: Path, orders: Sequence[Order]) -> None:
    async with Hub(load_deployment(folder, find_manifests())) as hub:
        await hub.run()
        await hub.load_stock()
        for order in orders:
            await hub.capture.take(order)
        for _ in range(TURNS_MAX):
            counts = await hub.store.count_runs()
            behind = await hub.store.last_sequence() - int(
                (await hub.store.read_cursors()).get("relay:order_board") or 0
            )
            if not behind and set(counts) <= {state.value for state in ENDED}:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"the hub does not come to rest: {counts}")


def let_hub_work(folder: Path, *orders: Order) -> None:
    """Run the hub, hand it these orders, and stop it when everything has ended or is parked."""
    asyncio.run(_work(folder, orders))
