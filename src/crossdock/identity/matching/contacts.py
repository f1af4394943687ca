"""What is compared of anybody: where mail, calls and letters arrive, and the ids of paper and channels."""

import re

import numpy as np

from crossdock.identity.matching.columns import Columns, Index, Texts
from crossdock.identity.matching.comparisons import (
    EXACT,
    NEARLY,
    NOTHING,
    NUMBERS,
    ONE_EDIT,
    SIMILAR,
    WORDS,
    Comparison,
    Flags,
    Judged,
    Levels,
    best,
    edits,
    equal,
    list_comparison,
    numbers,
    several,
    words,
)
from crossdock.identity.matching.normalise.text import digits

LOCAL_CHARACTERS_MIN = 5
"""A shorter mailbox name (`info`, `anna`) says nothing in another domain."""
PHONE_TAIL = 8
NAME_LETTERS_MIN, INITIALS_MAX = 3, 2
_MOBILES = {
    "30": "69", "31": "6", "32": "4", "33": "6 7", "34": "6 7", "351": "9", "353": "8", "358": "4 50",
    "36": "20 30 70", "39": "3", "41": "74 75 76 77 78 79", "420": "6 7", "421": "9",
    "43": "650 660 661 663 664 667 67 68 69",
    "44": "71 72 73 74 75 77 78 79", "46": "7", "47": "4 9", "48": "45 50 51 53 57 60 66 69 72 73 78 79 88",
    "49": "15 16 17", "61": "4", "64": "2", "81": "70 80 90", "82": "10", "86": "1", "90": "5",
}  # fmt: skip
MOBILES = tuple(f"+{country}{start}" for country, starts in _MOBILES.items() for start in starts.split())
"""What mobile numbers begin with in countries whose plan keeps them apart."""
FREE_MAIL = frozenset(
    """
    gmail.com hotmail.com outlook.com yahoo.com icloud.com aol.com live.com msn.com gmx.de gmx.net
    gmx.at gmx.ch web.de t-online.de freenet.de mail.ru yandex.ru orange.fr wanadoo.fr free.fr
    laposte.net sfr.fr libero.it virgilio.it yahoo.fr yahoo.de yahoo.it yahoo.es yahoo.co.uk
    hotmail.co.uk hotmail.fr hotmail.it hotmail.es btinternet.com protonmail.com comcast.net
    verizon.net att.net telefonica.net wp.pl o2.pl onet.pl seznam.cz ziggo.nl kpn.nl bigpond.com
    qq.com 163.com outlook.de outlook.fr hotmail.de live.de live.co.uk mail.com
    """.split()
)
_PARTS_NAMES = re.compile(r"[._-]+")
_NO_LETTERS = re.compile(r"[\W\d_]+")
_NOBODYS = re.compile(r"(^|\.)(example\.(com|net|org)|example|invalid|localhost|test)$")
"""Domains that are kept free for examples and tests (RFC 2606); shops fill them in where they know none."""

EMAIL = (
    "the same, with the given name in it",
    "the same",
    "one or two characters apart",
    "the same name in another mailbox",
    "the same company's",
    "different",
)
COMPANYS = 4
PHONE = ("the same mobile", "the same", "one digit or the country code apart", "different")
STREET = (
    "street and house",
    "house, and nearly the street",
    "street",
    "nearly the street",
    "house",
    "no street",
    "",
)
PLACE = (
    "postcode and city",
    "postcode",
    "nearly the postcode, and city",
    "nearly the postcode",
    "city",
    "nearly the city",
    "area",
    "nothing",
    "",
)
ADDRESS = tuple(
    f"{street or 'street unknown'} · {place or 'place unknown'}" for street in STREET for place in PLACE
)
CITY = 4
UNKNOWN_STREET, UNKNOWN_PLACE, STREET_DIFFERS, PLACE_DIFFERS = 6, 8, 5, 7


def is_own_domain(domain: str) -> bool:
    """Whether a domain is somebody's own, so that who has mail there belongs together."""
    return domain not in FREE_MAIL and not _NOBODYS.search(domain)


def bears(email: str, given: str, root: str, family: str) -> bool:
    """Whether a mailbox is called as somebody is, so that it is theirs and not the family's.

    The given name stands in it, or nothing but its initial and the family name.
    """
    if not given:
        return False
    local = email.rpartition("@")[0]
    if (len(given) >= NAME_LETTERS_MIN and given in local) or (len(root) >= NAME_LETTERS_MIN and root in local):
        return True
    name, letters = family.replace(" ", ""), _NO_LETTERS.sub("", local)
    return bool(name) and letters in {f"{given[0]}{name}", f"{name}{given[0]}"}


def is_plain(email: str, given: str, root: str, family: str) -> bool:
    """Whether a mailbox is called by somebody's name and nothing else: so every namesake's may be."""
    if not (given or family):
        return False
    left = joined(email.rpartition("@")[0])
    for name in (given, root, *family.split()):
        if len(name) >= NAME_LETTERS_MIN:
            left = left.replace(name, "")
    return len(left) <= INITIALS_MAX and (left.isalpha() or not left)


def typed_alike(one: str, other: str) -> bool:
    """Whether one of two mailboxes may be the other, mistyped: digits and what parts names are the same.

    `anna.vogt7`, `anna.vogt8` and `anna_vogt7` are three: that is how providers tell namesakes apart.
    """
    return digits(one) == digits(other) and _PARTS_NAMES.findall(one) == _PARTS_NAMES.findall(other)


def joined(local: str) -> str:
    """A mailbox's name without what parts names in it."""
    return _PARTS_NAMES.sub("", local)


def _joined(local: str) -> int:
    return hash(joined(local))


def is_mobile(phone: str) -> bool:
    """Whether a number in E.164 is a mobile's: a household shares its line, one person carries a mobile."""
    return phone.startswith(MOBILES)


def _called(columns: Columns) -> tuple[Flags, Flags]:
    """Of each e-mail whether it bears the name of its record's person, and whether it says nothing but that."""
    known = columns.kept("emails called")
    if not known:
        emails, rows = columns.values("emails"), columns.lists("emails").rows
        names = (columns.text(name).at(rows) for name in ("given", "root", "family"))
        everybody = list(zip(emails.at(np.arange(rows.size)), *names, strict=True))
        known[:] = [np.fromiter((say(*one) for one in everybody), bool, rows.size) for say in (bears, is_plain)]
    return known[0], known[1]


def _tail(phone: str) -> int:
    return hash(phone[-PHONE_TAIL:])


def _emails(left: Columns, i: Index, right: Columns, j: Index) -> Levels:
    whole = left.values("emails"), right.values("emails")
    levels = np.where(whole[0].codes[i] == whole[1].codes[j], 1, len(EMAIL) - 1).astype(np.int8)
    (own, plain), (their_own, their_plain) = _called(left), _called(right)
    levels[(levels == 1) & own[i] & their_own[j]] = 0
    open_ = np.flatnonzero(levels > 1)
    if not open_.size:
        return levels
    oi, oj = i[open_], j[open_]
    local, domain = left.values("emails.local"), left.values("emails.domain")
    company = domain.words.each(is_own_domain, bool)[domain.places[oi]]
    same_domain = domain.codes[oi] == right.values("emails.domain").codes[oj]
    names, their_names = (one.words.each(_joined, np.int64) for one in (local, right.values("emails.local")))
    same_local = (names[local.places[oi]] == their_names[right.values("emails.local").places[oj]]) & (
        local.lengths[oi] >= LOCAL_CHARACTERS_MIN
    )
    near = edits(whole[0], oi, whole[1], oj) <= 2  # noqa: PLR2004 - two typing errors
    close = np.flatnonzero(near)
    near[close] = [
        typed_alike(one, other) for one, other in zip(whole[0].at(oi[close]), whole[1].at(oj[close]), strict=True)
    ]
    found = np.select([near, same_local, same_domain & company], [2, 3, COMPANYS], 5)
    # Two mailboxes called by nothing but alike names say what the names say, once more.
    found[(found < COMPANYS) & plain[oi] & their_plain[oj]] = NOTHING
    levels[open_] = found
    return levels


def _phones(left: Columns, i: Index, right: Columns, j: Index) -> Levels:
    a, b = left.values("phones"), right.values("phones")
    mobile = a.words.each(is_mobile, bool)[a.places[i]]
    levels = np.where(a.codes[i] == b.codes[j], np.where(mobile, 0, 1), 3).astype(np.int8)
    open_ = np.flatnonzero(levels > 1)
    if open_.size:
        oi, oj = i[open_], j[open_]
        tails = a.words.each(_tail, np.int64)[a.places[oi]] == b.words.each(_tail, np.int64)[b.places[oj]]
        levels[open_[(edits(a, oi, b, oj) == 1) | tails]] = 2
    return levels


def _addresses(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
    exploded = several(left.lists("places"), i, right.lists("places"), j)
    if exploded is None:
        return Judged(np.full(i.size, NOTHING, np.int8), np.full(i.size, -1, np.int64))
    pair, fi, fj = exploded
    street, place = _streets(left, fi, right, fj), _localities(left, fi, right, fj)
    levels = (street.astype(np.int16) * len(PLACE) + place).astype(np.int8)
    levels[(street == UNKNOWN_STREET) & (place == UNKNOWN_PLACE)] = NOTHING
    count = len(left.values("places.whole"))
    # The terms are three columns in a row: whole addresses, postcodes, cities.
    known = left.values("places.whole").codes[fi] != 0
    terms = np.select([(street <= 1) & known, place <= 1, place == CITY], [fi, fi + count, fi + 2 * count], -1)
    return best(i.size, pair, levels, terms)


def _streets(left: Columns, i: Index, right: Columns, j: Index) -> Levels:
    name = words(left.values("places.street"), i, right.values("places.street"), j)
    a, b = left.values("places.house").codes[i], right.values("places.house").codes[j]
    house = equal(a, b) | ((a == 0) & (b == 0) & (name == EXACT))
    nearly = (name == ONE_EDIT) | (name == NEARLY) | (name == SIMILAR)
    return np.select(
        [name == NOTHING, (name == EXACT) & house, nearly & house, name == EXACT, nearly, house],
        [UNKNOWN_STREET, 0, 1, 2, 3, 4],
        STREET_DIFFERS,
    ).astype(np.int8)


def _localities(left: Columns, i: Index, right: Columns, j: Index) -> Levels:
    a, b = left.values("places.postcode"), right.values("places.postcode")
    x, y = a.codes[i], b.codes[j]
    city = words(left.values("places.city"), i, right.values("places.city"), j)
    same_city, near_city = city == EXACT, (city == ONE_EDIT) | (city == NEARLY)
    same = equal(x, y)
    near = _near(a, i, b, j, ~same & (x != 0) & (y != 0))
    area = equal(left.values("places.area").codes[i], right.values("places.area").codes[j])
    return np.select(
        [
            ((x == 0) | (y == 0)) & (city == NOTHING),
            same & (same_city | near_city),
            same,
            near & (same_city | near_city),
            near,
            same_city,
            near_city,
            area,
        ],
        [UNKNOWN_PLACE, 0, 1, 2, 3, 4, 5, 6],
        PLACE_DIFFERS,
    ).astype(np.int8)


def _near(a: Texts, i: Index, b: Texts, j: Index, where: Flags) -> Flags:
    near = np.zeros(i.size, dtype=bool)
    places = np.flatnonzero(where)
    near[places] = edits(a, i[places], b, j[places]) == 1
    return near


def _more(left: Columns, i: Index, right: Columns, j: Index) -> Levels:
    return words(left.values("places.more"), i, right.values("places.more"), j)


EMAILS = list_comparison("e-mail", "emails", EMAIL, _emails, shared=True, agreeing=1)
PHONES = list_comparison("phone", "phones", PHONE, _phones, shared=True, agreeing=1)
ADDRESSES = Comparison(
    "address",
    ADDRESS,
    _addresses,
    shared=True,
    terms=("places.whole", "places.postcode", "places.city"),
    grid=(len(STREET), len(PLACE)),
)
MORE_OF_ADDRESS = list_comparison("further address lines", "places", WORDS, _more, shared=True, term="places.more")
IDS = tuple(
    list_comparison(name, attribute, NUMBERS, numbers(attribute), namesakes=namesakes)
    for name, attribute, namesakes in (
        ("tax id", "tax_ids", 0.0),
        ("loyalty id", "loyalty_ids", 0.1),  # couples collect on one card
        ("customer number", "customer_numbers", 0.0),
    )
)
"""Channel references are not compared but ruled on: two accounts of one person in one shop are quite usual."""
