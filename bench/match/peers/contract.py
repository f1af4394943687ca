"""What a peer's program is given and what it gives back: a file of cleaned rows in, a file of scored pairs out.

Peers whose manuals ask for cleaned columns get all the same ones, and cleaning is not timed for them.
"""

import argparse
import contextlib
import io
import json
import re
import resource
import sys
import time
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.match.rows import Row, read_rows

Pair = tuple[int, int, float]
CLEANED = (
    *(
        "place",
        "source",
        "kind",
        "given",
        "middle",
        "surname",
        "full_name",
        "organisation",
        "born",
        "house",
        "street",
    ),
    *("extra", "postcode", "city", "region", "country", "phone", "email", "tax", "number", "loyalty"),
    *("birth_place", "occupation"),
)
"""The columns of the cleaned file; empty is unknown. `place` is the row's place in the file, from 0."""

NOBODYS = frozenset({"noemail@store.com", "none@none.com", "kunde@filiale.de"})
PHONE_DIGITS = 9
_HOUSE = re.compile(r"^(\d+\w?)\s+(.*)$|^(.*?)\s+(\d+\w?)(,.*)?$")
_FORMS = re.compile(
    r"\b(gmbh|co|kg|ag|inc|incorporated|llc|ltd|limited|plc|llp|corp|corporation|company|sarl|sas|sa|eurl|bv|nv|vof|"
    r"srl|spa|snc|sl|slu|ek|ohg)\b"
)


def clean(place: int, row: Row) -> tuple[str, ...]:
    """One row, lower case, without accents and punctuation, dates as ISO, phones as their last digits."""
    given, surname, full = _plain(row.given), _plain(row.surname), _plain(row.full)
    if full and not (given or surname):
        words = full.split()
        # An ERP that keeps one field writes the family name first.
        surname, given = (
            (words[0], " ".join(words[1:])) if row.source == "erp" else (words[-1], " ".join(words[:-1]))
        )
    house, street = _street(_plain(row.street))
    phone = re.sub(r"\D", "", row.phone)[-PHONE_DIGITS:]
    email = row.email.strip().lower()
    return (
        str(place),
        row.source,
        row.kind,
        given,
        _plain(row.middle),
        surname,
        f"{given} {surname}" if given and surname else "",
        " ".join(_FORMS.sub(" ", _plain(row.organisation.replace(".", ""))).split()),
        _born(row.born),
        house,
        street,
        _plain(row.extra),
        row.postcode.replace(" ", "").lower(),
        _plain(row.city),
        _plain(row.region),
        row.country.lower(),
        phone if len(phone) == PHONE_DIGITS and len(set(phone)) > 1 else "",
        "" if email in NOBODYS else email,
        re.sub(r"\W|^[A-Za-z]{2}", "", row.tax),
        re.sub(r"\W", "", row.number).lower(),
        row.loyalty,
        _plain(row.birth_place),
        _plain(row.occupation),
    )


def _plain(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
        text = "".join(sign for sign in text if not unicodedata.combining(sign))
    return " ".join(re.sub(r"[^\w\s]|_", " ", text.lower()).split())


def _street(text: str) -> tuple[str, str]:
    found = _HOUSE.match(text)
    if not found:
        return "", text
    return (found[1], found[2]) if found[1] else (found[4], found[3])


def _born(text: str) -> str:
    """ISO 8601 where the order of the parts can be told, else empty."""
    if re.fullmatch(r"\d{8}", text):
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    if found := re.fullmatch(r"(\d\d?)([./])(\d\d?)[./](\d{4})", text):
        first, second = found[1].zfill(2), found[3].zfill(2)
        return f"{found[4]}-{first}-{second}" if found[2] == "/" else f"{found[4]}-{second}-{first}"
    return text if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else ""


def write_cleaned(rows: Path, path: Path) -> int:
    """The cleaned file of a file of rows; how many it has."""
    import csv  # noqa: PLC0415 - beside its only use

    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CLEANED)
        for count, row in enumerate(read_rows(rows), start=1):
            writer.writerow(clean(count - 1, row))
    return count


@dataclass(frozen=True)
class Answer:
    """Scored pairs, the threshold that needs no truth, and how its makers form clusters of them."""

    pairs: Iterable[Pair]
    natural: float
    cluster_at: float | None = None
    groups: list[int] | None = None
    """A label per record, where the matcher clusters in a way of its own."""


Matcher = Callable[[str, Path], Answer]


def write_answer(answer: Answer, path: Path) -> int:
    """Three arrays one after the other in one file, and how many pairs they have."""
    left, right, score = array("q"), array("q"), array("d")
    for one, other, sure in answer.pairs:
        left.append(one)
        right.append(other)
        score.append(sure)
    with path.open("wb") as file:
        for column in (left, right, score, array("q", answer.groups or [])):
            column.tofile(file)
    return len(left)


def serve(matcher: Matcher) -> None:
    """`--set NAME --rows CLEANED --out FILE`: match, write the pairs, and print one line of JSON.

    It is timed until the matcher has its pairs and clusters: handing them over is ours to ask.
    """
    parser = argparse.ArgumentParser()
    for name in ("set", "rows", "out"):
        parser.add_argument(f"--{name}", required=True)
    said, _of_one_peer = parser.parse_known_args()
    began = time.perf_counter()
    with _silence():
        answer = matcher(said.set, Path(said.rows))
        took, cpu = time.perf_counter() - began, time.process_time()
        pairs = write_answer(answer, Path(said.out))
    report = {
        "seconds": took,
        "cpu_seconds": cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "pairs": pairs,
        "natural": answer.natural,
        "cluster_at": answer.natural if answer.cluster_at is None else answer.cluster_at,
        "grouped": answer.groups is not None,
    }
    print(json.dumps(report))


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Libraries print charts and advice; only our line belongs on the output."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
    sys.stdout.flush()
