"""How many requests each caller may make: a window per caller and kind of route, told in the RateLimit headers.

Fields as in draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy: "intake";q=60000;w=60` and
`RateLimit: "intake";r=59999;t=60`. Each process counts for itself.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from crossdock.entrypoints.entrance.governance import RateLimit
from crossdock.kit.clock import MICROSECONDS, Clock, Instant

CALLERS_MAX = 20_000


@dataclass
class _Window:
    ends_at: Instant
    used: int = 0


@dataclass(frozen=True)
class Allowance:
    """The answer to one request."""

    allowed: bool
    remaining: int
    reset_seconds: int
    limit: RateLimit

    @property
    def headers(self) -> Mapping[str, str]:
        """What the caller is told."""
        limit = self.limit
        told = {
            "RateLimit-Policy": f'"{limit.name}";q={limit.requests};w={limit.window_seconds}',
            "RateLimit": f'"{limit.name}";r={self.remaining};t={self.reset_seconds}',
        }
        return told if self.allowed else {**told, "Retry-After": str(self.reset_seconds)}


class Limiter:
    """Counts requests. It forgets callers whose window is over, and so stays small."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}

    def take(self, limit: RateLimit, caller: str) -> Allowance:
        """Count a request of `caller`, if it may be made."""
        now, key = self._clock.now(), (limit.name, caller)
        window = self._windows.get(key)
        if window is None or window.ends_at <= now:
            self._make_room(now)
            window = self._windows[key] = _Window(now + limit.window_seconds * MICROSECONDS)
        allowed = window.used < limit.requests
        window.used += allowed
        reset = math.ceil((window.ends_at - now) / MICROSECONDS)
        return Allowance(allowed, limit.requests - window.used, reset, limit)

    def _make_room(self, now: Instant) -> None:
        if len(self._windows) < CALLERS_MAX:
            return
        self._windows = {key: window for key, window in self._windows.items() if window.ends_at > now}
        while len(self._windows) >= CALLERS_MAX:  # a flood of callers: the oldest windows go
            del self._windows[next(iter(self._windows))]
