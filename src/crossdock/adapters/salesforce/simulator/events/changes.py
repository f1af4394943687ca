"""What a committed transaction announces: one change event per record and kind of change, merged where equal."""

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from crossdock.adapters.salesforce.simulator.events.avro import EventSchema, SchemaRegistry, encode, event_value
from crossdock.adapters.salesforce.simulator.events.layout import HEADER_FIELD, bitmap
from crossdock.adapters.salesforce.simulator.faults import Faults, Gap, LoseEvents, Overflow
from crossdock.adapters.salesforce.simulator.tables.ids import EMPTY_ID
from crossdock.adapters.salesforce.simulator.tables.schema import Schema, SObject
from crossdock.adapters.salesforce.simulator.tables.store import Row, Undo
from crossdock.kit.clock import Instant

OVERFLOW_CHANGES_MAX = 100_000
_UNANNOUNCED = frozenset({"Id", "IsDeleted", "SystemModstamp", "MasterRecordId"})
_MICROSECONDS_PER_MS = 1_000
WITH_VALUES = frozenset({"CREATE", "UNDELETE"})


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """Who committed what when, as every event header of the transaction says."""

    key: str
    number: int
    origin: str
    user: str
    at: Instant


class Change(msgspec.Struct, kw_only=True):
    """One change of one object, shared by all records that changed in the same way."""

    sobject: SObject
    kind: str
    values: Row
    fields: set[str]
    record_ids: list[str]


class Announcement(msgspec.Struct, frozen=True):
    """One encoded event, ready for the bus."""

    topic: str
    event_id: str
    schema_id: str
    payload: bytes


class Announcer:
    """Turns a transaction's first writes into encoded change events."""

    def __init__(self, schema: Schema, registry: SchemaRegistry, faults: Faults) -> None:
        self._schema = schema
        self._registry = registry
        self._faults = faults
        self.enabled: set[str] = set()

    def announce(self, commit: Commit, undos: Iterable[Undo], touched: set[str]) -> list[Announcement]:
        """The events of a transaction; `touched` are the ids a caller wrote, as opposed to derived changes."""
        changes = merged(
            change
            for undo in undos
            if undo.record_id in touched and undo.table.sobject.name in self.enabled
            if (change := self._change(undo)) is not None
        )
        kept = list(self._after_faults(changes))
        return [self._encoded(commit, number, change) for number, change in enumerate(kept, start=1)]

    def overflow(self, commit: Commit, sobject: SObject) -> Announcement:
        """A GAP_OVERFLOW event for an object: something changed, and nothing says what."""
        return self._encoded(commit, 1, _overflowed(sobject))

    def gap(self, commit: Commit, sobject: SObject, kind: str, record_ids: list[str]) -> Announcement:
        """A gap event for given records; `kind` is CREATE, UPDATE, DELETE or UNDELETE."""
        change = Change(sobject=sobject, kind=kind, values={}, fields=set(), record_ids=record_ids)
        return self._encoded(commit, 1, _gapped(change))

    def _change(self, undo: Undo) -> Change | None:
        sobject = undo.table.sobject
        after = undo.table.rows.get(undo.record_id)
        before = undo.before
        if after is not None and not after["IsDeleted"]:
            if before is None or before["IsDeleted"]:
                kind = "CREATE" if before is None else "UNDELETE"
                fields = {name for name, value in after.items() if value is not None and name not in _UNANNOUNCED}
            else:
                kind = "UPDATE"
                fields = {n for n, value in after.items() if before.get(n) != value and n not in _UNANNOUNCED}
                fields.add("LastModifiedDate")  # announced even when the second is still the same
            visible = {name for name in fields if (sobject.name, name) not in self._schema.hidden}
            values = {name: after[name] for name in visible}
            return Change(sobject=sobject, kind=kind, values=values, fields=visible, record_ids=[undo.record_id])
        if before is None or before["IsDeleted"]:
            return None
        return Change(sobject=sobject, kind="DELETE", values={}, fields=set(), record_ids=[undo.record_id])

    def _after_faults(self, changes: list[Change]) -> Iterator[Change]:
        too_many = len(changes) > OVERFLOW_CHANGES_MAX
        lost: dict[str, bool] = {}
        overflown: dict[str, bool] = {}
        for change in changes:
            name = change.sobject.name
            if name not in lost:
                lost[name] = self._faults.take(LoseEvents, sobject=name) is not None
            if lost[name]:
                continue
            if name not in overflown:
                overflown[name] = too_many or self._faults.take(Overflow, sobject=name) is not None
                if overflown[name]:
                    yield _overflowed(change.sobject)
            if overflown[name]:
                continue
            yield _gapped(change) if self._faults.take(Gap, sobject=name) else change

    def _encoded(self, commit: Commit, number: int, change: Change) -> Announcement:
        schema = self._registry.of(change.sobject)
        update = change.kind == "UPDATE"
        nulled = {name for name in change.fields if change.values[name] is None} if update else set()
        header = {
            "entityName": change.sobject.name,
            "recordIds": change.record_ids,
            "changeType": change.kind,
            "changeOrigin": commit.origin,
            "transactionKey": commit.key,
            "sequenceNumber": number,
            "commitTimestamp": commit.at // _MICROSECONDS_PER_MS,
            "commitNumber": commit.number,
            "commitUser": commit.user,
            "nulledFields": bitmap(schema.entries, nulled),
            "diffFields": [],
            "changedFields": bitmap(schema.entries, change.fields) if update else [],
        }
        payload = encode(schema, {HEADER_FIELD: header, **_datum(schema, change.values)})
        event_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{commit.key}/{number}"))
        return Announcement(schema.topic, event_id, schema.schema_id, payload)


def merged(changes: Iterable[Change]) -> list[Change]:
    """Join changes of one object that are of the same kind and set the same values, as the vendor does."""
    joined: dict[tuple[str, str, Any], Change] = {}
    for change in changes:
        key = (change.sobject.name, change.kind, tuple(sorted(change.values.items(), key=lambda item: item[0])))
        if key in joined:
            joined[key].record_ids.extend(change.record_ids)
        else:
            joined[key] = change
    return list(joined.values())


def _gapped(change: Change) -> Change:
    return Change(
        sobject=change.sobject, kind=f"GAP_{change.kind}", values={}, fields=set(), record_ids=change.record_ids
    )


def _overflowed(sobject: SObject) -> Change:
    return Change(sobject=sobject, kind="GAP_OVERFLOW", values={}, fields=set(), record_ids=[EMPTY_ID])


def _datum(schema: EventSchema, values: Row) -> dict[str, Any]:
    datum: dict[str, Any] = {}
    for entry in schema.entries:
        if not entry.compound:
            datum[entry.name] = event_value(entry.parts[0].field, values.get(entry.name))
        elif any(part.field.name in values for part in entry.parts):
            datum[entry.name] = {
                part.name: event_value(part.field, values.get(part.field.name)) for part in entry.parts
            }
        else:
            datum[entry.name] = values.get(entry.name) if entry.plain is not None else None
    return datum
