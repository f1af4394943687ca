"""What became of each order, and how the lanes stood: everything that promises and pictures are made of."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from crossdock.canonical.order import Order
from crossdock.canonical.status import OrderStatus
from crossdock.rehearsal.black_friday.plan import Evening
from crossdock.rehearsal.erp import Document

Band = Literal["urgent", "normal", "patient"]

BANDS: Mapping[Band, str] = {
    "urgent": "urgent (priority 0 to 3)",
    "normal": "normal (4 to 6)",
    "patient": "patient (7 to 9)",
}
_URGENT_MAX, _NORMAL_MAX = 3, 6


class Story(msgspec.Struct, kw_only=True):
    """One order. Times are seconds after the beginning; None: it did not happen.

    `net` is what the hub says was accepted; `shown_at` is when Salesforce first showed the status it `ended` with.
    """

    order: Order
    arrived_at: float
    captured_at: float | None = None
    waiting_at: float | None = None
    waiting_reason: str = ""
    decided_at: float | None = None
    ended: OrderStatus | None = None
    ends: int = 0
    net: str = "0"
    shown_at: float | None = None
    documents: Sequence[Document] = ()

    @property
    def band(self) -> Band:
        """How urgent it is, roughly."""
        priority = self.order.priority
        return "urgent" if priority <= _URGENT_MAX else "normal" if priority <= _NORMAL_MAX else "patient"

    def waited(self) -> float | None:
        """Seconds from its arrival to the ERP's word."""
        return None if self.decided_at is None else self.decided_at - self.arrived_at

    def open_at(self, seconds: float) -> bool:
        """Whether it had arrived and nothing was decided."""
        return self.arrived_at <= seconds and (self.decided_at is None or self.decided_at > seconds)


class LaneSample(msgspec.Struct, frozen=True, kw_only=True):
    """How the lanes stood at a moment. `feedback` is what the relay of statuses says keeps it, if anything."""

    at: float
    erp: str
    erp_reason: str
    ceiling: int
    quota_left: int
    feedback: str

    @property
    def erp_state(self) -> str:
        """`open`, or why not."""
        if self.erp == "open":
            return "open"
        return "throttled" if self.erp_reason == "throttled" else "closed"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The evening as it was. `erp_calls` by what came of them; `status_calls` are those before midnight."""

    evening: Evening
    stories: Sequence[Story]
    lanes: Sequence[LaneSample]
    erp_calls: Mapping[str, int]
    status_calls: int
    faults: Sequence[str] = ()
