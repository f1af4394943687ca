"""What is compared of persons."""

import threading
from collections.abc import Callable
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.columns import SEED, Codes, Columns, Index, Texts
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
    name_kernels,
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


class _Crossed:
    """Where names are swapped on one side, and what a comparison crosswise finds there: given and family names."""

    __slots__ = ("families", "givens", "places")

    def __init__(self, left: Columns, i: Index, right: Columns, j: Index) -> None:
        self.places = np.flatnonzero(_swapped(left, i, right, j))
        self.givens, self.families = _crosswise(left, i[self.places], right, j[self.places])


_LATEST = threading.local()
"""What each thread looked at last: given and family names ask for the same."""


def _crossed(left: Columns, i: Index, right: Columns, j: Index) -> _Crossed:
    asked = left, i, right, j
    known: tuple[tuple[Callable[[], object], ...], _Crossed] | None = getattr(_LATEST, "crossed", None)
    if known and all(former() is now for former, now in zip(known[0], asked, strict=True)):
        return known[1]
    found = _Crossed(left, i, right, j)
    _LATEST.crossed = tuple(map(ref, asked)), found
    return found


def _swapped(left: Columns, i: Index, right: Columns, j: Index) -> Flags:
    """Where one's given name is nearly the other's family name, while like parts are not alike."""
    texts = [(side.text(name), rows) for side, rows in ((left, i), (right, j)) for name in ("given", "family")]
    words = [part for text, rows in texts for part in (text.words.letters, text.places[rows])]
    longest = max(text.words.longest for text, _ in texts)
    found: Flags = pair_kernels().crossed(*words, LETTERS_MIN, longest)
    return found


def _given(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
    """Levels of `GIVEN`. Where names are swapped on one side, they are compared crosswise."""
    levels, crossed = _straight_given(left, i, right, j), _crossed(left, i, right, j)
    levels[crossed.places] = crossed.givens
    terms = np.where(levels == EXACT, i, -1)
    terms[crossed.places] = -1
    return Judged(levels, terms)


def _crosswise(left: Columns, i: Index, right: Columns, j: Index) -> tuple[Levels, Levels]:
    """Levels of given and family names of which one side is swapped.

    Nobody says which side: the better agreement is taken for the family name, since families share that one.
    """
    one = words(left.text("given"), i, right.text("family"), j)
    other = words(left.text("family"), i, right.text("given"), j)
    unknown = (one == NOTHING) | (other == NOTHING)
    families = np.where(unknown, np.maximum(one, other), np.minimum(one, other)).astype(np.int8)
    givens = np.where(unknown, NOTHING, np.maximum(one, other)).astype(np.int8)
    for mine, theirs, weaker in (("given", "family", one >= other), ("family", "given", one < other)):
        open_ = np.flatnonzero((givens > ONE_EDIT) & weaker)
        givens[open_] = _forms(left, mine, i[open_], right, theirs, j[open_], givens[open_])
    return givens, families


def _forms(left: Columns, mine: str, i: Index, right: Columns, theirs: str, j: Index, otherwise: Levels) -> Levels:
    """The level of names that are forms of one, or of which one is the other's initial."""
    a, b = left.text(mine), right.text(theirs)
    same = _roots(left, mine).codes[i] == _roots(right, theirs).codes[j]
    initial = ((a.lengths[i] == 1) | (b.lengths[j] == 1)) & (_first(a, i) == _first(b, j))
    return np.select([same, initial], [np.int8(ROOT), np.int8(INITIAL)], otherwise)


def _roots(columns: Columns, name: str) -> Texts:
    """The name behind each name of a column, as if it were a given name."""
    known = columns.kept(f"roots of {name}")
    if not known:
        known[:] = [columns.text(name).turned(_root)]
    found: Texts = known[0]
    return found


def _root(name: str) -> str:
    return root_of((name,)) if name else ""


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
    found: Flags = np.zeros(candidates.size, bool)
    for name, of, more, at in ((given[0], oi, others[1], oj), (given[1], oj, others[0], oi)):
        found |= name_kernels().among(
            name.words.letters, name.places[of], more.words.letters, more.places[at], SEED
        )
    return candidates[found]


def _family(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
    a, b = left.text("family"), right.text("family")
    levels = words(a, i, b, j)
    open_ = np.flatnonzero(levels >= NEARLY)
    several = open_[a.spaced[i[open_]] | b.spaced[j[open_]]]
    alike = name_kernels().share_a_word(
        *(a.words.letters, a.places[i[several]], b.words.letters, b.places[j[several]]),
        *(SEED, max(a.words.longest, b.words.longest)),
    )
    levels[several[alike]] = PART
    levels[(levels >= NEARLY) & known_as(left, i, right, j, "family")] = FORMER
    crossed = _crossed(left, i, right, j)
    levels[crossed.places] = crossed.families
    terms = np.where(levels == EXACT, i, -1)
    terms[crossed.places] = -1
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
