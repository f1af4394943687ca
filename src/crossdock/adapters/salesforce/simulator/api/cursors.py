"""Query results that are fetched page by page."""

import re
from typing import Any

import msgspec

from crossdock.adapters.salesforce.simulator.failures import ApiError
from crossdock.adapters.salesforce.simulator.soql.run import Found
from crossdock.adapters.salesforce.simulator.tables.ids import CASE_SAFE_LENGTH, IdSequence
from crossdock.kit.clock import Clock, Instant, seconds_to_us

_LOCATOR = re.compile(r"(01g\w{12}(?:\w{3})?)-(\d+)")
_OPEN_MAX = 5_000


class Cursor(msgspec.Struct, frozen=True):
    """One result, the size of its pages, and when it is forgotten."""

    found: Found
    page_rows: int
    expires_at: Instant


class Page(msgspec.Struct, frozen=True):
    """A page: its records, the size of the whole, and the locator of the next one, if there is one."""

    records: list[dict[str, Any]]
    total: int
    locator: str | None


class Cursors:
    """Open results; the oldest are forgotten when there are too many."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._lifetime_us = seconds_to_us(seconds)
        self._ids = IdSequence()
        self._open: dict[str, Cursor] = {}

    def first(self, found: Found, page_rows: int) -> Page:
        """The first page of a result; a cursor is kept when there is more."""
        if len(found.rows) <= page_rows:
            return Page([found.write(row) for row in found.rows], len(found.rows), None)
        cursor_id = self._ids.next("01g")
        while len(self._open) >= _OPEN_MAX:
            del self._open[next(iter(self._open))]
        cursor = Cursor(found, page_rows, self._clock.now() + self._lifetime_us)
        self._open[cursor_id[:CASE_SAFE_LENGTH]] = cursor
        return self._page(cursor_id, cursor, 0)

    def next(self, locator: str) -> Page:
        """The page a locator names. Raises ApiError INVALID_QUERY_LOCATOR."""
        match = _LOCATOR.fullmatch(locator)
        cursor = self._open.get(match[1][:CASE_SAFE_LENGTH]) if match else None
        if match is None or cursor is None or cursor.expires_at <= self._clock.now():
            raise ApiError("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(match[1], cursor, int(match[2]))

    @staticmethod
    def _page(cursor_id: str, cursor: Cursor, start: int) -> Page:
        rows = cursor.found.rows
        end = start + cursor.page_rows
        records = [cursor.found.write(row) for row in rows[start:end]]
        return Page(records, len(rows), f"{cursor_id}-{end}" if end < len(rows) else None)
