"""Forgetting a customer from the command line: looked at first, reasoned, carried out by the hub."""

import asyncio
import json
import sqlite3
import stat
import time
from pathlib import Path

import pytest
from tests.entrypoints.cli.conftest import Cli

from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import load_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.durable.records import Commit, EffectStep
from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.identity.golden.contributions import Statement
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ledger import NoteTold, TakeChange
from crossdock.kit.clock import MICROSECONDS

RECORD = ExternalReference("erp", "partner", "BP-1")
OTHER = ExternalReference("erp", "partner", "BP-2")


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
    assert told.json == {"party": customer, "records": [cleared], "orders_left": []}
    assert "contact.email" in cli("privacy", "erase", customer, "--dry-run").out
    assert "zyxwv" not in told.out
    assert cli("parked", "list", "--json").json == []


def test_an_erasure_needs_a_reason_and_is_started_once_said_so(cli: Cli, customer: str) -> None:
    assert "reason-missing" in cli("privacy", "erase", customer, "--yes").err
    told = cli("privacy", "erase", customer, "--yes", "--reason", "Art. 17", "--json")
    assert told.code == 0
    assert told.json["run"].startswith("party_erasure/")


def test_whom_the_law_wants_kept_is_not_forgotten_until_that_is_lifted(cli: Cli, customer: str) -> None:
    assert "reason-missing" in cli("privacy", "hold", customer).err
    assert "no legal hold" in cli("privacy", "status", customer).out
    held = cli("privacy", "hold", "--reference", "erp:partner:BP-1", "--reason", "lawsuit", "--json")
    assert held.json == {"party": customer, "held": True, "changed": True}
    assert cli("privacy", "hold", customer, "--reason", "lawsuit", "--json").json["changed"] is False
    refused = cli("privacy", "erase", customer, "--yes", "--reason", "Art. 17")
    assert refused.code == ExitCode.REFUSED
    assert "legal-hold" in refused.err
    told = cli("privacy", "status", customer, "--json").json
    assert told["held_since"]
    assert (told["erasures"], told["refused"]) == ([], [])
    assert "a legal hold is on it" in cli("privacy", "status", customer).out
    assert "no legal hold" in cli("privacy", "release", customer, "--reason", "settled").out
    assert cli("privacy", "erase", customer, "--yes", "--reason", "Art. 17").code == 0
    (erasure,) = cli("privacy", "status", customer, "--json").json["erasures"]
    assert erasure["state"] == "ready"
    assert cli("privacy", "hold", "P-none", "--reason", "lawsuit").code == ExitCode.REFUSED


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


@pytest.fixture
def withdrawn(deployment: Path, customer: str) -> str:
    """One record withdrew a consent; another of the same customer still shows it."""
    now = int(time.time() * MICROSECONDS)
    fields = {"consents.email.status": "opt_out", "consents.email.captured_from": "zyxwv"}
    said = Statement(fields=fields, said_at=now, counted_at=now, arrived_at=now)
    effects = (
        TakeChange(record=RECORD, party_id=customer, statement=said),
        NoteTold(record=OTHER, party_id=customer, fields={"consents.email.status": "opt_in"}),
    )

    async def make() -> None:
        async with Hub(load_deployment(deployment, find_manifests())) as hub:
            steps = tuple(EffectStep(str(number), effect) for number, effect in enumerate(effects))
            await hub.committer.submit(Commit(effects=steps))

    asyncio.run(make())
    return customer


def test_consents_tell_what_is_owed_by_status_alone_and_the_look_is_kept(
    cli: Cli, deployment: Path, withdrawn: str
) -> None:
    told = cli("privacy", "consents", "--reference", "erp:partner:BP-1", "--json")
    assert told.code == 0, "it is on time"
    (consent,) = told.json["consents"]
    assert (consent["status"], consent["record"]) == ("opt_out", "erp/partner/BP-1")
    places = {place["record"]: (place["state"], place["status"]) for place in consent["places"]}
    assert places == {"erp/partner/BP-1": ("shows", "opt_out"), "erp/partner/BP-2": ("owed", "opt_in")}
    page = cli("privacy", "consents", withdrawn, "--within", "0")
    assert page.code == ExitCode.FAILED
    assert "opt_out" in page.out
    assert "zyxwv" not in told.out + page.out
    assert cli("privacy", "consents", "P-none").code == ExitCode.NOT_FOUND

    async def looks() -> int:
        async with Hub(load_deployment(deployment, find_manifests())) as hub:
            return len(await hub.store.list_audit(run_id=f"customer/{withdrawn}"))

    assert asyncio.run(looks()) == 2


def test_what_is_late_of_all_customers_is_counted_and_listed_up_to_a_limit(cli: Cli, withdrawn: str) -> None:
    on_time = cli("privacy", "consents", "--json")
    assert (on_time.code, on_time.json["customers"], on_time.json["late"]) == (0, 1, 0)
    late = cli("privacy", "consents", "--within", "0", "--json")
    assert late.code == ExitCode.FAILED
    assert (late.json["late"], late.json["by_system"]) == (1, {"erp": 1})
    (first,) = late.json["first"]
    assert (first["customer_id"], first["status"], first["place"]["status"]) == (withdrawn, "opt_out", "opt_in")
    page = cli("privacy", "consents", "--within", "0")
    assert page.code == ExitCode.FAILED
    assert "1 late of 1 customer: erp 1" in page.out
    for nonsense in ("nan", "inf", "-1"):
        assert cli("privacy", "consents", "--within", nonsense).code == ExitCode.USAGE
    assert "zyxwv" not in late.out + page.out


def test_without_customers_there_is_nobody_to_forget(cli: Cli) -> None:
    assert "no-customers" in cli("privacy", "erase", "P-1", "--dry-run").err


def test_the_log_of_erasures_is_followed_when_asked(cli: Cli, deployment: Path) -> None:
    assert cli("privacy", "replay", "--json").json == {"erasures": 0}
    (deployment / ".crossdock" / "erasures.jsonl").write_text("no line\n")
    assert "erasures-unreadable" in cli("privacy", "replay").err


def test_after_rotating_the_older_secret_can_be_taken_out(cli: Cli, customer: str, deployment: Path) -> None:
    path = deployment / ".crossdock" / "keys"
    index, old = (line for line in path.read_text().splitlines() if not line.startswith("#"))
    new = f"second: {'c2Vj' * 10}c2U="
    path.write_text(f"{index}\n{new}\n{old}\n")
    assert cli("privacy", "rotate", "--json").json["keys"] > 0
    assert cli("privacy", "rotate", "--json").json == {"keys": 0}
    path.write_text(f"{index}\n{new}\n")
    told = cli("privacy", "export", customer, "--output", str(deployment), "--json")
    assert told.code == 0, told.err
    (record,) = json.loads(Path(told.json["files"][0]).read_text())["records"]
    assert record["fields"]["contact.email"]["shown"] == "zyxwv@x.org"


def test_rows_from_before_sealing_are_sealed_on_demand(cli: Cli, customer: str, deployment: Path) -> None:
    async def lay_bare() -> int:
        async with Hub(load_deployment(deployment, find_manifests())) as hub:
            await hub.store._write(
                lambda tx: tx._inner.update(  # type: ignore[attr-defined]
                    "contribution",
                    ("said",),
                    ("record", "field"),
                    [(b'"zyxwv"', "erp/partner/BP-1", "contact.email")],
                )
            )
            return len(await hub.store._read(lambda tx: tx.execute("SELECT record FROM contribution").fetchall()))

    assert asyncio.run(lay_bare())
    path = deployment / ".crossdock" / "hub.sqlite"
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert cli("privacy", "seal", "--json").json["sealed"] == 1
    with sqlite3.connect(path) as beside:
        (said,) = beside.execute("SELECT said FROM contribution WHERE field = 'contact.email'").fetchone()
    assert b"zyxwv" not in said
    assert cli("privacy", "seal", "--json").json["sealed"] == 0
