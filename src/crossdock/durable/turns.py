"""When others are told that work waits: at once where a lane is closed; later where it only waits for its turn.

Most turns come soon, and to tell of each would double what is told. But what has waited for long must not look as
if it were going on.
"""

from collections.abc import Callable

from crossdock.durable.lanes import LaneClosed
from crossdock.durable.records import JournalRow, Outgoing, StepState
from crossdock.kit.clock import Instant, seconds_to_us

OnWait = Callable[[LaneClosed], Outgoing]

NOTHING = b"null"
ANNOUNCED = b'"announced"'
"""In place of what a step knows while it is not done: others were told that it waits. Once per step is enough."""

UNTOLD_SECONDS_MAX = 30.0
"""Work that began so long ago and still waits, in whatever queue, tells that it does."""

NO_ANSWER = LaneClosed("", "full", None, "it has had no answer yet")


def late_at(created_at: Instant) -> Instant:
    """From when on a run that began then tells that it waits."""
    return created_at + seconds_to_us(UNTOLD_SECONDS_MAX)


def tells_at(closed: LaneClosed, created_at: Instant, now: Instant) -> Instant | None:
    """When a run that a lane sent back has to come again and tell that it waits; None: it tells now."""
    if closed.reason == "stopping":
        return max(now, late_at(created_at))
    return late_at(created_at) if closed.reason == "full" and now < late_at(created_at) else None


def announced(step: str, known: JournalRow | None, now: Instant) -> JournalRow | None:
    """What the journal has of a step whose call is under way, once that was told; None: no need to tell."""
    if known is None:
        return JournalRow(step, StepState.DELAYED, ANNOUNCED, 0, now)
    if known.state in {StepState.DONE, StepState.REFUSED} or known.payload != NOTHING:
        return None
    return JournalRow(step, known.state, ANNOUNCED, known.attempts, known.at)
