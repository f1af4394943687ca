"""Between the memory ERP's partners and ours: pure functions, no I/O.

A partner's card has the names of the hub's own field catalogue: this ERP was made for the hub.
"""

from collections.abc import Mapping
from typing import Any

from crossdock.adapters.memory import wire
from crossdock.adapters.memory.failures import SYSTEM
from crossdock.canonical.party import ExternalReference, Party
from crossdock.identity.golden.fields import fields_of, find_field, party_of
from crossdock.kit.clock import Instant, from_datetime
from crossdock.kit.errors import Finding, Invalid
from crossdock.ports.customer_sink import CustomerMerge, CustomerRecord, CustomerWrite
from crossdock.ports.customer_source import ChangeKind, CustomerChange
from crossdock.ports.order_source import Gap

KINDS: Mapping[str, ChangeKind] = {
    "changed": "changed",
    "deleted": "deleted",
    "merged": "merged",
    "undeleted": "undeleted",
}


def place_and_time(position: str) -> tuple[int, Instant]:
    """A stream's position: the sequence number, and up to when everything was seen. Raises Invalid."""
    if not position:
        return 0, 0
    sequence, _, instant = position.partition("@")
    if not (sequence.isascii() and sequence.isdigit() and instant.isascii() and instant.isdigit()):
        finding = Finding(code="position", path="$.position", message="not a position of this dock")
        raise Invalid(finding.message, code="position", system=SYSTEM, findings=[finding])
    return int(sequence), int(instant)


def gap(missed: wire.Missed, seen: Instant) -> Gap:
    """What was missed lies between the last moment of which everything was seen and the vendor's word."""
    since = from_datetime(missed.since) if missed.since else seen
    return Gap(since=min(seen, since) if seen else since, until=from_datetime(missed.until), reason=missed.reason)


def party(card: Mapping[str, Any], number: str) -> Party:
    """What a partner's card says; names nobody here knows are ignored. Raises Invalid with the path."""
    known = {name: value for name, value in card.items() if find_field(name) is not None}
    return party_of(known, (reference_to(number),))


def reference_to(number: str) -> ExternalReference:
    """How the hub names a partner."""
    return ExternalReference(SYSTEM, "partner", number)


def customer_record(partner: wire.Partner) -> CustomerRecord:
    """A partner as it is now."""
    return CustomerRecord(
        record=reference_to(partner.number),
        says=party(partner.card, partner.number),
        version=str(partner.revision),
    )


def customer_change(change: wire.PartnerChange) -> CustomerChange:
    """What happened to a partner. Raises Invalid for a kind of change that nobody here knows."""
    if change.kind not in KINDS:
        raise _invalid("$.kind", "not a kind of change that is known here")
    return CustomerChange(
        record=reference_to(change.number),
        kind=KINDS[change.kind],
        says=party(change.card, change.number),
        changed_at=from_datetime(change.changed),
        origin=change.origin,
        version=str(change.revision),
        into=reference_to(change.into) if change.into else None,
        correlation_id=change.correlation,
    )


def partner_write(write: CustomerWrite) -> wire.PartnerWrite:
    """A write as the ERP takes it. Raises Invalid where the version is none of this ERP's."""
    if write.version and not (write.version.isascii() and write.version.isdigit()):
        raise _invalid("$.version", "not a revision of this ERP")
    return wire.PartnerWrite(
        write=write.key,
        card=dict(fields_of(write.says)),
        number=write.record.value if write.record else "",
        revision=int(write.version or 0),
        origin=write.origin,
        correlation=write.correlation_id,
    )


def partner_join(merge: CustomerMerge) -> wire.PartnerJoin:
    """A link, block or merge as the ERP takes it."""
    return wire.PartnerJoin(
        write=merge.key,
        survivor=merge.survivor.value,
        absorbed=merge.absorbed.value,
        how=merge.how,
        origin=merge.origin,
        correlation=merge.correlation_id,
    )


def _invalid(path: str, words: str) -> Invalid:
    finding = Finding(code="vendor-payload", path=path, message=words)
    return Invalid(words, code="vendor-payload", system=SYSTEM, findings=[finding])
