"""Atoms of columns for pairs within this process: numbers out of loops instead of one digest per word."""

from collections.abc import Callable, Sequence

import numpy as np

from crossdock.identity.matching import word_kernels
from crossdock.identity.matching.columns import SEED, Columns, Index, Places, Spelled, Words
from crossdock.identity.matching.key_columns import LISTS, Atoms, Numbers
from crossdock.identity.matching.keys import atom
from crossdock.identity.matching.spelling import numbers_of

TAIL, LOCAL_MIN = 8, 4
Bounds = tuple[Index, Index]
_Cut = Callable[[Spelled], Bounds]


class QuickAtoms(Atoms):
    """The atoms of `Atoms`, each told from others by another number, which holds in this process only."""

    def __init__(self, columns: Columns) -> None:
        super().__init__(columns, atom)

    def _numbers(self, texts: Sequence[str]) -> Numbers:
        return numbers_of(texts).view(np.uint64)

    def _single(self, name: str) -> tuple[Numbers, Places | Index]:
        if name == "names":
            return self._both_names()
        source = "given" if name == "initial" else name.rstrip("35").partition("_")[0]
        if name not in _OF_TEXTS:
            return super()._single(name)
        texts = self.columns.text(source)
        if name.endswith("_sound"):
            bounds = _last(texts.words.spelled)
            return word_kernels.sounds(texts.words.spelled[0], *bounds, SEED).view(np.uint64), texts.places
        return _pieces(texts.words, _OF_TEXTS[name](texts.words.spelled)), texts.places

    def _both_names(self) -> tuple[Numbers, Index]:
        """Given and family name of each row in either order: a number that does not change with it."""
        given, family = self.columns.text("given"), self.columns.text("family")
        last = _pieces(family.words, _last(family.words.spelled))
        one, other = given.words.hashes.view(np.uint64)[given.places], last[family.places]
        both = np.minimum(one, other) * _ODD + np.maximum(one, other)
        numbers = np.where(one == other, one, both)
        numbers[(numbers == 0) & (one != 0)] = 1
        numbers[one == 0] = 0
        return numbers, np.arange(len(self.columns))

    def _value(self, name: str) -> tuple[Numbers, Places | Index]:
        group, _, part = name.partition(".")
        if group == "extra" or name == "alias.words":
            return super()._value(name)
        source = {"street4": "street", "area": "postcode"}.get(part, part)
        texts = self.columns.values(f"places.{source}" if group == "place" else LISTS[group])
        if name in _OF_VALUES:
            return _pieces(texts.words, _OF_VALUES[name](texts.words.spelled)), texts.places
        return texts.words.hashes.view(np.uint64), texts.places


_ODD = np.uint64(0x9E3779B97F4A7C15)


def _pieces(words: Words, bounds: Bounds) -> Numbers:
    numbers: Index = word_kernels.hashed_pieces(words.spelled[0], *bounds, SEED)
    return numbers.view(np.uint64)


def _whole(words: Spelled) -> Bounds:
    return words[1][:-1], words[1][1:]


def _beginning(size: int, of: _Cut = _whole) -> _Cut:
    def cut(words: Spelled) -> Bounds:
        begins, ends = of(words)
        return begins, np.minimum(begins + size, ends)

    return cut


def _end(size: int, of: _Cut = _whole, without: int = 0) -> _Cut:
    def cut(words: Spelled) -> Bounds:
        begins, ends = of(words)
        return np.maximum(begins, ends - size), np.maximum(begins, ends - without)

    return cut


def _first(words: Spelled) -> Bounds:
    """Up to the first blank."""
    begins, ends = _whole(words)
    return begins, word_kernels.found_first(words[0], begins, ends, word_kernels.BLANK)


def _last(words: Spelled) -> Bounds:
    """From behind the last blank on."""
    begins, ends = _whole(words)
    return word_kernels.behind_last(words[0], begins, ends, word_kernels.BLANK), ends


def _local(words: Spelled) -> Bounds:
    """Before the `@`, if that is long enough to be somebody's."""
    begins, ends = _whole(words)
    local = np.maximum(word_kernels.behind_last(words[0], begins, ends, ord("@")) - 1, begins)
    return begins, np.where(local - begins > LOCAL_MIN, local, begins)


def _domain(words: Spelled) -> Bounds:
    begins, ends = _whole(words)
    return word_kernels.behind_last(words[0], begins, ends, ord("@")), ends


def _area(words: Spelled) -> Bounds:
    begins, ends = _whole(words)
    return begins, np.minimum(begins + np.maximum(2, ends - begins - 3), ends)


_OF_TEXTS = {
    "given": _whole,
    "root": _whole,
    "initial": _beginning(1),
    "given3": _beginning(3),
    "given_sound": _whole,
    "family": _last,
    "family_first": _first,
    "family3": _beginning(3, _last),
    "family_sound": _last,
    "family_initial": _beginning(1, _last),
    "family_end": _end(4, _last),
    "birth": _whole,
    "birth_year": _beginning(4),
}
_OF_VALUES = {
    "email.local": _local,
    "email.domain": _domain,
    "phone.tail": _end(TAIL),
    "phone.start": _end(TAIL + 1, without=2),
    "place.street4": _beginning(4),
    "place.area": _area,
    "alias.last": _last,
}
