"""Change events are read as the vendor encodes them: Avro, and bitmaps over the schema's fields."""

import io
from typing import Any

import fastavro
import msgspec
import pytest

from crossdock.adapters.salesforce.changes import (
    ChangeEvent,
    EventSchema,
    PlatformEvent,
    field_names,
    parse_schema,
    read_event,
)
from crossdock.adapters.salesforce.events import Meaning, is_echo, meaning_of
from crossdock.adapters.salesforce.settings import OrderFields, SalesforceSettings

SETTINGS = SalesforceSettings(client_id="x")
ORDER_ID = "801xx000003GZ0AAAW"
HEADER = {
    "type": "record",
    "name": "ChangeEventHeader",
    "fields": [
        {"name": "entityName", "type": "string"},
        {"name": "recordIds", "type": {"type": "array", "items": "string"}},
        {"name": "changeType", "type": {"type": "enum", "name": "ChangeType", "symbols": [
            "CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE",
            "GAP_OVERFLOW", "SNAPSHOT",
        ]}},
        {"name": "changeOrigin", "type": "string"},
        {"name": "transactionKey", "type": "string"},
        {"name": "sequenceNumber", "type": "int"},
        {"name": "commitTimestamp", "type": "long"},
        {"name": "commitNumber", "type": "long"},
        {"name": "commitUser", "type": "string"},
        {"name": "nulledFields", "type": {"type": "array", "items": "string"}},
        {"name": "diffFields", "type": {"type": "array", "items": "string"}},
        {"name": "changedFields", "type": {"type": "array", "items": "string"}},
    ],
}  # fmt: skip
ADDRESS = {
    "type": "record",
    "name": "Address",
    "fields": [
        {"name": part, "type": ["null", "string"], "default": None} for part in ("Street", "City", "State")
    ],
}
SCHEMA_JSON = msgspec.json.encode(
    {
        "type": "record",
        "name": "OrderChangeEvent",
        "namespace": "com.sforce.eventbus",
        "fields": [
            {"name": "ChangeEventHeader", "type": HEADER},
            {"name": "Status", "type": ["null", "string"], "default": None},
            {"name": "Submitted__c", "type": ["null", "boolean"], "default": None},
            {"name": "Hub_Status__c", "type": ["null", "string"], "default": None},
            {"name": "LastModifiedDate", "type": ["null", "long"], "default": None},
            {"name": "BillingAddress", "type": ["null", ADDRESS], "default": None},
        ],
    }
).decode()


@pytest.fixture(scope="module")
def schema() -> EventSchema:
    return parse_schema("s1", SCHEMA_JSON)


def event(schema: EventSchema, **facts: Any) -> ChangeEvent:
    header = {
        "entityName": "Order",
        "recordIds": [ORDER_ID],
        "changeType": "UPDATE",
        "changeOrigin": "com/salesforce/api/rest/67.0",
        "transactionKey": "k",
        "sequenceNumber": 1,
        "commitTimestamp": 1_767_225_600_123,
        "commitNumber": 1,
        "commitUser": "005",
        "nulledFields": [],
        "diffFields": [],
        "changedFields": ["0x14"],
    }
    values = {name: facts.pop(name) for name in list(facts) if name not in header}
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema.parsed, {"ChangeEventHeader": header | facts, **values})
    read = read_event(buffer.getvalue(), schema)
    assert isinstance(read, ChangeEvent)
    return read


def meaning(schema: EventSchema, settings: SalesforceSettings = SETTINGS, **facts: Any) -> Meaning:
    return meaning_of(event(schema, **facts), schema, settings)


def test_bitmaps_name_top_fields_and_parts_of_compounds(schema: EventSchema) -> None:
    assert field_names(["0x16"], schema.fields) == ("Status", "Submitted__c", "LastModifiedDate")
    assert field_names(["0x0E", "5-0x05"], schema.fields) == (
        "Status",
        "Submitted__c",
        "Hub_Status__c",
        "BillingAddress.Street",
        "BillingAddress.State",
    )
    assert field_names(["0x0e"], schema.fields) == field_names(["0x0E"], schema.fields)
    assert field_names([], schema.fields) == ()


@pytest.mark.parametrize(
    "item", ["14", "0xZZ", "0x4000000", "9-0x1", "x-0x1", "1-0x1", "5-0xFF", "0x" + "F" * 2_000]
)
def test_a_bitmap_that_makes_no_sense_is_an_error_and_not_a_guess(schema: EventSchema, item: str) -> None:
    with pytest.raises(ValueError, match=r"bitmap|parts|invalid literal"):
        field_names([item], schema.fields)


def test_an_event_is_read_with_its_time_in_microseconds(schema: EventSchema) -> None:
    read = event(schema, changedFields=["0x10"], nulledFields=["0x02"], diffFields=["0x08"])
    assert read.committed_at == 1_767_225_600_123_000
    assert (read.changed, read.nulled, read.diffed) == (("LastModifiedDate",), ("Status",), ("Hub_Status__c",))


def test_rubbish_is_a_value_error(schema: EventSchema) -> None:
    for payload in (b"", b"\xff" * 40, b"\x00"):
        with pytest.raises(ValueError, match="does not follow"):
            read_event(payload, schema)
    for text in ("", "{}", '{"type":"record"}', "[" * 50_000):
        with pytest.raises(ValueError, match="cannot be read"):
            parse_schema("s2", text)


def test_an_order_that_becomes_submitted_is_looked_up(schema: EventSchema) -> None:
    assert meaning(schema, Submitted__c=True).record_ids == (ORDER_ID,)
    assert meaning(schema, Status="Activated", changedFields=["0x12"]).record_ids == (ORDER_ID,)
    assert meaning(schema, changeType="CREATE", Submitted__c=True, changedFields=[]).record_ids == (ORDER_ID,)


def test_a_change_that_submits_nothing_is_none_of_our_business(schema: EventSchema) -> None:
    assert meaning(schema, Status="Draft", changedFields=["0x12"]).is_nothing
    assert meaning(schema, Submitted__c=False).is_nothing
    assert meaning(schema, entityName="Account", Submitted__c=True).is_nothing
    assert meaning(schema, changeType="DELETE", Submitted__c=True).is_nothing
    assert meaning(schema, changeType="GAP_DELETE").is_nothing


def test_merged_records_are_all_looked_up_in_their_long_form(schema: EventSchema) -> None:
    ids = ["801D000000IRFma", "801D000000IRFmb"]
    assert meaning(schema, Submitted__c=True, recordIds=ids).record_ids == (
        "801D000000IRFmaIAH",
        "801D000000IRFmbIAH",
    )


@pytest.mark.parametrize("kind", ["GAP_CREATE", "GAP_UPDATE", "GAP_UNDELETE"])
def test_a_gap_event_has_its_record_looked_up(schema: EventSchema, kind: str) -> None:
    assert meaning(schema, changeType=kind, changedFields=[]).record_ids == (ORDER_ID,)


@pytest.mark.parametrize("ids", [["000000000000000AAA"], ["801*"], [ORDER_ID, "801*"], []])
def test_an_event_that_does_not_name_all_its_records_asks_for_a_resync(
    schema: EventSchema, ids: list[str]
) -> None:
    found = meaning(schema, changeType="GAP_OVERFLOW", recordIds=ids, changedFields=[])
    assert found.resync
    assert meaning(schema, Submitted__c=True, recordIds=ids).resync


def test_an_echo_bears_our_mark_and_touches_only_our_fields(schema: EventSchema) -> None:
    ours = "com/salesforce/api/rest/67.0;client=crossdock"
    assert is_echo(event(schema, changeOrigin=ours, changedFields=["0x18"]), SETTINGS)
    assert is_echo(event(schema, changeOrigin=ours, changeType="CREATE"), SETTINGS)
    assert not is_echo(event(schema, changedFields=["0x18"]), SETTINGS)
    assert not is_echo(event(schema, changeOrigin=ours + "2", changedFields=["0x18"]), SETTINGS)


def test_an_order_that_a_flow_submits_in_answer_to_our_write_is_not_an_echo(schema: EventSchema) -> None:
    ours = "com/salesforce/api/rest/67.0;client=crossdock"
    assert meaning(schema, changeOrigin=ours, Submitted__c=True, changedFields=["0x1C"]).record_ids == (ORDER_ID,)


def test_in_doubt_an_order_is_looked_up(schema: EventSchema) -> None:
    hidden = SalesforceSettings(client_id="x", orders=OrderFields(submitted="Hidden__c"))
    assert meaning(schema, hidden, Hub_Status__c="Accepted", changedFields=["0x08"]).record_ids
    assert meaning(schema, changedFields=["0x10"]).record_ids


MESSAGE_SCHEMA = parse_schema(
    "m1",
    msgspec.json.encode(
        {
            "type": "record",
            "name": "Order_Submitted__e",
            "namespace": "com.sforce.eventbus",
            "fields": [
                {"name": "CreatedDate", "type": "long"},
                {"name": "CreatedById", "type": "string"},
                {"name": "OrderId__c", "type": ["null", "string"], "default": None},
                {"name": "Payload__c", "type": ["null", "string"], "default": None},
            ],
        }
    ).decode(),
)


def message(**values: Any) -> Meaning:
    buffer = io.BytesIO()
    record = {"CreatedDate": 1_767_225_600_000, "CreatedById": "005", **values}
    fastavro.schemaless_writer(buffer, MESSAGE_SCHEMA.parsed, record)
    read = read_event(buffer.getvalue(), MESSAGE_SCHEMA)
    assert isinstance(read, PlatformEvent)
    return meaning_of(read, MESSAGE_SCHEMA, SETTINGS)


def test_a_platform_event_carries_the_order_or_names_it() -> None:
    assert message(Payload__c='{"Id":"801"}').payload == b'{"Id":"801"}'
    assert message(OrderId__c="801D000000IRFma").record_ids == ("801D000000IRFmaIAH",)
    assert message(OrderId__c="801D000000IRFma").at == 1_767_225_600_000_000


def test_a_platform_event_with_neither_is_a_fault_with_its_path() -> None:
    fault = message().fault
    assert fault is not None
    assert (fault.code, fault.path) == ("missing", "$.Payload__c")
