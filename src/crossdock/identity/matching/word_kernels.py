"""Whole columns of words at once, compiled by numba: hashed, told apart, folded, cut and put together.

Words are code points one after the other, and where each of them starts. As in `kernels` the interpreter's lock is
released. What a single word comes to says `normalise`; tests hold both together.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.kernels import compiled

Spelled = tuple[NDArray[np.uint32], NDArray[np.int64]]
"""Words: their code points, and where each starts; the last entry is the end."""

GAP = np.uint32(0x110000)
"""In a table of letters: what parts words. No code point is as large."""
BLANK = 32


@compiled
def hashed(points: Any, starts: Any, seed: Any) -> Any:
    """A number per word, equal where words are under one seed; 0 for an empty word."""
    found = np.empty(starts.size - 1, np.int64)
    for word in range(found.size):
        found[word] = number_of(points, starts[word], starts[word + 1], seed)
    return found


@compiled
def number_of(points: Any, start: int, end: int, seed: Any) -> Any:
    """The number of one word, as in `hashed`."""
    if start >= end:
        return np.int64(0)
    state = seed
    for place in range(start, end):
        state = (state ^ np.uint64(points[place])) * np.uint64(0x9FB21C651E98DF25)
        state ^= state >> np.uint64(29)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    number = np.int64(state ^ (state >> np.uint64(31)))
    return number if number != 0 else np.int64(1)


@compiled
def distinct(numbers: Any) -> Any:
    """Where each different number stands first, in their order, and for each number its place among those."""
    bits = 4
    while (1 << bits) < 2 * numbers.size:
        bits += 1
    shift, last = np.uint64(64 - bits), (1 << bits) - 1
    slots = np.full(1 << bits, -1, np.int32)
    first = np.empty(numbers.size, np.int64)
    places = np.empty(numbers.size, np.int32)
    count = 0
    for place in range(numbers.size):
        number = numbers[place]
        slot = np.int64((np.uint64(number) * np.uint64(0x9E3779B97F4A7C15)) >> shift)
        while True:
            kind = slots[slot]
            if kind < 0:
                slots[slot] = count
                first[count] = place
                places[place] = count
                count += 1
                break
            if numbers[first[kind]] == number:
                places[place] = kind
                break
            slot = (slot + 1) & last
    return first[:count].copy(), places


@compiled
def letter_masks(points: Any, starts: Any) -> Any:
    """The set of each word's letters, as 64 bits."""
    found = np.zeros(starts.size - 1, np.uint64)
    for word in range(found.size):
        mask = np.uint64(0)
        for place in range(starts[word], starts[word + 1]):
            mask |= np.uint64(1) << np.uint64(points[place] & np.uint32(63))
        found[word] = mask
    return found


@compiled
def taken(points: Any, starts: Any, ends: Any, rows: Any) -> Any:
    """Some pieces, each from `starts[row]` to `ends[row]`, as words of their own."""
    begins = np.empty(rows.size + 1, np.int64)
    begins[0] = 0
    for place in range(rows.size):
        begins[place + 1] = begins[place] + max(0, ends[rows[place]] - starts[rows[place]])
    found = np.empty(begins[rows.size], np.uint32)
    for place in range(rows.size):
        at, to = starts[rows[place]], begins[place]
        for step in range(begins[place + 1] - to):
            found[to + step] = points[at + step]
    return found, begins


@compiled
def folded(points: Any, starts: Any, table: Any, entries: Any, longest: int) -> Any:
    """Each word letter by letter as a table says: up to `longest` letters of it are looked at.

    A letter's entry runs from `entries[letter]` to `entries[letter + 1]` in the table; `GAP`s become one blank
    between what is left, none at the ends.
    """
    begins = np.empty(starts.size, np.int64)
    begins[0] = 0
    size = 0
    for place in range(points.size):
        size += entries[points[place] + 1] - entries[points[place]]
    found = np.empty(size, np.uint32)
    to = 0
    for word in range(starts.size - 1):
        gap, begin = False, to
        for place in range(starts[word], min(starts[word + 1], starts[word] + longest)):
            letter = points[place]
            for step in range(entries[letter], entries[letter + 1]):
                if table[step] == GAP:
                    gap = to > begin
                else:
                    if gap:
                        found[to] = 32
                        to += 1
                        gap = False
                    found[to] = table[step]
                    to += 1
        begins[word + 1] = to
    return found[:to].copy(), begins


@compiled
def having(points: Any, starts: Any, parts: Any, seed: Any) -> Any:
    """Which words have one of some parts (sorted numbers) between their blanks."""
    found = np.zeros(starts.size - 1, np.bool_)
    for word in range(found.size):
        begin = starts[word]
        for place in range(starts[word], starts[word + 1] + 1):
            if place == starts[word + 1] or points[place] == BLANK:
                number = number_of(points, begin, place, seed)
                at = np.searchsorted(parts, number)
                if at < parts.size and parts[at] == number:
                    found[word] = True
                    break
                begin = place + 1
    return found


@compiled
def strung(points: Any, starts: Any, words: Any, between: Any) -> Any:
    """Rows of words as one word each, with a sign between them. Shape of `words`: (rows, words)."""
    rows, width = words.shape
    begins = np.zeros(rows + 1, np.int64)
    for row in range(rows):
        size = width - 1
        for place in range(width):
            size += starts[words[row, place] + 1] - starts[words[row, place]]
        begins[row + 1] = begins[row] + size
    found = np.empty(begins[rows], np.uint32)
    to = 0
    for row in range(rows):
        for place in range(width):
            if place:
                found[to] = between
                to += 1
            for step in range(starts[words[row, place]], starts[words[row, place] + 1]):
                found[to] = points[step]
                to += 1
    return found, begins


@compiled
def hashed_pieces(points: Any, begins: Any, ends: Any, seed: Any) -> Any:
    """A number per piece, as `hashed` has it of a word."""
    found = np.empty(begins.size, np.int64)
    for piece in range(found.size):
        found[piece] = number_of(points, begins[piece], ends[piece], seed)
    return found


@compiled
def found_first(points: Any, begins: Any, ends: Any, letter: int) -> Any:
    """Where a letter stands first in each piece, or the piece's end."""
    found = np.empty(begins.size, np.int64)
    for piece in range(found.size):
        at = begins[piece]
        while at < ends[piece] and points[at] != letter:
            at += 1
        found[piece] = at
    return found


@compiled
def behind_last(points: Any, begins: Any, ends: Any, letter: int) -> Any:
    """The place behind the last such letter of each piece, or the piece's begin."""
    found = np.empty(begins.size, np.int64)
    for piece in range(found.size):
        at = ends[piece]
        while at > begins[piece] and points[at - 1] != letter:
            at -= 1
        found[piece] = at
    return found


SOUNDS_AS = np.array([48 if code == "0" else ord(code) for code in "01230120022455012623010202"], np.uint32)
"""Of a to z the digits of `keys.sound`; 0 for what is not heard."""
SOUNDS_MAX = 4


@compiled
def sounds(points: Any, begins: Any, ends: Any, seed: Any) -> Any:
    """The numbers of the phonetic codes of some words, as `keys.sound` has them."""
    found = np.empty(begins.size, np.int64)
    code = np.empty(SOUNDS_MAX + 1, np.uint32)
    for piece in range(found.size):
        size = 0
        former = np.uint32(0)
        for place in range(begins[piece], ends[piece]):
            letter = points[place]
            heard = SOUNDS_AS[letter - 97] if 97 <= letter <= 122 else letter  # noqa: PLR2004 - a to z
            is_heard = heard != 48  # noqa: PLR2004 - 0
            if size == 0:
                code[0] = letter
                size = 1
            elif is_heard and heard != former and size <= SOUNDS_MAX:
                code[size] = heard
                size += 1
            former = heard
        found[piece] = number_of(code, 0, size, seed)
    return found
