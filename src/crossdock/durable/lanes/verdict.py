"""What a call's end says about the system it was made to."""

import math
from typing import Literal

import msgspec

from crossdock.durable.lease import LeaseOver
from crossdock.kit.errors import CrossdockError, Locked, NotAuthorized, OutcomeUnknown, Throttled, Unavailable
from crossdock.kit.redaction import scrub

DETAIL_CHARACTERS_MAX = 200
WAIT_SECONDS_MAX = 86_400.0

Kind = Literal["answered", "failed", "throttled", "exhausted", "unauthorised", "unclear"]


class Verdict(msgspec.Struct, frozen=True):
    """`answered`: the system is well, whatever it said. `unclear`: cancelled or a bug, says nothing of it."""

    kind: Kind
    detail: str = ""
    wait_seconds: float | None = None


ANSWERED = Verdict("answered")
UNCLEAR = Verdict("unclear")


def judge(error: BaseException) -> Verdict:
    """The verdict of a call that raised."""
    if isinstance(error, LeaseOver):
        return UNCLEAR
    if isinstance(error, Throttled):
        kind: Kind = "exhausted" if error.exhausted else "throttled"
        return Verdict(kind, _words(error), _credible(error.retry_after_seconds))
    if isinstance(error, NotAuthorized):
        return Verdict("unauthorised", _words(error))
    if isinstance(error, Locked):
        return ANSWERED
    if isinstance(error, Unavailable | OutcomeUnknown):
        return Verdict("failed", _words(error))
    if isinstance(error, CrossdockError):
        return ANSWERED
    if isinstance(error, TimeoutError):
        return Verdict("failed", "timed out")
    return UNCLEAR


def _words(error: CrossdockError) -> str:
    return scrub(f"{error.code}: {error.message}")[:DETAIL_CHARACTERS_MAX]


def _credible(wait_seconds: float | None) -> float | None:
    if wait_seconds is None or not math.isfinite(wait_seconds) or wait_seconds < 0:
        return None
    return min(wait_seconds, WAIT_SECONDS_MAX)
