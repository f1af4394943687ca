"""Carrying the hub's events to a broker: every one at least once, in order per subject, none held up by another's.

    events ─ by subject ─ acknowledged by the broker ─ cursor moves
                └ one that the broker will never take ─ a run of its own, parked; its subject queues behind it

A broker that is away holds the cursor, never an order. After a crash between acknowledgement and cursor events are
published again under the same id, by which the broker or its consumers recognise them.

Requirements: EVT-01, EVT-03, PRO-05.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import structlog

from crossdock.contracts.envelope import CloudEvent
from crossdock.durable.parking import parking_for
from crossdock.durable.process import Process, Stake
from crossdock.durable.records import RunStart, StoredEvent
from crossdock.durable.relay import Subscription, cloud_event
from crossdock.durable.run import Run
from crossdock.kit.errors import CrossdockError, Recovery
from crossdock.ports.event_sink import EventSink

WAITS_FOR_THE_BROKER = frozenset({Recovery.RETRY, Recovery.ASK, Recovery.PAUSE, Recovery.STOP})
"""What ails the broker or our way to it, not the event: everything waits, nothing is parked."""

log = structlog.get_logger("event-publication")


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """One event that goes to one sink as work of its own."""

    sink: str
    event: CloudEvent


@dataclass(frozen=True)
class Collaborators:
    """The sinks by name; `busy` says which of some subjects have runs that are not finished."""

    sinks: Mapping[str, EventSink]
    busy: Callable[[Collection[str]], Awaitable[Collection[str]]]


def event_publication(using: Collaborators) -> Process[Publication]:
    """One event that the stream could not carry, or that comes after one of its subject that it could not."""

    async def body(run: Run, publication: Publication) -> None:
        await run.step("publish", lambda _key: _publish_one(publication, using), returns=object)

    return Process(
        name="event_publication",
        version=1,
        input=Publication,
        body=body,
        subject=_subject_of,
        stake=lambda _publication: Stake(domain="service", severity=2),
        owner="integration",
    )


async def _publish_one(publication: Publication, using: Collaborators) -> None:
    (fault,) = await using.sinks[publication.sink].publish_events([publication.event])
    if fault is not None:
        raise fault


def event_feed(
    name: str, alone: Process[Publication], using: Collaborators, *, batch_max: int, linger_seconds: float
) -> Subscription:
    """The subscription that carries everything to the sink of that name. `alone` is `event_publication`."""
    feed = _Feed(name, alone, using)
    return Subscription(f"events:{name}", feed.deliver, batch_max=batch_max, linger_seconds=linger_seconds)


class _Feed:
    """What one subscription does with its batches. `_acknowledged` spares a batch that comes again the repeats."""

    def __init__(self, name: str, alone: Process[Publication], using: Collaborators) -> None:
        self._name = name
        self._alone = alone
        self._using = using
        self._acknowledged: set[str] = set()

    async def deliver(self, events: Sequence[StoredEvent]) -> Sequence[RunStart]:
        wanted = [Publication(sink=self._name, event=cloud_event(stored)) for stored in events]
        subjects = {publication.event.id: self._alone.subject(publication) for publication in wanted}
        held = set(await self._using.busy(set(subjects.values())))
        going = [
            publication.event
            for publication in wanted
            if subjects[publication.event.id] not in held and publication.event.id not in self._acknowledged
        ]
        faults = await self._publish(going)
        starts: list[RunStart] = []
        waiting: CrossdockError | None = None
        for publication in wanted:
            subject, fault = subjects[publication.event.id], faults.get(publication.event.id)
            if subject in held:
                starts.append(self._start(publication))
            elif fault is not None and fault.recovery in WAITS_FOR_THE_BROKER:
                waiting = waiting or fault
            elif fault is not None:
                held.add(subject)
                starts.append(self._parked(publication, fault))
        if waiting is not None:
            raise waiting
        self._acknowledged.clear()
        return starts

    async def _publish(self, events: Sequence[CloudEvent]) -> Mapping[str, CrossdockError]:
        if not events:
            return {}
        outcomes = await self._using.sinks[self._name].publish_events(events)
        faults = {event.id: fault for event, fault in zip(events, outcomes, strict=True) if fault is not None}
        self._acknowledged.update(event.id for event in events if event.id not in faults)
        return faults

    def _start(self, publication: Publication) -> RunStart:
        key = f"{self._name}:{publication.event.id}"
        return self._alone.start(key, publication, correlation_id=publication.event.correlationid)

    def _parked(self, publication: Publication, fault: CrossdockError) -> RunStart:
        log.warning("event not taken", consumer=self._name, subject=publication.event.subject, code=fault.code)
        parking = parking_for(fault, self._alone, "publish", self._alone.stake(publication))
        # The order desk can do nothing about it: it is the broker's limit or the contract that has to change.
        parking = msgspec.structs.replace(parking, owner=self._alone.owner)
        return msgspec.structs.replace(self._start(publication), parking=parking)


def _subject_of(publication: Publication) -> str:
    """Events of one subject go to one sink one after another, whatever else happens to that subject."""
    return f"publication/{publication.sink}/{publication.event.partitionkey}"
