"""How alike two records are in each attribute, as a level: an ordinal that the model has learned a weight for.

A comparison looks at everything that belongs together (street, house, postcode and city are one), so that
nothing is
counted twice. Level -1 says that one side has nothing to compare. All of it works on arrays of pairs;
`online` does the same for one pair.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.columns import Codes, Columns, Index, Lists, Texts

Levels = NDArray[np.int8]
Flags = NDArray[np.bool_]
Terms = NDArray[np.int64]

NOTHING = -1
NEAR, ALIKE = 0.92, 0.82
"""Jaro-Winkler similarities (Winkler 1990) above which two words are nearly the same, or alike."""


class Judged:
    """Levels of pairs, and per pair the place of the agreeing term in the left columns' terms (-1: none)."""

    __slots__ = ("levels", "terms")

    def __init__(self, levels: Levels, terms: Terms) -> None:
        self.levels = levels
        self.terms = terms


Compare = Callable[[Columns, Index, Columns, Index], Judged]


class Comparison:
    """One line of evidence.

    `levels` names the levels, best first. `shared` says that people of one household tend to agree in it; where
    they do not, `namesakes` is the share of such pairs that agree as one person's records do: a son has his
    father's name, twins their birthday. `terms` names the columns whose frequencies refine agreement: sharing
    a rare name says more than sharing a common one. `grid`: the levels are two scales side by side, row by row.
    """

    def __init__(
        self,
        name: str,
        levels: Sequence[str],
        compare: Compare,
        *,
        shared: bool = False,
        namesakes: float = 0.0,
        terms: Sequence[str] = (),
        grid: tuple[int, int] | None = None,
    ) -> None:
        self.name = name
        self.levels = tuple(levels)
        self.compare = compare
        self.shared = shared
        self.namesakes = namesakes
        self.terms = tuple(terms)
        self.grid = grid


def edits(left: Texts, i: Index, right: Texts, j: Index) -> NDArray[np.int32]:
    """Optimal string alignment distances (a swap of neighbours is one edit), up to 2; 3 is anything above."""
    found: NDArray[np.int32] = _kernels().distances(
        left.words.letters, left.places[i], right.words.letters, right.places[j]
    )
    return found


def likeness(left: Texts, i: Index, right: Texts, j: Index) -> NDArray[np.float32]:
    """Jaro-Winkler similarities, 0 below `ALIKE`."""
    found: NDArray[np.float32] = _kernels().similarities(
        left.words.letters, left.places[i], right.words.letters, right.places[j]
    )
    return found


def _kernels() -> Any:
    from crossdock.identity.matching import kernels  # noqa: PLC0415 - what decides on arrivals needs no numba

    return kernels


def pair_kernels() -> Any:
    """The loops over pairs, imported when pairs are compared: what decides on arrivals needs no numba."""
    from crossdock.identity.matching import pair_kernels as found  # noqa: PLC0415 - see above

    return found


def name_kernels() -> Any:
    """The loops over the words in names; the same holds for them."""
    from crossdock.identity.matching import name_kernels as found  # noqa: PLC0415 - see above

    return found


WORDS = ("the same", "one letter apart", "nearly the same", "alike", "different")
EXACT, ONE_EDIT, NEARLY, SIMILAR, DIFFERENT = range(5)


def words(left: Texts, i: Index, right: Texts, j: Index) -> Levels:
    """Levels of `WORDS` for two columns of text."""
    levels: Levels = _kernels().word_levels(
        left.words.letters, left.places[i], right.words.letters, right.places[j]
    )
    return levels


def text_comparison(column: str, title: str = "") -> Comparison:
    """A comparison of one text column with nothing special about it."""

    def compare(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
        levels = words(left.text(column), i, right.text(column), j)
        return Judged(levels, np.where(levels == EXACT, i, -1))

    return Comparison(title or column, WORDS, compare, terms=(column,))


def several(left: Lists, i: Index, right: Lists, j: Index) -> tuple[Index, Index, Index] | None:
    """Each pair of values of pairs of rows: (pair, flat place left, flat place right); or None."""
    if not (left.starts[-1] and right.starts[-1]):
        return None
    counts_left, counts_right = left.counts(i), right.counts(j)
    if left.single and right.single:
        pair = np.flatnonzero((counts_left > 0) & (counts_right > 0))
        return (pair, left.starts[i[pair]], right.starts[j[pair]]) if pair.size else None
    counts = counts_left * counts_right
    total = int(counts.sum())
    if not total:
        return None
    pair = np.repeat(np.arange(i.size), counts)
    within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    width = counts_right[pair]
    return pair, left.starts[i[pair]] + within // width, right.starts[j[pair]] + within % width


def best(size: int, pair: Index, levels: Levels, terms: Terms) -> Judged:
    """The best (lowest) level of each pair of rows over its pairs of values, with that value's term."""
    return Judged(*pair_kernels().best_of(size, pair, levels, terms))


def list_comparison(
    name: str,
    attribute: str,
    levels: Sequence[str],
    judge: Callable[[Columns, Index, Columns, Index], Levels],
    *,
    shared: bool = False,
    namesakes: float = 0.0,
    term: str = "",
    agreeing: int = EXACT,
) -> Comparison:
    """A comparison of attributes with several values: the best pair of values counts.

    `judge` gives levels for flat places; levels up to `agreeing` are refined by the frequency of `term`.
    """

    def compare(left: Columns, i: Index, right: Columns, j: Index) -> Judged:
        exploded = several(left.lists(attribute), i, right.lists(attribute), j)
        if exploded is None:
            return Judged(np.full(i.size, NOTHING, np.int8), np.full(i.size, -1, np.int64))
        pair, fi, fj = exploded
        found = judge(left, fi, right, fj)
        return best(i.size, pair, found, np.where((found >= EXACT) & (found <= agreeing), fi, -1))

    return Comparison(name, levels, compare, shared=shared, namesakes=namesakes, terms=(term or attribute,))


NUMBERS = ("the same", "one character apart", "different")


def numbers(column: str) -> Callable[[Columns, Index, Columns, Index], Levels]:
    """Levels of `NUMBERS` for ids."""

    def judge(left: Columns, i: Index, right: Columns, j: Index) -> Levels:
        a, b = left.values(column), right.values(column)
        levels: Levels = pair_kernels().number_levels(a.words.letters, a.places[i], b.words.letters, b.places[j])
        return levels

    return judge


def known_as(left: Columns, i: Index, right: Columns, j: Index, column: str) -> Flags:
    """Where another name of one is the name in `column` of the other, or another name of theirs."""
    found = np.zeros(i.size, bool)
    mine, theirs = left.lists("aliases"), right.lists("aliases")
    if not (mine.rows.size or theirs.rows.size):
        return found
    for lists, rows, column_of, others in (
        (mine, i, left, right.text(column).codes[j]),
        (theirs, j, right, left.text(column).codes[i]),
    ):
        counts = lists.counts(rows)
        pair = np.repeat(np.arange(rows.size), counts)
        flat = np.arange(pair.size) - np.repeat(np.cumsum(counts) - counts, counts) + lists.starts[rows[pair]]
        found[pair[equal(column_of.values("aliases").codes[flat], others[pair])]] = True
    exploded = several(mine, i, theirs, j)
    if exploded is not None:
        pair, fi, fj = exploded
        found[pair[equal(left.values("aliases").codes[fi], right.values("aliases").codes[fj])]] = True
    return found


def equal(a: Codes, b: Codes) -> Flags:
    """Where both are known and the same."""
    same: Flags = (a == b) & (a != 0)
    return same
