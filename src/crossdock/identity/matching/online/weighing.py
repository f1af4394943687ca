"""The weight of one pair under a model: the scalar sibling of `weighing`."""

from collections.abc import Sequence
from math import inf, log1p, log2
from math import log as ln
from struct import Struct

from crossdock.identity.matching.catalogue import EXTRA
from crossdock.identity.matching.model import Thresholds
from crossdock.identity.matching.online.contacts import of_contacts
from crossdock.identity.matching.online.names import of_organisations, of_persons
from crossdock.identity.matching.online.rules import rule_of
from crossdock.identity.matching.online.side import Side
from crossdock.identity.matching.online.words import Found, text
from crossdock.identity.matching.rules import Rule
from crossdock.identity.matching.weighing import FAR_BELOW, Scale

Totals = tuple[float, float, float, float]
_SINGLE = Struct("f")
_LN_2 = ln(2)
_NEAR, _FAR, _ALIKE = 1, 2, 3
_LEAST = 1e-100
"""A share of nothing, which can still be divided by."""


class Weighing:
    """One pair: what each comparison found, the weight in bits without rules, and the rule.

    `totals`: log2 of the shares of matches, households, strangers and alike strangers with what was found.
    """

    __slots__ = ("found", "rule", "totals", "weight")

    def __init__(self, found: list[Found], totals: Totals, rule: Rule) -> None:
        self.found = found
        self.totals = totals
        self.rule = rule
        match, near, far, alike = totals
        weight = match - _either(near, _either(far, alike))
        self.weight = max(FAR_BELOW, weight)

    @property
    def rival(self) -> int:
        """The strongest rival of a match, as its place in `totals`."""
        _, near, far, alike = self.totals
        if near > _either(far, alike):
            return _NEAR
        return _FAR if far >= alike else _ALIKE

    @property
    def household(self) -> float:
        """The probability that the two are people of one household."""
        match, near, far, alike = self.totals
        probability: float = 2.0 ** (near - _either(_either(near, _either(far, alike)), match))
        return probability


class Balance:
    """A scale's numbers as plain lists, prepared once."""

    def __init__(self, scale: Scale) -> None:
        self._names = of_persons if scale.model.kind == "person" else of_organisations
        self._extras = tuple(
            one.name.removeprefix(EXTRA) for one in scale.comparisons if one.name.startswith(EXTRA)
        )
        self._tables = scale.tables
        self._namesakes = scale.namesakes()
        self._bits = scale.bits()
        self._places = range(len(self._bits))
        self._shares = [
            [tuple(max(2.0**bits, _LEAST) for bits in level) for level in levels[: len(one.levels)]]
            for one, levels in zip(scale.comparisons, self._bits, strict=True)
        ]
        self._highest = [max(same / other for same, _, other, _ in shares) for shares in self._shares]
        self._lowest = [
            tuple(max(share[rival] / share[0] for share in shares) for rival in (_NEAR, _FAR, _ALIKE))
            for shares in self._shares
        ]
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
        return Weighing(found, self.totals(found), rule_of(one, other))

    def totals(self, found: Sequence[Found]) -> Totals:
        """log2 of the shares of matches, households, strangers and alike strangers with what was found."""
        match, near, far, alike = self._priors
        # The sums go in the order of the catalogue: in another one they would round otherwise.
        for one, bits, place in zip(found, self._bits, self._places, strict=True):
            level = one[0]
            if level < 0:
                continue
            m, h, u, a = bits[level]
            if one[1] >= 0 and (ratio := self.ratio(place, one[1], one[2])):
                u += ratio
                a += ratio
                h = at_home(m, h, a, self._namesakes[place])
            match += m
            near += h
            far += u
            alike += a
        return match, near, far, alike

    def pattern(self, found: Sequence[Found]) -> tuple[object, ...]:
        """All that weights depend on: the levels, and where a value agreed, how frequent it is."""
        return tuple(
            [
                (level, self.ratio(place, table, value)) if table >= 0 else level
                for place, (level, table, value) in enumerate(found)
            ]
        )

    def _counted(self, place: int, found: Found) -> Totals:
        """What a finding counted as: log2 of its shares of matches, households, strangers and alike strangers."""
        level, table, value = found
        if level < 0:
            return 0.0, 0.0, 0.0, 0.0
        m, h, u, a = self._bits[place][level]
        if table >= 0 and (ratio := self.ratio(place, table, value)):
            u += ratio
            a += ratio
            h = at_home(m, h, a, self._namesakes[place])
        return m, h, u, a

    def changes(self, weighing: Weighing, bands: Thresholds) -> list[tuple[float, int, int, float]]:
        """Per comparison the mildest other level that leads to another band, at a usual frequency.

        By how many bits it is off, the comparison's place, the level, and the weight it would have been.
        """
        weight, found = weighing.weight, []
        match, near, far, alike = weighing.totals
        for place, seen in enumerate(weighing.found):
            m, h, u, a = self._counted(place, seen)
            apart = match - m, near - h, far - u, alike - a
            levels = []
            if weight < bands.link:
                levels += self._rise(place, apart, bands.review if weight < bands.review else bands.link, seen[0])
            if weight >= bands.review:
                levels += self._fall(place, apart, bands.link if weight >= bands.link else bands.review, seen[0])
            if levels:
                would = [(level, self._instead(place, level, apart)) for level in levels]
                found.append(min((abs(other - weight), place, level, other) for level, other in would))
        return found

    def _rise(self, place: int, apart: Totals, threshold: float, seen: int) -> list[int]:
        """The level with the lowest weight from the threshold on, if there is one beside what was seen."""
        home, chance, common = _against(apart)
        least = 2.0**threshold
        # Odds are what weights are the logarithm of: to take one per level would be most of the work.
        if self._highest[place] < least * chance:
            return []
        odds = [
            same / (home * family + chance * other + common * like)
            for same, family, other, like in self._shares[place]
        ]
        if seen >= 0:
            odds[seen] = -1.0
        enough = [one for one in odds if one >= least]
        return [odds.index(min(enough))] if enough else []

    def _fall(self, place: int, apart: Totals, threshold: float, seen: int) -> list[int]:
        """The level with the highest weight below the threshold, if there is one beside what was seen."""
        home, chance, common = _against(apart)
        most = 2.0**threshold
        family, other, like = self._lowest[place]
        if home * family + chance * other + common * like <= 1 / most:
            return []
        odds = [
            same / (home * family + chance * other + common * like)
            for same, family, other, like in self._shares[place]
        ]
        if seen >= 0:
            odds[seen] = inf
        too_few = [one for one in odds if one < most]
        return [odds.index(max(too_few))] if too_few else []

    def _instead(self, place: int, level: int, apart: Totals) -> float:
        m, h, u, a = self._bits[place][level]
        return apart[0] + m - _either(apart[1] + h, _either(apart[2] + u, apart[3] + a))

    def parts(self, weighing: Weighing) -> list[float]:
        """The bits of each comparison, against the strongest of the rivals."""
        rival = weighing.rival
        counted = [self._counted(place, found) for place, found in enumerate(weighing.found)]
        return [one[0] - one[rival] for one in counted]


def _against(apart: Totals) -> tuple[float, float, float]:
    """The odds of a match's rivals: of a household, of strangers, of alike strangers."""
    match, near, far, alike = apart
    return 2.0 ** (near - match), 2.0 ** (far - match), 2.0 ** (alike - match)


def at_home(m: float, h: float, u: float, namesakes: float) -> float:
    """log2 of how often people of one household agree in a value with that share among strangers."""
    if namesakes < 0:
        return h
    return log2((1 - namesakes) * 2.0**u + namesakes * 2.0**m)


def _either(one: float, other: float) -> float:
    """log2(2^one + 2^other)."""
    high, low = (one, other) if one >= other else (other, one)
    return high if low == -inf else high + log1p(2.0 ** (low - high)) / _LN_2
