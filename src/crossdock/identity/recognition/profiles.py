"""What a system says of a party, as the raw attributes that are compared."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from crossdock.canonical.party import ExternalReference, Party, PostalAddress
from crossdock.identity.golden.contributions import HeldRecord
from crossdock.identity.golden.fields import FieldValue, party_of
from crossdock.identity.golden.spreading import golden_fields
from crossdock.identity.golden.survivorship import GoldenValue
from crossdock.identity.matching import record as raw

T = TypeVar("T")


def profile_of(party: Party, record: ExternalReference | None = None) -> raw.Profile:
    """The profile of a statement. What is empty or not said is left out; `record` counts as a reference."""
    person, organisation, contact = party.person, party.organisation, party.contact
    addresses = [
        party.billing.address,
        *(one.address for one in party.shipping.values()),
        *(one.address for one in party.locations.values()),
    ]
    references = [*((record,) if record else ()), *party.references]
    emails = _told(contact.email, party.billing.email)
    return raw.Profile(
        kind=_or(party.kind, "organisation" if organisation.name or organisation.legal_name else "person"),
        given=_or(person.name.given, ""),
        middle=_or(person.name.middle, ""),
        family=_or(person.name.family, ""),
        suffix=_or(person.name.suffix, ""),
        other_names=_told(organisation.name) if _or(organisation.legal_name, "") else (),
        organisation=_or(organisation.legal_name, "") or _or(organisation.name, ""),
        legal_form=_or(organisation.legal_form, ""),
        registration=_or(organisation.registration_number, ""),
        birth_date=day.isoformat() if (day := _or(person.birth_date, None)) else "",
        country=_or(organisation.registered_in, "") or _country(addresses),
        emails=emails,
        verified_emails=emails[:1] if contact.email_verified is True and _or(contact.email, "") else (),
        phones=_told(contact.phone, contact.mobile),
        addresses=tuple(_address(one) for one in addresses if _or(one.city, "") or _or(one.postal_code, "")),
        tax_ids=_told(party.tax.number),
        loyalty_ids=_told(*(one.number for one in party.loyalty.values())),
        customer_numbers=_told(party.account.number),
        references=tuple(raw.Reference(f"{one.system}/{one.kind}", one.value) for one in references),
    )


def said(held: HeldRecord | None) -> dict[str, FieldValue]:
    """What a record says by now, field by field; a change of it mentions only what is other than before."""
    fields = held.fields if held else {}
    return {name: one.said if one.has_said else one.shown for name, one in fields.items()}


def profile_held(held: HeldRecord) -> raw.Profile:
    """The profile of a record as the ledger has it. Raises Invalid where that fits no field."""
    return profile_of(party_of(said(held)), held.reference)


def profile_of_party(values: Mapping[str, GoldenValue], records: Sequence[raw.Profile]) -> raw.Profile:
    """The profile of a whole party: what holds, and of what there may be several also what its records say.

    Where no name holds, that of its first record that tells one.

    Raises Invalid where what holds fits no field.
    """
    own = profile_of(party_of(golden_fields(values)))
    named = next((one for one in (own, *records) if one.given or one.family or one.name or one.organisation), own)

    def all_of(name: str) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(each for one in (own, *records) for each in getattr(one, name)))

    return replace(named, **{name: all_of(name) for name in _SEVERAL})


_SEVERAL = (
    *("emails", "verified_emails", "phones", "addresses", "tax_ids", "loyalty_ids", "customer_numbers"),
    "references",
)


def _or(value: T | UnsetType | None, other: T) -> T:
    return other if value is None or isinstance(value, UnsetType) else value


def _told(*values: str | UnsetType | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value is not UNSET and value))


def _country(addresses: Iterable[PostalAddress]) -> str:
    return next((country for one in addresses if (country := _or(one.country, ""))), "")


def _address(address: PostalAddress) -> raw.PostalAddress:
    return raw.PostalAddress(
        lines=_or(address.lines, ()),
        postcode=_or(address.postal_code, ""),
        city=_or(address.city, ""),
        region=_or(address.region, ""),
        country=_or(address.country, ""),
    )
