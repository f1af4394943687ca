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
    known_as,
    pair_kernels,
    words,
)
from crossdock.identity.matching.normalise.names import root_of

GIVEN = (
    "the same",
    "one letter apart",
    "nearly the same",
    "alike",
    "different",
    "a form of the same name",
    "the same initial",
    "one of the other given names",
)
ROOT, INITIAL, OTHER = range(5, 8)
FAMILY = (*WORDS, "a part of it is the same", "a former name is the same")
PART, FORMER = 5, 6
LETTERS_MIN = 3
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
    """Where one's given name is nearly the other's family name, while like parts are not alike."""
    texts = [(side.text(name), rows) for side, rows in ((left, i), (right, j)) for name in ("given", "family")]
    words = [part for text, rows in texts for part in (text.words.letters, text.places[rows])]
    longest = max(text.words.longest for text, _ in texts)
    found: Flags = pair_kernels().crossed(*words, LETTERS_MIN, longest)
    return found


def _given(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
    """Levels of `GIVEN`. Where names are swapped on one side, they are compared crosswise."""
    levels = _straight_given(left, i, right, j)
    crossed = np.flatnonzero(swapped(left, i, right, j))
    if crossed.size:
        levels[crossed], _ = _crosswise(left, i[crossed], right, j[crossed])
    terms = np.where(levels == EXACT, i, -1)
    terms[crossed] = -1
    return Judged(levels, terms)


def _crosswise(left: Columns, i: Index, right: Columns, j: Index) -> tuple[Levels, Levels]:
    """Levels of given and family names of which one side is swapped.

    Nobody says which side: the better agreement is taken for the family name, since families share that one.
    """
    given, family = (left.text("given"), right.text("given")), (left.text("family"), right.text("family"))
    one, other = words(given[0], i, family[1], j), words(family[0], i, given[1], j)
    unknown = (one == NOTHING) | (other == NOTHING)
    families = np.where(unknown, np.maximum(one, other), np.minimum(one, other)).astype(np.int8)
    givens = np.where(unknown, NOTHING, np.maximum(one, other)).astype(np.int8)
    for place in np.flatnonzero(givens > ONE_EDIT).tolist():
        names = (given[0], family[1]) if one[place] >= other[place] else (family[0], given[1])
        mine, theirs = names[0].at(i[place : place + 1])[0], names[1].at(j[place : place + 1])[0]
        if root_of((mine,)) == root_of((theirs,)):
            givens[place] = ROOT
        elif 1 in {len(mine), len(theirs)} and mine[0] == theirs[0]:
            givens[place] = INITIAL
    return givens, families


def _straight_given(left: Columns, i: Index, right: Columns, j: Index) -> Levels:
    a, b = left.text("given"), right.text("given")
    levels = words(a, i, b, j)
    open_ = np.flatnonzero(levels > ONE_EDIT)
    if open_.size:
        oi, oj = i[open_], j[open_]
        found = levels[open_]
        short = np.flatnonzero((a.lengths[oi] == 1) | (b.lengths[oj] == 1))
        found[short[_first(a, oi[short]) == _first(b, oj[short])]] = INITIAL
        weak = np.flatnonzero((found == DIFFERENT) | (found == SIMILAR))
        found[weak[_among_others(left, oi[weak], right, oj[weak])]] = OTHER
        found[equal(left.text("root").codes[oi], right.text("root").codes[oj])] = ROOT
        levels[open_] = found
    return levels


def _first(texts: Texts, rows: Index) -> NDArray[np.int64]:
    """The first letter of each text, as its code point."""
    return texts.words.initials[texts.places[rows]]


def _among_others(left: Columns, i: Index, right: Columns, j: Index) -> Index:
    """Places where one's first given name is a further given name of the other."""
    given, others = (left.text("given"), right.text("given")), (left.text("middle"), right.text("middle"))
    candidates = np.flatnonzero((others[0].codes[i] != 0) | (others[1].codes[j] != 0))
    oi, oj = i[candidates], j[candidates]
    known = zip(
        candidates.tolist(), given[0].at(oi), others[0].at(oi), given[1].at(oj), others[1].at(oj), strict=True
    )
    return np.array(
        [place for place, a, more, b, rest in known if a and b and (a in rest.split() or b in more.split())],
        dtype=np.int64,
    )


def _family(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
    a, b = left.text("family"), right.text("family")
    levels = words(a, i, b, j)
    open_ = np.flatnonzero(levels >= NEARLY)
    several = open_[a.spaced[i[open_]] | b.spaced[j[open_]]]
    for place, one, other in zip(several.tolist(), a.at(i[several]), b.at(j[several]), strict=True):
        if not set(one.split()).isdisjoint(other.split()):
            levels[place] = PART
    levels[(levels >= NEARLY) & known_as(left, i, right, j, "family")] = FORMER
    crossed = np.flatnonzero(swapped(left, i, right, j))
    if crossed.size:
        _, levels[crossed] = _crosswise(left, i[crossed], right, j[crossed])
    terms = np.where(levels == EXACT, i, -1)
    terms[crossed] = -1
    return Judged(levels, terms)


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


def _number(birth: str) -> int:
    return int(birth or 0)


def _birth_levels(a: Texts, i: Index, b: Texts, j: Index) -> Levels:
    x, y = a.words.each(_number, np.int64)[a.places[i]], b.words.each(_number, np.int64)[b.places[j]]
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
    Comparison("given name", GIVEN, _given, namesakes=0.01, terms=("given",)),
    Comparison("further given names", MIDDLE, _middle, terms=("middle",)),
    Comparison("family name", FAMILY, _family, shared=True, terms=("family",)),
    Comparison("date of birth", BIRTH, _birth, namesakes=0.005, terms=("birth",)),
)
