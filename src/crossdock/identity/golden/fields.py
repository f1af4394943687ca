"""The field catalogue: each thing that can be said of a party, by its dotted name (CUS-01, CUS-09, CUS-10).

    consents.email-marketing.status     one of several entries: `*` in the catalogue stands for the entry's key
    shipping.default.address.city       survives only together with its group, `shipping.*.address`

Values are what JSON has: text, whole numbers, true and false, lists of text; `None` says "it is empty". A name
that is absent says nothing. Days are `2026-03-29`, moments `2026-03-29T22:30:00Z` (always UTC).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import inspect

from crossdock.canonical.party import ExternalReference, Party
from crossdock.kit.errors import Finding, Invalid

FieldValue = str | int | bool | tuple[str, ...] | None
Fields = Mapping[str, FieldValue]
ANY_KEY = "*"


class Domain(StrEnum):
    """What a field is about; ownership is declared by domain, and by field where one differs."""

    IDENTITY = "identity"
    LEGAL_IDENTITY = "legal_identity"
    ACCOUNT = "account"
    CONTACT = "contact"
    LOCATION = "location"
    BILLING = "billing"
    TAX = "tax"
    CREDIT = "credit"
    PAYMENT_TERMS = "payment_terms"
    INVOICING = "invoicing"
    RECEIVABLES = "receivables"
    SHIPPING = "shipping"
    LOYALTY = "loyalty"
    CONSENT = "consent"
    MARKETING = "marketing"
    SERVICE_PREFERENCES = "service_preferences"
    ENGAGEMENT = "engagement"
    PIPELINE = "pipeline"
    CASE_CONTEXT = "case_context"
    CASE_REFERENCE = "case_reference"
    HIERARCHY = "hierarchy"


class Sensitivity(StrEnum):
    """Whom a value tells about: a person, our dealings with a customer, or nobody in particular."""

    PERSONAL = "personal"
    CONFIDENTIAL = "confidential"
    PLAIN = "plain"


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the catalogue. `group` survives as a whole, and is the name itself where it stands alone."""

    name: str
    domain: Domain
    kind: str
    group: str
    sensitivity: Sensitivity


_DOMAINS: Mapping[str, Domain] = {
    "kind": Domain.IDENTITY,
    "person": Domain.IDENTITY,
    "organisation": Domain.IDENTITY,
    "organisation.legal_name": Domain.LEGAL_IDENTITY,
    "organisation.legal_form": Domain.LEGAL_IDENTITY,
    "organisation.registration_number": Domain.LEGAL_IDENTITY,
    "organisation.registered_in": Domain.LEGAL_IDENTITY,
    "account": Domain.ACCOUNT,
    "account.number": Domain.LEGAL_IDENTITY,
    "contact": Domain.CONTACT,
    "locations": Domain.LOCATION,
    "billing": Domain.BILLING,
    "tax": Domain.TAX,
    "credit": Domain.CREDIT,
    "terms": Domain.PAYMENT_TERMS,
    "invoicing": Domain.INVOICING,
    "receivables": Domain.RECEIVABLES,
    "shipping": Domain.SHIPPING,
    "loyalty": Domain.LOYALTY,
    "consents": Domain.CONSENT,
    "marketing": Domain.MARKETING,
    "service": Domain.SERVICE_PREFERENCES,
    "engagement": Domain.ENGAGEMENT,
    "pipeline": Domain.PIPELINE,
    "cases": Domain.CASE_CONTEXT,
    "case_reference": Domain.CASE_REFERENCE,
    "hierarchy": Domain.HIERARCHY,
    "relations": Domain.HIERARCHY,
}
"""By the longest beginning of a name."""

GROUPS = (
    "person.name",
    "locations.*.address",
    "billing.address",
    "tax.exemption",
    "credit.limit",
    "credit.exposure",
    "receivables.balance",
    "receivables.overdue",
    "shipping.*.address",
    "consents.*",
    "hierarchy.parent",
    "relations.*",
)
"""What comes from one source or not at all: a mix of two addresses is an address nobody has (pain 16)."""

_PERSONAL = (
    "person",
    "contact",
    "locations.*.address",
    "billing.name",
    "billing.email",
    "billing.address",
    "shipping.*.address",
    "shipping.*.instructions",
    "loyalty.*.number",
    "engagement",
    "service",
    "marketing",
    "consents",
)
_CONFIDENTIAL = ("tax", "credit", "receivables", "terms", "pipeline")


def _leaves(kind: inspect.Type, name: str) -> Iterator[tuple[str, inspect.Type]]:
    match kind:
        case inspect.StructType(fields=fields):
            for field in fields:
                if field.name != "references":
                    yield from _leaves(field.type, f"{name}.{field.name}" if name else field.name)
        case inspect.DictType(value_type=value_type):
            yield from _leaves(value_type, f"{name}.{ANY_KEY}")
        case _:
            yield name, kind


def _kind(kind: inspect.Type) -> str:
    match kind:
        case inspect.UnionType(types=types):
            return _kind(types[0])
        case inspect.Metadata(type=inner):
            return _kind(inner)
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(str(value) for value in values)
        case inspect.VarTupleType():
            return "list of text"
    words: Mapping[type[Any], str] = {
        inspect.StrType: "text",
        inspect.BoolType: "yes or no",
        inspect.IntType: "whole number",
        inspect.DateType: "day",
        inspect.DateTimeType: "moment",
    }
    return words[type(kind)]


def begins(name: str, beginning: str) -> bool:
    """Whether a dotted name is `beginning` or lies below it."""
    return name == beginning or name.startswith(f"{beginning}.")


def _longest(name: str, beginnings: Sequence[str]) -> str:
    return max((each for each in beginnings if begins(name, each)), key=len, default="")


def _entry(name: str, kind: inspect.Type) -> Field:
    sensitivity = Sensitivity.CONFIDENTIAL if _longest(name, _CONFIDENTIAL) else Sensitivity.PLAIN
    return Field(
        name=name,
        domain=_DOMAINS[_longest(name, list(_DOMAINS))],
        kind=_kind(kind),
        group=_longest(name, GROUPS) or name,
        sensitivity=Sensitivity.PERSONAL if _longest(name, _PERSONAL) else sensitivity,
    )


CATALOGUE: Mapping[str, Field] = {name: _entry(name, kind) for name, kind in _leaves(inspect.type_info(Party), "")}
"""Every field there is, by its name with `*` for keys."""

_KEYED = frozenset(name.partition(f".{ANY_KEY}")[0] for name in CATALOGUE if ANY_KEY in name)


def pattern_of(name: str) -> str:
    """The catalogue's name of a field: `consents.email.status` is `consents.*.status`."""
    first, _, rest = name.partition(".")
    if first not in _KEYED or not rest:
        return name
    _, _, inner = rest.partition(".")
    return f"{first}.{ANY_KEY}.{inner}" if inner else f"{first}.{ANY_KEY}"


def find_field(name: str) -> Field | None:
    """The catalogue's entry for a field's name, or None where there is no such field."""
    return CATALOGUE.get(pattern_of(name))


def field_of(name: str) -> Field:
    """The same, for a name that must be one. Raises Invalid (`field-unknown`)."""
    found = find_field(name)
    if found is None:
        finding = Finding("field-unknown", f"$.{pattern_of(name)[:200]}", "there is no such field")
        raise Invalid("a customer has no field of this name", code=finding.code, findings=[finding])
    return found


def group_of(name: str) -> str:
    """What survives together with the field: `shipping.default.address` for its city. Raises Invalid."""
    parts = field_of(name).group.count(".") + 1
    return ".".join(name.split(".")[:parts])


def fields_of(party: Party) -> dict[str, FieldValue]:
    """What a statement says, field by field; references are no fields."""
    said: dict[str, FieldValue] = {}
    content = msgspec.to_builtins(party, builtin_types=(datetime,))
    content.pop("references", None)
    _flatten(content, "", said)
    return said


def _flatten(content: Mapping[str, Any], above: str, said: dict[str, FieldValue]) -> None:
    for key, value in content.items():
        name = f"{above}.{key}" if above else key
        if isinstance(value, dict):
            _flatten(value, name, said)
        elif isinstance(value, datetime):
            said[name] = msgspec.to_builtins(value.astimezone(UTC))
        else:
            said[name] = value


def party_of(fields: Fields, references: tuple[ExternalReference, ...] = ()) -> Party:
    """The statement that says just these fields.

    Raises Invalid for a name that is no field (`field-unknown`) or a value that does not fit (`does-not-fit`),
    with its path.
    """
    content: dict[str, Any] = {}
    for name, value in fields.items():
        field_of(name)
        *above, last = name.split(".")
        place = content
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    try:
        party = msgspec.convert(content, Party)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        finding = Finding("does-not-fit", path.rstrip("`") or "$", message)
        raise Invalid(f"the customer does not fit: {message}", code="payload", findings=[finding]) from error
    return msgspec.structs.replace(party, references=references)
