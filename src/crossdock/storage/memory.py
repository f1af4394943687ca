"""A database in memory: the production store for rehearsals, where each simulated worker has an end of it."""

import sqlite3
import tempfile
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache
from pathlib import Path

from sqlalchemy import URL

from crossdock.durable.records import Known
from crossdock.kit.clock import Clock, Instant, SystemClock
from crossdock.storage.claims import register_worker
from crossdock.storage.migrate import migrate
from crossdock.storage.sqlite import SqliteStore


class MemoryDatabase:
    """One SQLite database that lasts as long as this object, empty and migrated. `clock` is the server's own."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.connection = _connect(":memory:")
        _template().backup(self.connection)

    def close(self) -> None:
        """Forget everything."""
        self.connection.close()


class MemoryStore(SqliteStore):
    """One end of a MemoryDatabase; several workers of this process may have one each.

    `turns` carries out what the store is asked, one after another: all ends of a database need the same, or
    one that works in the thread of their event loop.
    """

    def __init__(self, database: MemoryDatabase, clock: Clock, turns: Executor | None = None) -> None:
        super().__init__(Path(":memory:"), clock)
        self._database = database
        self._own_turns = None if turns else ThreadPoolExecutor(1, thread_name_prefix="store-memory")
        # One connection has no second view of the database: who reads waits for who writes.
        self._writer = self._reader = turns or self._own_turns  # type: ignore[assignment]

    async def open(self) -> None:
        """See Store. The database is there already."""
        self._connect()

    async def close(self) -> None:
        """See Store. The database stays."""
        self._writing = self._reading = None
        if self._own_turns is not None:
            self._own_turns.shutdown()

    async def register(self, worker_id: str, known: Known, now: Instant, lease_until: Instant) -> None:
        """As on a server: the others live on."""
        await self._write(lambda tx: register_worker(tx, worker_id, known, now, lease_until))

    async def time(self) -> Instant:
        """See Store."""
        return await self._read(lambda _tx: self._database.clock.now())

    def _connect(self) -> None:
        self._writing = self._reading = self._database.connection


def _connect(path: str | Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)


@cache
def _template() -> sqlite3.Connection:
    """Migrated once per process, then copied."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.sqlite"
        migrate(URL.create("sqlite", database=str(path)))
        source, template = _connect(path), _connect(":memory:")
        source.backup(template)
        source.close()
    return template
