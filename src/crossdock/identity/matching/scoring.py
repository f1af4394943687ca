"""A decision about pairs and why: link, review or new, with the evidence of each comparison."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from crossdock.identity.matching.model import Bands, Model, Thresholds
from crossdock.identity.matching.online.side import Side
from crossdock.identity.matching.online.weighing import Balance, Weighing
from crossdock.identity.matching.record import Features, Kind
from crossdock.identity.matching.rules import Rule
from crossdock.identity.matching.weighing import Scale

Band = Literal["link", "review", "new"]
HOUSEHOLD_MIN = 0.5
"""From this probability on a pair that is no match is said to be of one household."""


EXPLAINED_MAX = 5_000
"""So many decisions are kept, some 2 KB each."""


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """One comparison's part in a weight: what was found, in words, and its bits (negative: against a match)."""

    comparison: str
    found: str
    weight: float


class Flip(msgspec.Struct, frozen=True, gc=False):
    """A change that would have led to another band: a comparison finding something else."""

    comparison: str
    found: str
    band: Band


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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

    def __init__(self, model: Model, thresholds: Thresholds | Bands | None = None, *, version: str = "") -> None:
        """Decisions name the model's version, or another one: that of the model it was rescaled from."""
        self.model = model
        if isinstance(thresholds, Thresholds):
            thresholds = Bands(person=thresholds, organisation=thresholds)
        self.bands = thresholds or Bands()
        self.version = version or model.version
        self._explained: dict[object, Decision] = {}
        self._scales = {kind: Scale(model.of(kind)) for kind in ("person", "organisation")}
        self._balances = {kind: Balance(scale) for kind, scale in self._scales.items()}
        self._of_another_kind = _other_kind(self.version)

    def score(self, record: Features, candidates: Sequence[Features]) -> list[Decision]:
        """A decision per candidate, in their order. One of another kind than `record` is always new."""
        return [self.explain(record.kind, weighing) for weighing in self.weigh(record, candidates)]

    def weigh(self, record: Features, candidates: Sequence[Features]) -> list[Weighing | None]:
        """What each candidate weighs, in their order; None for one of another kind.

        To explain one costs as much again.
        """
        balance, mine = self._balances[record.kind], Side(record)
        return [
            balance.weigh(mine, Side(candidate)) if candidate.kind == record.kind else None
            for candidate in candidates
        ]

    def explain(self, kind: Kind, weighing: Weighing | None) -> Decision:
        """The decision that rests on a weighing of two records of a kind.

        It names no values, only what was found of them: pairs of which the same was found share one decision.
        """
        if weighing is None:
            return self._of_another_kind
        seen = kind, weighing.rule, self._balances[kind].pattern(weighing.found)
        decision = self._explained.get(seen)
        if decision is None:
            if len(self._explained) >= EXPLAINED_MAX:
                self._explained.clear()
            decision = self._explained[seen] = self._decision(kind, weighing)
        return decision

    def pair(self, one: Features, other: Features) -> Decision:
        """The decision about two records."""
        return self.score(one, [other])[0]

    def band(self, kind: Kind, weight: float, rule: int = 0) -> Band:
        """The band of a weight between two of a kind, and of a rule where one spoke."""
        if rule:
            return "link" if rule > Rule.NONE else "new"
        thresholds = self.bands.of(kind)
        if weight >= thresholds.link:
            return "link"
        return "review" if weight >= thresholds.review else "new"

    def _decision(self, kind: Kind, found: Weighing) -> Decision:
        scale, parts = self._scales[kind], self._balances[kind].parts(found)
        levels = [level for level, _, _ in found.found]
        weight, rule, household = found.weight, found.rule, found.household
        band = self.band(kind, weight, rule)
        evidence = tuple(
            Evidence(comparison.name, comparison.levels[level], round(part, 3))
            for comparison, level, part in zip(scale.comparisons, levels, parts, strict=True)
            if level >= 0
        )
        return Decision(
            band=band,
            weight=round(weight, 3),
            prior=round(weight - sum(one.weight for one in evidence), 3),
            evidence=evidence,
            household=round(household, 4),
            likely_household=household >= HOUSEHOLD_MIN,
            rule=rule.name.lower() if rule else "",
            flips=() if rule else self._flips(kind, found),
            model_version=self.version,
        )

    def _flips(self, kind: Kind, weighing: Weighing) -> tuple[Flip, ...]:
        """For each comparison the mildest other finding that leads to another band; the mildest of all first."""
        comparisons = self._scales[kind].comparisons
        changes = self._balances[kind].changes(weighing, self.bands.of(kind))
        return tuple(
            Flip(comparisons[place].name, comparisons[place].levels[level], self.band(kind, weight))
            for _, place, level, weight in sorted(changes)[:FLIPS_MAX]
        )


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
