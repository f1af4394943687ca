"""Files are matched with the bands of the deployment, each kind with its own; what the command says wins."""

from pathlib import Path

import pytest
from bench.match.retail import retail_rows
from tests.entrypoints.cli.conftest import Cli
from tests.entrypoints.cli.test_match import result, written

from crossdock.entrypoints.cli.deployments import VARIABLE

NOBODY = "{link: 900, review: 800}"
USUAL = ("--link-from", "6", "--review-from", "-2")


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    return written(tmp_path / "customers.csv", list(retail_rows(500, seed=3)))


def decide_by(deployment: Path, **kinds: str) -> None:
    rules = ", ".join(f"{kind}: {bands}" for kind, bands in kinds.items())
    (deployment / "policies.yaml").write_text(f"matching: {{{rules}}}\n")


def bands_by_kind(cli: Cli, customers: Path, to: Path, *words: str) -> dict[str, set[str]]:
    """The bands that records of each kind fall into."""
    told = cli("match", "dedupe", str(customers), "--to", str(to), *words)
    assert told.code == 0, told.err
    kinds = [row["Type"] for row in result(customers)]
    found: dict[str, set[str]] = {}
    for kind, row in zip(kinds, result(to), strict=True):
        found.setdefault(kind, set()).add(row["band"])
    return found


def test_each_kind_has_the_bands_of_the_deployment_and_what_is_said_wins(
    cli: Cli, deployment: Path, customers: Path, tmp_path: Path
) -> None:
    to, page = tmp_path / "to.csv", tmp_path / "page.html"
    usual = bands_by_kind(cli, customers, to)
    assert all("link" in bands for bands in usual.values())
    assert len(usual) == 2
    decide_by(deployment, organisation=NOBODY)
    strict = bands_by_kind(cli, customers, to, "--report", str(page))
    assert strict["person"] == usual["person"]
    assert strict["organisation"] == {"new"}
    assert "persons: link from 6, review from -2 bits" in page.read_text()
    assert "organisations: link from 900, review from 800 bits" in page.read_text()
    assert bands_by_kind(cli, customers, to, *USUAL) == usual


def test_a_pair_is_explained_and_rehearsed_with_the_same_bands(
    cli: Cli, deployment: Path, customers: Path, tmp_path: Path
) -> None:
    to, labels = tmp_path / "to.csv", tmp_path / "decided.csv"
    assert cli("match", "dedupe", str(customers), "--to", str(to)).code == 0
    kinds = {row["id"]: row["Type"] for row in result(customers)}
    linked = [row for row in result(to) if row["band"] == "link" and kinds[row["id"]] == "person"]
    one, other = linked[0]["id"], linked[0]["nearest"]
    labels.write_text(f"one,other,verdict\n{one},{other},same\n")
    explain = ("match", "explain", one, other, "--file", str(customers), "--json")
    rehearse = ("match", "rehearse", str(customers), "--labels", str(labels), "--json")
    assert cli(*explain).json["band"] == "link"
    decide_by(deployment, person="{link: 900, review: -50}")
    assert cli(*explain).json["band"] == "review"
    assert cli(*explain, *USUAL).json["band"] == "link"
    assert cli(*rehearse).json["pairs"] == [], "nothing else is tried than what holds"
    (pair,) = cli(*rehearse, *USUAL).json["pairs"]
    assert (pair["before"], pair["after"]) == ("review", "link")


def test_bands_that_are_none_are_refused_before_anything_is_read(
    cli: Cli, deployment: Path, customers: Path, tmp_path: Path
) -> None:
    to = tmp_path / "to.csv"
    decide_by(deployment, person="{link: -9, review: 3}")
    told = cli("match", "dedupe", str(customers), "--to", str(to))
    assert told.code == 3
    assert "policies.yaml $.matching.person" in told.err
    told = cli("match", "dedupe", str(customers), "--to", str(to), "--deployment", str(tmp_path / "none"))
    assert "deployment-missing" in told.err
    assert not to.exists()


def test_where_no_deployment_is_or_several_are_the_usual_bands_hold(
    cli: Cli, customers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE)
    monkeypatch.chdir(tmp_path)
    usual = bands_by_kind(cli, customers, tmp_path / "to.csv")
    for name in ("one", "two"):
        (tmp_path / "deployments" / name).mkdir(parents=True)
        (tmp_path / "deployments" / name / "systems.yaml").write_text("{}\n")
        decide_by(tmp_path / "deployments" / name, person=NOBODY)
    assert bands_by_kind(cli, customers, tmp_path / "to.csv") == usual
    told = cli("match", "dedupe", str(customers), "--to", str(tmp_path / "to.csv"))
    assert "deployments/one" in told.err
