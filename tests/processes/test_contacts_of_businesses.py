"""The people of business accounts through a hub: deleted, brought back, merged, and forgotten like anybody.

Requirements: CUS-12, CUS-21, CUS-28, CUS-31.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from tests.processes.orgs import Org, TwoWayHub, two_way_hub
from tests.processes.weather import ownership
from tests.stores import Stores

from crossdock.adapters.salesforce.settings import CONTACT_TOPIC
from crossdock.canonical.party import ExternalReference
from crossdock.contracts.customers import CustomerDisputed
from crossdock.durable.records import Commit, RunState
from crossdock.identity.golden.contributions import HeldRecord
from crossdock.identity.privacy.erasing import NAME_LEFT, ErasureAsked

pytestmark = pytest.mark.anyio

ADA = {"FirstName": "Ada", "LastName": "Lund", "Email": "ada@nordlicht.example", "Title": "Buyer"}


class People:
    """A hub that hears of contacts, and a business with some."""

    def __init__(self, hub: TwoWayHub) -> None:
        self.hub = hub
        org = hub.books["crm"]
        assert isinstance(org, Org)
        self.seed, self.org = org.simulator.seed, org
        (self.business,) = self.seed.rows("Account", [{"Name": "Nordlicht GmbH"}], announce=True)

    async def contact(self, **fields: Any) -> str:
        (record,) = self.seed.rows("Contact", [{**ADA, "AccountId": self.business, **fields}], announce=True)
        await self.hub.pump()
        return record

    async def party_id(self, contact: str) -> str:
        reference = ExternalReference("crm", "Contact", contact)
        return (await self.hub.store.find_parties([reference]))[reference]

    async def record(self, contact: str, party_id: str) -> HeldRecord:
        file = await self.hub.store.read_party(party_id)
        assert file is not None
        return next(one for one in file.records if one.reference.value == contact)

    async def asked_about_a_merge(self, party_id: str) -> bool:
        told = await self.hub.told(party_id)
        return any(isinstance(event, CustomerDisputed) and event.kind == "merge" for event in told)

    async def pump(self) -> None:
        self.hub.clock.advance(400)
        await self.hub.pump()


@pytest.fixture
async def people(memory_only: Stores) -> AsyncIterator[People]:
    topics = {"topics": ["/data/AccountChangeEvent", CONTACT_TOPIC]}
    rules = replace(ownership(final=False), creates=(), creates_contacts=("erp",))
    async with two_way_hub(memory_only, rules, off_seconds={"crm": 0, "erp": 0}, customers=topics) as hub:
        people = People(hub)
        await hub.pump()
        yield people


async def test_a_deleted_contact_counts_no_more_and_counts_again_when_it_is_back(people: People) -> None:
    ada = await people.contact()
    party_id = await people.party_id(ada)
    assert (await people.record(ada, party_id)).state == "live"
    people.seed.delete("Contact", ada)
    await people.pump()
    assert (await people.record(ada, party_id)).state == "deleted"
    people.seed.undelete("Contact", ada)
    people.seed.update("Contact", ada, {"Title": "Head of buying"})
    await people.pump()
    back = await people.record(ada, party_id)
    assert (back.state, back.fields["contact.job_title"].said) == ("live", "Head of buying")
    assert await people.party_id(ada) == party_id


async def test_contacts_go_with_their_business_and_come_back_with_it(people: People) -> None:
    ada = await people.contact()
    party_id = await people.party_id(ada)
    people.seed.delete("Account", people.business)
    await people.pump()
    assert (await people.record(ada, party_id)).state == "deleted"
    people.seed.undelete("Account", people.business)
    await people.pump()
    assert (await people.record(ada, party_id)).state == "live"


async def test_contacts_of_one_customer_may_be_merged_and_those_of_two_are_for_a_person_to_judge(
    people: People,
) -> None:
    ada = await people.contact()
    double = await people.contact(FirstName="Ada", Title="Purchasing")
    other = await people.contact(FirstName="Bo", LastName="Berg", Email="bo@nordlicht.example")
    party_id, others = await people.party_id(ada), await people.party_id(other)
    assert await people.party_id(double) == party_id, "one mail address and one name"
    assert others != party_id

    people.seed.merge("Contact", ada, double)
    await people.pump()
    assert (await people.record(double, party_id)).state == "merged"
    assert not await people.asked_about_a_merge(party_id)

    people.seed.merge("Contact", ada, other)
    await people.pump()
    assert (await people.record(other, others)).state == "merged"
    assert "merge" in [
        event.kind for event in await people.hub.told(others) if isinstance(event, CustomerDisputed)
    ]


async def test_a_contact_is_forgotten_everywhere_and_the_business_stays(people: People) -> None:
    (individual,) = people.seed.rows("Individual", [{"LastName": "Lund", "FirstName": "Ada"}])
    people.seed.rows("ContactPointEmail", [{"ParentId": individual, "EmailAddress": ADA["Email"]}])
    ada = await people.contact(IndividualId=individual, MailingCity="Hamburg", MobilePhone="+49 40 1")
    bo = await people.contact(FirstName="Bo", LastName="Berg", Email="bo@nordlicht.example")
    party_id = await people.party_id(ada)
    before = people.org.simulator.rows("Account")

    asked = ErasureAsked(erasure_id="E-1", party_id=party_id, by="dpo", reason="Art. 17")
    start = people.hub.erasure.start(asked.erasure_id, asked)
    await people.hub.engine.worker.commit(Commit(starts=(start,)))
    for _round in range(3):
        await people.hub.engine.settle()
        await people.pump()
    run = await people.hub.store.find_run(start.run_id)
    assert run is not None
    assert run.state is RunState.DONE

    rows = {row["Id"]: row for row in people.org.simulator.rows("Contact")}
    emptied = ("FirstName", "Email", "Title", "MailingCity", "MobilePhone")
    assert {name: rows[ada][name] for name in emptied} == dict.fromkeys(emptied)
    assert (rows[ada]["LastName"], rows[ada]["AccountId"]) == (NAME_LEFT, people.business)
    assert (rows[bo]["LastName"], rows[bo]["Email"]) == ("Berg", "bo@nordlicht.example")
    (said,) = people.org.simulator.rows("Individual")
    assert (said["LastName"], said["FirstName"], said["ShouldForget"]) == (NAME_LEFT, None, True)
    assert people.org.simulator.rows("ContactPointEmail") == []
    assert people.org.simulator.rows("Account") == before
    assert await people.hub.store.is_erased(ExternalReference("crm", "Contact", ada))
    assert await people.hub.store.list_runs(state=RunState.PARKED) == [], "its echo is nobody's word"
