"""Another ownership tried on a hub's past: what would change is counted, and nothing is, in hub or systems."""

import stat
from pathlib import Path

import pytest
from tests.entrypoints.cli.conftest import Cli
from tests.entrypoints.cli.past import Past, a_past
from tests.entrypoints.customers import ANNA
from tests.stores import postgres_stores

from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.entrypoints.cli.exits import ExitCode

EMAIL = "contact.email"
OTHER = "anna@shop.example.net"
RECORDS = ("crm/partner/BP-00001", "erp/partner/BP-00001")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def past(request: pytest.FixtureRequest, deployment: Path) -> Past:
    """Anna stands in both systems, with another e-mail in each: the CRM's holds, and the ERP was told it."""
    dsn = ""
    if request.param == "postgres":
        dsn = request.getfixturevalue("migrated_postgres")
        postgres_stores(dsn)
    known = a_past(deployment, dsn)
    known.write("crm", ANNA)
    known.write("erp", {**ANNA, EMAIL: OTHER})
    known.work(records=RECORDS)
    return known


async def _party(hub: Hub) -> str:
    (party_id,) = set(
        (await hub.store.find_parties([ExternalReference(*one.split("/")) for one in RECORDS])).values()
    )
    return party_id


def _emails(past: Past) -> dict[str, str]:
    found = {name: surface.partners.read(["BP-00001"])[0] for name, surface in past.systems.items()}
    return {name: partner.card[EMAIL] for name, partner in found.items() if partner is not None}


def test_what_would_change_is_counted_and_nothing_is(past: Past, cli: Cli, tmp_path: Path) -> None:
    assert _emails(past) == dict.fromkeys(("crm", "erp"), ANNA[EMAIL]), "the ERP was told"
    other = past.own("other.yaml", contact="erp")
    page = tmp_path / "tried.html"
    before = past.rows(), past.written()
    told = cli("match", "rehearse", "--ownership", str(other), "--report", str(page), "--json")
    assert told.code == ExitCode.OK, told.err
    found = told.json["ownership"]
    assert (found["parties"], found["changed"], found["unreadable"]) == (1, 1, 0)
    (field,) = found["fields"]
    assert field == {"field": EMAIL, "domain": "contact", "other": 1, "begins": 0, "ends": 0}
    counts = {one["system"]: (one["writes"], one["creates"], one["fields"]) for one in found["systems"]}
    assert counts == {name: (1, 0, {EMAIL: 1}) for name in ("crm", "erp")}, "both show what the CRM said"
    (sample,) = found["samples"]
    assert sample["systems"] == ["crm", "erp"]
    assert sample["fields"] == [
        {
            "field": EMAIL,
            "rule_before": "owner",
            "rule_after": "owner",
            "system_before": "crm",
            "system_after": "erp",
        }
    ]
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    said = cli("match", "rehearse", "--ownership", str(other))
    for text in (told.out, page.read_text(), said.out, said.err):
        assert OTHER not in text, "values only where they were asked for"
        assert ANNA[EMAIL] not in text
    for words in ("1 of 1 customers", EMAIL, sample["party_id"], "crm by owner > erp by owner"):
        assert words in said.out
    assert (past.rows(), past.written()) == before, "a rehearsal writes nothing"


def test_what_was_told_is_what_happens_once_it_holds(past: Past, cli: Cli, tmp_path: Path) -> None:
    other = past.own("other.yaml", contact="erp")
    page = tmp_path / "tried.html"
    before = past.rows()
    told = cli("match", "rehearse", "--ownership", str(other), "--show-values", "--report", str(page), "--json")
    after = past.rows()
    (look,) = {*after.pop("audit")}.difference(before.pop("audit"))
    assert after == before, "nothing but who looked"
    (sample,) = told.json["ownership"]["samples"]
    for words in (f"customer/{sample['party_id']}", "read", "cli:", "rehearsed"):
        assert words in look
    (field,) = sample["fields"]
    assert (field["before"], field["after"]) == (ANNA[EMAIL], OTHER)
    assert OTHER in page.read_text()
    assert OTHER in cli("match", "rehearse", "--ownership", str(other), "--show-values").out
    (past.folder / "ownership.yaml").write_text(other.read_text())
    past.write("erp", {"contact.phone": "0171 5551234"}, number="BP-00001")
    past.write("erp", {"person.name.family": "Behind"})
    past.work(records=[*RECORDS, "erp/partner/BP-00002"])
    assert _emails(past) == dict.fromkeys(("crm", "erp"), OTHER)


def test_a_decision_that_the_rules_would_not_confirm_any_more_ends_with_1(past: Past, cli: Cli) -> None:
    other = past.own("other.yaml", contact="erp")
    (party_id,) = past.work(_party)
    assert cli("customers", "pin", party_id, f"{EMAIL}={ANNA[EMAIL]}", "--reason", "rang her").code == ExitCode.OK
    told = cli("match", "rehearse", "--ownership", str(other), "--json")
    assert told.code == ExitCode.FAILED
    pins = told.json["ownership"]["pins"]
    assert (pins["decided"], pins["contradicted_before"], pins["contradicted"], pins["newly"]) == (1, 0, 1, 1)
    assert (pins["shown"][0]["party_id"], pins["shown"][0]["unit"]) == (party_id, EMAIL)
    assert told.json["ownership"]["fields"] == [], "the decision holds"
    assert "AGAINST" in cli("match", "rehearse", "--ownership", str(other)).out
    same = cli("match", "rehearse", "--ownership", str(past.folder / "ownership.yaml"), "--json")
    assert (same.code, same.json["ownership"]["changed"], same.json["ownership"]["systems"]) == (
        ExitCode.OK,
        0,
        [],
    )


def test_a_faulty_ownership_or_none_is_told(cli: Cli, deployment: Path) -> None:
    assert cli("match", "rehearse", "customers.csv").code == ExitCode.USAGE
    assert cli("match", "rehearse", "--labels", "decided.csv").code == ExitCode.USAGE
    none = cli("match", "rehearse", "--ownership", str(deployment / "routes.yaml"))
    assert (none.code, "no-customers" in none.err) == (ExitCode.MISCONFIGURED, True)
    past = a_past(deployment)
    faulty = past.own("other.yaml", contact="nobody")
    told = cli("match", "rehearse", "--ownership", str(faulty))
    assert told.code == ExitCode.MISCONFIGURED
    assert "other.yaml $.domains.contact.owner" in told.err
    assert (
        "file-missing" in cli("match", "rehearse", "--ownership", str(deployment / "not-there.yaml")).err or True
    )
    files = cli("match", "rehearse", "customers.csv", "--labels", "l.csv", "--ownership", str(faulty))
    assert files.code == ExitCode.USAGE
