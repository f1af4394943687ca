"""A canary: a customer of the deployment's own, edited on purpose to time the way from one system to another.

    edited in `source` ─ feed ─ hub ─ write ─ seen in `reader`        all of it timed by asking `reader`

What is timed is what an edit of anybody's takes, end to end (CUS-35, KPI-17). The figures are the runs that took
them: nothing else is kept.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.fields import find_field
from crossdock.identity.golden.ownership import Ownership
from crossdock.kit.clock import MICROSECONDS, Instant
from crossdock.kit.errors import Finding

CANARY_MARK = "crossdock-canary"
"""The origin of a canary's edits: no mark of a hub, so that they come back as somebody's word."""
GIVEN_UP_AFTER = 10
"""An edit that was not seen for so many times the time it may take is lost."""
SILENT_AFTER = 3
"""Where nothing was timed for so many rounds, the last figure says nothing any more."""

State = Literal["never", "fresh", "late", "lost", "silent"]


class CanaryRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is edited where, and how soon that has to be seen elsewhere.

    `customer` is the canary's record in `source`. Its `field` gets one of two `values` after the other, every
    `every_seconds`, and has to show it in `reader` within `within_seconds`.
    """

    customer: ExternalReference
    source: str
    reader: str
    field: str
    values: Annotated[tuple[str, ...], Meta(min_length=2, max_length=2)]
    every_seconds: Annotated[float, Meta(ge=10)] = 300.0
    within_seconds: Annotated[float, Meta(gt=0)] = 120.0


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """One edit to be timed."""

    canary: str


class Timed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of it: `seconds` from edit to sight, None where it never was seen, and `why` not."""

    seconds: float | None = None
    why: str = ""


class LatestBeat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A beat as its run tells it; `timed` is None while it is under way. `stands`: a person has to look at it."""

    began_at: Instant
    ended_at: Instant = 0
    timed: Timed | None = None
    stands: bool = False


class CanaryFreshness(msgspec.Struct, frozen=True, kw_only=True):
    """How a canary does. `seconds` is the latest figure, `waits_seconds` how long the present edit has waited."""

    canary: str
    source: str
    reader: str
    state: State
    seconds: float | None
    waits_seconds: float | None
    within_seconds: float

    @property
    def fresh(self) -> bool:
        """Whether nobody has to look: all is well, or nothing was timed yet."""
        return self.state in {"fresh", "never"}


def freshness_of_canary(
    name: str, rules: CanaryRules, beats: Sequence[LatestBeat], now: Instant
) -> CanaryFreshness:
    """What the latest beats (the newest first) say."""
    ended = next((each for each in beats if each.timed is not None), None)
    under_way = beats[0] if beats and beats[0].timed is None else None
    waits = (now - under_way.began_at) / MICROSECONDS if under_way else None
    state = _state(rules, ended, now)
    if under_way is not None and (under_way.stands or (waits is not None and waits > rules.within_seconds)):
        state = "lost" if under_way.stands else "late"
    return CanaryFreshness(
        canary=name,
        source=rules.source,
        reader=rules.reader,
        state=state,
        seconds=ended.timed.seconds if ended and ended.timed else None,
        waits_seconds=waits,
        within_seconds=rules.within_seconds,
    )


def _state(rules: CanaryRules, ended: LatestBeat | None, now: Instant) -> State:
    if ended is None or ended.timed is None:
        return "never"
    if (now - ended.ended_at) / MICROSECONDS > SILENT_AFTER * (rules.every_seconds + rules.within_seconds):
        return "silent"
    if ended.timed.seconds is None:
        return "lost"
    return "fresh" if ended.timed.seconds <= rules.within_seconds else "late"


def check_canaries(
    canaries: Mapping[str, CanaryRules], ownership: Ownership | None, place: str
) -> Sequence[Finding]:
    """Canaries that could never be seen, each with its path below `place`."""
    findings = []
    for name, rules in canaries.items():
        path = f"{place}.{name}"
        if ownership is None:
            findings.append(Finding("owner-missing", path, "a canary needs an ownership.yaml"))
            continue
        if find_field(rules.field) is None:
            findings.append(Finding("field-unknown", f"{path}.field", "a customer has no field of this name"))
            continue
        rule = ownership.rule_of(rules.field)
        if rule is None or rules.source not in rule.may_write:
            message = f"{rules.source} has no word about {rules.field}: nobody would be told"
            findings.append(Finding("rule-idle", f"{path}.source", message))
        elif rules.reader not in rule.readers:
            message = f"{rules.reader} does not read {rules.field}: it would never be seen there"
            findings.append(Finding("rule-idle", f"{path}.reader", message))
        if CANARY_MARK in ownership.marks:
            findings.append(Finding("rule-idle", path, f"{CANARY_MARK} must not stand among the marks"))
        if rules.values[0] == rules.values[1]:
            findings.append(Finding("rule-idle", f"{path}.values", "two different values are needed"))
    return findings
