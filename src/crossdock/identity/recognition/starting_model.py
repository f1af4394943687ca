"""A model for the first day: what is usual for shops' customers, until one is trained on the records themselves.

The shares are rounded, cautious orders of magnitude, not measurements: names agree by chance about once in a
hundred pairs, days of birth once in ten thousand, addresses of e-mail and ids practically never.
"""

from collections.abc import Sequence
from functools import lru_cache

from crossdock.identity.matching.catalogue import comparisons_of
from crossdock.identity.matching.model import ComparisonModel, KindModel, Model
from crossdock.identity.matching.record import Kind

POPULATION = 100_000
_SAME_AMONG_MATCHES = 0.85
_OTHER_AMONG_MATCHES = 0.06
_BY_CHANCE = {
    "given name": 8e-3,
    "further given names": 3e-2,
    "family name": 3e-3,
    "date of birth": 5e-5,
    "e-mail": 1e-6,
    "phone": 1e-6,
    "further address lines": 1e-2,
    "organisation name": 1e-5,
    "legal form": 0.3,
    "registration number": 1e-7,
    "tax id": 1e-7,
    "loyalty id": 1e-7,
    "customer number": 1e-7,
}
_IN_HOUSEHOLDS = {
    "family name": 0.7,
    "e-mail": 0.15,
    "phone": 0.4,
    "further address lines": 0.8,
    "organisation name": 0.01,
}
_STREETS = {
    "street and house": (0.72, 2e-6, 0.9),
    "house, and nearly the street": (0.05, 2e-6, 0.03),
    "street": (0.03, 4e-4, 0.01),
    "nearly the street": (0.01, 4e-4, 0.005),
    "house": (0.01, 2e-2, 0.005),
    "no street": (0.1, 0.9, 0.03),
    "street unknown": (0.08, 0.08, 0.02),
}
"""Among matches, by chance, in households."""
_TOWNS = {
    "postcode and city": (0.75, 2e-3, 0.9),
    "postcode": (0.06, 1e-3, 0.03),
    "nearly the postcode, and city": (0.04, 4e-3, 0.01),
    "nearly the postcode": (0.01, 4e-3, 0.005),
    "city": (0.03, 8e-3, 0.01),
    "nearly the city": (0.01, 4e-3, 0.005),
    "area": (0.01, 2e-2, 0.005),
    "nothing": (0.05, 0.93, 0.005),
    "place unknown": (0.04, 0.03, 0.03),
}
_SMALLEST = 1e-9
_NEAR_BY_CHANCE = 2.0
"""How much more often than exact agreement each near one comes by chance."""

Shares = tuple[float, ...]


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
        comparisons=tuple(_comparison(one.name, one.levels) for one in comparisons_of(kind)),
    )


def _comparison(name: str, levels: Sequence[str]) -> ComparisonModel:
    if any(" · " in level for level in levels):
        rows = [_place(level) for level in levels]
        match, random, household = (_shares(column) for column in zip(*rows, strict=True))
        return ComparisonModel(name=name, match=match, household=household, random=random)
    chance = _BY_CHANCE.get(name, 1e-2)
    random = _plain(levels, chance, min(chance * _NEAR_BY_CHANCE, 0.1), 1.0)
    same = _IN_HOUSEHOLDS.get(name)
    return ComparisonModel(
        name=name,
        match=_plain(levels, _SAME_AMONG_MATCHES, (1 - _SAME_AMONG_MATCHES) / len(levels), _OTHER_AMONG_MATCHES),
        household=_plain(levels, same, 0.02, 1 - same) if same else random,
        random=random,
    )


def _plain(levels: Sequence[str], same: float, near: float, other: float) -> Shares:
    known = {"the same": same, "different": other}
    return _shares([known.get(level, near) for level in levels])


def _place(level: str) -> tuple[float, float, float]:
    street, _, town = level.partition(" · ")
    one, other = _STREETS.get(street, (0.1, 0.1, 0.1)), _TOWNS.get(town, (0.1, 0.1, 0.1))
    return one[0] * other[0], one[1] * other[1], one[2] * other[2]


def _shares(weights: Sequence[float]) -> Shares:
    whole = sum(weights)
    return tuple(max(weight / whole, _SMALLEST) for weight in weights)
