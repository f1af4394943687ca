"""Pairs of rows that share a key, without those keys that too many share."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Pairs = tuple[Rows, Rows]


def pairs_of(keys: Rows, rows: Rows, per_key_max: int) -> Pairs:
    """All pairs (smaller row first) under keys that 2 to `per_key_max` entries share."""
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    starts = (
        np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if keys.size else np.zeros(0, np.int64)
    )
    sizes = np.diff(np.append(starts, keys.size))
    left, right = [], []
    for size in np.unique(sizes[(sizes > 1) & (sizes <= per_key_max)]).tolist():
        members = rows[starts[sizes == size][:, None] + np.arange(size)]
        a, b = np.triu_indices(size, 1)
        left.append(members[:, a].ravel())
        right.append(members[:, b].ravel())
    if not left:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    one, two = np.concatenate(left), np.concatenate(right)
    return np.minimum(one, two), np.maximum(one, two)


def candidates(
    columns: Iterable[tuple[Rows, Rows]], size: int, per_key_max: int, sources: Rows | None = None
) -> Pairs:
    """Every pair of distinct rows that some key function brings together, once, sorted.

    With `sources`, only pairs whose rows come from different ones. Takes 8 bytes a pair and function at the worst.
    """
    found = np.zeros(0, np.int64)
    waiting: list[Rows] = []
    for keys, rows in columns:
        i, j = pairs_of(keys, rows, per_key_max)
        kept = i != j
        if sources is not None:
            kept &= sources[i] != sources[j]
        waiting.append(i[kept] * size + j[kept])
        if sum(map(len, waiting)) > max(found.size, 4_000_000):
            found = np.unique(np.concatenate([found, *waiting]))
            waiting = []
    found = np.unique(np.concatenate([found, *waiting]))
    return found // max(size, 1), found % max(size, 1)
