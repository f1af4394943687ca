"""What is compared of organisations: the name without its form, the form, the register, the sites' addresses."""

import numpy as np

from crossdock.identity.matching.columns import SEED, Columns, Index
from crossdock.identity.matching.comparisons import (
    EXACT,
    NEARLY,
    NOTHING,
    NUMBERS,
    WORDS,
    Comparison,
    Judged,
    known_as,
    list_comparison,
    name_kernels,
    numbers,
    words,
)

NAME = (
    *WORDS,
    "the same words in another order",
    "the same without some words",
    "an abbreviation of it",
    "another name of it is the same",
)
_ORDER, _PART, _ABBREVIATION, ALSO = 5, 6, 7, 8
FORM = ("the same", "different")
LETTERS_MIN, LETTERS_MAX = 2, 6


def _name(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
    a, b = left.text("organisation"), right.text("organisation")
    levels = words(a, i, b, j)
    open_ = np.flatnonzero(levels >= NEARLY)
    levels[open_] = name_kernels().company_levels(
        *(a.words.letters, a.places[i[open_]], b.words.letters, b.places[j[open_]]),
        *(levels[open_], SEED, max(a.words.longest, b.words.longest)),
    )
    levels[(levels >= NEARLY) & known_as(left, i, right, j, "organisation")] = ALSO
    return Judged(levels, np.where(levels == EXACT, i, -1))


def name_level(one: list[str], two: list[str], otherwise: int) -> int:
    """The level of two names word by word, `otherwise` where their words say nothing."""
    if sorted(one) == sorted(two) or "".join(one) == "".join(two):
        return _ORDER
    if set(one) <= set(two) or set(two) <= set(one):
        return otherwise if otherwise == NEARLY else _PART
    short, long_ = sorted((one, two), key=len)
    initials = "".join(word[0] for word in long_)
    if len(short) == 1 and len(long_) > 1 and len(short[0]) >= LETTERS_MIN and short[0] == initials:
        return _ABBREVIATION
    return otherwise


def _form(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
    a, b = left.text("form").codes[i], right.text("form").codes[j]
    levels = np.where(a == b, 0, 1).astype(np.int8)
    levels[(a == 0) | (b == 0)] = NOTHING
    return Judged(levels, np.where(levels == 0, i, -1))


COMPANY = (
    Comparison("organisation name", NAME, _name, shared=True, terms=("organisation",)),
    Comparison("legal form", FORM, _form, terms=("form",)),
    list_comparison("registration number", "registrations", NUMBERS, numbers("registrations")),
)
