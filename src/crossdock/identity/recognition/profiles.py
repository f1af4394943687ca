"""What a system says of a party, as the raw attributes that are compared."""

from collections.abc import Iterable
from typing import TypeVar

from msgspec import UNSET, UnsetType

from crossdock.canonical.party import ExternalReference, Party, PostalAddress
from crossdock.identity.golden.contributions import HeldRecord
from crossdock.identity.golden.fields import FieldValue, party_of
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
