"""Bringing a database's schema up to date with Alembic."""

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, create_engine, event, text
from sqlalchemy.exc import OperationalError

from crossdock.durable.store import StoreUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"
_ONE_AT_A_TIME = 7_291_466_016_002
BUSY_MILLISECONDS = 30_000


def migrate(url: URL) -> None:
    """Upgrade to the newest revision, wholly or not at all; workers that start together take turns.

    Raises StoreUnavailable where the database does not answer.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _let_us_begin)
        event.listen(engine, "begin", _begin_immediately)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
            if not _is_newer(connection):
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
    except OperationalError as error:
        raise StoreUnavailable("the database does not answer", code="store-unreachable") from error
    finally:
        engine.dispose()


def _is_newer(connection: Connection) -> bool:
    """Whether a later release was here: while an upgrade goes on, workers of both start and stop.

    What it added does not disturb us, for migrations are additive; revisions are numbered.
    """
    there = MigrationContext.configure(connection).get_current_revision() or "0"
    ours = max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    return int(there) > int(ours)


def _let_us_begin(connection: sqlite3.Connection, _record: object) -> None:
    """By itself the driver begins no transaction before it changes tables: half a migration could stay."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")


def _begin_immediately(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
