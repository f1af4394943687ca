"""The inner loops of clustering, compiled by numba as in `kernels`."""

from typing import Any

import numpy as np

from crossdock.identity.matching.kernels import compiled


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
def absent(groups: Any, population: Any, i: Any, j: Any, most: int) -> Any:
    """The pairs within groups of 3 to `most` rows that are not among `(i, j)`, smaller row first.

    `groups` names each row's group by one of its rows, and `population` says of those how many rows it has.
    """
    wanted = np.zeros(groups.size, np.bool_)
    starts, offsets = np.zeros(groups.size, np.int64), np.zeros(groups.size, np.int64)
    rows, pairs = 0, 0
    for group in range(groups.size):
        count = population[group]
        if 3 <= count <= most:  # noqa: PLR2004 - of two the only pair is known
            wanted[group], starts[group], offsets[group] = True, rows, pairs
            rows, pairs = rows + count, pairs + count * (count - 1) // 2
    members = np.empty(rows, np.int64)
    ranks, seen = np.zeros(groups.size, np.int64), np.zeros(groups.size, np.int64)
    for row in range(groups.size):
        group = groups[row]
        if wanted[group]:
            members[starts[group] + seen[group]] = row
            ranks[row] = seen[group]
            seen[group] += 1
    known, left = np.zeros(pairs, np.bool_), pairs
    for edge in range(i.size):
        group = groups[i[edge]]
        if wanted[group]:
            one, other = min(ranks[i[edge]], ranks[j[edge]]), max(ranks[i[edge]], ranks[j[edge]])
            place = offsets[group] + one * (2 * population[group] - one - 1) // 2 + other - one - 1
            left -= not known[place]
            known[place] = True
    found, count = np.empty((2, left), np.int64), 0
    for group in range(groups.size):
        if wanted[group]:
            place = offsets[group]
            for one in range(starts[group], starts[group] + population[group]):
                for other in range(one + 1, starts[group] + population[group]):
                    if not known[place]:
                        found[0, count], found[1, count] = members[one], members[other]
                        count += 1
                    place += 1
    return found[0], found[1]
