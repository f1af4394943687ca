"""The migrated schema is the one the code was written for; a migration is done wholly, once, or not at all."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Engine, create_engine, event, inspect
from tests.entrypoints.worker.release import with_the_next_migration

from crossdock.durable.store import StoreUnavailable
from crossdock.kit.clock import ManualClock
from crossdock.kit.errors import Misconfigured
from crossdock.storage.migrate import MIGRATIONS, migrate
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.schema import METADATA
from crossdock.storage.sqlite import SqliteStore


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """An empty database without tables."""
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "new.sqlite", ManualClock()).url
    return PostgresStore(request.getfixturevalue("postgres_dsn"), ManualClock()).url


@contextmanager
def inspecting(url: URL) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


def test_the_migrated_schema_is_what_the_code_says(url: URL) -> None:
    migrate(url)
    with inspecting(url) as engine, engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        assert set(inspect(engine).get_table_names()) == {*METADATA.tables, "alembic_version"}


def test_migrating_again_changes_nothing(url: URL) -> None:
    migrate(url)
    migrate(url)
    with inspecting(url) as engine, engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_a_migration_that_is_cut_off_leaves_nothing_behind_and_can_be_made_again(url: URL) -> None:
    statements = 0

    def cut_off(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal statements
        statements += statement.lstrip().startswith("CREATE")
        if statements == 8:
            raise InterruptedError

    event.listen(Engine, "before_cursor_execute", cut_off)
    try:
        with pytest.raises(InterruptedError):
            migrate(url)
    finally:
        event.remove(Engine, "before_cursor_execute", cut_off)
    with inspecting(url) as engine:
        assert inspect(engine).get_table_names() == []
    migrate(url)


def test_a_release_starts_on_a_database_that_the_next_one_has_migrated_already(
    url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While an upgrade goes on, a worker of the old release may be started anew."""
    with monkeypatch.context() as next_release:
        next_release.setattr("crossdock.storage.migrate.MIGRATIONS", with_the_next_migration(tmp_path))
        migrate(url)
    migrate(url)
    with inspecting(url) as engine:
        assert "added_by_n" in inspect(engine).get_table_names()


def test_no_two_migrations_have_one_number() -> None:
    numbers = [path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")]
    assert len(numbers) == len(set(numbers))


def test_hubs_that_start_together_take_turns(url: URL) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            migrate(url)
        except BaseException as error:  # noqa: BLE001 - the test says which
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_database_that_cannot_be_opened_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "no.sqlite").mkdir()
    with pytest.raises(StoreUnavailable):
        migrate(SqliteStore(tmp_path / "no.sqlite", ManualClock()).url)


@pytest.fixture
def make_sqlite(tmp_path: Path) -> Callable[[], SqliteStore]:
    return lambda: SqliteStore(tmp_path / "hub.sqlite", ManualClock())


@pytest.mark.anyio
async def test_a_second_hub_on_one_sqlite_file_is_told_to_use_postgresql(
    make_sqlite: Callable[[], SqliteStore],
) -> None:
    first, second = make_sqlite(), make_sqlite()
    await first.open()
    await first.register("w1", {}, 0, 1)
    await second.open()
    assert await second.count_runs() == {}, "looking is allowed"
    with pytest.raises(Misconfigured, match="PostgreSQL"):
        await second.register("w2", {}, 0, 1)
    await first.close()
    await second.register("w2", {}, 0, 1)
    await second.close()
