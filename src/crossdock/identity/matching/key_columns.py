"""Keys of whole columns: the functions of `keys.KEYS` over arrays, each atom asked once per distinct word."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching import kernels, word_kernels
from crossdock.identity.matching.columns import Columns, Index, Places, Texts
from crossdock.identity.matching.keys import ATOMS, KEYS, SEEDS, VALUES, Key, atom
from crossdock.identity.matching.record import Features, Kind, Place, TaxId

Numbers = NDArray[np.uint64]
Number = Callable[[str], int]
"""A text as a number that is never 0 but for the empty text: `keys.atom`, or any other that tells texts apart."""


class Atoms:
    """Atoms of columns as numbers: per word, and where each row finds its word."""

    def __init__(self, columns: Columns, number: Number) -> None:
        self.columns = columns
        self.number = number
        self.made: dict[str, tuple[Numbers, Places | Index]] = {}

    def of(self, name: str) -> tuple[Numbers, Places | Index]:
        """Numbers of words, and the place of every row's word (for values of lists: every value's)."""
        if name not in self.made:
            self.made[name] = self._single(name) if name in ATOMS else self._value(name)
        return self.made[name]

    def _numbers(self, texts: list[str]) -> Numbers:
        return np.fromiter(map(self.number, texts), np.uint64, len(texts))

    def _single(self, name: str) -> tuple[Numbers, Places | Index]:
        take = ATOMS[name]
        if name == "home":
            return self._home()
        if name in {"names", "all_names"}:
            return self._names(take, ("given", "family") if name == "names" else ("given", "middle", "family"))
        source = "given" if name == "initial" else name.rstrip("35").partition("_")[0]
        texts = self.columns.text(source)
        return self._numbers([take(_record(source, word)) for word in texts.words.words]), texts.places

    def _home(self) -> tuple[Numbers, Places]:
        places, codes = self.columns.lists("places"), self.columns.values("places.postcode")
        first = np.zeros(len(self.columns), np.int32)
        some = np.flatnonzero(np.diff(places.starts))
        first[some] = codes.places[places.starts[some]]
        return self._numbers(codes.words.words), first

    def _names(self, take: Callable[[Features], str], sources: Sequence[str]) -> tuple[Numbers, Index]:
        texts = [self.columns.text(source) for source in sources]
        packed = np.zeros(len(self.columns), np.int64)
        for column in texts:
            packed = packed * len(column.words) + column.places
        given = texts[0].places != 0
        if len(texts) > 2:  # noqa: PLR2004 - without further given names it says what the others say
            given &= texts[1].places != 0
        packed = np.where(given, packed, 0)
        first, places = word_kernels.distinct(packed)
        distinct = packed[first]
        words: list[list[str]] = []
        for column in reversed(texts):
            distinct, at = np.divmod(distinct, len(column.words))
            words.insert(0, column.words.array[at].tolist())
        made = [
            take(Features(given=tuple(" ".join(names[:-1]).split()), family=tuple(names[-1].split())))
            for names in zip(*words, strict=True)
        ]
        return self._numbers(made), places

    def _value(self, name: str) -> tuple[Numbers, Places | Index]:
        group, _, part = name.partition(".")
        if group == "extra":
            return self._extras()
        texts, wrapped = _values_of(self.columns, group, part)
        take = VALUES[name]
        return self._numbers([take(wrapped(word)) for word in texts.words.words]), texts.places

    def _extras(self) -> tuple[Numbers, Index]:
        numbers, places, at = [], [], 0
        for name in self.columns.extras:
            texts = self.columns.text(f"extra:{name}")
            numbers.append(self._numbers([VALUES["extra"]((name, word)) for word in texts.words.words]))
            places.append(texts.places[texts.places != 0].astype(np.int64) + at)
            at += len(texts.words)
        none = np.zeros(0, np.int64)
        return np.concatenate([none.astype(np.uint64), *numbers]), np.concatenate([none, *places])

    def rows(self, group: str) -> Index:
        """The row of each value of a list."""
        if group != "extra":
            return self.columns.lists(LISTS[group]).rows
        extras = (self.columns.text(f"extra:{name}").places for name in self.columns.extras)
        return np.concatenate([np.zeros(0, np.int64), *(np.flatnonzero(places) for places in extras)])


LISTS = {
    "email": "emails",
    "phone": "phones",
    "place": "places",
    "tax_id": "tax_ids",
    "loyalty_id": "loyalty_ids",
    "customer_number": "customer_numbers",
    "reference": "references",
    "registration": "registrations",
    "alias": "aliases",
}


def _record(source: str, word: str) -> Features:
    """A record of which nothing is known but one column."""
    match source:
        case "given":
            return Features(given=(word,) if word else ())
        case "family":
            return Features(family=tuple(word.split()))
        case "root":
            return Features(root=word)
        case "birth":
            return Features(birth=word)
        case _:
            return Features(organisation=word)


def _values_of(columns: Columns, group: str, part: str) -> tuple[Texts, Callable[[str], object]]:
    """The words that a list's atoms are made of, and a word as such a value."""
    if group == "place":
        source = {"street4": "street", "area": "postcode"}.get(part, part)
        return columns.values(f"places.{source}"), lambda word: Place(**{source: word})
    if group == "tax_id":
        return columns.values("tax_ids"), TaxId
    return columns.values(LISTS[group]), str


class Entries:
    """The keys that one function makes, as unsigned numbers (0: none), and each one's row.

    They stand in the order of the rows, or (`group`) of a list's values.
    """

    __slots__ = ("group", "keys", "rows")

    def __init__(self, keys: Numbers, rows: Index, group: str) -> None:
        self.keys = keys
        self.rows = rows
        self.group = group


def entries_of(atoms: Atoms, seed: int, key: Key, only: Index | None = None) -> Entries:
    """The keys of one function over all rows, or over some of them (of a list's values)."""
    rows = atoms.rows(key.group) if key.group else np.arange(len(atoms.columns))
    of = rows if only is None else rows[only]
    state = np.full(of.size, seed, np.uint64)
    for part in sorted(key.parts, key=lambda part: part not in ATOMS):
        numbers, places = atoms.of(part)
        wanted = of if part in ATOMS or not key.group else only
        kernels.mix(
            state, numbers, places if wanted is None or (only is None and not key.group) else places[wanted]
        )
    return Entries(state, of, key.group)


def functions_of(kind: Kind) -> list[tuple[int, Key]]:
    """The key functions that apply to a kind of record, with their seeds."""
    return [(seed, key) for seed, key in zip(SEEDS, KEYS, strict=True) if key.kind in {None, kind}]


def key_columns(columns: Columns, kind: Kind, number: Number = atom) -> Iterator[tuple[Index, Index]]:
    """For each key function the keys of all rows, signed as in `keys_of`, and the rows they belong to."""
    atoms = Atoms(columns, number)
    for seed, key in functions_of(kind):
        made = entries_of(atoms, seed, key)
        known = made.keys != 0
        yield made.keys[known].view(np.int64), made.rows[known]
