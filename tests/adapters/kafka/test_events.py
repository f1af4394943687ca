"""What happens to events on their way to Kafka, beyond what every sink promises."""

import msgspec
import pytest
from confluent_kafka import KafkaError
from tests.adapters.kafka.bench import KafkaBench, header_of

from crossdock.adapters.kafka import ADAPTER
from crossdock.adapters.kafka.adapter import KafkaDock
from crossdock.adapters.kafka.client import options_of
from crossdock.adapters.kafka.failures import failure
from crossdock.kit.clock import SystemClock
from crossdock.kit.errors import Invalid, Misconfigured, NotAuthorized, OutcomeUnknown, Unavailable
from crossdock.testing.builders import a_cloud_event

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]


async def test_an_event_has_its_subject_as_key_and_the_headers_of_the_binding(
    dock: KafkaDock, bench: KafkaBench
) -> None:
    event = a_cloud_event("E-7", subject="order/SF-1:ü")
    await dock.publish_events([event])
    (message,) = await bench.kept(bench.events)
    assert message.key() == "order/SF-1:ü".encode()
    assert header_of(message, "content-type") == "application/cloudevents+json; charset=UTF-8"
    assert (header_of(message, "ce_id"), header_of(message, "ce_type")) == ("E-7", event.type)
    assert msgspec.json.decode(message.value() or b"")["specversion"] == "1.0"


async def test_a_subject_stays_in_one_partition_and_subjects_spread(dock: KafkaDock, bench: KafkaBench) -> None:
    await dock.publish_events([a_cloud_event(f"{number}", subject=f"order/{number % 20}") for number in range(60)])
    partitions: dict[bytes, set[int]] = {}
    for message in await bench.kept(bench.events):
        key = message.key()
        assert isinstance(key, bytes)
        partitions.setdefault(key, set()).add(message.partition() or 0)
    assert len(partitions) == 20
    assert {len(each) for each in partitions.values()} == {1}
    assert len(set.union(*partitions.values())) > 1


async def test_what_the_producer_itself_sends_again_has_the_same_id(dock: KafkaDock, bench: KafkaBench) -> None:
    """Its answer was lost, and it came back in time. Kafka would keep one; the mock cluster keeps both."""
    for number in range(5):
        bench.proxy.lose_next = True
        assert list(await dock.publish_events([a_cloud_event(f"{number}")])) == [None]
    ids = [kept.id for kept in await bench.kept_events()]
    assert list(dict.fromkeys(ids)) == ["0", "1", "2", "3", "4"]
    assert ids == sorted(ids), "a repetition overtakes nothing"


async def test_what_the_hub_publishes_again_has_the_same_id(dock: KafkaDock, bench: KafkaBench) -> None:
    for _ in range(2):
        await dock.publish_events([a_cloud_event("twice")])
    assert [kept.id for kept in await bench.kept_events()] == ["twice", "twice"]


async def test_the_check_says_on_how_many_brokers_events_are_kept(dock: KafkaDock) -> None:
    check = await dock.check()
    assert check.ok
    assert "each on 1 of 1 broker;" in check.detail


REFUSALS = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: NotAuthorized,
    KafkaError._AUTHENTICATION: NotAuthorized,
    KafkaError.SASL_AUTHENTICATION_FAILED: NotAuthorized,
    KafkaError.MSG_SIZE_TOO_LARGE: Invalid,
    KafkaError.UNKNOWN_TOPIC_OR_PART: Misconfigured,
    KafkaError._MSG_TIMED_OUT: OutcomeUnknown,
    KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND: OutcomeUnknown,
}


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_is_named_by_what_happens_next(code: int) -> None:
    found = failure(KafkaError(code), writes=True)
    assert type(found) is REFUSALS[code]
    assert found.vendor_code == KafkaError(code).name()


def test_a_question_without_answer_is_simply_repeated() -> None:
    assert isinstance(failure(KafkaError(KafkaError._MSG_TIMED_OUT), writes=False), Unavailable)


def test_a_deployment_signs_in_by_sasl() -> None:
    values = {
        "servers": ["a:9093", "b:9093"],
        "security": "sasl_ssl",
        "user": "hub",
        "password": "x",
        "tls_ca_file": "/ca.pem",
    }
    options = options_of(ADAPTER.load_settings(values))
    assert options["bootstrap.servers"] == "a:9093,b:9093"
    assert (options["security.protocol"], options["sasl.mechanism"]) == ("sasl_ssl", "SCRAM-SHA-512")
    assert (options["sasl.username"], options["sasl.password"]) == ("hub", "x")
    assert options["ssl.ca.location"] == "/ca.pem"


async def test_a_broker_that_is_not_there_is_unavailable_and_not_in_doubt() -> None:
    settings = ADAPTER.load_settings({"servers": ["127.0.0.1:9"], "timeout_seconds": 0.5})
    dock = ADAPTER.make_dock(settings, SystemClock())
    with pytest.raises(Unavailable):
        await dock.publish_events([a_cloud_event()])
    await dock.close()
