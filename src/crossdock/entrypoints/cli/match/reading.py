"""Files of customers as one table: CSV and Parquet, several files as several sources."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crossdock.entrypoints.cli.match.headings import ID, attributes_of
from crossdock.identity.matching.columns import Places, Texts, Words, coded
from crossdock.identity.matching.record import Features
from crossdock.identity.matching.spelling import parted
from crossdock.identity.matching.table import SEVERAL, SEVERAL_MAX, Table
from crossdock.kit.errors import Finding, Invalid

if TYPE_CHECKING:
    import polars as pl

FINDINGS_MAX = 20
BOM = "\ufeff"
Maps = Mapping[str, Mapping[str, str]]
"""By file its columns' attributes."""


class Crowd:
    """Records out of files: the table, whose row is whose, and how their columns were understood."""

    def __init__(
        self, table: Table, files: Sequence[str], source: NDArray[np.int64], ids: Sequence[str], maps: Maps
    ) -> None:
        self.table = table
        self.files = tuple(files)
        self.source = source
        self.ids = ids
        self.maps = maps
        self._rows: dict[str, list[int]] = {}

    def features(self, row: int) -> Features:
        """One record as it is compared."""
        from crossdock.identity.matching.normalise import features_of  # noqa: PLC0415 - only where explained

        return features_of(self.table.profile(row))

    def name(self, row: int) -> str:
        """How a record is called in what is printed: `FILE:ID`."""
        return f"{self.files[self.source[row]]}:{self.ids[row]}"

    def row(self, name: str) -> int:
        """The row that is called so: `FILE:ID`, or the id alone. Raises Invalid where it is none or several."""
        if not self._rows:
            for row, one in enumerate(self.ids):
                self._rows.setdefault(self.name(row), []).append(row)
                self._rows.setdefault(one, []).append(row)
        rows = self._rows.get(name, ())
        if len(rows) == 1:
            return rows[0]
        words = f"{len(rows)} records have this id: write FILE:ID" if rows else "no record has this id"
        raise Invalid(words, code="record-unknown", findings=[Finding("record-unknown", name, words)])


def read_files(paths: Sequence[Path], told: Mapping[str, str]) -> Crowd:
    """The files' records. Raises Invalid with file, row and column of every fault."""
    frames = [_read(path) for path in paths]
    _check_told(paths, frames, told)
    names = _names(paths)
    maps = {
        name: attributes_of(path.name, frame.columns, told)
        for name, path, frame in zip(names, paths, frames, strict=True)
    }
    ids: list[str] = []
    for name, path, frame in zip(names, paths, frames, strict=True):
        ids += _ids(path, frame, maps[name])
    size = len(ids)
    if not size:
        raise Invalid("there is no record", code="file-empty", findings=[
            Finding("file-empty", path.name, "it has no row below its heading") for path in paths
        ])  # fmt: skip
    source = np.repeat(np.arange(len(paths)), [len(frame) for frame in frames])
    return Crowd(Table(size, _columns(frames, list(maps.values()))), names, source, ids, maps)


def _names(paths: Sequence[Path]) -> list[str]:
    """A short name for each file: its stem, or its whole name where stems are equal."""
    stems = [path.stem for path in paths]
    names = [stem if stems.count(stem) == 1 else path.name for stem, path in zip(stems, paths, strict=True)]
    return [name if names.count(name) == 1 else str(path) for name, path in zip(names, paths, strict=True)]


def _check_told(paths: Sequence[Path], frames: "Sequence[pl.DataFrame]", told: Mapping[str, str]) -> None:
    known = {column for frame in frames for column in frame.columns}
    findings = [
        Finding("column-unknown", f"--map {column}={name}", f"no file has the column {column}")
        for column, name in told.items()
        if column not in known
    ]
    if findings:
        files = ", ".join(path.name for path in paths)
        raise Invalid(f"{files}: a column is not there", code="column-unknown", findings=findings)


def _read(path: Path) -> "pl.DataFrame":
    import polars as pl  # noqa: PLC0415 - an extra

    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            frame = pl.read_parquet(path)
            return frame.select(pl.all().cast(pl.String, strict=False))
        return pl.read_csv(path, infer_schema=False, separator=_separator(path), encoding="utf8")
    except FileNotFoundError:
        raise _unreadable(path, "it is not there") from None
    except IsADirectoryError:
        raise _unreadable(path, "it is a folder") from None
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise _fault_in(path, error) from None


def _separator(path: Path) -> str:
    """What parts the heading's cells: the most frequent of comma, semicolon and tab."""
    with path.open(encoding="utf-8", errors="replace") as file:
        heading = file.readline()
    return max(",;\t", key=heading.count)


def _unreadable(path: Path, words: str) -> Invalid:
    finding = Finding("file-unreadable", path.name, words)
    return Invalid(f"{path.name} cannot be read", code="file-unreadable", findings=[finding])


def _fault_in(path: Path, error: Exception) -> Invalid:
    """Which rows of a CSV are at fault; of other files what the library says."""
    if path.suffix.lower() in {".parquet", ".pq"}:
        return _unreadable(path, "it is no Parquet file")
    content = path.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as fault:
        row = content.count(b"\n", 0, fault.start) + 1
        begin = content.rfind(b"\n", 0, fault.start) + 1
        column = content.count(_separator(path).encode(), begin, fault.start) + 1
        where = f"{path.name}, line {row}, column {column}"
        words = "this is not UTF-8; save the file as UTF-8"
        return Invalid(f"{path.name} is not UTF-8", code="not-utf8", findings=[Finding("not-utf8", where, words)])
    findings = []
    rows = csv.reader(text.removeprefix(BOM).splitlines(keepends=True), delimiter=_separator(path))
    heading = next(rows, [])
    for cells in rows:
        if len(cells) > len(heading):
            words = f"it has {len(cells)} cells, the heading {len(heading)}"
            findings.append(Finding("row-faulty", f"{path.name}, line {rows.line_num}", words))
        if len(findings) >= FINDINGS_MAX:
            break
    if not heading:
        return Invalid(
            f"{path.name} is empty", code="file-empty", findings=[Finding("file-empty", path.name, "no heading")]
        )
    if findings:
        return Invalid(f"{path.name} has faulty rows", code="row-faulty", findings=findings)
    return _unreadable(path, str(error).splitlines()[0][:200])


def _ids(path: Path, frame: "pl.DataFrame", maps: Mapping[str, str]) -> list[str]:
    """The records' ids, without such a column their rows, the heading being the first. Raises Invalid."""
    column = next((column for column, name in maps.items() if name == ID), "")
    if not column:
        return [str(line) for line in range(2, len(frame) + 2)]
    ids: list[str] = frame[column].fill_null("").to_list()
    if len(set(ids)) == len(ids) and "" not in ids:
        return ids
    seen: dict[str, int] = {}
    findings = []
    for line, one in enumerate(ids, start=2):
        if not one or one in seen:
            words = f"the id stands in row {seen[one]}, too" if one else "there is no id"
            code = "id-twice" if one else "id-missing"
            findings.append(Finding(code, f"{path.name}, row {line}, column {column}", words))
        seen.setdefault(one, line)
        if len(findings) >= FINDINGS_MAX:
            break
    raise Invalid(
        f"{path.name}: ids must be there, each once (or leave them out: --map {column}=-)",
        code=findings[0].code,
        findings=findings,
    )


def _columns(frames: "Sequence[pl.DataFrame]", maps: Sequence[Mapping[str, str]]) -> dict[str, list[Texts]]:
    """Every attribute's columns, those of all files one below the other."""
    names = sorted({name for one in maps for name in one.values()} - {ID})
    found: dict[str, list[Texts]] = {}
    for name in names:
        by_file = [[column for column, other in one.items() if other == name] for one in maps]
        width = min(max(map(len, by_file)), SEVERAL_MAX if name in SEVERAL else 1)
        found[name] = [
            _below(
                [
                    texts_of(frame[columns[place]]) if place < len(columns) else _nothing(len(frame))
                    for frame, columns in zip(frames, by_file, strict=True)
                ]
            )
            for place in range(width)
        ]
    return found


def _nothing(size: int) -> Texts:
    return Texts(Words([""]), np.zeros(size, np.int32))


def texts_of(values: "pl.Series") -> Texts:
    """A column with each distinct value once, in the order in which they come."""
    values = values.fill_null("")
    return parted(values.str.join("").item(), values.str.len_chars().to_numpy().astype(np.int64))


def _below(parts: Sequence[Texts]) -> Texts:
    if len(parts) == 1:
        return parts[0]
    words, back = coded(
        (word for part in parts for word in part.words.words), sum(len(part.words) for part in parts)
    )
    starts = np.cumsum([0, *(len(part.words) for part in parts)])
    places: list[Places] = [back[start:][part.places] for start, part in zip(starts.tolist(), parts, strict=False)]
    return Texts(Words(words), np.concatenate(places))
