"""What is usual of the findings of each comparison, before any record was seen.

The shares are rounded, cautious orders of magnitude, not measurements: names agree by chance about once in a
hundred pairs, days of birth once in ten thousand, addresses of e-mail and ids practically never. What only nearly
agrees says far less than what agrees: two customers in a row have numbers in a row, and colleagues share a domain.
"""

from collections.abc import Sequence

from crossdock.identity.matching.comparisons import Comparison

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
_TEXT: dict[str, Level] = {**_WORDS, "the same": (0.80, 2e-2, 2e-2), "different": (0.13, 0.96, 0.96)}
"""A further attribute of which only its name is known."""
_USUAL: dict[str, dict[str, Level]] = {
    "given name": {
        **_WORDS,
        "the same": (0.80, 8e-3, 2e-2),
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
        "a former name is the same": (0.01, 1e-4, 1e-2),
    },
    "date of birth": {
        "the same": (0.86, 5e-5, 5e-3),
        "day and month swapped": (0.02, 5e-5, 5e-5),
        "one digit apart": (0.03, 1e-3, 1e-3),
        "the same as far as known": (0.03, 1e-2, 1e-2),
        "two of day, month and year": (0.02, 5e-3, 5e-3),
        "the same year": (0.01, 2e-2, 2e-2),
        "different": (0.03, 0.96, 0.96),
    },
    "e-mail": {
        "the same, with the given name in it": (0.40, 1e-7, 0.01),
        "the same": (0.40, 1e-6, 0.15),
        "one or two characters apart": (0.03, 2e-5, 1e-2),
        "the same name in another mailbox": (0.08, 1e-3, 1e-2),
        "the same company's": (0.04, 5e-3, 5e-2),
        "different": (0.10, 0.99, 0.78),
    },
    "phone": {
        "the same mobile": (0.45, 1e-6, 0.05),
        "the same": (0.45, 2e-6, 0.4),
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
        # Sisters trade under one brand.
        "another name of it is the same": (0.02, 1e-5, 2e-2),
    },
    "legal form": {"the same": (0.93, 0.3, 0.4), "different": (0.07, 0.7, 0.6)},
    "registration number": _IDS,
    "tax id": _IDS,
    # Couples collect on one card.
    "loyalty id": {**_IDS, "the same": (0.93, 1e-7, 0.1), "different": (0.06, 0.99, 0.89)},
    "customer number": _IDS,
}
_STREETS = {
    "street and house": (0.72, 2e-6, 0.8),
    "house, and nearly the street": (0.05, 2e-6, 0.03),
    "street": (0.03, 4e-4, 0.01),
    "nearly the street": (0.01, 4e-4, 0.005),
    "house": (0.01, 2e-2, 0.005),
    # Grown children live elsewhere.
    "no street": (0.1, 0.9, 0.13),
    "street unknown": (0.08, 0.08, 0.02),
}
_TOWNS = {
    "postcode and city": (0.75, 2e-3, 0.8),
    "postcode": (0.06, 1e-3, 0.03),
    "nearly the postcode, and city": (0.04, 4e-3, 0.02),
    "nearly the postcode": (0.01, 4e-3, 0.005),
    "city": (0.03, 8e-3, 0.02),
    "nearly the city": (0.01, 4e-3, 0.01),
    "area": (0.01, 2e-2, 0.01),
    "nothing": (0.05, 0.93, 0.06),
    "place unknown": (0.04, 0.03, 0.03),
}
_SMALLEST = 1e-9


def usual_shares(comparison: Comparison) -> tuple[Shares, Shares, Shares]:
    """The shares of a comparison's levels among matches, by chance, and in households; each sums to one."""
    known = _USUAL.get(comparison.name, _TEXT)
    rows = [_place(level) if comparison.grid else known[level] for level in comparison.levels]
    match, random, household = (_whole(column) for column in zip(*rows, strict=True))
    return match, random, household


def _place(level: str) -> Level:
    street, _, town = level.partition(" · ")
    one, other = _STREETS.get(street, (0.1, 0.1, 0.1)), _TOWNS.get(town, (0.1, 0.1, 0.1))
    return one[0] * other[0], one[1] * other[1], one[2] * other[2]


def _whole(weights: Sequence[float]) -> Shares:
    whole = sum(weights)
    return tuple(max(weight / whole, _SMALLEST) for weight in weights)
