"""What the org was asked, by kind: for tests, for the demo, and for the limits."""

import threading
from collections import Counter

from crossdock.kit.clock import MICROSECONDS, Clock

_HOUR_US = 3_600 * MICROSECONDS
_DAY_HOURS = 24


class Calls:
    """Counts every request and every event delivered; safe to use from several threads.

    A kind is the method and the resource's template: `GET query`, `PATCH sobjects/{sobject}/{record_id}`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._by_kind: Counter[str] = Counter()
        self._api_by_hour: Counter[int] = Counter()
        self._deliveries_by_hour: Counter[int] = Counter()
        self._rest = 0
        self._delivered = 0
        self._published = 0

    @property
    def rest(self) -> int:
        """REST and Bulk requests that count against the daily limit."""
        return self._rest

    @property
    def event_deliveries(self) -> int:
        """Events sent to subscribers, each time they were sent."""
        return self._delivered

    @property
    def events_published(self) -> int:
        """Events that entered the bus."""
        return self._published

    @property
    def by_kind(self) -> dict[str, int]:
        """Requests per kind."""
        with self._lock:
            return dict(self._by_kind)

    @property
    def api_used_today(self) -> int:
        """API requests of the last 24 hours."""
        return self._last_day(self._api_by_hour)

    @property
    def deliveries_today(self) -> int:
        """Event deliveries of the last 24 hours."""
        return self._last_day(self._deliveries_by_hour)

    def note(self, kind: str, *, api: bool = True) -> None:
        """Count a request; `api` says whether it costs one of the day's API requests."""
        with self._lock:
            self._by_kind[kind] += 1
            if api:
                self._rest += 1
                self._api_by_hour[self._hour()] += 1

    def note_deliveries(self, count: int) -> None:
        """Count events sent to a subscriber."""
        with self._lock:
            self._delivered += count
            self._deliveries_by_hour[self._hour()] += count

    def note_published(self, count: int) -> None:
        """Count events that entered the bus."""
        with self._lock:
            self._published += count

    def reset(self) -> None:
        """Begin to count anew. The day's usage is not forgotten: limits are not tests' to reset."""
        with self._lock:
            self._by_kind.clear()
            self._rest = self._delivered = self._published = 0

    def snapshot(self) -> dict[str, object]:
        """All counters as plain data."""
        return {
            "rest": self.rest,
            "by_kind": self.by_kind,
            "event_deliveries": self.event_deliveries,
            "events_published": self.events_published,
            "api_used_today": self.api_used_today,
            "deliveries_today": self.deliveries_today,
        }

    def _hour(self) -> int:
        return self._clock.now() // _HOUR_US

    def _last_day(self, hours: Counter[int]) -> int:
        now = self._hour()
        with self._lock:
            for hour in [hour for hour in hours if hour <= now - _DAY_HOURS]:
                del hours[hour]
            return sum(hours.values())
