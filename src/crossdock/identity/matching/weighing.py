"""Weights of pairs under a model, for thousands at once; `online.weighing` does the same for one pair.

The weight is the log2 odds of a match against its rivals (Fellegi and Sunter 1969, with the rival split in three):

    weight = log2( p_M ∏ m ) - log2( p_H ∏ h + p_A ∏ a·r + p_U ∏ u·r )

with h = (1 - n)·a·r + n·m for what households do not share, but n of their pairs do (namesakes, twins)

where m, h, a and u are the probabilities of the levels found among matches, among people of one household, among
strangers of one country or tongue, who are alike, and among other strangers, p the shares of these classes in all
pairs, and r how much more frequent the agreeing value is than usual.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.catalogue import comparisons_of
from crossdock.identity.matching.columns import Columns, Index
from crossdock.identity.matching.comparisons import Comparison
from crossdock.identity.matching.model import KindModel, TermTable
from crossdock.identity.matching.rules import Rule, ruled

Weights = NDArray[np.float64]
RULE_LINK, RULE_VETO = 40.0, -100.0
"""What a rule's word counts as, in bits."""
FAR_BELOW = -60.0
_NONE = 1e-300
"""A share of nothing, of which there is still a logarithm."""


def _ratios(columns: Columns, table: TermTable) -> NDArray[np.float32]:
    texts = columns.text(table.column) if is_text(table.column) else columns.values(table.column)
    known = texts.words.looked_up(table.shares, table.rare)
    ratios: NDArray[np.float32] = np.log2(known / table.mean).astype(np.float32)
    return ratios[texts.places]


def is_text(column: str) -> bool:
    """Whether a column has one text per record (and not a list)."""
    return column in {"given", "middle", "family", "birth", "organisation", "form"} or column.startswith("extra:")


class Found:
    """What the comparisons found for pairs, before a model: levels, agreeing terms (see `Judged`), and rules.

    Shapes: (pairs, comparisons) twice, (pairs,). No term is 1 << 31.
    """

    __slots__ = ("levels", "rules", "terms")

    def __init__(self, levels: NDArray[np.int8], terms: NDArray[np.int32], rules: NDArray[np.int8]) -> None:
        self.levels = levels
        self.terms = terms
        self.rules = rules

    @staticmethod
    def room_for(pairs: int, comparisons: int) -> "Found":
        """To be filled."""
        shape = pairs, comparisons
        return Found(np.empty(shape, np.int8), np.empty(shape, np.int32), np.empty(pairs, np.int8))

    def put(self, rows: Index | slice, other: "Found") -> None:
        """Take over what was found for some of the pairs."""
        self.levels[rows], self.terms[rows], self.rules[rows] = other.levels, other.terms, other.rules

    def at(self, rows: slice) -> "Found":
        """What was found for some of the pairs."""
        return Found(self.levels[rows], self.terms[rows], self.rules[rows])


def compared(comparisons: Sequence[Comparison], left: Columns, i: Index, right: Columns, j: Index) -> Found:
    """What is found for the pairs `(left[i], right[j])`."""
    found = Found.room_for(i.size, len(comparisons))
    for place, comparison in enumerate(comparisons):
        judged = comparison.compare(left, i, right, j)
        found.levels[:, place], found.terms[:, place] = judged.levels, judged.terms
    found.rules[:] = ruled(left, i, right, j)
    return found


class Judgement:
    """What the comparisons found for pairs: levels, term ratios (log2) and rules.

    Shapes: (pairs, comparisons) twice, (pairs,).
    """

    __slots__ = ("levels", "ratios", "rules")

    def __init__(self, levels: NDArray[np.int8], ratios: NDArray[np.float32], rules: NDArray[np.int8]) -> None:
        self.levels = levels
        self.ratios = ratios
        self.rules = rules


class Scale:
    """A model made ready for weighing."""

    def __init__(self, model: KindModel) -> None:
        self.model = model
        self.comparisons = comparisons_of(model.kind, model.extras)
        self.tables = [one.terms for one in model.comparisons]

    def judge(self, left: Columns, i: Index, right: Columns, j: Index) -> Judgement:
        """Levels, ratios and rules of the pairs `(left[i], right[j])`."""
        return self.judged(left, compared(self.comparisons, left, i, right, j))

    def judged(self, left: Columns, found: Found) -> Judgement:
        """The same of what was found already."""
        ratios = np.zeros(found.levels.shape, np.float32)
        for place, tables in enumerate(self.tables):
            agreeing = np.flatnonzero(found.terms[:, place] >= 0) if tables else ()
            if len(agreeing):
                ratios[agreeing, place] = self._ratios_of(left, place, tables)[found.terms[agreeing, place]]
        return Judgement(found.levels, ratios, found.rules)

    def prepare(self, columns: Columns) -> None:
        """Reckon what is reckoned once per column, before threads ask for it together."""
        if len(columns):
            first = np.zeros(1, np.int64)
            self.judge(columns, first, columns, first)
            for place, tables in enumerate(self.tables):
                if tables:
                    self._ratios_of(columns, place, tables)

    def _ratios_of(self, columns: Columns, place: int, tables: Sequence[TermTable]) -> NDArray[np.float32]:
        """log2 of each term's frequency over the usual one, for all of a comparison's term columns in a row."""
        known = columns.kept(f"ratios {place}")
        if not (known and known[0] is tables):
            known[:] = [tables, np.concatenate([_ratios(columns, table) for table in tables])]
        ratios: NDArray[np.float32] = known[1]
        return ratios

    @cached_property
    def _logs(self) -> Weights:
        """log2 of the probabilities as (classes, comparisons, levels + 1), the last for nothing to compare."""
        widest = max(len(one.match) for one in self.model.comparisons) + 1
        logs = np.zeros((4, len(self.model.comparisons), widest))
        for place, one in enumerate(self.model.comparisons):
            for row, shares in enumerate((one.match, one.household, one.random, one.alike or one.random)):
                logs[row, place, : len(shares)] = np.log2(shares)
        return logs

    def bits(self) -> list[list[tuple[float, float, float, float]]]:
        """Per comparison and level log2 of its shares of matches, households, strangers and alike strangers.

        The last of each comparison, at -1, is for nothing to compare.
        """
        classes = self._logs.tolist()
        return [[*zip(*(one[place] for one in classes), strict=True)] for place in range(len(self.comparisons))]

    def namesakes(self) -> list[float]:
        """Per comparison the share of households' pairs that agree as one person's records do; -1: all may.

        Where households share a value they repeat it whatever its frequency; else it is chance, but for these.
        """
        return [-1.0 if comparison.shared else comparison.namesakes for comparison in self.comparisons]

    def priors(self) -> tuple[float, float, float, float]:
        """log2 of the shares of matches, households, strangers and alike strangers in all pairs."""
        match, household = self.model.prior_match, self.model.prior_household
        strangers, alike = 1 - match - household, self.model.share_alike
        shares = [match, household, strangers * (1 - alike), max(strangers * alike, _NONE)]
        return tuple(np.log2(shares).tolist())

    def _totals(self, judgement: Judgement) -> tuple[Weights, Weights, Weights]:
        """log2 of the shares of matches, households and strangers with what was found, per pair."""
        from crossdock.identity.matching import (  # noqa: PLC0415 - what decides on arrivals needs no numba
            weight_kernels,
        )

        found = weight_kernels.weighed(
            judgement.levels, judgement.ratios, self._logs, np.array(self.namesakes()), self.priors()
        )
        return found[0], found[1], found[2]

    def weigh(self, judgement: Judgement) -> tuple[Weights, Weights]:
        """The weight of each pair in bits, without rules, and its probability to be of one household."""
        match, household, random = self._totals(judgement)
        rivals = np.logaddexp2(household, random)
        homes: Weights = np.exp2(household - np.logaddexp2(rivals, match))
        weights: Weights = np.maximum(match - rivals, FAR_BELOW)
        return weights, homes

    def decided(self, judgement: Judgement) -> tuple[Weights, Weights]:
        """The same, with what rules say."""
        weights, homes = self.weigh(judgement)
        links = judgement.rules > Rule.NONE
        weights = np.where(links, np.maximum(weights, RULE_LINK), weights)
        return np.where(judgement.rules < Rule.NONE, RULE_VETO, weights), homes
