"""What is compared of one pair of anybody: the scalar sibling of `contacts`."""

from collections.abc import Callable

from crossdock.identity.matching.columns import area_of, whole_of
from crossdock.identity.matching.comparisons import EXACT, NEARLY, NOTHING, ONE_EDIT, SIMILAR
from crossdock.identity.matching.contacts import (
    CITY,
    COMPANYS,
    LOCAL_CHARACTERS_MIN,
    PHONE_TAIL,
    PLACE,
    PLACE_DIFFERS,
    STREET_DIFFERS,
    TYPED,
    UNKNOWN_PLACE,
    UNKNOWN_STREET,
    bears,
    is_mobile,
    is_own_domain,
    is_plain,
    joined,
    typed_alike,
)
from crossdock.identity.matching.online.side import Side
from crossdock.identity.matching.online.words import UNKNOWN, Found, best, number, often, text, within, words
from crossdock.identity.matching.record import Features, Place, TaxId

_CLOSE = frozenset({ONE_EDIT, NEARLY, SIMILAR})


def of_contacts(one: Side, other: Side) -> list[Found]:
    """What is found in e-mail, phone, address, its further lines and ids, in the order of the catalogue."""
    mine, theirs = one.record, other.record
    address = more = UNKNOWN
    if mine.places and theirs.places:
        address = best(mine.places, theirs.places, _address)
        more = best(mine.places, theirs.places, _more)
    return [
        _emails(mine, theirs) if mine.emails and theirs.emails else UNKNOWN,
        best(mine.phones, theirs.phones, _phone) if mine.phones and theirs.phones else UNKNOWN,
        address,
        more,
        best(mine.tax_ids, theirs.tax_ids, _tax_id) if mine.tax_ids and theirs.tax_ids else UNKNOWN,
        best(mine.loyalty_ids, theirs.loyalty_ids, number) if mine.loyalty_ids and theirs.loyalty_ids else UNKNOWN,
        best(mine.customer_numbers, theirs.customer_numbers, number)
        if mine.customer_numbers and theirs.customer_numbers
        else UNKNOWN,
    ]


def _emails(one: Features, other: Features) -> Found:
    if len(one.emails) == len(other.emails) == 1:
        return _mailboxes(one, other, one.emails[0], other.emails[0])
    return best(one.emails, other.emails, lambda mine, theirs: _mailboxes(one, other, mine, theirs))


def _mailboxes(one: Features, other: Features, mine: str, theirs: str) -> Found:
    if mine == theirs:
        return 1 - (_is_called(mine, one, bears) and _is_called(theirs, other, bears)), 0, mine
    found = _email(mine, theirs)
    if found[0] < COMPANYS and _are_plain(mine, one, theirs, other, of_one=found[0] != TYPED):
        return UNKNOWN
    return found


def _are_plain(mine: str, one: Features, theirs: str, other: Features, *, of_one: bool) -> bool:
    """Whether both mailboxes are called by nothing but names; of one and the same name one person's will do."""
    if _is_called(mine, one, is_plain):
        return of_one or _is_called(theirs, other, is_plain)
    return of_one and _is_called(theirs, other, is_plain)


def _is_called(email: str, person: Features, how: Callable[[str, str, str, str], bool]) -> bool:
    return how(email, person.given[0] if person.given else "", person.root, " ".join(person.family))


def _email(one: str, other: str) -> Found:
    if within(one, other, 2) and typed_alike(one, other):
        return 2, -1, ""
    (local, _, domain), (their_local, _, their_domain) = one.rpartition("@"), other.rpartition("@")
    if len(local) >= LOCAL_CHARACTERS_MIN and _joined_alike(local, their_local):
        return 3, -1, ""
    return COMPANYS if domain == their_domain and is_own_domain(domain) else 5, -1, ""


def _joined_alike(one: str, other: str) -> bool:
    """Whether two mailboxes' names are the same but for what parts names; most end with different letters."""
    end, their_end = one[-1:], other[-1:]
    return (end == their_end or not (end.isalnum() and their_end.isalnum())) and joined(one) == joined(other)


def _phone(one: str, other: str) -> Found:
    if one == other:
        return 0 if is_mobile(one) else 1, 0, one
    return 2 if one[-PHONE_TAIL:] == other[-PHONE_TAIL:] or within(one, other, 1) else 3, -1, ""


def _tax_id(one: TaxId, other: TaxId) -> Found:
    return number(one.value, other.value)


def _more(one: Place, other: Place) -> Found:
    return text(one.more, other.more)


def _address(one: Place, other: Place) -> Found:
    """The level, and of the three term columns (whole addresses, postcodes, cities) the one that agrees."""
    street, place = _street(one, other), _locality(one, other)
    if street == UNKNOWN_STREET and place == UNKNOWN_PLACE:
        return UNKNOWN
    level = street * len(PLACE) + place
    if street <= 1 and (whole := whole_of(one)):
        return level, 0, whole
    if place <= 1:
        return level, 1, one.postcode
    return (level, 2, one.city) if place == CITY else (level, -1, "")


def _street(one: Place, other: Place) -> int:
    name = words(one.street, other.street)
    if name == NOTHING:
        return UNKNOWN_STREET
    house = one.house == other.house and (bool(one.house) or name == EXACT)
    if name == EXACT:
        return 0 if house else 2
    if name in _CLOSE:
        return 1 if house else 3
    return 4 if house else STREET_DIFFERS


def _locality(one: Place, other: Place) -> int:
    city = often(one.city, other.city)
    known = bool(one.postcode and other.postcode)
    if not known and city == NOTHING:
        return UNKNOWN_PLACE
    city_too = city in {EXACT, ONE_EDIT, NEARLY}
    if known and one.postcode == other.postcode:
        return 0 if city_too else 1
    if known and within(one.postcode, other.postcode, 1):
        return 2 if city_too else 3
    if city_too:
        return CITY if city == EXACT else 5
    area = area_of(one.postcode)
    return 6 if area and area == area_of(other.postcode) else PLACE_DIFFERS
