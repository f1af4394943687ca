"""Errors, named by what happens next.

    CrossdockError
    ├── Misconfigured        stop before the start
    ├── Transient            try again, same key
    │   ├── Unavailable        the system did not take the call
    │   │   └── Locked           it is well, but somebody else holds the record just now
    │   └── Throttled          the system said: later (and often, when)
    ├── OutcomeUnknown       ask whether it landed, then try again, else park
    ├── Rejected             a business refusal: compensate and tell the reason
    ├── Invalid              park for repair, with the path to each fault
    ├── Conflict             read again and decide
    ├── NotAuthorized        pause the lane, alert once
    ├── Unsupported          stop: a capability that was never declared
    └── CompensationFailed   assign to a person

The engine reads `recovery` and nothing else. A bug is an ordinary exception: loud, parked, never translated.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

import msgspec


class Recovery(StrEnum):
    """What the engine does about an error."""

    STOP = "stop"
    RETRY = "retry"
    ASK = "ask"
    COMPENSATE = "compensate"
    REPAIR = "repair"
    REREAD = "reread"
    PAUSE = "pause"
    ASSIGN = "assign"
    BUG = "bug"


class Finding(msgspec.Struct, frozen=True):
    """One fault in one place: a stable code, the JSON path to it (`$.lines[0].quantity`), and words."""

    code: str
    path: str
    message: str


class CrossdockError(Exception):
    """Root of the tree.

    `code` is stable and machine-readable; `system` and `vendor_code` say whose words lie behind it.
    `message` is for people and must hold neither secrets nor personal data.
    """

    recovery: ClassVar[Recovery] = Recovery.BUG

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        system: str = "",
        vendor_code: str = "",
        findings: Sequence[Finding] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).__name__.lower()
        self.system = system
        self.vendor_code = vendor_code
        self.findings = tuple(findings)
        self.retry_after_seconds = retry_after_seconds


class Misconfigured(CrossdockError):
    """A setting is missing or wrong; nothing starts until it is mended."""

    recovery = Recovery.STOP


class Transient(CrossdockError):
    """The same call with the same key may succeed later."""

    recovery = Recovery.RETRY


class Unavailable(Transient):
    """The call certainly did not take effect: refused connection, 503."""


class Locked(Unavailable):
    """The record is held by somebody else for a moment: the call did not take effect, and the system is well."""


class Throttled(Transient):
    """The system asked for less. `retry_after_seconds` is its own wish where it named one.

    `exhausted` tells a used-up quota (nothing will go until its window rolls) from a passing burst limit.
    """

    def __init__(self, message: str, *, exhausted: bool = False, **facts: object) -> None:
        super().__init__(message, **facts)  # type: ignore[arg-type]
        self.exhausted = exhausted


class OutcomeUnknown(CrossdockError):
    """The call was sent and no answer was heard: it may have taken effect."""

    recovery = Recovery.ASK


class Rejected(CrossdockError):
    """A business refusal with a reason that a person in the shop understands."""

    recovery = Recovery.COMPENSATE


class Invalid(CrossdockError):
    """Content that cannot be processed until somebody repairs it; `findings` carry the paths."""

    recovery = Recovery.REPAIR


class Conflict(CrossdockError):
    """Somebody else changed it, or the key was used with other content."""

    recovery = Recovery.REREAD


class NotAuthorized(CrossdockError):
    """The credential is refused; calling again would only lock the account."""

    recovery = Recovery.PAUSE


class Unsupported(CrossdockError):
    """A capability was used that the manifest does not declare."""

    recovery = Recovery.STOP


class CompensationFailed(CrossdockError):
    """An undo was refused: a person has to put it right."""

    recovery = Recovery.ASSIGN


def recovery_of(error: BaseException) -> Recovery:
    """What to do about any exception; everything outside the tree is a bug."""
    return error.recovery if isinstance(error, CrossdockError) else Recovery.BUG
