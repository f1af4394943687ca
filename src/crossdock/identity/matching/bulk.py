"""Many records at once: the same keys, comparisons and weights as online, over arrays."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.clusters import PERSONS_WEIGHT_MIN, WEIGHT_MIN, cluster
from crossdock.identity.matching.model import Model
from crossdock.identity.matching.population import Group, Population, population_of
from crossdock.identity.matching.record import Features
from crossdock.identity.matching.weighing import RULE_VETO, Scale

Rows = NDArray[np.int64]
PAIRS_AT_ONCE = 1 << 16
HOUSEHOLD_MIN = 0.5
KEPT_FROM = -8.0
"""Bits below which a candidate pair is dropped, unless a rule spoke."""

Progress = Callable[[str, float], None]


class Scored:
    """Candidate pairs (rows, smaller first) with weights in bits, and the `Rule` that spoke or 0.

    `households`: the probability of each pair to be two people of one household.
    """

    __slots__ = ("households", "left", "right", "rules", "weights")

    def __init__(
        self,
        left: Rows,
        right: Rows,
        weights: NDArray[np.float64],
        rules: NDArray[np.int8],
        households: NDArray[np.float64],
    ) -> None:
        self.left = left
        self.right = right
        self.weights = weights
        self.rules = rules
        self.households = households

    @staticmethod
    def joined(parts: "Sequence[Scored]") -> "Scored":
        """Several as one."""
        return Scored(
            *(
                np.concatenate([np.asarray(getattr(part, name)) for part in parts])
                for name in ("left", "right", "weights", "rules", "households")
            )
        )


class Deduped:
    """What a population falls into: `clusters[row]` is the least row of its cluster; `pairs` was weighed."""

    __slots__ = ("clusters", "pairs")

    def __init__(self, clusters: Rows, pairs: Scored) -> None:
        self.clusters = clusters
        self.pairs = pairs


def _silent(_what: str, _share: float) -> None:
    return None


def score_pairs(
    records: Sequence[Features] | Population,
    model: Model,
    *,
    sources: Sequence[int] | None = None,
    per_key_max: int | None = None,
    kept_from: float = KEPT_FROM,
    progress: Progress = _silent,
) -> Scored:
    """All candidate pairs of `records` of equal kind with their weights under `model`, rescaled to their number.

    With `sources` (one number per record) only pairs between different ones. Pairs below `kept_from` bits are
    left out, unless a rule spoke or the two are likely of one household.
    """
    population = population_of(records, sources)

    def scored(group: Group) -> Scored:
        progress(f"{group.kind}: keys", 0.0)
        group.candidates(per_key_max, population.workers)
        return _score_group(group, population, model, per_key_max, kept_from, progress)

    return Scored.joined(population.by_kind(scored))


def _score_group(
    group: Group,
    population: Population,
    model: Model,
    per_key_max: int | None,
    kept_from: float,
    progress: Progress,
) -> Scored:
    i, j = group.candidates(per_key_max, population.workers)
    scale = Scale(model.of(group.kind).rescaled(len(group)))
    scale.prepare(group.columns)

    def score(start: int) -> Scored:
        part = slice(start, start + PAIRS_AT_ONCE)
        a, b = i[part], j[part]
        judgement = scale.judged(group.columns, group.compared(scale.comparisons, per_key_max, part))
        weights, homes = scale.decided(judgement)
        kept = np.flatnonzero((weights >= kept_from) | (judgement.rules != 0) | (homes >= HOUSEHOLD_MIN))
        rules = judgement.rules[kept]
        return Scored(group.rows[a[kept]], group.rows[b[kept]], weights[kept], rules, homes[kept])

    empty = np.zeros(0, np.int64)
    kept = [Scored(empty, empty, np.zeros(0), np.zeros(0, np.int8), np.zeros(0))]
    for done, one in enumerate(population.workers.map(score, range(0, i.size, PAIRS_AT_ONCE)), start=1):
        kept.append(one)
        progress(f"{group.kind}: pairs", min(1.0, done * PAIRS_AT_ONCE / i.size))
    return Scored.joined(kept)


def dedupe(
    records: Sequence[Features] | Population,
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
    population = population_of(records, sources)
    pairs = score_pairs(population, model, per_key_max=per_key_max, progress=progress)
    progress("clusters", 0.0)
    weigh = _Weigher(population, model)
    least = np.full(population.size, WEIGHT_MIN)
    for group in population.groups:
        if group.kind == "person":
            least[group.rows] = PERSONS_WEIGHT_MIN
    clusters = cluster(
        population.size, pairs.left, pairs.right, pairs.weights, threshold=threshold, fill=weigh, least=least
    )
    progress("clusters", 1.0)
    return Deduped(clusters, pairs)


class _Weigher:
    """Weights of pairs inside small groups that share no key: a veto must be heard there, too.

    Where sources were given they are free of duplicates, so two records of one are two.
    """

    def __init__(self, population: Population, model: Model) -> None:
        self.population = population
        self.scales = [Scale(model.of(group.kind).rescaled(len(group))) for group in population.groups]
        self.place = np.zeros(population.size, np.int64)
        self.kind = np.zeros(population.size, np.int8)
        for number, group in enumerate(population.groups):
            self.place[group.rows] = np.arange(len(group))
            self.kind[group.rows] = number

    def __call__(self, left: Rows, right: Rows) -> NDArray[np.float64]:
        weights = np.full(left.size, RULE_VETO)
        for number, (group, scale) in enumerate(zip(self.population.groups, self.scales, strict=True)):
            places = np.flatnonzero(self.kind[left] == number)
            i, j = self.place[left[places]], self.place[right[places]]
            if group.origin is not None:
                wanted = np.flatnonzero(group.origin[i] != group.origin[j])
                places, i, j = places[wanted], i[wanted], j[wanted]
            if places.size:
                scale.prepare(group.columns)
                weights[places] = self._weigh(scale, group, i, j)
        return weights

    def _weigh(self, scale: Scale, group: Group, i: Rows, j: Rows) -> NDArray[np.float64]:
        def weigh(start: int) -> NDArray[np.float64]:
            a, b = i[start : start + PAIRS_AT_ONCE], j[start : start + PAIRS_AT_ONCE]
            return scale.decided(scale.judge(group.columns, a, group.columns, b))[0]

        return np.concatenate(list(self.population.workers.map(weigh, range(0, i.size, PAIRS_AT_ONCE))))
