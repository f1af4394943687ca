"""What a commit announces: who, what and which fields, in the bitmaps of the vendor's wire."""

from typing import Any

import pytest
from tests.adapters.salesforce.simulator.clients import Bus, Rest

from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.events.layout import bitmap, layout
from crossdock.adapters.salesforce.simulator.faults import Gap, HideField, LateCommit, LoseEvents, Overflow
from crossdock.adapters.salesforce.simulator.seeding import Line
from crossdock.adapters.salesforce.simulator.tables.ids import EMPTY_ID
from crossdock.adapters.salesforce.simulator.tables.schema import Field
from crossdock.kit.clock import ManualClock

pytestmark = pytest.mark.anyio

ACCOUNTS = "/data/AccountChangeEvent"


def names_in(schema: dict[str, Any], bitmaps: list[str]) -> set[str]:
    """Read the bitmaps back, written after the vendor's description and not after our encoder."""
    found: set[str] = set()
    for entry in bitmaps:
        parent, _, digits = entry.rpartition("-")
        assert digits.startswith("0x")
        assert digits[2:] == digits[2:].upper()
        fields, prefix = schema["fields"], ""
        if parent:
            compound = fields[int(parent)]
            fields, prefix = (
                next(kind for kind in compound["type"] if isinstance(kind, dict))["fields"],
                f"{compound['name']}.",
            )
        bits = f"{int(digits, 16):b}"[::-1]
        found |= {prefix + fields[index]["name"] for index, bit in enumerate(bits) if bit == "1"}
    return found


async def test_a_new_row_is_announced_whole_with_the_origin_of_the_caller(
    simulator: SalesforceSimulator, rest: Rest, bus: Bus
) -> None:
    account = rest.created("Account", Name="Söhne", BillingCity="Köln", AnnualRevenue=1.5)

    (event,) = await bus.all_events(ACCOUNTS, 1)

    header = event["ChangeEventHeader"]
    assert (header["entityName"], header["changeType"], header["recordIds"]) == ("Account", "CREATE", [account])
    assert header["changeOrigin"] == "com/salesforce/api/rest/60.0;client=crossdock"
    assert header["commitUser"].startswith("005")
    assert (header["sequenceNumber"], header["changedFields"], header["nulledFields"]) == (1, [], [])
    assert (event["Name"], event["AnnualRevenue"]) == ("Söhne", 1.5)
    assert event["BillingAddress"]["City"] == "Köln"
    assert event["ShippingAddress"] is None
    assert event["CreatedDate"] // 1_000 * 1_000 == event["CreatedDate"]
    assert "SystemModstamp" not in event


async def test_a_change_names_its_fields_by_bitmaps_compounds_included(rest: Rest, bus: Bus) -> None:
    account = rest.created("Account", Name="A", Phone="1", BillingCity="Köln", BillingStreet="Dom 1")
    rest(
        "PATCH",
        f"sobjects/Account/{account}",
        {"Phone": None, "Site": "x", "BillingCity": None, "BillingState": "NW"},
    )
    schema = await bus.schema_of(ACCOUNTS)

    _, event = await bus.all_events(ACCOUNTS, 2)

    header = event["ChangeEventHeader"]
    assert header["changeType"] == "UPDATE"
    changed = {"Phone", "Site", "BillingAddress.City", "BillingAddress.State", "LastModifiedDate"}
    assert names_in(schema, header["changedFields"]) == changed
    assert names_in(schema, header["nulledFields"]) == {"Phone", "BillingAddress.City"}
    assert (event["Site"], event["Phone"], event["Name"]) == ("x", None, None)
    assert event["BillingAddress"] == {
        "Street": None, "City": None, "State": "NW", "PostalCode": None, "Country": None,
        "Latitude": None, "Longitude": None, "GeocodeAccuracy": None,
    }  # fmt: skip


async def test_a_persons_name_is_a_compound(rest: Rest, bus: Bus) -> None:
    contact = rest.created("Contact", FirstName="Ada", LastName="L")
    rest("PATCH", f"sobjects/Contact/{contact}", {"FirstName": "Eve"})
    schema = await bus.schema_of("/data/ContactChangeEvent")

    created, changed = await bus.all_events("/data/ContactChangeEvent", 2)

    assert created["Name"] == {"LastName": "L", "FirstName": "Ada", "Salutation": None}
    header = changed["ChangeEventHeader"]
    assert names_in(schema, header["changedFields"]) == {"Name.FirstName", "LastModifiedDate"}


def test_bitmaps_are_whole_upper_case_bytes_with_the_header_at_bit_zero(simulator: SalesforceSimulator) -> None:
    entries = layout(simulator.org.schema.get("Account"))
    names = [entry.name for entry in entries]
    bits = 1 << names.index("Phone") + 1 | 1 << names.index("ErpId__c") + 1

    assert bitmap(entries, set()) == []
    assert bitmap(entries, {"Name"}) == ["0x02"]
    (only,) = bitmap(entries, {"Phone", "ErpId__c"})
    assert int(only, 16) == bits
    assert len(only) % 2 == 0
    assert bitmap(entries, {"BillingStreet", "BillingCountry"}) == [
        "0x00",
        f"{names.index('BillingAddress') + 1}-0x11",
    ]


async def test_equal_changes_of_one_transaction_are_one_event_for_all_records(rest: Rest, bus: Bus) -> None:
    ids = [rest.created("Account", Name=name) for name in "ABC"]
    values = ({"Phone": "1"}, {"Phone": "1"}, {"Phone": "2"})
    records = [
        {"attributes": {"type": "Account"}, "Id": record_id, **change}
        for record_id, change in zip(ids, values, strict=True)
    ]
    rest("PATCH", "composite/sobjects", {"records": records})

    events = await bus.all_events(ACCOUNTS, 5)

    headers = [event["ChangeEventHeader"] for event in events[3:]]
    assert [header["recordIds"] for header in headers] == [ids[:2], ids[2:]]
    assert headers[0]["transactionKey"] == headers[1]["transactionKey"]
    assert [header["sequenceNumber"] for header in headers] == [1, 2]


async def test_several_writes_of_a_row_in_a_transaction_are_one_event(rest: Rest, bus: Bus) -> None:
    base = "/services/data/v60.0/sobjects/Account"
    steps = [
        {"method": "POST", "url": base, "referenceId": "a", "body": {"Name": "A"}},
        {"method": "PATCH", "url": f"{base}/@{{a.id}}", "referenceId": "b", "body": {"Phone": "1"}},
        {"method": "POST", "url": base, "referenceId": "c", "body": {"Name": "C"}},
        {"method": "DELETE", "url": f"{base}/@{{c.id}}", "referenceId": "d"},
    ]
    rest("POST", "composite", {"allOrNone": True, "compositeRequest": steps})
    rest.created("Account", Name="last")

    first, last = await bus.all_events(ACCOUNTS, 2)

    assert (first["ChangeEventHeader"]["changeType"], first["Name"], first["Phone"]) == ("CREATE", "A", "1")
    assert last["Name"] == "last"


async def test_deletion_and_return_are_announced_but_rollups_are_not(
    simulator: SalesforceSimulator, rest: Rest, bus: Bus
) -> None:
    simulator.seed.account("C-1", "A")
    simulator.seed.product("P-1", "Hammer", {"EUR": 10})
    order = simulator.seed.order("C-1", [Line("P-1", 1)])
    line = simulator.rows("OrderItem")[0]["Id"]

    rest("PATCH", f"sobjects/OrderItem/{line}", {"Quantity": 5})
    rest("DELETE", f"sobjects/Order/{order}")
    simulator.seed.undelete("Order", order)

    events = await bus.all_events("/data/ChangeEvents", 4)
    kinds = [
        (event["ChangeEventHeader"]["entityName"], event["ChangeEventHeader"]["changeType"]) for event in events
    ]
    assert kinds == [("OrderItem", "UPDATE"), ("OrderItem", "DELETE"), ("Order", "DELETE"), ("Order", "UNDELETE")]
    assert events[3]["TotalAmount"] is not None
    assert events[2]["AccountId"] is None


async def test_a_new_field_makes_a_new_schema_and_old_events_keep_theirs(
    simulator: SalesforceSimulator, rest: Rest, bus: Bus
) -> None:
    rest.created("Account", Name="A")
    before = await bus.schema_of(ACCOUNTS)
    simulator.add_field("Account", Field(name="Tier__c", length=10))
    rest.created("Account", Name="B", Tier__c="gold")

    old, new = await bus.all_events(ACCOUNTS, 2)

    after = await bus.schema_of(ACCOUNTS)
    assert "Tier__c" not in old
    assert new["Tier__c"] == "gold"
    assert [field["name"] for field in after["fields"]][:-1] == [field["name"] for field in before["fields"]]


async def test_a_hidden_field_is_neither_told_nor_named(
    simulator: SalesforceSimulator, rest: Rest, bus: Bus
) -> None:
    account = rest.created("Account", Name="A")
    simulator.faults.add(HideField(sobject="Account", field="Phone"))
    simulator.seed.update("Account", account, {"Fax": "2"})
    simulator.faults.clear()
    simulator.faults.add(HideField(sobject="Account", field="Fax"))
    with simulator.org.guard:
        simulator.org.schema.hidden.clear()
        simulator.seed.update("Account", account, {"Site": "3"})
    schema = await bus.schema_of(ACCOUNTS)

    events = await bus.all_events(ACCOUNTS, 3)

    assert names_in(schema, events[1]["ChangeEventHeader"]["changedFields"]) == {"Fax", "LastModifiedDate"}
    assert events[2]["Site"] == "3"


async def test_gaps_overflows_and_losses_are_made_on_demand(
    simulator: SalesforceSimulator, rest: Rest, bus: Bus
) -> None:
    simulator.faults.add(Gap(sobject="Account", times=1))
    gapped = rest.created("Account", Name="gap")
    simulator.faults.add(Overflow(sobject="Account"))
    records = [{"attributes": {"type": "Account"}, "Name": name} for name in ("over", "flow")]
    rest("POST", "composite/sobjects", {"records": records})
    simulator.faults.add(LoseEvents(sobject="Account"))
    rest.created("Account", Name="lost")
    rest.created("Account", Name="told")
    simulator.publish_gap("Account", "UPDATE", gapped)
    simulator.publish_overflow("Account")

    events = await bus.all_events(ACCOUNTS, 5)

    headers = [event["ChangeEventHeader"] for event in events]
    assert [
        (header["changeType"], header["recordIds"]) for header in headers if header["changeType"] != "CREATE"
    ] == [
        ("GAP_CREATE", [gapped]),
        ("GAP_OVERFLOW", [EMPTY_ID]),
        ("GAP_UPDATE", [gapped]),
        ("GAP_OVERFLOW", [EMPTY_ID]),
    ]
    assert events[0]["Name"] is None
    assert events[2]["Name"] == "told"
    assert simulator.faults.active == []


def test_a_late_commit_is_stamped_in_the_past_although_it_is_seen_now() -> None:
    clock = ManualClock()
    with SalesforceSimulator(clock=clock) as simulator:
        rest = Rest(simulator)
        rest.created("Account", Name="on time")
        clock.advance(10)
        simulator.faults.add(LateCommit(seconds=30, sobject="Account"))
        rest.created("Account", Name="late")
        rest.created("Account", Name="after")

        rows = simulator.rows("Account")
        assert [row["Name"] for row in sorted(rows, key=lambda row: str(row["SystemModstamp"]))] == [
            "late",
            "on time",
            "after",
        ]
        rest.http.close()


async def test_only_enabled_objects_are_announced(simulator: SalesforceSimulator, rest: Rest, bus: Bus) -> None:
    rest.created("Case", Subject="silent")
    assert simulator.calls.events_published == 0

    simulator.enable_changes("Case")
    rest.created("Case", Subject="heard")

    (event,) = await bus.all_events("/data/CaseChangeEvent", 1)
    assert event["Subject"] == "heard"


async def test_a_published_event_is_a_success_that_carries_an_error(
    simulator: SalesforceSimulator, rest: Rest, bus: Bus
) -> None:
    answer = rest("POST", "sobjects/Order_Event__e", {"Order_Number__c": "7", "Amount__c": 1.5})

    assert answer.status_code == 201
    content = answer.json()
    assert (content["id"], content["success"]) == ("e01xx0000000001AAA", True)
    assert content["errors"][0]["statusCode"] == "OPERATION_ENQUEUED"
    (event,) = await bus.all_events("/event/Order_Event__e", 1)
    assert (event["Order_Number__c"], event["Amount__c"], event["Action__c"]) == ("7", 1.5, None)
    schema = await bus.schema_of("/event/Order_Event__e")
    assert (schema["namespace"], schema["name"]) == ("com.sforce.eventbus", "Order_Event__e")
    assert [field["name"] for field in schema["fields"]][:2] == ["CreatedDate", "CreatedById"]
