"""A store that is closed while somebody still uses it."""

import asyncio
import threading

import pytest
from tests.stores import Stores

from crossdock.storage.transaction import Transaction

pytestmark = pytest.mark.anyio


async def test_a_connection_does_not_go_away_under_whoever_reads_on_it(stores: Stores) -> None:
    """Nobody waits for the answer any more, as where a worker stops; the thread that asks still does."""
    if stores.kind == "memory":
        pytest.skip("a database in memory outlives its stores")
    store = stores.make(stores.clock)
    await store.open()
    reads, goes_on = threading.Event(), threading.Event()
    found: list[object] = []

    def work(tx: Transaction) -> None:
        reads.set()
        goes_on.wait()
        found.append(tx.execute("SELECT 1").fetchone()[0])

    reading = asyncio.ensure_future(store._read(work))
    await asyncio.to_thread(reads.wait)
    reading.cancel()
    closing = asyncio.ensure_future(store.close())
    done, _ = await asyncio.wait([closing], timeout=0.2)
    assert not done
    goes_on.set()
    await closing
    assert found == [1]
