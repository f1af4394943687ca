"""Levels of two texts, and of two lists of them: the scalar siblings of `comparisons`."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from rapidfuzz.distance import OSA, JaroWinkler

from crossdock.identity.matching.comparisons import (
    ALIKE,
    DIFFERENT,
    EXACT,
    NEAR,
    NEARLY,
    NOTHING,
    ONE_EDIT,
    SIMILAR,
)

Found = tuple[int, int, str]
"""A level, and the agreeing value with the place of its term table (-1: nothing agrees)."""
UNKNOWN: Found = (NOTHING, -1, "")

_SINGLE = np.float32(NEAR)
NEAR_FROM = (float(_SINGLE) + float(np.nextafter(_SINGLE, np.float32(0)))) / 2
"""Arrays hold similarities in single precision: from here on one rounds up to `NEAR` there."""

_distance = OSA.distance
_similarity = JaroWinkler.normalized_similarity


def within(one: str, other: str, most: int) -> bool:
    """Whether the optimal string alignment distance is so much at most."""
    # Each edit makes up for one letter: most pairs are told apart by their lengths.
    return -most <= len(one) - len(other) <= most and _distance(one, other, score_cutoff=most) <= most


@lru_cache(maxsize=16_384)
def likeness(one: str, other: str) -> float:
    """The Jaro-Winkler similarity, 0 below `ALIKE`."""
    return _similarity(one, other, score_cutoff=ALIKE)


def words(one: str, other: str) -> int:
    """A level of `WORDS`, or NOTHING."""
    if not (one and other):
        return NOTHING
    if one == other:
        return EXACT
    mine, theirs = len(one), len(other)
    if -2 <= mine - theirs <= 2:  # noqa: PLR2004 - each edit makes up for one letter
        length = min(theirs, mine)
        distance = _distance(one, other, score_cutoff=2)
        if distance == 1 and length >= 3:  # noqa: PLR2004 - one of two letters is no typing error
            return ONE_EDIT
        if distance == 2 and length >= 6:  # noqa: PLR2004 - two of five letters make another word
            return NEARLY
    alike = _similarity(one, other, score_cutoff=ALIKE)
    if alike >= NEAR_FROM:
        return NEARLY
    return SIMILAR if alike >= ALIKE else DIFFERENT


often = lru_cache(maxsize=16_384)(words)
"""`words` of what many records share, as names and towns: the same two meet again and again."""


def text(one: str, other: str) -> Found:
    """What is found of two texts with nothing special about them."""
    if not (one and other):
        return UNKNOWN
    level = words(one, other)
    return (level, 0, one) if level == EXACT else (level, -1, "")


def numbers(one: str, other: str) -> int:
    """A level of `NUMBERS`, or NOTHING."""
    if not (one and other):
        return NOTHING
    if one == other:
        return 0
    return 1 if within(one, other, 1) else 2


def best(left: Sequence[Any], right: Sequence[Any], judge: Callable[[Any, Any], Found]) -> Found:
    """The best (lowest) of all pairs of values; of equals the last, as in arrays."""
    if not (left and right):
        return UNKNOWN
    if len(left) == len(right) == 1:
        return judge(left[0], right[0])
    found = UNKNOWN
    for one in left:
        for other in right:
            seen = judge(one, other)
            if seen[0] != NOTHING and (found[0] == NOTHING or seen[0] <= found[0]):
                found = seen
    return found


def number(one: str, other: str) -> Found:
    """What is found of two ids."""
    level = numbers(one, other)
    return (level, 0, one) if level == EXACT else (level, -1, "")
