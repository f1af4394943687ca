"""What holds on SQLite alone."""

import pytest
from tests.storage.rows import a_start, start
from tests.stores import Stores

from crossdock.storage.transaction import Transaction

pytestmark = pytest.mark.anyio
KEPT_KIB_MAX = 16_384


async def test_memory_does_not_grow_with_the_database(sqlite_only: Stores) -> None:
    store = await sqlite_only.open()
    await start(store, *(a_start(f"r{number}") for number in range(10)))

    def kept_kib(tx: Transaction) -> int:
        return -int(tx.execute("PRAGMA cache_size").fetchone()[0])

    each = (await store._write(kept_kib), await store._read(kept_kib))
    assert min(each) > 0, "a positive number would count pages"
    assert sum(each) <= KEPT_KIB_MAX
