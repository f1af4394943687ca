"""Metadata: what objects and fields the org has. Definitions are data, and may grow while the org runs."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from crossdock.adapters.salesforce.simulator.failures import ApiError

FieldType = Literal[
    "id",
    "reference",
    "string",
    "textarea",
    "picklist",
    "boolean",
    "int",
    "double",
    "currency",
    "percent",
    "date",
    "datetime",
    "email",
    "phone",
    "url",
    "complexvalue",
]
OnDelete = Literal["clear", "cascade", "restrict"]
Kind = Literal["object", "event", "tooling"]
TEXT_TYPES = frozenset({"string", "textarea", "picklist", "email", "phone", "url", "id", "reference"})
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent"})


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field.

    `calculated` values (auto numbers, roll-ups, derived names) are kept by the org and announce no change.
    `compound` names the compound field this one is a part of, as BillingCity is of BillingAddress.
    """

    name: str
    type: FieldType = "string"
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    required: bool = False
    default: str | int | float | bool | None = None
    unique: bool = False
    external_id: bool = False
    case_sensitive: bool = False
    refers_to: tuple[str, ...] = ()
    relationship: str = ""
    children: str = ""
    on_delete: OnDelete = "clear"
    picklist: tuple[str, ...] = ()
    restricted: bool = False
    createable: bool = True
    updateable: bool = True
    calculated: bool = False
    auto_number: str = ""
    name_field: bool = False
    compound: str = ""

    @property
    def custom(self) -> bool:
        """Whether an administrator added the field."""
        return self.name.endswith("__c")

    @property
    def indexed(self) -> bool:
        """Whether rows are found by its value without a scan."""
        return self.unique or self.external_id or bool(self.refers_to)


class ObjectDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """One object: its API name, the three characters its ids begin with, and its fields in order."""

    name: str
    prefix: str
    fields: tuple[Field, ...]
    label: str = ""
    plural: str = ""
    kind: Kind = "object"
    owned: bool = True
    has_changes: bool = True


class Child(msgspec.Struct, frozen=True):
    """A relationship seen from the parent: `field` of `sobject` points here under the name `relationship`."""

    sobject: str
    field: str
    relationship: str
    on_delete: OnDelete


def _stamp(name: str, kind: FieldType, *refers_to: str) -> Field:
    return Field(
        name=name,
        type=kind,
        refers_to=refers_to,
        relationship=name.removesuffix("Id") if refers_to else "",
        createable=False,
        updateable=False,
    )


OWNER = Field(name="OwnerId", type="reference", refers_to=("User",), relationship="Owner")
_IDENTITY = (
    _stamp("Id", "id"),
    Field(name="IsDeleted", type="boolean", default=False, createable=False, updateable=False, calculated=True),
)
_STAMPS = (
    _stamp("CreatedDate", "datetime"),
    _stamp("CreatedById", "reference", "User"),
    _stamp("LastModifiedDate", "datetime"),
    _stamp("LastModifiedById", "reference", "User"),
    _stamp("SystemModstamp", "datetime"),
)
EVENT_FIELDS = (
    _stamp("CreatedDate", "datetime"),
    _stamp("CreatedById", "reference", "User"),
    Field(name="ReplayId", length=1000, createable=False, updateable=False),
    Field(name="EventUuid", length=36, createable=False, updateable=False),
)
SYSTEM_FIELDS = frozenset(field.name for field in (*_IDENTITY, *_STAMPS))


class SObject:
    """An object as the running org knows it: names are found regardless of case."""

    def __init__(self, definition: ObjectDefinition) -> None:
        self.definition = definition
        self.name = definition.name
        self.prefix = definition.prefix
        self.kind = definition.kind
        self.fields: dict[str, Field] = {}
        self._by_lower: dict[str, Field] = {}
        self._relationships: dict[str, Field] = {}
        self.compounds: dict[str, list[Field]] = {}
        for field in _all_fields(definition):
            self.add(field)

    def add(self, field: Field) -> None:
        """Add a field. Raises ValueError when the object has it already."""
        if field.name.lower() in self._by_lower:
            raise ValueError(f"{self.name} has a field {field.name} already")
        self.fields[field.name] = field
        self._by_lower[field.name.lower()] = field
        if field.relationship:
            self._relationships[field.relationship.lower()] = field
        if field.compound:
            self.compounds.setdefault(field.compound, []).append(field)

    def field(self, name: str) -> Field | None:
        """The field of that name, whatever its case."""
        return self._by_lower.get(name.lower())

    def relationship(self, name: str) -> Field | None:
        """The reference field behind a parent relationship, such as Account on Order."""
        return self._relationships.get(name.lower())

    def compound(self, name: str) -> str | None:
        """The compound field of that name, in its own spelling."""
        return next((own for own in self.compounds if own.lower() == name.lower()), None)

    @property
    def custom(self) -> bool:
        """Whether an administrator added the object."""
        return self.name.endswith(("__c", "__e"))

    @property
    def name_field(self) -> str:
        """The field people know a row by."""
        return next((field.name for field in self.fields.values() if field.name_field), "Id")

    @property
    def change_event(self) -> str:
        """The name of its change event: OrderChangeEvent, Parcel__ChangeEvent."""
        return f"{self.name[:-1]}ChangeEvent" if self.name.endswith("__c") else f"{self.name}ChangeEvent"


def _all_fields(definition: ObjectDefinition) -> Iterator[Field]:
    if definition.kind == "event":
        yield from EVENT_FIELDS
        yield from definition.fields
        return
    standard = [field for field in definition.fields if not field.custom]
    yield from _IDENTITY
    yield from standard
    if definition.owned and not any(field.name == OWNER.name for field in standard):
        yield OWNER
    yield from _STAMPS
    yield from (field for field in definition.fields if field.custom)


class Schema:
    """All objects of the org, and which fields its integration user must not see or write."""

    def __init__(self, definitions: Iterable[ObjectDefinition]) -> None:
        self._objects: dict[str, SObject] = {}
        self._by_prefix: dict[str, SObject] = {}
        self._children: dict[str, list[Child]] = {}
        self.hidden: set[tuple[str, str]] = set()
        self.read_only: set[tuple[str, str]] = set()
        self.version = 0
        for definition in definitions:
            self.add_object(definition)

    def __iter__(self) -> Iterator[SObject]:
        return iter(self._objects.values())

    def add_object(self, definition: ObjectDefinition) -> SObject:
        """Add an object. Raises ValueError when its name or key prefix is taken."""
        if definition.name.lower() in self._objects:
            raise ValueError(f"the org has an object {definition.name} already")
        if definition.prefix in self._by_prefix:
            raise ValueError(
                f"key prefix {definition.prefix} belongs to {self._by_prefix[definition.prefix].name}"
            )
        sobject = SObject(definition)
        self._objects[definition.name.lower()] = sobject
        self._by_prefix[definition.prefix] = sobject
        for field in sobject.fields.values():
            self._note_parent(sobject, field)
        self.version += 1
        return sobject

    def add_field(self, name: str, field: Field) -> SObject:
        """Add a field to an object. Raises ValueError for an unknown object or a name that is taken."""
        sobject = self.find(name)
        if sobject is None:
            raise ValueError(f"the org has no object {name}")
        sobject.add(field)
        self._note_parent(sobject, field)
        self.version += 1
        return sobject

    def find(self, name: str) -> SObject | None:
        """The object of that name, whatever its case."""
        return self._objects.get(name.lower())

    def get(self, name: str) -> SObject:
        """The object of that name. Raises ApiError NOT_FOUND."""
        found = self.find(name)
        if found is None:
            raise ApiError("NOT_FOUND", "The requested resource does not exist", status=404)
        return found

    def by_id(self, record_id: str) -> SObject | None:
        """The object whose ids begin like this one."""
        return self._by_prefix.get(record_id[:3])

    def children(self, name: str) -> list[Child]:
        """Who points at this object."""
        return self._children.get(name, [])

    def visible(self, sobject: SObject, field: Field) -> bool:
        """Whether field-level security shows the field to the integration user."""
        return (sobject.name, field.name) not in self.hidden

    def field(self, sobject: SObject, name: str) -> Field | None:
        """The visible field of that name, whatever its case."""
        found = sobject.field(name)
        return found if found is not None and self.visible(sobject, found) else None

    def _note_parent(self, sobject: SObject, field: Field) -> None:
        for parent in field.refers_to:
            child = Child(sobject.name, field.name, field.children, field.on_delete)
            self._children.setdefault(parent, []).append(child)
