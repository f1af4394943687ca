"""A model for the first day: what is usual of shops' customers, until one is trained on their records."""

from functools import lru_cache

from crossdock.identity.matching.catalogue import comparisons_of
from crossdock.identity.matching.comparisons import Comparison
from crossdock.identity.matching.model import ComparisonModel, KindModel, Model
from crossdock.identity.matching.record import Kind
from crossdock.identity.matching.usual import usual_shares

POPULATION = 100_000


@lru_cache(maxsize=1)
def starting_model() -> Model:
    """The model that decides where none was trained."""
    return Model(person=_kind("person"), organisation=_kind("organisation"))


def _kind(kind: Kind) -> KindModel:
    return KindModel(
        kind=kind,
        population=POPULATION,
        prior_match=1 / POPULATION,
        prior_household=2 / POPULATION,
        comparisons=tuple(_comparison(one) for one in comparisons_of(kind)),
    )


def _comparison(comparison: Comparison) -> ComparisonModel:
    match, random, household = usual_shares(comparison)
    return ComparisonModel(name=comparison.name, match=match, household=household, random=random)
