"""What is compared of anybody: where mail, calls and letters arrive, and the ids of paper and channels."""

import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.columns import SEED, Columns, Index, as_spelled, as_word
from crossdock.identity.matching.comparisons import (
    NOTHING,
    NUMBERS,
    WORDS,
    Comparison,
    Judged,
    Levels,
    best,
    list_comparison,
    name_kernels,
    numbers,
    pair_kernels,
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
TYPED, COMPANYS = 2, 4
STRANGE = 9
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


@lru_cache(maxsize=4_096)
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


def is_mobile(phone: str) -> bool:
    """Whether a number in E.164 is a mobile's: a household shares its line, one person carries a mobile."""
    return phone.startswith(MOBILES)


def _called(columns: Columns) -> NDArray[np.int8]:
    """Of each e-mail whether it bears the name of its record's person, and whether it says nothing but that."""
    known = columns.kept("emails called")
    if not known:
        emails, rows = columns.values("emails"), columns.lists("emails").rows
        names = [columns.text(name) for name in ("given", "root", "family")]
        words = [part for text in names for part in (text.words.letters, text.places[rows])]
        found = pair_kernels().calls(emails.words.letters, emails.places, *words, emails.words.longest)
        open_ = np.flatnonzero(found[0] > 1)
        everybody = zip(emails.at(open_), *(name.at(rows[open_]) for name in names), strict=True)
        for place, one in zip(open_.tolist(), everybody, strict=True):
            found[:, place] = [say(*one) for say in (bears, is_plain)]
        known[:] = [found]
    called: NDArray[np.int8] = known[0]
    return called


def _facts(columns: Columns) -> NDArray[np.int64]:
    """What `mailbox_levels` asks of every word, in this order."""
    known = columns.kept("emails facts")
    if not known:
        points, starts = columns.values("emails").words.spelled
        facts, begins = pair_kernels().mailbox_facts(points, starts, SEED)
        _, first, domains = np.unique(facts[2], return_index=True, return_inverse=True)
        told = [as_word(points[begins[word] : starts[word + 1]]) for word in first.tolist()]
        facts[3] = np.fromiter(map(is_own_domain, told), bool, len(told))[domains]
        known[:] = [facts]
    found: NDArray[np.int64] = known[0]
    return found


def _emails(left: Columns, i: Index, right: Columns, j: Index) -> Levels:
    def levels_of(i: Index, j: Index, strange: int) -> Levels:
        longest = max(a.words.longest, b.words.longest)
        levels: Levels = pair_kernels().mailbox_levels(
            *(i, j, a.words.letters, a.places, _facts(left), _called(left)),
            *(b.words.letters, b.places, _facts(right), _called(right)),
            *(LOCAL_CHARACTERS_MIN, longest, strange),
        )
        return levels

    a, b = left.values("emails"), right.values("emails")
    levels = levels_of(i, j, STRANGE)
    open_ = np.flatnonzero(levels == STRANGE)
    if open_.size:
        oi, oj = i[open_], j[open_]
        both = zip(a.at(oi), b.at(oj), strict=True)
        alike = np.fromiter((typed_alike(one, other) for one, other in both), bool, open_.size)
        plain = (_called(left)[1, oi] & _called(right)[1, oj]) != 0
        levels[open_] = np.where(alike, np.where(plain, NOTHING, TYPED), levels_of(oi, oj, NOTHING))
    return levels


def _mobiles(columns: Columns) -> NDArray[np.bool_]:
    """Of each word whether it is a mobile's number."""
    known = columns.kept("phones mobile")
    if not known:
        known[:] = [name_kernels().beginning(*columns.values("phones").words.spelled, *as_spelled(MOBILES))]
    found: NDArray[np.bool_] = known[0]
    return found


def _phones(left: Columns, i: Index, right: Columns, j: Index) -> Levels:
    a, b = left.values("phones"), right.values("phones")
    levels: Levels = pair_kernels().phone_levels(
        a.words.letters,
        a.places[i],
        _mobiles(left),
        b.words.letters,
        b.places[j],
        PHONE_TAIL,
    )
    return levels


def _addresses(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
    exploded = several(left.lists("places"), i, right.lists("places"), j)
    if exploded is None:
        return Judged(np.full(i.size, NOTHING, np.int8), np.full(i.size, -1, np.int64))
    pair, fi, fj = exploded
    streets, cities, postcodes = (
        (left.values(f"places.{name}"), right.values(f"places.{name}")) for name in ("street", "city", "postcode")
    )
    words = [
        [part for text in both for part in (text.words.letters, text.places)]
        for both in (streets, cities, postcodes)
    ]
    houses, areas = ([side.values(f"places.{name}").codes for side in (left, right)] for name in ("house", "area"))
    longest = max(text.words.longest for both in (streets, cities, postcodes) for text in both)
    whole = left.values("places.whole").codes
    return best(
        i.size,
        pair,
        *pair_kernels().address_levels(fi, fj, *words[0], *houses, *words[1], *words[2], *areas, whole, longest),
    )


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
