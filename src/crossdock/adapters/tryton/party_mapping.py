"""Between parties as Tryton keeps them and what the hub knows of customers: pure functions, no I/O.

Tryton has one name for a person: the last word is read as the family's, the rest as given. Telephone and mail are
the first contact mechanism of their kind, the shipping address the first one for deliveries.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UnsetType

from crossdock.adapters.tryton.mapping import SYSTEM, Catalogue
from crossdock.adapters.tryton.wire import CustomerStateRow, PlaceRow, TermRow
from crossdock.canonical.party import ExternalReference, Party
from crossdock.identity.golden.fields import Fields, FieldValue, fields_of, party_of
from crossdock.kit.errors import Rejected
from crossdock.ports.customer_sink import CustomerRecord, CustomerWrite

MODEL = "party.party"
ADDRESSES: Mapping[str, str] = {"shipping.default.address": "delivery", "billing.address": "invoice"}
MECHANISMS: Mapping[str, str] = {
    "contact.email": "email",
    "contact.phone": "phone",
    "contact.mobile": "mobile",
    "organisation.website": "website",
}
_PARTS = ("lines", "postal_code", "city", "region", "country")
PARENT = tuple(f"hierarchy.parent.{part}" for part in ("system", "kind", "value"))
MARK = "#"
TAX = "tax.number"

Command = list[Any]


def reference_to(party: int) -> ExternalReference:
    """How the hub names a party."""
    return ExternalReference(SYSTEM, MODEL, str(party))


def id_of(record: ExternalReference) -> int | None:
    """The party's id, or None for what cannot be one."""
    return int(record.value) if record.value.isascii() and record.value.isdigit() else None


def record_of(row: CustomerStateRow, person_category: str, contact_relation: str = "") -> CustomerRecord:
    """A party as it is now. Its version is a digest of what it says: no one stamp is moved by all of its parts."""
    said = said_by(row, person_category) | stands_for(row, contact_relation)
    references: tuple[ExternalReference, ...] = (reference_to(row.id),)
    if row.code:
        references += (ExternalReference(SYSTEM, "number", row.code),)
    unset = tuple(name for name, value in said.items() if value is None)
    return CustomerRecord(
        record=reference_to(row.id), says=party_of(said, references), version=digest(said), unset=unset
    )


def digest(said: Fields) -> str:
    """A short text that is the same for the same fields."""
    return hashlib.blake2s(msgspec.json.encode(said, order="sorted"), digest_size=12).hexdigest()


def version_after(before: Party, said: Fields, after: CustomerRecord | None) -> str:
    """The version to go by after a write: the party's own, unless somebody else wrote in between.

    Then it is the one that the party would have without them, so that the next write meets what they did.
    """
    if after is None:
        return ""
    shows, stood = fields_of(after.says), fields_of(before)
    if all(shows.get(name) == value for name, value in stood.items() if name not in said):
        return after.version
    return digest({**stood, **{name: shows.get(name) for name in said if name in stood}})


def said_by(row: CustomerStateRow, person_category: str) -> dict[str, FieldValue]:
    """What a party says, name by name; what it lacks it says is empty."""
    person = any(category.name == person_category for category in row.categories_)
    name = (row.name or "").strip()
    said: dict[str, FieldValue] = {"kind": "person" if person else "organisation"}
    if person:
        given, _, family = name.rpartition(" ")
        said |= {"person.name.given": given or None, "person.name.family": family or None}
    else:
        said["organisation.name"] = name or None
    said["account.number"] = row.code or None
    said |= _credit(row)
    said["service.language"] = row.lang_.code.replace("_", "-") if row.lang_ and row.lang_.code else None
    said["tax.number"] = row.tax_identifier_.code if row.tax_identifier_ else None
    said |= _terms(row.customer_payment_term_)
    for field, kind in MECHANISMS.items():
        said[field] = next((one.value for one in row.contact_mechanisms_ if one.type == kind), None)
    for field, use in ADDRESSES.items():
        said |= _place(field, place_for(row.addresses_, use))
    return said


def stands_for(row: CustomerStateRow, contact_relation: str) -> dict[str, FieldValue]:
    """The business that a person stands for, by the relation that was made first; nothing where none are kept."""
    if isinstance(row.relations_, UnsetType) or not contact_relation:
        return {}
    own = [
        one for one in row.relations_ if one.active and one.to and one.type_ and one.type_.name == contact_relation
    ]
    first = min(own, key=lambda one: one.id, default=None)
    named = reference_to(first.to) if first is not None and first.to is not None else None
    parts = (named.system, named.kind, named.value) if named else (None, None, None)
    relation: dict[str, FieldValue] = {"hierarchy.relation": "contact" if named else None}
    return relation | dict(zip(PARENT, parts, strict=True))


def place_for(places: Iterable[PlaceRow], use: str) -> PlaceRow | None:
    """The first address for that use."""
    return next((place for place in places if getattr(place, use)), None)


def _credit(row: CustomerStateRow) -> dict[str, FieldValue]:
    """A limit of nothing blocks, for then Tryton refuses by itself; where there are no limits, nobody is."""
    limit = row.credit_limit_amount
    if isinstance(limit, UnsetType):
        return {"account.status": "active" if row.active else "closed"}
    blocked = limit is not None and limit <= 0
    return {
        "account.status": "closed" if not row.active else "blocked" if blocked else "active",
        "credit.status": "on_hold" if blocked else "approved",
        "credit.limit.amount": f"{limit:f}" if limit is not None else None,
        "credit.limit.currency": row.currency_.code if limit is not None and row.currency_ else None,
    }


def _terms(term: TermRow | None) -> dict[str, FieldValue]:
    """The term's name, and the days where it is one payment after so many days."""
    days: int | None = None
    if term is not None and len(term.lines_) == 1:
        delays = term.lines_[0].relativedeltas_
        if not any(delay.months for delay in delays):
            days = sum(delay.days or 0 for delay in delays)
    return {"terms.code": term.name[:64] if term and term.name else None, "terms.days_net": days}


def _place(field: str, place: PlaceRow | None) -> dict[str, FieldValue]:
    if place is None:
        return dict.fromkeys((f"{field}.{part}" for part in _PARTS), None)
    lines = tuple(line.strip() for line in (place.street or "").splitlines() if line.strip())
    values: tuple[FieldValue, ...] = (
        lines or None,
        place.postal_code or None,
        place.city or None,
        (place.subdivision_.name or None) if place.subdivision_ else None,
        (place.country_.code or None) if place.country_ else None,
    )
    return dict(zip((f"{field}.{part}" for part in _PARTS), values, strict=True))


# --- Writing --------------------------------------------------------------------------------------------------


def mark_of(write: CustomerWrite) -> str:
    """What a new party bears as an identifier: our key, and a digest of what was said when it was made."""
    return f"{write.key}{MARK}{digest(fields_of(write.says))}"


def split_mark(code: str) -> tuple[str, str]:
    """Key and digest of a mark; the digest is empty for a number that is none of ours."""
    key, _, content = code.rpartition(MARK)
    return (key, content) if key else (code, "")


def values_of(
    said: Fields,
    row: CustomerStateRow | None,
    catalogue: Catalogue,
    terms: Mapping[str, int],
    tax_types: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What Tryton is to write of what was said, in one call: the party's own fields and commands on its parts.

    `row` is the party as it is, None for a new one. Nothing is written of fields that Tryton alone decides on
    (credit, status), nor a tax number for whose first two letters `tax_types` has no type. Raises Rejected for a
    country or a payment term that Tryton does not know.
    """
    values: dict[str, Any] = {}
    name = _name(said, row)
    if name is not None:
        values["name"] = name
    if said.get("account.number"):
        values["code"] = said["account.number"]
    if "terms.code" in said:
        values["customer_payment_term"] = _term(said["terms.code"], terms)
    mechanisms = _mechanisms(said, row)
    if mechanisms:
        values["contact_mechanisms"] = mechanisms
    if numbers := _tax_number(said, row, tax_types or {}):
        values["identifiers"] = numbers
    addresses = [command for field in ADDRESSES for command in _address(field, said, row, catalogue)]
    if addresses:
        values["addresses"] = addresses
    return values


def _name(said: Fields, row: CustomerStateRow | None) -> str | None:
    """The one name, from whichever parts were said and, for the others, from what is there."""
    if "organisation.name" in said:
        return str(said["organisation.name"] or "")
    parts = ("given", "middle", "family")
    if not any(f"person.name.{part}" in said for part in parts):
        return None
    given, _, family = ((row.name if row else "") or "").rpartition(" ")
    present = {"given": given, "middle": "", "family": family}
    words = (said.get(f"person.name.{part}", present[part]) for part in parts)
    return " ".join(str(word) for word in words if word)


def _term(code: FieldValue, terms: Mapping[str, int]) -> int | None:
    if code is None:
        return None
    if code not in terms:
        raise Rejected("the ERP does not know these payment terms", code="payment-terms-unknown", system=SYSTEM)
    return terms[str(code)]


def _mechanisms(said: Fields, row: CustomerStateRow | None) -> list[Command]:
    commands: list[Command] = []
    for field, kind in MECHANISMS.items():
        if field not in said:
            continue
        standing = [one for one in (row.contact_mechanisms_ if row else ()) if one.type == kind]
        value = said[field]
        if value is None and standing:
            commands.append(["write", [one.id for one in standing], {"active": False}])
        elif value is not None and standing:
            commands.append(["write", [standing[0].id], {"value": value}])
        elif value is not None:
            commands.append(["create", [{"type": kind, "value": value}]])
    return commands


def _tax_number(said: Fields, row: CustomerStateRow | None, types: Mapping[str, str]) -> list[Command]:
    """A number of another type is another number: the one before is deactivated, and documents keep it."""
    if TAX not in said or not types:
        return []
    standing = row.tax_identifier_ if row else None
    code = said[TAX]
    kind = tax_type(code, types)
    if code is not None and kind is None:
        return []
    if standing is not None and kind is not None and kind == standing.type:
        return [["write", [standing.id], {"code": code}]]
    commands: list[Command] = [["write", [standing.id], {"active": False}]] if standing else []
    return [*commands, ["create", [{"type": kind, "code": code}]]] if kind is not None else commands


def tax_type(code: FieldValue, types: Mapping[str, str]) -> str | None:
    """Tryton's type of a tax number, by its first two letters."""
    return types.get(code[:2].upper()) if isinstance(code, str) else None


def _address(field: str, said: Fields, row: CustomerStateRow | None, catalogue: Catalogue) -> list[Command]:
    told = {part: said[f"{field}.{part}"] for part in _PARTS if f"{field}.{part}" in said}
    if not told:
        return []
    use = ADDRESSES[field]
    standing = place_for(row.addresses_, use) if row else None
    if all(value is None for value in told.values()) and len(told) == len(_PARTS):
        return [["write", [standing.id], {"active": False}]] if standing else []
    values = _address_values(told, catalogue)
    if standing is None:
        other = next(name for name in ADDRESSES.values() if name != use)
        return [["create", [{**values, use: True, other: False}]]]
    shared = [name for name in ADDRESSES.values() if name != use and getattr(standing, name)]
    if not shared:
        return [["write", [standing.id], values]]
    # One address serves both: the other use keeps it, and this one gets an address of its own.
    full = {**_address_values(_parts_of(field, standing), catalogue), **values}
    return [
        ["write", [standing.id], {use: False}],
        ["create", [{**full, use: True, **dict.fromkeys(shared, False)}]],
    ]


def kept_of(said: Fields, shows: Fields, catalogue: Catalogue) -> dict[str, FieldValue]:
    """What Tryton makes of what it is told: no region that it does not know, a tax number without its country."""
    names = (f"{field}.region" for field in ADDRESSES)
    told = {name: said[name] for name in names if said.get(name) is not None}
    regions = {one.name.casefold() for one in catalogue.subdivisions}
    kept: dict[str, FieldValue] = {
        name: None for name, region in told.items() if str(region).casefold() not in regions
    }
    if said.get("hierarchy.relation") is not None and "hierarchy.relation" not in shows:
        kept |= {name: None for name in ("hierarchy.relation", *PARENT) if said.get(name) is not None}
    number, shown = (_letters(fields.get(TAX)) for fields in (said, shows))
    return kept | ({TAX: shows[TAX]} if shown and number.endswith(shown) else {})


def _letters(value: FieldValue) -> str:
    return "".join(sign for sign in str(value or "") if sign.isalnum())


def _parts_of(field: str, place: PlaceRow) -> dict[str, FieldValue]:
    return {name.rpartition(".")[2]: value for name, value in _place(field, place).items()}


def _address_values(told: Mapping[str, FieldValue], catalogue: Catalogue) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "lines" in told:
        lines = told["lines"]
        values["street_unstructured"] = "\n".join(lines) if isinstance(lines, Sequence) else None
    values |= {name: told[name] for name in ("postal_code", "city") if name in told}
    if "country" in told:
        country = told["country"]
        if country is not None and country not in catalogue.countries:
            raise Rejected(f"the ERP does not deliver to {country}", code="country-unknown", system=SYSTEM)
        values["country"] = catalogue.countries[str(country)] if country is not None else None
    if "region" in told:
        region, country_id = str(told["region"] or "").casefold(), values.get("country")
        known = (
            one.id
            for one in catalogue.subdivisions
            if one.name.casefold() == region and country_id in (None, one.country)
        )
        values["subdivision"] = next(known, None) if region else None
    return values
