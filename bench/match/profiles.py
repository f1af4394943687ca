"""Rows as profiles: nothing is cleaned on the way, that is the matcher's work."""

from bench.match.rows import Row
from crossdock.identity.matching.record import PostalAddress, Profile


def profile_of(row: Row) -> Profile:
    """What a mapping from a system with these columns hands over."""
    address = PostalAddress(
        lines=tuple(line for line in (row.street, row.extra) if line),
        postcode=row.postcode,
        city=row.city,
        region=row.region,
        country=row.country,
    )
    organisation = row.kind == "organisation"
    named = bool(row.given or row.surname)
    return Profile(
        kind="organisation" if organisation else "person",
        given=row.given,
        middle=row.middle,
        family=row.surname,
        name="" if named else row.full,
        organisation=row.organisation or (row.full if organisation and not named else ""),
        registration=row.number if organisation else "",
        birth_date=row.born,
        country=row.country,
        emails=(row.email,) if row.email else (),
        phones=(row.phone,) if row.phone else (),
        addresses=(address,) if address != EMPTY else (),
        tax_ids=tuple(number for number in (row.tax, "" if organisation else row.number) if number),
        loyalty_ids=(row.loyalty,) if row.loyalty else (),
        extra=tuple(
            (name, value)
            for name, value in (("birth_place", row.birth_place), ("occupation", row.occupation))
            if value
        ),
    )


EMPTY = PostalAddress()
