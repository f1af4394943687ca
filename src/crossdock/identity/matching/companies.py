"""What is compared of organisations: the name without its form, the form, the register, the sites' addresses."""

import numpy as np

from crossdock.identity.matching.columns import Columns, Index
from crossdock.identity.matching.comparisons import (
    DIFFERENT,
    EXACT,
    NEARLY,
    NOTHING,
    NUMBERS,
    WORDS,
    Comparison,
    Judged,
    list_comparison,
    numbers,
    words,
)

NAME = (*WORDS, "the same words in another order", "the same without some words", "an abbreviation of it")
_ORDER, _PART, _ABBREVIATION = 5, 6, 7
FORM = ("the same", "different")
LETTERS_MIN = 2


def _name(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
    levels = words(left.text("organisation"), i, right.text("organisation"), j)
    one, two = left.text("organisation").values, right.text("organisation").values
    for place in np.flatnonzero(levels >= NEARLY).tolist():
        levels[place] = _name_level(one[i[place]].split(), two[j[place]].split(), int(levels[place]))
    return Judged(levels, np.where(levels == EXACT, i, -1))


def _name_level(one: list[str], two: list[str], otherwise: int) -> int:
    if one[0] != two[0] and otherwise == DIFFERENT and set(one).isdisjoint(two):
        short, long_ = sorted((one, two), key=len)
        initials = "".join(word[0] for word in long_)
        is_short = len(short) == 1 and len(long_) > 1 and len(short[0]) >= LETTERS_MIN
        return _ABBREVIATION if is_short and short[0] == initials else otherwise
    if sorted(one) == sorted(two) or "".join(one) == "".join(two):
        return _ORDER
    if set(one) <= set(two) or set(two) <= set(one):
        return min(_PART, otherwise) if otherwise == NEARLY else _PART
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
