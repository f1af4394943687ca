"""Features of many records side by side, as arrays: what keys and comparisons read.

Every column is coded by a dictionary: each distinct word is kept once, and what can be said of a word alone is
reckoned once. What is found here for thousands of pairs, `online` finds for one at a time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain, count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.record import Features, Place, TaxId

Codes = NDArray[np.int64]
Index = NDArray[np.int64]
Places = NDArray[np.int32]
Strings = NDArray[np.object_]


class Words:
    """Distinct words; the first is always the empty one, which stands for nothing."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self._each: dict[Any, Any] = {}

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def hashes(self) -> Codes:
        """A number per word, equal where words are (in this process), 0 for the empty one."""
        numbers = np.fromiter(map(hash, self.words), np.int64, len(self.words))
        numbers[0] = 0
        return numbers

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Characters per word."""
        return np.fromiter(map(len, self.words), np.int64, len(self.words))

    @cached_property
    def array(self) -> Strings:
        """The words as an array of objects."""
        found = np.empty(len(self.words), dtype=object)
        found[:] = self.words
        return found

    @cached_property
    def letters(self) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.uint64], Codes]:
        """The words for `kernels`: code points, starts, sets of letters as bits, hashes."""
        points = np.frombuffer("".join(self.words).encode("utf-32-le", "surrogatepass"), np.uint32)
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.lengths)])
        masks = np.zeros(len(self.words), np.uint64)
        filled = np.flatnonzero(self.lengths)
        if filled.size:
            bits = np.uint64(1) << (points & np.uint32(63)).astype(np.uint64)
            masks[filled] = np.bitwise_or.reduceat(bits, starts[filled])
        return points, starts, masks, self.hashes

    def each(self, reckon: Callable[[str], Any], kind: Any) -> NDArray[Any]:
        """`reckon` of every word, kept for the next time."""
        if reckon not in self._each:
            self._each[reckon] = np.fromiter(map(reckon, self.words), kind, len(self.words))
        found: NDArray[Any] = self._each[reckon]
        return found


def coded(values: Iterable[str], size: int) -> tuple[list[str], Places]:
    """Distinct words, the empty one first, and the place of each value among them."""
    seen: defaultdict[str, int] = defaultdict(count(1).__next__, {"": 0})
    places = np.fromiter(map(seen.__getitem__, values), np.int32, size)
    return list(seen), places


def _several_words(word: str) -> bool:
    return " " in word


class Texts:
    """One text per row: its place among distinct words."""

    def __init__(self, words: Words, places: Places) -> None:
        self.words = words
        self.places = places

    @staticmethod
    def of(values: Sequence[str]) -> "Texts":
        """A column of values."""
        words, places = coded(values, len(values))
        return Texts(Words(words), places)

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def codes(self) -> Codes:
        """Numbers that are equal where texts are, over all columns of this process; 0 where there is none."""
        return self.words.hashes[self.places]

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Characters per row."""
        return self.words.lengths[self.places]

    @cached_property
    def spaced(self) -> NDArray[np.bool_]:
        """Whether a row has more than one word."""
        return self.each(_several_words, bool)

    def each(self, reckon: Callable[[str], Any], kind: Any) -> NDArray[Any]:
        """`reckon` of the text in every row; asked once per distinct word."""
        return self.words.each(reckon, kind)[self.places]

    def at(self, rows: Index) -> list[str]:
        """The texts of some rows."""
        found: list[str] = self.words.array[self.places[rows]].tolist()
        return found

    def turned(self, change: Callable[[str], str]) -> "Texts":
        """Every text changed; asked once per distinct word."""
        words, places = coded(map(change, self.words.words), len(self.words))
        return Texts(Words(words), places[self.places])


class Lists:
    """Any number of values per row, flat: row `i` has those from `starts[i]` to `starts[i + 1]`."""

    def __init__(self, counts: Index) -> None:
        self.starts: Index = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        self.single = bool(counts.max(initial=0) <= 1)

    def counts(self, rows: Index) -> Index:
        """How many values each of `rows` has."""
        return self._each[rows]

    @cached_property
    def _each(self) -> Index:
        return np.diff(self.starts)

    @cached_property
    def rows(self) -> Index:
        """The row of each value."""
        return np.repeat(np.arange(self.starts.size - 1), np.diff(self.starts))


class Columns:
    """Features as columns, by name.

    One text per record: `given` (the first one), `middle` (the others), `root`, `family`, `generation`, `birth`,
    `organisation`, `form` and `extra:<name>`. Several values per record, as `lists`: the attributes of `Features`,
    with their flat values by the attribute's name or, where values have parts, `places.street`, `tax_ids.country`.
    """

    def __init__(
        self, size: int, texts: Mapping[str, Texts], lists: Mapping[str, Lists], extras: Sequence[str] = ()
    ) -> None:
        self.size = size
        self.extras = tuple(sorted(extras))
        self._texts = dict(texts)
        self._lists = dict(lists)
        self._kept: dict[str, list[Any]] = {}

    def __len__(self) -> int:
        return self.size

    def kept(self, name: str) -> list[Any]:
        """A place where others keep what they reckoned from these columns."""
        return self._kept.setdefault(name, [])

    def text(self, name: str) -> Texts:
        """A column with one text per record."""
        return self._texts[name]

    def lists(self, name: str) -> Lists:
        """Where each record's values of an attribute stand among the flat ones."""
        return self._lists[name]

    def values(self, name: str) -> Texts:
        """The flat values of a list, or a part of them."""
        if name not in self._texts:
            self._texts[name] = self.values(name.partition(".")[0]).turned(_PARTS[name])
        return self._texts[name]


_PARTS: dict[str, Callable[[str], str]] = {
    "emails.local": lambda email: email.rpartition("@")[0],
    "emails.domain": lambda email: email.rpartition("@")[2],
}
PLAIN_LISTS = (
    *("aliases", "emails", "verified_emails", "phones", "loyalty_ids", "customer_numbers", "references"),
    "registrations",
)
_TEXTS: dict[str, Callable[[Features], str]] = {
    "given": lambda record: record.given[0] if record.given else "",
    "middle": lambda record: " ".join(record.given[1:]),
    "root": lambda record: record.root,
    "family": lambda record: " ".join(record.family),
    "generation": lambda record: record.generation,
    "birth": lambda record: record.birth,
    "organisation": lambda record: record.organisation,
    "form": lambda record: record.form,
}


def area_of(postcode: str) -> str:
    """The part of a postcode that neighbours share."""
    return postcode[: max(2, len(postcode) - 3)]


def whole_of(place: Place) -> str:
    """Street and house in their town: what neighbours in the next house do not share."""
    return f"{place.street}|{place.house}|{place.postcode or place.city}" if place.street and place.house else ""


PLACE_PARTS: dict[str, Callable[[Place], str]] = {
    "street": lambda place: place.street,
    "house": lambda place: place.house,
    "more": lambda place: place.more,
    "postcode": lambda place: place.postcode,
    "area": lambda place: area_of(place.postcode),
    "city": lambda place: place.city,
    "whole": whole_of,
}
TAX_PARTS: dict[str, Callable[[TaxId], str]] = {
    "": lambda tax_id: tax_id.value,
    ".country": lambda tax_id: tax_id.country,
    ".valid": lambda tax_id: f"{tax_id.country}{tax_id.value}" if tax_id.valid else "",
}


def columns_of(records: Sequence[Features]) -> Columns:
    """The columns of records."""
    texts = {name: Texts.of(list(map(take, records))) for name, take in _TEXTS.items()}
    lists: dict[str, Lists] = {}
    flat: dict[str, list[Any]] = {}
    for name in (*PLAIN_LISTS, "places", "tax_ids"):
        values = [getattr(record, name) for record in records]
        lists[name] = Lists(np.fromiter(map(len, values), np.int64, len(values)))
        flat[name] = list(chain.from_iterable(values))
    texts |= {name: Texts.of(flat[name]) for name in PLAIN_LISTS}
    texts |= {f"places.{name}": Texts.of(list(map(take, flat["places"]))) for name, take in PLACE_PARTS.items()}
    texts |= {f"tax_ids{name}": Texts.of(list(map(take, flat["tax_ids"]))) for name, take in TAX_PARTS.items()}
    extras = {name for record in records for name, _ in record.extra}
    for name in extras:
        texts[f"extra:{name}"] = Texts.of([dict(record.extra).get(name, "") for record in records])
    return Columns(len(records), texts, lists, tuple(extras))
