"""Create, update, upsert and delete rows inside a transaction."""

import uuid
from typing import Any

from crossdock.adapters.salesforce.simulator.events.avro import encode, event_value, topic_of
from crossdock.adapters.salesforce.simulator.events.changes import Announcement
from crossdock.adapters.salesforce.simulator.failures import (
    ApiError,
    no_such_column,
    not_found,
    not_writeable,
)
from crossdock.adapters.salesforce.simulator.faults import DuplicateRule, PublishExhausted
from crossdock.adapters.salesforce.simulator.org import Org, Transaction
from crossdock.adapters.salesforce.simulator.records import relations
from crossdock.adapters.salesforce.simulator.records.coercion import coerced
from crossdock.adapters.salesforce.simulator.records.lookup import key_field, live_row, rows_with_key
from crossdock.adapters.salesforce.simulator.records.people import as_account, is_twin, twin_refused, twin_values
from crossdock.adapters.salesforce.simulator.records.rules import after_save, before_delete, before_save
from crossdock.adapters.salesforce.simulator.tables.catalog import TRACKED_FIELDS
from crossdock.adapters.salesforce.simulator.tables.ids import normalised
from crossdock.adapters.salesforce.simulator.tables.moments import epoch_ms
from crossdock.adapters.salesforce.simulator.tables.schema import SYSTEM_FIELDS, Field, SObject
from crossdock.adapters.salesforce.simulator.tables.store import Row

_PUBLISHED_ID = "e01xx0000000001AAA"


class SeveralRows(Exception):
    """An external id names more than one row; `record_ids` are theirs."""

    def __init__(self, record_ids: list[str]) -> None:
        super().__init__(len(record_ids))
        self.record_ids = record_ids


class Writer:
    """Writes rows for one actor. Every method raises ApiError in the vendor's words and then wrote nothing."""

    def __init__(self, org: Org, transaction: Transaction) -> None:
        self._org = org
        self._transaction = transaction
        self._actor = transaction.actor

    def create(self, name: str, values: dict[str, Any]) -> str:
        """Insert a row (or publish a platform event); return its id."""
        sobject = self._org.schema.get(name)
        if sobject.kind == "event":
            return self.publish(sobject, values)
        if any(key.lower() == "id" for key in values):
            raise ApiError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", fields=["Id"])
        given = self._given(sobject, values, creating=True)
        row: Row = {field.name: _default(field) for field in sobject.fields.values()}
        row.update(given)
        if "OwnerId" in row and row["OwnerId"] is None:
            row["OwnerId"] = self._actor.user_id
        if sobject.name == "Account":
            as_account(None, row, set(given))
        self._check_required(sobject, row)
        self._check_duplicates(sobject, row)
        stamp = self._org.stamp(self._transaction, sobject)
        row |= {"IsDeleted": False, "CreatedDate": stamp, "CreatedById": self._actor.user_id}
        self._check(sobject, row, set(given))
        self._complete(sobject, None, row, stamp)
        # Ids and numbers are handed out last: a refused row uses none up.
        for field in sobject.fields.values():
            if field.auto_number:
                row[field.name] = field.auto_number.format(self._org.store.count(f"{sobject.name}.{field.name}"))
        row["Id"] = self._org.ids.next(sobject.prefix)
        if row.get("IsPersonAccount"):
            row["PersonContactId"] = self._org.ids.next(self._org.schema.get("Contact").prefix)
        self._put(sobject, row, stamp)
        self._mirror(row, stamp)
        return str(row["Id"])

    def update(self, name: str, record_id: str, values: dict[str, Any]) -> None:
        """Change a row."""
        sobject = self._org.schema.get(name)
        before = live_row(self._org, sobject, record_id)
        if is_twin(sobject, before):
            raise twin_refused()
        given = self._given(sobject, values, creating=False)
        row = {**before, **given}
        if sobject.name == "Account":
            as_account(before, row, set(given))
        self._check_required(sobject, row, only=set(given))
        stamp = self._org.stamp(self._transaction, sobject)
        self._check(sobject, row, set(given))
        self._complete(sobject, before, row, stamp)
        self._put(sobject, row, stamp)
        self._mirror(row, stamp)
        self._remember(sobject, before, row, stamp)

    def upsert(self, name: str, key_name: str, key: str, values: dict[str, Any]) -> tuple[str, bool]:
        """Change the row an external id names, or insert it; return its id and whether it is new.

        Raises SeveralRows when it names more than one.
        """
        sobject = self._org.schema.get(name)
        field = key_field(self._org, sobject, key_name)
        found = rows_with_key(self._org, sobject, field, key)
        if len(found) > 1:
            raise SeveralRows(found)
        if found:
            self.update(sobject.name, found[0], values)
            return found[0], False
        if field.name == "Id":
            if normalised(key) is not None:
                raise not_found()
            return self.create(sobject.name, values), True
        return self.create(sobject.name, {**values, field.name: key}), True

    def delete(self, name: str, record_id: str, *, forever: bool = False, within: str = "") -> None:
        """Move a row and what belongs to it to the recycle bin, or remove it `forever`.

        `within` is the row whose deletion takes this one along: together they come back.
        """
        sobject = self._org.schema.get(name)
        row = live_row(self._org, sobject, record_id)
        if is_twin(sobject, row) and not within:
            raise twin_refused()
        self._org.lock(self._actor, sobject, _locks(sobject, row))
        before_delete(self._org, sobject.name, row)
        if sobject.name == relations.RELATION and not within:
            relations.check_gone(self._org, row)
        self._release_children(sobject, row["Id"])
        stamp = self._org.stamp(self._transaction, sobject)
        gone = {**row, "IsDeleted": True, "LastModifiedDate": stamp, "SystemModstamp": stamp}
        self._org.store.write(sobject, row["Id"], None if forever else gone)
        self._transaction.touched.add(row["Id"])
        if within:
            self._org.binned_with.setdefault(within, []).append((sobject.name, row["Id"]))
        self._derive(sobject, row, stamp)

    def undelete(self, name: str, record_id: str) -> None:
        """Bring a row back from the recycle bin, with all that was deleted with it.

        The loser of a merge comes back alone: what pointed at it stays with the master.
        """
        sobject = self._org.schema.get(name)
        row = self._org.store.table(sobject).rows.get(record_id)
        if row is None or not row["IsDeleted"]:
            raise not_found()
        stamp = self._org.stamp(self._transaction, sobject)
        back = {**row, "IsDeleted": False, "LastModifiedDate": stamp, "SystemModstamp": stamp}
        if "MasterRecordId" in back:
            back["MasterRecordId"] = None
        self._check_unique(sobject, back)
        self._put(sobject, back, stamp)
        along = self._org.binned_with.pop(record_id, [])
        if back.get("PersonContactId"):
            along.append(("Contact", back["PersonContactId"]))
        for other, other_id in along:
            if self._org.table(other).live(other_id) is None:
                self.undelete(other, other_id)

    def publish(self, sobject: SObject, values: dict[str, Any]) -> str:
        """Publish a platform event when the transaction commits; return its uuid."""
        if self._org.faults.take(PublishExhausted):
            raise ApiError(
                "LIMIT_EXCEEDED", "You have exceeded the event publishing limit for your org.", fields=[]
            )
        given = self._given(sobject, values, creating=True)
        self._check_required(sobject, {field.name: given.get(field.name) for field in sobject.fields.values()})
        schema = self._org.registry.of(sobject)
        custom = {name: field for name, field in sobject.fields.items() if field.createable}
        datum = {name: event_value(field, given.get(name)) for name, field in custom.items()}
        created = epoch_ms(self._org.now_text())
        payload = encode(schema, {**datum, "CreatedDate": created, "CreatedById": self._actor.user_id})
        event_id = str(uuid.uuid4())
        self._transaction.announcements.append(
            Announcement(topic_of(sobject), event_id, schema.schema_id, payload)
        )
        return event_id

    def _given(self, sobject: SObject, values: dict[str, Any], *, creating: bool) -> Row:
        given: Row = {}
        for key, value in values.items():
            if key == "attributes":
                continue
            field = self._org.schema.field(sobject, key)
            if field is None:
                parent = sobject.relationship(key)
                if parent is None or not isinstance(value, dict | None):
                    raise no_such_column(key, sobject.name)
                given[parent.name] = None if value is None else self._parent(parent, value)
                continue
            allowed = field.createable if creating else field.updateable
            if not allowed or (sobject.name, field.name) in self._org.schema.read_only:
                raise not_writeable(field.name)
            given[field.name] = coerced(field, value)
        return given

    def _parent(self, field: Field, values: dict[str, Any]) -> str:
        """The row a nested object names by its external id: `{"Account": {"ErpId__c": "C-1"}}`."""
        keys = {key: value for key, value in values.items() if key != "attributes"}
        parent = self._org.schema.get(field.refers_to[0])
        if len(keys) != 1:
            raise ApiError("INVALID_FIELD", f"A nested {parent.name} must be named by exactly one external id")
        name, value = next(iter(keys.items()))
        key = key_field(self._org, parent, name)
        found = rows_with_key(self._org, parent, key, str(value))
        if not found:
            raise ApiError(
                "INVALID_FIELD",
                f"Foreign key external ID: {value} not found for field {key.name} in entity {parent.name}",
                fields=[],
            )
        if len(found) > 1:
            raise ApiError(
                "INVALID_FIELD",
                f"More than one record found for external id field: [{', '.join(found)}]",
                fields=[],
            )
        return found[0]

    def _check_required(self, sobject: SObject, row: Row, only: set[str] | None = None) -> None:
        missing = [
            field.name
            for field in sobject.fields.values()
            if field.required and row[field.name] is None and (only is None or field.name in only)
        ]
        if missing:
            raise ApiError(
                "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", fields=missing
            )

    def _check(self, sobject: SObject, row: Row, changed: set[str]) -> None:
        for name in changed:
            field = sobject.fields[name]
            if field.refers_to and row[name] is not None:
                self._check_reference(field, row[name])
        self._check_unique(sobject, row, changed)
        self._org.lock(self._actor, sobject, _locks(sobject, row))

    def _check_reference(self, field: Field, record_id: str) -> None:
        parent = self._org.schema.by_id(record_id)
        if parent is None or parent.name not in field.refers_to:
            raise ApiError(
                "MALFORMED_ID" if parent is not None else "INVALID_CROSS_REFERENCE_KEY",
                f"{field.name}: id value of incorrect type: {record_id}"
                if parent
                else "invalid cross reference id",
                fields=[field.name],
            )
        row = self._org.store.table(parent).rows.get(record_id)
        if row is None:
            raise ApiError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=[])
        if row["IsDeleted"]:
            raise ApiError("ENTITY_IS_DELETED", "entity is deleted", fields=[])

    def _check_unique(self, sobject: SObject, row: Row, changed: set[str] | None = None) -> None:
        table = self._org.store.table(sobject)
        for field in sobject.fields.values():
            if not field.unique or row[field.name] is None or (changed is not None and field.name not in changed):
                continue
            others = [other for other in table.matching(field.name, row[field.name]) if other != row["Id"]]
            if others:
                raise ApiError(
                    "DUPLICATE_VALUE",
                    f"duplicate value found: {field.name} duplicates value on record with id: {others[0]}",
                    fields=[],
                )

    def _check_duplicates(self, sobject: SObject, row: Row) -> None:
        for rule in self._org.faults.standing(DuplicateRule):
            if rule.sobject.lower() != sobject.name.lower():
                continue
            wanted = [row.get(name) for name in rule.fields]
            if None in wanted or (rule.may_allow_save and self._actor.allow_duplicates):
                continue
            table = self._org.store.table(sobject)
            twins = [
                other
                for other in table.rows.values()
                if not other["IsDeleted"] and [other.get(name) for name in rule.fields] == wanted
            ]
            if twins:
                self._org.faults.struck(rule)
                raise _duplicates(rule, sobject, twins)

    def _complete(self, sobject: SObject, before: Row | None, row: Row, stamp: str) -> None:
        row |= {"LastModifiedDate": stamp, "LastModifiedById": self._actor.user_id, "SystemModstamp": stamp}
        before_save(self._org, sobject.name, before, row)

    def _put(self, sobject: SObject, row: Row, stamp: str) -> None:
        self._org.store.write(sobject, row["Id"], row)
        self._transaction.touched.add(row["Id"])
        self._derive(sobject, row, stamp)
        if sobject.name == "Contact":
            self._relate(row, stamp)

    def _relate(self, contact: Row, stamp: str) -> None:
        """Keep the direct relation of a contact to its account."""
        for record_id, values in relations.due(self._org, contact):
            relation = self._org.schema.get(relations.RELATION)
            before = self._org.store.table(relation).rows[record_id] if record_id else None
            fresh: Row = {field.name: _default(field) for field in relation.fields.values()}
            fresh |= {"Id": record_id or self._org.ids.next(relation.prefix), "IsDeleted": False}
            fresh |= {"CreatedDate": stamp, "CreatedById": self._actor.user_id}
            stamps = {"LastModifiedDate": stamp, "LastModifiedById": self._actor.user_id, "SystemModstamp": stamp}
            self._put(relation, {**(before or fresh), **values, **stamps}, stamp)

    def _mirror(self, account: Row, stamp: str) -> None:
        """Write the contact beside a person account."""
        contact_id = account.get("PersonContactId")
        if contact_id is None:
            return
        contact = self._org.schema.get("Contact")
        before = self._org.store.table(contact).live(contact_id)
        fresh = {field.name: _default(field) for field in contact.fields.values()}
        fresh |= {"Id": contact_id, "IsDeleted": False}
        fresh |= {name: account[name] for name in ("CreatedDate", "CreatedById")}
        row = {**(before or fresh), **twin_values(account), "SystemModstamp": stamp}
        self._put(contact, row, stamp)
        if before is not None:
            self._remember(contact, before, row, stamp)

    def _remember(self, sobject: SObject, before: Row, row: Row, stamp: str) -> None:
        """Keep old and new value of the fields whose history the org tracks."""
        tracked = TRACKED_FIELDS.get(sobject.name, ())
        history = self._org.schema.get(f"{sobject.name}History") if tracked else sobject
        for name in tracked:
            if before[name] == row[name]:
                continue
            entry: Row = {field.name: _default(field) for field in history.fields.values()}
            entry |= {"Id": self._org.ids.next(history.prefix), f"{sobject.name}Id": row["Id"], "Field": name}
            entry |= {"OldValue": before[name], "NewValue": row[name]}
            entry |= dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), stamp)
            entry |= dict.fromkeys(("CreatedById", "LastModifiedById"), self._actor.user_id)
            self._org.store.write(history, entry["Id"], entry)

    def _derive(self, sobject: SObject, row: Row, stamp: str) -> None:
        for name, record_id, values in after_save(self._org, sobject.name, row):
            other = self._org.schema.get(name)
            current = self._org.store.table(other).live(record_id)
            if current is not None and any(current[key] != value for key, value in values.items()):
                self._org.store.write(other, record_id, {**current, **values, "SystemModstamp": stamp})

    def _release_children(self, sobject: SObject, record_id: str) -> None:
        for child in self._org.schema.children(sobject.name):
            holder = self._org.schema.get(child.sobject)
            if child.field in SYSTEM_FIELDS:
                continue
            rows = self._org.store.table(holder).matching(child.field, record_id)
            if rows and child.on_delete == "restrict":
                raise ApiError(
                    "DELETE_FAILED",
                    f"Your attempt to delete the record could not be completed because it is associated with the "
                    f"following {holder.name} records: {', '.join(rows[:5])}",
                    fields=[],
                )
            for row_id in rows:
                if child.on_delete == "cascade":
                    self.delete(holder.name, row_id, within=record_id)
                else:
                    self._detach(holder, row_id, child.field)

    def _detach(self, sobject: SObject, record_id: str, field: str) -> None:
        stamp = self._org.stamp(self._transaction, sobject)
        row = self._org.store.table(sobject).rows[record_id]
        self._org.store.write(sobject, record_id, {**row, field: None, "SystemModstamp": stamp})
        self._transaction.touched.add(record_id)


def published_result(event_id: str) -> dict[str, Any]:
    """The answer to a published event: a success that carries an error, as the vendor answers."""
    queued = {"statusCode": "OPERATION_ENQUEUED", "message": event_id, "fields": []}
    return {"id": _PUBLISHED_ID, "success": True, "errors": [queued]}


def _default(field: Field) -> Any:
    return field.default if field.default is not None else (False if field.type == "boolean" else None)


def _locks(sobject: SObject, row: Row) -> frozenset[str]:
    """The rows a write takes: itself and its parents among the business objects, not users."""
    names = [name for name, field in sobject.fields.items() if field.refers_to and "User" not in field.refers_to]
    taken = {row[name] for name in names if row[name] is not None}
    return frozenset(taken | ({row["Id"]} if row["Id"] else set()))


def _duplicates(rule: DuplicateRule, sobject: SObject, twins: list[Row]) -> ApiError:
    matches = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {"attributes": {"type": sobject.name}, "Id": twin["Id"]},
        }
        for twin in twins
    ]
    result = {
        "allowSave": rule.may_allow_save,
        "duplicateRule": rule.rule,
        "duplicateRuleEntityType": sobject.name,
        "errorMessage": "You're creating a duplicate record. We recommend you use an existing record instead.",
        "matchResults": [
            {
                "entityType": sobject.name,
                "errors": [],
                "matchEngine": "FuzzyMatchEngine",
                "matchRecords": matches,
                "rule": f"{rule.rule}_Match_v1_1",
                "size": len(matches),
                "success": True,
            }
        ],
    }
    key = "duplicateResut" if rule.misspelt else "duplicateResult"
    return ApiError("DUPLICATES_DETECTED", str(result["errorMessage"]), extra={key: result})
