"""The breaker: when a lane closes and opens again. Pure changes of the shared record, and the count of failures.

Every change takes a record and returns the next one, or the same where it has nothing to say. So a change can
be made again on what another worker wrote meanwhile.
"""

from typing import Literal

from msgspec.structs import replace

from crossdock.durable.lanes.limits import LaneLimits
from crossdock.durable.lanes.record import LaneRecord, Reason
from crossdock.kit.clock import MICROSECONDS, Instant, seconds_to_us

SKEW_US = 10 * MICROSECONDS
"""A record from further ahead was written by a clock that was set back since: its times say nothing."""

DOUBLINGS_MAX = 20


def status_at(record: LaneRecord, now: Instant) -> Literal["open", "closed", "half_open", "paused"]:
    """The status people see: a closed lane is half open once it may be probed."""
    if record.status != "closed":
        return record.status
    return "half_open" if now >= record.reopens_at or record.since > now + SKEW_US else "closed"


def may_probe(record: LaneRecord, worker_id: str, now: Instant, probe_us: int) -> bool:
    """Whether this worker may send one call through a half-open lane.

    A claim that lasts longer than a probe may is no claim: a clock that ran wrong wrote it.
    """
    if status_at(record, now) != "half_open":
        return False
    claimed = now < record.probe_until <= now + probe_us + SKEW_US
    return record.probe_by in {"", worker_id} or not claimed


def cool_down_us(limits: LaneLimits, closings: int, jitter: float) -> int:
    """How long a lane stays closed after so many closings in a row; `jitter` is from 0 to 1."""
    seconds = limits.cool_down_seconds * 2 ** min(closings, DOUBLINGS_MAX) * (0.75 + jitter / 2)
    return seconds_to_us(min(seconds, limits.cool_down_max_seconds))


def shut(
    record: LaneRecord,
    *,
    reason: Reason,
    detail: str,
    now: Instant,
    until: Instant | None,
    limits: LaneLimits,
    jitter: float,
    probe_by: str = "",
) -> LaneRecord:
    """Close, until `until` or for the cool-down. A lane that is closed stays so, at most for longer.

    `probe_by` names the worker whose probe just failed.
    """
    if record.status == "paused":
        return record
    if record.status == "closed":
        own_probe = probe_by != "" and record.probe_by == probe_by
        if not own_probe and (until is None or until <= record.reopens_at):
            return record
    return replace(
        record,
        status="closed",
        reason=reason,
        detail=detail,
        since=record.since if record.status == "closed" else now,
        reopens_at=until if until is not None else now + cool_down_us(limits, record.closings, jitter),
        closings=record.closings + 1,
        probe_by="",
        probe_until=0,
    )


def claim_probe(record: LaneRecord, *, worker_id: str, now: Instant, probe_us: int) -> LaneRecord:
    """Take the one probe of a half-open lane, for a while."""
    if not may_probe(record, worker_id, now, probe_us):
        return record
    return replace(record, probe_by=worker_id, probe_until=now + probe_us)


def give_up_probe(record: LaneRecord, *, worker_id: str) -> LaneRecord:
    """The probe said nothing: let another one try."""
    if record.probe_by != worker_id:
        return record
    return replace(record, probe_by="", probe_until=0)


def reopen(record: LaneRecord, *, worker_id: str, now: Instant) -> LaneRecord:
    """The probe got an answer: the way is open."""
    if record.status != "closed" or record.probe_by != worker_id:
        return record
    return LaneRecord(version=record.version, since=now)


def pause(record: LaneRecord, *, reason: Reason, detail: str, now: Instant) -> LaneRecord:
    """Stop until somebody resumes."""
    if record.status == "paused":
        return record
    return LaneRecord(version=record.version, status="paused", reason=reason, detail=detail, since=now)


def resume(record: LaneRecord, *, now: Instant) -> LaneRecord:
    """Go on. Where the system had refused us, one call goes first; a cool-down is cut short the same way."""
    if record.status == "open":
        return record
    if record.reason == "paused":
        return LaneRecord(version=record.version, since=now)
    return replace(record, status="closed", reopens_at=now, probe_by="", probe_until=0)


class FailureCount:
    """What this worker heard from the system lately."""

    def __init__(self, limits: LaneLimits) -> None:
        self._limits = limits
        self._half_us = seconds_to_us(limits.failure_window_seconds) // 2
        self.clear()

    def clear(self) -> None:
        """Forget everything: the lane closes."""
        self._in_a_row = 0
        self._half_since: Instant = 0
        self._calls = self._failures = 0
        self._calls_before = self._failures_before = 0

    def answered(self, now: Instant) -> None:
        """The system answered, whatever it said."""
        self._in_a_row = 0
        self._roll(now)
        self._calls += 1

    def failed(self, now: Instant) -> str:
        """The system did not answer. Returns why that is too often, or nothing."""
        self._in_a_row += 1
        self._roll(now)
        self._calls += 1
        self._failures += 1
        if self._in_a_row >= self._limits.failures_max:
            return f"{self._in_a_row} calls in a row failed"
        calls, failures = self._calls + self._calls_before, self._failures + self._failures_before
        if calls >= self._limits.failure_calls_min and failures >= calls * self._limits.failure_ratio_max:
            return f"{failures} of the last {calls} calls failed"
        return ""

    def _roll(self, now: Instant) -> None:
        """The window slides by halves."""
        age = now - self._half_since
        if 0 <= age < self._half_us:
            return
        adjacent = 0 <= age < 2 * self._half_us
        self._calls_before, self._failures_before = (self._calls, self._failures) if adjacent else (0, 0)
        self._calls = self._failures = 0
        self._half_since = now
