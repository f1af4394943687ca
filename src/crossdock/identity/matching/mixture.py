"""The mixture of matches, households and strangers, and its expectation maximisation, on levels alone."""

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


ALIKE_SHARE, ALIKE_AT_FIRST = 0.1, 4.0
"""Where telling alike strangers begins: their share, and how much more often they agree than others."""
ALIKE_ROUNDS = 300
ALIKE_SHARE_MIN = 0.02
NATS_EARNED_MIN = 4.0
"""What each number that tells alike strangers from others has to explain of pairs at random; less may be chance.

Akaike (1974) asks for 1, Schwarz (1978) of half a million pairs for 6.5.
"""


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
    many pairs' worth of belief in the usual shares stand behind matches, and behind households. `tongues`: of
    strangers some may have one country or tongue, and so more in common than others.
    """

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        pairs: float,
        *,
        apart: float,
        firm: tuple[float, float],
        tongues: bool = False,
    ) -> None:
        self.comparisons = comparisons
        self.apart = apart
        self.firm, self.firm_home = firm
        self.tongues = tongues
        self.pairs = pairs
        self.widest = max(len(comparison.levels) for comparison in comparisons)
        usual = [[np.array(shares) for shares in usual_shares(comparison)] for comparison in comparisons]
        self.match: list[Shares] = [match for match, _, _ in usual]
        self.random: list[Shares] = [random for _, random, _ in usual]
        self.household: list[Shares] = [
            near if comparison.shared else _mixed(match, random, comparison.namesakes)
            for comparison, (match, random, near) in zip(comparisons, usual, strict=True)
        ]
        self.alike: list[Shares] = self.random.copy()
        self._usual = self.match.copy(), self.random.copy(), self.household.copy()
        self.prior_match = USUAL_PRIOR
        self.prior_household = self.prior_match / 2
        self.share_alike = 0.0

    def learn(self, sample: Sample, random: Sample) -> None:
        """Fit all of it. Without candidates the usual values stay."""
        if not sample.counts.size or not random.counts.size:
            return
        self.prior_match = min(0.1, max(0.1 * sample.counts.sum(), 1.0) / self.pairs)
        self.prior_household = self.prior_match / 4
        most = 1.0 if self._can_tell_households(sample) else HOUSEHOLDS_UNSEEN_MAX
        self._fit_random(random, random.counts)
        self._fit(sample, random, most)
        if self.tongues:
            self._part_strangers(random)
        if self.share_alike:
            self._fit(sample, random, most)

    def _fit(self, sample: Sample, random: Sample, most: float) -> None:
        for _ in range(ROUNDS_MAX):
            before = self.prior_match, self.prior_household
            match, household = self.posteriors(sample.patterns)
            matches, households = match * sample.counts, household * sample.counts
            self.prior_match = max(float(matches.sum()) / self.pairs, 0.01 / self.pairs)
            found = min(float(households.sum()) / self.pairs, most * self.prior_match if most < 1 else 0.1)
            self.prior_household = max(found, 0.01 / self.pairs)
            self._fit_rare(sample, matches, households)
            self._fit_strangers(random)
            if max(abs(self.prior_match / before[0] - 1), abs(self.prior_household / before[1] - 1)) < TOLERANCE:
                break

    def _part_strangers(self, random: Sample) -> None:
        """Tell strangers of one country or tongue from others: they are alike in several things at once.

        Where that explains pairs at random hardly better, all strangers are of one sort.
        """
        undivided = self.random.copy(), self.household.copy()
        unexplained = self._unlikelihood(random)
        self.share_alike = ALIKE_SHARE
        for place, shares in enumerate(self.random):
            raised = shares * np.where(self.match[place] > shares, ALIKE_AT_FIRST, 1.0)
            self.alike[place] = raised / raised.sum()
        for _ in range(ALIKE_ROUNDS):
            self._fit_strangers(random)
        seen = random.summed([random.counts], self.widest)[0] >= 1
        numbers = 1 + int(seen.sum() - seen.any(axis=1).sum())
        # Of few records every pair is drawn several times, and still says it but once.
        earned = (unexplained - self._unlikelihood(random)) * min(1.0, self.pairs / random.counts.sum())
        if earned < NATS_EARNED_MIN * numbers or self.share_alike < ALIKE_SHARE_MIN:
            self.share_alike = 0.0
            self.random, self.household = undivided
            self.alike = self.random.copy()

    def _unlikelihood(self, sample: Sample) -> float:
        """What is not explained of a sample, in nats."""
        return -float(self._classes(sample.patterns)[-1] @ sample.counts)

    def _fit_strangers(self, random: Sample) -> None:
        """What pairs at random show, without the few of them that are no strangers."""
        drawn = random.counts.sum()
        match, household, alike, _ = self._classes(random.patterns)
        near, far = random.counts * alike, random.counts * np.maximum(1 - match - household - alike, 0.0)
        strangers = max(float(near.sum() + far.sum()), 1.0)
        near, far = near * drawn / strangers, far * drawn / strangers
        if not self.share_alike:
            self._fit_random(random, near + far)
            return
        self.share_alike = float(near.sum() / drawn)
        found = random.summed([far, near], self.widest)
        for place, comparison in enumerate(self.comparisons):
            for classes, summed in zip((self.random, self.alike), found, strict=True):
                self._fit_chance(classes, place, summed[place, : len(comparison.levels)])

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
        match, household, *_ = self._classes(patterns)
        return match, household

    def _classes(self, patterns: NDArray[np.int8]) -> Shares:
        """Per pattern the probability of a match, of one household, of strangers alike, and the log of its own."""
        classes = (self.match, self.household, self.alike, self.random)
        logs = np.zeros((len(classes), len(self.comparisons), self.widest + 1))
        for row, one in enumerate(classes):
            for place, shares in enumerate(one):
                logs[row, place, : shares.size] = np.log(shares)
        strangers = 1 - self.prior_match - self.prior_household
        alike = strangers * self.share_alike
        priors = np.array([self.prior_match, self.prior_household, alike, strangers - alike])
        found: Shares = weight_kernels.posteriors(patterns, logs, np.log(np.maximum(priors, 1e-300)))
        return found

    def _fit_random(self, sample: Sample, weights: Shares) -> None:
        (summed,) = sample.summed([weights], self.widest)
        for place, comparison in enumerate(self.comparisons):
            self._fit_chance(self.random, place, summed[place, : len(comparison.levels)])
            self.alike[place] = self.random[place]

    def _fit_chance(self, classes: list[Shares], place: int, counts: Shares) -> None:
        """What strangers find in a comparison, and with it households, where they share it by chance only."""
        if counts.sum() < 1:
            return
        counts = counts + np.minimum(UNSEEN, self._usual[1][place] * counts.sum())
        classes[place] = _smooth(counts, counts, 0.0)
        if not self.comparisons[place].shared:
            self.household[place] = self._apart_from_namesakes(place)

    def _apart_from_namesakes(self, place: int) -> Shares:
        """What households find in an attribute that they share by chance only, but for their namesakes."""
        return _mixed(self.match[place], self.alike[place], self.comparisons[place].namesakes)

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
