"""A decision about pairs and why: link, review or new, with the evidence of each comparison."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from crossdock.identity.matching.columns import Columns
from crossdock.identity.matching.model import Model, Thresholds
from crossdock.identity.matching.record import Features
from crossdock.identity.matching.rules import Rule
from crossdock.identity.matching.weighing import Judgement, Scale, Weights

Band = Literal["link", "review", "new"]
HOUSEHOLD_MIN = 0.5
"""From this probability on a pair that is no match is said to be of one household."""


class Evidence(msgspec.Struct, frozen=True):
    """One comparison's part in a weight: what was found, in words, and its bits (negative: against a match)."""

    comparison: str
    found: str
    weight: float


class Flip(msgspec.Struct, frozen=True):
    """A change that would have led to another band: a comparison finding something else."""

    comparison: str
    found: str
    band: Band


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided of a pair of records.

    `weight` is in bits of log odds (0: even chance) and is the sum of `prior` and the evidence's weights.
    `rule` names the rule
    that decided instead, if any; the weight stays what the evidence says. `household`: the probability that the
    two are people of one household.
    """

    band: Band
    weight: float
    prior: float
    evidence: tuple[Evidence, ...]
    household: float
    likely_household: bool
    rule: str
    flips: tuple[Flip, ...]
    model_version: str


class Scorer:
    """A model made ready to decide; one per process, for any number of calls."""

    def __init__(self, model: Model, thresholds: Thresholds | None = None) -> None:
        self.model = model
        self.thresholds = thresholds or Thresholds()
        self.version = model.version
        self._scales = {kind: Scale(model.of(kind)) for kind in ("person", "organisation")}

    def score(self, record: Features, candidates: Sequence[Features]) -> list[Decision]:
        """A decision per candidate, in their order. One of another kind than `record` is always new."""
        alike = [place for place, candidate in enumerate(candidates) if candidate.kind == record.kind]
        found = dict.fromkeys(range(len(candidates)), _other_kind(self.version))
        if alike:
            scale = self._scales[record.kind]
            right = Columns([candidates[place] for place in alike])
            rows = np.arange(len(alike))
            judgement = scale.judge(Columns([record]), np.zeros_like(rows), right, rows)
            found.update(zip(alike, self._decisions(scale, judgement), strict=True))
        return [found[place] for place in range(len(candidates))]

    def pair(self, one: Features, other: Features) -> Decision:
        """The decision about two records."""
        return self.score(one, [other])[0]

    def band(self, weight: float, rule: int = 0) -> Band:
        """The band of a weight, and of a rule where one spoke."""
        if rule:
            return "link" if rule > Rule.NONE else "new"
        if weight >= self.thresholds.link:
            return "link"
        return "review" if weight >= self.thresholds.review else "new"

    def _decisions(self, scale: Scale, judgement: Judgement) -> list[Decision]:
        weights = scale.weigh(judgement)
        match, household, random = scale.terms_of(judgement)
        priors = scale.priors()
        near = household.sum(axis=1) + priors[1]
        far = random.sum(axis=1) + priors[2]
        rival = np.where((near > far)[:, None], household, random)
        parts = match - rival
        homes = np.exp2(near - np.logaddexp2(np.logaddexp2(near, far), match.sum(axis=1) + priors[0]))
        return [
            self._decision(scale, judgement, row, float(weights[row]), parts[row], float(homes[row]))
            for row in range(weights.size)
        ]

    def _decision(
        self, scale: Scale, judgement: Judgement, row: int, weight: float, parts: Weights, household: float
    ) -> Decision:
        levels = judgement.levels[row].tolist()
        rule = int(judgement.rules[row])
        band = self.band(weight, rule)
        evidence = tuple(
            Evidence(comparison.name, comparison.levels[level], round(float(part), 3))
            for comparison, level, part in zip(scale.comparisons, levels, parts.tolist(), strict=True)
            if level >= 0
        )
        return Decision(
            band=band,
            weight=round(weight, 3),
            prior=round(weight - sum(one.weight for one in evidence), 3),
            evidence=evidence,
            household=round(household, 4),
            likely_household=household >= HOUSEHOLD_MIN,
            rule=Rule(rule).name.lower() if rule else "",
            flips=self._flips(scale, levels, weight, parts, band) if not rule else (),
            model_version=self.version,
        )

    def _flips(
        self, scale: Scale, levels: list[int], weight: float, parts: Weights, band: Band
    ) -> tuple[Flip, ...]:
        """For each comparison the mildest other finding that leads to another band; the mildest of all first."""
        found: list[tuple[float, Flip]] = []
        for place, comparison in enumerate(scale.comparisons):
            now = float(parts[place]) if levels[place] >= 0 else 0.0
            bits, order = scale.gains[place]
            options = []
            for border in (self.thresholds.link, self.thresholds.review):
                # At or above the border, or just below it: the first level on the other side.
                other = bisect_left(bits, now + border - weight) - (weight >= border)
                if 0 <= other < len(bits):
                    would = self.band(weight - now + bits[other])
                    if would != band and order[other] != levels[place]:
                        flip = Flip(comparison.name, comparison.levels[order[other]], would)
                        options.append((abs(bits[other] - now), flip))
            if options:
                found.append(min(options, key=lambda option: option[0]))
        return tuple(flip for _, flip in sorted(found, key=lambda option: option[0])[:FLIPS_MAX])


FLIPS_MAX = 3


def _other_kind(version: str) -> Decision:
    return Decision(
        band="new",
        weight=-100.0,
        prior=-100.0,
        evidence=(),
        household=0.0,
        likely_household=False,
        rule="kinds_differ",
        flips=(),
        model_version=version,
    )
