"""A table of raw records to columns of features: what `features_of` says, asked once per distinct value.

Names, streets and towns repeat themselves; a million records have some ten thousand of each. What depends on
several columns is asked once per distinct combination.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.columns import (
    PLACE_PARTS,
    TAX_PARTS,
    Columns,
    Index,
    Lists,
    Places,
    Texts,
    Words,
    area_of,
    coded,
)
from crossdock.identity.matching.normalise import alias_of, names_of, reference_of
from crossdock.identity.matching.normalise.addresses import (
    LINES_MAX,
    city_of,
    country_of,
    house_of,
    place_of,
    postcode_of,
    region_of,
    street_of,
)
from crossdock.identity.matching.normalise.dates import date_of
from crossdock.identity.matching.normalise.emails import email_of
from crossdock.identity.matching.normalise.names import (
    generation_in,
    generation_said,
    name_at_birth,
    root_of,
)
from crossdock.identity.matching.normalise.organisations import known_as, organisation_of, registration_of
from crossdock.identity.matching.normalise.phones import phone_of
from crossdock.identity.matching.normalise.tax_ids import tax_id_of
from crossdock.identity.matching.normalise.text import compact, fold
from crossdock.identity.matching.record import Kind, Place, PostalAddress, Profile
from crossdock.identity.matching.table import EXTRA, OF_ORGANISATIONS, REFERENCE, Table

Combined = tuple[list[tuple[str, ...]], Index]
Flags = NDArray[np.bool_]


def combined(texts: Sequence[Texts]) -> Combined:
    """The distinct combinations of some columns, and which one each row has."""
    packed = np.zeros(len(texts[0]), np.int64)
    kinds = 1
    for column in texts:
        if kinds * len(column.words) >= 1 << 62:
            packed = np.unique(packed, return_inverse=True)[1].ravel()
            kinds = int(packed.max(initial=0)) + 1
        packed = packed * len(column.words) + column.places
        kinds *= len(column.words)
    _, first, places = np.unique(packed, return_index=True, return_inverse=True)
    return list(zip(*(column.at(first) for column in texts), strict=True)), places.ravel()


def _made(values: Sequence[str], places: Index | Places) -> Texts:
    """A column whose distinct values were reckoned: equal results become one word."""
    words, back = coded(values, len(values))
    return Texts(Words(words), back[places] if len(values) else np.zeros(0, np.int32))


def _parted(values: Sequence[Sequence[str]], places: Index, width: int) -> list[Texts]:
    """The same for results of several parts each."""
    return [_made([value[part] for value in values], places) for part in range(width)]


class _Rows:
    """Some rows of a table: all of one kind."""

    def __init__(self, table: Table, rows: Index) -> None:
        self.table = table
        self.rows = rows

    def all(self, name: str) -> list[Texts]:
        """The columns of an attribute."""
        return [Texts(texts.words, texts.places[self.rows]) for texts in self.table.columns.get(name, ())]

    def one(self, name: str) -> Texts:
        """The column of an attribute, without a word where the table has none."""
        found = self.all(name)
        return found[0] if found else Texts(Words([""]), np.zeros(self.rows.size, np.int32))

    def combined(self, *names: str) -> Combined:
        return combined([self.one(name) for name in names])


def organisations_in(table: Table) -> Flags:
    """Which rows are about an organisation (see `Table.kind`)."""
    some = _Rows(table, np.arange(table.size))
    said, named = some.one("kind"), some.one("organisation").places != 0
    for name in ("given", "family", "name"):
        named &= some.one(name).places == 0
    spoken: Flags = said.each(_is_organisation, bool)
    return np.where(said.places != 0, spoken, named)


def _is_organisation(word: str) -> bool:
    return word.strip().lower() in OF_ORGANISATIONS


def columns_of_table(table: Table, kind: Kind, rows: Index) -> Columns:
    """The columns of those rows of a table that are of a kind."""
    some = _Rows(table, rows)
    texts, lists = _places(some)
    home = _home(some, texts, lists)
    texts |= _names(some) if kind == "person" else _nobody(rows.size)
    texts |= _organisation(some, kind)
    texts["birth"] = _with_home(some.one("birth_date"), home, date_of)
    for name, columns in (_plain_lists(some, home) | {"aliases": _aliases(some, kind)}).items():
        lists[name], texts[name] = stacked(columns, rows.size)
    texts |= _tax_ids(some, home, lists)
    extras = []
    for name in table.named(EXTRA):
        column = some.one(f"{EXTRA}{name}").turned(fold)
        if column.places.any():
            extras.append(name)
            texts[f"{EXTRA}{name}"] = column
    return Columns(rows.size, texts, lists, extras)


def stacked(columns: Sequence[Texts], size: int) -> tuple[Lists, Texts]:
    """Columns of one attribute as a list per row: what is known, each value once."""
    words: list[str] = [""]
    if len(columns) == 1:
        matrix, words = columns[0].places[:, None], columns[0].words.words
    else:
        matrix = np.zeros((size, len(columns)), np.int32)
        flat, back = coded(
            [word for column in columns for word in column.words.words], sum(map(len, _words(columns)))
        )
        start = 0
        for place, column in enumerate(columns):
            matrix[:, place] = back[start : start + len(column.words)][column.places]
            start += len(column.words)
        words = flat
    known = matrix != 0
    for place in range(1, matrix.shape[1]):
        known[:, place] &= (matrix[:, :place] != matrix[:, place : place + 1]).all(axis=1)
    return Lists(known.sum(axis=1)), Texts(Words(words), matrix[known])


def _words(columns: Sequence[Texts]) -> list[Words]:
    return [column.words for column in columns]


def _with_home(raw: Texts, home: Texts, reckon: Callable[[str, str], str]) -> Texts:
    values, places = combined([raw, home])
    return _made([reckon(value, country) for value, country in values], places)


def _home(some: _Rows, texts: dict[str, Texts], lists: dict[str, Lists]) -> Texts:
    """The record's country, else its address's."""
    country = some.one("country").turned(country_of)
    there = np.zeros(some.rows.size, np.int32)
    flat = texts.pop("places.country")
    there[lists["places"].rows] = flat.places
    values, places = combined([country, Texts(flat.words, there)])
    return _made([own or other for own, other in values], places)


def _plain_lists(some: _Rows, home: Texts) -> dict[str, list[Texts]]:
    verified = [column.turned(email_of) for column in some.all("verified_email")]
    found = {
        "emails": [*verified, *(column.turned(email_of) for column in some.all("email"))],
        "verified_emails": verified,
        "phones": [_with_home(column, home, phone_of) for column in some.all("phone")],
        "loyalty_ids": [column.turned(compact) for column in some.all("loyalty_id")],
        "customer_numbers": [column.turned(_number) for column in some.all("customer_number")],
        "registrations": [some.one("registration").turned(registration_of)],
        "references": [],
    }
    for system in some.table.named(REFERENCE):
        column = some.one(f"{REFERENCE}{system}")
        words = [reference_of(system, word) for word in column.words.words]
        found["references"].append(_made(words, column.places))
    return found


def _aliases(some: _Rows, kind: Kind) -> list[Texts]:
    others = [column.turned(lambda name: alias_of(name, kind)) for column in some.all("other_name")]
    if kind == "person":
        return [*others, *(some.one(name).turned(name_at_birth) for name in ("family", "name"))]
    values, places = some.combined("organisation", "name")
    return [*others, _made([known_as(organisation or name) for organisation, name in values], places)]


def _number(text: str) -> str:
    return compact(text).lstrip("0")


def _tax_ids(some: _Rows, home: Texts, lists: dict[str, Lists]) -> dict[str, Texts]:
    written: list[Texts] = []
    known: dict[str, Any] = {"": None}
    for column in some.all("tax_id"):
        values, places = combined([column, home])
        found = [tax_id_of(text, country) if text else None for text, country in values]
        names = [f"{one.country}|{one.value}|{one.valid}" if one else "" for one in found]
        known |= dict(zip(names, found, strict=True))
        written.append(_made(names, places))
    lists["tax_ids"], flat = stacked(written, some.rows.size)
    return {
        f"tax_ids{part}": _made([take(known[word]) if word else "" for word in flat.words.words], flat.places)
        for part, take in TAX_PARTS.items()
    }


def _nobody(size: int) -> dict[str, Texts]:
    nothing = np.zeros(size, np.int32)
    return {name: Texts(Words([""]), nothing) for name in ("given", "middle", "root", "family", "generation")}


def _names(some: _Rows) -> dict[str, Texts]:
    """Given and family names; a full name is looked at only where one of them is missing."""
    columns = [some.one(name) for name in ("given", "middle", "family", "name")]
    whole = columns[3].places != 0
    # Without a full name the parts say all, and repeat themselves more.
    alone = Texts(columns[3].words, np.zeros(some.rows.size, np.int32))
    masked = [Texts(column.words, np.where(whole, 0, column.places).astype(np.int32)) for column in columns[:3]]
    given_values, given_places = combined([*masked[:2]])
    family_values, family_places = combined([masked[2], alone])
    only = np.flatnonzero(whole)
    full_values, full_places = combined([Texts(column.words, column.places[only]) for column in columns])
    given = [_name(given, middle, "", "")[0] for given, middle in given_values]
    family = [_name("", "", family, "")[1] for family, _ in family_values]
    both = [_name(*values) for values in full_values]
    places = np.array(given_places)
    places[only] = full_places + len(given)
    given_words = [*given, *(one for one, _ in both)]
    found = {
        "given": _made([one[0] if one else "" for one in given_words], places),
        "middle": _made([" ".join(one[1:]) for one in given_words], places),
        "root": _made([root_of(one) for one in given_words], places),
    }
    places = np.array(family_places)
    places[only] = full_places + len(family)
    found["family"] = _made([" ".join(one) for one in [*family, *(other for _, other in both)]], places)
    found["generation"] = _generation([some.one("suffix").turned(generation_said), *columns])
    return found


def _generation(columns: Sequence[Texts]) -> Texts:
    """What the suffix says, else the first of the names that says something."""
    found = columns[0]
    for column in columns[1:]:
        if (other := column.turned(generation_in)).places.any():
            values, places = combined([found, other])
            found = _made([one or another for one, another in values], places)
    return found


def _name(given: str, middle: str, family: str, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return names_of(Profile(given=given, middle=middle, family=family, name=name))


def _organisation(some: _Rows, kind: Kind) -> dict[str, Texts]:
    if kind == "organisation":
        values, places = some.combined("organisation", "name", "legal_form")
        found = [organisation_of(organisation or name, form) for organisation, name, form in values]
    else:
        said, places = some.combined("organisation")
        found = [organisation_of(name) if name else ("", "") for (name,) in said]
    name, form = _parted(found, places, 2)
    return {"organisation": name, "form": form}


_RUN = re.compile(r"[1-9][0-9]*")


def _streets(lines: Sequence[tuple[str, ...]]) -> list[tuple[str, str, str]]:
    """Street, house and rest of each. Lines that differ in one number only are looked at once."""
    seen: dict[tuple[str, ...], tuple[str, str, str]] = {}
    found = []
    for one in lines:
        numbers = [number for line in one for number in _RUN.findall(line)]
        if len(numbers) != 1 or not all(line.isascii() or _plain_digits(line) for line in one):
            found.append(street_of(one))
            continue
        run = "1" * len(numbers[0])
        shape = tuple(line.replace(numbers[0], run, 1) for line in one)
        if shape not in seen:
            seen[shape] = street_of(shape)
        parts = seen[shape]
        found.append(tuple(part.replace(run, numbers[0], 1) for part in parts))  # type: ignore[arg-type]
    return found


def _plain_digits(line: str) -> bool:
    """Whether its only digits are those of ASCII."""
    return not any(letter.isdigit() and not letter.isascii() for letter in line)


def _places(some: _Rows) -> tuple[dict[str, Texts], dict[str, Lists]]:
    """The parts of each record's address, and whether it has one."""
    columns = some.all("line")[:LINES_MAX]
    written, places = combined(columns) if columns else ([()], np.zeros(some.rows.size, np.int64))
    lines = [tuple(line for line in one if line.strip()) for one in written]
    texts = dict(zip(("street", "house", "more"), _parted(_streets(lines), places, 3), strict=True))
    house = some.one("house").turned(house_of)
    values, at = combined([house, texts["house"]])
    texts["house"] = _made([own or other for own, other in values], at)
    texts["postcode"] = some.one("postcode").turned(postcode_of)
    texts["city"] = some.one("city").turned(city_of)
    texts["region"] = some.one("region").turned(region_of)
    texts["country"] = some.one("address_country").turned(country_of)
    _read_one_liners(some, lines, places, texts)
    known = np.zeros(some.rows.size, bool)
    for column in texts.values():
        known |= column.places != 0
    rows = np.flatnonzero(known)
    kept = {name: Texts(column.words, column.places[rows]) for name, column in texts.items()}
    kept["area"] = kept["postcode"].turned(_area)
    values, at = combined([kept["street"], kept["house"], kept["postcode"], kept["city"]])
    whole = PLACE_PARTS["whole"]
    made = [whole(Place(street=a, house=b, postcode=c, city=d)) if a and b else "" for a, b, c, d in values]
    kept["whole"] = _made(made, at)
    del kept["region"]
    return {f"places.{name}": column for name, column in kept.items()}, {"places": Lists(known.astype(np.int64))}


def _area(postcode: str) -> str:
    return area_of(postcode)


def _read_one_liners(
    some: _Rows, lines: Sequence[tuple[str, ...]], places: Index, texts: dict[str, Texts]
) -> None:
    """Where everything stands in one line, with a comma, the whole address is read out of it."""
    possible = np.fromiter((len(one) == 1 and "," in one[0] for one in lines), bool, len(lines))
    rows = possible[places] & (some.one("postcode").places == 0) & (some.one("city").places == 0)
    only = np.flatnonzero(rows)
    if not only.size:
        return
    region, country = some.one("region"), some.one("address_country")
    line = _made([one[0] if one else "" for one in lines], places[only])
    values, at = combined([line, *(Texts(one.words, one.places[only]) for one in (region, country))])
    found = [place_of(PostalAddress(lines=(one,), region=two, country=three)) for one, two, three in values]
    for name, former in texts.items():
        new = _made([getattr(place, name) for place in found], at)
        words, back = coded([*former.words.words, *new.words.words], len(former.words) + len(new.words))
        merged = back[former.places]
        merged[only] = back[len(former.words) :][new.places]
        texts[name] = Texts(Words(words), merged)
