"""Duplicates in connected systems and in the hub: read through the docks, told by the systems' own ids."""

import csv
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from bench.match.retail import retail_rows
from bench.match.rows import Row
from tests.entrypoints.cli.conftest import Cli
from tests.entrypoints.cli.past import Past, a_past
from tests.entrypoints.customers import ALMOST_ANNA, ANNA

from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.entrypoints.cli.match.gathering import Gathered
from crossdock.identity.matching.record import Profile

PEOPLE = 200
COLUMNS = {
    "kind": "kind",
    "given": "person.name.given",
    "family": "person.name.family",
    "organisation": "organisation.legal_name",
    "email": "contact.email",
    "phone": "contact.phone",
    "tax": "tax.number",
    "loyalty": "loyalty.main.number",
    "street": "billing.address.lines",
    "postcode": "billing.address.postal_code",
    "city": "billing.address.city",
    "country": "billing.address.country",
}


def card_of(row: Row) -> dict[str, Any]:
    """A row of the made-up retailer as a card of the memory ERP."""
    company = row.kind == "organisation"
    said: dict[str, Any] = {
        "kind": row.kind,
        "person.name.given": "" if company else row.given,
        "person.name.family": "" if company else row.surname or row.full,
        "organisation.legal_name": row.organisation if company else "",
        "contact.email": row.email,
        "contact.phone": row.phone,
        "tax.number": row.tax,
        "loyalty.main.number": row.loyalty,
        "billing.address.lines": [row.street] if row.street else "",
        "billing.address.postal_code": row.postcode,
        "billing.address.city": row.city,
        "billing.address.country": row.country,
    }
    return {name: value for name, value in said.items() if value}


def result(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def clusters(rows: list[dict[str, str]]) -> dict[str, list[str]]:
    """The records of each cluster, as `source:id`."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["cluster"], []).append(f"{row['source']}:{row['id']}")
    return found


@pytest.fixture
def retailer(deployment: Path) -> tuple[Past, dict[str, str]]:
    """Two systems full of customers, nobody in the hub; who is meant by each record."""
    past = a_past(deployment)
    truth = {}
    for row in retail_rows(PEOPLE, seed=3):
        system = "erp" if row.source == "erp" else "crm"
        truth[f"{system}:{past.write(system, card_of(row))}"] = row.truth
    return past, truth


def as_files(past: Past, folder: Path) -> list[str]:
    """The same customers as files, one for each system."""
    paths = []
    for name, surface in past.systems.items():
        paths.append(folder / f"{name}.csv")
        with paths[-1].open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("id", *COLUMNS))
            for partner in filter(None, surface.partners.read([f"BP-{n:05d}" for n in range(1, PEOPLE + 1)])):
                cells = (partner.card.get(name, "") for name in COLUMNS.values())
                writer.writerow((partner.number, *(cell[0] if isinstance(cell, list) else cell for cell in cells)))
    return [str(path) for path in paths]


def test_duplicates_in_systems_are_those_in_files_by_the_systems_ids(
    retailer: tuple[Past, dict[str, str]], cli: Cli, tmp_path: Path
) -> None:
    past, truth = retailer
    to, page, other = tmp_path / "to.csv", tmp_path / "page.html", tmp_path / "other.csv"
    told = cli(
        "match", "dedupe", "--system", "crm", "--system", "erp", "--to", str(to), "--report", str(page), "--json"
    )
    assert told.code == ExitCode.OK, told.err
    rows = result(to)
    assert {f"{row['source']}:{row['id']}" for row in rows} == set(truth)
    assert told.json["records"] == len(truth)
    assert cli("match", "dedupe", *as_files(past, tmp_path), "--to", str(other)).code == ExitCode.OK
    assert clusters(rows) == clusters(result(other)), "the same scoring"
    assert len(clusters(rows)) < len(rows) * 0.9
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (to, page))
    one, same = next(members for members in clusters(rows).values() if len(members) > 1)[:2]
    assert "crm, erp" in page.read_text()
    why = cli("match", "explain", one, same, "--system", "crm", "--system", "erp", "--json")
    assert why.json["evidence"], why.err
    alone = cli("match", "dedupe", "--system", "erp", "--to", str(to), "--json")
    assert alone.json["files"] == ["erp"]


def test_what_is_deleted_is_left_out_and_what_changed_is_as_it_is_now(
    deployment: Path, cli: Cli, tmp_path: Path
) -> None:
    past, to = a_past(deployment), tmp_path / "to.csv"
    for card in (ANNA, ANNA, ALMOST_ANNA):
        past.write("crm", card)
    past.systems["crm"].partners.delete("BP-00002")
    words = ("match", "dedupe", "--system", "crm", "--to", str(to))
    assert cli(*words).code == ExitCode.OK
    assert [row["id"] for row in result(to)] == ["BP-00001", "BP-00003"]
    for number in ("BP-00001", "BP-00003"):
        past.systems["crm"].partners.delete(number)
    assert "nobody-there" in cli(*words).err


def test_a_systems_budget_is_kept(retailer: tuple[Past, dict[str, str]], cli: Cli, tmp_path: Path) -> None:
    past, _ = retailer
    systems = yaml.safe_load((past.folder / "systems.yaml").read_text())
    systems["crm"]["settings"]["arrivals_max"] = 20
    systems["crm"]["limits"] = {"daily_budget": 3}
    (past.folder / "systems.yaml").write_text(yaml.safe_dump(systems))
    told = cli("match", "dedupe", "--system", "crm", "--to", str(tmp_path / "to.csv"))
    assert (told.code, "lane-closed" in told.err) == (ExitCode.UNAVAILABLE, True), told.err
    assert not (tmp_path / "to.csv").exists()


def test_the_hubs_own_customers_go_by_their_ids(deployment: Path, cli: Cli, tmp_path: Path) -> None:
    past, to = a_past(deployment), tmp_path / "to.csv"
    past.write("crm", ANNA)
    past.write("erp", ANNA)
    past.write("crm", ALMOST_ANNA)
    past.work(records=["crm/partner/BP-00001", "erp/partner/BP-00001", "crm/partner/BP-00002"])
    before = past.rows()
    told = cli("match", "dedupe", "--hub", "--to", str(to), "--json")
    assert (told.code, told.json["records"], told.json["files"]) == (ExitCode.OK, 2, ["hub"])
    one, other = (row["id"] for row in result(to))
    why = cli("match", "explain", one, f"hub:{other}", "--hub")
    assert "given name" in why.out
    after = past.rows()
    assert [len(after.pop("audit")), len(before.pop("audit"))] == [2, 0], "who looked at them is in the audit"
    assert after == before
    assert cli("customers", "show", one, "--json").json["customer_id"] == one
    both = cli("match", "dedupe", "--hub", "--system", "erp", "--to", str(to), "--json")
    assert (both.json["records"], both.json["files"]) == (3, ["erp", "hub"])


def test_systems_that_cannot_be_read_are_told(deployment: Path, cli: Cli) -> None:
    a_past(deployment)
    assert "system-unknown" in cli("match", "dedupe", "--system", "nobody").err
    assert cli("match", "dedupe", "customers.csv", "--system", "crm").code == ExitCode.USAGE
    assert "file-missing" in cli("match", "dedupe").err


def test_a_record_that_comes_again_is_as_it_is_by_then() -> None:
    gathered = Gathered(["crm"])
    gathered.put("crm", "partner", "1", Profile(family="Seidl", phones=("1", "2")))
    gathered.put("crm", "partner", "2", Profile(family="Moser"))
    gathered.put("crm", "partner", "3", Profile(family="Berger"))
    gathered.put("crm", "partner", "1", Profile(family="Huber", emails=("h@mail.example",)))
    gathered.drop("crm", "partner", "2")
    gathered.drop("crm", "partner", "9")
    crowd = gathered.crowd()
    assert [crowd.name(row) for row in range(crowd.table.size)] == ["crm:1", "crm:3"]
    first = crowd.table.profile(0)
    assert (first.family, first.phones, first.emails) == ("Huber", (), ("h@mail.example",))
    gathered.put("crm", "partner", "2", Profile(family="Moser"))
    assert gathered.crowd().table.value("family", 1) == "Moser"
