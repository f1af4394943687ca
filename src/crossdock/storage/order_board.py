"""The order board in the database: rows, the numbers they are found by, and a counter per status."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from msgspec.structs import astuple

from crossdock.canonical.status import OrderStatus
from crossdock.kit.clock import Instant
from crossdock.ports.order_board import PAGE_ROWS_MAX, SEARCH_MATCHES_MAX, BoardPosition, BoardRow, WriteBoard
from crossdock.storage.transaction import Row, Transaction

T = TypeVar("T")

_COLUMNS = BoardRow.__struct_fields__
_SELECT = f"SELECT {', '.join(f'b.{name}' for name in _COLUMNS)} FROM order_board b"
_CONFLICT = "ON CONFLICT (order_id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in _COLUMNS if name not in {"order_id", "captured_at"}
)
_NUMBER_COLUMNS = ("number", "captured_at", "order_id")
_FOUND_BY = ("order_id", "record", "erp_number", "customer")
_COUNT = (
    "INSERT INTO order_count (status, orders) VALUES (?, ?) "
    "ON CONFLICT (status) DO UPDATE SET orders = order_count.orders + excluded.orders"
)


class BoardStore(ABC):
    """See OrderBoard."""

    @abstractmethod
    async def _read(self, work: Callable[[Transaction], T]) -> T: ...

    async def find_orders(self, order_ids: Collection[str]) -> Mapping[str, BoardRow]:
        """See OrderBoard."""
        return await self._read(partial(find_orders, order_ids=order_ids))

    async def list_orders(
        self,
        *,
        status: OrderStatus | None = None,
        search: str = "",
        behind: BoardPosition | None = None,
        limit: int = 50,
    ) -> Sequence[BoardRow]:
        """See OrderBoard."""
        limit = min(limit, PAGE_ROWS_MAX)
        number = as_number(search)
        if number:
            return await self._read(
                partial(search_orders, number=number, status=status, behind=behind, limit=limit)
            )
        return await self._read(partial(list_orders, status=status, behind=behind, limit=limit))

    async def count_orders(self) -> Mapping[OrderStatus, int]:
        """See OrderBoard."""
        return await self._read(count_orders)


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────


def write_board(tx: Transaction, effects: Sequence[WriteBoard], _now: Instant) -> list[object]:
    """Write the rows of each effect, their new numbers, and what they move from status to status."""
    for effect in effects:
        rows = {row.order_id: row for row in effect.rows}
        known = find_orders(tx, rows)
        values = [astuple(rows[key]) for key in sorted(rows)]
        tx.insert("order_board", _COLUMNS, values, _CONFLICT)
        numbers = {number for key, row in rows.items() for number in _new_numbers(row, known.get(key))}
        tx.insert("order_number", _NUMBER_COLUMNS, sorted(numbers), "ON CONFLICT DO NOTHING")
        _count(tx, known, rows)
    return [None] * len(effects)


def _new_numbers(row: BoardRow, before: BoardRow | None) -> Iterator[Row]:
    captured_at = before.captured_at if before else row.captured_at
    for name in _FOUND_BY:
        value = getattr(row, name)
        if value and (before is None or value != getattr(before, name)):
            number = as_number(value)
            if number:
                yield (number, captured_at, row.order_id)


def _count(tx: Transaction, before: Mapping[str, BoardRow], after: Mapping[str, BoardRow]) -> None:
    moved = Counter(row.status for row in after.values())
    moved.subtract(row.status for row in before.values())
    for status in sorted(moved):
        if moved[status]:
            tx.execute(_COUNT, (status.value, moved[status]))


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────


def find_orders(tx: Transaction, order_ids: Collection[str]) -> dict[str, BoardRow]:
    """The rows of these orders."""
    rows = (_row(found) for found in tx.select_in(f"{_SELECT} WHERE b.order_id", list(order_ids)))
    return {row.order_id: row for row in rows}


def list_orders(
    tx: Transaction, status: OrderStatus | None, behind: BoardPosition | None, limit: int
) -> list[BoardRow]:
    """Newest first."""
    return _page(tx, f"{_SELECT} WHERE 1 = 1", [], "b", status, behind, limit)


def search_orders(
    tx: Transaction, number: str, status: OrderStatus | None, behind: BoardPosition | None, limit: int
) -> list[BoardRow]:
    """Orders that have exactly this number; where there is none at all, those with one that begins so."""
    if tx.execute("SELECT 1 FROM order_number WHERE number = ? LIMIT 1", (number,)).fetchone() is not None:
        named = (
            f"{_SELECT} JOIN order_number n ON n.order_id = b.order_id AND n.captured_at = b.captured_at "
            "WHERE n.number = ?"
        )
        return _page(tx, named, [number], "n", status, behind, limit)
    found = tx.execute(
        "SELECT order_id FROM order_number WHERE number >= ? AND number < ? LIMIT ?",
        (number, number + "\U0010ffff", SEARCH_MATCHES_MAX),
    ).fetchall()
    rows = [row for row in find_orders(tx, {row[0] for row in found}).values() if status in {None, row.status}]
    rows.sort(key=lambda row: row.position, reverse=True)
    return [row for row in rows if behind is None or row.position < behind][:limit]


def _page(
    tx: Transaction,
    select: str,
    parameters: list[object],
    ordered_by: str,
    status: OrderStatus | None,
    behind: BoardPosition | None,
    limit: int,
) -> list[BoardRow]:
    place = f"{ordered_by}.captured_at, {ordered_by}.order_id"
    newest_first = place.replace(",", " DESC,") + " DESC"
    if status is not None:
        select += " AND b.status = ?"
        parameters.append(status.value)
    if behind is not None:
        select += f" AND ({place}) < (?, ?)"
        parameters += [behind.captured_at, behind.order_id]
    found = tx.execute(f"{select} ORDER BY {newest_first} LIMIT ?", (*parameters, limit)).fetchall()
    return [_row(row) for row in found]


def count_orders(tx: Transaction) -> dict[OrderStatus, int]:
    """Orders per status, every status named."""
    counted = dict(tx.execute("SELECT status, orders FROM order_count").fetchall())
    return {status: counted.get(status.value, 0) for status in OrderStatus}


def as_number(text: str) -> str:
    """How a number is written for being found: without surrounding blanks, in one case, no NUL."""
    return text.replace("\x00", "").strip().casefold()


def _row(found: Row) -> BoardRow:
    values = dict(zip(_COLUMNS, found, strict=True))
    values["status"] = OrderStatus(values["status"])
    return BoardRow(**values)
