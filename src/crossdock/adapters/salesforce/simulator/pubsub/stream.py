"""One subscription: credit in, batches of events out, keepalives while there is nothing to say."""

import time
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from crossdock.adapters.salesforce import pubsub_api_pb2 as wire
from crossdock.adapters.salesforce.simulator.events.log import REPLAY_ID_BYTES, StoredEvent
from crossdock.adapters.salesforce.simulator.faults import DeliverTwice, DeliveryExhausted, DropStream
from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.adapters.salesforce.simulator.pubsub.refusals import Refusal, deliveries_exhausted, unavailable

CREDIT_MAX = 100
COMMITS_DUE: Literal["commits_due"] = "commits_due"


class Batch(msgspec.Struct, frozen=True):
    """Events to send (none in a keepalive), the newest position that is covered, and the credit that is left."""

    events: list[wire.ConsumerEvent]
    latest: bytes
    pending: int


class Stream:
    """The sending side of a subscription; its request reader calls `grant`, `fail` and `finish`."""

    def __init__(self, org: Org, context: Any, name: str, position: int) -> None:
        self._org = org
        self._log = org.log
        self._context = context
        self._name = name
        self._generation = org.log.generation
        self._credit = 0
        self._sent = 0
        self._failure: Refusal | None = None
        self._finished = False
        self._quiet_since = self._spent_since = time.monotonic()
        self.commits_due_at: float | None = None
        self.position = position
        context.add_callback(org.log.wake)

    def standing(self) -> Batch:
        """No events, only where the stream stands: what every response says, whatever else it carries."""
        return Batch([], _replay_id(self.position), self._credit)

    def grant(self, count: int) -> None:
        """Add credit; what is outstanding is never more than 100."""
        with self._log.changed:
            self._credit = min(CREDIT_MAX, self._credit + count)
            self._quiet_since = time.monotonic()
            self._log.changed.notify_all()

    def fail(self, refusal: Refusal) -> None:
        """End the stream with a refusal."""
        with self._log.changed:
            self._failure = refusal
            self._log.changed.notify_all()

    def finish(self) -> None:
        """The subscriber sends no more requests; what credit is left may still be used."""
        with self._log.changed:
            self._finished = True
            self._log.changed.notify_all()

    def batches(self) -> Iterator[Batch | Literal["commits_due"]]:
        """What to send, as it becomes due. Ends with the subscriber, or when credit was spent for too long.

        Raises Refusal.
        """
        while True:
            with self._log.changed:
                due = self._due()
                if isinstance(due, float):
                    self._log.changed.wait(due)
                    continue
            if due is None:
                return
            yield due

    def _due(self) -> Batch | Literal["commits_due"] | float | None:
        """The next thing to send; or the seconds to wait for one; or None at the end."""
        now = time.monotonic()
        if not self._context.is_active():
            return None
        if self._failure is not None:
            raise self._failure
        if not self._log.running or self._log.generation != self._generation:
            raise unavailable()
        if self.commits_due_at is not None and now >= self.commits_due_at:
            self.commits_due_at = None
            return COMMITS_DUE
        if self._credit > 0:
            batch = self._batch()
            until = self._quiet_since + self._org.settings.keepalive_wait_seconds
            if batch is None and now >= until:
                batch = Batch([], _replay_id(self._log.newest()), self._credit)
            if batch is not None:
                self._quiet_since = now
                return batch
        else:
            until = self._spent_since + self._org.settings.credit_wait_seconds
            if (self._finished and self.commits_due_at is None) or now >= until:
                return None
        if self.commits_due_at is not None:
            until = min(until, self.commits_due_at)
        return max(until - now, 0.0)

    def _batch(self) -> Batch | None:
        events = self._log.read(self._name, self.position, self._credit)
        if not events:
            return None
        faults, calls = self._org.faults, self._org.calls
        breaking = faults.standing(DropStream)
        if breaking:
            left = breaking[0].after_events - self._sent
            if left <= 0:
                faults.struck(breaking[0])
                raise unavailable()
            events = events[:left]
        used_up = calls.deliveries_today + len(events) > self._org.settings.event_deliveries_per_day
        if used_up or faults.take(DeliveryExhausted):
            raise deliveries_exhausted()
        half = self._credit // 2
        if half and faults.take(DeliverTwice):
            events = [event for event in events[:half] for _ in range(2)]
        self.position = events[-1].replay_id
        self._sent += len(events)
        self._credit -= len(events)
        self._spent_since = time.monotonic()
        calls.note_deliveries(len(events))
        return Batch([_consumer_event(event) for event in events], _replay_id(self.position), self._credit)


def _consumer_event(event: StoredEvent) -> wire.ConsumerEvent:
    inner = wire.ProducerEvent(id=event.event_id, schema_id=event.schema_id, payload=event.payload)
    return wire.ConsumerEvent(event=inner, replay_id=_replay_id(event.replay_id))


def _replay_id(number: int) -> bytes:
    return number.to_bytes(REPLAY_ID_BYTES, "big")
