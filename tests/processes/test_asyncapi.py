"""The AsyncAPI document says what the hub really publishes, and nothing that it does not."""

from typing import Any

import jsonschema_rs
import msgspec
import pytest
from tests.processes.stage import HubStage

from crossdock.adapters.memory.simulator.faults import RejectOrder
from crossdock.contracts import customers, orders, sources
from crossdock.contracts.asyncapi import asyncapi_document
from crossdock.contracts.envelope import as_json
from crossdock.contracts.published import PUBLISHED, owner_of
from crossdock.durable.records import RunState
from crossdock.durable.relay import cloud_event
from crossdock.testing.builders import a_line, an_order

pytestmark = pytest.mark.anyio

DOCUMENT: dict[str, Any] = msgspec.to_builtins(asyncapi_document("1", "crossdock.events"))


def payload_of(kind: str) -> dict[str, Any]:
    """What a message of this type is, with everything that it refers to."""
    return {**DOCUMENT["components"]["messages"][kind]["payload"], "components": DOCUMENT["components"]}


async def test_every_event_of_a_day_is_as_the_document_says(stage: HubStage) -> None:
    stage.erp.faults.add(RejectOrder(code="CREDIT_HOLD"))
    await stage.take(an_order("O-refused"))
    await stage.take(an_order("O-accepted"), an_order("O-unknown", lines=[a_line(product="P-000")]))
    stage.shop.channel.offer_raw("M-1", b'{"external":"M-1"}')
    await stage.eventually(lambda: bool(stage.hub.intakes["shop"].taken), tick_seconds=0.05)
    parked = await stage.store.list_runs(state=RunState.PARKED)
    await stage.hub.desk.retry([view.run_id for view in parked], actor="ann", reason="again")
    await stage.flow()
    told = await stage.store.read_events(0, 1_000)
    assert len({event.type for event in told}) >= 5
    for event in told:
        body = msgspec.json.decode(as_json(cloud_event(event)))
        jsonschema_rs.validate(payload_of(event.type), body)
        channel = DOCUMENT["channels"][event.subject.partition("/")[0]]
        assert event.type in channel["messages"]


def test_another_payload_is_told_apart() -> None:
    """The check above can fail: a required field that is missing is noticed, in the envelope and in the data."""
    event = {"id": "1", "type": orders.OrderAccepted.type, "data": {}}
    assert not jsonschema_rs.is_valid(payload_of(orders.OrderAccepted.type), event)


def test_every_contract_with_a_type_is_published_and_has_an_owner() -> None:
    contracts = {
        value.type
        for module in (customers, orders, sources)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, msgspec.Struct) and hasattr(value, "type")
    }
    assert contracts == set(PUBLISHED) == set(DOCUMENT["components"]["messages"])
    assert all(owner_of(kind) for kind in PUBLISHED)


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            found = [value["$ref"]] if "$ref" in value else []
            return found + [each for part in value.values() for each in references(part)]
        return [each for part in value for each in references(part)] if isinstance(value, list) else []

    for reference in references(DOCUMENT):
        place: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {operation["action"] for operation in DOCUMENT["operations"].values()} == {"send"}
