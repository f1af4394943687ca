"""A table of raw records to columns of features: what `features_of` says, asked once per distinct value.

Names, streets and towns repeat themselves; a million records have some ten thousand of each. What depends on
several columns is asked once per distinct combination, and what is spelled as usual is read by compiled loops.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.columns import TAX_PARTS, Columns, Index, Lists, Texts, Words
from crossdock.identity.matching.normalise import alias_of, reference_of
from crossdock.identity.matching.normalise.address_columns import address_columns
from crossdock.identity.matching.normalise.addresses import country_of
from crossdock.identity.matching.normalise.contact_columns import mailboxes, phones
from crossdock.identity.matching.normalise.dates import date_of
from crossdock.identity.matching.normalise.name_columns import Written, name_columns, written_in
from crossdock.identity.matching.normalise.names import name_at_birth
from crossdock.identity.matching.normalise.organisations import known_as, organisation_of, registration_of
from crossdock.identity.matching.normalise.rows import Rows, combined, compacted, folded, made, parted
from crossdock.identity.matching.normalise.tax_ids import tax_id_of
from crossdock.identity.matching.record import Kind
from crossdock.identity.matching.spelling import stacked_words
from crossdock.identity.matching.table import EXTRA, OF_ORGANISATIONS, REFERENCE, Table

Flags = NDArray[np.bool_]


def organisations_in(table: Table) -> Flags:
    """Which rows are about an organisation (see `Table.kind`)."""
    some = Rows(table, np.arange(table.size))
    said, named = some.one("kind"), some.one("organisation").places != 0
    for name in ("given", "family", "name"):
        named &= some.one(name).places == 0
    spoken: Flags = said.each(_is_organisation, bool)
    return np.where(said.places != 0, spoken, named)


def _is_organisation(word: str) -> bool:
    return word.strip().lower() in OF_ORGANISATIONS


def columns_of_table(table: Table, kind: Kind, rows: Index) -> Columns:
    """The columns of those rows of a table that are of a kind."""
    some = Rows(table, rows)
    with ThreadPoolExecutor(1) as aside:
        # Compiled loops of one run beside what Python does for the other.
        names = aside.submit(_named, some, kind)
        texts, places = address_columns(some)
        lists = {"places": places}
        home = _home(some, texts.pop("places.country"), places)
        plain = _plain_lists(some, home)
        texts["birth"] = _births(some.one("birth_date"), home)
        named, plain["aliases"] = names.result()
    texts |= named
    for name, columns in plain.items():
        lists[name], texts[name] = stacked(columns, rows.size)
    texts |= _tax_ids(some, home, lists)
    extras = []
    for name in table.named(EXTRA):
        column = folded(some.one(f"{EXTRA}{name}"))
        if column.places.any():
            extras.append(name)
            texts[f"{EXTRA}{name}"] = column
    return Columns(rows.size, texts, lists, extras)


def _named(some: Rows, kind: Kind) -> tuple[dict[str, Texts], list[Texts]]:
    """What somebody is called, and what else."""
    written = written_in(some) if kind == "person" else {}
    texts = name_columns(some, written) if written else _nobody(some.rows.size)
    return texts | _organisation(some, kind), _aliases(some, written)


def stacked(columns: Sequence[Texts], size: int) -> tuple[Lists, Texts]:
    """Columns of one attribute as a list per row: what is known, each value once."""
    if not columns:
        return Lists(np.zeros(size, np.int64)), Texts(Words([""]), np.zeros(0, np.int32))
    words, places = stacked_words(columns)
    if len(places) == 1:
        known = places[0] != 0
        return Lists(known.astype(np.int64)), Texts(words, places[0][known])
    matrix = np.stack(places, axis=1)
    known = matrix != 0
    for place in range(1, matrix.shape[1]):
        known[:, place] &= (matrix[:, :place] != matrix[:, place : place + 1]).all(axis=1)
    return Lists(known.sum(axis=1)), Texts(words, matrix[known])


def _births(raw: Texts, home: Texts) -> Texts:
    values, places = combined([raw, home])
    return made([date_of(value, country) for value, country in values], places)


def _home(some: Rows, addressed: Texts, places: Lists) -> Texts:
    """The record's country, else its address's."""
    country = some.one("country").turned(country_of)
    there = np.zeros(some.rows.size, np.int32)
    there[places.rows] = addressed.places
    values, at = combined([country, Texts(addressed.words, there)])
    return made([own or other for own, other in values], at)


def _plain_lists(some: Rows, home: Texts) -> dict[str, list[Texts]]:
    verified = [mailboxes(column) for column in some.all("verified_email")]
    found = {
        "emails": [*verified, *(mailboxes(column) for column in some.all("email"))],
        "verified_emails": verified,
        "phones": [phones(column, home) for column in some.all("phone")],
        "loyalty_ids": [compacted(column) for column in some.all("loyalty_id")],
        "customer_numbers": [compacted(column).turned(_number) for column in some.all("customer_number")],
        "registrations": [some.one("registration").turned(registration_of)],
        "references": [],
    }
    for system in some.table.named(REFERENCE):
        column = some.one(f"{REFERENCE}{system}")
        words = [reference_of(system, word) for word in column.words.words]
        found["references"].append(made(words, column.places))
    return found


def _aliases(some: Rows, written: dict[str, Written]) -> list[Texts]:
    kind: Kind = "person" if written else "organisation"
    others = [column.turned(lambda name: alias_of(name, kind)) for column in some.all("other_name")]
    if written:
        return [*others, *(written[name].turned(name_at_birth) for name in ("family", "name"))]
    values, places = some.combined("organisation", "name")
    return [*others, made([known_as(organisation or name) for organisation, name in values], places)]


def _number(text: str) -> str:
    return text.lstrip("0")


def _tax_ids(some: Rows, home: Texts, lists: dict[str, Lists]) -> dict[str, Texts]:
    written: list[Texts] = []
    known: dict[str, Any] = {"": None}
    for column in some.all("tax_id"):
        values, places = combined([column, home])
        found = [tax_id_of(text, country) if text else None for text, country in values]
        names = [f"{one.country}|{one.value}|{one.valid}" if one else "" for one in found]
        known |= dict(zip(names, found, strict=True))
        written.append(made(names, places))
    lists["tax_ids"], flat = stacked(written, some.rows.size)
    return {
        f"tax_ids{part}": made([take(known[word]) if word else "" for word in flat.words.words], flat.places)
        for part, take in TAX_PARTS.items()
    }


def _nobody(size: int) -> dict[str, Texts]:
    nothing = np.zeros(size, np.int32)
    return {name: Texts(Words([""]), nothing) for name in ("given", "middle", "root", "family", "generation")}


def _organisation(some: Rows, kind: Kind) -> dict[str, Texts]:
    if kind == "organisation":
        values, places = some.combined("organisation", "name", "legal_form")
        found = [organisation_of(organisation or name, form) for organisation, name, form in values]
    else:
        said, places = some.combined("organisation")
        found = [organisation_of(name) if name else ("", "") for (name,) in said]
    name, form = parted(found, places, 2)
    return {"organisation": name, "form": form}
