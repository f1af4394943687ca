"""Stores for tests: one suite runs on all databases, each test on an empty one."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql

from crossdock.kit.clock import Clock, ManualClock
from crossdock.kit.redaction import Secret
from crossdock.storage.keyring import GivenKeys
from crossdock.storage.memory import MemoryDatabase, MemoryStore
from crossdock.storage.migrate import migrate
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.schema import METADATA
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.sqlite import SqliteStore
from crossdock.storage.vault import Vault

KEYS = "index: " + "aW5k" * 10 + "aW4=, first: " + "a2V5" * 10 + "azE="
"""Secrets of a deployment under test: what is on disk is sealed, what is in memory is not."""


class Stores:
    """One empty database, and as many stores on it as a test wants (several may write, except on a file)."""

    def __init__(
        self, kind: Literal["sqlite", "memory", "postgres"], clock: ManualClock, make: Callable[[Clock], SqlStore]
    ) -> None:
        self.kind = kind
        self.clock = clock
        self.make = make
        self._opened: list[SqlStore] = []

    async def open(self, clock: Clock | None = None) -> SqlStore:
        """Another store on the same database."""
        store = self.make(clock or self.clock)
        await store.open()
        self._opened.append(store)
        return store

    async def close(self) -> None:
        """Close all that are still open."""
        for store in self._opened:
            await store.close()


def sqlite_stores(template: Path, folder: Path) -> Stores:
    """On a copy of a migrated file."""
    path = folder / "hub.sqlite"
    shutil.copy(template, path)
    return Stores(
        "sqlite", ManualClock(), lambda clock: SqliteStore(path, clock, durable=False, vault=vault(clock))
    )


def sqlite_template(folder: Path) -> Path:
    """A migrated, empty file."""
    path = folder / "template.sqlite"
    migrate(SqliteStore(path, ManualClock()).url)
    return path


def memory_stores(clock: ManualClock | None = None) -> Stores:
    """On a database in memory, for rehearsals."""
    database, turns = MemoryDatabase(), ThreadPoolExecutor(1)
    return Stores("memory", clock or ManualClock(), lambda clock: MemoryStore(database, clock, turns))


def postgres_stores(dsn: str) -> Stores:
    """On a migrated database, emptied."""
    tables = sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in METADATA.tables)
    with psycopg.connect(dsn) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute(tables)
    return Stores("postgres", ManualClock(), lambda clock: PostgresStore(dsn, clock, vault(clock)))


def vault(clock: Clock, keys: str = KEYS) -> Vault:
    """A vault with these secrets."""
    return Vault(GivenKeys(Secret(keys)), clock)


def migrated(dsn: str) -> str:
    """The same database, with its tables."""
    migrate(PostgresStore(dsn, ManualClock()).url)
    return dsn
