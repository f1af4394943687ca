"""Names of persons, column by column: what is folded alike is looked at once."""

from collections.abc import Mapping

import numpy as np

from crossdock.identity.matching.columns import Texts
from crossdock.identity.matching.normalise import family_name_of, given_of, names_of
from crossdock.identity.matching.normalise.names import (
    GENERATIONS,
    generation_in,
    generation_said,
    root_of,
)
from crossdock.identity.matching.normalise.rows import Rows, combined, folded, made
from crossdock.identity.matching.normalise.text import TEXT_CHARACTERS_MAX
from crossdock.identity.matching.record import Profile
from crossdock.identity.matching.spelling import Change, chosen, having, stacked_words

MARKS = frozenset("pere sen fils hijo filho jun 2nd 3rd i geb geborene geborener nee maiden".split()) | frozenset(
    GENERATIONS
)
"""Folded words without one of which nothing stands behind a name, and none at birth in it."""
FOLDED_MAX = TEXT_CHARACTERS_MAX // 2 - 10
"""Two words of up to so many letters are folded apart as they are together."""


class Written:
    """A column of names: as written and folded, and which words may hold more than a name (`marked`).

    With `commas` a comma is more than what parts words.
    """

    def __init__(self, raw: Texts, *, commas: bool = False) -> None:
        self.raw = raw
        plain = folded(raw.of_words())
        self.plain = Texts(plain.words, plain.places[raw.places])
        long_ = np.maximum(raw.words.lengths, plain.words.lengths[plain.places]) > FOLDED_MAX
        self.marked = having(plain.words, MARKS)[plain.places] | long_
        if commas:
            self.marked |= raw.words.with_letter(",")

    def turned(self, change: Change) -> Texts:
        """What `change` says of the words that are marked, and nothing of the others."""
        asked = np.flatnonzero(self.marked)
        back = np.zeros(len(self.raw.words), np.int32)
        back[asked] = np.arange(1, asked.size + 1)
        return made(["", *map(change, chosen(self.raw.words, asked))], back[self.raw.places])

    def simplest(self) -> Texts:
        """Folded where that is all there is to it, else as written."""
        if not self.marked.any():
            return self.plain
        words, (plain, raw) = stacked_words([self.plain, self.raw])
        return Texts(words, np.where(self.marked[self.raw.places], raw, plain))


def written_in(some: Rows) -> dict[str, Written]:
    """The names of some rows by their attributes."""
    return {name: Written(some.one(name), commas=name == "name") for name in ("given", "middle", "family", "name")}


def name_columns(some: Rows, written: Mapping[str, Written]) -> dict[str, Texts]:
    """Given and family names; a full name is looked at only where there is one."""
    columns = [column.simplest() for column in written.values()]
    only = np.flatnonzero(columns[3].places)
    # Without a full name the parts say all, and repeat themselves more.
    parts = [Texts(column.words, np.where(columns[3].places, 0, column.places)) for column in columns[:3]]
    given_values, places = combined(parts[:2])
    family_values, family_places = combined(parts[2:])
    full_values, full_places = combined([Texts(column.words, column.places[only]) for column in columns])
    both = [_name(*values) for values in full_values]
    given = [*(given_of(*one) for one in given_values), *(one for one, _ in both)]
    family = [*(family_name_of(*one) for one in family_values), *(other for _, other in both)]
    places[only] = full_places + len(given_values)
    family_places[only] = full_places + len(family_values)
    return {
        "given": made([one[0] if one else "" for one in given], places),
        "middle": made([" ".join(one[1:]) for one in given], places),
        "root": made([root_of(one) for one in given], places),
        "family": made([" ".join(one) for one in family], family_places),
        "generation": _generation(some, written),
    }


def _generation(some: Rows, written: Mapping[str, Written]) -> Texts:
    """What the suffix says, else the first of the names that says something."""
    found = some.one("suffix").turned(generation_said)
    for column in written.values():
        if (other := column.turned(generation_in)).places.any():
            values, places = combined([found, other])
            found = made([one or another for one, another in values], places)
    return found


def _name(given: str, middle: str, family: str, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return names_of(Profile(given=given, middle=middle, family=family, name=name))
