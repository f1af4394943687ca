"""Fields of a customer in words for people: `person.name.family` is the family name, among who it is."""

from collections.abc import Iterable, Mapping

from crossdock.identity.golden.fields import ANY_KEY, Domain, find_field, group_of, pattern_of
from crossdock.kit.errors import Invalid

SECTIONS: Mapping[str, tuple[Domain, ...]] = {
    "Who it is": (Domain.IDENTITY, Domain.LEGAL_IDENTITY, Domain.HIERARCHY),
    "How to reach it": (Domain.CONTACT,),
    "Where it is": (Domain.LOCATION, Domain.SHIPPING, Domain.BILLING),
    "Account and money": (
        Domain.ACCOUNT,
        Domain.TAX,
        Domain.CREDIT,
        Domain.PAYMENT_TERMS,
        Domain.INVOICING,
        Domain.RECEIVABLES,
    ),
    "Consents and preferences": (Domain.CONSENT, Domain.MARKETING, Domain.SERVICE_PREFERENCES, Domain.LOYALTY),
    "Dealings": (Domain.ENGAGEMENT, Domain.PIPELINE, Domain.CASE_CONTEXT, Domain.CASE_REFERENCE),
}
"""In the order in which people ask."""

_OTHERS = "Other"
_SECTION_OF = {domain: section for section, domains in SECTIONS.items() for domain in domains}
_WORDS: Mapping[str, str] = {
    "person.name": "name",
    "person.name.salutation": "salutation",
    "person.name.given": "given name",
    "person.name.middle": "middle name",
    "person.name.family": "family name",
    "person.birth_date": "date of birth",
    "organisation.name": "company",
    "contact.email": "e-mail",
    "contact.email_verified": "e-mail verified",
    "contact.phone": "phone",
    "contact.mobile": "mobile",
    "billing.email": "billing e-mail",
    "terms.code": "payment terms",
    "terms.days_net": "days to pay",
    "hierarchy.parent": "belongs to",
    "hierarchy.relation": "belongs to it as",
    "cases.open_cases": "open cases",
}
_ONE_OF = {"consents": "consent", "locations": "location", "relations": "relation"}
_SILENT = frozenset({"person", "organisation", "contact", "cases", "case_reference"})
"""Beginnings that say nothing to people which the rest does not."""

_FIRST = ("kind", "person.name", "organisation.name", "organisation.legal_name")
_PARTS = (
    "salutation",
    "given",
    "middle",
    "family",
    "suffix",
    "name",
    "lines",
    "postal_code",
    "city",
    "region",
    "country",
)
_USUAL_KEY = "default"


def field_in_words(name: str) -> str:
    """A field or group, as a heading: `Shipping address`, `Shipping warehouse address city`."""
    pattern = pattern_of(name)
    known = _WORDS.get(pattern)
    if known is None:
        key = name.split(".")[1] if ANY_KEY in pattern else ""
        parts = [each for each in name.split(".") if not (each == key and key == _USUAL_KEY)]
        parts[0] = _ONE_OF.get(parts[0], parts[0])
        known = " ".join(parts[1:] if parts[0] in _SILENT and len(parts) > 1 else parts).replace("_", " ")
        known = known.replace("address lines", "street").replace("address postal code", "postcode")
        known = known.replace("address city", "city").replace("address country", "country")
    return known[:1].upper() + known[1:]


def fields_in_words(names: Iterable[str]) -> str:
    """Several fields; those of one group are told by the group's name: `Name, shipping address`."""
    groups = dict.fromkeys(_unit_of(name) for name in names)
    return ", ".join(map(field_in_words, sorted(groups, key=place_of)))


def rule_in_words(rule: str) -> str:
    """A rule of ownership by where it stands: `domains.payment_terms` is payment terms."""
    kind, _, name = rule.partition(".")
    if kind == "fields":
        return field_in_words(name.replace(f".{ANY_KEY}", ""))
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def section_of(name: str) -> str:
    """Under which heading people look for a field or group."""
    pattern = pattern_of(name)
    found = find_field(pattern)
    if found is None:
        below = next((each for each in _PARTS_BELOW if find_field(f"{pattern}.{each}")), "")
        found = find_field(f"{pattern}.{below}")
    return _SECTION_OF.get(found.domain, _OTHERS) if found else _OTHERS


def place_of(name: str) -> tuple[int, int, str, int, str]:
    """Where it stands in a list that people read: by section, names first, parts in the order of an envelope."""
    sections = (*SECTIONS, _OTHERS)
    unit = _unit_of(name)
    first = _FIRST.index(unit) if unit in _FIRST else len(_FIRST)
    part = name.rpartition(".")[2]
    return (
        sections.index(section_of(name)),
        first,
        unit,
        _PARTS.index(part) if part in _PARTS else len(_PARTS),
        name,
    )


_PARTS_BELOW = ("given", "lines", "exempt", "amount", "status", "system", "role")
"""A part that each group has one of."""


def _unit_of(name: str) -> str:
    try:
        return group_of(name)
    except Invalid:
        return name  # a group already, or a field of another release
