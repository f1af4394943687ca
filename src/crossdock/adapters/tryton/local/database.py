"""Where a local Tryton keeps its database: a SQLite file, or a database in a PostgreSQL server.

Both can hold a template beside the databases in use, and make a copy of it within a second.
"""

import asyncio
import shutil
import sqlite3
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from crossdock.kit.errors import Misconfigured, Unavailable


class Databases(Protocol):
    """The databases of one place, by name."""

    @property
    def place(self) -> str:
        """A name for this place that can stand in a file's name."""
        ...

    @property
    def configuration(self) -> dict[str, str]:
        """Tryton's `[database]` section for this place."""
        ...

    async def exists(self, name: str) -> bool:
        """Whether there is such a database."""
        ...

    async def create(self, name: str) -> None:
        """Make an empty one."""
        ...

    async def copy(self, source: str, target: str) -> None:
        """Copy a database that nobody has open; a database `target` must not exist."""
        ...

    async def rename(self, source: str, target: str) -> None:
        """Give a database its final name, at once or not at all; an existing `target` stays as it is."""
        ...

    async def drop(self, name: str) -> None:
        """Remove it, where it exists."""
        ...


class SqliteDatabases:
    """One file per database, in one directory; templates to copy may lie in another."""

    def __init__(self, directory: Path, *, templates: Path | None = None) -> None:
        self._directory = directory
        self._templates = templates or directory

    @property
    def place(self) -> str:
        """See `Databases.place`."""
        return "sqlite"

    @property
    def configuration(self) -> dict[str, str]:
        """See `Databases.configuration`."""
        return {"uri": "sqlite://", "path": str(self._directory)}

    def _file(self, name: str) -> Path:
        return self._directory / f"{name}.sqlite"

    async def exists(self, name: str) -> bool:
        """See `Databases.exists`."""
        return self._file(name).exists()

    async def create(self, name: str) -> None:
        """See `Databases.create`: Tryton wants the file to be there."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._file(name).touch(mode=0o600)

    async def copy(self, source: str, target: str) -> None:
        """See `Databases.copy`; the log that an earlier life of `target` left beside it must not survive."""

        def run() -> None:
            self._directory.mkdir(parents=True, exist_ok=True)
            _unlink(self._file(target))
            shutil.copyfile(self._templates / self._file(source).name, self._file(target))
            self._file(target).chmod(0o600)

        await asyncio.to_thread(run)

    async def rename(self, source: str, target: str) -> None:
        """See `Databases.rename`; whatever still stands in the write-ahead log goes into the file first."""
        path = self._file(source)

        def run() -> None:
            connection = sqlite3.connect(path)
            try:
                connection.execute("PRAGMA journal_mode = DELETE")
            finally:
                connection.close()
            path.replace(self._file(target))

        await asyncio.to_thread(run)

    async def drop(self, name: str) -> None:
        """See `Databases.drop`."""
        _unlink(self._file(name))


def _unlink(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


class PostgresDatabases:
    """Databases of one PostgreSQL server, made by `create database`; the role needs CREATEDB."""

    def __init__(self, dsn: str) -> None:
        self._url = urlsplit(dsn)
        if self._url.scheme not in {"postgresql", "postgres"} or not self._url.hostname:
            raise Misconfigured("the database is neither 'sqlite' nor a postgresql:// address", code="database")

    @property
    def place(self) -> str:
        """See `Databases.place`."""
        return f"postgresql-{self._url.hostname}-{self._url.port or 5432}"

    @property
    def configuration(self) -> dict[str, str]:
        """See `Databases.configuration`. Tryton's address names no database.

        Commits are not flushed one by one: they survive Tryton's death, which is what is tried here, and a
        machine that loses its power loses this example's last moments.
        """
        query = self._url.query or "options=-c%20synchronous_commit%3Doff"
        return {"uri": urlunsplit(("postgresql", self._url.netloc, "/", query, ""))}

    async def exists(self, name: str) -> bool:
        """See `Databases.exists`."""
        async with await self._connect() as connection:
            cursor = await connection.execute("select 1 from pg_database where datname = %s", [name])
            return await cursor.fetchone() is not None

    async def create(self, name: str) -> None:
        """See `Databases.create`."""
        await self._run(sql.SQL("create database {} template template0 encoding 'UTF8'"), name)

    async def copy(self, source: str, target: str) -> None:
        """See `Databases.copy`."""
        await self._run(sql.SQL("create database {} template {}"), target, source)

    async def rename(self, source: str, target: str) -> None:
        """See `Databases.rename`."""
        try:
            await self._run(sql.SQL("alter database {} rename to {}"), source, target)
        except psycopg.errors.DuplicateDatabase:
            await self.drop(source)

    async def drop(self, name: str) -> None:
        """See `Databases.drop`."""
        await self._run(sql.SQL("drop database if exists {} with (force)"), name)

    async def _run(self, statement: sql.SQL, *names: str) -> None:
        async with await self._connect() as connection:
            await connection.execute(statement.format(*map(sql.Identifier, names)))

    async def _connect(self) -> "psycopg.AsyncConnection[tuple[object, ...]]":
        try:
            return await psycopg.AsyncConnection.connect(urlunsplit(self._url), autocommit=True)
        except psycopg.OperationalError as error:
            raise Unavailable(
                "the PostgreSQL server for the local ERP cannot be reached", code="database"
            ) from error
