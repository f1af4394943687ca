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
