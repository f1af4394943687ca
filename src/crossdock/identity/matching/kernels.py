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
def _distance(one: Any, at: int, n: int, other: Any, to: int, m: int, rows: Any) -> Any:
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
def _similarity(one: Any, at: int, n: int, other: Any, to: int, m: int, seen: Any) -> Any:
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
def _hopeless(n: int, m: int, mine: Any, theirs: Any) -> Any:
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
    rows = np.empty((3, _longest(starts, p, their_starts, q) + 2), np.int64)
    for pair in range(p.size):
        a, b = p[pair], q[pair]
        at, to = starts[a], their_starts[b]
        n, m = starts[a + 1] - at, their_starts[b + 1] - to
        # Each edit takes one letter of the set and brings another.
        if abs(n - m) > CUT or _count(masks[a] ^ their_masks[b]) > 2 * CUT:
            found[pair] = CUT + 1
        else:
            found[pair] = _distance(one, at, n, other, to, m, rows)
    return found


@compiled
def similarities(left: Letters, p: Any, right: Letters, q: Any) -> Any:
    """The similarities of each pair of words `left[p]`, `right[q]`, in single precision."""
    one, starts, masks, _ = left
    other, their_starts, their_masks, _ = right
    found = np.zeros(p.size, np.float32)
    seen = np.zeros((2, _longest(starts, p, their_starts, q) + 1), np.uint8)
    for pair in range(p.size):
        a, b = p[pair], q[pair]
        at, to = starts[a], their_starts[b]
        n, m = starts[a + 1] - at, their_starts[b + 1] - to
        if n and m and not _hopeless(n, m, masks[a], their_masks[b]):
            found[pair] = _similarity(one, at, n, other, to, m, seen)
    return found


@compiled
def word_levels(left: Letters, p: Any, right: Letters, q: Any) -> Any:
    """Levels of `comparisons.WORDS` for each pair of words `left[p]`, `right[q]`."""
    one, starts, masks, hashes = left
    other, their_starts, their_masks, their_hashes = right
    found = np.empty(p.size, np.int8)
    longest = _longest(starts, p, their_starts, q)
    rows = np.empty((3, longest + 2), np.int64)
    seen = np.zeros((2, longest + 1), np.uint8)
    for pair in range(p.size):
        a, b = p[pair], q[pair]
        if hashes[a] == 0 or their_hashes[b] == 0:
            found[pair] = NOTHING
            continue
        if hashes[a] == their_hashes[b]:
            found[pair] = EXACT
            continue
        at, to, mine, theirs = starts[a], their_starts[b], masks[a], their_masks[b]
        n, m = starts[a + 1] - at, their_starts[b + 1] - to
        apart = CUT + 1
        if min(n, m) >= TYPED_MIN and abs(n - m) <= CUT and _count(mine ^ theirs) <= 2 * CUT:
            apart = _distance(one, at, n, other, to, m, rows)
        if apart == 1:
            found[pair] = ONE_EDIT
        elif apart == CUT and min(n, m) >= TWICE_MIN:
            found[pair] = NEARLY
        elif _hopeless(n, m, mine, theirs):
            found[pair] = DIFFERENT
        else:
            alike = np.float32(_similarity(one, at, n, other, to, m, seen))
            found[pair] = NEARLY if alike >= NEAR else SIMILAR if alike > 0 else DIFFERENT
    return found


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
def cap_within(keys: Any, order: Any, cap: int, most: int) -> int:
    """Up to how many entries, at most `cap`, may share a key so that there are no more than `most` pairs."""
    shared = np.zeros(cap + 1, np.int64)
    start = 0
    while start < order.size:
        end = start + 1
        while end < order.size and keys[order[end]] == keys[order[start]]:
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
def pairs_under(keys: Any, rows: Any, order: Any, sources: Any, size: int, cap: int, told: Any) -> Any:
    """Pairs of rows under equal keys as `smaller * size + larger`; keys with more than `cap` entries make none.

    `order` sorts the keys. `sources` is empty, or a number per row: then only pairs of different ones. `told` has
    a flag per entry, which is set where all pairs of its key are among the result.
    """
    count = 0
    for turn in range(2):
        start = 0
        if turn:
            found = np.empty(count, np.int64)
            count = 0
        while start < order.size:
            end = start + 1
            while end < order.size and keys[order[end]] == keys[order[start]]:
                end += 1
            if end - start <= cap:
                for one in range(start, end):
                    told[order[one]] = True
                    i = rows[order[one]]
                    for other in range(one + 1, end):
                        j = rows[order[other]]
                        if i == j or (sources.size and sources[i] == sources[j]):
                            continue
                        if turn:
                            found[count] = min(i, j) * size + max(i, j)
                        count += 1
            start = end
    return found


@compiled
def least_rows(size: int, left: Any, right: Any) -> Any:
    """The connected component of each row, named by its smallest row."""
    roots = np.arange(size)
    for edge in range(left.size):
        one, other = left[edge], right[edge]
        while roots[one] != one:
            roots[one] = roots[roots[one]]
            one = roots[one]
        while roots[other] != other:
            roots[other] = roots[roots[other]]
            other = roots[other]
        if one < other:
            roots[other] = one
        elif other < one:
            roots[one] = other
    for row in range(size):
        # Each root is its component's smallest row, so everybody's parent is settled before them.
        roots[row] = roots[roots[row]]
    return roots


@compiled
def means(i: Any, j: Any, totals: Any, counts: Any, sizes: Any, missing: float) -> Any:
    """The mean weight of all pairs between clusters `i` and `j`, of which `counts` weigh `totals` together."""
    found = np.empty(i.size)
    for edge in range(i.size):
        pairs = sizes[i[edge]] * sizes[j[edge]]
        found[edge] = (totals[edge] + missing * (pairs - counts[edge])) / pairs
    return found


@compiled
def nearest(size: int, i: Any, j: Any, near: Any, threshold: float) -> Any:
    """Edges that are the best one, not below the threshold, for both ends; of equals the first is best."""
    best = np.full(size, -1)
    for edge in range(i.size):
        if near[edge] >= threshold:
            if best[i[edge]] < 0 or near[best[i[edge]]] < near[edge]:
                best[i[edge]] = edge
            if best[j[edge]] < 0 or near[best[j[edge]]] < near[edge]:
                best[j[edge]] = edge
    mutual = np.zeros(i.size, np.bool_)
    for edge in range(i.size):
        mutual[edge] = best[i[edge]] == edge and best[j[edge]] == edge
    return np.flatnonzero(mutual)


@compiled
def gathered(order: Any, packed: Any, totals: Any, counts: Any) -> Any:
    """Edges between equal clusters as one: packed ends, sums of `totals` and of `counts`."""
    size, kept = packed.size, 0
    ends, sums, numbers = np.empty(size, np.int64), np.empty(size), np.empty(size)
    for place in range(size):
        edge = order[place]
        if kept and ends[kept - 1] == packed[edge]:
            sums[kept - 1] += totals[edge]
            numbers[kept - 1] += counts[edge]
        else:
            ends[kept], sums[kept], numbers[kept] = packed[edge], totals[edge], counts[edge]
            kept += 1
    return ends[:kept], sums[:kept], numbers[:kept]


@compiled
def weighed(levels: Any, ratios: Any, logs: Any, namesakes: Any, priors: Any) -> Any:
    """log2 of the shares of matches, households and strangers under which the levels were found: (3, pairs).

    `logs` is (3, comparisons, levels + 1), its last level for nothing to compare; `namesakes` says per comparison
    which share of households' pairs agree as matches do, the others by chance; negative where all may.
    """
    found = np.empty((3, levels.shape[0]))
    none = logs.shape[2] - 1
    for pair in range(levels.shape[0]):
        match, household, random = priors
        for place in range(levels.shape[1]):
            level = levels[pair, place] if levels[pair, place] >= 0 else none
            ratio = ratios[pair, place]
            match += logs[0, place, level]
            stranger = logs[2, place, level] + ratio
            random += stranger
            if ratio != 0.0 and namesakes[place] == 0.0:
                household += stranger
            elif ratio != 0.0 and namesakes[place] > 0.0:
                alike = namesakes[place] * 2.0 ** logs[0, place, level]
                household += np.log2((1.0 - namesakes[place]) * 2.0**stranger + alike)
            else:
                household += logs[1, place, level]
        found[0, pair], found[1, pair], found[2, pair] = match, household, random
    return found
