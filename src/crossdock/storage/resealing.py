"""What an earlier release wrote plain is sealed, page by page, while the hub works.

    table by table ─ the next rows by their keys ─ those with something plain written anew ─ the place noted

A page is a commit that notes its place, too: whatever ends it between, it goes on there when called again. Rows
that somebody else holds are passed over, and found by the next pass; the last pass finds none.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from crossdock.durable.codec import decode, encode
from crossdock.kit.clock import Instant
from crossdock.storage.order_tracing import trace_runs
from crossdock.storage.schema import METADATA
from crossdock.storage.sealing import SEALED, SealedTransaction
from crossdock.storage.transaction import Row, Transaction

T = TypeVar("T")
PAGE = 200
CURSOR = "seal"
TABLES = tuple(sorted(SEALED))


class SealingPlace(msgspec.Struct, frozen=True):
    """How far it got: rows behind these keys come next. Empty: at the first row of the table."""

    table: str = TABLES[0]
    behind: tuple[str | int, ...] = ()

    @property
    def is_first(self) -> bool:
        """Whether nothing comes before it: a pass from here looks at every row."""
        return self == SealingPlace()


class SealedPage(msgspec.Struct, frozen=True, kw_only=True):
    """What one page came to; no `place` behind the last row of the last table."""

    looked: int
    sealed: int
    place: SealingPlace | None


class ResealingStore(ABC):
    """A store whose rows can be sealed afterwards; without a vault nothing is."""

    @abstractmethod
    async def _read(self, work: Callable[[Transaction], T]) -> T: ...

    @abstractmethod
    async def _write(self, work: Callable[[Transaction], T]) -> T: ...

    async def sealing_place(self) -> SealingPlace:
        """Where a pass that was stopped goes on."""
        return await self._read(_place)

    async def count_to_look_at(self) -> int:
        """How many rows there are in all tables that hold anything sealed."""
        return await self._read(
            lambda tx: sum(int(tx.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in TABLES)
        )

    async def seal_page(self, place: SealingPlace, now: Instant, limit: int = PAGE) -> SealedPage:
        """Seal what is plain in the next rows, and note the place."""
        return await self._write(partial(seal_page, place=place, now=now, limit=limit))


def seal_page(tx: Transaction, place: SealingPlace, now: Instant, limit: int) -> SealedPage:
    """See ResealingStore."""
    if not isinstance(tx, SealedTransaction):
        return SealedPage(looked=0, sealed=0, place=None)
    rows, keys, columns = _rows(tx, place, limit)
    owed = [row for row, is_owed in zip(rows, tx.is_owed(place.table, columns, rows), strict=True) if is_owed]
    changed = [name for name in columns if name not in keys]
    places = [columns.index(name) for name in (*changed, *keys)]
    # A cell that is sealed already is opened first: the row is written as a whole.
    anew = [tuple(row[each] for each in places) for row in tx.opened(owed)]
    tx.update(place.table, changed, keys, anew)
    if place.table == "run":
        at = columns.index("input")
        trace_runs(tx, [(row[0], bytes(row[at])) for row in tx.opened(rows)], now)
    after = _next(place, tuple(rows[-1][columns.index(name)] for name in keys) if len(rows) == limit else ())
    note = encode(after).decode() if after else ""
    tx.insert(
        "cursor",
        ("name", "position", "holder", "at"),
        [(CURSOR, note, "", now)],
        "ON CONFLICT (name) DO UPDATE SET position = excluded.position, at = excluded.at",
    )
    return SealedPage(looked=len(rows), sealed=len(owed), place=after)


def _rows(
    tx: SealedTransaction, place: SealingPlace, limit: int
) -> tuple[list[Row], tuple[str, ...], tuple[str, ...]]:
    """The next rows as they lie there, the names of their keys, and of all that was read of them."""
    table, rule = METADATA.tables[place.table], SEALED[place.table]
    keys = tuple(column.name for column in table.primary_key.columns)
    columns = (*keys, *(name for name in (rule.by, *rule.columns) if name not in keys))
    where, parameters = "", list[Any]()
    if place.behind:
        marks = ", ".join("?" * len(keys))
        where, parameters = f"WHERE ({', '.join(keys)}) > ({marks})", list(place.behind)
    page = f"{where} ORDER BY {', '.join(keys)} LIMIT ? {tx.skips_locked}"
    select = f"SELECT {', '.join(columns)} FROM {place.table} {page}"
    found = tx.inner.execute(select, (*parameters, limit)).fetchall()
    binary = [at for at, name in enumerate(columns) if name in rule.columns]
    return [_with_bytes(row, binary) for row in found], keys, columns


def _with_bytes(row: Row, binary: Sequence[int]) -> Row:
    return tuple(bytes(cell) if place in binary and cell is not None else cell for place, cell in enumerate(row))


def _next(place: SealingPlace, behind: tuple[str | int, ...]) -> SealingPlace | None:
    if behind:
        return SealingPlace(place.table, behind)
    number = TABLES.index(place.table) + 1
    return SealingPlace(TABLES[number]) if number < len(TABLES) else None


def _place(tx: Transaction) -> SealingPlace:
    row = tx.execute("SELECT position FROM cursor WHERE name = ?", (CURSOR,)).fetchone()
    return decode(row[0].encode(), SealingPlace) if row is not None and row[0] else SealingPlace()
