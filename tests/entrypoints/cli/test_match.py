"""`crossdock match`: files in, clusters and a page out; faults are told with their place."""

import csv
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from bench.match.retail import retail_rows
from bench.match.rows import Row
from tests.entrypoints.cli.conftest import Cli, Told

from crossdock.entrypoints.cli.match.headings import attributes_of, parse_maps
from crossdock.kit.errors import Invalid

HEADINGS = {
    "key": "id",
    "kind": "Type",
    "given": "First Name",
    "middle": "Middle Name",
    "surname": "Nachname",
    "full": "Full name",
    "organisation": "Company",
    "born": "Date of Birth",
    "street": "Street",
    "extra": "Address 2",
    "postcode": "ZIP",
    "city": "Ort",
    "country": "Country",
    "phone": "Telefon",
    "email": "E-Mail",
    "tax": "VAT-ID",
    "loyalty": "Card number",
}


def written(path: Path, rows: list[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS.values())
        writer.writerows([getattr(row, name) for name in HEADINGS] for row in rows)
    return path


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(retail_rows(700, seed=3))


@pytest.fixture
def customers(tmp_path: Path, rows: list[Row]) -> Path:
    return written(tmp_path / "customers.csv", rows)


def result(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def codes(told: Told) -> str:
    assert told.code == 6, told.err
    return told.err


def test_duplicates_are_found_without_a_label(cli: Cli, tmp_path: Path, customers: Path, rows: list[Row]) -> None:
    to = tmp_path / "clusters.csv"
    told = cli("match", "dedupe", str(customers), "--to", str(to), "--json")
    assert told.code == 0
    found = result(to)
    assert [one["id"] for one in found] == [row.key for row in rows]
    truth = {f"customers:{row.key}": row.truth for row in rows}
    linked = [one for one in found if one["band"] == "link"]
    right = sum(truth[f"customers:{one['id']}"] == truth[one["nearest"]] for one in linked)
    assert len(linked) > 300
    assert right / len(linked) > 0.95
    assert told.json["records"] == 700
    assert told.json["linked"] == len(linked)
    assert sum(told.json[band] for band in ("linked", "review", "new")) == 700
    assert told.json["clusters"] == len({one["cluster"] for one in found})
    sizes = {int(size): count for size, count in told.json["clusters_by_size"].items()}
    assert sum(size * count for size, count in sizes.items()) == 700


def test_files_are_sources_of_any_format(cli: Cli, tmp_path: Path, rows: list[Row]) -> None:
    crm = written(tmp_path / "crm.csv", [row for row in rows if row.source == "salesforce"])
    whole = pl.read_csv(written(tmp_path / "rest.csv", [row for row in rows if row.source != "salesforce"]))
    whole.write_parquet(tmp_path / "rest.parquet")
    to = tmp_path / "clusters.csv"
    assert cli("match", "dedupe", str(crm), str(tmp_path / "rest.parquet"), "--link", "-o", str(to)).code == 0
    found = result(to)
    assert {one["source"] for one in found} == {"crm", "rest"}
    near = [one for one in found if one["nearest"]]
    assert near
    assert all(one["nearest"].partition(":")[0] != one["source"] for one in near)


class Page(HTMLParser):
    """What a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [str(value) for name, value in attrs if name in {"src", "href", "action"}]


def test_the_page_stands_alone_and_shows_data_as_text(cli: Cli, tmp_path: Path, rows: list[Row]) -> None:
    some = [*rows[:300], Row("x1", "", "", given="<script>alert(1)</script>", surname="Vogt", email="v@x.example")]
    customers = written(
        tmp_path / "customers.csv", [*some, Row("x2", "", "", **{**_told(some[-1]), "city": "Bern"})]
    )
    report = tmp_path / "page.html"
    told = cli("match", "dedupe", str(customers), "--to", str(tmp_path / "m.csv"), "--report", str(report))
    assert told.code == 0
    page = Page()
    page.feed(report.read_text(encoding="utf-8"))
    assert page.fetched == []
    assert not {"script", "link", "img"} & set(page.tags)
    for words in ("For review", "Found to be one", "How sure the pairs are", "First Name"):
        assert words in report.read_text(encoding="utf-8")


def _told(row: Row) -> dict[str, Any]:
    return {"given": row.given, "surname": row.surname, "email": row.email}


def test_a_model_is_learned_once_and_used_again(cli: Cli, tmp_path: Path, customers: Path) -> None:
    model = tmp_path / "model.json"
    told = cli("match", "train", str(customers), "--to", str(model))
    assert told.code == 0
    assert "date of birth" in told.out
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    assert cli("match", "dedupe", str(customers), "--to", str(first)).code == 0
    assert cli("match", "dedupe", str(customers), "--model", str(model), "--to", str(second)).code == 0
    assert first.read_bytes() == second.read_bytes()


def test_decided_pairs_improve_a_model(cli: Cli, tmp_path: Path, customers: Path, rows: list[Row]) -> None:
    labels = tmp_path / "decided.csv"
    by_truth: dict[str, list[str]] = {}
    for row in rows:
        by_truth.setdefault(row.truth, []).append(row.key)
    pairs = [keys[:2] for keys in by_truth.values() if len(keys) > 1]
    with labels.open("w", newline="") as file:
        csv.writer(file).writerows([("one", "other", "verdict"), *((*pair, "same") for pair in pairs)])
    plain, taught = tmp_path / "plain.json", tmp_path / "taught.json"
    assert cli("match", "train", str(customers), "--to", str(plain)).code == 0
    told = cli("match", "train", str(customers), "--to", str(taught), "--labels", str(labels), "--json")
    assert told.json["labels"] == len(pairs)
    assert plain.read_bytes() != taught.read_bytes()
    labels.write_text("one,other,verdict\nr1,nobody,same\nr1,r2,perhaps\n")
    err = codes(cli("match", "train", str(customers), "--to", str(taught), "--labels", str(labels)))
    assert "decided.csv, line 2, column other" in err
    assert "decided.csv, line 3, column verdict" in err


def test_a_decision_is_explained_by_weights_and_what_would_flip_it(
    cli: Cli, tmp_path: Path, customers: Path
) -> None:
    to = tmp_path / "m.csv"
    cli("match", "dedupe", str(customers), "--to", str(to))
    one = next(row for row in result(to) if row["band"] == "link" and 6 < float(row["weight"]) < 30)
    told = cli("match", "explain", one["id"], one["nearest"], "--file", str(customers), "--json")
    assert told.json["band"] == "link"
    assert told.json["weight"] == pytest.approx(float(one["weight"]), abs=0.01)
    parts = sum(part["weight"] for part in told.json["evidence"])
    assert told.json["prior"] + parts == pytest.approx(told.json["weight"], abs=0.02)
    assert told.json["flips"]
    told = cli("match", "explain", one["id"], one["nearest"], "--file", str(customers))
    assert "before any evidence" in told.out
    assert "It would be" in told.out
    assert "record-unknown" in codes(cli("match", "explain", "nobody", "r1", "--file", str(customers)))


def test_other_thresholds_are_tried_on_what_people_decided(
    cli: Cli, tmp_path: Path, customers: Path, rows: list[Row]
) -> None:
    to, labels = tmp_path / "m.csv", tmp_path / "decided.csv"
    cli("match", "dedupe", str(customers), "--to", str(to))
    truth = {f"customers:{row.key}": row.truth for row in rows}
    linked = [one for one in result(to) if one["band"] == "link"]
    pairs = [(f"customers:{one['id']}", one["nearest"]) for one in linked]
    weights = [float(one["weight"]) for one in linked]
    same = [pair for pair in pairs if truth[pair[0]] == truth[pair[1]]][:40]

    def write(verdict: str) -> None:
        decided = "".join(f"{one},{other},{verdict}\n" for one, other in same)
        labels.write_text(f"one,other,verdict\n{decided}")

    write("same")
    words = ("match", "rehearse", str(customers), "--labels", str(labels))
    told = cli(*words, "--json")
    assert told.code == 0
    assert told.json["pairs"] == []
    assert [source["other_band"] for source in told.json["sources"]] == [0]
    told = cli(*words, "--link-from", "1000", "--review-from", "900", "--json")
    assert told.code == 1
    assert told.json["decided"] == 40
    assert told.json["contradicted"] == sum(pair["after"] == "new" for pair in told.json["pairs"]) > 0
    assert told.json["sources"][0]["bands"]["link > new"] == len(weights)
    write("not_same")
    told = cli(*words)
    assert told.code == 1
    assert "AGAINST" in told.out
    assert "40 of 40 decided pairs would be judged against somebody's word" in told.out


@pytest.mark.parametrize(
    ("content", "code", "place"),
    [
        (b"", "file-empty", "bad.csv"),
        (b"id,given,family\n", "file-empty", "bad.csv"),
        (b"id,given,family\n1,Anna,Vogt\n2,Bert,Maier,9\n", "row-faulty", "bad.csv, line 3"),
        (b"id,given,family\n1,Anna,Vogt\n2,J\xfcrgen,Maier\n", "not-utf8", "bad.csv, line 3, column 2"),
        (b"id,given,family\n1,Anna,Vogt\n1,Bert,Maier\n", "id-twice", "bad.csv, row 3, column id"),
        (b"id,given,family\n,Anna,Vogt\n1,Bert,Maier\n", "id-missing", "bad.csv, row 2, column id"),
        (b"colour,size\nred,3\n", "columns-unknown", "bad.csv"),
    ],
)
def test_a_fault_is_told_with_its_place_and_nothing_is_written(
    cli: Cli, tmp_path: Path, content: bytes, code: str, place: str
) -> None:
    bad, to = tmp_path / "bad.csv", tmp_path / "out.csv"
    bad.write_bytes(content)
    err = codes(cli("match", "dedupe", str(bad), "--to", str(to)))
    assert code in err
    assert place in err
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["bad.csv"]


def test_what_cannot_be_is_refused_before_anything_is_read(cli: Cli, tmp_path: Path, customers: Path) -> None:
    to = str(tmp_path / "out.csv")
    assert "file-unreadable" in codes(cli("match", "dedupe", str(tmp_path / "none.csv"), "--to", to))
    assert "file-unreadable" in codes(cli("match", "dedupe", str(tmp_path), "--to", to))
    assert "would-overwrite" in codes(cli("match", "dedupe", str(customers), "--to", str(customers)))
    assert "map-faulty" in codes(cli("match", "dedupe", str(customers), "--map", "Ort=colour", "--to", to))
    assert "column-unknown" in codes(cli("match", "dedupe", str(customers), "--map", "Orte=city", "--to", to))
    assert "thresholds-crossed" in codes(cli("match", "dedupe", str(customers), "--link-from", "-9", "--to", to))
    assert "file-missing" in codes(cli("match", "explain", "r1", "r2"))
    (tmp_path / "model.json").write_text("{}")
    model = str(tmp_path / "model.json")
    assert "model-faulty" in codes(cli("match", "dedupe", str(customers), "--model", model, "--to", to))
    nowhere = str(tmp_path / "none" / "out.csv")
    assert "file-unwritable" in codes(cli("match", "dedupe", str(customers), "--to", nowhere))
    parquet = tmp_path / "bad.parquet"
    parquet.write_text("id,given\n1,Anna\n")
    assert "file-unreadable" in codes(cli("match", "dedupe", str(parquet), "--to", to))


def test_without_the_extra_it_is_said_what_to_install(
    cli: Cli, customers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = __import__("importlib.util", fromlist=["find_spec"]).find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "numba" else find(name))
    told = cli("match", "dedupe", str(customers))
    assert told.code == 3
    assert "match-not-installed" in told.err
    assert "crossdock[match]" in told.err


def test_no_other_command_waits_for_the_compiler() -> None:
    import subprocess  # noqa: PLC0415 - a process of its own has imported nothing yet

    words = (
        "import sys, crossdock.entrypoints.cli.main; sys.exit('numba' in sys.modules or 'polars' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", words], check=False).returncode == 0


def test_columns_are_known_by_their_headings_and_what_is_told_wins() -> None:
    assert attributes_of("f", ["Vorname", "Nachname", "PLZ", "E-Mail 1", "E-Mail 2", "Notiz"], {}) == {
        "Vorname": "given",
        "Nachname": "family",
        "PLZ": "postcode",
        "E-Mail 1": "email",
        "E-Mail 2": "email",
    }
    told = parse_maps(["Notiz=extra:note", "PLZ=-", "Kd=Nr=id"])
    assert told == {"Notiz": "extra:note", "PLZ": "-", "Kd=Nr": "id"}
    found = attributes_of("f", ["Kd=Nr", "id", "Name", "PLZ", "Notiz"], told)
    assert found == {"Kd=Nr": "id", "Name": "name", "Notiz": "extra:note"}
    with pytest.raises(Invalid) as fault:
        attributes_of("f.csv", ["a", "b"], {"a": "city", "b": "city"})
    assert {one.path for one in fault.value.findings} == {"f.csv, column a", "f.csv, column b"}
