"""Addresses, column by column: lines are folded first, and those that differ in one number only are read once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching import word_kernels
from crossdock.identity.matching.columns import (
    Index,
    Lists,
    Places,
    Texts,
    Words,
    area_of,
    as_spelled,
)
from crossdock.identity.matching.normalise.addresses import (
    LINES_MAX,
    POSTCODE_MAX,
    city_of,
    country_of,
    house_of,
    place_of,
    region_of,
    street_of,
)
from crossdock.identity.matching.normalise.rows import Rows, combined, compacted, folded, made
from crossdock.identity.matching.record import PostalAddress
from crossdock.identity.matching.spelling import combinations, stacked_words, strung, told_apart

LINE = "\x1f"
"""Parts the lines of one address; no folded text has it."""


def address_columns(some: Rows) -> tuple[dict[str, Texts], Lists]:
    """The parts of each record's address, and whether it has one."""
    texts = dict(zip(("street", "house", "more"), _streets(some.all("line")[:LINES_MAX], some), strict=True))
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


def _streets(raw: Sequence[Texts], some: Rows) -> list[Texts]:
    """Street, house number and what else the lines say."""
    if not raw:
        nothing = np.zeros(some.rows.size, np.int32)
        return [Texts(Words([""]), nothing) for _ in range(3)]
    lines = [_folded_lines(column) for column in raw]
    parts, places = combinations(lines)
    written = strung([(column.words, part) for column, part in zip(lines, parts, strict=True)], LINE)
    shaped, at, sizes = word_kernels.shapes(*written)
    shapes = told_apart((shaped, written[1]), np.arange(at.size))
    return _read(shapes, written[0], at, sizes, places)


def _folded_lines(raw: Texts) -> Texts:
    """Lines folded, but for those of which nothing would be left: a line of signs is a line all the same."""
    plain = folded(raw.of_words())
    if not (plain.places[1:] == 0).any():
        return Texts(plain.words, plain.places[raw.places])
    blank = np.fromiter((not word.strip() for word in raw.words.words), bool, len(raw.words))
    if not ((plain.places == 0) & ~blank).any():
        return Texts(plain.words, plain.places[raw.places])
    return raw


def _read(shapes: Texts, written: NDArray[np.uint32], at: Index, sizes: Index, places: Places) -> list[Texts]:
    """The parts of all lines: each shape is read once, and gets its number back."""
    read = [street_of(tuple(line for line in one.split(LINE) if line.strip())) for one in shapes.words.words]
    ones = np.zeros(len(shapes.words), np.int64)
    ones[shapes.places] = sizes
    runs = ["1" * size for size in ones.tolist()]
    found = []
    for part in range(3):
        words = [one[part] for one in read]
        holes = [word.find(run) if run else -1 for word, run in zip(words, runs, strict=True)]
        spelled = word_kernels.numbered(*as_spelled(words), np.array(holes), shapes.places, written, at, sizes)
        found.append(told_apart(spelled, places))
    return found


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
