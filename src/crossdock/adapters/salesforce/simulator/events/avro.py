"""Avro schemas of events, and their ids, which change whenever the fields do."""

import base64
import hashlib
import io
from typing import Any

import fastavro
import msgspec

from crossdock.adapters.salesforce.simulator.events.layout import HEADER_FIELD, Entry, layout
from crossdock.adapters.salesforce.simulator.tables.moments import epoch_ms, from_epoch_ms
from crossdock.adapters.salesforce.simulator.tables.schema import Field, Schema, SObject

_NAMESPACE = "com.sforce.eventbus"
_SCHEMA_ID_BYTES = 16
_EVENT_PREFIX = "/event/"
_DATA_PREFIX = "/data/"
CHANGE_TYPES = (
    "CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE",
    "GAP_OVERFLOW", "SNAPSHOT",
)  # fmt: skip
_AVRO_TYPES = {"boolean": "boolean", "int": "int", "double": "double", "currency": "double", "percent": "double"}
_DOCS = {
    "string": "Text",
    "textarea": "StringPlusClob",
    "picklist": "DynamicEnum",
    "boolean": "Boolean",
    "int": "Integer",
    "double": "Double",
    "currency": "Currency",
    "percent": "Percent",
    "date": "DateOnly",
    "datetime": "DateTime",
    "email": "Email",
    "phone": "Phone",
    "url": "Url",
}


class EventSchema(msgspec.Struct, frozen=True):
    """One version of an event's schema, as JSON and parsed; `entries` is empty for platform events."""

    schema_id: str
    json: str
    parsed: Any
    topic: str
    entries: tuple[Entry, ...] = ()


class SchemaRegistry:
    """Finds the present schema of a topic, and every schema that ever was by its id."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._present: dict[str, tuple[int, EventSchema]] = {}
        self._by_id: dict[str, EventSchema] = {}

    def by_id(self, schema_id: str) -> EventSchema | None:
        """A schema by its id, past versions included."""
        if schema_id not in self._by_id:
            for sobject in self._schema:
                self.of(sobject)
        return self._by_id.get(schema_id)

    def of(self, sobject: SObject) -> EventSchema:
        """The present schema of a platform event, or of an object's change event."""
        cached = self._present.get(sobject.name)
        if cached is not None and cached[0] == len(sobject.fields):
            return cached[1]
        made = _platform_event(sobject) if sobject.kind == "event" else _change_event(sobject)
        self._present[sobject.name] = (len(sobject.fields), made)
        self._by_id[made.schema_id] = made
        return made

    def object_of(self, topic: str) -> SObject | None:
        """The platform event, or the object whose changes a topic carries; None when there is none."""
        if topic.startswith(_EVENT_PREFIX):
            found = self._schema.find(topic.removeprefix(_EVENT_PREFIX))
            return found if found is not None and found.kind == "event" else None
        for sobject in self._schema:
            if sobject.definition.has_changes and topic == _DATA_PREFIX + sobject.change_event:
                return sobject
        return None


def topic_of(sobject: SObject) -> str:
    """The topic of a platform event, or of an object's changes."""
    return _EVENT_PREFIX + sobject.name if sobject.kind == "event" else _DATA_PREFIX + sobject.change_event


def encode(schema: EventSchema, datum: dict[str, Any]) -> bytes:
    """One Avro datum without a container. Raises ValueError when it does not fit the schema."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema.parsed, datum)
    return buffer.getvalue()


def decode(schema: EventSchema, payload: bytes) -> dict[str, Any]:
    """Read one datum. Raises ValueError when the bytes are not one of this schema, whole and nothing more."""
    buffer = io.BytesIO(payload)
    try:
        datum = fastavro.schemaless_reader(buffer, schema.parsed, None)
    except Exception as broken:  # the reader raises whatever the broken bytes lead it to
        raise ValueError("the payload was not written with this schema") from broken
    if not isinstance(datum, dict) or buffer.read(1):
        raise ValueError("the payload was not written with this schema")
    return datum


def event_value(field: Field, value: Any) -> Any:
    """A row's value as an event carries it: times are milliseconds since 1970."""
    if value is not None and field.type in ("date", "datetime"):
        return epoch_ms(value)
    return float(value) if value is not None and _AVRO_TYPES.get(field.type) == "double" else value


def row_value(field: Field, value: Any) -> Any:
    """The opposite of `event_value`."""
    if value is None or field.type not in ("date", "datetime"):
        return value
    text = from_epoch_ms(value)
    return text if field.type == "datetime" else text[:10]


def _platform_event(sobject: SObject) -> EventSchema:
    fields: list[dict[str, Any]] = [
        {"name": "CreatedDate", "type": "long", "doc": "CreatedDate:DateTime"},
        {"name": "CreatedById", "type": "string", "doc": "CreatedBy:EntityId"},
    ]
    fields += [_optional(field.name, field, sobject) for field in sobject.definition.fields]
    known = {field.name for field in sobject.definition.fields}
    fields += [
        _optional(field.name, field, sobject)
        for field in sobject.fields.values()
        if field.custom and field.name not in known
    ]
    return _finished(sobject, sobject.name, fields, ())


def _change_event(sobject: SObject) -> EventSchema:
    entries = layout(sobject)
    seen: set[str] = set()
    fields = [_header(), *(_entry(sobject, entry, seen) for entry in entries)]
    return _finished(sobject, sobject.change_event, fields, entries)


def _finished(
    sobject: SObject, name: str, fields: list[dict[str, Any]], entries: tuple[Entry, ...]
) -> EventSchema:
    record = {"type": "record", "name": name, "namespace": _NAMESPACE, "fields": fields}
    text = msgspec.json.encode(record)
    digest = hashlib.sha256(text).digest()[:_SCHEMA_ID_BYTES]
    schema_id = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return EventSchema(schema_id, text.decode(), fastavro.parse_schema(record), topic_of(sobject), entries)


def _header() -> dict[str, Any]:
    texts = {"type": "array", "items": "string"}
    kind = {"type": "enum", "name": "ChangeType", "symbols": list(CHANGE_TYPES)}
    types: list[tuple[str, Any]] = [
        ("entityName", "string"), ("recordIds", texts), ("changeType", kind), ("changeOrigin", "string"),
        ("transactionKey", "string"), ("sequenceNumber", "int"), ("commitTimestamp", "long"),
        ("commitNumber", "long"), ("commitUser", "string"), ("nulledFields", texts), ("diffFields", texts),
        ("changedFields", texts),
    ]  # fmt: skip
    fields = [{"name": name, "type": avro} for name, avro in types]
    return {"name": HEADER_FIELD, "type": {"type": "record", "name": HEADER_FIELD, "fields": fields}}


def _entry(sobject: SObject, entry: Entry, seen: set[str]) -> dict[str, Any]:
    if not entry.compound:
        return _optional(entry.name, entry.parts[0].field, sobject)
    name = "PersonName" if entry.name == "Name" else "Address"
    # A business account sends its name as text, a person account as a record: the schema allows for both.
    either = ["null"] if entry.plain is None else ["null", "string"]
    name = name if entry.plain is None else f"Switchable_{name}"
    if name in seen:
        return {"name": entry.name, "type": [*either, name], "doc": f"Data:{name}", "default": None}
    seen.add(name)
    parts = [_optional(part.name, part.field, sobject) for part in entry.parts]
    record = {"type": "record", "name": name, "fields": parts}
    return {"name": entry.name, "type": [*either, record], "doc": f"Data:{name}", "default": None}


def _optional(name: str, field: Field, sobject: SObject) -> dict[str, Any]:
    avro = "long" if field.type in ("date", "datetime") else _AVRO_TYPES.get(field.type, "string")
    return {"name": name, "type": ["null", avro], "doc": _doc(field, sobject), "default": None}


def _doc(field: Field, sobject: SObject) -> str:
    if field.name in ("CreatedDate", "LastModifiedDate"):
        return f"{field.name}:DateTime"
    if field.name in ("CreatedById", "LastModifiedById"):
        return f"{field.name.removesuffix('Id')}:EntityId"
    if field.refers_to:
        return "ForeignKey:EntityId"
    doc = f"Data:{_DOCS.get(field.type, 'Text')}"
    if not field.custom:
        return doc
    digest = hashlib.sha256(f"{sobject.name}.{field.name}".encode()).hexdigest()[:10]
    return f"{doc}:00N{digest.ljust(12, '0')}"
