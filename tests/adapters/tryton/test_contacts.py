"""The people of businesses, end to end: in a Salesforce org and a real Tryton, and back.

Requirements: CUS-12, CUS-21, CUS-28.
"""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.tryton.bench import TrytonBench
from tests.adapters.tryton.retailer import PATIENCE_SECONDS, Retailer, a_retailer
from tests.hubs import eventually

from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.durable.records import RunState

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.long]

NORDLICHT = {"Name": "Nordlicht Kontor GmbH", "Phone": "+49 30 5550142", "Email__c": "post@kontor.example"}
ADA = {"FirstName": "Ada", "LastName": "Xylander", "Email": "ada@kontor.example", "Phone": "+49 30 5550143"}
SHARED = {
    "rule": "newest_valid",
    "writers": ["salesforce", "erp"],
    "readers": ["salesforce", "erp"],
}


@pytest.fixture
async def retailer(bench: TrytonBench, tmp_path: Path) -> AsyncIterator[Retailer]:
    async with a_retailer(bench, tmp_path, "sqlite:hub.sqlite") as retailer:
        yield retailer
        # Else the next test's customers would be recognised as these.
        names = [("name", "in", [NORDLICHT["Name"], "Ada Xylander"]), ("active", "in", [True, False])]
        made = await bench.admin.search_read("party.party", names, ["id"])
        await bench.admin.command("model.party.party.delete", [party["id"] for party in made])


class Business:
    """A business with one contact, in all three places."""

    def __init__(self, retailer: Retailer) -> None:
        seed = retailer.org.simulator.seed
        self.retailer, self.seed = retailer, seed
        (self.account,) = seed.rows("Account", [NORDLICHT], announce=True)
        (self.contact,) = seed.rows("Contact", [{**ADA, "AccountId": self.account}], announce=True)

    def in_salesforce(self) -> dict[str, Any]:
        return self.retailer.org.row(self.contact, "Contact")

    async def in_tryton(self) -> Sequence[Any]:
        return await self.retailer.parties("Ada Xylander")

    async def state(self, hub: Hub) -> str:
        reference = ExternalReference("salesforce", "Contact", self.contact)
        party_id = (await hub.store.find_parties([reference])).get(reference)
        file = await hub.store.read_party(party_id) if party_id else None
        return next((one.state for one in file.records if one.reference == reference), "") if file else ""


async def mechanism(business: Business, kind: str) -> dict[str, Any]:
    (party,) = await business.in_tryton()
    domain = [("party", "=", party["id"]), ("type", "=", kind)]
    (found,) = await business.retailer.tryton.admin.search_read("party.contact_mechanism", domain, ["value"])
    return dict(found)


async def test_a_contact_becomes_a_party_is_edited_on_both_sides_and_goes_and_comes_back(
    retailer: Retailer,
) -> None:
    hierarchy = {"rule": "precedence", "precedence": ["salesforce", "erp"], "readers": ["salesforce", "erp"]}
    retailer.knows_contacts(contact=SHARED, hierarchy=hierarchy)
    business = Business(retailer)
    async with retailer.hub() as hub:

        async def is_there() -> bool:
            return bool(await business.in_tryton())

        assert await eventually(is_there, within_seconds=PATIENCE_SECONDS)
        (party,) = await business.in_tryton()
        assert [one["name"] for one in party["categories."]] == ["Person"]
        assert {one["value"] for one in party["contact_mechanisms."]} == {ADA["Email"], "+49 30 5550143"}

        domain = [("from_", "=", party["id"])]
        names = ["to.name", "type.name"]
        (relation,) = await retailer.tryton.admin.search_read("party.relation.all", domain, names)
        assert (relation["to."]["name"], relation["type."]["name"]) == (NORDLICHT["Name"], "Contact of")

        phone = await mechanism(business, "phone")
        await retailer.tryton.admin.write("party.contact_mechanism", [phone["id"]], {"value": "+49 30 5550199"})

        async def came_back() -> bool:
            return bool(business.in_salesforce()["Phone"] == "+49 30 5550199")

        assert await eventually(came_back, within_seconds=PATIENCE_SECONDS)
        business.seed.update("Contact", business.contact, {"Email": "a.xylander@kontor.example"})

        async def went_there() -> bool:
            found: str = (await mechanism(business, "email"))["value"]
            return found == "a.xylander@kontor.example"

        assert await eventually(went_there, within_seconds=PATIENCE_SECONDS)
        business.seed.delete("Contact", business.contact)

        async def is_deleted() -> bool:
            return await business.state(hub) == "deleted"

        assert await eventually(is_deleted, within_seconds=PATIENCE_SECONDS)
        (party,) = await business.in_tryton()
        assert party["active"], "what one system deletes is no word about others"
        business.seed.undelete("Contact", business.contact)

        async def is_back() -> bool:
            return await business.state(hub) == "live"

        assert await eventually(is_back, within_seconds=PATIENCE_SECONDS)
        assert await hub.store.list_runs(state=RunState.PARKED) == []
    assert len(await business.in_tryton()) == 1
    shown = business.in_salesforce()
    assert (shown["Phone"], shown["Email"]) == ("+49 30 5550199", "a.xylander@kontor.example")
    assert (shown["AccountId"], shown["LastName"]) == (business.account, "Xylander")
