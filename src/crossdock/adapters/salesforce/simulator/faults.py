"""What the org is told to do wrong.

Each fault is a small record, the same in Python and as JSON on the control panel (`{"fault": "lock_rows", ...}`).
`times` says how often it strikes; null means until it is cleared. `path` is a regular expression searched for in
the request's path; empty means every path of the data API, but not the token endpoint.
"""

import re
import threading
from typing import TypeVar

import msgspec

from crossdock.adapters.salesforce.simulator.tables.schema import Schema

_DATA_API = "/services/data/"


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag_field="fault", forbid_unknown_fields=True):
    """One kind of misbehaviour."""

    times: int | None = 1


class LockRows(Fault, frozen=True, kw_only=True, tag="lock_rows"):
    """Rows are locked by somebody else: those of `sobject`, or the row `record` and all that point at it."""

    sobject: str = ""
    record: str = ""


class DuplicateRule(Fault, frozen=True, kw_only=True, tag="duplicate_rule"):
    """A new row whose `fields` equal another's is refused, unless the caller may save and says so.

    The vendor writes the key `duplicateResut`; `misspelt=False` writes what its documentation says instead.
    """

    times: int | None = None
    sobject: str
    fields: tuple[str, ...]
    rule: str = "Standard_Duplicate_Rule"
    may_allow_save: bool = True
    misspelt: bool = True


class DailyLimit(Fault, frozen=True, kw_only=True, tag="daily_limit"):
    """The day's API requests are used up."""

    times: int | None = None


class ConcurrentLimit(Fault, frozen=True, kw_only=True, tag="concurrent_limit"):
    """Too many long requests run at once."""


class Unavailable(Fault, frozen=True, kw_only=True, tag="unavailable"):
    """The API answers 503 (or another `status`) and does nothing."""

    path: str = ""
    method: str = ""
    status: int = 503


class DropBeforeWork(Fault, frozen=True, kw_only=True, tag="drop_before_work"):
    """The connection is cut and nothing was done."""

    path: str = ""
    method: str = ""


class DropAfterCommit(Fault, frozen=True, kw_only=True, tag="drop_after_commit"):
    """The work is done and committed, then the connection is cut without an answer."""

    path: str = ""
    method: str = ""


class Latency(Fault, frozen=True, kw_only=True, tag="latency"):
    """Answers come `seconds` late."""

    times: int | None = None
    seconds: float
    path: str = ""


class LateCommit(Fault, frozen=True, kw_only=True, tag="late_commit"):
    """A transaction becomes visible now with stamps of `seconds` ago, as a long-running one does."""

    seconds: float
    sobject: str = ""


class Gap(Fault, frozen=True, kw_only=True, tag="gap"):
    """Changes are announced as gap events: the header only, no values."""

    sobject: str = ""


class Overflow(Fault, frozen=True, kw_only=True, tag="overflow"):
    """A transaction's changes are announced as one GAP_OVERFLOW per object, as after 100,000 changes."""

    sobject: str = ""


class LoseEvents(Fault, frozen=True, kw_only=True, tag="lose_events"):
    """A transaction's change events never reach the bus."""

    sobject: str = ""


class DeliverTwice(Fault, frozen=True, kw_only=True, tag="deliver_twice"):
    """A batch of events holds each of its events twice."""


class DropStream(Fault, frozen=True, kw_only=True, tag="drop_stream"):
    """A subscription breaks off after it has sent `after_events` events."""

    after_events: int = 0


class DeliveryExhausted(Fault, frozen=True, kw_only=True, tag="delivery_exhausted"):
    """The day's event deliveries are used up."""

    times: int | None = None


class PublishExhausted(Fault, frozen=True, kw_only=True, tag="publish_exhausted"):
    """The hour's event publications are used up."""


class HideField(Fault, frozen=True, kw_only=True, tag="hide_field"):
    """The integration user may not see a field, or only not write it."""

    times: int | None = None
    sobject: str
    field: str
    read_only: bool = False


AnyFault = (
    LockRows
    | DuplicateRule
    | DailyLimit
    | ConcurrentLimit
    | Unavailable
    | DropBeforeWork
    | DropAfterCommit
    | Latency
    | LateCommit
    | Gap
    | Overflow
    | LoseEvents
    | DeliverTwice
    | DropStream
    | DeliveryExhausted
    | PublishExhausted
    | HideField
)
Kind = TypeVar("Kind", bound=Fault)


class Faults:
    """The faults that are switched on. Safe to use from several threads."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._lock = threading.Lock()
        self._active: list[Fault] = []
        self._left: dict[int, int | None] = {}

    @property
    def active(self) -> list[Fault]:
        """The faults that will still strike, oldest first."""
        with self._lock:
            return list(self._active)

    def add(self, fault: Fault) -> None:
        """Switch a fault on. Raises ValueError: `times` below one, a bad pattern, a field that is not there."""
        if fault.times is not None and fault.times < 1:
            raise ValueError("times: at least 1, or null for ever")
        try:
            re.compile(getattr(fault, "path", ""))
        except re.error as broken:
            raise ValueError(f"path: {broken}") from None
        own = msgspec.structs.replace(fault)  # the same record may be added twice and strikes twice
        with self._lock:
            if isinstance(own, HideField):
                self._set_visibility(own, hidden=True)
            self._active.append(own)
            self._left[id(own)] = own.times

    def clear(self, kind: type[Fault] = Fault) -> None:
        """Switch off all faults of a kind; without one, all."""
        with self._lock:
            for fault in [fault for fault in self._active if isinstance(fault, kind)]:
                self._remove(fault)

    def take(
        self,
        kind: type[Kind],
        *,
        sobject: str = "",
        records: frozenset[str] = frozenset(),
        path: str = "",
        method: str = "",
    ) -> Kind | None:
        """The first fault of a kind that applies here, counted as having struck; None when there is none."""
        with self._lock:
            for fault in self._active:
                if isinstance(fault, kind) and _applies(fault, sobject, records, path, method):
                    self._count(fault)
                    return fault
        return None

    def standing(self, kind: type[Kind]) -> list[Kind]:
        """All faults of a kind, not counted."""
        with self._lock:
            return [fault for fault in self._active if isinstance(fault, kind)]

    def struck(self, fault: Fault) -> None:
        """Count a standing fault as having struck."""
        with self._lock:
            if fault in self._active:
                self._count(fault)

    def _count(self, fault: Fault) -> None:
        left = self._left[id(fault)]
        if left is None:
            return
        self._left[id(fault)] = left - 1
        if left <= 1:
            self._remove(fault)

    def _remove(self, fault: Fault) -> None:
        self._active = [other for other in self._active if other is not fault]
        self._left.pop(id(fault), None)
        if isinstance(fault, HideField):
            self._set_visibility(fault, hidden=False)

    def _set_visibility(self, fault: HideField, *, hidden: bool) -> None:
        sobject = self._schema.find(fault.sobject)
        field = sobject.field(fault.field) if sobject else None
        if sobject is None or field is None:
            raise ValueError(f"field: {fault.sobject} has no field {fault.field}")
        names = self._schema.read_only if fault.read_only else self._schema.hidden
        (names.add if hidden else names.discard)((sobject.name, field.name))


def _applies(fault: Fault, sobject: str, records: frozenset[str], path: str, method: str) -> bool:
    wanted_object = getattr(fault, "sobject", "")
    if wanted_object and wanted_object.lower() != sobject.lower():
        return False
    wanted_record = getattr(fault, "record", "")
    if wanted_record and not any(record.startswith(wanted_record[:15]) for record in records):
        return False
    wanted_method = getattr(fault, "method", "")
    if wanted_method and wanted_method.upper() != method:
        return False
    wanted_path = getattr(fault, "path", "")
    if not wanted_path:
        return not path or path.startswith(_DATA_API)
    return re.search(wanted_path, path) is not None
