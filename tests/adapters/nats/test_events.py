"""What happens to events at a real JetStream, beyond what every sink promises."""

from typing import Any

import msgspec
import pytest
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType
from tests.adapters.nats.bench import EVENTS, PREFIX, NatsBench

from crossdock.adapters.nats import ADAPTER
from crossdock.adapters.nats.adapter import NatsDock
from crossdock.adapters.nats.failures import is_refusal
from crossdock.adapters.nats.mapping import subject_of
from crossdock.kit.clock import SystemClock
from crossdock.kit.errors import Misconfigured, OutcomeUnknown, Unavailable
from crossdock.testing.builders import a_cloud_event
from crossdock.testing.conformance.suite import raised

pytestmark = [pytest.mark.anyio, pytest.mark.nats]


async def test_an_event_lies_under_its_subject_with_the_headers_of_the_binding(
    dock: NatsDock, bench: NatsBench
) -> None:
    event = a_cloud_event("E-7", subject="order/SF-1.2:ü x")
    await dock.publish_events([event])
    message = await bench.stream.get_msg(EVENTS, 1)
    assert message.subject == f"{PREFIX}.order.SF-1%2E2:%C3%BC%20x"
    headers = message.headers or {}
    assert headers["Nats-Msg-Id"] == headers["ce-id"] == "E-7"
    assert headers["Content-Type"] == "application/cloudevents+json; charset=UTF-8"
    assert (headers["ce-type"], headers["ce-subject"]) == (event.type, "order/SF-1.2:%C3%BC%20x")
    assert msgspec.json.decode(message.data or b"")["specversion"] == "1.0"


@pytest.mark.parametrize(
    ("key", "subject"),
    [("order/O-1", "p.order.O-1"), ("a*b>c", "p.a%2Ab%3Ec"), ("order/", "p.order.%"), ("x", "p.x")],
)
def test_no_key_can_reach_beyond_its_own_subject(key: str, subject: str) -> None:
    assert subject_of(key, "p") == subject


async def test_the_server_keeps_what_comes_twice_once(dock: NatsDock, bench: NatsBench) -> None:
    events = [a_cloud_event(f"{number}") for number in range(5)]
    for _ in range(3):
        await dock.publish_events(events)
    assert [kept.id for kept in await bench.kept_events()] == ["0", "1", "2", "3", "4"]


async def test_what_was_acknowledged_outlives_the_servers_death(dock: NatsDock, bench: NatsBench) -> None:
    await dock.publish_events([a_cloud_event(f"{number}", subject=f"order/{number}") for number in range(50)])
    await bench.local.kill()
    with pytest.raises((Unavailable, OutcomeUnknown)):
        await dock.publish_events([a_cloud_event("meanwhile")])
    await bench.local.come_back()
    assert list(await dock.publish_events([a_cloud_event("afterwards")])) == [None]
    state = (await dock._client.call(lambda stream: stream.stream_info(EVENTS))).state
    assert state.messages == 51


async def test_a_full_stream_holds_events_back_until_there_is_room(dock: NatsDock, bench: NatsBench) -> None:
    await bench.stream.add_stream(
        name=EVENTS, subjects=[f"{PREFIX}.>"], storage=StorageType.FILE, max_msgs=1, discard=DiscardPolicy.NEW
    )
    assert list(await dock.publish_events([a_cloud_event("1")])) == [None]
    error = await raised(Unavailable, dock.publish_events([a_cloud_event("2")]))
    assert error.code == "stream-full"
    await bench.stream.purge_stream(EVENTS)
    assert list(await dock.publish_events([a_cloud_event("2")])) == [None]


UNFIT: dict[str, dict[str, Any]] = {
    "in memory only": {"storage": StorageType.MEMORY},
    "a work queue": {"retention": RetentionPolicy.WORK_QUEUE},
    "does not acknowledge": {"no_ack": True},
    "does not take": {"subjects": ["other.>"]},
}


@pytest.mark.parametrize("words", UNFIT)
async def test_a_stream_that_cannot_keep_events_is_refused_in_words(
    dock: NatsDock, bench: NatsBench, words: str
) -> None:
    wanted = {"name": EVENTS, "subjects": [f"{PREFIX}.>"], "storage": StorageType.FILE, **UNFIT[words]}
    await bench.stream.add_stream(**wanted)
    error = await raised(Misconfigured, dock.publish_events([a_cloud_event()]))
    assert error.code == "stream-wrong"
    assert words in error.message
    check = await dock.check()
    assert not check.ok
    assert words in check.detail


async def test_a_stream_that_is_missing_and_must_not_be_made_is_refused(bench: NatsBench) -> None:
    settings = {**bench.settings, "events": {"stream": EVENTS, "prefix": PREFIX, "create": False}}
    dock = ADAPTER.make_dock(ADAPTER.load_settings(settings), SystemClock())
    error = await raised(Misconfigured, dock.publish_events([a_cloud_event()]))
    assert error.code == "stream-missing"
    await dock.close()


async def test_the_check_says_how_safe_an_acknowledgement_is(dock: NatsDock) -> None:
    await dock.publish_events([a_cloud_event()])
    check = await dock.check()
    assert check.ok
    assert check.product in {f"nats-server {version}" for version in ADAPTER.tested_versions}
    assert "on 1 server;" in check.detail
    assert "before it syncs" in check.detail


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        ("nats: 'Authorization Violation'", True),
        ("nats: 'User Authentication Revoked'", True),
        ("nats: permissions violation for publish to 'x'", True),
        ("nats: 'Authentication Timeout'", False),
    ],
)
def test_only_a_credential_that_is_not_good_is_a_refused_one(words: str, *, refused: bool) -> None:
    assert is_refusal(words) is refused
