"""Customers on the simulated org, beyond what every dock promises: persons, merges, guards, gaps, its rules."""

from collections.abc import Sequence

import pytest
from tests.adapters.salesforce.orgs import TestOrg

from crossdock.adapters.salesforce.adapter import SalesforceDock
from crossdock.adapters.salesforce.simulator.faults import DropAfterCommit, DuplicateRule, HideField, LockRows
from crossdock.adapters.salesforce.simulator.faults import Gap as GapEvent
from crossdock.canonical.party import (
    Account,
    Contact,
    ExternalReference,
    Hierarchy,
    Party,
    PartyReference,
    Person,
    PersonName,
)
from crossdock.identity.golden.fields import fields_of
from crossdock.kit.errors import Conflict, Locked, Misconfigured, OutcomeUnknown, Rejected
from crossdock.ports.customer_sink import CustomerMerge, CustomerRecord, CustomerWrite
from crossdock.ports.customer_source import CustomerArrival
from crossdock.ports.order_source import Gap
from crossdock.testing.builders import a_company
from crossdock.testing.conformance.customer_source import arrivals_of, changes_of, having, hear, saying

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 60.0
NOBODY = PartyReference(system=None, kind=None, value=None)
ELSEWHERE = PartyReference(system="erp", kind="party.party", value="12")


def account(record: str) -> ExternalReference:
    return ExternalReference("salesforce", "Account", record)


def a_person(email: str) -> Party:
    name = PersonName(given="Ada", family="L")
    return Party(kind="person", person=Person(name=name), contact=Contact(email=email))


async def created(dock: SalesforceDock, says: Party, key: str = "K1", origin: str = "") -> ExternalReference:
    (outcome,) = await dock.write_customers([CustomerWrite(key=key, says=says, origin=origin)])
    assert isinstance(outcome, CustomerRecord), outcome
    return outcome.record


async def test_a_person_becomes_a_person_account(org: TestOrg) -> None:
    async with org.open_dock() as dock:
        record = await created(dock, a_person(email="a@shop.example"))
        update = CustomerWrite(key="K2", record=record, says=Party(contact=Contact(email="b@shop.example")))
        await dock.write_customers([update])

    row = org.row(record.value, "Account")
    assert (row["IsPersonAccount"], row["Name"], row["PersonEmail"]) == (True, "Ada L", "b@shop.example")
    assert row["Email__c"] is None


async def test_writes_bear_the_mark_they_were_given(org: TestOrg) -> None:
    async with org.open_dock() as dock:
        record = await created(dock, a_company(), origin="hub-north")
        heard = await hear(dock, "", having(record), PATIENCE_SECONDS)

    (change,) = changes_of(arrivals_of(heard), record)
    assert change.origin == "hub-north"


async def test_a_change_of_either_address_is_told(org: TestOrg) -> None:
    (record,) = org.simulator.seed.rows("Account", [{"Name": "Anvil"}], announce=True)
    async with org.open_dock() as dock:
        await hear(dock, "", having(account(record)), PATIENCE_SECONDS)
        for prefix in ("Billing", "Shipping"):
            org.simulator.seed.update("Account", record, {f"{prefix}City": "Köln"})

        def both(arrivals: Sequence[CustomerArrival]) -> bool:
            return len(changes_of(arrivals, account(record))) == 3

        heard = arrivals_of(await hear(dock, "", both, PATIENCE_SECONDS))

    assert [arrival.findings for arrival in heard if arrival.findings] == []
    told = [fields_of(change.says) for change in changes_of(heard, account(record))]
    assert told[1] == {"billing.address.city": "Köln"}
    assert told[2] == {"shipping.default.address.city": "Köln"}


async def test_a_gap_event_is_filled_by_reading(org: TestOrg) -> None:
    org.trouble(GapEvent(sobject="Account"))
    (record,) = org.simulator.seed.rows("Account", [{"Name": "Anvil", "Phone": "1"}], announce=True)
    async with org.open_dock() as dock:
        heard = arrivals_of(await hear(dock, "", having(account(record)), PATIENCE_SECONDS))

    told = fields_of(changes_of(heard, account(record))[-1].says)
    assert (told["organisation.name"], told["contact.phone"], told["contact.email"]) == ("Anvil", "1", None)


async def test_events_merged_by_the_org_are_a_change_of_each_record(org: TestOrg) -> None:
    records = org.simulator.seed.rows("Account", [{"Name": "Twin"}, {"Name": "Twin"}], announce=True)
    async with org.open_dock() as dock:
        heard = arrivals_of(await hear(dock, "", having(*map(account, records)), PATIENCE_SECONDS))

    assert len({arrival.external_id for arrival in heard}) == 2


async def test_a_refill_tells_of_deletions_and_merges(org: TestOrg) -> None:
    since = org.simulator.org.clock.now()
    seed = org.simulator.seed
    ids = seed.rows("Account", [{"Name": "Stays"}, {"Name": "Merged"}, {"Name": "Gone"}])
    seed.merge("Account", ids[0], ids[1], announce=False)
    seed.delete("Account", ids[2], announce=False)
    async with org.open_dock() as dock:
        gap = Gap(since=since, until=org.simulator.org.clock.now(), reason="test")
        found = arrivals_of([batch async for batch in dock.refill_customers(gap)])
        count = await dock.count_changed_customers(gap)

    kinds = {arrival.change.record.value: arrival.change.kind for arrival in found if arrival.change}
    assert [kinds[record] for record in ids] == ["changed", "merged", "deleted"]
    assert count == len(found)


async def test_versioned_writes_beyond_one_composite_all_land(org: TestOrg) -> None:
    async with org.open_dock() as dock:
        org.simulator.calls.reset()
        writes = [CustomerWrite(key=f"K{index}", says=a_company(f"Company {index}")) for index in range(30)]
        records = [
            outcome.record for outcome in await dock.write_customers(writes) if isinstance(outcome, CustomerRecord)
        ]
        seen = await dock.read_customers(records)
        says = Party(contact=Contact(phone="1"))
        guarded = [
            CustomerWrite(key=f"U{index}", record=one.record, says=says, version=one.version)
            for index, one in enumerate(seen)
            if one is not None
        ]
        outcomes = await dock.write_customers(guarded)

    assert all(isinstance(outcome, CustomerRecord) for outcome in outcomes)
    assert len(outcomes) == 30
    assert org.calls("POST composite") == 2


async def test_a_duplicate_rule_refuses_unless_the_deployment_says_otherwise(org: TestOrg) -> None:
    org.trouble(DuplicateRule(sobject="Account", fields=("PersonEmail",)))
    async with org.open_dock() as dock:
        first = await created(dock, a_person(email="a@shop.example"))
        (refused,) = await dock.write_customers([CustomerWrite(key="K2", says=a_person(email="a@shop.example"))])
    async with org.open_dock(customers={"allow_duplicates": True}) as dock:
        second = await created(dock, a_person(email="a@shop.example"), "K3")

    assert isinstance(refused, Rejected)
    assert refused.vendor_code == "DUPLICATES_DETECTED"
    assert second != first


async def test_a_branch_is_heard_and_told_to_belong_to_its_company(org: TestOrg) -> None:
    company, branch = org.simulator.seed.rows(
        "Account", [{"Name": "Anvil"}, {"Name": "Anvil Bonn"}], announce=True
    )
    org.simulator.seed.update("Account", branch, {"ParentId": company})
    parent = PartyReference(system="salesforce", kind="Account", value=company)
    async with org.open_dock() as dock:
        saying_so = saying(account(branch), "hierarchy.parent.value", company)
        heard = arrivals_of(await hear(dock, "", saying_so, PATIENCE_SECONDS))
        assert changes_of(heard, account(branch))[-1].says.hierarchy.parent == parent
        (read,) = await dock.read_customers([account(branch)])
        assert read is not None
        assert read.says.hierarchy.parent == parent

        writes = [
            CustomerWrite(key="K1", record=account(branch), says=Party(hierarchy=Hierarchy(parent=NOBODY))),
            CustomerWrite(key="K2", says=a_company("New", hierarchy=Hierarchy(parent=parent))),
            CustomerWrite(key="K3", says=a_company("Odd", hierarchy=Hierarchy(parent=ELSEWHERE))),
        ]
        cleared, made, refused = await dock.write_customers(writes)

    assert isinstance(cleared, CustomerRecord)
    assert isinstance(made, CustomerRecord)
    assert isinstance(refused, Rejected)
    assert refused.code == "parent-unknown"
    assert org.row(branch, "Account")["ParentId"] is None
    assert org.row(made.record.value, "Account")["ParentId"] == company


async def test_a_locked_row_fails_alone(org: TestOrg) -> None:
    async with org.open_dock() as dock:
        first, second = await created(dock, a_company()), await created(dock, a_company(), "K2")
        org.trouble(LockRows(record=first.value))
        says = Party(contact=Contact(phone="1"))
        outcomes = await dock.write_customers(
            [CustomerWrite(key=f"U{record.value}", record=record, says=says) for record in (first, second)]
        )

    assert isinstance(outcomes[0], Locked)
    assert isinstance(outcomes[1], CustomerRecord)


async def test_another_unique_value_that_is_taken_is_a_conflict(org: TestOrg) -> None:
    taken = a_company("Other", account=Account(number="C-1001"))
    async with org.open_dock() as dock:
        (outcome,) = await dock.write_customers([CustomerWrite(key="K1", says=taken)])

    assert isinstance(outcome, Conflict)
    assert outcome.vendor_code == "DUPLICATE_VALUE"


async def test_an_expired_session_is_renewed_for_a_merge(org: TestOrg) -> None:
    async with org.open_dock() as dock:
        first, second = await created(dock, a_company()), await created(dock, a_company(), "K2")
        await dock.read_customers([first])
        merge = CustomerMerge(key="M1", survivor=first, absorbed=second, how="merge")
        org.simulator.expire_sessions()

        await dock.join_customers(merge)

    assert [row["Id"] for row in org.simulator.rows("Account") if row["Name"].startswith("Anvil & Söhne G")] == [
        first.value
    ]


async def test_a_link_is_shown_on_both_accounts(org: TestOrg) -> None:
    async with org.open_dock() as dock:
        first, second = await created(dock, a_company()), await created(dock, a_company(), "K2")
        await dock.join_customers(CustomerMerge(key="M1", survivor=first, absorbed=second))

    assert org.row(first.value, "Account")["Hub_Link__c"] == second.value
    assert org.row(second.value, "Account")["Hub_Link__c"] == first.value


async def test_a_lost_creation_among_others_leaves_each_findable(org: TestOrg) -> None:
    async with org.open_dock() as dock:
        await dock.find_customer(key="nobody")
        org.trouble(DropAfterCommit(path="composite/sobjects"))
        writes = [CustomerWrite(key=f"K{index}", says=a_company(f"Company {index}")) for index in range(3)]

        outcomes = await dock.write_customers(writes)

        assert all(isinstance(outcome, OutcomeUnknown) for outcome in outcomes)
        assert all([await dock.find_customer(key=write.key) for write in writes])


async def test_a_field_that_the_org_lacks_is_left_out_but_a_missing_key_stops(org: TestOrg) -> None:
    org.trouble(HideField(sobject="Account", field="TaxId__c"))
    async with org.open_dock() as dock:
        assert await dock.find_customer(key="nobody") is None
    org.trouble(HideField(sobject="Account", field="Hub_Key__c"))
    async with org.open_dock() as dock:
        with pytest.raises(Misconfigured) as caught:
            await dock.find_customer(key="nobody")

    assert [finding.path for finding in caught.value.findings] == ["$.Account.Hub_Key__c"]
