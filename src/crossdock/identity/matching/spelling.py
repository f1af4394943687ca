"""Columns of words made out of other columns, in compiled loops: no word is a Python object on the way."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching import word_kernels
from crossdock.identity.matching.columns import (
    SEED,
    Index,
    Places,
    Spelled,
    Texts,
    Words,
    as_points,
    as_spelled,
    as_text,
)

Change = Callable[[str], str]
USED_SHARE = 0.8
"""Where more words are used than that, the others are not worth sorting out."""


def told_apart(spelled: Spelled, places: Index | Places) -> Texts:
    """Words of which some may be equal or empty as a column: each once, the empty one first."""
    points, starts = spelled
    numbers = np.zeros(starts.size, np.int64)
    numbers[1:] = word_kernels.hashed(points, starts, SEED)
    first, kinds = word_kernels.distinct(numbers)
    points, starts = word_kernels.taken(points, starts[:-1], starts[1:], first[1:] - 1)
    found = Words((points, np.concatenate([np.zeros(1, np.int64), starts])))
    return Texts(found, kinds[1:][places] if len(kinds) > 1 else np.zeros(len(places), np.int32))


def parted(text: str, sizes: Index) -> Texts:
    """A column whose values stand one behind the other in a text: of so many letters each."""
    starts = np.zeros(sizes.size + 1, np.int64)
    np.cumsum(sizes, out=starts[1:])
    return told_apart((as_points(text), starts), np.arange(sizes.size, dtype=np.int32))


def joined(parts: Sequence[Spelled]) -> Spelled:
    """The words of all parts, one part after the other."""
    sizes = np.cumsum([0, *(points.size for points, _ in parts)])
    starts = [begins[:-1] + size for (_, begins), size in zip(parts, sizes.tolist(), strict=False)]
    return np.concatenate([points for points, _ in parts]), np.concatenate([*starts, sizes[-1:]])


def used(texts: Texts, rows: Index) -> Texts:
    """Some rows of a column, without most words that they have not."""
    places = texts.places[rows]
    known = np.zeros(len(texts.words), bool)
    known[0] = True
    known[places] = True
    kept = np.flatnonzero(known)
    if kept.size > USED_SHARE * known.size:
        return Texts(texts.words, places)
    back = np.zeros(known.size, np.int32)
    back[kept] = np.arange(kept.size, dtype=np.int32)
    points, starts = texts.words.spelled
    return Texts(Words(word_kernels.taken(points, starts[:-1], starts[1:], kept)), back[places])


def stacked_words(columns: Sequence[Texts]) -> tuple[Words, list[Places]]:
    """The words of several columns as those of one, and each column's places among them."""
    if len(columns) == 1:
        return columns[0].words, [columns[0].places]
    spelled = joined([column.words.spelled for column in columns])
    found = told_apart(spelled, np.arange(spelled[1].size - 1))
    starts = np.cumsum([0, *(len(column.words) for column in columns)])
    places = [found.places[start:][column.places] for start, column in zip(starts.tolist(), columns, strict=False)]
    return found.words, places


def combinations(columns: Sequence[Texts]) -> tuple[list[Places], Places]:
    """The distinct combinations of some columns, as each column's places, and which one each row has."""
    packed = columns[0].places.astype(np.int64)
    kinds = len(columns[0].words)
    for column in columns[1:]:
        if kinds * len(column.words) >= 1 << 62:
            first, packed = word_kernels.distinct(packed)
            packed, kinds = packed.astype(np.int64), first.size
        packed = packed * len(column.words) + column.places
        kinds *= len(column.words)
    first, places = word_kernels.distinct(packed)
    return [column.places[first] for column in columns], places


def lettered(texts: Texts, change: Change, *, longest: int, at_most: int = 0) -> Texts:
    """Each word as `change` has it, which looks at one letter after the other: `fold`, or `compact`.

    It sees `longest` letters of a word; `at_most` of what comes out are kept, if told.
    """
    points, starts = texts.words.spelled
    table, entries = _table(points, change)
    points, starts = word_kernels.folded(points, starts, table, entries, longest)
    if at_most:
        ends = np.minimum(starts[1:], starts[:-1] + at_most)
        points, starts = word_kernels.taken(points, starts[:-1], ends, np.arange(starts.size - 1))
    return told_apart((points, starts), texts.places)


def _table(points: NDArray[np.uint32], change: Change) -> tuple[NDArray[np.uint32], Index]:
    """What `change` makes of each letter that there is, as `word_kernels.folded` wants it."""
    seen = np.zeros(int(points.max(initial=0)) + 1, bool)
    seen[points] = True
    known = {letter: _letter(chr(letter), change) for letter in np.flatnonzero(seen).tolist()}
    entries = np.zeros(seen.size + 1, np.int64)
    for letter, made in known.items():
        entries[letter + 1] = len(made)
    letters = [letter for made in known.values() for letter in made]
    return np.array(letters, np.uint32), np.cumsum(entries)


@lru_cache(maxsize=65_536)
def _letter(letter: str, change: Change) -> tuple[int, ...]:
    """What becomes of a letter within a word; what parts words is `GAP`."""
    made = change(f"a{letter}a")[1:-1]
    return tuple(int(word_kernels.GAP) if one == " " else ord(one) for one in made)


def completed(
    fast: Spelled, open_: NDArray[np.bool_], slow: Callable[[Index], list[str]], places: Index | Places
) -> Texts:
    """A column of what a loop made, `fast`, and of what `slow` says where it left a word `open_`."""
    rest = np.flatnonzero(open_)
    if not rest.size:
        return told_apart(fast, places)
    at = np.arange(open_.size)
    at[rest] = open_.size + np.arange(rest.size)
    return told_apart(joined([fast, as_spelled(slow(rest))]), at[places])


def chosen(words: Words, places: Index) -> list[str]:
    """Some words as text."""
    points, starts = words.spelled
    return as_text(word_kernels.taken(points, starts[:-1], starts[1:], places))


def having(words: Words, parts: Iterable[str]) -> NDArray[np.bool_]:
    """Which words have one of these between their blanks."""
    numbers = np.sort(numbers_of(parts))
    found: NDArray[np.bool_] = word_kernels.having(*words.spelled, numbers, SEED)
    return found


def numbers_of(words: Iterable[str]) -> NDArray[np.int64]:
    """The numbers of single words."""
    numbers: NDArray[np.int64] = word_kernels.hashed(*as_spelled(list(words)), SEED)
    return numbers


def strung(columns: Sequence[tuple[Words, Places]], between: str) -> Spelled:
    """Rows of words as one word each, with a sign between them."""
    sizes = np.cumsum([0, *(len(words) for words, _ in columns)])
    words = np.stack([places + size for (_, places), size in zip(columns, sizes.tolist(), strict=False)], axis=1)
    points, starts = joined([words.spelled for words, _ in columns])
    found: Spelled = word_kernels.strung(points, starts, words, np.uint32(ord(between)))
    return found
