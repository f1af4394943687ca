"""Chance that is the same on every version of Python: all is made of `random()`, whose stream is promised."""

import bisect
import itertools
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Weighted:
    """Texts of which some are drawn more often: the first most, falling as the rank grows (after Zipf)."""

    def __init__(self, texts: Sequence[str], flatness: float = 6.0) -> None:
        self.texts = texts
        self.sums = list(itertools.accumulate(1 / (rank + flatness) for rank in range(len(texts))))


class Dice:
    """A seeded stream of decisions."""

    def __init__(self, seed: int) -> None:
        self.roll = random.Random(seed).random

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self.roll() * limit)

    def chance(self, share: float) -> bool:
        """True in that share of cases."""
        return self.roll() < share

    def one(self, things: Sequence[T]) -> T:
        """Any of them, all equally often."""
        return things[int(self.roll() * len(things))]

    def between(self, low: float, high: float) -> float:
        """A number of the range."""
        return low + self.roll() * (high - low)

    def drawn(self, weighted: Weighted) -> str:
        """One of the texts, the first ones most often."""
        return weighted.texts[bisect.bisect_left(weighted.sums, self.roll() * weighted.sums[-1])]

    def digits(self, count: int) -> str:
        """So many decimal digits, the first of them not 0."""
        return str(int(10 ** (count - 1) * (1 + 9 * self.roll())))
