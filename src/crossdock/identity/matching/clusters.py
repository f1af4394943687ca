"""Persons out of pairs: average-linkage clusters, so that one doubtful pair does not glue two people together.

Two groups are joined while the mean weight of all pairs between them stays above a threshold (UPGMA, Sokal and
Michener 1958). A pair that was never a candidate counts against joining; a vetoed pair forbids it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching import cluster_kernels as kernels
from crossdock.identity.matching.weighing import RULE_VETO

Rows = NDArray[np.int64]
Weights = NDArray[np.float64]
MISSING = -1.5
"""Bits that a pair without a key in common counts."""
WEIGHT_MAX, WEIGHT_MIN = 20.0, -6.0
"""Beyond these a pair's weight says nothing more about its group."""
PERSONS_WEIGHT_MIN = -2.0
"""The same of persons, who move, marry and are misspelt: among many records of one some contradict each other."""
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
    least: Weights | float = WEIGHT_MIN,
) -> Rows:
    """A cluster number for each of `size` records: the smallest row in it.

    `left`, `right` and `weights` (bits) describe candidate pairs, smaller row first, each at most once. `fill`
    weighs
    pairs of small groups that no key brought together; without it they count `missing`. `least` (of all or of
    each row) is what a pair counts that weighs less. Equal input gives equal clusters.
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
    lowest = np.broadcast_to(least, size)[i]
    clipped = np.where(w <= RULE_VETO, FORBIDDEN, np.clip(w, lowest, WEIGHT_MAX))
    return _agglomerated(labels, i, j, clipped, threshold, missing)


def _agglomerated(labels: Rows, i: Rows, j: Rows, weights: Weights, threshold: float, missing: float) -> Rows:
    """Average linkage everywhere at once: whoever are nearest to one another are joined, round by round.

    With this linkage the order of such joins does not matter (it is reducible: Bruynooghe 1977), so a round joins
    all of them, and a million records take some twenty rounds.
    """
    size = labels.size
    sizes = np.ones(size)
    totals, counts = weights, np.ones(i.size)
    packed = np.minimum(i, j) * size + np.maximum(i, j)
    while True:
        packed, totals, counts = kernels.gathered(np.argsort(packed, kind="stable"), packed, totals, counts)
        i, j = packed // size, packed % size
        near = kernels.means(i, j, totals, counts, sizes, missing)
        joined = kernels.nearest(size, i, j, near, threshold)
        if not joined.size:
            return labels
        target = np.arange(size)
        target[j[joined]] = i[joined]
        sizes[i[joined]] += sizes[j[joined]]
        labels = target[labels]
        i, j = target[i], target[j]
        apart = np.flatnonzero(i != j)
        i, j, totals, counts = i[apart], j[apart], totals[apart], counts[apart]
        packed = np.minimum(i, j) * size + np.maximum(i, j)


def _filled(
    groups: Rows, population: Rows, i: Rows, j: Rows, w: Weights, fill: Fill
) -> tuple[Rows, Rows, Weights]:
    """The pairs with those that are missing in groups of 3 to `FILLED_MAX` records."""
    one, two = kernels.absent(groups, population, i, j, FILLED_MAX)
    return np.concatenate([i, one]), np.concatenate([j, two]), np.concatenate([w, fill(one, two)])


def components(size: int, left: Rows, right: Rows) -> Rows:
    """The connected component of each row, named by its smallest row."""
    labels: Rows = kernels.least_rows(size, left, right)
    return labels
