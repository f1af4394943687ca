"""Addresses, column by column: lines are folded, and their words looked at once each."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching import word_kernels
from crossdock.identity.matching.columns import (
    Index,
    Lists,
    Texts,
    Words,
    area_of,
    coded,
)
from crossdock.identity.matching.normalise import address_kernels
from crossdock.identity.matching.normalise.addresses import (
    BOX_ENDS,
    LINES_MAX,
    POSTCODE_MAX,
    city_of,
    country_of,
    house_of,
    is_house,
    long_forms,
    place_of,
    region_of,
    street_of,
)
from crossdock.identity.matching.normalise.rows import Rows, combined, compacted, folded, made
from crossdock.identity.matching.normalise.street_words import UNIT_WORDS
from crossdock.identity.matching.record import PostalAddress
from crossdock.identity.matching.spelling import (
    combinations,
    completed,
    joined,
    stacked_words,
    strung,
    told_apart,
)

SIGNS = "\x1f"
"""Stands for a line without any letter or digit; no folded text has it."""


def address_columns(some: Rows) -> tuple[dict[str, Texts], Lists]:
    """The parts of each record's address, and whether it has one."""
    lines = some.all("line")[:LINES_MAX] or [some.one("line")]
    texts = dict(zip(("street", "house", "more"), street_columns(lines), strict=True))
    values, at = combined([some.one("house").turned(house_of), texts["house"]])
    texts["house"] = made([own or other for own, other in values], at)
    texts["postcode"] = compacted(some.one("postcode"), POSTCODE_MAX)
    texts["city"] = folded(some.one("city")).turned(city_of)
    texts["region"] = some.one("region").turned(region_of)
    texts["country"] = some.one("address_country").turned(country_of)
    _read_one_liners(some, texts)
    known = np.zeros(some.rows.size, bool)
    for column in texts.values():
        known |= column.places != 0
    rows = np.flatnonzero(known)
    kept = {name: Texts(column.words, column.places[rows]) for name, column in texts.items()}
    kept["area"] = kept["postcode"].turned(area_of)
    kept["whole"] = _whole(kept)
    del kept["region"]
    return {f"places.{name}": column for name, column in kept.items()}, Lists(known.astype(np.int64))


def _whole(texts: dict[str, Texts]) -> Texts:
    """Street, house and town as `columns.whole_of` has them."""
    street, house = texts["street"], texts["house"]
    words, (postcode, city) = stacked_words([texts["postcode"], texts["city"]])
    town = Texts(words, np.where(postcode, postcode, city))
    told = (street.places != 0) & (house.places != 0)
    columns = [Texts(column.words, np.where(told, column.places, 0)) for column in (street, house, town)]
    parts, places = combinations(columns)
    made_of = [(column.words, part) for column, part in zip(columns, parts, strict=True)]
    points, starts = strung(made_of, "|")
    # Where nothing is told only the two signs are left.
    kept = np.flatnonzero(parts[0])
    back = np.zeros(parts[0].size, np.int32)
    back[kept] = np.arange(1, kept.size + 1)
    points, starts = word_kernels.taken(points, starts[:-1], starts[1:], kept)
    return Texts(Words((points, np.concatenate([np.zeros(1, np.int64), starts]))), back[places])


def street_columns(raw: Sequence[Texts]) -> list[Texts]:
    """Street, house number and what else columns of lines say, as `street_of` reads each address."""
    lines = [_folded_lines(column) for column in raw]
    parts, places = combinations(lines)
    sizes = np.cumsum([0, *(len(column.words) for column in lines)])
    rows = np.stack([part + size for part, size in zip(parts, sizes.tolist(), strict=False)], axis=1)
    points, starts = joined([column.words.spelled for column in lines])
    begins, ends, firsts = address_kernels.pieces(points, starts)
    words = told_apart(word_kernels.taken(points, begins, ends, np.arange(begins.size)), np.arange(begins.size))
    table, kinds, said = _spelled_out(words, firsts)
    made_of, bounds, open_ = address_kernels.read(*table.spelled, *said, rows, np.diff(starts) > 0, kinds)
    rest = np.flatnonzero(open_)
    texts = [Texts(column.words, part[rest]).all() for column, part in zip(lines, parts, strict=True)]
    # Few people live in a box.
    read = [street_of(tuple(line for line in one if line)) for one in zip(*texts, strict=True)]

    def column(part: int) -> Texts:
        fast = made_of[part, : bounds[part, -1]], bounds[part]
        return completed(fast, open_, lambda _: [one[part] for one in read], places)

    return [column(part) for part in range(3)]


def _spelled_out(words: Texts, firsts: Index) -> tuple[Words, NDArray[np.int8], tuple[Index, Index]]:
    """The words in their long forms, what each is, and which ones each line has from where on."""
    forms = [() if word == SIGNS else long_forms(word) for word in words.words.words]
    parts, places = coded(chain.from_iterable(forms), sum(map(len, forms)))
    part_firsts = np.cumsum([0, *map(len, forms)])
    table = {word: place for place, word in enumerate(parts)}
    said = address_kernels.spelled_out(
        words.places, firsts, places, part_firsts, table.get("saint", -1), table.setdefault("street", len(table))
    )
    parts = list(table)
    kinds = np.fromiter(map(_kind_of, parts), np.int8, len(parts))
    return Words(parts), kinds, said


def _kind_of(word: str) -> int:
    return (
        address_kernels.HOUSE * is_house(word)
        | address_kernels.UNIT * (word in UNIT_WORDS)
        | address_kernels.LETTER * (len(word) == 1 and word.isalpha())
        | address_kernels.BOX * word.endswith(BOX_ENDS)
    )


def _folded_lines(raw: Texts) -> Texts:
    """Lines folded; those of which nothing would be left are `SIGNS`: a line of signs is a line all the same."""
    plain = folded(raw.of_words())
    lost = np.flatnonzero(plain.places[1:] == 0) + 1
    signs = np.array([row for row in lost.tolist() if raw.words.words[row].strip()], np.int64)
    if not signs.size:
        return Texts(plain.words, plain.places[raw.places])
    places = plain.places.copy()
    places[signs] = len(plain.words)
    return Texts(Words([*plain.words.words, SIGNS]), places[raw.places])


def _read_one_liners(some: Rows, texts: dict[str, Texts]) -> None:
    """Where everything stands in one line, with a comma, the whole address is read out of it."""
    lines = some.all("line")[:LINES_MAX]
    bare = np.flatnonzero((some.one("postcode").places == 0) & (some.one("city").places == 0))
    if not (lines and bare.size):
        return
    columns = [*lines, some.one("region"), some.one("address_country")]
    values, at = combined([Texts(column.words, column.places[bare]) for column in columns])
    addresses = [
        PostalAddress(lines=tuple(line for line in said if line.strip()), region=region, country=country)
        for *said, region, country in values
    ]
    possible = np.fromiter(
        (len(one.lines) == 1 and "," in one.lines[0] for one in addresses), bool, len(addresses)
    )
    found = [place_of(address) if may else None for address, may in zip(addresses, possible.tolist(), strict=True)]
    only = np.flatnonzero(possible[at])
    for name, former in texts.items():
        new = made([getattr(place, name) if place else "" for place in found], at[only])
        words, (before, after) = stacked_words([former, new])
        before = before.copy()
        before[bare[only]] = after
        texts[name] = Texts(words, before)
