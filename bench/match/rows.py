"""A customer record as some system holds it, before anybody cleans it; and files of such records.

This module is read by the peers' environments, too: it needs nothing beyond the standard library.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(slots=True)
class Row:
    """All text, empty where unknown. `truth` names the real person or company and is shown to no matcher.

    `full` is a whole name where a system has only one field for it. `country` is ISO 3166-1 alpha-2 or as written.
    `number` is an identity number of any issuer (social security, passport, register), `tax` one for taxes.
    """

    key: str
    truth: str
    source: str
    kind: str = "person"
    given: str = ""
    middle: str = ""
    surname: str = ""
    full: str = ""
    organisation: str = ""
    born: str = ""
    street: str = ""
    extra: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    phone: str = ""
    email: str = ""
    tax: str = ""
    number: str = ""
    loyalty: str = ""
    birth_place: str = ""
    occupation: str = ""
    website: str = ""


COLUMNS = tuple(field.name for field in fields(Row))


def write_rows(path: Path, rows: Iterable[Row]) -> int:
    """One CSV file, UTF-8, with a heading; how many rows it has."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            writer.writerow(asdict(row))
            count += 1
    return count


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file that `write_rows` wrote, one after another."""
    with path.open(encoding="utf-8", newline="") as file:
        for words in csv.reader(file):
            if words[0] != COLUMNS[0]:
                yield Row(*words)
