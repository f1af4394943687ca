"""Where changes of customers come from: a stream whose position moves only when the hub has committed."""

from collections.abc import AsyncGenerator
from typing import Literal, Protocol

import msgspec

from crossdock.canonical.party import ExternalReference, Party
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Finding
from crossdock.ports.order_source import Gap

ChangeKind = Literal["changed", "deleted", "merged", "undeleted"]
GONE: frozenset[ChangeKind] = frozenset({"deleted", "merged"})
"""After such a change the record is no more, until it is undeleted."""


class CustomerChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened to one record, as its system tells it.

    `says` holds what the change mentions: an update only the changed fields, with `None` for each that was
    cleared; a record that was read by query or created, all that its mapping knows. `changed_at` is the system's
    own time, which may be wrong. `origin` is the mark that whoever wrote the change left with the system (empty
    where it tells none): the hub knows its own. `version` is what the system calls this state of the record
    (ETag, time stamp), for comparing before a write. `merged`: the record is gone, `into` is what stays.

    `unset` names fields of `says` that look as they do where nobody ever said anything: empty in a record that was
    read whole, a box that is not ticked where there is no third state. They are a word only where the record is
    known to have looked otherwise.
    """

    record: ExternalReference
    kind: ChangeKind = "changed"
    says: Party = Party()
    changed_at: Instant
    origin: str = ""
    version: str = ""
    unset: tuple[str, ...] = ()
    into: ExternalReference | None = None
    correlation_id: str = ""


class CustomerArrival(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `external_id` is the same for every delivery of the same thing.

    Exactly one of `change` and `findings` is filled: what could not be translated arrives as findings, with
    `raw` as it came, so that it is parked and repaired instead of lost or blocking the stream.
    """

    external_id: str
    received_at: Instant
    change: CustomerChange | None = None
    findings: tuple[Finding, ...] = ()
    raw: bytes = b""


class CustomerBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Arrivals that are committed together with `position`; a gap is refilled before anything after it."""

    arrivals: tuple[CustomerArrival, ...]
    position: str
    gap: Gap | None = None


class CustomerSource(Protocol):
    """Hands out changes of customers. The hub pulls: what it has not asked for yet stays with the source."""

    def customer_changes(self, position: str) -> AsyncGenerator[CustomerBatch, None]:
        """Batches after `position` (empty: from the beginning of what the system retains), without end.

        Deletes, merges and undeletes come, too, where the system tells them. Changes of one record come in the
        order in which the system made them. Raises NotAuthorized or Misconfigured; passing faults are retried
        inside.
        """
        ...

    def refill_customers(self, gap: Gap) -> AsyncGenerator[CustomerBatch, None]:
        """Every record that changed in the gap (widened by the source's overlap), read by query, in batches."""
        ...

    async def count_changed_customers(self, gap: Gap) -> int:
        """How many records the system itself counts in the gap (same widening): the proof's right-hand side."""
        ...
