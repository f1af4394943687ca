"""The event bus over gRPC: credit, replay, refusals with the vendor's codes, managed subscriptions."""

import io
from contextlib import suppress
from typing import Any

import fastavro
import grpc
import grpc.aio
import msgspec
import pytest
from tests.adapters.salesforce.simulator.clients import Bus, Subscription

from crossdock.adapters.salesforce import pubsub_api_pb2 as wire
from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.faults import (
    DeliverTwice,
    DeliveryExhausted,
    DropStream,
    PublishExhausted,
)
from crossdock.adapters.salesforce.simulator.settings import OrgSettings
from crossdock.kit.clock import ManualClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("lasting_loop")]

TOPIC = "/event/Order_Event__e"
INVALID = grpc.StatusCode.INVALID_ARGUMENT


def publish(simulator: SalesforceSimulator, *numbers: int) -> None:
    for number in numbers:
        simulator.seed.publish("Order_Event__e", {"Order_Number__c": str(number)})


async def numbers_of(bus: Bus, events: list[wire.ConsumerEvent]) -> list[int]:
    return [int((await bus.decode(event))["Order_Number__c"]) for event in events]


def position(response: Any) -> int:
    return int.from_bytes(response.latest_replay_id, "big")


async def refused(bus: Bus, topic: str = TOPIC, credit: int = 1, **more: Any) -> tuple[grpc.StatusCode, str]:
    async with bus.subscribe(topic, credit, **more) as subscription:
        return await subscription.refusal()


async def test_events_flow_as_far_as_the_credit_goes(simulator: SalesforceSimulator, bus: Bus) -> None:
    publish(simulator, *range(10))

    async with bus.subscribe(TOPIC, 3) as subscription:
        first = await subscription.response()
        assert (len(first.events), first.pending_num_requested) == (3, 0)
        assert first.latest_replay_id == first.events[-1].replay_id
        await subscription.send(wire.FetchRequest(num_requested=4))
        second = await subscription.response()

    assert await numbers_of(bus, [*first.events, *second.events]) == list(range(7))
    assert simulator.calls.event_deliveries == 7


async def test_outstanding_credit_is_never_more_than_a_hundred(simulator: SalesforceSimulator, bus: Bus) -> None:
    publish(simulator, *range(150))

    async with bus.subscribe(TOPIC, 1_000) as subscription:
        response = await subscription.response()

    assert (len(response.events), response.pending_num_requested) == (100, 0)


async def test_a_quiet_stream_is_kept_alive_with_a_position_to_resume_from(
    simulator: SalesforceSimulator, bus: Bus
) -> None:
    publish(simulator, 1)
    async with bus.subscribe(TOPIC, 5) as subscription:
        await subscription.events(1)
        keepalive = await subscription.response()
        assert (len(keepalive.events), keepalive.pending_num_requested) == (0, 4)
    publish(simulator, 2)

    async with bus.subscribe(
        TOPIC, 5, replay_preset=wire.CUSTOM, replay_id=keepalive.latest_replay_id
    ) as subscription:
        assert await numbers_of(bus, await subscription.events(1)) == [2]


async def test_a_stream_without_credit_ends_after_a_while(simulator: SalesforceSimulator, bus: Bus) -> None:
    publish(simulator, 1)

    async with bus.subscribe(TOPIC, 1) as subscription:
        await subscription.events(1)
        assert await subscription.response() is None
        assert await subscription.call.code() == grpc.StatusCode.OK


async def test_reading_begins_at_the_end_at_the_start_or_after_a_position(
    simulator: SalesforceSimulator, bus: Bus
) -> None:
    publish(simulator, 1, 2, 3)
    async with bus.subscribe(TOPIC, 3) as subscription:
        events = await subscription.events(3)
    assert all(len(event.replay_id) == 8 for event in events)
    ids = [int.from_bytes(event.replay_id, "big") for event in events]
    assert ids == sorted(ids)
    assert ids != list(range(ids[0], ids[0] + 3)), "nobody may count with replay ids"

    async with bus.subscribe(TOPIC, 9, replay_preset=wire.CUSTOM, replay_id=events[0].replay_id) as subscription:
        assert await numbers_of(bus, await subscription.events(2)) == [2, 3]
    async with bus.subscribe(TOPIC, 9, replay_preset=wire.LATEST) as subscription:
        await subscription.response()  # a keepalive: the stream stands at the end
        publish(simulator, 4)
        assert await numbers_of(bus, await subscription.events(1)) == [4]


@pytest.mark.parametrize("replay_id", [b"1234", b"\x00" * 8, b"\xff" * 8, b"\x00" * 9])
async def test_a_position_that_was_never_issued_is_corrupted(
    simulator: SalesforceSimulator, bus: Bus, replay_id: bytes
) -> None:
    publish(simulator, 1)

    answer = await refused(bus, replay_preset=wire.CUSTOM, replay_id=replay_id)

    assert answer == (INVALID, "subscription.fetch.replayid.corrupted")


async def test_aged_out_and_reset_positions_are_refused_in_the_same_words(
    simulator: SalesforceSimulator, bus: Bus
) -> None:
    publish(simulator, 1)
    async with bus.subscribe(TOPIC, 1) as subscription:
        (old,) = await subscription.events(1)

    simulator.age_out_events()
    aged = await refused(bus, replay_preset=wire.CUSTOM, replay_id=old.replay_id)
    publish(simulator, 2)
    simulator.reset_events()
    publish(simulator, 3)
    reset = await refused(bus, replay_preset=wire.CUSTOM, replay_id=old.replay_id)

    assert aged == reset == (INVALID, "subscription.fetch.replayid.corrupted")
    async with bus.subscribe(TOPIC, 1) as subscription:
        (new,) = await subscription.events(1)
    assert new.replay_id < old.replay_id
    assert await numbers_of(bus, [new]) == [3]


async def test_events_are_kept_for_three_days() -> None:
    clock = ManualClock()
    with SalesforceSimulator(OrgSettings(session_seconds=1e9), clock=clock) as simulator:
        publish(simulator, 1)
        clock.advance(71 * 3_600)
        publish(simulator, 2)
        async with Bus(simulator) as bus:
            async with bus.subscribe(TOPIC, 2) as subscription:
                events = await subscription.events(2)
                assert await numbers_of(bus, events) == [1, 2]
            clock.advance(3_600)
            async with bus.subscribe(TOPIC, 2) as subscription:
                assert await numbers_of(bus, await subscription.events(1)) == [2]
            answer = await refused(bus, replay_preset=wire.CUSTOM, replay_id=events[0].replay_id)
    assert answer == (INVALID, "subscription.fetch.replayid.corrupted")


async def test_wrong_requests_are_refused_with_the_vendors_codes(bus: Bus) -> None:
    assert await refused(bus, credit=0) == (INVALID, "subscription.fetch.requested.events.invalid")
    assert await refused(bus, topic="/event/Nope__e") == (grpc.StatusCode.NOT_FOUND, "topic.not.found")
    assert await refused(bus, topic="") == (INVALID, "topic.validation.empty")
    assert await refused(bus, replay_preset=wire.CUSTOM) == (
        INVALID,
        "subscription.fetch.replayid.validation.failed",
    )
    async with bus.subscribe(TOPIC, 1) as subscription:
        await subscription.send(wire.FetchRequest(topic_name="/data/OrderChangeEvent", num_requested=1))
        assert await subscription.refusal() == (INVALID, "subscription.fetch.topic.mismatch")


async def test_nobody_reads_without_a_session(simulator: SalesforceSimulator, bus: Bus) -> None:
    good = bus.metadata
    bus.metadata = (("accesstoken", "wrong"), *good[1:])
    assert await refused(bus) == (grpc.StatusCode.UNAUTHENTICATED, "service.auth.error")
    bus.metadata = (*good[:2], ("tenantid", "00D000000000000AAA"))
    assert await refused(bus) == (grpc.StatusCode.UNAUTHENTICATED, "service.auth.error")
    bus.metadata = (good[0], ("instanceurl", " ".strip() or "x"), ("other", "x"))
    assert await refused(bus) == (grpc.StatusCode.UNAUTHENTICATED, "service.auth.headers.invalid")
    bus.metadata = good
    simulator.expire_sessions()
    assert await refused(bus) == (grpc.StatusCode.UNAUTHENTICATED, "service.auth.error")


async def test_faults_reach_the_subscriber(simulator: SalesforceSimulator, bus: Bus) -> None:
    publish(simulator, 1, 2, 3)
    simulator.faults.add(DropStream(after_events=2))
    assert await refused(bus, credit=9) == (grpc.StatusCode.UNAVAILABLE, "service.unavailable")
    assert simulator.calls.event_deliveries == 2

    simulator.faults.add(DeliveryExhausted(times=1))
    assert await refused(bus) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "subscription.limit.exceeded")

    simulator.faults.add(DeliverTwice())
    async with bus.subscribe(TOPIC, 9) as subscription:
        assert await numbers_of(bus, await subscription.events(6)) == [1, 1, 2, 2, 3, 3]


async def test_the_days_deliveries_are_counted_and_end() -> None:
    with SalesforceSimulator(OrgSettings(event_deliveries_per_day=2)) as simulator:
        publish(simulator, 1, 2, 3)
        async with Bus(simulator) as bus:
            async with bus.subscribe(TOPIC, 2) as subscription:
                await subscription.events(2)
            assert (await refused(bus))[1] == "subscription.limit.exceeded"


async def test_a_bus_that_is_down_breaks_streams_off_and_keeps_what_is_published(
    simulator: SalesforceSimulator, bus: Bus
) -> None:
    async with bus.subscribe(TOPIC, 9) as subscription:
        await subscription.response()
        simulator.stop_events()
        assert await subscription.refusal() == (grpc.StatusCode.UNAVAILABLE, "service.unavailable")
    publish(simulator, 1)
    assert (await refused(bus))[1] == "service.unavailable"

    simulator.resume_events()

    async with bus.subscribe(TOPIC, 9) as subscription:
        assert await numbers_of(bus, await subscription.events(1)) == [1]


async def test_a_channel_joins_topics_in_the_order_of_their_events(
    simulator: SalesforceSimulator, bus: Bus
) -> None:
    simulator.add_channel("/event/Trade__chn", TOPIC, "/data/AccountChangeEvent")
    publish(simulator, 1)
    simulator.seed.account("C-1", "A", announce=True)
    publish(simulator, 2)

    async with bus.subscribe("/event/Trade__chn", 9) as subscription:
        events = [await bus.decode(event) for event in await subscription.events(3)]

    assert [event.get("Order_Number__c", event.get("Name")) for event in events] == ["1", "A", "2"]


async def test_topics_and_schemas_are_told(simulator: SalesforceSimulator, bus: Bus) -> None:
    topic = await bus.stub.GetTopic(wire.TopicRequest(topic_name=TOPIC), metadata=bus.metadata)
    changes = wire.TopicRequest(topic_name="/data/OrderChangeEvent")

    assert (topic.topic_name, topic.can_publish, topic.can_subscribe) == (TOPIC, True, True)
    assert topic.tenant_guid == simulator.organization_id
    assert len(topic.schema_id) == 22
    assert (await bus.stub.GetTopic(changes, metadata=bus.metadata)).can_publish is False
    for request, code in (("", "schema.validation.failed"), ("unknown", "schema.meta.permission")):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await bus.stub.GetSchema(wire.SchemaRequest(schema_id=request), metadata=bus.metadata)
        trailers: Any = refusal.value.trailing_metadata()
        assert dict(trailers)["error-code"] == f"sfdc.platform.eventbus.grpc.{code}"


async def payload_of(bus: Bus, number: str) -> wire.ProducerEvent:
    topic = await bus.stub.GetTopic(wire.TopicRequest(topic_name=TOPIC), metadata=bus.metadata)
    info = await bus.stub.GetSchema(wire.SchemaRequest(schema_id=topic.schema_id), metadata=bus.metadata)
    buffer = io.BytesIO()
    datum = {"CreatedDate": 0, "CreatedById": "005", "Order_Number__c": number}
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(msgspec.json.decode(info.schema_json)), datum)
    return wire.ProducerEvent(id=f"key-{number}", schema_id=topic.schema_id, payload=buffer.getvalue())


async def test_each_published_event_has_its_own_result(simulator: SalesforceSimulator, bus: Bus) -> None:
    good = await payload_of(bus, "1")
    events = [
        good,
        wire.ProducerEvent(id="bytes", schema_id=good.schema_id, payload=b"\xff"),
        wire.ProducerEvent(id="schema", schema_id="unknown", payload=good.payload),
    ]

    response = await bus.stub.Publish(wire.PublishRequest(topic_name=TOPIC, events=events), metadata=bus.metadata)

    assert [result.correlation_key for result in response.results] == ["key-1", "bytes", "schema"]
    assert [result.HasField("error") for result in response.results] == [False, True, True]
    assert response.results[1].error.code == wire.PUBLISH
    async with bus.subscribe(TOPIC, 9) as subscription:
        (event,) = await subscription.events(1)
    assert event.replay_id == response.results[0].replay_id
    simulator.faults.add(PublishExhausted())
    again = await bus.stub.Publish(wire.PublishRequest(topic_name=TOPIC, events=[good]), metadata=bus.metadata)
    assert "LIMIT_EXCEEDED" in again.results[0].error.msg


async def test_a_publish_stream_answers_each_request_and_ends_when_silent() -> None:
    with SalesforceSimulator(OrgSettings(publish_idle_wait_seconds=0.3)) as simulator:
        async with Bus(simulator) as bus:
            events = [await payload_of(bus, str(number)) for number in range(2)]
            call: Any = bus.stub.PublishStream(metadata=bus.metadata)  # type: ignore[call-arg]
            for event in events:
                await call.write(wire.PublishRequest(topic_name=TOPIC, events=[event]))
                answer: Any = await call.read()
                assert answer.results[0].correlation_key == event.id
            with pytest.raises(grpc.aio.AioRpcError) as silence:
                await call.read()
    trailers: Any = silence.value.trailing_metadata()
    assert dict(trailers)["error-code"].endswith("publish.stream.sweeper.timeout")


def commit(number: int, replay_id: bytes) -> wire.ManagedFetchRequest:
    asked = wire.CommitReplayRequest(commit_request_id=str(number), replay_id=replay_id)
    return wire.ManagedFetchRequest(commit_replay_id_request=asked)


async def commit_answer(subscription: Subscription) -> wire.CommitReplayResponse:
    while True:
        response = await subscription.response()
        if response.HasField("commit_response"):
            assert response.latest_replay_id
            return wire.CommitReplayResponse.FromString(response.commit_response.SerializeToString())


async def test_commits_are_answered_together_and_the_next_subscriber_goes_on_there(
    simulator: SalesforceSimulator, bus: Bus
) -> None:
    simulator.add_managed_subscription("Hub", TOPIC, default_replay="EARLIEST")
    publish(simulator, 1, 2, 3)

    async with bus.managed("Hub", 9) as subscription:
        events = await subscription.events(3)
        for number in (0, 1):
            await subscription.send(commit(number, events[number].replay_id))
        answer = await commit_answer(subscription)
        assert (answer.commit_request_id, answer.replay_id) == ("1", events[1].replay_id)
        assert not answer.HasField("error")
        await subscription.send(commit(2, events[0].replay_id))
        older = await commit_answer(subscription)
        assert older.error.code == wire.COMMIT
        await subscription.send(commit(3, b"nonsense"))
        assert (await commit_answer(subscription)).HasField("error")

    assert await numbers_of(bus, [await first_event(bus, "Hub")]) == [3]


async def first_event(bus: Bus, name: str) -> wire.ConsumerEvent:
    """The first event of a managed subscription, once the one who used it last has left."""
    while True:
        async with bus.managed(name, 3) as subscription:
            with suppress(grpc.aio.AioRpcError):
                return (await subscription.events(1))[0]
            assert await subscription.call.code() == grpc.StatusCode.ALREADY_EXISTS


async def test_a_managed_subscription_must_exist_run_and_be_free(simulator: SalesforceSimulator, bus: Bus) -> None:
    subscription_id = simulator.add_managed_subscription("Hub", TOPIC)
    publish(simulator, 1)

    async def refusal(**facts: Any) -> str:
        first = wire.ManagedFetchRequest(num_requested=1, **facts)
        async with Subscription(bus, first) as subscription:
            return (await subscription.refusal())[1].removeprefix("managed.subscription.")

    assert await refusal(developer_name="Nope") == "developer.name.not.found"
    assert await refusal(subscription_id="18x") == "subscription.id.invalid"
    assert await refusal(subscription_id="18xgL000000zzzzAAA") == "subscription.id.not.found"
    assert await refusal() == "id.or.developer.name.empty"
    early = wire.CommitReplayRequest(commit_request_id="1", replay_id=b"12345678")
    assert await refusal(developer_name="Hub", commit_replay_id_request=early) == (
        "fetch.request.commit.request.restricted"
    )
    async with Subscription(
        bus, wire.ManagedFetchRequest(subscription_id=subscription_id, num_requested=5)
    ) as first:
        await first.response()
        assert await refusal(developer_name="Hub") == "already.active"
    simulator.seed.update("ManagedEventSubscription", subscription_id, {"Metadata": {"state": "STOP"}})
    assert await refusal(developer_name="Hub") == "config.stopped"


async def test_the_bus_speaks_tls_with_the_same_certificate() -> None:
    async with SalesforceSimulator(tls=True) as simulator:
        assert simulator.instance_url.startswith("https://")
        publish(simulator, 1)
        async with Bus(simulator) as bus, bus.subscribe(TOPIC, 1) as subscription:
            assert await numbers_of(bus, await subscription.events(1)) == [1]
