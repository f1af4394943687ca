"""The ERP as the hub needs it: orders submitted once, found again, cancelled, watched."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from crossdock.canonical.order import Order
from crossdock.kit.clock import Instant

AcceptanceStatus = Literal["accepted", "partly_accepted", "pending"]
"""`pending`: the ERP has the order and has not decided, or said something we do not know."""


class LineResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the ERP made of one line: so many millionths accepted; the rest refused for `reason_code`."""

    line_id: str
    accepted_micro: int
    refused_micro: int = 0
    reason_code: str = ""
    reason: str = ""
    vendor_code: str = ""


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The ERP's answer to a submission; partial acceptance is a result per line, never an error."""

    number: str
    status: AcceptanceStatus
    lines: tuple[LineResult, ...]
    vendor_status: str = ""


class OrderChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something moved in the ERP: an order, shipment or invoice that belongs to one of our keys."""

    key: str
    number: str
    kind: Literal["order", "shipment", "invoice"]
    document: str
    vendor_status: str
    changed_at: Instant


class ChangePage(msgspec.Struct, frozen=True, kw_only=True):
    """Changes after a cursor. Store `cursor` with the work the changes cause, then ask with it again."""

    changes: tuple[OrderChange, ...]
    cursor: str
    more: bool = False


class OrderGateway(Protocol):
    """Submits orders to an ERP.

    The hub calls `submit_order` only after it made its intention durable. Whatever happens to the answer, the
    order can be found by `key` and cancelled by `key`; the same key twice, also at once, makes one order.
    """

    async def submit_order(self, order: Order, *, key: str, correlation_id: str) -> Acceptance:
        """Create the order under `key` and have the ERP accept it.

        A half-finished order under `key` is continued, never made again. Raises Rejected (nothing is left
        behind), Invalid, Conflict (key used with other content), Unavailable, Throttled, NotAuthorized, or
        OutcomeUnknown when the answer was lost.
        """
        ...

    async def find_order(self, *, key: str) -> Acceptance | None:
        """What became of `key`: the acceptance, or None where nothing or only a half-finished order exists."""
        ...

    async def cancel_order(self, *, key: str, reason: str) -> None:
        """Withdraw whatever stands under `key`; absent or already cancelled is success.

        Raises Rejected where the ERP does not let go of it any more.
        """
        ...

    async def read_changes(self, cursor: str, *, limit: int) -> ChangePage:
        """Changes after `cursor` (empty: from now on), oldest first; may repeat, never skips."""
        ...


class LineAllocation(msgspec.Struct, frozen=True, kw_only=True):
    """Where a line's goods are held for it."""

    line_id: str
    location: str
    micro: int


Allocations = Sequence[LineAllocation]
