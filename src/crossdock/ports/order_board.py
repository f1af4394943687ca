"""The order board: every order as one row, so that people find it by any of its numbers and counts are instant.

A row is what the order's events say, folded; it is never the truth, and can be made again from them.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from crossdock.canonical.status import OrderStatus
from crossdock.durable.records import Effect
from crossdock.kit.clock import Instant

PAGE_ROWS_MAX = 200
SEARCH_MATCHES_MAX = 1_000


class BoardRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order as the board shows it.

    `reason` is what a person should read beside the status. `captured_at` is when the first was heard of the
    order and never changes; `decided_at` is when it was accepted or refused, 0 before.
    """

    order_id: str
    status: OrderStatus
    captured_at: Instant
    updated_at: Instant
    decided_at: Instant = 0
    channel: str = ""
    brand: str = ""
    region: str = ""
    customer: str = ""
    record: str = ""
    erp: str = ""
    erp_number: str = ""
    currency: str = ""
    net: str = ""
    reason: str = ""

    @property
    def position(self) -> "BoardPosition":
        """Where the row stands in the list."""
        return BoardPosition(self.captured_at, self.order_id)


class BoardPosition(msgspec.Struct, frozen=True, order=True):
    """A place in the list, newest first: the next page begins behind it."""

    captured_at: Instant
    order_id: str


class WriteBoard(Effect, frozen=True):
    """Put these rows on the board, in place of what stood there; commits with the events they come from."""

    rows: tuple[BoardRow, ...]


class OrderBoard(Protocol):
    """Looks orders up. Every method raises StoreUnavailable where the database does not answer."""

    async def find_orders(self, order_ids: Collection[str]) -> Mapping[str, BoardRow]:
        """The rows of these orders; an unknown one is simply absent."""
        ...

    async def list_orders(
        self,
        *,
        status: OrderStatus | None = None,
        search: str = "",
        behind: BoardPosition | None = None,
        limit: int = 50,
    ) -> Sequence[BoardRow]:
        """Up to `limit` rows behind that position, newest first.

        `search` is an order id, ERP number, record or customer number, in any case. Where it is none in full,
        it is taken as the beginning of one, among the first SEARCH_MATCHES_MAX numbers that begin so.
        """
        ...

    async def count_orders(self) -> Mapping[OrderStatus, int]:
        """How many orders have each status; from counters, however many there are."""
        ...
