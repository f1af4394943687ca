"""Another model, or other thresholds: whom they would put together or part, and what would follow of that."""

from pathlib import Path
from typing import Any

import pytest
from tests.entrypoints.cli.conftest import Cli
from tests.entrypoints.cli.past import Past, a_past
from tests.entrypoints.customers import ALMOST_ANNA, ANNA
from tests.stores import postgres_stores

from crossdock.bootstrap import rehearsals
from crossdock.entrypoints.cli.exits import ExitCode

REHEARSE = ("match", "rehearse", "--json")
KEEN = ("--link-from", "-40", "--review-from", "-40")
SHY = ("--link-from", "900", "--review-from", "800")
COUNTS = ("joined", "parted", "begun", "held", "freed", "beyond")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def past(request: pytest.FixtureRequest, deployment: Path) -> Past:
    """Two systems; the CRM owns everything, and both are told what holds."""
    dsn = ""
    if request.param == "postgres":
        dsn = request.getfixturevalue("migrated_postgres")
        postgres_stores(dsn)
    return a_past(deployment, dsn)


def regrouped(found: Any) -> tuple[int, ...]:
    return tuple(found["regrouped"][name] for name in COUNTS)


def shown(past: Past, number: str) -> Any:
    (partner,) = past.systems["crm"].partners.read([number])
    assert partner is not None
    return partner.card


def test_who_would_be_one_is_followed_to_each_value_and_write_and_nothing_is_done(
    past: Past, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past.write("crm", ANNA)
    past.write("crm", ALMOST_ANNA)
    past.work(records=("crm/partner/BP-00001", "crm/partner/BP-00002"))
    ownership = past.folder / "ownership.yaml"
    ownership.write_text(f"{ownership.read_text()}merging: {{crm: {{on_merge: link}}}}\n")
    page, before = tmp_path / "tried.html", (past.rows(), past.written())
    told = cli(*REHEARSE, *KEEN, "--report", str(page))
    assert told.code == ExitCode.OK, told.err
    assert regrouped(told.json) == (1, 0, 0, 0, 1, 0)
    found = told.json["regrouped"]["consequences"]
    assert (found["parties"], found["changed"]) == (2, 2)
    moves = {one["field"]: (one["other"], one["begins"], one["ends"]) for one in found["fields"]}
    assert moves == {
        "contact.email": (0, 1, 0),
        "contact.phone": (0, 1, 0),
        "person.birth_date": (0, 1, 0),
        "person.name.given": (1, 0, 0),
    }
    (crm,) = found["systems"]
    assert (crm["system"], crm["writes"], crm["creates"], crm["fields"]) == ("crm", 2, 0, dict.fromkeys(moves, 1))
    assert crm["repairs"] == 1, "a merge would link its two records"
    said = cli("match", "rehearse", *KEEN)
    for text in (told.out, page.read_text(), said.out):
        assert ANNA["contact.email"] not in text, "values only where they were asked for"
    for text in (page.read_text(), said.out):
        assert "ustomers would become part of another one" in text
        assert "person.birth_date" in text
    assert (past.rows(), past.written()) == before, "a rehearsal writes nothing"
    monkeypatch.setattr(rehearsals, "GROUP_MAX", 1)
    assert regrouped(cli(*REHEARSE, *KEEN).json) == (0, 0, 0, 0, 1, 2), "too many at once are told as that"

    (review,) = cli("customers", "reviews", "--json").json
    assert cli("customers", "decide", "same", str(review["number"]), "--reason", "called her").code == ExitCode.OK
    past.work()
    for number in ("BP-00001", "BP-00002"):
        card = shown(past, number)
        assert (card["contact.email"], card["contact.phone"]) == (
            ANNA["contact.email"],
            ALMOST_ANNA["contact.phone"],
        )
    assert regrouped(cli(*REHEARSE, *SHY).json) == (0, 0, 0, 0, 0, 0), "a word of a person goes before any model"


def test_who_would_be_two_is_followed_to_what_the_one_would_lose(past: Past, cli: Cli) -> None:
    past.write("crm", ANNA)
    past.write("erp", ANNA)
    past.work(records=("crm/partner/BP-00001", "erp/partner/BP-00001"))
    told = cli(*REHEARSE, *SHY, "--show-values")
    assert told.code == ExitCode.OK, told.err
    assert regrouped(told.json) == (0, 1, 1, 0, 0, 0)
    found = told.json["regrouped"]["consequences"]
    assert all(field["ends"] == 1 for field in found["fields"]), (
        "the CRM's word would not hold for the ERP's record"
    )
    assert {one["system"]: (one["writes"], one["stops"]) for one in found["systems"]} == {}
    (one, *_) = found["samples"]
    assert ANNA["contact.email"] in [field.get("before") for field in one["fields"]]
    assert any("read" in row and f"customer/{one['party_id']}" in row for row in past.rows()["audit"])
    sources = {one["source"]: (one["other_band"], one["other_cluster"]) for one in told.json["sources"]}
    assert sources == {"crm": (1, 0), "erp": (1, 1)}
    assert told.json["sources"][0]["bands"] == {"link > new": 1}


def test_who_would_be_doubted_would_wait_for_a_steward(past: Past, cli: Cli) -> None:
    otto = {
        **ANNA,
        "person.name.given": "Otto",
        "person.birth_date": "1951-01-30",
        "contact.email": "otto@example.net",
    }
    past.write("crm", ANNA)
    past.write("crm", otto)
    past.work(records=("crm/partner/BP-00001", "crm/partner/BP-00002"))
    doubting = cli(*REHEARSE, "--link-from", "900", "--review-from", "-60")
    assert regrouped(doubting.json) == (0, 0, 0, 1, 0, 0)
    assert doubting.json["sources"][0]["bands"] == {"new > review": 2}
