"""Which parties were deleted: Tryton's log keeps that one was, and answers no question about which but yes or no.

The log's reference to a record that is gone is read as nothing, yet can still be searched by. So its number is
asked for digit by digit, half of the digits at a time. Parties are hardly ever deleted: one with documents cannot
be.
"""

from collections.abc import Sequence
from typing import Any

from crossdock.adapters.tryton.client import TrytonClient, as_rows
from crossdock.adapters.tryton.wire import DeletionRow, fields_of

LOG = "ir.model.log"
_DIGITS = "0123456789"
_DIGITS_MAX = 18


class Deletions:
    """Reads the log of one database. Raises what `TrytonClient` raises."""

    def __init__(self, client: TrytonClient, model: str) -> None:
        self._client = client
        self._beginning = f"{model},"
        self._known: dict[int, int | None] = {}

    async def since(self, *stamps: Any) -> list[DeletionRow]:
        """The log's lines about deleted records whose `create_date` meets these conditions, oldest first."""
        domain = [("event", "=", "delete"), ("resource", "like", f"{self._beginning}%"), *stamps]
        return as_rows(await self._client.search_read(LOG, domain, fields_of(DeletionRow)), DeletionRow)

    async def which(self, line: int) -> int | None:
        """The number of the record that a line of the log is about; None for one that is no number. Asked once."""
        if line not in self._known:
            self._known[line] = await self._ask(line)
        return self._known[line]

    async def _ask(self, line: int) -> int | None:
        known = ""
        while len(known) <= _DIGITS_MAX:
            if known and await self._is(line, ("resource", "=", f"{self._beginning}{known}")):
                return int(known)
            digit = await self._next_digit(line, known)
            if not digit:
                break
            known += digit
        return None

    async def _next_digit(self, line: int, known: str) -> str:
        left: Sequence[str] = _DIGITS
        if not await self._begins(line, known, left):
            return ""
        while len(left) > 1:
            half = left[: len(left) // 2]
            left = half if await self._begins(line, known, half) else left[len(half) :]
        return left[0]

    async def _begins(self, line: int, known: str, digits: Sequence[str]) -> bool:
        choice = [("resource", "like", f"{self._beginning}{known}{digit}%") for digit in digits]
        return await self._is(line, ["OR", *choice])

    async def _is(self, line: int, condition: Any) -> bool:
        return bool(await self._client.search_read(LOG, [("id", "=", line), condition], ["id"]))
