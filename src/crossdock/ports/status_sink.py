"""Where an order's status is shown: updates in batches, an outcome per update."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from crossdock.canonical.status import OrderStatus
from crossdock.kit.clock import Instant
from crossdock.kit.errors import CrossdockError


class StatusUpdate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one order's record should show. `record` is the number the sink's system knows the order by.

    `correlation_id` is shown where the sink's system has room for it.
    """

    order_id: str
    record: str
    status: OrderStatus
    as_of: Instant
    reason: str = ""
    erp_number: str = ""
    correlation_id: str = ""


class StatusSink(Protocol):
    """Shows statuses. Writing the same update twice shows the same."""

    async def report_statuses(self, updates: Sequence[StatusUpdate]) -> Sequence[CrossdockError | None]:
        """Write up to the manifest's `batch_max` updates in as few calls as the system allows.

        Returns None or the error for each update, in order. Raises only where nothing was written at all.
        """
        ...
