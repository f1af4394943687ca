"""Persons out of pairs: average-linkage clusters, so that one doubtful pair does not glue two people together.

Two groups are joined while the mean weight of all pairs between them stays above a threshold (UPGMA, Sokal and
Michener 1958). A pair that was never a candidate counts against joining; a vetoed pair forbids it.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.weighing import RULE_VETO

Rows = NDArray[np.int64]
Weights = NDArray[np.float64]
MISSING = -1.5
"""Bits that a pair without a key in common counts."""
WEIGHT_MAX, WEIGHT_MIN = 20.0, -6.0
"""Beyond these a pair's weight says nothing more about its group."""
FORBIDDEN = -1e9
FILLED_MAX = 60
"""Groups of up to so many records have all their pairs weighed."""

Fill = Callable[[Rows, Rows], Weights]
"""Weights of pairs that no key brought together, where a group is small enough to ask for them."""


def cluster(
    size: int,
    left: Rows,
    right: Rows,
    weights: Weights,
    *,
    threshold: float = 0.0,
    missing: float = MISSING,
    fill: Fill | None = None,
) -> Rows:
    """A cluster number for each of `size` records: the smallest row in it.

    `left`, `right` and `weights` (bits) describe candidate pairs, smaller row first, each at most once. `fill`
    weighs
    pairs of small groups that no key brought together; without it they count `missing`. Equal input gives equal
    clusters.
    """
    labels = np.arange(size)
    # A pair that nobody weighed never is a reason to join, however low the threshold.
    missing = min(missing, threshold + MISSING)
    seen = weights >= threshold
    groups = components(size, left[seen], right[seen])
    inside = groups[left] == groups[right]
    left, right, weights = left[inside], right[inside], weights[inside]
    population = np.bincount(groups, minlength=size)
    pair_only = population[groups[left]] == 2  # noqa: PLR2004 - two records, one edge
    joined = pair_only & (weights >= threshold)
    labels[right[joined]] = left[joined]
    many = ~pair_only
    i, j, w = left[many], right[many], weights[many]
    if fill is not None:
        i, j, w = _filled(groups, population, i, j, w, fill)
    order = np.argsort(groups[i], kind="stable")
    i, j, w = i[order], j[order], w[order]
    starts = np.flatnonzero(np.concatenate([[True], np.diff(groups[i]) != 0])) if i.size else np.zeros(0, np.int64)
    for start, end in zip(starts, np.append(starts, i.size)[1:], strict=True):
        _agglomerate(labels, i[start:end], j[start:end], w[start:end], threshold, missing)
    return labels


def _filled(
    groups: Rows, population: Rows, i: Rows, j: Rows, w: Weights, fill: Fill
) -> tuple[Rows, Rows, Weights]:
    """The pairs with those that are missing in groups of 3 to `FILLED_MAX` records."""
    size = groups.size
    members = np.argsort(groups, kind="stable")
    starts = np.cumsum(population) - population
    whole: list[Rows] = []
    for count in range(3, FILLED_MAX + 1):
        rows = members[starts[population == count][:, None] + np.arange(count)]
        a, b = np.triu_indices(count, 1)
        whole.append((rows[:, a] * size + rows[:, b]).ravel())
    absent = np.setdiff1d(np.concatenate(whole), i * size + j)
    one, two = absent // size, absent % size
    return np.concatenate([i, one]), np.concatenate([j, two]), np.concatenate([w, fill(one, two)])


def components(size: int, left: Rows, right: Rows) -> Rows:
    """The connected component of each row, named by its smallest row: labels sink along edges, then jump."""
    labels = np.arange(size)
    while True:
        before = labels.copy()
        lowest = np.minimum(labels[left], labels[right])
        np.minimum.at(labels, left, lowest)
        np.minimum.at(labels, right, lowest)
        labels = labels[labels]
        if np.array_equal(before, labels):
            return labels


def _agglomerate(labels: Rows, i: Rows, j: Rows, w: Weights, threshold: float, missing: float) -> None:
    """Average linkage in one component; writes the cluster numbers into `labels`."""
    links: dict[int, dict[int, tuple[float, int]]] = defaultdict(dict)
    clipped = np.where(w <= RULE_VETO, FORBIDDEN, np.clip(w, WEIGHT_MIN, WEIGHT_MAX))
    for a, b, weight in zip(i.tolist(), j.tolist(), clipped.tolist(), strict=True):
        links[a][b] = links[b][a] = (weight, 1)
    members = {row: [row] for row in links}
    heap = [
        (-weight, a, b)
        for a, near in links.items()
        for b, (weight, _) in near.items()
        if a < b and weight >= threshold
    ]
    heapq.heapify(heap)
    while heap:
        cost, a, b = heapq.heappop(heap)
        if a not in members or b not in members or links[a].get(b) is None:
            continue
        if -cost != _mean(links[a][b], len(members[a]) * len(members[b]), missing):
            continue
        members[a] += members.pop(b)
        gone = links.pop(b)
        for other, (total, count) in gone.items():
            if other == a:
                continue
            before = links[a].get(other, (0.0, 0))
            links[other].pop(b)
            links[a][other] = links[other][a] = (before[0] + total, before[1] + count)
        links[a].pop(b)
        for other, link in links[a].items():
            mean = _mean(link, len(members[a]) * len(members[other]), missing)
            if mean >= threshold:
                heapq.heappush(heap, (-mean, min(a, other), max(a, other)))
    for rows in members.values():
        labels[rows] = min(rows)


def _mean(link: tuple[float, int], pairs: int, missing: float) -> float:
    total, count = link
    return (total + missing * (pairs - count)) / pairs
