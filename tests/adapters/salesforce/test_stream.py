"""Orders arrive by events: few calls, no echoes, no flood, and on and on after every break."""

import asyncio
from contextlib import aclosing
from typing import Any

import msgspec
import pytest
from tests.adapters.salesforce.orgs import (
    PATIENCE_SECONDS,
    QUICK,
    TOPIC,
    TestOrg,
    arrivals_of,
    follow,
    gaps_of,
    having,
    ids_of,
    listen,
    running_org,
    seen_position,
    status,
)

from crossdock.adapters.salesforce.adapter import SalesforceDock
from crossdock.adapters.salesforce.position import decode_position
from crossdock.adapters.salesforce.simulator.faults import DeliverTwice, DropStream, HideField
from crossdock.adapters.salesforce.simulator.faults import Unavailable as UnavailableFault
from crossdock.adapters.salesforce.simulator.tables.fields import text
from crossdock.adapters.salesforce.simulator.tables.schema import ObjectDefinition
from crossdock.canonical.status import OrderStatus
from crossdock.kit.errors import Misconfigured, NotAuthorized

pytestmark = pytest.mark.anyio

EVENT_TOPIC = "/event/Order_Submitted__e"


async def test_a_submitted_order_arrives_whole(org: TestOrg, dock: SalesforceDock) -> None:
    record = org.order(lines=3, Brand__c="Nordwind", Region__c="EU")

    (arrival,) = arrivals_of(await listen(dock, "", having(record)))

    assert arrival.external_id == record
    order = arrival.order
    assert order is not None
    row = org.row(record)
    assert order.order_id == f"SF-{row['OrderNumber']}"
    assert (order.channel, order.brand, order.region, order.currency) == ("B2B", "Nordwind", "EU", "EUR")
    assert (order.customer.number, order.customer.name) == ("C-1001", "Anvil & Söhne")
    assert [(line.product, line.quantity.value) for line in order.lines] == [
        ("P-100", "1"),
        ("P-110", "2"),
        ("P-100", "3"),
    ]
    assert order.total is not None
    assert order.total == order.net()
    assert order.reference("salesforce", "Order") == record


async def test_an_order_arrives_when_it_is_submitted_and_not_before(org: TestOrg, dock: SalesforceDock) -> None:
    draft, other = org.order(submitted=False), org.order(submitted=False)
    org.simulator.seed.update("Order", draft, {"Description": "still thinking"})
    org.simulator.seed.update("Order", other, {"Status": "Activated"})
    last = org.order()

    assert set(ids_of(await listen(dock, "", having(last)))) == {other, last}

    org.simulator.seed.update("Order", draft, {"Submitted__c": True})
    assert draft in ids_of(await listen(dock, "", having(draft)))


async def test_a_thousand_orders_cost_thirty_calls_at_most_with_their_statuses_twice(
    org: TestOrg, dock: SalesforceDock
) -> None:
    records = org.orders(1_000)

    batches = await listen(dock, "", having(*records))
    assert sorted(ids_of(batches)) == sorted(records)
    assert org.calls("GET query") <= 10

    for state in (OrderStatus.WAITING, OrderStatus.ACCEPTED):
        assert not any(await dock.report_statuses([status(record, state) for record in records]))
    assert org.simulator.calls.rest <= 30


async def test_an_echo_of_our_own_writing_is_ignored(org: TestOrg, dock: SalesforceDock) -> None:
    record = org.order()
    position = (await listen(dock, "", having(record)))[-1].position
    await dock.report_statuses([status(record)])
    calls = org.calls("GET query")

    batches = await listen(dock, position, bool)

    assert ids_of(batches) == []
    assert org.calls("GET query") == calls
    assert batches[-1].position != position


async def test_a_position_stands_for_all_that_was_handed_out_before_it(org: TestOrg) -> None:
    records = org.orders(10)
    async with org.open_dock(events={"gather_max": 3}) as dock:
        batches = await listen(dock, "", having(*records))
        for index, batch in enumerate(batches):
            rest = ids_of(batches[index + 1 :])
            if rest:
                _, known = await follow(dock, batch.position, *rest)
                assert known.issuperset(rest)


async def test_a_crash_before_the_commit_delivers_again(org: TestOrg, dock: SalesforceDock) -> None:
    first = org.order()
    position = (await listen(dock, "", having(first)))[-1].position
    second = org.order()

    for _ in range(2):
        assert second in ids_of(await listen(dock, position, having(second)))


async def test_a_batch_that_brings_an_order_twice_hands_it_out_once(org: TestOrg, dock: SalesforceDock) -> None:
    org.trouble(DeliverTwice())
    records = org.orders(4)

    assert sorted(set(ids_of(await listen(dock, "", having(*records))))) == sorted(records)


@pytest.mark.parametrize("after_events", [0, 1, 7])
async def test_a_broken_stream_goes_on_where_it_was(org: TestOrg, dock: SalesforceDock, after_events: int) -> None:
    position = await seen_position(org, dock)
    org.trouble(DropStream(after_events=after_events))
    records = org.orders(20)

    batches = await listen(dock, position, having(*records))

    assert sorted(set(ids_of(batches))) == sorted(records)
    assert gaps_of(batches) == []


async def test_a_bus_that_is_down_for_a_while_is_waited_for(org: TestOrg, dock: SalesforceDock) -> None:
    org.simulator.stop_events()
    record = org.order()
    listening = asyncio.create_task(listen(dock, "", having(record)))
    await asyncio.sleep(0.3)
    assert not listening.done()
    org.simulator.resume_events()

    assert ids_of(await listening) == [record]


async def test_an_expired_session_is_renewed_for_the_stream(org: TestOrg, dock: SalesforceDock) -> None:
    record = org.order()
    org.simulator.expire_sessions()

    assert ids_of(await listen(dock, "", having(record))) == [record]


async def test_a_revoked_credential_ends_the_stream(org: TestOrg, dock: SalesforceDock) -> None:
    org.revoke()
    with pytest.raises(NotAuthorized):
        await listen(dock, "", lambda _: False)


async def test_an_unknown_topic_ends_the_stream(org: TestOrg) -> None:
    async with org.open_dock(events={"topics": ["/event/Nothing__e"]}) as dock:
        with pytest.raises((Misconfigured, NotAuthorized)):
            await listen(dock, "", lambda _: False)


async def test_a_field_that_is_hidden_meanwhile_is_told_and_no_order_is_lost(
    org: TestOrg, dock: SalesforceDock
) -> None:
    record = org.order()
    org.trouble(HideField(sobject="Order", field="Submitted__c"))

    with pytest.raises(Misconfigured) as hidden:
        await listen(dock, "", lambda _: False)
    assert "Submitted__c" in hidden.value.message
    org.simulator.faults.clear(HideField)

    assert ids_of(await listen(dock, "", having(record))) == [record]


async def test_a_busy_org_delays_and_loses_nothing(org: TestOrg, dock: SalesforceDock) -> None:
    record = org.order()
    org.trouble(UnavailableFault(path="query", times=3))

    assert ids_of(await listen(dock, "", having(record))) == [record]


async def test_a_slow_hub_pushes_back_and_loses_nothing(org: TestOrg) -> None:
    records = org.orders(300)
    async with org.open_dock(events={"gather_max": 10}) as dock:
        org.simulator.calls.reset()
        seen: list[str] = []
        async with asyncio.timeout(PATIENCE_SECONDS), aclosing(dock.arrivals("")) as stream:
            async for batch in stream:
                seen += [arrival.external_id for arrival in batch.arrivals]
                if len(seen) <= 20:
                    await asyncio.sleep(0.2)
                    assert org.simulator.calls.event_deliveries <= len(seen) + 20
                if len(seen) == len(records):
                    break
    assert seen == records


async def test_a_hub_that_pauses_until_its_stream_is_closed_goes_on_without_loss() -> None:
    async with running_org(credit_wait_seconds=0.3) as org, org.open_dock(events={"gather_max": 5}) as dock:
        position = await seen_position(org, dock)
        records = org.orders(40)
        seen: list[str] = []
        async with asyncio.timeout(PATIENCE_SECONDS), aclosing(dock.arrivals(position)) as stream:
            async for batch in stream:
                if not seen:
                    await asyncio.sleep(0.8)
                seen += [arrival.external_id for arrival in batch.arrivals]
                assert batch.gap is None
                if set(seen) == set(records):
                    break


async def test_echoes_do_not_pile_up_while_the_hub_pauses(org: TestOrg) -> None:
    async with org.open_dock(events={"gather_max": 5}) as dock:
        position = await seen_position(org, dock)
        first = org.order()
        async with asyncio.timeout(PATIENCE_SECONDS), aclosing(dock.arrivals(position)) as stream:
            assert [arrival.external_id for arrival in (await anext(stream)).arrivals] == [first]
            for index in range(200):
                org.simulator.seed.update("Order", first, {"Description": f"noise {index}"})
            await asyncio.sleep(0.3)
            assert org.simulator.calls.event_deliveries <= 12
            last = org.order()
            async for batch in stream:
                if [arrival.external_id for arrival in batch.arrivals] == [last]:
                    break


async def test_signs_of_life_move_the_position() -> None:
    async with running_org(keepalive_wait_seconds=0.1) as org, org.open_dock() as dock:
        record = org.order()
        first = (await listen(dock, "", having(record)))[-1].position
        org.simulator.seed.account("C-2", "Somebody else", announce=True)

        later = (await listen(dock, first, lambda batches: len(batches) >= 2))[-1].position

        before, after = decode_position(first)[TOPIC], decode_position(later)[TOPIC]
        assert after.replay_id != before.replay_id
        assert after.at >= before.at


async def test_silence_without_a_sign_of_life_makes_a_new_connection() -> None:
    async with running_org(keepalive_wait_seconds=600) as org:
        async with org.open_dock(events={"silence_seconds_max": 0.2}) as dock:
            first = org.order()
            position = (await listen(dock, "", having(first)))[-1].position
            sessions = org.sign_ins
            listening = asyncio.create_task(listen(dock, position, lambda batches: bool(ids_of(batches))))
            await asyncio.sleep(0.7)
            second = org.order()

            batches = await listening

        assert ids_of(batches) == [second]
        assert gaps_of(batches) == []
        assert org.sign_ins == sessions


async def test_a_cancelled_reader_ends_at_once_and_leaves_nothing_running(
    org: TestOrg, dock: SalesforceDock
) -> None:
    before = asyncio.all_tasks()
    stream = dock.arrivals("")
    reading = asyncio.create_task(anext(stream))
    await asyncio.sleep(0.2)
    reading.cancel()
    await asyncio.wait([reading], timeout=5)
    await stream.aclose()
    await asyncio.sleep(0)

    assert asyncio.all_tasks() - before - {reading} == set()


@pytest.fixture
async def messages(org: TestOrg) -> Any:
    event = ObjectDefinition(
        name="Order_Submitted__e",
        prefix="e01",
        kind="event",
        fields=(text("OrderId__c", 18), text("Payload__c", 32_000, kind="textarea")),
    )
    org.simulator.add_object(event)
    async with org.open_dock(events={"topics": [TOPIC, EVENT_TOPIC]}) as dock:
        org.simulator.calls.reset()
        yield dock


async def test_a_platform_event_that_carries_the_order_needs_no_query(
    org: TestOrg, messages: SalesforceDock
) -> None:
    line = {"Id": "802xx000001nDzYAAU", "Quantity": 2.0, "UnitPrice": 9.9, "Product2": {"ProductCode": "P-100"}}
    order = {
        "Id": "801xx000003GZ0AAAW",
        "OrderNumber": "77",
        "CreatedDate": "2026-01-01T10:00:00.000+0000",
        "CurrencyIsoCode": "EUR",
        "AccountId": org.account,
        "OrderItems": {"totalSize": 1, "done": True, "records": [line]},
    }
    org.simulator.seed.publish("Order_Submitted__e", {"Payload__c": msgspec.json.encode(order).decode()})

    (arrival,) = arrivals_of(await listen(messages, "", having("801xx000003GZ0AAAW")))

    assert arrival.order is not None
    assert arrival.order.order_id == "SF-77"
    assert org.calls("GET query") == 0


async def test_topics_are_read_together_and_keep_their_own_positions(
    org: TestOrg, messages: SalesforceDock
) -> None:
    by_change, by_message = org.order(), org.order(announce=False)
    org.simulator.seed.publish("Order_Submitted__e", {"OrderId__c": by_message})

    position = (await listen(messages, "", having(by_change, by_message)))[-1].position

    assert set(decode_position(position)) == {TOPIC, EVENT_TOPIC}
    later = org.order()
    assert ids_of(await listen(messages, position, having(later))) == [later]


async def test_a_poison_message_is_parked_and_holds_nothing_up(org: TestOrg, messages: SalesforceDock) -> None:
    org.simulator.seed.publish("Order_Submitted__e", {"Payload__c": '{"Id": [1, NaN'})
    org.simulator.seed.publish("Order_Submitted__e", {})
    good = org.order(announce=False)
    org.simulator.seed.publish("Order_Submitted__e", {"OrderId__c": good})

    arrivals = arrivals_of(
        await listen(messages, "", lambda batches: len({a.external_id for a in arrivals_of(batches)}) == 3)
    )

    poison = [arrival for arrival in arrivals if arrival.order is None]
    assert sorted(finding.code for arrival in poison for finding in arrival.findings) == ["missing", "not-json"]
    assert {arrival.external_id for arrival in arrivals} > {good}


async def test_an_order_that_cannot_be_translated_arrives_as_findings(org: TestOrg, dock: SalesforceDock) -> None:
    record = org.order(ShippingCountry="Atlantis")

    (arrival,) = arrivals_of(await listen(dock, "", having(record)))

    assert arrival.order is None
    assert [finding.path for finding in arrival.findings] == ["$.ShippingCountry"]
    assert msgspec.json.decode(arrival.raw)["Id"] == record


def test_the_quick_settings_are_settings_of_the_dock() -> None:
    assert set(QUICK) <= {
        "gather_seconds",
        "settle_seconds",
        "retry_seconds_min",
        "retry_seconds_max",
        "overlap_seconds",
    }
