"""Watching sales, shipments and invoices: Tryton calls nobody, so the hub asks for what was modified lately.

A record is stamped with the start of its transaction, so one that commits late appears behind records that
were seen already. Each poll therefore looks back over an overlap, and the cursor lists what it has reported in
there, so that nothing is missed and next to nothing is told twice. Deleted records do not show (the hub's user
may not delete, and Tryton lets nobody delete a sale that was confirmed).
"""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from crossdock.adapters.tryton import mapping
from crossdock.adapters.tryton.client import TrytonClient, as_rows
from crossdock.adapters.tryton.settings import TrytonSettings
from crossdock.adapters.tryton.wire import (
    ChangedInvoiceRow,
    ChangedRow,
    ChangedSaleRow,
    ChangedShipmentRow,
    OwnedSaleRow,
    fields_of,
)
from crossdock.kit.clock import Instant, seconds_to_us, to_datetime
from crossdock.kit.errors import Invalid
from crossdock.ports.order_gateway import ChangePage, OrderChange
from crossdock.transport.payload import finding_of

PAGE_ROWS = 200
# What the cursor remembers of the overlap; beyond it, changes are told again rather than skipped.
SEEN_MAX = 5_000

Seen = tuple[str, int, Instant]


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The newest stamp reported so far, and what was reported within the overlap before it."""

    at: Instant
    seen: tuple[Seen, ...] = ()


class Watched(msgspec.Struct, frozen=True):
    """A model that is polled: its rows, and the sales a row belongs to."""

    kind: str
    model: str
    row: type[ChangedRow]
    sales: Callable[[Any], Iterator[OwnedSaleRow]]


def _sale(row: ChangedSaleRow) -> Iterator[OwnedSaleRow]:
    yield OwnedSaleRow(id=row.id, number=row.number, reference=row.reference, create_uid=row.create_uid)


def _sales_of_shipment(row: ChangedShipmentRow) -> Iterator[OwnedSaleRow]:
    yield from {move.sale_.id: move.sale_ for move in row.outgoing_moves_ if move.sale_}.values()


def _sales_of_invoice(row: ChangedInvoiceRow) -> Iterator[OwnedSaleRow]:
    yield from row.sales_


WATCHED = (
    Watched("order", "sale.sale", ChangedSaleRow, _sale),
    Watched("shipment", "stock.shipment.out", ChangedShipmentRow, _sales_of_shipment),
    Watched("invoice", "account.invoice", ChangedInvoiceRow, _sales_of_invoice),
)


class Changes:
    """Reads pages of changes; see `OrderGateway.read_changes`."""

    def __init__(self, client: TrytonClient, settings: TrytonSettings) -> None:
        self._client = client
        self._overlap = seconds_to_us(settings.change_overlap_seconds)

    async def read(self, cursor: str, *, limit: int) -> ChangePage:
        """Changes after `cursor`, oldest first, at most `limit` records."""
        if not cursor:
            return ChangePage(changes=(), cursor=_text(await self._present()))
        start = _cursor(cursor)
        seen = set(start.seen)
        since = start.at - self._overlap
        found = [
            (stamp, watched, row)
            for watched in WATCHED
            async for stamp, row in self._fresh(watched, since, seen, limit + 1)
        ]
        found.sort(key=lambda item: (item[0], item[1].kind, item[2].id))
        told, left = found[:limit], found[limit:]
        user = (await self._client.session()).user_id
        changes = tuple(change for _, watched, row in told for change in _changes(watched, row, user))
        seen |= {(watched.kind, row.id, stamp) for stamp, watched, row in told}
        at = max([start.at, *(stamp for stamp, _, _ in told)])
        return ChangePage(changes=changes, cursor=_text(self._remember(at, seen)), more=bool(left))

    async def _present(self) -> Cursor:
        """Where a reader starts who wants nothing from before: everything in the overlap counts as reported."""
        newest: Instant = 0
        for watched in WATCHED:
            rows = await self._client.search_read(
                watched.model, [], ["last_modified_at"], rows_max=1, order=[("last_modified_at", "DESC")]
            )
            newest = max([newest, *(mapping.instant(row["last_modified_at"]) for row in rows)])
        seen: set[Seen] = set()
        for watched in WATCHED:
            async for stamp, row in self._fresh(watched, newest - self._overlap, set(), SEEN_MAX):
                seen.add((watched.kind, row.id, stamp))
        return self._remember(newest, seen)

    def _remember(self, at: Instant, seen: set[Seen]) -> Cursor:
        recent = sorted((entry for entry in seen if entry[2] >= at - self._overlap), key=lambda entry: entry[2])
        return Cursor(at, tuple(recent[-SEEN_MAX:]))

    async def _fresh(
        self, watched: Watched, since: Instant, seen: set[Seen], rows_max: int
    ) -> AsyncIterator[tuple[Instant, ChangedRow]]:
        """Up to `rows_max` rows modified at or after `since` that are not in `seen`, oldest first."""
        after, after_id, count = _naive(since), 0, 0
        while True:
            later = [
                "OR",
                ("last_modified_at", ">", after),
                [("last_modified_at", "=", after), ("id", ">", after_id)],
            ]
            page = await self._client.search_read(
                watched.model,
                later,
                fields_of(watched.row),
                rows_max=PAGE_ROWS,
                order=[("last_modified_at", "ASC"), ("id", "ASC")],
            )
            for row in as_rows(page, watched.row):
                after, after_id = row.last_modified_at, row.id
                stamp = mapping.instant(row.last_modified_at)
                if (watched.kind, row.id, stamp) not in seen:
                    count += 1
                    yield stamp, row
                    if count >= rows_max:
                        return
            if len(page) < PAGE_ROWS:
                return


def _changes(watched: Watched, row: ChangedRow, user: int) -> Iterator[OrderChange]:
    for sale in watched.sales(row):
        if sale.create_uid == user and sale.reference:
            yield mapping.change(watched.kind, row, sale, watched.model)


def _naive(instant: Instant) -> datetime:
    return to_datetime(max(instant, 0)).astimezone(UTC).replace(tzinfo=None)


def _text(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def _cursor(text: str) -> Cursor:
    try:
        return msgspec.json.decode(text, type=Cursor)
    except msgspec.DecodeError as error:
        finding = finding_of(error)
        raise Invalid(
            "this is no cursor of ours", code="cursor", system=mapping.SYSTEM, findings=[finding]
        ) from None
