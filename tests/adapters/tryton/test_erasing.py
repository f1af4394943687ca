"""Somebody is forgotten, end to end: in a Salesforce org and a real Tryton by what each offers, and in the hub."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.tryton.bench import TrytonBench
from tests.adapters.tryton.retailer import PATIENCE_SECONDS, Retailer, a_retailer
from tests.hubs import eventually

from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.contracts.customers import customer_subject
from crossdock.durable.records import Commit, RunState
from crossdock.identity.privacy.erasing import NAME_LEFT, ErasureAsked

pytestmark = [pytest.mark.anyio, pytest.mark.tryton]

ADA = {
    "FirstName": "Ada",
    "LastName": "Zyxwvlace",
    "PersonEmail": "ada@zyxwv.example",
    "Phone": "+49 30 5550144",
    "ShippingStreet": "Rechenweg 1",
    "ShippingPostalCode": "10115",
    "ShippingCity": "Berlin",
    "ShippingCountry": "Germany",
    "EmailConsent__c": "opt_in",
    "Description": "plays whist",
}


@pytest.fixture
async def retailer(bench: TrytonBench, tmp_path: Path) -> AsyncIterator[Retailer]:
    async with a_retailer(bench, tmp_path, "sqlite:hub.sqlite") as retailer:
        yield retailer


async def ask(hub: Hub, party_id: str, erasure_id: str) -> None:
    assert hub.customers is not None
    asked = ErasureAsked(erasure_id=erasure_id, party_id=party_id, by="dpo", reason="Art. 17")
    await hub.committer.submit(Commit(starts=(hub.customers.erasure.start(erasure_id, asked),)))


async def test_a_person_is_forgotten_once_the_erp_has_nothing_open(retailer: Retailer) -> None:
    seed, admin = retailer.org.simulator.seed, retailer.tryton.admin
    (individual,) = seed.rows("Individual", [{"LastName": "Zyxwvlace", "FirstName": "Ada"}])
    (account,) = seed.rows("Account", [ADA | {"PersonIndividualId": individual}], announce=True)
    reference = ExternalReference("salesforce", "Account", account)
    async with retailer.hub() as hub:

        async def numbered() -> bool:
            return bool(retailer.account(account)["ErpId__c"])

        assert await eventually(numbered, within_seconds=PATIENCE_SECONDS)
        (party,) = await retailer.parties("Ada Zyxwvlace")
        party_id = (await hub.store.find_parties([reference]))[reference]
        (sale,) = await admin.create("sale.sale", [{"party": party["id"]}])

        await ask(hub, party_id, "E-1")

        async def refused() -> bool:
            said = await hub.store.list_audit(run_id=customer_subject(party_id))
            return ("erp", "erase-refused", "erasure-pending") in [(e.actor, e.verb, e.reason) for e in said]

        assert await eventually(refused, within_seconds=PATIENCE_SECONDS)

        async def waits() -> bool:
            runs = await hub.store.list_runs(state=RunState.WAITING)
            return [run.process for run in runs] == ["erasure_again"]

        assert await eventually(waits, within_seconds=PATIENCE_SECONDS)
        assert retailer.account(account)["LastName"] == "Zyxwvlace", "nothing is cleared before the ERP consents"
        assert [bool(one["active"]) for one in await retailer.parties("Ada Zyxwvlace")] == [True]

        await admin.button("sale.sale", "cancel", [sale])
        await ask(hub, party_id, "E-2")

        async def forgotten() -> bool:
            return await hub.store.is_erased(reference)

        assert await eventually(forgotten, within_seconds=PATIENCE_SECONDS)
        assert await hub.store.list_runs(state=RunState.PARKED) == []

    row = retailer.account(account)
    emptied = ("FirstName", "PersonEmail", "Phone", "ShippingStreet", "ShippingCity", "Description")
    assert {name: row[name] for name in emptied} == dict.fromkeys(emptied)
    assert (row["LastName"], row["EmailConsent__c"]) == (NAME_LEFT, "opt_out")
    said = retailer.org.row(individual, "Individual")
    assert (said["LastName"], said["ShouldForget"]) == (NAME_LEFT, True)
    domain = [("id", "=", party["id"]), ("active", "in", [True, False])]
    fields = ["name", "code", "active", "addresses.city", "contact_mechanisms.value", "identifiers.code"]
    (left,) = await admin.search_read("party.party", domain, fields)
    assert (left["name"], left["code"], bool(left["active"])) == (NAME_LEFT, party["code"], False)
    assert {one["city"] for one in left["addresses."]} | {one["value"] for one in left["contact_mechanisms."]} <= {
        None,
        "****",
    }
    stored = b"".join(path.read_bytes() for path in retailer.folder.glob("hub.sqlite*"))
    assert b"zyxwv" not in stored.lower()
