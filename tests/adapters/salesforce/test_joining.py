"""Accounts merged and brought back, and persons forgotten, as far as Salesforce itself offers."""

from collections.abc import Mapping

import pytest
from tests.adapters.salesforce.orgs import TestOrg
from tests.adapters.salesforce.test_customers import a_person, account, created

from crossdock.adapters.salesforce import joining
from crossdock.adapters.salesforce.simulator.faults import DropAfterCommit
from crossdock.adapters.salesforce.simulator.seeding import Line
from crossdock.canonical.party import Account, ExternalReference, Party
from crossdock.identity.privacy.erasing import NAME_LEFT
from crossdock.kit.errors import Conflict, CrossdockError, OutcomeUnknown, Rejected
from crossdock.ports.customer_sink import CustomerErasure, CustomerMerge, CustomerWrite
from crossdock.testing.builders import a_company

pytestmark = pytest.mark.anyio


def merging(survivor: str, absorbed: str) -> CustomerMerge:
    return CustomerMerge(key="M1", survivor=account(survivor), absorbed=account(absorbed), how="merge")


def two_accounts(org: TestOrg, **fields: object) -> tuple[str, str]:
    stays, goes = org.simulator.seed.rows("Account", [{"Name": "Anvil"}, {"Name": "Amboss", **fields}])
    return stays, goes


async def test_what_belonged_to_an_account_goes_back_as_far_as_each_can(org: TestOrg) -> None:
    seed = org.simulator.seed
    stays, goes = two_accounts(org)
    contact, case, deleted = (
        *seed.rows("Contact", [{"LastName": "K", "AccountId": goes}]),
        *seed.rows("Case", [{"AccountId": goes}, {"AccountId": goes}]),
    )
    draft, active = (seed.order(goes, [Line("P-100", 1)]) for _ in range(2))
    seed.update("Order", active, {"Status": "Activated"}, announce=False)
    (child,) = seed.rows("Account", [{"Name": "Amboss Süd", "ParentId": goes}])
    merge = merging(stays, goes)
    async with org.open_dock() as dock:
        belongings = await dock.list_belongings(account(goes))
        await dock.join_customers(merge)
        seed.delete("Case", deleted, announce=False)
        await dock.part_customers(merge)
        for _ in range(2):
            outcomes = await dock.return_belongings(merge, belongings.records)

    fates = dict(zip((record.value for record in belongings.records), outcomes, strict=True))
    assert fates.keys() == {contact, case, deleted, draft, active, child}
    assert {record for record, fate in fates.items() if fate is None} == {contact, case, draft, child}
    assert codes(fates) == {deleted: "record-gone", active: "salesforce-field-integrity-exception"}
    assert org.row(child, "Account")["ParentId"] == org.row(draft)["AccountId"] == goes
    assert org.row(active)["AccountId"] == stays


def codes(fates: Mapping[str, CrossdockError | None]) -> dict[str, str]:
    return {record: fate.code for record, fate in fates.items() if fate is not None}


async def test_a_contact_that_is_part_of_a_person_account_is_none_of_its_belongings(org: TestOrg) -> None:
    person = org.simulator.seed.person("Lovelace")
    async with org.open_dock() as dock:
        assert (await dock.list_belongings(account(person))).records == ()


async def test_more_than_can_be_moved_one_by_one_is_said(org: TestOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "BELONGINGS_MAX", 2)
    _, goes = two_accounts(org)
    org.simulator.seed.rows("Case", [{"AccountId": goes} for _ in range(3)])
    async with org.open_dock() as dock:
        found = await dock.list_belongings(account(goes))
    assert (len(found.records), found.complete) == (2, False)


async def test_an_account_whose_bin_was_emptied_does_not_come_back(org: TestOrg) -> None:
    stays, goes = two_accounts(org)
    async with org.open_dock() as dock:
        await dock.join_customers(merging(stays, goes))
        org.simulator.seed.empty_bin("Account", goes)
        with pytest.raises(Rejected) as emptied:
            await dock.part_customers(merging(stays, goes))
    assert emptied.value.code == "recycle-bin-emptied"


async def test_an_account_that_somebody_deleted_again_stays_deleted(org: TestOrg) -> None:
    stays, goes = two_accounts(org)
    async with org.open_dock() as dock:
        await dock.join_customers(merging(stays, goes))
        org.simulator.seed.undelete("Account", goes, announce=False)
        org.simulator.seed.delete("Account", goes, announce=False)
        with pytest.raises(Conflict) as moved:
            await dock.part_customers(merging(stays, goes))
    assert moved.value.code == "record-moved-on"
    assert org.kept(goes)["IsDeleted"]


async def test_a_number_that_the_survivor_shows_meanwhile_is_given_back(org: TestOrg) -> None:
    stays, goes = two_accounts(org, ErpId__c="C-7")
    async with org.open_dock() as dock:
        await dock.join_customers(merging(stays, goes))
        org.simulator.seed.update("Account", stays, {"ErpId__c": "C-7"}, announce=False)
        await dock.part_customers(merging(stays, goes))
    assert org.row(goes, "Account")["ErpId__c"] == "C-7"
    assert org.row(stays, "Account")["ErpId__c"] is None


async def test_a_return_from_the_bin_whose_answer_is_lost_may_be_repeated(org: TestOrg) -> None:
    stays, goes = two_accounts(org)
    async with org.open_dock() as dock:
        await dock.join_customers(merging(stays, goes))
        org.trouble(DropAfterCommit(path="Soap"))
        with pytest.raises(OutcomeUnknown):
            await dock.part_customers(merging(stays, goes))
        assert (await dock.part_customers(merging(stays, goes))).record == account(goes)


async def test_a_value_that_stands_in_another_account_is_refused_and_no_matter_of_versions(org: TestOrg) -> None:
    async with org.open_dock() as dock:
        record = await created(dock, a_company())
        taken = CustomerWrite(key="K2", record=record, says=Party(account=Account(number="C-1001")))
        (outcome,) = await dock.write_customers([taken])
    assert isinstance(outcome, Rejected)
    assert outcome.vendor_code == "DUPLICATE_VALUE"


async def test_a_person_is_forgotten_with_all_that_the_org_keeps_of_him(org: TestOrg) -> None:
    seed = org.simulator.seed
    (individual,) = seed.rows("Individual", [{"LastName": "L", "FirstName": "Ada", "BirthDate": "1815-12-10"}])
    async with org.open_dock() as dock:
        record = await created(dock, a_person(email="a@shop.example"))
        values = {
            "PersonIndividualId": individual,
            "PersonTitle": "Countess",
            "PersonMailingCity": "London",
            "Description": "likes engines",
            "Fax": "+44 20 1",
            "ErpId__c": "C-9",
        }
        seed.update("Account", record.value, values, announce=False)
        points = [{"ParentId": parent, "EmailAddress": "a@b.example"} for parent in (individual, record.value)]
        seed.rows("ContactPointEmail", points)
        erasure = CustomerErasure(key="E1", record=record)
        for _ in range(2):
            await dock.erase_customer(erasure)

    row = org.row(record.value, "Account")
    emptied = ("FirstName", "PersonEmail", "PersonTitle", "PersonMailingCity", "Description", "Fax")
    assert {name: row[name] for name in emptied} == dict.fromkeys(emptied)
    assert (row["LastName"], row["ErpId__c"], row["IsDeleted"]) == (NAME_LEFT, "C-9", False)
    twin = org.row(row["PersonContactId"], "Contact")
    assert (twin["LastName"], twin["FirstName"], twin["Email"]) == (NAME_LEFT, None, None)
    said = org.row(individual, "Individual")
    assert (said["LastName"], said["FirstName"], said["BirthDate"]) == (NAME_LEFT, None, None)
    assert all(said[name] for name in ("ShouldForget", "HasOptedOutProcessing", "HasOptedOutSolicit"))
    assert org.simulator.rows("ContactPointEmail") == []


async def test_an_account_that_is_gone_is_taken_for_erased(org: TestOrg) -> None:
    nobody = ExternalReference("salesforce", "Account", "001000000000999AAA")
    async with org.open_dock() as dock:
        await dock.erase_customer(CustomerErasure(key="E1", record=nobody))
    assert org.calls("POST composite/sobjects") == 0
