"""What an event means for us: orders to look up, an order it carries, or that more was missed than it tells."""

from collections.abc import Callable
from typing import Any

import msgspec

from crossdock.adapters.salesforce.changes import SYSTEM_FIELDS, ChangeEvent, EventSchema, PlatformEvent
from crossdock.adapters.salesforce.mapping import long_id
from crossdock.adapters.salesforce.settings import ORIGIN_MARK, RELATION, SalesforceSettings
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Finding

ENTITY = "Order"
CUSTOMER_ENTITIES = frozenset({"Account", "Contact"})
CONSENT_ENTITIES = frozenset({"ContactPointTypeConsent", "ContactPointConsent"})
DELETIONS = frozenset({"DELETE", "GAP_DELETE"})


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """At most one of: records to look up by Id, an order's JSON, a change, a fault, `resync` with the reason.

    `at` is the org's time of the event.
    """

    at: Instant
    record_ids: tuple[str, ...] = ()
    payload: bytes = b""
    change: ChangeEvent | None = None
    fault: Finding | None = None
    resync: str = ""

    @property
    def is_nothing(self) -> bool:
        """The event is none of our business."""
        return not (self.record_ids or self.payload or self.change or self.fault or self.resync)


Interpret = Callable[[ChangeEvent | PlatformEvent, EventSchema, SalesforceSettings], Meaning]
"""What an event means for those who listen."""


def customer_meaning(
    event: ChangeEvent | PlatformEvent, _schema: EventSchema, settings: SalesforceSettings
) -> Meaning:
    """What an event means for customers: accounts, contacts, and what is kept of them beside.

    Whose change it was is for the hub to judge.
    """
    meant = CUSTOMER_ENTITIES
    meant |= CONSENT_ENTITIES if settings.customers.has_consent_records else set()
    meant |= {RELATION} if settings.customers.has_relations else set()
    if not isinstance(event, ChangeEvent) or event.entity not in meant:
        return Meaning(at=event.created_at if isinstance(event, PlatformEvent) else event.committed_at)
    if event.is_overflow:
        return Meaning(at=event.committed_at, resync=f"{event.change_type} without the records")
    return Meaning(at=event.committed_at, change=event)


def meaning_of(event: ChangeEvent | PlatformEvent, schema: EventSchema, settings: SalesforceSettings) -> Meaning:
    """What the event means for the hub."""
    if isinstance(event, PlatformEvent):
        return _message(event, settings)
    if event.entity != ENTITY or event.change_type in DELETIONS or is_echo(event, settings):
        return Meaning(at=event.committed_at)
    if event.is_overflow:
        return Meaning(at=event.committed_at, resync=f"{event.change_type} without the records")
    if not _may_be_submitted(event, schema, settings):
        return Meaning(at=event.committed_at)
    return Meaning(at=event.committed_at, record_ids=tuple(map(long_id, event.named_records())))


def is_echo(event: ChangeEvent, settings: SalesforceSettings) -> bool:
    """Whether the event only repeats what we wrote: it bears our mark, and touches nothing but our fields.

    The mark alone proves nothing, for it also stands on what the org's own flows did in answer to our write.
    """
    if event.is_gap or not event.is_by(ORIGIN_MARK):
        return False
    ours = SYSTEM_FIELDS.union(settings.statuses.names())
    return event.change_type == "CREATE" or ours.issuperset(event.changed)


def _may_be_submitted(event: ChangeEvent, schema: EventSchema, settings: SalesforceSettings) -> bool:
    """Whether the change may have submitted the orders; in doubt it has, the query will tell.

    In doubt are events without values, and those in which the field is not to be seen (any more).
    """
    fields = settings.orders
    if event.is_gap or event.values.get("Status") in fields.statuses:
        return True
    if fields.submitted and (fields.submitted not in schema.names or event.values.get(fields.submitted) is True):
        return True
    return event.change_type == "UPDATE" and SYSTEM_FIELDS.issuperset(event.changed)


def _message(event: PlatformEvent, settings: SalesforceSettings) -> Meaning:
    payload = _text(event.values.get(settings.events.payload_field))
    if payload:
        return Meaning(at=event.created_at, payload=payload.encode())
    record = _text(event.values.get(settings.events.record_field))
    if record.isalnum():
        return Meaning(at=event.created_at, record_ids=(long_id(record),))
    finding = Finding(
        code="missing",
        path=f"$.{settings.events.payload_field}",
        message=f"the event carries neither an order nor, in {settings.events.record_field}, the Id of one",
    )
    return Meaning(at=event.created_at, fault=finding)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
