"""The replay log: events in order, kept for a while, each with an id that says nothing but where it stands."""

import threading
from bisect import bisect_right

import msgspec

from crossdock.kit.clock import Clock, Instant, seconds_to_us

REPLAY_ID_BYTES = 8
_FIRST_REPLAY_ID = 10_283_441
_FIRST_AFTER_RESET = 1_009
_STEPS = (1, 3, 1, 2, 7, 1, 5)  # ids grow, but never one by one: nobody may count with them
_EVERYTHING = "*"


class StoredEvent(msgspec.Struct, frozen=True):
    """One event on the bus. `payload` is Avro, written with the schema of that id."""

    replay_id: int
    topic: str
    event_id: str
    schema_id: str
    payload: bytes
    stored_at: Instant


class ReplayRefused(Exception):
    """The position is malformed, was never issued, or is no longer kept: the wire does not say which."""


class EventLog:
    """All events of the org, readable per topic or per channel. Safe to use from several threads.

    `changed` is notified on every event and on every switch, so that subscribers need not poll. A subscription
    ends when `generation` is no longer what it was when the subscription began.
    """

    def __init__(self, clock: Clock, retention_seconds: float) -> None:
        self.changed = threading.Condition()
        self.running = True
        self.generation = 0
        self._clock = clock
        self._retention_us = seconds_to_us(retention_seconds)
        self._streams: dict[str, list[StoredEvent]] = {_EVERYTHING: []}
        self._channels: dict[str, set[str]] = {}
        self._newest = _FIRST_REPLAY_ID
        self._handed_out: dict[int, Instant] = {}
        self._step = 0

    def publish(self, topic: str, event_id: str, schema_id: str, payload: bytes) -> int:
        """Append an event; return its replay id."""
        with self.changed:
            self._step = (self._step + 1) % len(_STEPS)
            self._newest += _STEPS[self._step]
            event = StoredEvent(self._newest, topic, event_id, schema_id, payload, self._clock.now())
            for name in (_EVERYTHING, topic, *self._channels_of(topic)):
                self._streams.setdefault(name, []).append(event)
            self.changed.notify_all()
            return event.replay_id

    def channel(self, name: str, topics: set[str]) -> None:
        """Define (or redefine) a channel: one stream of several topics, what they hold already included."""
        with self.changed:
            self._channels[name] = topics
            self._streams[name] = [event for event in self._streams[_EVERYTHING] if event.topic in topics]

    def is_channel(self, name: str) -> bool:
        """Whether a channel of that name was defined."""
        return name in self._channels

    def position(self, replay_id: bytes) -> int:
        """The position a client gave back. Raises ReplayRefused when it is not one of ours, or no longer kept."""
        if len(replay_id) != REPLAY_ID_BYTES:
            raise ReplayRefused
        number = int.from_bytes(replay_id, "big")
        with self.changed:
            self._forget_old()
            if number in self._handed_out:
                return number
            everything = self._streams[_EVERYTHING]
            index = bisect_right(everything, number, key=_number) - 1
            if index < 0 or everything[index].replay_id != number:
                raise ReplayRefused
            return number

    def newest(self) -> int:
        """The newest position of the whole bus, good to resume from."""
        with self.changed:
            self._handed_out[self._newest] = self._clock.now()
            return self._newest

    def read(self, stream: str, after: int, events_max: int) -> list[StoredEvent]:
        """Events of a topic or channel after a position, oldest first."""
        with self.changed:
            self._forget_old()
            events = self._streams.get(stream, [])
            start = bisect_right(events, after, key=_number)
            return events[start : start + events_max]

    def age_out(self) -> None:
        """Drop everything that is kept, as after 72 hours: each position handed out so far is refused."""
        with self.changed:
            for events in self._streams.values():
                events.clear()
            self._handed_out.clear()

    def reset(self) -> None:
        """Begin again with low ids, as after an org migration; old positions are refused, with the same words."""
        self.age_out()
        with self.changed:
            self._newest = _FIRST_AFTER_RESET
        self.drop_streams()

    def stop(self) -> None:
        """Take the bus down: what is published is kept, nobody is served."""
        with self.changed:
            self.running = False
        self.drop_streams()

    def resume(self) -> None:
        """Serve again."""
        with self.changed:
            self.running = True
            self.changed.notify_all()

    def drop_streams(self) -> None:
        """Break off every subscription that is open now."""
        with self.changed:
            self.generation += 1
            self.changed.notify_all()

    def wake(self) -> None:
        """Let every waiting subscriber look around."""
        with self.changed:
            self.changed.notify_all()

    def _channels_of(self, topic: str) -> list[str]:
        return [name for name, topics in self._channels.items() if topic in topics]

    def _forget_old(self) -> None:
        horizon = self._clock.now() - self._retention_us
        everything = self._streams[_EVERYTHING]
        if everything and everything[0].stored_at <= horizon:
            for events in self._streams.values():
                del events[: bisect_right(events, horizon, key=_stored_at)]
        if self._handed_out:
            self._handed_out = {number: at for number, at in self._handed_out.items() if at > horizon}


def _number(event: StoredEvent) -> int:
    return event.replay_id


def _stored_at(event: StoredEvent) -> Instant:
    return event.stored_at
