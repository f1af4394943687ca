"""A model for the first day: what is usual for shops' customers, until one is trained on the records themselves.

The shares are rounded, cautious orders of magnitude, not measurements: names agree by chance about once in a
hundred pairs, days of birth once in ten thousand, addresses of e-mail and ids practically never. What only nearly
agrees says far less than what agrees: two customers in a row have numbers in a row, and colleagues share a domain.
"""

from collections.abc import Sequence
from functools import lru_cache

from crossdock.identity.matching.catalogue import comparisons_of
from crossdock.identity.matching.model import ComparisonModel, KindModel, Model
from crossdock.identity.matching.record import Kind

POPULATION = 100_000
Shares = tuple[float, ...]
Level = tuple[float, float, float]
"""Among matches, by chance, in households (of organisations: in companies of one group)."""

_IDS: dict[str, Level] = {
    "the same": (0.93, 1e-7, 1e-7),
    # Numbers are given out in a row: the next customer has the next one.
    "one character apart": (0.01, 1e-2, 1e-2),
    "different": (0.06, 0.99, 0.99),
}
_WORDS: dict[str, Level] = {
    "one letter apart": (0.04, 1e-3, 1e-2),
    "nearly the same": (0.02, 2e-3, 1e-2),
    "alike": (0.01, 5e-3, 1e-2),
}
_USUAL: dict[str, dict[str, Level]] = {
    "given name": {
        **_WORDS,
        "the same": (0.80, 8e-3, 8e-3),
        "different": (0.04, 0.9, 0.9),
        "a form of the same name": (0.05, 5e-3, 5e-3),
        "the same initial": (0.03, 6e-2, 6e-2),
        "one of the other given names": (0.02, 1e-2, 1e-2),
    },
    "further given names": {
        "the same": (0.80, 3e-2, 3e-2),
        "alike or its initial": (0.12, 6e-2, 6e-2),
        "different": (0.08, 0.9, 0.9),
    },
    "family name": {
        **_WORDS,
        "the same": (0.85, 3e-3, 0.7),
        "different": (0.06, 0.98, 0.27),
        "a part of it is the same": (0.04, 5e-3, 2e-2),
    },
    "date of birth": {
        "the same": (0.86, 5e-5, 1e-3),
        "day and month swapped": (0.02, 5e-5, 5e-5),
        "one digit apart": (0.03, 1e-3, 1e-3),
        "the same as far as known": (0.03, 1e-2, 1e-2),
        "two of day, month and year": (0.02, 5e-3, 5e-3),
        "the same year": (0.01, 2e-2, 2e-2),
        "different": (0.03, 0.96, 0.96),
    },
    "e-mail": {
        "the same": (0.75, 1e-6, 0.15),
        "one or two characters apart": (0.03, 2e-5, 1e-2),
        "the same name at another provider": (0.08, 1e-3, 1e-2),
        "the same company's": (0.04, 5e-3, 5e-2),
        "different": (0.10, 0.99, 0.78),
    },
    "phone": {
        "the same": (0.80, 2e-6, 0.4),
        # Extensions of a house are given out in a row.
        "one digit or the country code apart": (0.03, 1e-3, 2e-2),
        "different": (0.17, 0.99, 0.58),
    },
    "further address lines": {
        **_WORDS,
        "the same": (0.80, 1e-2, 0.8),
        "different": (0.12, 0.96, 0.17),
    },
    "organisation name": {
        **_WORDS,
        "the same": (0.80, 1e-5, 5e-3),
        "one letter apart": (0.04, 5e-5, 1e-2),
        "nearly the same": (0.02, 2e-4, 1e-2),
        "alike": (0.01, 5e-3, 2e-2),
        "different": (0.06, 0.99, 0.65),
        "the same words in another order": (0.02, 1e-5, 1e-2),
        "the same without some words": (0.08, 1e-3, 0.2),
        "an abbreviation of it": (0.02, 2e-4, 5e-2),
    },
    "legal form": {"the same": (0.93, 0.3, 0.4), "different": (0.07, 0.7, 0.6)},
    "registration number": _IDS,
    "tax id": _IDS,
    # Couples collect on one card.
    "loyalty id": {**_IDS, "the same": (0.93, 1e-7, 0.1), "different": (0.06, 0.99, 0.89)},
    "customer number": _IDS,
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
    rows = [_place(level) if name == "address" else _USUAL[name][level] for level in levels]
    match, random, household = (_shares(column) for column in zip(*rows, strict=True))
    return ComparisonModel(name=name, match=match, household=household, random=random)


def _place(level: str) -> Level:
    street, _, town = level.partition(" · ")
    one, other = _STREETS.get(street, (0.1, 0.1, 0.1)), _TOWNS.get(town, (0.1, 0.1, 0.1))
    return one[0] * other[0], one[1] * other[1], one[2] * other[2]


def _shares(weights: Sequence[float]) -> Shares:
    whole = sum(weights)
    return tuple(max(weight / whole, _SMALLEST) for weight in weights)
