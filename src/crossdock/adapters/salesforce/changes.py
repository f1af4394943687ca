"""Reading events: Avro records of the event bus into change events and platform events.

A change event tells which fields changed by bitmaps over its schema's fields: the first item counts over the
record itself, items such as `4-0x3` over the fields of the compound field with that index.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import fastavro
import msgspec

from crossdock.kit.clock import Instant

HEADER = "ChangeEventHeader"
SYSTEM_FIELDS = frozenset({"LastModifiedDate", "LastModifiedById"})
EMPTY_RECORD_ID = "000000000000000AAA"
_EMPTY_KEY = EMPTY_RECORD_ID[:15]
_ID_LENGTHS = frozenset({15, 18})
_BITMAP_DIGITS_MAX = 1_000
_US_PER_MS = 1_000


class EventSchema(msgspec.Struct, frozen=True):
    """A schema as the bus names it, parsed for reading; `fields` are its JSON descriptions in order."""

    schema_id: str
    parsed: Any
    fields: tuple[Mapping[str, Any], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The top fields' names in order: bit n of a bitmap means field n."""
        return tuple(str(field["name"]) for field in self.fields)


class ChangeEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to some records of one object in one transaction.

    `values` has every field of the schema: None means unchanged, unless the name is in `nulled`.
    """

    entity: str
    change_type: str
    record_ids: tuple[str, ...]
    origin: str
    committed_at: Instant
    changed: tuple[str, ...]
    nulled: tuple[str, ...]
    diffed: tuple[str, ...]
    values: Mapping[str, Any]

    @property
    def is_gap(self) -> bool:
        """The event says that records changed, and not how."""
        return self.change_type.startswith("GAP_")

    @property
    def is_overflow(self) -> bool:
        """The event does not even say which records changed, or not all of them."""
        named = self.named_records()
        return self.change_type == "GAP_OVERFLOW" or not named or len(named) < len(self.record_ids)

    def named_records(self) -> tuple[str, ...]:
        """The ids that name a record: neither the empty id nor a wildcard such as `001*`."""
        return tuple(
            record
            for record in self.record_ids
            if len(record) in _ID_LENGTHS and record.isalnum() and record[:15] != _EMPTY_KEY
        )

    def is_by(self, client: str) -> bool:
        """Whether an API client of that name caused it (`Sforce-Call-Options`)."""
        return f"client={client}" in self.origin.split(";")


class PlatformEvent(msgspec.Struct, frozen=True):
    """A message that somebody published."""

    created_at: Instant
    values: Mapping[str, Any]


def parse_schema(schema_id: str, schema_json: str) -> EventSchema:
    """The schema from its JSON. Raises ValueError where it is not an Avro record."""
    try:
        described = msgspec.json.decode(schema_json, type=dict[str, Any])
        parsed = fastavro.parse_schema(described)
        return EventSchema(schema_id=schema_id, parsed=parsed, fields=tuple(described["fields"]))
    except Exception as error:  # the Avro library raises whatever comes to hand
        raise ValueError(f"schema {schema_id} cannot be read: {type(error).__name__}") from error


def read_event(payload: bytes, schema: EventSchema) -> ChangeEvent | PlatformEvent:
    """The event in an Avro datum. Raises ValueError where the datum does not follow its schema."""
    try:
        record = fastavro.schemaless_reader(io.BytesIO(payload), schema.parsed, None)
    except Exception as error:  # the Avro library raises whatever comes to hand
        raise ValueError(f"the event does not follow its schema: {type(error).__name__}") from error
    if not isinstance(record, dict):
        raise ValueError("the event is not a record")  # noqa: TRY004 - content, not a caller's mistake
    header = record.pop(HEADER, None)
    if header is None:
        created_ms = record.get("CreatedDate")
        return PlatformEvent(created_at=_instant(created_ms), values=record)
    return ChangeEvent(
        entity=str(header.get("entityName", "")),
        change_type=str(header.get("changeType", "")),
        record_ids=tuple(header.get("recordIds") or ()),
        origin=str(header.get("changeOrigin") or ""),
        committed_at=_instant(header.get("commitTimestamp")),
        changed=field_names(header.get("changedFields") or (), schema.fields),
        nulled=field_names(header.get("nulledFields") or (), schema.fields),
        diffed=field_names(header.get("diffFields") or (), schema.fields),
        values=record,
    )


def field_names(bitmaps: Sequence[str], fields: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names that bitmaps stand for, `Parent.Child` for parts of compounds.

    Raises ValueError for an item that is no bitmap, or that points beyond the schema.
    """
    names: list[str] = []
    for item in bitmaps:
        index, dash, digits = item.partition("-")
        if not dash:
            names += _marked(item, [str(field["name"]) for field in fields])
            continue
        parent = fields[int(index)] if index.isdecimal() and int(index) < len(fields) else None
        if parent is None:
            raise ValueError(f"bitmap {item!r} points beyond the schema")
        names += [f"{parent['name']}.{child}" for child in _marked(digits, _children(parent, fields))]
    return tuple(names)


def _marked(digits: str, names: Sequence[str]) -> list[str]:
    """The names whose bit is set; bit 0 is the rightmost."""
    if not digits.lower().startswith("0x") or len(digits) > _BITMAP_DIGITS_MAX:
        raise ValueError(f"{digits[:40]!r} is not a bitmap")
    bits = int(digits, 16)
    if bits >> len(names):
        raise ValueError(f"bitmap {digits[:40]!r} points beyond the schema")
    return [name for position, name in enumerate(names) if bits >> position & 1]


def _children(parent: Mapping[str, Any], fields: Sequence[Mapping[str, Any]]) -> list[str]:
    """The field names of a compound field: its type is a record, or the name of one that came before.

    Avro writes a record out where it is first used, and names it wherever it is used again: of two addresses only
    the first has its parts with it.
    """
    written_out = {_last(kind["name"]): kind for field in fields for kind in _kinds(field) if _is_record(kind)}
    for kind in _kinds(parent):
        record = kind if _is_record(kind) else written_out.get(_last(kind)) if isinstance(kind, str) else None
        if record is not None:
            return [str(field["name"]) for field in record["fields"]]
    raise ValueError(f"field {parent['name']} has no parts")


def _kinds(field: Mapping[str, Any]) -> list[Any]:
    return field["type"] if isinstance(field["type"], list) else [field["type"]]


def _is_record(kind: Any) -> bool:
    return isinstance(kind, dict) and kind.get("type") == "record"


def _last(name: str) -> str:
    """A type's name without its namespace."""
    return name.rpartition(".")[2]


def _instant(milliseconds: Any) -> Instant:
    return milliseconds * _US_PER_MS if isinstance(milliseconds, int) else 0
