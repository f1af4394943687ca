"""A match index of any size in minutes: made by two processes, and loaded as databases load whole tables.

What stands in the index afterwards is what as many settled records would have left there, one party per record:
the same rows in every table and the same indexes. Records that are to be asked for later are kept back, evenly.
"""

import contextlib
import itertools
import pickle
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray

from bench.match.profiles import profile_of
from bench.match.retail import retail_rows
from bench.match.rows import Row
from crossdock.durable.codec import encode
from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.normalise import features_of
from crossdock.storage.match_writing import packed

PROCESSES = 2
PARTS = 4
KEYS_AT_ONCE = 200_000

Face = tuple[int, str, bytes, bytes]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """A part of the index as files; the parties are numbered from `first` on."""

    path: Path
    first: int
    parties: int
    keys: int

    def faces(self) -> Iterator[Face]:
        """Party, record, features and keys of each face, as its table has them."""
        with self.path.with_suffix(".faces").open("rb") as file:
            for _ in range(self.parties):
                yield pickle.load(file)

    def key_rows(self) -> tuple[Numbers, Numbers]:
        """Keys and their parties, by party."""
        return np.load(self.path.with_suffix(".hashes.npy")), np.load(self.path.with_suffix(".parties.npy"))

    def kept_back(self) -> list[Row]:
        """The records that are not in the index."""
        rows: list[Row] = pickle.loads(self.path.with_suffix(".rows").read_bytes())
        return rows


def make_parts(folder: Path, parties: int, kept_back: int) -> list[Part]:
    """So many parties, and so many records beside them. Each part is a retailer of its own."""
    each, kept = -(-parties // PARTS), -(-kept_back // PARTS)
    jobs = [(folder / f"part-{number}", number, each, kept) for number in range(PARTS)]
    with ProcessPoolExecutor(PROCESSES) as pool:
        return list(pool.map(_make_part, *zip(*jobs, strict=True)))


def _make_part(path: Path, number: int, parties: int, kept_back: int) -> Part:
    first, party = number * parties + 1, number * parties
    kept: list[Row] = []
    every = (parties + kept_back) // kept_back
    hashes: list[tuple[int, ...]] = []
    with path.with_suffix(".faces").open("wb") as file:
        for place, row in enumerate(retail_rows(parties + kept_back, seed=number + 1)):
            row.key = f"{number}-{row.key}"
            if place % every == 0 and len(kept) < kept_back:
                kept.append(row)
                continue
            party += 1
            features = features_of(profile_of(row))
            keys = keys_of(features)
            hashes.append(keys)
            pickle.dump((party, f"bench/{row.key}", encode(features), packed(keys)), file)
    path.with_suffix(".rows").write_bytes(pickle.dumps(kept))
    counts = np.fromiter(map(len, hashes), np.int64, len(hashes))
    whole = np.fromiter(itertools.chain.from_iterable(hashes), np.int64, int(counts.sum()))
    np.save(path.with_suffix(".hashes.npy"), whole)
    np.save(path.with_suffix(".parties.npy"), np.repeat(np.arange(first, party + 1), counts))
    return Part(path, first, len(hashes), whole.size)


def fill_sqlite(file: Path, parts: Sequence[Part]) -> None:
    """Load the parts into the tables of a migrated database that nobody has open."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA cache_size = -262144")
        database.execute("BEGIN")
        database.execute("DROP INDEX match_face_by_record")
        for part in parts:
            database.executemany("INSERT INTO match_party VALUES (?, ?, 1)", _parties(part))
            database.executemany("INSERT INTO match_face VALUES (?, ?, ?, ?)", part.faces())
        hashes, parties = _sorted(parts)
        for start in range(0, hashes.size, KEYS_AT_ONCE):
            some = slice(start, start + KEYS_AT_ONCE)
            rows = zip(hashes[some].tolist(), parties[some].tolist(), strict=True)
            database.executemany("INSERT INTO match_key VALUES (?, ?)", rows)
        database.execute("CREATE UNIQUE INDEX match_face_by_record ON match_face (record)")
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _parties(part: Part) -> Iterator[tuple[int, str]]:
    return ((number, f"P-{number}") for number in range(part.first, part.first + part.parties))


def _sorted(parts: Sequence[Part]) -> tuple[Numbers, Numbers]:
    loaded = [part.key_rows() for part in parts]
    hashes, parties = (np.concatenate(side) for side in zip(*loaded, strict=True))
    order = np.argsort(hashes, kind="stable")
    return hashes[order], parties[order]


_KEY_ROW = np.dtype([("columns", ">i2"), ("size", ">i4"), ("hash", ">i8"), ("size2", ">i4"), ("party", ">i8")])
"""A row of match_key in PostgreSQL's binary COPY format."""
_COPY_HEAD, _COPY_END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"


def fill_postgres(address: str, parts: Sequence[Part]) -> None:
    """Load the parts into the tables of a migrated database, and let it count them, as its own rounds do."""
    with psycopg.connect(address, autocommit=True) as database:
        database.execute("SET maintenance_work_mem = '512MB'")
        database.execute("ALTER TABLE match_key DROP CONSTRAINT match_key_pkey")
        for part in parts:
            with database.cursor().copy("COPY match_party (number, party_id, version) FROM STDIN") as copy:
                for number, party_id in _parties(part):
                    copy.write_row((number, party_id, 1))
            with database.cursor().copy("COPY match_face (party, record, features, keys) FROM STDIN") as copy:
                for face in part.faces():
                    copy.write_row(face)
            with database.cursor().copy("COPY match_key (hash, party) FROM STDIN (FORMAT binary)") as copy:
                copy.write(_COPY_HEAD)
                _write_keys(copy, *part.key_rows())
                copy.write(_COPY_END)
        database.execute("ALTER TABLE match_key ADD PRIMARY KEY (hash, party)")
        count = parts[-1].first + parts[-1].parties - 1
        database.execute("SELECT setval(pg_get_serial_sequence('match_party', 'number'), %s)", (count,))
        for table in ("match_party", "match_face", "match_key"):
            database.execute(f"VACUUM (ANALYZE) {table}".encode())
        database.execute("CHECKPOINT")


def _write_keys(copy: psycopg.Copy, hashes: Numbers, parties: Numbers) -> None:
    for start in range(0, hashes.size, KEYS_AT_ONCE):
        some = slice(start, start + KEYS_AT_ONCE)
        rows = np.empty(hashes[some].size, _KEY_ROW)
        rows["columns"], rows["size"], rows["size2"] = 2, 8, 8
        rows["hash"], rows["party"] = hashes[some], parties[some]
        copy.write(rows.tobytes())
