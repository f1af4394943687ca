"""The worker's lease as seen from inside: who may have lost it sends nothing more (decision 0009).

Others take a worker's work over when its lease is over, wait until whatever it had sent has landed, and only then
write themselves. That holds as long as nothing leaves later: after a pause (a stopped process, a sleeping laptop)
a worker would otherwise go on with the very call that others have made meanwhile.
"""

from contextvars import ContextVar

from crossdock.kit.clock import Clock, Instant, seconds_to_us
from crossdock.kit.errors import Transient


class LeaseOver(Transient):
    """The write did not leave. It says nothing about the system that it was meant for."""


class Lease:
    """Until when a worker is certainly itself. One that comes back as somebody else has another lease."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._length_us = seconds_to_us(seconds)
        self._margin_us = self._length_us // 10
        self._until: Instant = 0

    def renew(self, asked_at: Instant) -> None:
        """The store prolonged it; it counts from when that was asked for."""
        self._until = asked_at + self._length_us - self._margin_us

    def give_up(self) -> None:
        """Others have our work, for good."""
        self._until = 0

    @property
    def holds(self) -> bool:
        """Whether nobody can have taken our work over yet."""
        return self._clock.now() < self._until


CURRENT_LEASE: ContextVar[Lease | None] = ContextVar("crossdock_lease", default=None)
"""Under which lease this work is done; None where nobody else could do it."""


def check_lease(system: str) -> None:
    """Call this last before a write leaves for a system. Raises LeaseOver where it must not leave any more."""
    lease = CURRENT_LEASE.get()
    if lease is not None and not lease.holds:
        raise LeaseOver(
            "this worker stood still for longer than its lease: others do its work now",
            code="lease-over",
            system=system,
        )
