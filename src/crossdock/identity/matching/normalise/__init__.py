"""Raw attributes to features: tolerant of anything, the same everywhere."""

from crossdock.identity.matching.normalise.addresses import country_of, place_of
from crossdock.identity.matching.normalise.dates import date_of
from crossdock.identity.matching.normalise.emails import email_of
from crossdock.identity.matching.normalise.names import (
    bare,
    family_of,
    generation_in,
    generation_said,
    name_at_birth,
    root_of,
    split_full_name,
    tokens_of,
)
from crossdock.identity.matching.normalise.organisations import known_as, organisation_of, registration_of
from crossdock.identity.matching.normalise.phones import phone_of
from crossdock.identity.matching.normalise.tax_ids import tax_id_of
from crossdock.identity.matching.normalise.text import compact, distinct, fold
from crossdock.identity.matching.record import Features, Kind, Place, Profile

NOWHERE = Place()
VALUES_MAX = 8
"""So many values of one attribute are compared: a record with more is a collection, not a person."""


def features_of(profile: Profile) -> Features:
    """The features of `profile`. Raises nothing for any text: what says nothing is left out."""
    country = country_of(profile.country)
    places = [place_of(address) for address in profile.addresses[:VALUES_MAX]]
    home = country or next((place.country for place in places if place.country), "")
    given, family = names_of(profile)
    organisation, form = "", ""
    if profile.kind == "organisation":
        organisation, form = organisation_of(profile.organisation or profile.name, profile.legal_form)
    elif profile.organisation:
        organisation, form = organisation_of(profile.organisation)
    emails = [email_of(text) for text in profile.emails[:VALUES_MAX]]
    verified = [email_of(text) for text in profile.verified_emails[:VALUES_MAX]]
    return Features(
        kind=profile.kind,
        given=given,
        root=root_of(given),
        family=family,
        generation=generation_of(profile),
        organisation=organisation,
        form=form,
        aliases=aliases_of(profile),
        registrations=distinct([registration_of(profile.registration)]),
        birth=date_of(profile.birth_date, home),
        emails=distinct([*verified, *emails]),
        verified_emails=distinct(verified),
        phones=distinct([phone_of(text, home) for text in profile.phones[:VALUES_MAX]]),
        places=tuple(dict.fromkeys(place for place in places if place != NOWHERE)),
        tax_ids=tuple(
            dict.fromkeys(found for text in profile.tax_ids[:VALUES_MAX] if (found := tax_id_of(text, home)))
        ),
        loyalty_ids=distinct([compact(text) for text in profile.loyalty_ids[:VALUES_MAX]]),
        customer_numbers=distinct([compact(text).lstrip("0") for text in profile.customer_numbers[:VALUES_MAX]]),
        references=distinct([reference_of(one.system, one.value) for one in profile.references]),
        extra=tuple((name, plain) for name, text in profile.extra if (plain := fold(text))),
    )


def names_of(profile: Profile) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Given and family names in tokens, out of a full name where the parts are missing."""
    if profile.kind == "organisation":
        return (), ()
    given, family = given_of(profile.given, profile.middle), family_name_of(profile.family)
    if profile.name and not (given and family):
        from_name = split_full_name(bare(profile.name))
        given, family = given or from_name[0], family or from_name[1]
        if given == family:
            # Somebody with one name only: which part it is, nobody knows.
            given = ()
    return given, family


def given_of(given: str, middle: str) -> tuple[str, ...]:
    """Given names in tokens."""
    return tokens_of(f"{given} {middle}") if given or middle else ()


def family_name_of(family: str) -> tuple[str, ...]:
    """A family name in tokens, without what else may stand behind it."""
    return family_of(bare(family)) if family else ()


def aliases_of(profile: Profile) -> tuple[str, ...]:
    """Further family names of a person, or names of an organisation: those told apart, then those in the name."""
    others = [alias_of(text, profile.kind) for text in profile.other_names[:VALUES_MAX]]
    if profile.kind == "organisation":
        return distinct([*others, known_as(profile.organisation or profile.name)])
    return distinct([*others, name_at_birth(profile.family), name_at_birth(profile.name)])


def alias_of(text: str, kind: Kind) -> str:
    """Another name of somebody in the form in which names are compared."""
    return organisation_of(text)[0] if kind == "organisation" else " ".join(family_of(text))


def generation_of(profile: Profile) -> str:
    """The generation that a person's name says, wherever in it; an empty text for none."""
    if profile.kind == "organisation":
        return ""
    parts = (profile.given, profile.middle, profile.family, profile.name)
    return generation_said(profile.suffix) or next((found for text in parts if (found := generation_in(text))), "")


def reference_of(system: str, value: str) -> str:
    """A system's id as it is compared; an empty text for none."""
    plain = value.strip()
    return f"{fold(system)}|{plain}" if plain else ""
