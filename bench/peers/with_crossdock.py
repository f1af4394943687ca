"""Crossdock: a process of six `run.step`s on the production worker, committer and store.

No lane, event, stock or undo: what the peers beside it do, and no more. `--store` is a PostgreSQL address, or
the path of a SQLite file.
"""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

from bench.peers import order_steps
from bench.peers.erp_by_transport import ErpCall
from bench.peers.lap import Lap, Told, listen
from bench.peers.order_steps import Json
from crossdock.bootstrap.hub import tune_garbage_collector
from crossdock.durable.committer import Committer
from crossdock.durable.process import Process
from crossdock.durable.records import Commit
from crossdock.durable.run import Run
from crossdock.durable.worker import Worker
from crossdock.kit.clock import SystemClock
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.sqlite import SqliteStore

ANSWER = dict[str, Any]


def submission(erp: ErpCall) -> Process[Json]:
    """The recipe. Its steps are coroutines, as the engine expects of what may call outside."""

    async def validate(order: Json, _key: str) -> Json:
        return order_steps.validate(order)

    async def price(order: Json, _key: str) -> Json:
        return order_steps.price(order)

    async def tax(priced: Json, _key: str) -> Json:
        return order_steps.tax(priced)

    async def reserve(order: Json, _key: str) -> Json:
        return order_steps.reserve(order)

    async def submit_to_erp(order: Json, priced: Json, taxed: Json, _key: str) -> Json:
        return await erp.submit(order, priced, taxed)

    async def status(order: Json, accepted: Json, _key: str) -> Json:
        return order_steps.status(order, accepted)

    async def submit_order(run: Run, order: Json) -> Json:
        await run.step("validate", partial(validate, order), returns=ANSWER)
        priced = await run.step("price", partial(price, order), returns=ANSWER)
        taxed = await run.step("tax", partial(tax, priced), returns=ANSWER)
        await run.step("reserve", partial(reserve, order), returns=ANSWER)
        accepted = await run.step("submit_to_erp", partial(submit_to_erp, order, priced, taxed), returns=ANSWER)
        return await run.step("status", partial(status, order, accepted), returns=ANSWER)

    return Process("submission", 1, ANSWER, submit_order, subject=lambda order: f"order/{order['order_id']}")


async def take_orders(lap: Lap, worker: Worker, process: Process[Json]) -> None:
    for order in lap.orders():
        run_id = process.run_id(order["order_id"])
        await worker.commit(Commit(starts=(process.start(order["order_id"], order),)))
        task = worker.task_of(run_id)
        assert task is not None, f"{run_id} did not begin here"
        await task
        lap.finish()


def make_store(address: str, clock: SystemClock) -> SqlStore:
    return PostgresStore(address, clock) if "://" in address else SqliteStore(Path(address), clock)


async def main(told: Told) -> None:
    clock = SystemClock()
    store, erp = make_store(told.store, clock), ErpCall(told.erp)
    await store.open()
    await store.listen()
    committer = Committer(store, clock)
    committer.start()
    process = submission(erp)
    worker = Worker(store, committer, [process], {}, clock)
    await worker.start()
    tune_garbage_collector()
    lap = Lap(told, lambda: committer.figures.transactions)
    lap.await_start()
    await asyncio.gather(*(take_orders(lap, worker, process) for _ in range(told.in_flight)))
    lap.close()
    await worker.stop()
    await committer.close()
    await store.close()
    await erp.close()


if __name__ == "__main__":
    asyncio.run(main(listen()))
