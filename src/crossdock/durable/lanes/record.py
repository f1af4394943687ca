"""What a lane is: the record all workers share, and the picture shown to people and metrics."""

from typing import Literal

import msgspec

from crossdock.kit.clock import MICROSECONDS, Instant

AFTER_PROBE_US = 2 * MICROSECONDS
"""By how much whoever probed in vain lets another one go first."""

Reason = Literal["", "breaker", "throttled", "budget", "shed", "full", "paused", "unauthorised", "stopping"]


class LaneRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the way is open: kept in the ledger, the same for every worker. `version` grows with each change.

    A closed lane has `reopens_at`: from then on one call goes through as a probe, made by the worker `probe_by`
    unless `probe_until` passes. `closings` in a row double the cool-down.
    """

    version: int = 0
    status: Literal["open", "closed", "paused"] = "open"
    reason: Reason = ""
    detail: str = ""
    since: Instant = 0
    reopens_at: Instant = 0
    closings: int = 0
    probe_by: str = ""
    probe_until: Instant = 0


class Intervention(msgspec.Struct, frozen=True, kw_only=True):
    """What a person did to a lane, and why: it goes into the audit, under the lane's subject."""

    at: Instant
    actor: str
    verb: Literal["pause", "resume"]
    reason: str


def lane_subject(lane: str) -> str:
    """What the audit calls a lane."""
    return f"lane/{lane}"


class LaneState(msgspec.Struct, frozen=True, kw_only=True):
    """One worker's view of a lane. `in_flight`, `waiting`, `slots` and `rate_used_per_second` are its own.

    `slots` is its share of `in_flight_max`. Limits of 0 are not known; `budget_forecast` is where the day's
    use ends if it goes on like this, and calls less urgent than `priority_ceiling` are shed to stay within.
    `quota_left` is what the system itself says is left of its quota; None where it has not said so lately.
    `reopens_at` None: nobody knows, or the lane is open.
    """

    lane: str
    status: Literal["open", "closed", "half_open", "paused"]
    reason: Reason
    detail: str
    since: Instant
    reopens_at: Instant | None
    in_flight: int
    in_flight_max: int
    slots: int
    waiting: int
    rate_per_second: float
    rate_used_per_second: float
    daily_budget: int
    budget_left: int
    budget_forecast: int
    quota_left: int | None
    priority_ceiling: int


class LaneClosed(BaseException):
    """The lane takes no call now, and this one was not made: the run goes back to being a row.

    A BaseException, so that no process swallows it. `reopens_at` None: not before somebody resumes it.
    `reason` "full" and "stopping" concern this worker alone; "shed" concerns calls as urgent as this one or
    less, and the lane stays open to others: wait until `reopens_at` then. So does whoever `probed` a closed lane
    in vain, the one whose call was made.
    """

    def __init__(
        self, lane: str, reason: Reason, reopens_at: Instant | None, detail: str = "", *, probed: bool = False
    ) -> None:
        super().__init__(f"{lane}: {detail or reason}")
        self.lane = lane
        self.reason = reason
        self.reopens_at = reopens_at
        self.detail = detail
        self.probed = probed

    def again(self) -> "LaneClosed":
        """The same to raise, where this one is kept: what is raised holds on to the frames it went through."""
        return LaneClosed(self.lane, self.reason, self.reopens_at, self.detail, probed=self.probed)

    def after_probe(self) -> "LaneClosed":
        """For whoever probed in vain: that is no attempt, for it says something of the system, not of the call.

        It comes back after the next one has probed, so that no one call keeps the lane closed for all.
        """
        if self.reopens_at is None:
            return self
        return LaneClosed(self.lane, self.reason, self.reopens_at + AFTER_PROBE_US, self.detail, probed=True)


class LaneAlert(msgspec.Struct, frozen=True, kw_only=True):
    """A person is needed: the credential was refused (`unauthorised`), or the shared limits cannot be read."""

    lane: str
    kind: Literal["unauthorised", "ledger"]
    detail: str
    at: Instant
