"""The promises of an event sink: acknowledged is kept, order per subject, recognisable twice, nobody held up."""

from collections.abc import Sequence
from typing import Any

import msgspec

from crossdock.contracts.envelope import CloudEvent
from crossdock.kit.errors import Invalid, OutcomeUnknown, Unavailable
from crossdock.ports.manifest import AdapterManifest, Role
from crossdock.testing.bench import EventBench
from crossdock.testing.builders import a_cloud_event
from crossdock.testing.conformance.manners import PERSONAL, Manners
from crossdock.testing.conformance.suite import raised
from crossdock.testing.estate import Estate


class EventSinkConformance(Manners):
    """Everything an event sink promises. The bench is an `EventBench`."""

    role_name = Role.EVENT_SINK.value
    role = Role.EVENT_SINK
    _count = 0

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """Publish an event about somebody; a lone event's error counts like a raised one."""
        EventSinkConformance._count += 1
        event = a_cloud_event(f"exchange-{self._count}", subject="order/O-EXCHANGE", told=" ".join(PERSONAL))
        outcomes = await dock.publish_events([event])
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        return list(outcomes)

    async def test_an_event_arrives_whole(self, dock: Any, bench: EventBench) -> None:
        """The envelope reaches the broker with every attribute and digit, under its subject and its id."""
        event = a_cloud_event("whole", told="Größe 漢字 🧦 0.10", subject="order/O-1:2@x+y#z.1")

        assert list(await dock.publish_events([event])) == [None]

        (kept,) = await bench.kept_events()
        assert msgspec.json.decode(kept.body, type=CloudEvent) == event
        assert (kept.id, kept.partition_key) == (event.id, event.partitionkey)

    async def test_events_of_a_subject_keep_their_order(self, dock: Any, bench: EventBench) -> None:
        """Whatever goes on at once, each subject's events lie there in the order in which they were given."""
        events = [a_cloud_event(f"{number}", subject=f"order/O-{number % 3}") for number in range(60)]

        assert list(await dock.publish_events(events)) == [None] * len(events)

        assert by_key(await bench.kept_events()) == {
            f"order/O-{subject}": [f"{number}" for number in range(subject, 60, 3)] for subject in range(3)
        }

    async def test_an_event_published_twice_is_recognised(self, dock: Any, bench: EventBench) -> None:
        """After a crash the same event comes again: it lies there once, or under the same id."""
        event = a_cloud_event("twice")

        for _ in range(2):
            assert list(await dock.publish_events([event])) == [None]

        kept = await bench.kept_events()
        assert {one.id for one in kept} == {"twice"}
        assert len({one.body for one in kept}) == 1

    async def test_a_lost_answer_is_outcome_unknown(self, dock: Any, bench: EventBench) -> None:
        """An acknowledgement nobody heard is OutcomeUnknown, and publishing again is fine."""
        event = a_cloud_event("unheard")
        await bench.lose_next_answer()

        await raised(OutcomeUnknown, dock.publish_events([event]))

        assert list(await dock.publish_events([event])) == [None]
        assert {one.id for one in await bench.kept_events()} == {"unheard"}

    async def test_an_event_too_large_fails_alone(self, dock: Any, bench: EventBench) -> None:
        """What the broker will never take is Invalid and the events of other subjects are kept."""
        size = await bench.event_bytes_max()
        events = [
            a_cloud_event("before", subject="order/O-1"),
            a_cloud_event("huge", subject="order/O-2", told="x" * size),
            a_cloud_event("after", subject="order/O-3"),
        ]

        outcomes = await dock.publish_events(events)

        assert [outcome is None for outcome in outcomes] == [True, False, True]
        assert isinstance(outcomes[1], Invalid)
        assert outcomes[1].code == "event-too-large"
        assert {one.id for one in await bench.kept_events()} == {"before", "after"}

    async def test_nothing_overtakes_an_event_that_failed(self, dock: Any, bench: EventBench) -> None:
        """Behind an event that was not taken none of its subject is sent: those are Unavailable, to come again."""
        size = await bench.event_bytes_max()
        events = [
            a_cloud_event("huge", subject="order/O-2", told="x" * size),
            a_cloud_event("later", subject="order/O-2"),
            a_cloud_event("other", subject="order/O-3"),
        ]

        outcomes = await dock.publish_events(events)

        assert isinstance(outcomes[1], Unavailable)
        assert outcomes[1].code == "behind-another"
        assert [one.id for one in await bench.kept_events()] == ["other"]

    async def test_a_full_batch_is_acknowledged(
        self, dock: Any, bench: EventBench, manifest: AdapterManifest
    ) -> None:
        """`batch_max` events go at once, and every one is kept."""
        count = manifest.limits.batch_max
        events = [a_cloud_event(f"{number}", subject=f"order/O-{number}") for number in range(count)]

        assert list(await dock.publish_events(events)) == [None] * count

        assert {one.id for one in await bench.kept_events()} == {event.id for event in events}

    async def test_no_events_are_no_call(self, dock: Any, bench: EventBench) -> None:
        """Publishing nothing succeeds, also while the broker is away."""
        await bench.go_down()
        try:
            assert list(await dock.publish_events([])) == []
        finally:
            await bench.come_back()


def by_key(kept: Sequence[Any]) -> dict[str, list[str]]:
    """Ids of kept events by partition key, in the order in which they lie there."""
    found: dict[str, list[str]] = {}
    for one in kept:
        found.setdefault(one.partition_key, []).append(one.id)
    return found
