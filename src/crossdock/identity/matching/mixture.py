"""The three-class mixture and its expectation maximisation, on levels alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching import weight_kernels, word_kernels
from crossdock.identity.matching.comparisons import Comparison
from crossdock.identity.matching.usual import usual_shares

Shares = NDArray[np.float64]
ROUNDS_MAX = 200
TOLERANCE = 1e-7
SHARE_MIN = 1e-9
USUAL_PRIOR = 1e-3
"""The share of matches in a thousand records of which every second has one; where nothing can be learned."""
USUAL_POPULATION = 1_000
UNSEEN = 0.5
"""A level that no random pair showed counts as half a pair, or as what is usual among so many, if that is less."""
ONLY_NAMES = frozenset({"given name", "further given names", "legal form"})
TELLING_SHARE_MIN = 0.02
HOUSEHOLDS_UNSEEN_MAX = 0.01
"""Households per match that are believed in where records could not tell them; such pairs come out near 0 bits."""


class Sample:
    """Level patterns, each once, with how often it occurs. Shape of `patterns`: (patterns, comparisons).

    Each of the pairs stands for `weight` of them.
    """

    def __init__(self, levels: NDArray[np.int8], weight: float = 1.0) -> None:
        first, counts = _each_once(_as_numbers(levels))
        self.patterns = levels[first]
        self.counts: Shares = counts.astype(np.float64) * weight

    def summed(self, weights: Sequence[Shares], size: int) -> Shares:
        """The weight of each level, for each kind of weights and each comparison; who has none does not count."""
        found: Shares = weight_kernels.summed(self.patterns, np.stack(weights), size)
        return found


def _as_numbers(levels: NDArray[np.int8]) -> NDArray[Any]:
    """Rows of levels as something that is quickly told apart."""
    sizes = levels.max(axis=0, initial=0).astype(np.int64) + 2
    if np.log2(sizes).sum() < 62:  # noqa: PLR2004 - bits of a number
        found: NDArray[np.int64] = weight_kernels.packed(levels, sizes)
        return found
    return np.ascontiguousarray(levels).view(np.dtype((np.void, max(1, levels.shape[1])))).ravel()


def _each_once(numbers: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each different number stands first, least number first, and how often it occurs."""
    if numbers.dtype != np.int64:
        _, first, counts = np.unique(numbers, return_index=True, return_counts=True)
        return first, counts
    first, places = word_kernels.distinct(numbers)
    order = np.argsort(numbers[first])
    return first[order], np.bincount(places, minlength=first.size)[order]


class Mixture:
    """The probabilities of levels in the three classes, and the classes' shares in all pairs.

    `apart` is the share of households' pairs that differ in what households share as strangers do. `firm` says how
    many pairs' worth of belief in the usual shares stand behind matches, and behind households.
    """

    def __init__(
        self, comparisons: Sequence[Comparison], pairs: float, *, apart: float, firm: tuple[float, float]
    ) -> None:
        self.comparisons = comparisons
        self.apart = apart
        self.firm, self.firm_home = firm
        self.pairs = pairs
        self.widest = max(len(comparison.levels) for comparison in comparisons)
        usual = [[np.array(shares) for shares in usual_shares(comparison)] for comparison in comparisons]
        self.match: list[Shares] = [match for match, _, _ in usual]
        self.random: list[Shares] = [random for _, random, _ in usual]
        self.household: list[Shares] = [
            near if comparison.shared else _mixed(match, random, comparison.namesakes)
            for comparison, (match, random, near) in zip(comparisons, usual, strict=True)
        ]
        self._usual = self.match.copy(), self.random.copy(), self.household.copy()
        self.prior_match = USUAL_PRIOR
        self.prior_household = self.prior_match / 2

    def learn(self, sample: Sample, random: Sample) -> None:
        """Fit all of it. Without candidates the usual values stay."""
        if not sample.counts.size or not random.counts.size:
            return
        drawn = random.counts.sum()
        self.prior_match = min(0.1, max(0.1 * sample.counts.sum(), 1.0) / self.pairs)
        self.prior_household = self.prior_match / 4
        most = 1.0 if self._can_tell_households(sample) else HOUSEHOLDS_UNSEEN_MAX
        self._fit_random(random, random.counts)
        for _ in range(ROUNDS_MAX):
            before = self.prior_match, self.prior_household
            match, household = self.posteriors(sample.patterns)
            matches, households = match * sample.counts, household * sample.counts
            self.prior_match = max(float(matches.sum()) / self.pairs, 0.01 / self.pairs)
            found = min(float(households.sum()) / self.pairs, most * self.prior_match if most < 1 else 0.1)
            self.prior_household = max(found, 0.01 / self.pairs)
            self._fit_rare(sample, matches, households)
            strangers = random.counts * (1 - sum(self.posteriors(random.patterns)))
            self._fit_random(random, strangers * drawn / max(strangers.sum(), 1.0))
            if max(abs(self.prior_match / before[0] - 1), abs(self.prior_household / before[1] - 1)) < TOLERANCE:
                break

    def _can_tell_households(self, sample: Sample) -> bool:
        """Whether more than given names tells a household's members apart: birth, ids, further attributes.

        With a given name alone, two people at one address and one person under a wrong name look the same.
        """
        telling = [
            place
            for place, comparison in enumerate(self.comparisons)
            if not comparison.shared and comparison.name not in ONLY_NAMES
        ]
        known = (sample.patterns[:, telling] >= 0).any(axis=1)
        return bool((sample.counts * known).sum() >= TELLING_SHARE_MIN * sample.counts.sum())

    def posteriors(self, patterns: NDArray[np.int8]) -> tuple[Shares, Shares]:
        """The probability of a match and of one household, per pattern."""
        logs = np.zeros((3, len(self.comparisons), self.widest + 1))
        for row, classes in enumerate((self.match, self.household, self.random)):
            for place, shares in enumerate(classes):
                logs[row, place, : shares.size] = np.log(shares)
        priors = (self.prior_match, self.prior_household, 1 - self.prior_match - self.prior_household)
        found = weight_kernels.posteriors(patterns, logs, tuple(float(np.log(max(one, 1e-300))) for one in priors))
        return found[0], found[1]

    def _fit_random(self, sample: Sample, weights: Shares) -> None:
        (summed,) = sample.summed([weights], self.widest)
        for place, comparison in enumerate(self.comparisons):
            counts = summed[place, : len(comparison.levels)]
            if counts.sum() < 1:
                continue
            counts = counts + np.minimum(UNSEEN, self._usual[1][place] * counts.sum())
            self.random[place] = _smooth(counts, counts, 0.0)
            if not comparison.shared:
                self.household[place] = self._apart_from_namesakes(place)

    def _apart_from_namesakes(self, place: int) -> Shares:
        """What households find in an attribute that they share by chance only, but for their namesakes."""
        return _mixed(self.match[place], self.random[place], self.comparisons[place].namesakes)

    def _fit_rare(self, sample: Sample, matches: Shares, households: Shares) -> None:
        found = sample.summed([matches, households], self.widest)
        for place, comparison in enumerate(self.comparisons):
            counts, near = found[:, place, : len(comparison.levels)]
            base = _backed(counts, comparison, self._usual[0][place], self.firm)
            self.match[place] = _smooth(counts, base, self.firm)
            if comparison.shared:
                base = _backed(near, comparison, self._usual[2][place], self.firm_home)
                self.household[place] = _mixed(self.random[place], _smooth(near, base, self.firm_home), self.apart)


def _mixed(one: Shares, other: Shares, share: float) -> Shares:
    return one * share + other * (1 - share)


def _backed(counts: Shares, comparison: Comparison, usual: Shares, firm: float) -> Shares:
    """What to believe of levels that were hardly seen: for a grid, that its two sides are independent."""
    if not comparison.grid or counts.sum() < 1:
        return usual
    table = counts.reshape(comparison.grid) + firm * usual.reshape(comparison.grid)
    base = np.outer(table.sum(axis=1), table.sum(axis=0)).ravel()
    whole: Shares = base / base.sum()
    return whole


def _smooth(counts: Shares, base: Shares, firm: float) -> Shares:
    shares = np.maximum((counts + firm * base) / (counts.sum() + firm), SHARE_MIN)
    whole: Shares = shares / shares.sum()
    return whole
