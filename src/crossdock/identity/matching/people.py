"""What is compared of persons."""

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.columns import Codes, Columns, Index, Texts
from crossdock.identity.matching.comparisons import (
    DIFFERENT,
    EXACT,
    NEARLY,
    NOTHING,
    ONE_EDIT,
    SIMILAR,
    WORDS,
    Comparison,
    Flags,
    Judged,
    Levels,
    edits,
    equal,
    words,
)

GIVEN = (
    "the same",
    "one letter apart",
    "nearly the same",
    "alike",
    "different",
    "a form of the same name",
    "the same initial",
    "swapped with the family name",
    "one of the other given names",
)
_ROOT, _INITIAL, _SWAPPED, _OTHER = range(5, 9)
FAMILY = (*WORDS, "a part of it is the same")
_PART = 5
MIDDLE = ("the same", "alike or its initial", "different")
BIRTH = (
    "the same",
    "day and month swapped",
    "one digit apart",
    "the same as far as known",
    "two of day, month and year",
    "the same year",
    "different",
)


def swapped(left: Columns, i: Index, right: Columns, j: Index) -> Flags:
    """Where one's given name is the other's family name, and the remaining parts agree or are missing."""
    gl, gr = left.text("given").codes[i], right.text("given").codes[j]
    fl, fr = left.text("family").codes[i], right.text("family").codes[j]
    one, other = equal(gl, fr), equal(fl, gr)
    crossed = (one & (other | (fl == 0) | (gr == 0))) | (other & (one | (gl == 0) | (fr == 0)))
    found: Flags = crossed & ~equal(gl, gr) & ~equal(fl, fr)
    return found


def _given(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
    a, b = left.text("given"), right.text("given")
    levels = words(a, i, b, j)
    open_ = np.flatnonzero(levels > ONE_EDIT)
    if open_.size:
        oi, oj = i[open_], j[open_]
        found = levels[open_]
        short = (a.lengths[oi] == 1) | (b.lengths[oj] == 1)
        same_first = _first(a, oi) == _first(b, oj)
        found[short & same_first] = _INITIAL
        weak = np.flatnonzero((found == DIFFERENT) | (found == SIMILAR))
        found[weak[_among_others(left, oi[weak], right, oj[weak])]] = _OTHER
        found[equal(left.text("root").codes[oi], right.text("root").codes[oj])] = _ROOT
        levels[open_] = found
    levels[swapped(left, i, right, j)] = _SWAPPED
    return Judged(levels, np.where(levels == EXACT, i, -1))


def _first(texts: Texts, rows: Index) -> NDArray[np.str_]:
    return np.array([value[:1] for value in texts.values[rows].tolist()], dtype="U1")


def _among_others(left: Columns, i: Index, right: Columns, j: Index) -> Index:
    """Places where one's first given name is a further given name of the other."""
    candidates = np.flatnonzero((left.text("middle").codes[i] != 0) | (right.text("middle").codes[j] != 0))
    one, two = left.records, right.records
    return np.array(
        [
            place
            for place in candidates.tolist()
            if (a := one[i[place]].given) and (b := two[j[place]].given) and (a[0] in b[1:] or b[0] in a[1:])
        ],
        dtype=np.int64,
    )


def _family(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
    a, b = left.text("family"), right.text("family")
    levels = words(a, i, b, j)
    one, two = left.records, right.records
    for place in np.flatnonzero(levels >= NEARLY).tolist():
        x, y = one[i[place]].family, two[j[place]].family
        if (len(x) > 1 or len(y) > 1) and not set(x).isdisjoint(y):
            levels[place] = _PART
    levels[swapped(left, i, right, j)] = NOTHING
    return Judged(levels, np.where(levels == EXACT, i, -1))


def _middle(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
    a, b = left.text("middle"), right.text("middle")
    levels = words(a, i, b, j)
    close = (levels == ONE_EDIT) | (levels == NEARLY) | (levels == SIMILAR)
    open_ = np.flatnonzero(levels == DIFFERENT)
    short = (a.lengths[i[open_]] == 1) | (b.lengths[j[open_]] == 1)
    initial = open_[short & (_first(a, i[open_]) == _first(b, j[open_]))]
    found = np.select([levels == NOTHING, levels == EXACT, close], [NOTHING, 0, 1], 2).astype(np.int8)
    found[initial] = 1
    return Judged(found, np.where(levels == EXACT, i, -1))


def _birth(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
    a, b = left.text("birth"), right.text("birth")
    levels = np.where(a.codes[i] == b.codes[j], 0, len(BIRTH) - 1).astype(np.int8)
    levels[(a.codes[i] == 0) | (b.codes[j] == 0)] = NOTHING
    open_ = np.flatnonzero(levels > 0)
    if open_.size:
        levels[open_] = _birth_levels(a, i[open_], b, j[open_])
    return Judged(levels, np.where(levels == EXACT, i, -1))


def _birth_levels(a: Texts, i: Index, b: Texts, j: Index) -> Levels:
    x, y = (np.array(values.tolist(), dtype=np.int64) for values in (a.values[i], b.values[j]))
    years, months, days = (_same(x, y, scale, size) for scale, size in ((10_000, 10_000), (100, 100), (1, 100)))
    vague = (x % 100 == 0) | (y % 100 == 0)
    month_known = (x // 100 % 100 != 0) & (y // 100 % 100 != 0)
    crossed = (x // 100 % 100 == y % 100) & (x % 100 == y // 100 % 100) & years & ~vague
    return np.select(
        [
            crossed,
            years & vague & (months | ~month_known),
            edits(a, i, b, j) == 1,
            years.astype(int) + months + days == 2,  # noqa: PLR2004 - of three
            years,
        ],
        [1, 3, 2, 4, 5],
        6,
    ).astype(np.int8)


def _same(x: Codes, y: Codes, scale: int, size: int) -> Flags:
    same: Flags = x // scale % size == y // scale % size
    return same


NAMES = (
    Comparison("given name", GIVEN, _given, terms=("given",)),
    Comparison("further given names", MIDDLE, _middle, terms=("middle",)),
    Comparison("family name", FAMILY, _family, shared=True, terms=("family",)),
    Comparison("date of birth", BIRTH, _birth, terms=("birth",)),
)
