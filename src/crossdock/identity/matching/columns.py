"""Features of many records side by side, as arrays: what keys and comparisons read.

Every column is coded by a dictionary: each distinct word is kept once, and what can be said of a word alone is
reckoned once. What is found here for thousands of pairs, `online` finds for one at a time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain, count, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.record import Features, Place, TaxId

Codes = NDArray[np.int64]
Index = NDArray[np.int64]
Places = NDArray[np.int32]
Strings = NDArray[np.object_]
Spelled = tuple[NDArray[np.uint32], NDArray[np.int64]]
"""Words: their code points one after the other, and where each starts; the last entry is the end."""
SEED = np.uint64(hash("crossdock") & 0xFFFFFFFFFFFFFFFF)
"""Which words have one number nobody can tell beforehand: Python hashes text anew in every process."""


ASCII_END = 128


class Words:
    """Distinct words; the first is always the empty one, which stands for nothing.

    They are kept as text or as `Spelled`, and the other form is made when somebody asks for it.
    """

    def __init__(self, words: "list[str] | Spelled") -> None:
        if isinstance(words, list):
            self.words = words
            self._size = len(words)
        else:
            self.spelled = words
            self._size = words[1].size - 1
        self._each: dict[Any, Any] = {}

    def __len__(self) -> int:
        return self._size

    @cached_property
    def words(self) -> list[str]:
        """The words as text."""
        return as_text(self.spelled)

    @cached_property
    def spelled(self) -> Spelled:
        """The words as code points."""
        return as_spelled(self.words)

    @cached_property
    def hashes(self) -> Codes:
        """A number per word, equal where words are (in this process), 0 for the empty one."""
        from crossdock.identity.matching import word_kernels  # noqa: PLC0415 - what decides on arrivals needs no numba

        numbers: Codes = word_kernels.hashed(*self.spelled, SEED)
        return numbers

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Characters per word."""
        return np.diff(self.spelled[1])

    @cached_property
    def longest(self) -> int:
        """Characters of the longest word."""
        return int(self.lengths.max(initial=0))

    @cached_property
    def array(self) -> Strings:
        """The words as an array of objects."""
        found = np.empty(len(self), dtype=object)
        found[:] = self.words
        return found

    @cached_property
    def letters(self) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.uint64], Codes]:
        """The words for `kernels`: code points, starts, sets of letters as bits, hashes."""
        from crossdock.identity.matching import word_kernels  # noqa: PLC0415 - as above

        points, starts = self.spelled
        return points, starts, word_kernels.letter_masks(points, starts), self.hashes

    def looked_up(self, table: Mapping[str, float], otherwise: float) -> NDArray[np.float64]:
        """What a table says of every word."""
        found = np.full(len(self), otherwise)
        listed = Words(["", *table])
        order = np.argsort(listed.hashes)
        at = np.minimum(np.searchsorted(listed.hashes[order], self.hashes), order.size - 1)
        known = np.flatnonzero(listed.hashes[order[at]] == self.hashes)
        values = np.array([table.get("", otherwise), *table.values()])
        found[known] = values[order[at[known]]]
        return found

    def with_letter(self, letter: str) -> NDArray[np.bool_]:
        """Which words have a letter."""
        points, starts = self.spelled
        found = np.zeros(len(self), bool)
        found[np.searchsorted(starts, np.flatnonzero(points == ord(letter)), side="right") - 1] = True
        return found

    @cached_property
    def initials(self) -> NDArray[np.int64]:
        """The code point of each word's first letter, 0 of the empty one."""
        points, starts = self.spelled
        first = np.append(points, np.uint32(0))[starts[:-1]].astype(np.int64)
        return np.where(self.lengths > 0, first, 0)

    def each(self, reckon: Callable[[str], Any], kind: Any) -> NDArray[Any]:
        """`reckon` of every word, kept for the next time."""
        if reckon not in self._each:
            self._each[reckon] = np.fromiter(map(reckon, self.words), kind, len(self))
        found: NDArray[Any] = self._each[reckon]
        return found


def as_spelled(words: Sequence[str]) -> Spelled:
    """Words as code points."""
    starts = np.zeros(len(words) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, words), np.int64, len(words)), out=starts[1:])
    return as_points("".join(words)), starts


def as_points(text: str) -> NDArray[np.uint32]:
    """A text as code points."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8).astype(np.uint32)
    # Writable as all others: compiled loops tell the two apart.
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).copy()


def as_text(spelled: Spelled) -> list[str]:
    """Code points as words."""
    points, starts = spelled
    plain = points.size and int(points.max()) < ASCII_END
    text = points.astype(np.uint8).tobytes().decode("ascii") if plain else as_word(points)
    return [text[start:end] for start, end in pairwise(starts.tolist())]


def as_word(points: NDArray[np.uint32]) -> str:
    """One word as text."""
    return points.tobytes().decode("utf-32-le", "surrogatepass")


def coded(values: Iterable[str], size: int) -> tuple[list[str], Places]:
    """Distinct words, the empty one first, and the place of each value among them."""
    seen: defaultdict[str, int] = defaultdict(count(1).__next__, {"": 0})
    places = np.fromiter(map(seen.__getitem__, values), np.int32, size)
    return list(seen), places


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
        return self.words.with_letter(" ")[self.places]

    def each(self, reckon: Callable[[str], Any], kind: Any) -> NDArray[Any]:
        """`reckon` of the text in every row; asked once per distinct word."""
        return self.words.each(reckon, kind)[self.places]

    def at(self, rows: Index) -> list[str]:
        """The texts of some rows."""
        found: list[str] = self.words.array[self.places[rows]].tolist()
        return found

    def all(self) -> list[str]:
        """The text of every row."""
        found: list[str] = self.words.array[self.places].tolist()
        return found

    def of_words(self) -> "Texts":
        """A column with a row for each distinct word."""
        return Texts(self.words, np.arange(len(self.words), dtype=np.int32))

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
        return self._texts[name]


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
