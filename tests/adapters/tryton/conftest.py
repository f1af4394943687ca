"""One real Tryton per kind of database, for all tests of a session; each test gets a bench around it."""

import getpass
import os
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import pytest
from tests.adapters.tryton.bench import Running, TrytonBench, on_the_bench, running

from crossdock.adapters.tryton import ADAPTER
from crossdock.adapters.tryton.adapter import TrytonDock
from crossdock.adapters.tryton.local import LocalTryton
from crossdock.kit.clock import SystemClock


@pytest.fixture(scope="session")
async def tryton_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(LocalTryton(tmp_path_factory.mktemp("tryton"))) as tryton:
        yield tryton


@pytest.fixture(scope="session")
def postgres_server() -> str:
    parts = urlsplit(os.environ.get("CROSSDOCK_TEST_POSTGRES", "postgresql://127.0.0.1:5432/postgres"))
    at = parts.netloc if "@" in parts.netloc else f"{getpass.getuser()}@{parts.netloc}"
    return urlunsplit(parts._replace(netloc=at))


@pytest.fixture(scope="session")
async def tryton_on_postgres(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: str
) -> AsyncIterator[Running]:
    async with running(LocalTryton(tmp_path_factory.mktemp("tryton"), database=postgres_server)) as tryton:
        yield tryton


@pytest.fixture
async def bench(tryton_on_sqlite: Running) -> AsyncIterator[TrytonBench]:
    async with on_the_bench(tryton_on_sqlite) as bench:
        yield bench


@pytest.fixture
async def dock(bench: TrytonBench) -> AsyncIterator[TrytonDock]:
    dock: TrytonDock = ADAPTER.make_dock(ADAPTER.load_settings(bench.settings), SystemClock())
    await dock.open()
    yield dock
    await dock.close()
