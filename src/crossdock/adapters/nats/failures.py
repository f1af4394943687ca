"""What goes wrong with NATS, by what the hub does next; the server's error code is kept, its words are not."""

import nats.errors
from nats.js.errors import APIError, NoStreamResponseError

from crossdock.adapters.nats.wire import MESSAGE_TOO_LARGE, STREAM_FULL, STREAM_UNKNOWN, SYSTEM, WRONG_STREAM
from crossdock.kit.errors import (
    CrossdockError,
    Finding,
    Invalid,
    Misconfigured,
    NotAuthorized,
    OutcomeUnknown,
    Unavailable,
)

_REFUSALS = ("authorization", "authentication", "permissions violation", "user authentication")


class ConnectionGone(Exception):
    """The connection ended while we waited for an answer."""


def is_refusal(error: BaseException | str) -> bool:
    """Whether the server's words mean that our credential is not good (enough).

    An "Authentication Timeout" does not: a busy machine was late to present it.
    """
    told = str(error).lower()
    return "timeout" not in told and any(words in told for words in _REFUSALS)


def refused() -> NotAuthorized:
    """The credential is not good, or may not do this."""
    return NotAuthorized(
        "NATS refuses the credential, or what it may do", code="credential-refused", system=SYSTEM
    )


def not_connected(error: BaseException) -> CrossdockError:
    """Why no connection could be made."""
    if is_refusal(error):
        return refused()
    return Unavailable("NATS cannot be reached", code="unreachable", system=SYSTEM, vendor_code=_name(error))


def failure(error: BaseException, *, writes: bool) -> CrossdockError:
    """The error for a call that did not succeed on a connection that was there."""
    if is_refusal(error):
        return refused()
    if isinstance(error, nats.errors.MaxPayloadError):
        return too_large("MAX_PAYLOAD")
    if isinstance(error, NoStreamResponseError | nats.errors.NoRespondersError):
        words = "JetStream does not answer: it has no stream for the subject, or no leader now"
        return Unavailable(words, code="unavailable", system=SYSTEM, vendor_code=_name(error))
    if isinstance(error, APIError):
        return _of_the_api(error)
    if writes:
        words = "NATS did not acknowledge in time; the message may be stored"
        return OutcomeUnknown(words, code="answer-lost", system=SYSTEM, vendor_code=_name(error))
    return Unavailable("NATS gave no answer", code="answer-lost", system=SYSTEM, vendor_code=_name(error))


def _of_the_api(error: APIError) -> CrossdockError:
    vendor_code = str(error.err_code or error.code or "")
    if error.err_code == MESSAGE_TOO_LARGE:
        return too_large(vendor_code)
    if error.err_code in STREAM_FULL:
        words = "The stream is full: its limits, or the server's, are reached"
        return Unavailable(words, code="stream-full", system=SYSTEM, vendor_code=vendor_code)
    if error.err_code == WRONG_STREAM:
        words = "The subjects of our events belong to another stream than the one named in the settings"
        return Misconfigured(words, code="stream-wrong", system=SYSTEM, vendor_code=vendor_code)
    if error.err_code == STREAM_UNKNOWN:
        words = "The stream named in the settings does not exist"
        return Misconfigured(words, code="stream-missing", system=SYSTEM, vendor_code=vendor_code)
    return Unavailable("JetStream refused the call", code="vendor-refused", system=SYSTEM, vendor_code=vendor_code)


def too_large(vendor_code: str) -> Invalid:
    """The event is larger than the server or the stream takes."""
    finding = Finding(code="event-too-large", path="$.data", message="more than NATS takes in one message")
    return Invalid(
        "The event is larger than NATS takes",
        code="event-too-large",
        system=SYSTEM,
        vendor_code=vendor_code,
        findings=[finding],
    )


def _name(error: BaseException) -> str:
    return type(error).__name__
