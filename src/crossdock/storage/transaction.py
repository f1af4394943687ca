"""One transaction, seen the same way on both databases: SQL with `?`, and many rows at a time.

Each method takes plain tuples. The hot path speaks to the drivers directly: the rows of a batch go in one
statement (PostgreSQL, columns as JSON arrays) or one prepared statement (SQLite, by executemany).
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from sqlite3 import Connection as SqliteConnection
from typing import Any, NamedTuple, Protocol

import msgspec
from psycopg import Connection as PostgresConnection
from sqlalchemy import BigInteger, Integer, LargeBinary

from crossdock.storage.schema import METADATA

Row = tuple[Any, ...]
SQLITE_PARAMETERS_MAX = 500
_encode = msgspec.json.Encoder().encode


class Words(NamedTuple):
    """How a database says some things; the tables are made out of one parameter, a JSON array.

    `numbers`: `value`, a whole number. `numbered`: `owner`, `value`: a whole number and its place. `texts`: the
    same of texts. Places begin at 0. `joined`: the values `number` of a group, with commas between them.
    """

    numbers: str
    numbered: str
    texts: str
    joined: str


SQLITE_WORDS = Words(
    numbers="json_each(?)",
    numbered="(SELECT key AS owner, value FROM json_each(?))",
    texts="(SELECT key AS owner, value FROM json_each(?))",
    joined="group_concat(number)",
)
POSTGRES_WORDS = Words(
    # Of numbers a JSON array is PostgreSQL's own but for its brackets, and its own is read several times faster.
    numbers="(SELECT value FROM unnest(('{' || btrim(?, '[]') || '}')::bigint[]) t(value))",
    numbered=(
        "(SELECT nth - 1 AS owner, value "
        "FROM unnest(('{' || btrim(?, '[]') || '}')::bigint[]) WITH ORDINALITY t(value, nth))"
    ),
    texts="(SELECT nth - 1 AS owner, value FROM json_array_elements_text(?::json) WITH ORDINALITY t(value, nth))",
    joined="string_agg(number::text, ',')",
)


class Answer(Protocol):
    """What a statement found. Where nobody fetches it, nobody waits for it either (see storage.postgres_line)."""

    def fetchone(self) -> Any:
        """The next row or None."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows."""
        ...


class Transaction(Protocol):
    """An open transaction. `locks` is what makes a SELECT hold its rows there.

    What is put into `news` (see durable.news) is told once, when the transaction commits. `numbers` is a table of
    whole numbers, column `value`, out of one parameter: a JSON array.
    """

    locks: str
    numbers: str
    skips_locked: str
    words: Words
    news: set[str]

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Answer:
        """One statement with `?` placeholders."""
        ...

    def ask_in(self, sql: str, keys: Collection[Any], tail: str = "") -> Answer:
        """Ask for rows of `sql` + "IN keys" + `tail`; `sql` ends with the column's name.

        Several that are asked before the first one's rows are fetched are waited for once.
        """
        ...

    def select_in(self, sql: str, keys: Collection[Any], tail: str = "") -> list[Row]:
        """The rows of `ask_in`."""
        ...

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row], conflict: str = "") -> None:
        """Insert all rows; `conflict` is an ON CONFLICT clause."""
        ...

    def ask_new(self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Row]) -> Answer:
        """Insert the rows whose `keys` (the first columns) are not there yet; the keys of those inserted."""
        ...

    def insert_new(self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Row]) -> set[Row]:
        """The keys of `ask_new`."""
        ...

    def update(self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Row]) -> None:
        """Set `columns` where `keys` match; each row has the columns' values, then the keys'."""
        ...

    def gather(
        self, sql: str, columns: Sequence[str], parameters: Sequence[Any] = (), content: str = ""
    ) -> list[Row]:
        """The rows of a SELECT of `columns`, texts and numbers, and last of `content`, bytes; read in one step.

        A step of SQLite's lets go of the interpreter, and waits for it behind whoever is busy: thousands of short
        steps would take seconds.
        """
        ...

    def insert_at_once(self, table: str, columns: Sequence[str], rows: Sequence[Row], conflict: str = "") -> None:
        """`insert` in one step (see `gather`)."""
        ...

    def trust_indexes(self) -> None:
        """From here to the end, rows wanted in an order are read by the index that has it, not read and sorted."""
        ...

    def order_commits(self) -> None:
        """From here to the end no other transaction does the same: what is numbered now commits in order."""
        ...

    def hold_numbers(self, numbers: Collection[int]) -> None:
        """From here to the end no other transaction holds any of these (32 bits); taken in their order."""
        ...

    def blinded(self, keys: Sequence[int]) -> list[int]:
        """Match keys as they stand in the index: where the store has a vault, hashed with its secret."""
        ...

    def hashed(self, subject: str) -> str:
        """Whose data it is (see storage.sealing), as the table of keys has it: hashed likewise."""
        ...


class Found:
    """Rows that are here already."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    def fetchone(self) -> Any:
        """See Answer."""
        return self._rows.pop(0) if self._rows else None

    def fetchall(self) -> list[Any]:
        """See Answer."""
        return self._rows


class SqliteTransaction:
    """On SQLite one transaction writes at a time: nothing needs locks."""

    locks = ""
    skips_locked = ""
    numbers = SQLITE_WORDS.numbers
    words = SQLITE_WORDS

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self.news: set[str] = set()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Answer:
        """See Transaction."""
        return self._connection.execute(sql, parameters)

    def ask_in(self, sql: str, keys: Collection[Any], tail: str = "") -> Answer:
        """See Transaction."""
        return Found(self.select_in(sql, keys, tail))

    def select_in(self, sql: str, keys: Collection[Any], tail: str = "") -> list[Row]:
        """See Transaction."""
        found: list[Row] = []
        wanted = list(keys)
        for start in range(0, len(wanted), SQLITE_PARAMETERS_MAX):
            part = wanted[start : start + SQLITE_PARAMETERS_MAX]
            marks = ",".join("?" * len(part))
            found += self._connection.execute(f"{sql} IN ({marks}) {tail}", part).fetchall()
        return found

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row], conflict: str = "") -> None:
        """See Transaction."""
        if rows:
            self._connection.executemany(_sqlite_insert(table, tuple(columns), conflict), rows)

    def ask_new(self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Row]) -> Answer:
        """See Transaction."""
        return Found(list(self.insert_new(table, columns, keys, rows)))

    def insert_new(self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Row]) -> set[Row]:
        """See Transaction."""
        sql = _sqlite_insert(table, tuple(columns), "ON CONFLICT DO NOTHING")
        width, execute = len(keys), self._connection.execute
        return {row[:width] for row in rows if execute(sql, row).rowcount}

    def update(self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Row]) -> None:
        """See Transaction."""
        if rows:
            changes = ", ".join(f"{name} = ?" for name in columns)
            where = " AND ".join(f"{name} = ?" for name in keys)
            self._connection.executemany(f"UPDATE {table} SET {changes} WHERE {where}", rows)

    def gather(
        self, sql: str, columns: Sequence[str], parameters: Sequence[Any] = (), content: str = ""
    ) -> list[Row]:
        """See Transaction."""
        told = [*columns, f"hex({content})"] if content else columns
        whole = f"SELECT json_group_array(json_array({', '.join(told)})) FROM ({sql})"
        rows = msgspec.json.decode(self._connection.execute(whole, parameters).fetchone()[0])
        if not content:
            return [tuple(row) for row in rows]
        return [(*row[:-1], bytes.fromhex(row[-1]) if row[-1] else None) for row in rows]

    def insert_at_once(self, table: str, columns: Sequence[str], rows: Sequence[Row], conflict: str = "") -> None:
        """See Transaction. JSON holds no bytes: they follow it in one piece, and it says where."""
        if not rows:
            return
        told: Sequence[Any] = rows
        whole = b""
        places = tuple(place for place, value in enumerate(rows[0]) if isinstance(value, bytes))
        if places:
            told = [list(row) for row in rows]
            pieces, at = [], 1
            for row in told:
                for place in places:
                    pieces.append(row[place])
                    row[place] = [at, len(row[place])]
                    at += row[place][1]
            whole = b"".join(pieces)
        sql = _sqlite_insert_at_once(table, tuple(columns), places, conflict)
        self._connection.execute(sql, (_as_json(told), whole))

    def trust_indexes(self) -> None:
        """See Transaction. SQLite does so by itself."""

    def order_commits(self) -> None:
        """See Transaction."""

    def hold_numbers(self, numbers: Collection[int]) -> None:
        """See Transaction."""

    def blinded(self, keys: Sequence[int]) -> list[int]:
        """See Transaction."""
        return list(keys)

    def hashed(self, subject: str) -> str:
        """See Transaction."""
        return subject


class PostgresTransaction:
    """On PostgreSQL many workers write; rows are locked in one order everywhere."""

    locks = "FOR UPDATE"
    skips_locked = "FOR UPDATE SKIP LOCKED"
    numbers = POSTGRES_WORDS.numbers
    words = POSTGRES_WORDS

    def __init__(self, connection: PostgresConnection[Row]) -> None:
        self._connection = connection
        self.news: set[str] = set()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Answer:
        """See Transaction."""
        return self._connection.execute(_marks(sql), parameters)

    def ask_in(self, sql: str, keys: Collection[Any], tail: str = "") -> Answer:
        """See Transaction."""
        if not keys:
            return Found([])
        return self._connection.execute(_select_in(sql, tail), [_as_json(list(keys))])

    def select_in(self, sql: str, keys: Collection[Any], tail: str = "") -> list[Row]:
        """See Transaction."""
        return self.ask_in(sql, keys, tail).fetchall()

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row], conflict: str = "") -> None:
        """See Transaction."""
        if rows:
            sql = _postgres_insert(table, tuple(columns), conflict)
            self._connection.execute(sql, _columns(rows))

    def ask_new(self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Row]) -> Answer:
        """See Transaction."""
        if not rows:
            return Found([])
        returning = f"ON CONFLICT DO NOTHING RETURNING {', '.join(keys)}"
        return self._connection.execute(_postgres_insert(table, tuple(columns), returning), _columns(rows))

    def insert_new(self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Row]) -> set[Row]:
        """See Transaction."""
        return set(self.ask_new(table, columns, keys, rows).fetchall())

    def update(self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Row]) -> None:
        """See Transaction."""
        if rows:
            sql = _postgres_update(table, tuple(columns), tuple(keys))
            self._connection.execute(sql, _columns(rows))

    def gather(
        self, sql: str, columns: Sequence[str], parameters: Sequence[Any] = (), content: str = ""
    ) -> list[Row]:
        """See Transaction."""
        del columns, content  # only SQLite has to know their names
        return self._connection.execute(_marks(sql), parameters, binary=True).fetchall()

    def insert_at_once(self, table: str, columns: Sequence[str], rows: Sequence[Row], conflict: str = "") -> None:
        """See Transaction."""
        self.insert(table, columns, rows, conflict)

    def trust_indexes(self) -> None:
        """See Transaction."""
        self._connection.execute(b"SET LOCAL enable_sort = off")

    def order_commits(self) -> None:
        """See Transaction."""
        self._connection.execute(b"SELECT pg_advisory_xact_lock(7291466016001)")

    def hold_numbers(self, numbers: Collection[int]) -> None:
        """See Transaction."""
        if numbers:
            self._connection.execute(_HOLD_NUMBERS, [_as_json(sorted(numbers))])

    def blinded(self, keys: Sequence[int]) -> list[int]:
        """See Transaction."""
        return list(keys)

    def hashed(self, subject: str) -> str:
        """See Transaction."""
        return subject


_HOLD_NUMBERS = b"SELECT pg_advisory_xact_lock(7291466, value::integer) FROM json_array_elements_text(%s::json)"


@lru_cache(maxsize=256)
def _marks(sql: str) -> bytes:
    return sql.replace("%", "%%").replace("?", "%s").encode()


@lru_cache(maxsize=256)
def _sqlite_insert(table: str, columns: tuple[str, ...], conflict: str) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) {conflict}"


@lru_cache(maxsize=256)
def _sqlite_insert_at_once(table: str, columns: tuple[str, ...], places: tuple[int, ...], conflict: str) -> str:
    values = ", ".join(
        f"substr(?2, json_extract(value, '$[{place}][0]'), json_extract(value, '$[{place}][1]'))"
        if place in places
        else f"json_extract(value, '$[{place}]')"
        for place in range(len(columns))
    )
    # Behind a SELECT, ON CONFLICT is only understood where there is a WHERE.
    rows = f"SELECT {values} FROM json_each(?1) WHERE ?2 IS NOT NULL"
    return f"INSERT INTO {table} ({', '.join(columns)}) {rows} {conflict}"


@lru_cache(maxsize=256)
def _select_in(sql: str, tail: str) -> bytes:
    return _marks(sql) + b" = ANY(ARRAY(SELECT json_array_elements_text(%s::json))) " + tail.encode()


@lru_cache(maxsize=256)
def _postgres_insert(table: str, columns: tuple[str, ...], conflict: str) -> bytes:
    values = ", ".join(_value(table, name) for name in columns)
    names = ", ".join(columns)
    return f"INSERT INTO {table} ({names}) SELECT {values} FROM {_rows(table, columns)} {conflict}".encode()


@lru_cache(maxsize=256)
def _postgres_update(table: str, columns: tuple[str, ...], keys: tuple[str, ...]) -> bytes:
    changes = ", ".join(f"{name} = {_value(table, name)}" for name in columns)
    where = " AND ".join(f"{table}.{name} = {_value(table, name)}" for name in keys)
    return f"UPDATE {table} SET {changes} FROM {_rows(table, (*columns, *keys))} WHERE {where}".encode()


def _columns(rows: Sequence[Row]) -> list[str]:
    """Each column as one JSON array: encoded at C speed, where the driver dumps arrays element by element."""
    return [_as_json(column) for column in zip(*rows, strict=True)]


def _rows(table: str, names: tuple[str, ...]) -> str:
    arrays = (
        f"unnest(('{{' || btrim(%t, '[]') || '}}')::{number}[])"
        if (number := _number(table, name))
        else "json_array_elements_text(%t::json)"
        for name in names
    )
    return f"ROWS FROM ({', '.join(arrays)}) AS v({', '.join(names)})"


def _number(table: str, column: str) -> str:
    """The type of a column of whole numbers, else an empty text."""
    kind = METADATA.tables[table].c[column].type
    return "bigint" if isinstance(kind, BigInteger) else "integer" if isinstance(kind, Integer) else ""


def _value(table: str, column: str) -> str:
    is_bytes = isinstance(METADATA.tables[table].c[column].type, LargeBinary)
    return f"decode(v.{column}, 'base64')" if is_bytes else f"v.{column}"


def _as_json(values: Sequence[Any]) -> str:
    """A JSON array; bytes become base64."""
    return _encode(values).decode()
