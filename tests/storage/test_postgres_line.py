"""The connection a PostgreSQL store writes on: nobody waits for what nobody reads, and nothing is lost by that."""

from collections.abc import Iterator
from functools import partial

import psycopg
import pytest
from tests.stores import Stores

from crossdock.storage.postgres_line import PostgresLine
from crossdock.storage.transaction import Transaction, _columns, _postgres_update

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

PREPARED_AFTER = 6
"""The driver prepares a statement when it has seen it so often."""


@pytest.fixture
def line(migrated_postgres: str) -> Iterator[PostgresLine]:
    line = PostgresLine(psycopg.connect(migrated_postgres))
    yield line
    line.close()


def say(line: PostgresLine, sql: str) -> psycopg.Cursor[tuple[object, ...]]:
    return line.connection.execute(sql.encode())


def notebook(line: PostgresLine, constraint: str) -> None:
    line.begin()
    say(line, f"CREATE TEMP TABLE note (a int {constraint})")
    line.commit()


def noted(line: PostgresLine) -> list[object]:
    line.begin()
    rows = say(line, "SELECT a FROM note ORDER BY a").fetchall()
    line.commit()
    return [row[0] for row in rows]


async def test_what_nobody_read_is_committed(line: PostgresLine) -> None:
    notebook(line, "UNIQUE")
    line.begin()
    for number in range(30):
        say(line, f"INSERT INTO note VALUES ({number})")
    line.commit()
    assert noted(line) == list(range(30))


async def test_a_statement_that_nobody_read_fails_its_transaction_with_its_own_error(line: PostgresLine) -> None:
    notebook(line, "UNIQUE")
    line.begin()
    say(line, "INSERT INTO note VALUES (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):  # noqa: PT012 - which call hears of it is a race, on purpose
        say(line, "INSERT INTO note VALUES (1)")
        say(line, "INSERT INTO note VALUES (2)")
        line.commit()
    assert line.roll_back()
    assert not line.closed
    assert noted(line) == []


async def test_a_commit_that_the_server_refuses_is_told_and_the_next_line_is_a_new_one(line: PostgresLine) -> None:
    notebook(line, "UNIQUE DEFERRABLE INITIALLY DEFERRED")
    line.begin()
    say(line, "INSERT INTO note VALUES (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        line.commit()
    assert line.roll_back(), "the server answered"
    assert line.closed, "what is prepared there is not certain any more"


async def test_a_line_that_was_cut_is_known_to_be(line: PostgresLine, migrated_postgres: str) -> None:
    line.begin()
    with psycopg.connect(migrated_postgres, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", (line.connection.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):  # noqa: PT012 - which call hears of it is a race
        say(line, "SELECT 1")
        line.commit()
    assert not line.roll_back()
    assert line.closed


async def test_failures_do_not_spoil_what_is_prepared(postgres_only: Stores) -> None:
    store = await postgres_only.open()
    row = ("s", "1", "d", 1)

    def arrive(tx: Transaction, times: int) -> None:
        tx.insert("signal", ("run_id", "name", "payload", "at"), [("r", f"{tx}", b"", 1)])
        tx.insert("inbox", ("source", "external_id", "digest", "at"), [row] * times, "")
        tx.execute("DELETE FROM inbox")
        tx.execute("DELETE FROM signal")

    for _ in range(2 * PREPARED_AFTER):
        with pytest.raises(psycopg.errors.UniqueViolation):
            await store._write(lambda tx: arrive(tx, 2))
        await store._write(lambda tx: arrive(tx, 1))


async def test_contention_in_what_nobody_reads_is_tried_again(postgres_only: Stores) -> None:
    store, attempts = await postgres_only.open(), 0

    def arrive(tx: Transaction) -> int:
        nonlocal attempts
        attempts += 1
        rows = [("s", "1", "d", 1)] * (2 if attempts < 3 else 1)
        tx.insert("inbox", ("source", "external_id", "digest", "at"), rows)
        return attempts

    assert await store._write(arrive) == 3


async def test_rows_that_are_written_are_found_by_their_key_however_the_statistics_are(
    postgres_only: Stores,
) -> None:
    """A table that was filled since PostgreSQL last looked is taken for empty, and then read from end to end."""
    store = await postgres_only.open()
    tables = {
        "run": ("updated_at", "id"),
        "reservation": ("at", "key", "line_id", "location"),
        "stock_level": ("at", "product", "location"),
        "order_board": ("updated_at", "order_id"),
        "journal": ("at", "run_id", "step"),
    }

    def plans(tx: Transaction, table: str) -> str:
        changed, *keys = tables[table]
        read = tx.select_in(f"EXPLAIN SELECT 1 FROM {table} WHERE {keys[0]}", ["a"], tx.locks)
        change = b"EXPLAIN " + _postgres_update(table, (changed,), tuple(keys))
        write = tx._inner._connection.execute(change, _columns([("1", *keys)])).fetchall()  # type: ignore[attr-defined]
        return f"{read} {write}"

    for table in tables:
        told = await store._write(partial(plans, table=table))
        assert f"{table}_pkey on {table}" in told
        assert f"Seq Scan on {table}" not in told
