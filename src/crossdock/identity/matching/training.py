"""Learning a model from records alone, by expectation maximisation over the whole pair space.

Pairs of records are a mixture of three classes: matches, pairs of one household, strangers. Strangers' levels
are seen in pairs drawn at random; the two rare classes among the pairs that keys bring together. Shares are
reckoned over all pairs there are, not over candidates, which keeps weights calibrated: 0 bits is an even chance
(Fellegi and Sunter 1969; Winkler 1988 for EM; Jaro 1989). What differs from the usual: the third class, and the
whole pair space. What stewards decided corrects the result (`decided.py`).
"""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.catalogue import comparisons_of
from crossdock.identity.matching.columns import Index
from crossdock.identity.matching.decided import corrected
from crossdock.identity.matching.frequencies import tables_of
from crossdock.identity.matching.mixture import USUAL_POPULATION, Mixture, Sample
from crossdock.identity.matching.model import ComparisonModel, KindModel, Model
from crossdock.identity.matching.pairs import Pairs
from crossdock.identity.matching.population import Group, Population, Seen, population_of
from crossdock.identity.matching.record import Features, Kind
from crossdock.identity.matching.weighing import Found, compared

RANDOM_PAIRS = 500_000
SAMPLED_PAIRS = 1_000_000
"""Of more candidates a part, drawn at random, stands for all."""
AT_ONCE = 1 << 16
APART: dict[Kind, float] = {"person": 0.05, "organisation": 0.0}
"""Of a household somebody may have left; sister companies are those that share a house."""

FIRM: dict[Kind, tuple[float, float]] = {"person": (100.0, 25.0), "organisation": (20.0, 5.0)}
"""So many pairs' worth of belief in the usual shares stand behind matches, and behind households.

Of companies less is usual: a firmer belief would take sister companies for one where a file has few of them.
"""

Progress = Callable[[str, float], None]
"""Called with what is being done and which share of it is done, 0 to 1."""


class Label(msgspec.Struct, frozen=True):
    """A decided pair: places of two records, and whether they are the same."""

    left: int
    right: int
    same: bool


def _silent(_what: str, _share: float) -> None:
    return None


def train(
    records: Sequence[Features] | Population,
    *,
    labels: Sequence[Label] = (),
    sources: Sequence[int] | None = None,
    per_key_max: int | None = None,
    seed: int = 1,
    progress: Progress = _silent,
) -> Model:
    """A model for `records`, unsupervised; `labels` improve it. The same input gives the same model.

    With `sources` (one number per record) only pairs of different sources count, as when two clean lists are
    linked. A kind without records gets a model of usual values.
    """
    population = population_of(records, sources)

    def learned(group: Group) -> KindModel:
        return _Training(group, population, labels, seed, progress).model(per_key_max)

    person, organisation = population.by_kind(learned)
    return Model(person=person, organisation=organisation)


class _Training:
    """How a model of one kind is learned."""

    def __init__(
        self, group: Group, population: Population, labels: Sequence[Label], seed: int, progress: Progress
    ) -> None:
        self.group = group
        self.workers = population.workers
        self.comparisons = comparisons_of(group.kind, group.columns.extras)
        self.labels = labels
        self.generator = np.random.default_rng(seed)
        self.progress = progress

    def model(self, per_key_max: int | None) -> KindModel:
        """Learn from candidates and from pairs at random, and be corrected by what was decided."""
        group, kind = self.group, self.group.kind
        self.progress(f"{kind}: keys", 0.0)
        found = group.candidates(per_key_max, self.workers)
        self.progress(f"{kind}: comparisons", 0.2)
        places, weight = self._sampled(found[0].size)
        seen = self._compared((found[0][places], found[1][places]))
        group.keep(per_key_max, Seen([comparison.name for comparison in self.comparisons], places, seen))
        sample = Sample(seen.levels, weight)
        drawn = random_pairs(len(group), min(RANDOM_PAIRS, len(group) ** 2), self.generator, group.origin)
        random = Sample(self._compared(drawn).levels)
        self.progress(f"{kind}: learning", 0.6)
        pairs = pairs_in(len(group), group.origin)
        mixture = Mixture(self.comparisons, pairs, apart=APART[kind], firm=FIRM[kind], tongues=kind == "person")
        mixture.learn(sample, random)
        self.progress(f"{kind}: learned", 1.0)
        decided, same = self._decided()
        return corrected(self._model(mixture, found), group.columns, decided, same)

    def _model(self, mixture: Mixture, found: Pairs) -> KindModel:
        group, kind = self.group, self.group.kind
        return KindModel(
            kind=kind,
            population=max(2, len(group)) if found[0].size else USUAL_POPULATION,
            prior_match=mixture.prior_match,
            prior_household=mixture.prior_household,
            extras=group.columns.extras,
            share_alike=mixture.share_alike,
            comparisons=tuple(
                ComparisonModel(
                    name=comparison.name,
                    match=tuple(mixture.match[place].tolist()),
                    household=tuple(mixture.household[place].tolist()),
                    random=tuple(mixture.random[place].tolist()),
                    alike=tuple(mixture.alike[place].tolist()) if mixture.share_alike else (),
                    terms=tables_of(group.columns, comparison),
                )
                for place, comparison in enumerate(self.comparisons)
            ),
        )

    def _sampled(self, count: int) -> tuple[Index, float]:
        """Places of at most `SAMPLED_PAIRS` candidates, and how many each stands for."""
        if count <= SAMPLED_PAIRS:
            return np.arange(count), 1.0
        kept = np.sort(self.generator.choice(count, SAMPLED_PAIRS, replace=False, shuffle=False))
        return kept, count / SAMPLED_PAIRS

    def _decided(self) -> tuple[Pairs, NDArray[np.bool_]]:
        """The labelled pairs of this kind, and which of them are the same."""
        rows = self.group.rows
        known = np.array([(one.left, one.right, one.same) for one in self.labels], np.int64).reshape(-1, 3)
        known = known[np.isin(known[:, :2], rows).all(axis=1)]
        return (np.searchsorted(rows, known[:, 0]), np.searchsorted(rows, known[:, 1])), known[:, 2] == 1

    def _compared(self, pairs: Pairs) -> Found:
        """What the comparisons find."""
        i, j = pairs
        columns = self.group.columns
        found = Found.room_for(i.size, len(self.comparisons))

        def fill(start: int) -> None:
            part = slice(start, start + AT_ONCE)
            found.put(part, compared(self.comparisons, columns, i[part], columns, j[part]))

        if i.size:
            # What columns reckon once is reckoned before threads ask for it for many pairs together.
            list(self.workers.map(lambda one: one.compare(columns, i[:1], columns, j[:1]), self.comparisons))
            compared(self.comparisons, columns, i[:1], columns, j[:1])
        list(self.workers.map(fill, range(0, i.size, AT_ONCE)))
        return found


def pairs_in(size: int, origin: Index | None) -> float:
    """How many pairs there are to tell apart."""
    whole = size * (size - 1) / 2
    if origin is None:
        return max(1.0, whole)
    _, counts = np.unique(origin, return_counts=True)
    return max(1.0, whole - float((counts * (counts - 1) / 2).sum()))


def random_pairs(size: int, wanted: int, generator: np.random.Generator, origin: Index | None) -> Pairs:
    """About so many pairs of different rows, drawn evenly."""
    if size < 2:  # noqa: PLR2004 - a pair
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    i, j = generator.integers(0, size, (2, wanted))
    kept = i != j
    if origin is not None:
        kept &= origin[i] != origin[j]
    return i[kept], j[kept]
