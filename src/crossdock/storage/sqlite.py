"""SQLite, the embedded default: one file, one hub process, nothing to install."""

import fcntl
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeVar

from sqlalchemy import URL

from crossdock.durable.records import Known
from crossdock.durable.store import StoreUnavailable
from crossdock.kit.clock import Clock, Instant
from crossdock.kit.errors import Misconfigured
from crossdock.kit.failpoints import failpoint
from crossdock.storage.claims import bury_workers, other_workers, register_worker
from crossdock.storage.lanes import release_slots
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.transaction import SqliteTransaction, Transaction
from crossdock.storage.vault import Vault

T = TypeVar("T")
BUSY_SECONDS = 10.0
CACHE_KIB = 8_192
"""Of each connection. The operating system keeps the file in memory anyway; what is kept here once more grows with
the database, and a hub with a large one costs no less CPU for it."""
MAPPED_BYTES = 2**31
"""So much of the file is read where the operating system keeps it, not copied from there page by page: a look into
the match index reads a page for each key and each candidate. SQLite maps two gigabytes at most."""


class SqliteStore(SqlStore):
    """A hub's database in one file; `durable=False` trades the newest milliseconds for speed in tests."""

    def __init__(self, path: Path, clock: Clock, *, durable: bool = True, vault: Vault | None = None) -> None:
        super().__init__(clock, vault)
        self._path = path
        self._synchronous = "FULL" if durable else "OFF"
        self._writing: sqlite3.Connection | None = None
        self._reading: sqlite3.Connection | None = None
        self._lock: IO[str] | None = None

    @property
    def url(self) -> URL:
        """See SqlStore."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return URL.create("sqlite", database=str(self._path))

    async def register(self, worker_id: str, known: Known, now: Instant, lease_until: Instant) -> None:
        """As on every store; and whoever else is registered here is dead, for only one process may work."""
        self._only_worker()

        def take_over(tx: Transaction) -> None:
            bury_workers(tx, other_workers(tx, worker_id), now)
            register_worker(tx, worker_id, known, now, lease_until)
            release_slots(tx)

        await self._write(take_over)

    def _only_worker(self) -> None:
        if self._lock is not None:
            return
        lock = self._path.with_name(self._path.name + ".lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise Misconfigured(
                f"another hub works on {self._path}: stop it, or use PostgreSQL for several workers",
                code="database-in-use",
            ) from None
        self._lock = lock

    def _connect(self) -> None:
        self._writing = self._open_connection()
        self._reading = self._open_connection()

    def _open_connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        return connection

    def _disconnect(self) -> None:
        for connection in (self._writing, self._reading):
            if connection is not None:
                connection.close()
        self._writing = self._reading = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _transact(self, work: Callable[[Transaction], T]) -> T:
        connection = self._writing
        if connection is None:
            raise StoreUnavailable("the database is closed", code="store-closed")
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the database is busy: {error}", code="store-busy") from error
        try:
            transaction = SqliteTransaction(connection)
            result = work(self._through_vault(transaction))
            failpoint("sqlite.commits")
            connection.execute("COMMIT")
            failpoint("sqlite.committed")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise StoreUnavailable(f"the database does not write: {error}", code="store-failed") from error
            raise
        self._tell(transaction.news)
        return result

    def _look(self, work: Callable[[Transaction], T]) -> T:
        if self._reading is None:
            raise StoreUnavailable("the database is closed", code="store-closed")
        try:
            return work(self._through_vault(SqliteTransaction(self._reading)))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the database does not read: {error}", code="store-failed") from error
