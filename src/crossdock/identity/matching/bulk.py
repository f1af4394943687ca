"""Many records at once: the same keys, comparisons and weights as online, over arrays."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.clusters import cluster
from crossdock.identity.matching.columns import Columns
from crossdock.identity.matching.keys import key_columns, usual_cap
from crossdock.identity.matching.model import KindModel, Model
from crossdock.identity.matching.pairs import candidates
from crossdock.identity.matching.record import Features
from crossdock.identity.matching.weighing import Scale

Rows = NDArray[np.int64]
PAIRS_AT_ONCE = 200_000
KEPT_FROM = -8.0
"""Bits below which a candidate pair is dropped, unless a rule spoke."""

Progress = Callable[[str, float], None]


class Scored:
    """Candidate pairs (rows, smaller first) with weights in bits, and the `Rule` that spoke or 0."""

    __slots__ = ("left", "right", "rules", "weights")

    def __init__(self, left: Rows, right: Rows, weights: NDArray[np.float64], rules: NDArray[np.int8]) -> None:
        self.left = left
        self.right = right
        self.weights = weights
        self.rules = rules


class Deduped:
    """What a population falls into: `clusters[row]` is the least row of its cluster; `pairs` was weighed."""

    __slots__ = ("clusters", "pairs")

    def __init__(self, clusters: Rows, pairs: Scored) -> None:
        self.clusters = clusters
        self.pairs = pairs


def _silent(_what: str, _share: float) -> None:
    return None


def score_pairs(
    records: Sequence[Features],
    model: Model,
    *,
    sources: Sequence[int] | None = None,
    per_key_max: int | None = None,
    kept_from: float = KEPT_FROM,
    progress: Progress = _silent,
) -> Scored:
    """All candidate pairs of `records` of equal kind with their weights under `model`, rescaled to their number.

    With `sources` (one number per record) only pairs between different ones. Pairs below `kept_from` bits are
    left out.
    """
    origin = np.asarray(sources, np.int64) if sources is not None else None
    progress("keys", 0.0)
    found = [
        _score_kind(records, model.of(kind), origin, per_key_max, kept_from, progress)
        for kind in ("person", "organisation")
    ]
    return Scored(
        np.concatenate([one.left for one in found]),
        np.concatenate([one.right for one in found]),
        np.concatenate([one.weights for one in found]),
        np.concatenate([one.rules for one in found]),
    )


def _score_kind(
    everybody: Sequence[Features],
    model: KindModel,
    origin: Rows | None,
    per_key_max: int | None,
    kept_from: float,
    progress: Progress,
) -> Scored:
    rows = np.array([row for row, record in enumerate(everybody) if record.kind == model.kind], np.int64)
    records = [everybody[row] for row in rows.tolist()]
    columns = Columns(records)
    i, j = candidates(
        key_columns(records),
        len(records),
        per_key_max or usual_cap(len(records)),
        None if origin is None else origin[rows],
    )
    scale = Scale(model.rescaled(len(records)))
    kept: list[tuple[Rows, Rows, NDArray[np.float64], NDArray[np.int8]]] = []
    for start in range(0, i.size, PAIRS_AT_ONCE):
        a, b = i[start : start + PAIRS_AT_ONCE], j[start : start + PAIRS_AT_ONCE]
        judgement = scale.judge(columns, a, columns, b)
        weights = scale.decided(judgement)
        keep = np.flatnonzero((weights >= kept_from) | (judgement.rules != 0))
        kept.append((rows[a[keep]], rows[b[keep]], weights[keep], judgement.rules[keep]))
        progress(f"{model.kind}: pairs", min(1.0, (start + PAIRS_AT_ONCE) / max(1, i.size)))
    empty = np.zeros(0, np.int64)
    kept.append((empty, empty, np.zeros(0), np.zeros(0, np.int8)))
    left, right, weights, rules = (np.concatenate(part) for part in zip(*kept, strict=True))
    return Scored(left, right, weights, rules)


def dedupe(
    records: Sequence[Features],
    model: Model,
    *,
    sources: Sequence[int] | None = None,
    per_key_max: int | None = None,
    threshold: float = 0.0,
    progress: Progress = _silent,
) -> Deduped:
    """Clusters of `records` that are one person or organisation each, and the weighed pairs behind them.

    `threshold` (bits) is the mean weight down to which groups are joined.
    """
    pairs = score_pairs(records, model, sources=sources, per_key_max=per_key_max, progress=progress)
    progress("clusters", 0.0)
    clusters = cluster(len(records), pairs.left, pairs.right, pairs.weights, threshold=threshold)
    progress("clusters", 1.0)
    return Deduped(clusters, pairs)
