"""Some rows of a table, and what columns of distinct values come to."""

from collections.abc import Sequence

import numpy as np

from crossdock.identity.matching.columns import Index, Places, Texts, Words, coded
from crossdock.identity.matching.normalise.text import TEXT_CHARACTERS_MAX, compact, fold
from crossdock.identity.matching.spelling import combinations, lettered, used
from crossdock.identity.matching.table import Table

Combined = tuple[list[tuple[str, ...]], Places]


class Rows:
    """Some rows of a table: all of one kind."""

    def __init__(self, table: Table, rows: Index) -> None:
        self.table = table
        self.rows = rows
        self._kept: dict[str, list[Texts]] = {}

    def all(self, name: str) -> list[Texts]:
        """The columns of an attribute, with those words only that these rows have."""
        if name not in self._kept:
            self._kept[name] = [used(texts, self.rows) for texts in self.table.columns.get(name, ())]
        return self._kept[name]

    def one(self, name: str) -> Texts:
        """The column of an attribute, without a word where the table has none."""
        found = self.all(name)
        return found[0] if found else Texts(Words([""]), np.zeros(self.rows.size, np.int32))

    def combined(self, *names: str) -> Combined:
        """The distinct combinations of some attributes, and which one each row has."""
        return combined([self.one(name) for name in names])


def combined(texts: Sequence[Texts]) -> Combined:
    """The distinct combinations of some columns, and which one each row has."""
    parts, places = combinations(texts)
    words = (Texts(column.words, part).all() for column, part in zip(texts, parts, strict=True))
    return list(zip(*words, strict=True)), places


def made(values: Sequence[str], places: Index | Places) -> Texts:
    """A column whose distinct values were reckoned: equal results become one word."""
    words, back = coded(values, len(values))
    return Texts(Words(words), back[places] if len(values) else np.zeros(0, np.int32))


def parted(values: Sequence[Sequence[str]], places: Index | Places, width: int) -> list[Texts]:
    """The same for results of several parts each."""
    return [made([value[part] for value in values], places) for part in range(width)]


def folded(texts: Texts) -> Texts:
    """A column in one plain form, as `fold` has it."""
    return lettered(texts, fold, longest=TEXT_CHARACTERS_MAX)


def compacted(texts: Texts, at_most: int = 0) -> Texts:
    """A column of numbers on paper, as `compact` has them; of each so many signs at most, if told."""
    return lettered(texts, compact, longest=TEXT_CHARACTERS_MAX, at_most=at_most)
