"""Customers merged and taken apart again, end to end: hub, Salesforce org and a real Tryton, whatever happens.

What is done to them meanwhile stays theirs; what cannot be brought back is told, line by line.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.tryton.bench import TrytonBench
from tests.adapters.tryton.retailer import PATIENCE_SECONDS, Retailer, a_retailer, deployment_in, died
from tests.hubs import eventually

from crossdock.adapters.salesforce.simulator.seeding import Line
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.durable.records import FINAL_STATES, RunState
from crossdock.identity.golden.joining import Merge, Unmerged
from crossdock.kit.errors import Conflict
from crossdock.processes.customer_stewardship import Stewards

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.long]

PAUSE_SECONDS = 0.5

ANNA: dict[str, Any] = {
    "Name": "Nordlicht Ausstattung GmbH",
    "Phone": "+49 30 5550142",
    "Email__c": "einkauf@nordlicht.example",
    "ShippingStreet": "Hafenstraße 7",
    "ShippingPostalCode": "20457",
    "ShippingCity": "Hamburg",
    "ShippingCountry": "Germany",
}
BERTA: dict[str, Any] = {
    "Name": "Weinhaus Cossmann KG",
    "Phone": "+49 89 5550777",
    "Email__c": "keller@cossmann.example",
    "ShippingStreet": "Rebgasse 31",
    "ShippingPostalCode": "80331",
    "ShippingCity": "München",
    "ShippingCountry": "Germany",
}
CLARA: dict[str, Any] = {
    "Name": "Taubenschlag Optik AG",
    "Phone": "+49 711 5550333",
    "Email__c": "brille@taubenschlag.example",
    "ShippingStreet": "Linsenweg 4",
    "ShippingPostalCode": "70173",
    "ShippingCity": "Stuttgart",
    "ShippingCountry": "Germany",
}
SHOWN = (
    "Name",
    "Phone",
    "Email__c",
    "ShippingStreet",
    "ShippingCity",
    "ErpId__c",
    "PaymentTerms__c",
    "Hub_Link__c",
)


class Known:
    """A customer in all three places, by the numbers there."""

    def __init__(self, retailer: Retailer, account: str, name: str) -> None:
        self.retailer, self.account, self.name = retailer, account, name
        self.party = 0

    def shows(self) -> dict[str, Any]:
        """What Salesforce shows of it, as far as the hub writes there."""
        row = self.retailer.account(self.account)
        return {field: row[field] for field in SHOWN}

    async def in_tryton(self) -> dict[str, Any]:
        """The party with all its parts that are in use."""
        fields = ["name", "code", "active", "replaced_by", "customer_payment_term.name"]
        fields += ["contact_mechanisms.value", "addresses.city"]
        domain = [("id", "=", self.party), ("active", "in", [True, False])]
        (row,) = await self.retailer.tryton.admin.search_read("party.party", domain, fields)
        return {
            "name": row["name"],
            "code": row["code"],
            "active": bool(row["active"]),
            "replaced": row["replaced_by"] is not None,
            "terms": (row["customer_payment_term."] or {}).get("name"),
            "contacts": sorted(one["value"] for one in row["contact_mechanisms."]),
            "cities": sorted(one["city"] for one in row["addresses."]),
        }

    async def in_hub(self, hub: Hub) -> str:
        """The hub's id of it."""
        reference = ExternalReference("salesforce", "Account", self.account)
        return (await hub.store.find_parties([reference]))[reference]


@pytest.fixture
async def retailer(bench: TrytonBench, tmp_path: Path) -> AsyncIterator[Retailer]:
    async with a_retailer(bench, tmp_path, "sqlite:hub.sqlite") as retailer:
        yield retailer
        # Else the next test's customers would be recognised as these.
        names = [("name", "in", [one["Name"] for one in (ANNA, BERTA, CLARA)])]
        made = await bench.admin.search_read("party.party", [*names, ("active", "in", [True, False])], ["id"])
        await bench.admin.command("model.party.party.delete", [party["id"] for party in made])


async def customers(retailer: Retailer, *entered: Mapping[str, Any]) -> list[Known]:
    """Customers that somebody entered in Salesforce, as soon as the account of each shows the ERP's number."""
    ids = retailer.org.simulator.seed.rows("Account", entered, announce=True)
    known = [Known(retailer, record, one["Name"]) for record, one in zip(ids, entered, strict=True)]
    async with retailer.hub() as hub:
        for one in known:

            async def numbered(one: Known = one) -> bool:
                await nothing_parked(hub)
                return bool(one.shows()["ErpId__c"])

            assert await eventually(numbered, within_seconds=PATIENCE_SECONDS)
            (party,) = await retailer.parties(one.name)
            one.party = int(party["id"])
        await give_terms(retailer, known[0], "Net 30 days")
        await until_shown(known[0], "PaymentTerms__c", "Net 30 days")
    return known


async def give_terms(retailer: Retailer, one: Known, name: str) -> None:
    """Finance gives a customer other payment terms."""
    admin = retailer.tryton.admin
    (term, *_) = await admin.search_read("account.invoice.payment_term", [("name", "=", name)], ["id"])
    await admin.write("party.party", [one.party], {"customer_payment_term": term["id"]})


async def until_shown(one: Known, field: str, value: object) -> None:
    async def shown() -> bool:
        return bool(one.shows()[field] == value)

    assert await eventually(shown, within_seconds=PATIENCE_SECONDS), (field, one.shows())


@asynccontextmanager
async def at_the_desk(retailer: Retailer) -> AsyncIterator[tuple[Hub, Stewards]]:
    """A hub that takes words and carries nothing out, as the command line opens it."""
    async with Hub(deployment_in(retailer.folder)) as hub:
        assert hub.customers is not None
        yield hub, hub.customers.stewards


async def joined(hub: Hub, merge_id: str) -> bool:
    """Whether a merge has come to its end everywhere."""
    merge = await hub.store.read_merge(merge_id)
    return merge is not None and all(each.state != "pending" for each in merge.repairs) and await at_rest(hub)


async def parted(hub: Hub, merge_id: str) -> bool:
    """Whether the end of a merge has, too."""
    merge, end = await told_of(hub, merge_id)
    return not merge.stands and not end.under_way and await at_rest(hub)


async def nothing_parked(hub: Hub) -> None:
    """Whoever waits for something need not wait for what has failed."""
    parked = [
        run for run in await hub.store.list_runs(state=RunState.PARKED) if run.process.startswith("customer_")
    ]
    assert not parked, [(run.process, run.parking.reason) for run in parked if run.parking]


async def at_rest(hub: Hub) -> bool:
    """Whether no run of a customer is under way. To look costs the hub more than a while of waiting."""
    await asyncio.sleep(PAUSE_SECONDS)
    runs = await hub.store.list_runs(limit=5_000)
    return all(run.state in FINAL_STATES for run in runs if run.process.startswith("customer_"))


async def told_of(hub: Hub, merge_id: str) -> tuple[Merge, Unmerged]:
    assert hub.customers is not None
    found = await hub.customers.stewards.merge_of(merge_id)
    assert found is not None
    return found


async def carried_out(retailer: Retailer, merge_id: str, settled: Any, *, deaths: int) -> None:
    """Hubs die at their first answers from outside, one after another; the next one brings it to its end."""
    for visit in range(1, deaths + 1):
        if not await asyncio.to_thread(died, retailer.folder, "lane.call_answered", visit, merge_id, settled):
            return
    async with retailer.hub() as hub:

        async def done() -> bool:
            await asyncio.sleep(PAUSE_SECONDS)
            await nothing_parked(hub)
            return bool(await settled(hub, merge_id))

        assert await eventually(done, within_seconds=PATIENCE_SECONDS)


async def merge(retailer: Retailer, stays: Known, goes: Known, *, deaths: int = 0) -> str:
    """A steward says twice that they are one, and it is carried out."""
    async with at_the_desk(retailer) as (hub, stewards):
        ids = await stays.in_hub(hub), await goes.in_hub(hub)
        merge_id = await stewards.merge(*ids, by="Ines", reason="one register entry")
        assert await stewards.merge(*ids, by="Ines", reason="one register entry") == merge_id
    await carried_out(retailer, merge_id, joined, deaths=deaths)
    async with at_the_desk(retailer) as (_, stewards):
        with pytest.raises(Conflict):
            await stewards.merge(*ids, by="Ines", reason="one register entry")
    return merge_id


async def unmerge(retailer: Retailer, merge_id: str, *, deaths: int = 0) -> tuple[Merge, Unmerged]:
    """A steward says twice that they are two after all, and it is carried out."""
    async with at_the_desk(retailer) as (_hub, stewards):
        for _ in range(2):
            await stewards.unmerge(merge_id, by="Olaf", reason="mother and daughter company")
    await carried_out(retailer, merge_id, parted, deaths=deaths)
    async with at_the_desk(retailer) as (hub, _):
        await nothing_parked(hub)
        return await told_of(hub, merge_id)


async def test_linked_and_blocked_customers_are_two_again_with_what_each_became_since(retailer: Retailer) -> None:
    retailer.merges(salesforce={"on_merge": "link"}, erp={"on_merge": "block"})
    anna, berta = await customers(retailer, ANNA, BERTA)
    before = {one.name: (one.shows(), await one.in_tryton()) for one in (anna, berta)}

    merge_id = await merge(retailer, anna, berta, deaths=1)

    assert anna.shows()["Hub_Link__c"] == berta.account
    assert berta.shows()["Hub_Link__c"] == anna.account
    assert (await berta.in_tryton())["active"] is False
    assert [one.shows()["ErpId__c"] for one in (anna, berta)] == [
        before[one.name][0]["ErpId__c"] for one in (anna, berta)
    ], "a number leads to one account"

    seed = retailer.org.simulator.seed
    async with retailer.hub() as hub:
        assert hub.customers is not None
        seed.update("Account", anna.account, {"Phone": "+49 30 5550199"})
        await until_shown(berta, "Phone", "+49 30 5550199")
        seed.update("Account", berta.account, {"Email__c": "neu@cossmann.example"})
        await give_terms(retailer, berta, "Immediate")
        await until_shown(anna, "Email__c", "neu@cossmann.example")
        party_id = await anna.in_hub(hub)
        await hub.customers.stewards.pin(
            party_id, {"organisation.legal_name": "Nord AG"}, by="Ines", reason="register"
        )

        async def pinned() -> bool:
            return all(retailer.account(one.account)["LegalName__c"] == "Nord AG" for one in (anna, berta))

        assert await eventually(pinned, within_seconds=PATIENCE_SECONDS)
    _, end = await unmerge(retailer, merge_id, deaths=1)

    assert anna.shows() == before[ANNA["Name"]][0] | {"Phone": "+49 30 5550199"}
    assert berta.shows() == before[BERTA["Name"]][0] | {
        "Email__c": "neu@cossmann.example",
        "PaymentTerms__c": "Immediate",
    }
    a, b = await anna.in_tryton(), await berta.in_tryton()
    assert a == before[ANNA["Name"]][1] | {"contacts": ["+49 30 5550199", "einkauf@nordlicht.example"]}
    assert b == before[BERTA["Name"]][1] | {
        "contacts": ["+49 89 5550777", "neu@cossmann.example"],
        "terms": "Immediate",
    }
    assert retailer.account(anna.account)["LegalName__c"] == "Nord AG"
    assert retailer.account(berta.account)["LegalName__c"] is None
    assert len(await retailer.parties(BERTA["Name"])) == 1
    assert end.not_restorable == ()
    kept = {(line.system, line.field) for line in end.kept}
    assert {("salesforce", "contact.phone"), ("salesforce", "contact.email"), ("erp", "terms.code")} <= kept
    assert ("", "organisation.legal_name") in kept


async def test_merged_customers_come_back_from_the_bin_with_what_belonged_to_them(retailer: Retailer) -> None:
    again = {"on_merge": "merge", "on_unmerge": "recreate"}
    retailer.merges(salesforce=again, erp=again)
    anna, berta, clara = await customers(retailer, ANNA, BERTA, CLARA)
    before = {one.name: (one.shows(), await one.in_tryton()) for one in (anna, berta, clara)}
    seed = retailer.org.simulator.seed
    contact, moved = seed.rows("Contact", [{"LastName": last, "AccountId": berta.account} for last in ("K", "L")])
    draft = seed.order(berta.account, [Line("P-100", 1)])
    active = seed.order(berta.account, [Line("P-100", 1)])
    seed.update("Order", active, {"Status": "Activated"}, announce=False)

    first = await merge(retailer, anna, berta)
    second = await merge(retailer, anna, clara)

    assert retailer.org.kept(berta.account)["MasterRecordId"] == anna.account
    assert [(await one.in_tryton())["replaced"] for one in (anna, berta, clara)] == [False, True, True]
    assert retailer.org.row(draft)["AccountId"] == anna.account
    seed.empty_bin("Account", clara.account)
    other = seed.account("C-9999", "Somebody else")
    seed.update("Contact", moved, {"AccountId": other}, announce=False)
    async with retailer.hub():
        seed.update("Account", anna.account, {"Phone": "+49 30 5550199"})
        await give_terms(retailer, anna, "Immediate")
        await until_shown(anna, "PaymentTerms__c", "Immediate")
    merged, end = await unmerge(retailer, first, deaths=1)

    assert anna.shows() == before[ANNA["Name"]][0] | {
        "Phone": "+49 30 5550199",
        "PaymentTerms__c": "Immediate",
    }
    states = {repair.system: repair for repair in merged.repairs}
    assert (states["salesforce"].state, states["erp"].state) == ("undone", "recreated")
    assert states["erp"].anew is not None
    berta.party = int(states["erp"].anew.value)
    there = await berta.in_tryton()
    assert there == before[BERTA["Name"]][1] | {"code": there["code"]}
    assert berta.shows() == before[BERTA["Name"]][0] | {"ErpId__c": there["code"]}
    rows = retailer.org.row
    assert rows(contact, "Contact")["AccountId"] == rows(draft)["AccountId"] == berta.account
    assert rows(active)["AccountId"] == anna.account
    assert rows(moved, "Contact")["AccountId"] == other
    told = {line.record: line.why for line in end.not_restorable}
    assert told[f"salesforce/Order/{active}"].endswith("salesforce-field-integrity-exception")
    assert told[f"salesforce/Contact/{moved}"].endswith("record-moved-on")
    assert "merge-is-final" in told[f"erp/party.party/{states['erp'].absorbed.value}"]
    assert any(line.what == "belonging" and line.why.startswith("2 of 4") for line in end.restored)

    merged, end = await unmerge(retailer, second)

    states = {repair.system: repair for repair in merged.repairs}
    assert {repair.state for repair in merged.repairs} == {"recreated"}
    told = {line.record: line.why for line in end.not_restorable}
    assert "recycle-bin-emptied" in told[f"salesforce/Account/{clara.account}"]
    assert states["salesforce"].anew is not None
    clara.account = states["salesforce"].anew.value
    shown = clara.shows()
    assert shown == before[CLARA["Name"]][0] | {"ErpId__c": shown["ErpId__c"]}
    assert len({one.shows()["ErpId__c"] for one in (anna, berta, clara)}) == 3
