"""Many records at once: the same keys, comparisons and weights as online, over arrays."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.clusters import MISSING, cluster
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
    weigh = _Weigher(records, model, sources)
    clusters = cluster(len(records), pairs.left, pairs.right, pairs.weights, threshold=threshold, fill=weigh)
    progress("clusters", 1.0)
    return Deduped(clusters, pairs)


class _Weigher:
    """Weights of pairs inside small groups that share no key: a veto must be heard there, too.

    Pairs of one source, where sources were given, count as missing, as among candidates.
    """

    def __init__(self, records: Sequence[Features], model: Model, sources: Sequence[int] | None) -> None:
        self.records = records
        self.sources = None if sources is None else np.asarray(sources, np.int64)
        self.persons = np.fromiter((record.kind == "person" for record in records), bool, len(records))
        persons = int(self.persons.sum())
        self.scales = {
            True: Scale(model.person.rescaled(persons)),
            False: Scale(model.organisation.rescaled(len(records) - persons)),
        }

    def __call__(self, left: Rows, right: Rows) -> NDArray[np.float64]:
        weights = np.full(left.size, MISSING)
        wanted = np.ones(left.size, bool) if self.sources is None else self.sources[left] != self.sources[right]
        for person, scale in self.scales.items():
            places = np.flatnonzero(wanted & (self.persons[left] == person))
            rows = np.unique(np.concatenate([left[places], right[places]]))
            columns = Columns([self.records[row] for row in rows.tolist()])
            for start in range(0, places.size, PAIRS_AT_ONCE):
                part = places[start : start + PAIRS_AT_ONCE]
                i, j = np.searchsorted(rows, left[part]), np.searchsorted(rows, right[part])
                weights[part] = scale.decided(scale.judge(columns, i, columns, j))
        return weights
