"""The floor: the same six results as bare rows in group commits, with the same HTTP call, and nothing else.

No runs, claims, leases, replay or codec of an engine: what the database, one event loop and the HTTP client
can do at all. `--store` is a PostgreSQL address, or the path of a SQLite file.
"""

import asyncio
import json
from pathlib import Path

from bench.floor import GroupCommit, postgres_writer, sqlite_writer
from bench.peers import order_steps
from bench.peers.erp_by_transport import ErpCall
from bench.peers.lap import Lap, Told, listen
from bench.peers.order_steps import Json


async def carry_out(order: Json, journal: GroupCommit, erp: ErpCall) -> None:
    """Six steps, each durable before the next."""

    async def keep(step: str, result: Json) -> Json:
        row = (f"submission/{order['order_id']}", step, "done", json.dumps(result).encode(), 1, 0)
        await journal.put(row)
        return result

    await keep("validate", order_steps.validate(order))
    priced = await keep("price", order_steps.price(order))
    taxed = await keep("tax", order_steps.tax(priced))
    await keep("reserve", order_steps.reserve(order))
    accepted = await keep("submit_to_erp", await erp.submit(order, priced, taxed))
    await keep("status", order_steps.status(order, accepted))


async def take_orders(lap: Lap, journal: GroupCommit, erp: ErpCall) -> None:
    for order in lap.orders():
        await carry_out(order, journal, erp)
        lap.finish()


async def main(told: Told) -> None:
    write = postgres_writer(told.store) if "://" in told.store else sqlite_writer(Path(told.store))
    erp = ErpCall(told.erp)
    async with GroupCommit(write) as journal:
        lap = Lap(told, lambda: journal.transactions)
        lap.await_start()
        await asyncio.gather(*(take_orders(lap, journal, erp) for _ in range(told.in_flight)))
        lap.close()
    await erp.close()


if __name__ == "__main__":
    asyncio.run(main(listen()))
