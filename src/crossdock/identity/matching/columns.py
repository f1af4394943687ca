"""Features of many records side by side, as arrays: what keys and comparisons read.

What is found here for thousands of pairs, `online` finds for one at a time.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.record import Features, Place, TaxId

Codes = NDArray[np.int64]
Index = NDArray[np.int64]
Strings = NDArray[np.object_]

NO_PLACE = Place()


class Texts:
    """One text per row; `codes` are equal where texts are (in this process), 0 where there is none."""

    def __init__(self, values: Sequence[str]) -> None:
        self.values: Strings = np.empty(len(values), dtype=object)
        self.values[:] = values
        self.codes: Codes = np.fromiter((hash(value) if value else 0 for value in values), np.int64, len(values))

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Characters per row."""
        return np.fromiter(map(len, self.values), np.int64, len(self.values))

    @cached_property
    def spaced(self) -> NDArray[np.bool_]:
        """Whether a row has more than one word."""
        return np.fromiter((" " in value for value in self.values), bool, len(self.values))


class Lists:
    """Any number of values per row, flat: row `i` has those from `starts[i]` to `starts[i + 1]`."""

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        counts = np.fromiter(map(len, rows), np.int64, len(rows))
        self.starts: Index = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        self.flat: list[Any] = [value for row in rows for value in row]
        self.single = bool(counts.max(initial=0) <= 1)

    def counts(self, rows: Index) -> Index:
        """How many values each of `rows` has."""
        return self.starts[rows + 1] - self.starts[rows]


class Columns:
    """The features of records as columns, each made when it is first asked for."""

    def __init__(self, records: Sequence[Features]) -> None:
        self.records = records
        self._made: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self.records)

    def kept(self, name: str) -> list[Any]:
        """A place where others keep what they reckoned from these columns."""
        made: list[Any] = self._made.setdefault(name, [])
        return made

    def text(self, name: str) -> Texts:
        """A column with one text per record: see `_TEXTS` for the names, and `extra:<name>`."""
        if name not in self._made:
            if name.startswith("extra:"):
                wanted = name.removeprefix("extra:")
                values = [dict(record.extra).get(wanted, "") for record in self.records]
            else:
                values = list(map(_TEXTS[name], self.records))
            self._made[name] = Texts(values)
        made: Texts = self._made[name]
        return made

    def lists(self, name: str) -> Lists:
        """A column with several values per record, by the name of the attribute."""
        key = f"{name}[]"
        if key not in self._made:
            self._made[key] = Lists([getattr(record, name) for record in self.records])
        made: Lists = self._made[key]
        return made

    def values(self, name: str) -> Texts:
        """The flat values of a list as texts: `emails`, `phones`, `tax_ids`, or a part: `places.street`."""
        if name not in self._made:
            attribute, _, part = name.partition(".")
            flat = self.lists(attribute).flat
            self._made[name] = Texts([_PARTS[name](value) for value in flat] if part or name in _PARTS else flat)
        made: Texts = self._made[name]
        return made


def _rest_of_given(record: Features) -> str:
    return " ".join(record.given[1:])


_TEXTS = {
    "given": lambda record: record.given[0] if record.given else "",
    "middle": _rest_of_given,
    "root": lambda record: record.root,
    "family": lambda record: " ".join(record.family),
    "birth": lambda record: record.birth,
    "organisation": lambda record: record.organisation,
    "form": lambda record: record.form,
}


def _whole(place: Place) -> str:
    """Street and house in their town: what neighbours in the next house do not share."""
    return f"{place.street}|{place.house}|{place.postcode or place.city}" if place.street and place.house else ""


def _tax_value(tax_id: TaxId) -> str:
    return tax_id.value


_PARTS: dict[str, Any] = {
    "tax_ids": _tax_value,
    "tax_ids.country": lambda tax_id: tax_id.country,
    "tax_ids.valid": lambda tax_id: f"{tax_id.country}{tax_id.value}" if tax_id.valid else "",
    "places.street": lambda place: place.street,
    "places.house": lambda place: place.house,
    "places.more": lambda place: place.more,
    "places.postcode": lambda place: place.postcode,
    "places.area": lambda place: place.postcode[: max(2, len(place.postcode) - 3)],
    "places.city": lambda place: place.city,
    "places.whole": _whole,
    "emails.local": lambda email: email.rpartition("@")[0],
    "emails.domain": lambda email: email.rpartition("@")[2],
}
