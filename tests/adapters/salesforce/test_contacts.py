"""The people of business accounts: contacts are read and written as customers are; those of persons are not."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.adapters.salesforce.orgs import TestOrg

from crossdock.adapters.salesforce.settings import CONTACT_TOPIC
from crossdock.adapters.salesforce.simulator.faults import Gap as GapEvent
from crossdock.adapters.salesforce.simulator.faults import HideField
from crossdock.canonical.party import (
    Contact,
    ExternalReference,
    Hierarchy,
    Party,
    PartyReference,
    Person,
    PersonName,
)
from crossdock.identity.golden.fields import fields_of
from crossdock.identity.privacy.erasing import NAME_LEFT
from crossdock.kit.errors import Conflict, Misconfigured, Rejected, Unsupported
from crossdock.ports.customer_sink import CustomerErasure, CustomerMerge, CustomerRecord, CustomerWrite
from crossdock.ports.order_source import Gap
from crossdock.testing.conformance.customer_source import arrivals_of, changes_of, having, hear

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 60.0
WITH_CONTACTS: Mapping[str, Any] = {"customers": {"topics": ["/data/AccountChangeEvent", CONTACT_TOPIC]}}
ADA = {"FirstName": "Ada", "LastName": "Lund", "Email": "ada@nordlicht.example", "Title": "Buyer"}


def contact(record: str) -> ExternalReference:
    return ExternalReference("salesforce", "Contact", record)


def of(account: str) -> Hierarchy:
    return Hierarchy(relation="contact", parent=PartyReference(system="salesforce", kind="Account", value=account))


def a_business(org: TestOrg, name: str = "Nordlicht GmbH") -> str:
    (account,) = org.simulator.seed.rows("Account", [{"Name": name}], announce=True)
    return account


def somebody(org: TestOrg, account: str, **fields: Any) -> str:
    (record,) = org.simulator.seed.rows("Contact", [ADA | {"AccountId": account} | fields], announce=True)
    return record


async def test_several_people_of_a_business_are_told_with_whom_they_stand_for(org: TestOrg) -> None:
    account = a_business(org)
    async with org.open_dock(**WITH_CONTACTS) as dock:
        ada = somebody(org, account, Role__c="Decision Maker")
        bo = somebody(org, account, FirstName="Bo", Email="bo@nordlicht.example")
        heard = await hear(dock, "", having(contact(bo)), PATIENCE_SECONDS)

    (change,) = changes_of(arrivals_of(heard), contact(ada))
    said = fields_of(change.says)
    assert said["kind"] == "person"
    assert (said["person.name.given"], said["person.name.family"]) == ("Ada", "Lund")
    assert (said["contact.email"], said["contact.role"]) == ("ada@nordlicht.example", "Decision Maker")
    assert change.says.hierarchy == of(account)
    (other,) = changes_of(arrivals_of(heard), contact(bo))
    assert other.says.hierarchy == of(account)


async def test_an_update_tells_what_changed_and_what_was_cleared_and_a_deletion_that_it_is_gone(
    org: TestOrg,
) -> None:
    account, other = a_business(org), a_business(org, "Elbe AG")
    ada = somebody(org, account)
    async with org.open_dock(**WITH_CONTACTS) as dock:
        org.simulator.seed.update("Contact", ada, {"Title": None, "AccountId": other})
        org.simulator.seed.update("Contact", ada, {"AccountId": None})
        org.simulator.seed.delete("Contact", ada)
        org.simulator.seed.undelete("Contact", ada)
        bo = somebody(org, account)
        heard = await hear(dock, "", having(contact(bo)), PATIENCE_SECONDS)

    arrivals = arrivals_of(heard)
    made, moved, alone = changes_of(arrivals, contact(ada))
    assert made.says.contact.job_title == "Buyer"
    assert moved.says.contact == Contact(job_title=None)
    assert moved.says.hierarchy == of(other)
    nobody = PartyReference(system=None, kind=None, value=None)
    assert alone.says.hierarchy == Hierarchy(parent=nobody, relation=None)
    assert changes_of(arrivals, contact(ada), "deleted")
    assert changes_of(arrivals, contact(ada), "undeleted")


async def test_the_contact_of_a_person_account_is_not_told_beside_it(org: TestOrg) -> None:
    async with org.open_dock(**WITH_CONTACTS) as dock:
        (person,) = org.simulator.seed.rows(
            "Account", [{"LastName": "Lund", "PersonEmail": "a@x.org"}], announce=True
        )
        shadow = org.row(person, "Account")["PersonContactId"]
        org.simulator.seed.update("Account", person, {"PersonEmail": "b@x.org"})
        ada = somebody(org, a_business(org))
        heard = await hear(dock, "", having(contact(ada)), PATIENCE_SECONDS)
        gap = Gap(since=0, until=dock.client.clock.now(), reason="a test")
        read = [batch async for batch in dock.refill_customers(gap)]
        counted = await dock.count_changed_customers(gap)

    assert changes_of(arrivals_of(heard), contact(shadow)) == []
    records = {arrival.change.record for batch in read for arrival in batch.arrivals if arrival.change}
    assert contact(ada) in records
    assert contact(shadow) not in records
    assert counted == sum(len(batch.arrivals) for batch in read)


async def test_an_event_without_values_has_its_contact_read(org: TestOrg) -> None:
    account = a_business(org)
    async with org.open_dock(**WITH_CONTACTS) as dock:
        ada = somebody(org, account)
        org.trouble(GapEvent(sobject="Contact"))
        org.simulator.seed.update("Contact", ada, {"Title": "Head of buying"})
        bo = somebody(org, account)
        heard = await hear(dock, "", having(contact(bo)), PATIENCE_SECONDS)

    told = changes_of(arrivals_of(heard), contact(ada))[-1]
    assert (told.says.contact.job_title, told.says.hierarchy) == ("Head of buying", of(account))


def a_contact(account: str, **parts: Any) -> Party:
    name = PersonName(given="Ada", family="Lund")
    return Party(kind="person", person=Person(name=name), hierarchy=of(account), **parts)


async def test_a_contact_is_made_once_changed_by_what_differs_and_guarded_by_its_version(org: TestOrg) -> None:
    account = a_business(org)
    async with org.open_dock(**WITH_CONTACTS) as dock:
        made = CustomerWrite(
            key="K1", says=a_contact(account, contact=Contact(email="a@x.org")), origin="hub-north"
        )
        (first,), (again,) = await dock.write_customers([made]), await dock.write_customers([made])
        assert isinstance(first, CustomerRecord)
        assert isinstance(again, CustomerRecord)
        assert first.record == again.record
        assert (await dock.find_customer(key="K1") or first).record == first.record
        (other,) = await dock.write_customers([CustomerWrite(key="K1", says=a_contact(account))])
        assert isinstance(other, Conflict)
        (standing,) = await dock.read_customers([first.record])
        assert standing is not None
        says = Party(contact=Contact(email=None, phone="+49 30 1"))
        late = CustomerWrite(key="K2", record=first.record, says=says, version="2020-01-01T00:00:00Z")
        (moved,) = await dock.write_customers([late])
        assert isinstance(moved, Conflict)
        update = CustomerWrite(key="K3", record=first.record, says=says, version=standing.version)
        (done,) = await dock.write_customers([update])
        assert isinstance(done, CustomerRecord)
        heard = await hear(dock, "", lambda found: len(changes_of(found, first.record)) > 1, PATIENCE_SECONDS)

    row = org.row(first.record.value, "Contact")
    assert (row["AccountId"], row["LastName"], row["Email"], row["Phone"]) == (account, "Lund", None, "+49 30 1")
    assert changes_of(arrivals_of(heard), first.record)[0].origin == "hub-north"


async def test_contacts_are_merged_and_an_account_and_a_contact_are_not(org: TestOrg) -> None:
    account = a_business(org)
    ada, double = somebody(org, account), somebody(org, account)
    async with org.open_dock(**WITH_CONTACTS) as dock:
        merge = CustomerMerge(key="M1", survivor=contact(ada), absorbed=contact(double), how="merge")
        survivor = await dock.join_customers(merge)
        assert survivor.record == contact(ada)
        assert await dock.read_customers([contact(double)]) == [None]
        across = CustomerMerge(
            key="M2",
            survivor=ExternalReference("salesforce", "Account", account),
            absorbed=contact(ada),
            how="merge",
        )
        with pytest.raises(Unsupported):
            await dock.join_customers(across)


async def test_where_contacts_are_not_listened_to_none_is_read_or_made(org: TestOrg) -> None:
    account = a_business(org)
    ada = somebody(org, account)
    async with org.open_dock() as dock:
        (refused,) = await dock.write_customers([CustomerWrite(key="K1", says=a_contact(account))])
        assert isinstance(refused, Rejected)
        assert await dock.read_customers([contact(ada)]) == [None]


async def test_an_org_without_room_for_the_key_on_contact_stops_the_dock(org: TestOrg) -> None:
    org.trouble(HideField(sobject="Contact", field="Hub_Key__c"))
    async with org.open_dock(**WITH_CONTACTS) as dock:
        with pytest.raises(Misconfigured) as stopped:
            await hear(dock, "", having(contact("003000000000001AAA")), PATIENCE_SECONDS)
    assert [finding.path for finding in stopped.value.findings] == ["$.Contact.Hub_Key__c"]


async def test_a_merged_contact_is_told_with_the_one_that_stays_whichever_way_it_comes(org: TestOrg) -> None:
    account = a_business(org)
    async with org.open_dock(**WITH_CONTACTS) as dock:
        ada, double = somebody(org, account), somebody(org, account)
        org.simulator.seed.merge("Contact", ada, double)
        heard = arrivals_of(await hear(dock, "", having(contact(double), kind="merged"), PATIENCE_SECONDS))
        gap = Gap(since=0, until=dock.client.clock.now(), reason="a test")
        read = arrivals_of([batch async for batch in dock.refill_customers(gap)])

    for arrivals in (heard, read):
        assert changes_of(arrivals, contact(double), "merged")[-1].into == contact(ada)


async def test_a_contact_is_forgotten_by_what_the_org_offers_and_its_business_is_left_alone(org: TestOrg) -> None:
    seed = org.simulator.seed
    (individual,) = seed.rows("Individual", [{"LastName": "Lund", "FirstName": "Ada", "BirthDate": "1815-12-10"}])
    account = a_business(org)
    personal = {
        "Phone": "+49 30 1",
        "MobilePhone": "+49 170 1",
        "Department": "Buying",
        "Birthdate": "1815-12-10",
        "MailingStreet": "Hafenstraße 7",
        "OtherCity": "Bremen",
        "Description": "likes engines",
    }
    ada = somebody(org, account, IndividualId=individual, ErpId__c="K-1", **personal)
    seed.rows("ContactPointPhone", [{"ParentId": individual, "TelephoneNumber": "+49 170 1"}])
    seed.rows("ContactPointAddress", [{"Name": "Home", "ParentId": individual, "City": "Bremen"}])
    business = org.row(account, "Account")
    async with org.open_dock(**WITH_CONTACTS) as dock:
        erasure = CustomerErasure(key="E1", record=contact(ada))
        for _ in range(2):
            await dock.erase_customer(erasure)
        await dock.erase_customer(CustomerErasure(key="E2", record=contact("003gL0000000ZZZAAA")))

    row = org.row(ada, "Contact")
    emptied = ("FirstName", "Email", "Title", *personal)
    assert {name: row[name] for name in emptied} == dict.fromkeys(emptied)
    assert (row["LastName"], row["AccountId"], row["ErpId__c"]) == (NAME_LEFT, account, "K-1")
    said = org.row(individual, "Individual")
    assert (said["LastName"], said["BirthDate"], said["ShouldForget"]) == (NAME_LEFT, None, True)
    assert org.simulator.rows("ContactPointPhone") == org.simulator.rows("ContactPointAddress") == []
    assert org.row(account, "Account") == business
