"""The gate of a lane on one worker: whether the way is open, as all workers together have found it.

What a call's end says is applied here at once and written to the ledger as soon as that answers; where another
worker was first, our change is made again on top of its.
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Literal

from crossdock.durable.lanes import breaker
from crossdock.durable.lanes.budget import next_day_at
from crossdock.durable.lanes.ledger import LaneChange, LaneLedger, amend
from crossdock.durable.lanes.limits import LaneLimits
from crossdock.durable.lanes.record import LaneClosed, LaneRecord
from crossdock.durable.lanes.verdict import Verdict
from crossdock.kit.clock import MICROSECONDS, Instant, seconds_to_us
from crossdock.kit.failpoints import failpoint

ASK_AGAIN_US = MICROSECONDS

Way = Literal["unknown", "open", "probe_free", "probe_ready", "shut"]


class Gate:
    """Follows the shared record. `on_turn` is called after every change of it."""

    def __init__(
        self,
        lane: str,
        limits: LaneLimits,
        worker_id: str,
        *,
        jitter: Callable[[], float],
        on_turn: Callable[[], None],
    ) -> None:
        self._lane = lane
        self._limits = limits
        self._worker_id = worker_id
        self._probe_us = seconds_to_us(limits.probe_seconds)
        self._jitter = jitter
        self._on_turn = on_turn
        self._failures = breaker.FailureCount(limits)
        self._loaded = False
        self._known = LaneRecord()
        self._changes: list[LaneChange] = []
        self.record = self._known
        """What the ledger last had, with our changes that it has not seen."""
        self.is_open = False
        self.probing = False
        """Whether a probe of ours is under way."""

    # ── how it stands ───────────────────────────────────────────────────────────────────────────────

    def way(self, now: Instant) -> Way:
        """Whether calls may go: all, one as a probe that is free to be claimed or claimed by us, or none."""
        if not self._loaded:
            return "unknown"
        if self.record.status == "open":
            return "open"
        if self.probing or not breaker.may_probe(self.record, self._worker_id, now, self._probe_us):
            return "shut"
        return "probe_ready" if self.record.probe_by == self._worker_id else "probe_free"

    def closed(self, now: Instant) -> LaneClosed:
        """Why and until when no call may go."""
        record = self.record
        reopens_at = max(record.reopens_at, now + ASK_AGAIN_US) if record.status == "closed" else None
        return LaneClosed(self._lane, record.reason, reopens_at, record.detail)

    @property
    def needs_saving(self) -> bool:
        """Whether the ledger has not seen all our changes."""
        return bool(self._changes)

    # ── what moves it ───────────────────────────────────────────────────────────────────────────────

    def learn(self, record: LaneRecord) -> None:
        """The ledger has this record. An older one than we know is stale news."""
        if record.version >= self._known.version:
            self._known = record
            self._loaded = True
            self._adopt()

    def answered(self, now: Instant) -> None:
        """A call that was no probe succeeded."""
        self._failures.answered(now)

    def heed(self, verdict: Verdict, now: Instant, *, probe: bool) -> None:
        """A call ended with this verdict."""
        if verdict.kind == "answered":
            self._failures.answered(now)
            if probe:
                self._change(partial(breaker.reopen, worker_id=self._worker_id, now=now))
        elif verdict.kind == "unauthorised":
            self._change(partial(breaker.pause, reason="unauthorised", detail=verdict.detail, now=now))
        elif verdict.kind != "unclear":
            self._shut(verdict, now, probe=probe)
        elif probe:
            self.give_up_probe()

    def give_up_probe(self) -> None:
        """Whoever was to probe did not: let another one."""
        self._change(partial(breaker.give_up_probe, worker_id=self._worker_id))

    def _shut(self, verdict: Verdict, now: Instant, *, probe: bool) -> None:
        close = partial(
            breaker.shut,
            detail=verdict.detail,
            now=now,
            until=None if verdict.wait_seconds is None else now + seconds_to_us(verdict.wait_seconds),
            limits=self._limits,
            jitter=self._jitter(),
            probe_by=self._worker_id if probe else "",
        )
        if verdict.kind == "throttled":
            self._change(partial(close, reason="throttled"))
        elif verdict.kind == "exhausted" and verdict.wait_seconds is None:
            probe_at = now + seconds_to_us(self._limits.exhausted_probe_seconds)
            self._change(partial(close, reason="budget", until=min(probe_at, next_day_at(now))))
        elif verdict.kind == "exhausted":
            self._change(partial(close, reason="budget"))
        elif (why := self._failures.failed(now)) or probe:
            detail = f"{why or 'the probe failed'}; {verdict.detail}"
            self._change(partial(close, reason="breaker", detail=detail))

    def _change(self, change: LaneChange) -> None:
        self._changes.append(change)
        self._adopt()

    def _adopt(self) -> None:
        before = self.record
        self.record = _changed(self._changes, self._known)
        if self.record.status != before.status:
            self._failures.clear()
        self.is_open = self._loaded and self.record.status == "open"
        self._on_turn()

    # ── what it asks of the ledger ──────────────────────────────────────────────────────────────────

    async def load(self, ledger: LaneLedger) -> None:
        """See how the lane stands."""
        self.learn(await ledger.lane_load(self._lane))

    async def save(self, ledger: LaneLedger) -> bool:
        """Write our changes. True where it was we who found that the credential is refused."""
        changes = tuple(self._changes)
        before, after = await amend(ledger, self._lane, partial(_changed, changes), self._known)
        failpoint("lane.record_saved")
        del self._changes[: len(changes)]
        if after.version >= self._known.version:
            self._known = after
        self._adopt()
        return after.reason == "unauthorised" and before.status != "paused"

    async def claim_probe(self, ledger: LaneLedger, now: Instant) -> None:
        """Ask to be the one who probes."""
        claim = partial(
            breaker.claim_probe,
            worker_id=self._worker_id,
            now=now,
            probe_us=self._probe_us,
        )
        _, after = await amend(ledger, self._lane, claim, self._known)
        self.learn(after)


def _changed(changes: Sequence[LaneChange], record: LaneRecord) -> LaneRecord:
    return reduce(lambda known, change: change(known), changes, record)
