"""The inner loops of bulk, compiled by numba: distances of words, mixed keys, groups, components.

Every function here releases the interpreter's lock, so that threads run side by side. `online.words` and
`keys.keys_of` say the same for one pair or record, and tests hold both together. Needs the extra `match`: nothing
that decides on single arrivals imports this module.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])
Letters = tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]
"""Words: their code points one after the other, where each word starts, a set of its letters as 64 bits, and a
number that is equal where words are (0 for no word)."""

NOTHING, EXACT, ONE_EDIT, NEARLY, SIMILAR, DIFFERENT = -1, 0, 1, 2, 3, 4
OPEN = -2
ALIKE, NEAR = 0.82, np.float32(0.92)
TYPED_MIN, TWICE_MIN = 3, 6
"""Letters from which on one edit, or two, may be slips of a finger."""
CUT = 2
"""No comparison asks for more edits."""
BOOST_FROM, BOOST, PREFIX_MAX = 0.7, 0.1, 4
"""Winkler's (1990): similar words that begin alike are more similar."""


def compiled(function: F) -> F:
    """The function as machine code, kept on disk for the next run where some folder can be written."""
    made: Any
    try:
        made = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # Neither beside this file nor in the user's cache: compiled anew in each process.
        made = numba.njit(nogil=True)(function)
    return cast("F", made)


@compiled
def _count(mask: Any) -> Any:
    """How many bits are set, all at once (Hacker's Delight, figure 5-2)."""
    mask = mask - ((mask >> np.uint64(1)) & np.uint64(0x5555555555555555))
    mask = (mask & np.uint64(0x3333333333333333)) + ((mask >> np.uint64(2)) & np.uint64(0x3333333333333333))
    mask = (mask + (mask >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((mask * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def distance(one: Any, at: int, n: int, other: Any, to: int, m: int, rows: Any) -> Any:
    """The optimal string alignment distance up to `CUT`, `CUT` + 1 for anything above.

    The words are `n` letters of `one` from `at` on and `m` of `other` from `to` on.
    """
    above = CUT + 1
    while n and m and one[at] == other[to]:
        at, to, n, m = at + 1, to + 1, n - 1, m - 1
    while n and m and one[at + n - 1] == other[to + m - 1]:
        n, m = n - 1, m - 1
    if n == 0 or m == 0:
        return min(n + m, above)
    if n == 1 and m == 1:
        return 1
    for column in range(min(m, above) + 1):
        rows[0, column] = column
    lowest = 0
    for row in range(1, n + 1):
        now, last, former = row % 3, (row - 1) % 3, (row - 2) % 3
        first, end = max(1, row - CUT), min(m, row + CUT)
        # Beyond the band around the diagonal nothing is within the cut.
        rows[now, first - 1] = min(row, above) if first == 1 else above
        if end < m:
            rows[now, end + 1] = above
        letter, least = one[at + row - 1], rows[now, first - 1]
        for column in range(first, end + 1):
            theirs = other[to + column - 1]
            best = rows[last, column - 1] + (0 if letter == theirs else 1)
            best = min(best, rows[last, column] + 1, rows[now, column - 1] + 1)
            if row > 1 and column > 1 and letter == other[to + column - 2] and one[at + row - 2] == theirs:
                best = min(best, rows[former, column - 2] + 1)
            rows[now, column] = min(best, above)
            least = min(least, best)
        # A swap reaches over one row, so two rows beyond the cut end it.
        if least > CUT and lowest > CUT:
            return above
        lowest = least
    return rows[n % 3, m]


@compiled
def one_edit(one: Any, at: int, n: int, other: Any, to: int, m: int) -> Any:
    """Whether the distance is 1, for which nothing has to be reckoned."""
    if abs(n - m) > 1:
        return False
    while n and m and one[at] == other[to]:
        at, to, n, m = at + 1, to + 1, n - 1, m - 1
    while n and m and one[at + n - 1] == other[to + m - 1]:
        n, m = n - 1, m - 1
    if n == 2 and m == 2:  # noqa: PLR2004 - two neighbours
        return one[at] == other[to + 1] and one[at + 1] == other[to]
    return max(n, m) == 1


@compiled
def similarity(one: Any, at: int, n: int, other: Any, to: int, m: int, seen: Any) -> Any:
    """The Jaro-Winkler similarity of two words, 0 below `ALIKE`. `seen` is two rows of zeros, and left so."""
    prefix = 0
    while prefix < min(n, m, PREFIX_MAX) and one[at + prefix] == other[to + prefix]:
        prefix += 1
    reach = max(0, max(n, m) // 2 - 1)
    common = 0
    for place in range(n):
        letter = one[at + place]
        for theirs in range(max(0, place - reach), min(m, place + reach + 1)):
            if not seen[1, theirs] and letter == other[to + theirs]:
                seen[0, place] = seen[1, theirs] = 1
                common += 1
                break
    moved, theirs = 0, 0
    for place in range(n):
        if seen[0, place]:
            while not seen[1, theirs]:
                theirs += 1
            if one[at + place] != other[to + theirs]:
                moved += 1
            theirs += 1
            seen[0, place] = 0
    for theirs in range(m):
        seen[1, theirs] = 0
    if common == 0:
        return 0.0
    jaro = (common / n + common / m + (common - moved // 2) / common) / 3.0
    if jaro > BOOST_FROM:
        jaro += prefix * BOOST * (1.0 - jaro)
    return jaro if jaro >= ALIKE else 0.0


@compiled
def hopeless(n: int, m: int, mine: Any, theirs: Any) -> Any:
    """Whether two words have too few letters in common to be alike, whatever their order."""
    most = min(n - _count(mine & ~theirs), m - _count(theirs & ~mine))
    if most <= 0:
        return True
    jaro = (most / n + most / m + 1.0) / 3.0
    return jaro + PREFIX_MAX * BOOST * (1.0 - jaro) < ALIKE


@compiled
def distances(left: Letters, p: Any, right: Letters, q: Any) -> Any:
    """The distances of each pair of words `left[p]`, `right[q]`, up to `CUT`; `CUT` + 1 is anything above."""
    one, starts, masks, _ = left
    other, their_starts, their_masks, _ = right
    found = np.empty(p.size, np.int32)
    rows, _ = room(_longest(starts, p, their_starts, q))
    for pair in range(p.size):
        a, b = p[pair], q[pair]
        at, to = starts[a], their_starts[b]
        n, m = starts[a + 1] - at, their_starts[b + 1] - to
        found[pair] = CUT + 1
        if not far(n, m, masks[a], their_masks[b]):
            found[pair] = distance(one, at, n, other, to, m, rows)
    return found


@compiled
def similarities(left: Letters, p: Any, right: Letters, q: Any) -> Any:
    """The similarities of each pair of words `left[p]`, `right[q]`, in single precision."""
    one, starts, masks, _ = left
    other, their_starts, their_masks, _ = right
    found = np.zeros(p.size, np.float32)
    _, seen = room(_longest(starts, p, their_starts, q))
    for pair in range(p.size):
        a, b = p[pair], q[pair]
        at, to = starts[a], their_starts[b]
        n, m = starts[a + 1] - at, their_starts[b + 1] - to
        if not hopeless(n, m, masks[a], their_masks[b]):
            found[pair] = similarity(one, at, n, other, to, m, seen)
    return found


@compiled
def word_levels(left: Letters, p: Any, right: Letters, q: Any) -> Any:
    """Levels of `comparisons.WORDS` for each pair of words `left[p]`, `right[q]`."""
    one, starts, masks, hashes = left
    other, their_starts, their_masks, their_hashes = right
    found = np.empty(p.size, np.int8)
    rows, seen = room(_longest(starts, p, their_starts, q))
    for pair in range(p.size):
        a, b = p[pair], q[pair]
        at, to = starts[a], their_starts[b]
        n, m = starts[a + 1] - at, their_starts[b + 1] - to
        level = plain_level(hashes[a], their_hashes[b], n, m, masks[a], their_masks[b])
        if level == OPEN:
            level = open_level(one, at, n, other, to, m, rows, seen)
        found[pair] = level
    return found


@compiled
def room(longest: int) -> Any:
    """What distances and similarities of words of so many letters are reckoned in."""
    return np.empty((3, longest + 2), np.int64), np.zeros((2, longest + 1), np.uint8)


# A call that is handed arrays costs as much as a short distance does. So what hashes, lengths and sets of letters
# say is asked first, and only who is left is compared letter by letter.


@compiled
def plain_level(number: int, theirs: int, n: int, m: int, mine: Any, others: Any) -> Any:
    """The level of two words as far as it needs none of their letters, else `OPEN`."""
    if number == 0 or theirs == 0:
        return NOTHING
    if number == theirs:
        return EXACT
    if hopeless(n, m, mine, others) and (min(n, m) < TYPED_MIN or far(n, m, mine, others)):
        return DIFFERENT
    return OPEN


@compiled
def open_level(one: Any, at: int, n: int, other: Any, to: int, m: int, rows: Any, seen: Any) -> Any:
    """The level of two words that differ: `n` letters of `one` from `at` on and `m` of `other` from `to` on."""
    apart = CUT + 1
    if min(n, m) >= TYPED_MIN and abs(n - m) <= CUT:
        apart = distance(one, at, n, other, to, m, rows)
    if apart == 1:
        return ONE_EDIT
    if apart == CUT and min(n, m) >= TWICE_MIN:
        return NEARLY
    alike = np.float32(similarity(one, at, n, other, to, m, seen))
    return NEARLY if alike >= NEAR else SIMILAR if alike > 0 else DIFFERENT


@compiled
def far(n: int, m: int, mine: Any, theirs: Any) -> Any:
    """Whether two words are more than `CUT` edits apart, by lengths and letters: an edit takes and brings one."""
    return abs(n - m) > CUT or _count(mine ^ theirs) > 2 * CUT


@compiled
def _longest(starts: Any, p: Any, their_starts: Any, q: Any) -> Any:
    longest = 0
    for pair in range(p.size):
        longest = max(
            longest, starts[p[pair] + 1] - starts[p[pair]], their_starts[q[pair] + 1] - their_starts[q[pair]]
        )
    return longest


@compiled
def mix(state: Any, atoms: Any, rows: Any) -> None:
    """Each state mixed with `atoms[rows]` as in `keys.keys_of`, in place; 0 where either is 0: no key."""
    for place in range(state.size):
        number = atoms[rows[place]]
        if number == np.uint64(0) or state[place] == np.uint64(0):
            state[place] = np.uint64(0)
            continue
        mixed = (state[place] ^ number) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state[place] = mixed ^ (mixed >> np.uint64(31))


@compiled
def perhaps_shared(keys: Any) -> Any:
    """Places of the keys that may occur more than once; those left out are alone."""
    bits = 4
    while (1 << bits) < 4 * keys.size:
        bits += 1
    shift = np.uint64(64 - bits)
    seen = np.zeros(1 << bits, np.uint8)
    for place in range(keys.size):
        slot = keys[place] >> shift
        seen[slot] = min(seen[slot] + 1, 2)
    found = np.empty(keys.size, np.int64)
    count = 0
    for place in range(keys.size):
        if seen[keys[place] >> shift] > 1:
            found[count] = place
            count += 1
    return found[:count].copy()


@compiled
def cap_within(keys: Any, cap: int, most: int) -> int:
    """Up to how many entries, at most `cap`, may share a key so that there are no more than `most` pairs.

    The keys are sorted.
    """
    shared = np.zeros(cap + 1, np.int64)
    start = 0
    while start < keys.size:
        end = start + 1
        while end < keys.size and keys[end] == keys[start]:
            end += 1
        if end - start <= cap:
            shared[end - start] += 1
        start = end
    pairs = 0
    for size in range(cap + 1):
        pairs += shared[size] * (size * (size - 1) // 2)
        if pairs > most:
            return size - 1
    return cap


@compiled
def pairs_under(keys: Any, rows: Any, sources: Any, size: int, cap: int) -> Any:
    """Pairs of rows under equal keys as `smaller * size + larger`; keys with more than `cap` entries make none.

    The keys are sorted. `sources` is empty, or a number per row: then only pairs of different ones. Beside the
    pairs stands a flag per entry, which is set where all pairs of its key are among them.
    """
    told = np.zeros(keys.size, np.bool_)
    count = 0
    for turn in range(2):
        start = 0
        if turn:
            found = np.empty(count, np.int64)
            count = 0
        while start < keys.size:
            end = start + 1
            while end < keys.size and keys[end] == keys[start]:
                end += 1
            if end - start <= cap:
                for one in range(start, end):
                    told[one] = True
                    i = rows[one]
                    for other in range(one + 1, end):
                        j = rows[other]
                        if i == j or (sources.size and sources[i] == sources[j]):
                            continue
                        if turn:
                            found[count] = min(i, j) * size + max(i, j)
                        count += 1
            start = end
    return found, told
