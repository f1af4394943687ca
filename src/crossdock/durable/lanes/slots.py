"""Concurrency over all workers: each leases a share of the slots, by need and in turn."""

from collections.abc import Sequence

import msgspec

from crossdock.durable.lanes.limits import LaneLimits
from crossdock.kit.clock import MICROSECONDS, Instant, seconds_to_us

TURN_US = 2 * MICROSECONDS
"""Slots that do not divide among the workers go round: each has them so long."""

LEASE_MARGIN_US = 2 * MICROSECONDS
"""A worker stops trusting its lease so long before others do: clocks differ."""

RETRY_US = MICROSECONDS // 4


class SlotAsk(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker asks for: `in_use` slots it cannot give back now, `wanted` in all."""

    lane: str
    worker_id: str
    wanted: int
    in_use: int
    in_flight_max: int
    lease_us: int


class SlotHolding(msgspec.Struct, frozen=True):
    """What another worker holds and wants, as the ledger has it."""

    worker_id: str
    held: int
    wanted: int
    lease_until: Instant


class SlotShare(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: `held` are ours, calls beyond `target` should not start; `contended`: others want more."""

    held: int
    target: int
    contended: bool


def is_alive(holding: SlotHolding, lease_us: int, now: Instant) -> bool:
    """Whether the lease still runs. One far beyond its length was written by a clock that ran wrong."""
    return now < holding.lease_until <= now + 2 * lease_us


def share_slots(ask: SlotAsk, others: Sequence[SlotHolding], now: Instant) -> SlotShare:
    """The share of the worker that asks. What living others hold is theirs: the sum stays within the limit."""
    living = [other for other in others if is_alive(other, ask.lease_us, now)]
    taken = sum(other.held for other in living)
    free = max(0, ask.in_flight_max - taken)
    demands = {other.worker_id: other.wanted for other in living} | {ask.worker_id: ask.wanted}
    target = _fair_shares(demands, ask.in_flight_max, now)[ask.worker_id]
    return SlotShare(
        held=min(free, max(ask.in_use, target)),
        target=min(free, target),
        contended=any(other.wanted > other.held for other in living),
    )


def _fair_shares(demands: dict[str, int], slots: int, now: Instant) -> dict[str, int]:
    """Small demands in full, the rest in equal parts; what does not divide goes round with time."""
    workers = sorted(demands)
    turn = now // TURN_US
    order = sorted(workers, key=lambda worker: (demands[worker], (workers.index(worker) + turn) % len(workers)))
    shares: dict[str, int] = {}
    left = slots
    for index, worker in enumerate(order):
        shares[worker] = min(demands[worker], left // (len(order) - index))
        left -= shares[worker]
    return shares


class SlotLease:
    """One worker's share, as far as it may trust it."""

    def __init__(self, limits: LaneLimits) -> None:
        self.in_flight_max = limits.in_flight_max
        self.lease_us = seconds_to_us(limits.slot_lease_seconds)
        self.held = 0
        self.wanted = 0
        self.target = 0
        self.contended = False
        self.retry_at: Instant = 0
        self.renewal_due = False
        self._ceiling = 0
        self._trusted_until: Instant = 0

    def free(self, in_flight: int, now: Instant) -> int:
        """How many calls may start now."""
        return max(0, self._ceiling - in_flight) if self.is_trusted(now) else 0

    def is_trusted(self, now: Instant) -> bool:
        """Whether others still count the lease."""
        return now < self._trusted_until

    @property
    def may_grow(self) -> bool:
        """Whether asking could give more slots than the worker has."""
        return self._ceiling < self.in_flight_max

    @property
    def is_listed(self) -> bool:
        """Whether the ledger counts with us."""
        return self.held > 0 or self.wanted > 0

    def owes_news(self, in_flight: int) -> bool:
        """Whether others wait to hear from us: the lease wants renewal, or slots are to be given back."""
        return self.renewal_due or self.held > max(self.target, in_flight)

    def ask(self, lane: str, worker_id: str, in_flight: int, waiting: int) -> SlotAsk:
        """What to ask for: twice the need, so that growth seldom asks. Until the answer nothing grows."""
        self.renewal_due = False
        self._ceiling = min(self._ceiling, in_flight)
        self.wanted = min(self.in_flight_max, 2 * (in_flight + waiting))
        return SlotAsk(
            lane=lane,
            worker_id=worker_id,
            wanted=self.wanted,
            in_use=in_flight,
            in_flight_max=self.in_flight_max,
            lease_us=self.lease_us,
        )

    def granted(self, ask: SlotAsk, share: SlotShare, asked_at: Instant) -> None:
        """The ledger answered. Who got less than he wanted asks again a little later."""
        self.held, self.target, self.contended = share.held, share.target, share.contended
        self._ceiling = share.target
        self._trusted_until = asked_at + self.lease_us - LEASE_MARGIN_US
        self.retry_at = asked_at + RETRY_US if share.target < ask.wanted else asked_at
