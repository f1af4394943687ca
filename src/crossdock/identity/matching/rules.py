"""What is decided without weighing: ids that prove, and ids that forbid.

A rule speaks only where both records carry the id. A veto outweighs every link, but for one: what the authorities
or the ERP number alike is one person, whatever stands behind the name. 'Not the same' decisions of
stewards are the caller's: they are edges, not attributes.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.columns import Columns, Index
from crossdock.identity.matching.comparisons import DIFFERENT, Flags, equal, several, words


class Rule(IntEnum):
    """Which rule spoke; positive links, negative vetoes, 0 none."""

    TAX_IDS_DIFFER = -1
    REGISTRATIONS_DIFFER = -2
    GENERATIONS_DIFFER = -3
    NONE = 0
    CUSTOMER_NUMBER = 1
    TAX_ID = 2
    LOYALTY_ID = 3
    REFERENCE = 4
    VERIFIED_EMAIL_AND_NAME = 5
    REGISTRATION_AND_NAME = 6


Ruled = NDArray[np.int8]


def ruled(left: Columns, i: Index, right: Columns, j: Index) -> Ruled:
    """The `Rule` of each pair; of several that link, the first in the order of the enumeration."""
    found = np.zeros(i.size, np.int8)
    for rule, holds in (
        (Rule.REGISTRATION_AND_NAME, _registered(left, i, right, j)),
        (Rule.VERIFIED_EMAIL_AND_NAME, _verified(left, i, right, j)),
        (Rule.REFERENCE, _shares(left, i, right, j, "references")),
        (Rule.LOYALTY_ID, _loyal(left, i, right, j)),
        (Rule.GENERATIONS_DIFFER, _generations_differ(left, i, right, j)),
        (Rule.TAX_ID, _shares(left, i, right, j, "tax_ids", "tax_ids.valid")),
        (Rule.CUSTOMER_NUMBER, _shares(left, i, right, j, "customer_numbers")),
        (Rule.REGISTRATIONS_DIFFER, _registers_differ(left, i, right, j)),
        (Rule.TAX_IDS_DIFFER, _tax_ids_differ(left, i, right, j)),
    ):
        found[holds] = rule
    return found


def _shares(left: Columns, i: Index, right: Columns, j: Index, attribute: str, values: str = "") -> Flags:
    found = np.zeros(i.size, bool)
    exploded = several(left.lists(attribute), i, right.lists(attribute), j)
    if exploded is not None:
        pair, fi, fj = exploded
        name = values or attribute
        same = equal(left.values(name).codes[fi], right.values(name).codes[fj])
        found[pair[same]] = True
    return found


def _loyal(left: Columns, i: Index, right: Columns, j: Index) -> Flags:
    found = _shares(left, i, right, j, "loyalty_ids")
    same = np.flatnonzero(found)
    if same.size:
        found[same] = _may_be_one(left, i[same], right, j[same])
    return found


def _may_be_one(left: Columns, i: Index, right: Columns, j: Index) -> Flags:
    """Given names that do not contradict: a family often has one loyalty card."""
    a, b = left.text("root"), right.text("root")
    known = (a.codes[i] != 0) & (b.codes[j] != 0)
    alike: Flags = ~known | (words(a, i, b, j) < DIFFERENT)
    return alike


def _verified(left: Columns, i: Index, right: Columns, j: Index) -> Flags:
    names = equal(left.text("root").codes[i], right.text("root").codes[j])
    names &= equal(left.text("family").codes[i], right.text("family").codes[j])
    if not names.any():
        return names
    return names & _shares(left, i, right, j, "verified_emails")


def _generations_differ(left: Columns, i: Index, right: Columns, j: Index) -> Flags:
    """A senior and a junior: they share the name, and often the address and the phone."""
    a, b = left.text("generation").codes[i], right.text("generation").codes[j]
    apart: Flags = (a != 0) & (b != 0) & (a != b)
    return apart


def _registered(left: Columns, i: Index, right: Columns, j: Index) -> Flags:
    names = equal(left.text("organisation").codes[i], right.text("organisation").codes[j])
    return names & _shares(left, i, right, j, "registrations") if names.any() else names


def _registers_differ(left: Columns, i: Index, right: Columns, j: Index) -> Flags:
    """Both are registered, and nowhere alike; a shared tax id is stronger (a company may move its seat)."""
    both = (left.lists("registrations").counts(i) > 0) & (right.lists("registrations").counts(j) > 0)
    if not both.any():
        return both
    far = both & ~_shares(left, i, right, j, "registrations")
    return far & ~_shares(left, i, right, j, "tax_ids", "tax_ids.valid")


def _tax_ids_differ(left: Columns, i: Index, right: Columns, j: Index) -> Flags:
    """Both have numbers of one country whose checksums hold, and none in common: typing errors they are not."""
    exploded = several(left.lists("tax_ids"), i, right.lists("tax_ids"), j)
    found = np.zeros(i.size, bool)
    if exploded is None:
        return found
    pair, fi, fj = exploded
    a, b = left.values("tax_ids.valid").codes[fi], right.values("tax_ids.valid").codes[fj]
    country = equal(left.values("tax_ids.country").codes[fi], right.values("tax_ids.country").codes[fj])
    same_form = left.values("tax_ids").lengths[fi] == right.values("tax_ids").lengths[fj]
    found[pair[country & same_form & (a != 0) & (b != 0) & (a != b)]] = True
    found[pair[equal(a, b)]] = False
    return found
