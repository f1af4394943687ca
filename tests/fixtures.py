"""Fixtures that several rooms' tests share: stores on every database."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.stores import Stores, memory_stores, migrated, postgres_stores, sqlite_stores, sqlite_template

from crossdock.storage.sql_store import SqlStore

POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)
ALL = ("sqlite", "memory", POSTGRES)


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `make upgrade`, `make lanes`, `make arrivals` and `make storm` ask for."""
    text = "how many workers share a lane (3 or more)"
    parser.addoption("--lane-workers", type=int, default=3, help=text)
    text = "how many runs are in flight while one release gives way to the next"
    parser.addoption("--upgrade-runs", type=int, default=120, help=text)
    text = "how many records of a tenth as many people arrive at once"
    parser.addoption("--arrivals", type=int, default=120, help=text)
    text = "how many edits there are in the storm between Salesforce and an ERP (0: a few)"
    parser.addoption("--storm-edits", type=int, default=0, help=text)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with empty tables, to be copied."""
    return sqlite_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def migrated_postgres(new_postgres_database: Callable[[], str]) -> str:
    """The DSN of a database with tables, which each test empties for itself."""
    return migrated(new_postgres_database())


@pytest.fixture
async def memory_only() -> AsyncIterator[Stores]:
    """A database that the tests of storage hold to the same rules as the others, only faster."""
    stores = memory_stores()
    yield stores
    await stores.close()


@pytest.fixture
async def sqlite_only(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Stores]:
    """Stores on SQLite, where the database makes no difference to what is tested."""
    stores = sqlite_stores(migrated_sqlite, tmp_path)
    yield stores
    await stores.close()


@pytest.fixture
async def postgres_only(migrated_postgres: str) -> AsyncIterator[Stores]:
    """Stores on PostgreSQL (mark the test `postgres`)."""
    stores = postgres_stores(migrated_postgres)
    yield stores
    await stores.close()


@pytest.fixture(params=ALL)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    """Stores on SQLite, in memory, then on PostgreSQL."""
    stores = _stores(request, tmp_path)
    yield stores
    await stores.close()


@pytest.fixture(params=("sqlite", POSTGRES))
async def databases(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    """The same where it matters what stands in the database's own files."""
    stores = _stores(request, tmp_path)
    yield stores
    await stores.close()


def _stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    if request.param == "postgres":
        return postgres_stores(request.getfixturevalue("migrated_postgres"))
    if request.param == "memory":
        return memory_stores()
    return sqlite_stores(request.getfixturevalue("migrated_sqlite"), tmp_path)


@pytest.fixture
async def store(stores: Stores) -> SqlStore:
    """An open store on an empty database."""
    return await stores.open()
