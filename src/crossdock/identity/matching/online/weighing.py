"""The weight of one pair under a model: the scalar sibling of `weighing`."""

from collections.abc import Sequence
from math import inf, log1p, log2
from math import log as ln
from struct import Struct

from crossdock.identity.matching.catalogue import EXTRA
from crossdock.identity.matching.online.contacts import of_contacts
from crossdock.identity.matching.online.names import of_organisations, of_persons
from crossdock.identity.matching.online.rules import rule_of
from crossdock.identity.matching.online.side import Side
from crossdock.identity.matching.online.words import Found, text
from crossdock.identity.matching.rules import Rule
from crossdock.identity.matching.weighing import FAR_BELOW, Scale

_SINGLE = Struct("f")
_LN_2 = ln(2)


class Weighing:
    """One pair: what each comparison found, the weight in bits without rules, and the rule.

    `household`: the probability that the two are people of one household. `near`: that is the stronger rival, and
    not chance.
    """

    __slots__ = ("found", "household", "near", "rule", "weight")

    def __init__(self, found: list[Found], weight: float, household: float, rule: Rule, *, near: bool) -> None:
        self.found = found
        self.weight = weight
        self.household = household
        self.rule = rule
        self.near = near


class Balance:
    """A scale's numbers as plain lists, prepared once."""

    def __init__(self, scale: Scale) -> None:
        self._names = of_persons if scale.model.kind == "person" else of_organisations
        self._extras = tuple(
            one.name.removeprefix(EXTRA) for one in scale.comparisons if one.name.startswith(EXTRA)
        )
        self._tables = scale.tables
        self._chance = [not one.shared for one in scale.comparisons]
        self._bits = scale.bits()
        self._levels = [len(one.levels) for one in scale.comparisons]
        self._priors = scale.priors()
        self._usual: list[list[dict[str, float]]] = [[{} for _ in tables] for tables in scale.tables]

    def found(self, one: Side, other: Side) -> list[Found]:
        """What every comparison finds, in the order of the catalogue."""
        found = self._names(one, other) + of_contacts(one, other)
        for name in self._extras:
            found.append(text(one.extra.get(name, ""), other.extra.get(name, "")))
        return found

    def ratio(self, place: int, table: int, value: str) -> float:
        """log2 of an agreeing value's frequency over the usual one, in single precision as in arrays."""
        tables = self._tables[place]
        if not tables:
            return 0.0
        terms, known = tables[table], self._usual[place][table]
        kept = value if value in terms.shares else ""  # all that are rare are alike
        ratio = known.get(kept)
        if ratio is None:
            exact = log2(terms.shares.get(value, terms.rare) / terms.mean)
            ratio = known[kept] = _SINGLE.unpack(_SINGLE.pack(exact))[0]
        return ratio

    def weigh(self, one: Side, other: Side) -> Weighing:
        """All that a decision about the pair rests on."""
        found = self.found(one, other)
        match, near, far = self._totals(found)
        rivals = _either(near, far)
        return Weighing(
            found,
            max(match - rivals, FAR_BELOW),
            2.0 ** (near - _either(rivals, match)),
            rule_of(one, other),
            near=near > far,
        )

    def _totals(self, found: Sequence[Found]) -> tuple[float, float, float]:
        """log2 of the shares of matches, households and strangers with what was found."""
        match, near, far = self._priors
        for place, one in enumerate(found):
            if one[0] >= 0:
                m, h, u = self._shares(place, one)
                match += m
                near += h
                far += u
        return match, near, far

    def _shares(self, place: int, found: Found) -> tuple[float, float, float]:
        level, table, value = found
        m, h, u = self._bits[place][level]
        if table >= 0:
            ratio = self.ratio(place, table, value)
            u += ratio
            if self._chance[place]:
                h += ratio
        return m, h, u

    def otherwise(self, weighing: Weighing) -> list[list[float]]:
        """Per comparison what the pair would weigh with each of its levels instead, at a usual frequency."""
        match, near, far = self._totals(weighing.found)
        weights = []
        for place, found in enumerate(weighing.found):
            m, h, u = self._shares(place, found) if found[0] >= 0 else (0.0, 0.0, 0.0)
            apart = match - m, near - h, far - u
            levels = self._bits[place][: self._levels[place]]
            weights.append([apart[0] + m - _either(apart[1] + h, apart[2] + u) for m, h, u in levels])
        return weights

    def parts(self, weighing: Weighing) -> list[float]:
        """The bits of each comparison, against the stronger of the two rivals."""
        parts = []
        for place, (level, table, value) in enumerate(weighing.found):
            m, h, u = self._bits[place][level]
            against = h if weighing.near else u
            if table >= 0 and (self._chance[place] or not weighing.near):
                against += self.ratio(place, table, value)
            parts.append(m - against)
        return parts


def _either(one: float, other: float) -> float:
    """log2(2^one + 2^other)."""
    high, low = (one, other) if one >= other else (other, one)
    return high if low == -inf else high + log1p(2.0 ** (low - high)) / _LN_2
