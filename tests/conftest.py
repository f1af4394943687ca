"""What every test may count on: one event loop kind, no network beyond loopback, databases of its own.

Tests marked `postgres`, `tryton`, `nats` or `browser` are skipped, with the reason, where that is not to be had;
with CROSSDOCK_REQUIRE_SERVICES=1 they fail instead, so that nothing is left out by accident.
"""

import getpass
import importlib.util
import os
import shutil
import uuid
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psycopg
import pytest
from psycopg import sql
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["tests.fixtures"]

POSTGRES_DEFAULT = "postgresql://127.0.0.1:5432/postgres"
LOOPBACK = "127.0.0.1,::1"
TRYTON = Path(__file__).parent / "adapters" / "tryton"
INSTALL_SECONDS_MAX = 900

# A red run must be one that anybody can repeat; `--hypothesis-profile=search` looks where nobody looked before.
# How long an example takes tells about the machine only: no deadline, and no complaint about slow drawing.
UNHURRIED = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("repeatable", UNHURRIED, derandomize=True, database=None)
hypothesis.settings.register_profile("search", UNHURRIED, derandomize=False, print_blob=True)
hypothesis.settings.load_profile("repeatable")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before pytest-socket reads its options: hosts other than this one cannot be reached."""
    config.option.allow_hosts = LOOPBACK
    config.option.allow_unix_socket = True


class ByWhatTheyShare(LoadScopeScheduling):  # type: ignore[misc]
    """Of several processes, one takes all tests of a file; and one all that share the two real Trytons."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return "tryton" if path.startswith("tests/adapters/tryton/") else path


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByWhatTheyShare:
    """Which process runs what, with `--numprocesses`."""
    return ByWhatTheyShare(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first waits for its ERP to be installed: a minute, or several on a busy machine."""
    for item in items:
        if item.path.parent == TRYTON:
            item.add_marker(pytest.mark.timeout(INSTALL_SECONDS_MAX))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a service that is missing, or fail where services are required."""
    for marker, missing in (
        ("postgres", _missing_postgres),
        ("tryton", _missing_tryton),
        ("nats", _missing_nats),
    ):
        reason = missing() if item.get_closest_marker(marker) else ""
        if reason and _services_required():
            pytest.fail(f"CROSSDOCK_REQUIRE_SERVICES=1, but {reason}", pytrace=False)
        if reason:
            pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A browser test finds out by itself what is missing: where services are required, that is a failure."""
    report = yield
    if report.skipped and item.get_closest_marker("browser") and _services_required():
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"CROSSDOCK_REQUIRE_SERVICES=1, but {reason}"
    return report


def _services_required() -> bool:
    return os.environ.get("CROSSDOCK_REQUIRE_SERVICES") == "1"


@cache
def _missing_postgres() -> str:
    try:
        psycopg.connect(_postgres_admin(), connect_timeout=3).close()
    except psycopg.Error as error:
        return f"no PostgreSQL answers (CROSSDOCK_TEST_POSTGRES names another one): {type(error).__name__}"
    return ""


@cache
def _missing_tryton() -> str:
    return "" if importlib.util.find_spec("trytond") else "the extra crossdock[tryton] is not installed"


@cache
def _missing_nats() -> str:
    found = shutil.which("nats-server", path=f"/usr/sbin{os.pathsep}{os.environ.get('PATH', '')}")
    return "" if found else "no nats-server is installed here (Debian: apt install nats-server)"


def _postgres_admin() -> str:
    """The DSN of the database from which others are created, with the user spelled out."""
    parts = urlsplit(os.environ.get("CROSSDOCK_TEST_POSTGRES", POSTGRES_DEFAULT))
    at = parts.netloc if "@" in parts.netloc else f"{getpass.getuser()}@{parts.netloc}"
    return urlunsplit(parts._replace(netloc=at))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, the loop the product runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def new_postgres_database() -> Iterator[Callable[[], str]]:
    """Call it for the DSN of a new, empty database; all of them are dropped at the end of the session."""
    made: list[str] = []

    def make() -> str:
        name = f"crossdock_test_{uuid.uuid4().hex[:12]}"
        _administer(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name)))
        made.append(name)
        return urlunsplit(urlsplit(_postgres_admin())._replace(path=f"/{name}"))

    yield make
    for name in made:
        _drop(name)


@pytest.fixture
def postgres_dsn(new_postgres_database: Callable[[], str]) -> Iterator[str]:
    """The DSN of an empty database of this test's own (mark the test `postgres`)."""
    dsn = new_postgres_database()
    yield dsn
    _drop(urlsplit(dsn).path.removeprefix("/"))


def _drop(name: str) -> None:
    _administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(statement: sql.Composed) -> None:
    with psycopg.connect(_postgres_admin(), autocommit=True, connect_timeout=10) as connection:
        connection.execute(statement)
