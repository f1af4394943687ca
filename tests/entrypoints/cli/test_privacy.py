"""Forgetting a customer from the command line: looked at first, reasoned, carried out by the hub."""

import asyncio
import json
import stat
from pathlib import Path

import pytest
from tests.entrypoints.cli.conftest import Cli

from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import load_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.durable.records import Commit, EffectStep
from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ledger import NoteTold

RECORD = ExternalReference("erp", "partner", "BP-1")


@pytest.fixture
def customer(deployment: Path) -> str:
    """A party with one record, in a deployment that keeps customers."""
    rules = "\n".join(f"  {domain.value}: {{rule: owner, owner: erp, readers: [erp]}}" for domain in Domain)
    (deployment / "ownership.yaml").write_text(f"marks: [crossdock]\ndomains:\n{rules}\n")

    async def make() -> None:
        async with Hub(load_deployment(deployment, find_manifests())) as hub:
            fields = {"contact.email": "zyxwv@x.org", "kind": "person", "organisation.name": "<i>"}
            told = NoteTold(record=RECORD, party_id="P-7", fields=fields)
            await hub.committer.submit(Commit(effects=(EffectStep("told", told),)))

    asyncio.run(make())
    return "P-7"


def test_what_an_erasure_would_clear_is_shown_by_names_and_done_by_nobody(cli: Cli, customer: str) -> None:
    told = cli("privacy", "erase", "--reference", "erp:partner:BP-1", "--dry-run", "--json")
    assert told.code == 0
    cleared = {"system": "erp", "kind": "partner", "number": "BP-1", "cleared": ["contact.email"]}
    assert told.json == {"party": customer, "records": [cleared]}
    assert "contact.email" in cli("privacy", "erase", customer, "--dry-run").out
    assert "zyxwv" not in told.out
    assert cli("parked", "list", "--json").json == []


def test_an_erasure_needs_a_reason_and_is_started_once_said_so(cli: Cli, customer: str) -> None:
    assert "reason-missing" in cli("privacy", "erase", customer, "--yes").err
    told = cli("privacy", "erase", customer, "--yes", "--reason", "Art. 17", "--json")
    assert told.code == 0
    assert told.json["run"].startswith("party_erasure/")


def test_a_party_that_nobody_knows_is_not_found(cli: Cli, customer: str) -> None:
    assert customer
    assert cli("privacy", "erase", "--reference", "erp:partner:none", "--dry-run").code == ExitCode.NOT_FOUND
    assert cli("privacy", "erase", "P-none", "--dry-run").code == ExitCode.REFUSED
    assert cli("privacy", "erase", "--reference", "nonsense", "--dry-run").code == ExitCode.REFUSED


def test_all_that_is_known_is_written_for_machines_and_people_and_for_nobody_else(
    cli: Cli, customer: str, tmp_path: Path
) -> None:
    told = cli("privacy", "export", customer, "--output", str(tmp_path / "out"), "--json")
    assert told.code == 0
    as_json, as_page = (Path(path) for path in told.json["files"])
    assert {stat.S_IMODE(path.stat().st_mode) for path in (as_json, as_page)} == {0o600}
    known = json.loads(as_json.read_text())
    (record,) = known["records"]
    assert record["fields"]["contact.email"]["shown"] == "zyxwv@x.org"
    assert known["history"][0]["what"] == "told"
    page = as_page.read_text()
    assert "zyxwv@x.org" in page
    assert "&lt;i&gt;" in page, "what systems said is shown, not obeyed"
    assert sorted(path.name for path in as_json.parent.iterdir()) == [f"{customer}.html", f"{customer}.json"]
    assert cli("privacy", "export", "P-none").code == ExitCode.NOT_FOUND


def test_without_customers_there_is_nobody_to_forget(cli: Cli) -> None:
    assert "no-customers" in cli("privacy", "erase", "P-1", "--dry-run").err


def test_the_log_of_erasures_is_followed_when_asked(cli: Cli, deployment: Path) -> None:
    assert cli("privacy", "replay", "--json").json == {"erasures": 0}
    (deployment / ".crossdock" / "erasures.jsonl").write_text("no line\n")
    assert "erasures-unreadable" in cli("privacy", "replay").err
