"""Learning a model from records alone, by expectation maximisation over the whole pair space.

Pairs of records are a mixture of three classes: matches, pairs of one household, strangers. Strangers' levels
are seen
in pairs drawn at random; the two rare classes among the pairs that keys bring together. Shares are reckoned
over all
pairs there are, not over candidates, which keeps weights calibrated: 0 bits is an even chance (Fellegi and
Sunter 1969;
Winkler 1988 for EM; Jaro 1989). What differs from the usual: the third class, and the whole pair space. What
stewards decided enters as pairs whose class is known.
"""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.catalogue import comparisons_of, extras_in
from crossdock.identity.matching.columns import Columns, Index
from crossdock.identity.matching.comparisons import Comparison
from crossdock.identity.matching.frequencies import tables_of
from crossdock.identity.matching.keys import key_columns, usual_cap
from crossdock.identity.matching.mixture import USUAL_POPULATION, Mixture, Sample
from crossdock.identity.matching.model import ComparisonModel, KindModel, Model
from crossdock.identity.matching.pairs import Pairs, candidates
from crossdock.identity.matching.record import Features, Kind

RANDOM_PAIRS = 500_000
LABEL_WEIGHT = 3.0
"""A steward's decision counts as so many pairs of the kind."""

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
    records: Sequence[Features],
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
    return Model(
        person=_train_kind("person", records, labels, sources, per_key_max, seed, progress),
        organisation=_train_kind("organisation", records, labels, sources, per_key_max, seed, progress),
    )


def _train_kind(
    kind: Kind,
    everybody: Sequence[Features],
    labels: Sequence[Label],
    sources: Sequence[int] | None,
    per_key_max: int | None,
    seed: int,
    progress: Progress,
) -> KindModel:
    chosen = [place for place, record in enumerate(everybody) if record.kind == kind]
    records = [everybody[place] for place in chosen]
    columns = Columns(records)
    extras = extras_in(records)
    comparisons = comparisons_of(kind, extras)
    origin = np.array([sources[place] for place in chosen], np.int64) if sources is not None else None
    generator = np.random.default_rng(seed)
    progress(f"{kind}: keys", 0.0)
    found = candidates(key_columns(records), len(records), per_key_max or usual_cap(len(records)), origin)
    progress(f"{kind}: comparisons", 0.2)
    sample = _levels(comparisons, columns, found)
    drawn = random_pairs(len(records), min(RANDOM_PAIRS, len(records) ** 2), generator, origin)
    random = _levels(comparisons, columns, drawn)
    progress(f"{kind}: labels", 0.6)
    places = {place: row for row, place in enumerate(chosen)}
    known = [one for one in labels if one.left in places and one.right in places]
    decided = (
        np.array([places[one.left] for one in known], np.int64),
        np.array([places[one.right] for one in known], np.int64),
    )
    mixture = Mixture(comparisons, pairs_in(len(records), origin))
    mixture.learn(
        Sample(sample),
        Sample(random),
        Sample(_levels(comparisons, columns, decided)),
        np.array([one.same for one in known], bool),
        LABEL_WEIGHT,
    )
    progress(f"{kind}: learned", 1.0)
    return KindModel(
        kind=kind,
        population=max(2, len(records)) if found[0].size else USUAL_POPULATION,
        prior_match=mixture.prior_match,
        prior_household=mixture.prior_household,
        extras=extras,
        comparisons=tuple(
            ComparisonModel(
                name=comparison.name,
                match=tuple(mixture.match[place].tolist()),
                household=tuple(mixture.household[place].tolist()),
                random=tuple(mixture.random[place].tolist()),
                terms=tables_of(columns, comparison),
            )
            for place, comparison in enumerate(comparisons)
        ),
    )


def _levels(comparisons: Sequence[Comparison], columns: Columns, pairs: Pairs) -> NDArray[np.int8]:
    i, j = pairs
    levels = np.empty((i.size, len(comparisons)), np.int8)
    for place, comparison in enumerate(comparisons):
        for start in range(0, i.size, 1 << 18):
            part = slice(start, start + (1 << 18))
            levels[part, place] = comparison.compare(columns, i[part], columns, j[part]).levels
    return levels


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
