"""An account as Salesforce keeps it into what it says of a customer, and back: pure functions.

Rows are flat, by Salesforce's names, whether they came by query or inside an event. A name that is not in a row is
not said; a name whose value is null says that it is empty.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.adapters.salesforce.changes import ChangeEvent
from crossdock.adapters.salesforce.countries import COUNTRY_CODES
from crossdock.adapters.salesforce.mapping import long_id
from crossdock.adapters.salesforce.settings import CustomerFields, SalesforceSettings
from crossdock.adapters.salesforce.wire import SYSTEM, Row
from crossdock.canonical.party import ExternalReference, Party
from crossdock.identity.golden.fields import CATALOGUE, Fields, FieldValue, fields_of, party_of, pattern_of
from crossdock.identity.golden.forms import other_forms
from crossdock.kit.errors import Finding, Invalid, Rejected
from crossdock.ports.customer_sink import CustomerRecord, CustomerWrite
from crossdock.ports.customer_source import ChangeKind, CustomerChange

SOBJECT, CONTACT = "Account", "Contact"
VERSION, MASTER = "LastModifiedDate", "MasterRecordId"
ALWAYS_READ = ("Id", "IsDeleted", "SystemModstamp", VERSION, MASTER)
PERSON_FLAG = "IsPersonAccount"
PARENT = tuple(f"hierarchy.parent.{part}" for part in ("system", "kind", "value"))
RELATION, ACCOUNT = "hierarchy.relation", "AccountId"
AMOUNT = ".amount"
_ACCOUNT_PREFIX, _CONTACT_PREFIX = "001", "003"
_COUNTRY_LETTERS = 2
_DAY_CHARACTERS = 10


def sobject_of(record: str) -> str:
    """Which object a record's id belongs to: the first three letters say so in every org."""
    return CONTACT if record.startswith(_CONTACT_PREFIX) else SOBJECT


def is_account(record: str) -> bool:
    """Whether an id names an account."""
    return record.startswith(_ACCOUNT_PREFIX)


def is_contact(says: Party) -> bool:
    """Whether somebody is told of as one of the people of a business."""
    return says.hierarchy.relation == "contact"


def reference_to(record: str) -> ExternalReference:
    """How the hub names an account or a contact."""
    return ExternalReference(SYSTEM, sobject_of(record), long_id(record))


def record_of(row: Row, settings: SalesforceSettings) -> CustomerRecord:
    """A row that was read whole. Raises Invalid with the path of whatever makes no sense."""
    says = says_of(row, settings)
    record = reference_to(str(row.get("Id")))
    return CustomerRecord(record=record, says=says, version=version_of(row), unset=unset_in(says))


def says_of(row: Row, settings: SalesforceSettings) -> Party:
    """What a row says. Raises Invalid with the paths, by Salesforce's names where a value cannot be read."""
    findings: list[Finding] = []
    said: dict[str, FieldValue] = {}
    if sobject_of(str(row.get("Id"))) == CONTACT:
        said["kind"] = "person"
    elif isinstance(row.get(PERSON_FLAG), bool):
        said["kind"] = "person" if row[PERSON_FLAG] else "organisation"
    for name, field in fields_in(row, settings.customers):
        try:
            said[name] = _value(name, row[field], settings)
        except ValueError as error:
            findings.append(Finding(code="wrong-type", path=f"$.{field}", message=str(error)))
    said |= _parent_in(row, settings.customers)
    if findings:
        raise Invalid("an account cannot be read", code="vendor-payload", system=SYSTEM, findings=findings)
    return party_of(said, (reference_to(str(row.get("Id"))),))


def unset_in(says: Party) -> tuple[str, ...]:
    """The fields of a whole row of which nobody need have said anything. A checkbox is never empty."""
    return tuple(name for name, value in fields_of(says).items() if value is None or value is False)


def fields_in(row: Row, fields: CustomerFields) -> Iterator[tuple[str, str]]:
    """The catalogue's names and Salesforce's that a row speaks of: a person's where it is one, else a business's.

    An update need not say what the account is; then its names do.
    """
    person = row.get(PERSON_FLAG)
    tables = [fields.common]
    tables += [fields.business] if person is not True else []
    tables += [fields.person] if person is not False else []
    if sobject_of(str(row.get("Id"))) == CONTACT:
        tables = [fields.contacts]
    for table in tables:
        for name, field in table.items():
            if field in row:
                yield name, field


def version_of(row: Row) -> str:
    """The second of the last change, which is all by which Salesforce tells states of a record apart."""
    moment = _moment(row.get(VERSION))
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else ""


def changed_row(event: ChangeEvent, record: str) -> dict[str, Any]:
    """What an event tells of a record, flat. Of what was made or brought back that is all that has a value."""
    row: dict[str, Any] = {"Id": record}
    if event.change_type == "UPDATE":
        for path in event.changed:
            parent, _, part = path.partition(".")
            value = event.values.get(parent)
            inner = value.get(part) if isinstance(value, Mapping) else None
            row[_flat(parent, part) if part else parent] = inner if part else value
        return row
    for name, value in event.values.items():
        if isinstance(value, Mapping):
            row |= {_flat(name, part): inner for part, inner in value.items() if inner is not None}
        elif value is not None:
            row[name] = value
    return row


def change_of(
    row: Row, kind: ChangeKind, at: int, settings: SalesforceSettings, *, origin: str = "", is_whole: bool = True
) -> CustomerChange:
    """What happened to the record of a row; an update does not tell it whole. Raises Invalid like `says_of`."""
    gone = kind in ("deleted", "merged")
    says = Party() if gone else says_of(row, settings)
    master = row.get(MASTER)
    return CustomerChange(
        record=reference_to(str(row.get("Id"))),
        kind=kind,
        says=says,
        changed_at=at,
        origin=origin,
        version="" if gone else version_of(row),
        unset=unset_in(says) if is_whole else (),
        into=reference_to(master) if kind == "merged" and isinstance(master, str) else None,
    )


def origin_of(event: ChangeEvent) -> str:
    """The name that the API client gave itself, or an empty text: a person did it, or something in the org."""
    marks = (part.partition("=") for part in event.origin.split(";"))
    return next((value for name, _, value in marks if name == "client"), "")


def new_row(write: CustomerWrite, fields: CustomerFields) -> dict[str, Any]:
    """The row that makes an account under the write's key."""
    sobject = CONTACT if is_contact(write.says) else SOBJECT
    row = _row(fields_of(write.says), fields, sobject, person=write.says.kind == "person")
    row = {name: value for name, value in row.items() if value is not None}
    return {"attributes": {"type": sobject}, **row, fields.key: write.key, fields.content: content_of(write)}


def changes_row(says: Party, fields: CustomerFields, *, person: bool, record: str = "") -> dict[str, Any]:
    """What an update of a record sets and clears; of an account, where none is named."""
    return _row(fields_of(says), fields, sobject_of(record), person=person)


def refusal_of(write: CustomerWrite, fields: CustomerFields) -> Rejected | None:
    """Why a write cannot be made here at all: it names a parent that is no account, or a contact."""
    if write.record is None and is_contact(write.says) and not fields.has_contacts:
        return Rejected("no contacts are kept here", code="contacts-unsupported", system=SYSTEM)
    parent = write.says.hierarchy.parent
    is_kept = fields.parent or is_contact(write.says)
    if not is_kept or not isinstance(parent.value, str) or parent.kind == SOBJECT:
        return None
    return Rejected("the parent is no account of this org", code="parent-unknown", system=SYSTEM)


def depends_on_kind(says: Party, fields: CustomerFields) -> bool:
    """Whether a field is kept in another place on a person account than on a business account."""
    return any(fields.business.get(name) != fields.person.get(name) for name in fields_of(says))


def content_of(write: CustomerWrite) -> str:
    """A digest of what was said when the customer was made: the same key with another one is another customer."""
    return hashlib.blake2s(msgspec.json.encode(write.says, order="sorted"), digest_size=12).hexdigest()


def holds(says: Party, record: CustomerRecord, fields: CustomerFields) -> bool:
    """Whether a record already is as a write wants it, as far as the org keeps it."""
    kept = fields_of(record.says)
    tables = [fields.common, fields.business, fields.person]
    if record.record.kind == CONTACT:
        tables = [fields.contacts]
    wanted = fields_of(says).items()
    known = {name for table in tables for name in table} | ({PARENT[-1]} if fields.parent else set())
    told = {name: value for name, value in wanted if name in known}
    return all(kept.get(name) == value for name, value in {**told, **other_forms(told, kept)}.items())


def _row(said: Fields, fields: CustomerFields, sobject: str, *, person: bool) -> dict[str, Any]:
    table = {**fields.common, **(fields.person if person else fields.business)}
    if sobject == CONTACT:
        table = dict(fields.contacts)
    row = {table[name]: _told(name, value) for name, value in said.items() if name in table}
    return row | _parent_row(said, ACCOUNT if sobject == CONTACT else fields.parent)


def _parent_in(row: Row, fields: CustomerFields) -> dict[str, FieldValue]:
    """The account that a row belongs to, or that it belongs to none; nothing where it does not say."""
    is_of_contact = sobject_of(str(row.get("Id"))) == CONTACT
    field = ACCOUNT if is_of_contact else fields.parent
    if not field or field not in row:
        return {}
    value = row[field]
    parent = reference_to(value) if isinstance(value, str) else None
    named = (parent.system, parent.kind, parent.value) if parent else (None, None, None)
    relation: dict[str, FieldValue] = {RELATION: "contact" if parent else None} if is_of_contact else {}
    return relation | dict(zip(PARENT, named, strict=True))


def _parent_row(said: Fields, field: str) -> dict[str, Any]:
    """The account to belong to, by its id; see `refusal_of` for parents that are none."""
    value = PARENT[-1]
    return {field: said[value]} if field and value in said else {}


def _told(name: str, value: FieldValue) -> Any:
    """A value as Salesforce takes it: lines in one text, amounts as numbers."""
    if name.endswith(AMOUNT) and isinstance(value, str):
        return Decimal(value)
    return "\n".join(value) if isinstance(value, tuple | list) else value


def _flat(parent: str, part: str) -> str:
    return f"{parent.removesuffix('Address')}{part}" if parent.endswith("Address") else part


def _value(name: str, value: Any, settings: SalesforceSettings) -> FieldValue:
    """A value as the catalogue wants it. Raises ValueError in words that do not repeat it."""
    if value is None:
        return None
    kind = CATALOGUE[pattern_of(name)].kind
    if kind == "yes or no":
        return bool(_of(bool, value))
    if kind == "whole number":
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or value != int(value):
            raise ValueError("a whole number is expected")
        return int(value)
    if kind == "day" and isinstance(value, int):
        return f"{datetime.fromtimestamp(value / 1_000, UTC):%Y-%m-%d}"
    if name.endswith(AMOUNT) and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"{Decimal(str(value)):f}"
    text = str(_of(str, value)).strip()
    if kind == "day":
        return text[:_DAY_CHARACTERS] or None
    if kind == "list of text":
        return tuple(line.strip() for line in text.splitlines() if line.strip()) or None
    return _country(text, settings) if name.endswith(".country") else text or None


def _of(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"a {kind.__name__} is expected")  # noqa: TRY004 - content, not a caller's mistake
    return value


def _country(text: str, settings: SalesforceSettings) -> str | None:
    if not text:
        return None
    code = settings.countries.get(text) or COUNTRY_CODES.get(text.casefold(), "")
    if not code and len(text) == _COUNTRY_LETTERS and text.isascii() and text.isalpha():
        code = text.upper()
    if not code:
        raise ValueError("no country has this name; add it to the setting `countries`")
    return code


def _moment(value: Any) -> datetime | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1_000, UTC)
    try:
        return datetime.fromisoformat(value).astimezone(UTC) if isinstance(value, str) else None
    except ValueError:
        return None
