"""The memory ERP's refusals, by what the hub does next.

The vendor's code is always kept, its words never: they name people.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypedDict

import msgspec

from crossdock.adapters.memory.wire import Problem
from crossdock.kit.clock import Instant
from crossdock.kit.errors import (
    Conflict,
    CrossdockError,
    Finding,
    Invalid,
    NotAuthorized,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.transport.http import retry_after_seconds, unheard

SYSTEM = "memory"

REASONS: Mapping[str, tuple[str, str]] = {
    "ALREADY_SHIPPED": ("already-shipped", "The goods have left the warehouse already"),
    "ARTICLE_DISCONTINUED": ("product-inactive", "The product is not sold any more"),
    "ARTICLE_UNKNOWN": ("product-unknown", "The ERP does not know the product"),
    "CREDIT_HOLD": ("credit-hold", "The customer is blocked because of unpaid bills"),
    "CURRENCY_NOT_SOLD": ("currency-not-sold", "Nothing is sold in this currency"),
    "DEBTOR_UNKNOWN": ("customer-unknown", "The ERP does not know the customer"),
    "INCOMPLETE": ("not-complete", "The order was wanted complete, and not everything can be delivered"),
    "OUT_OF_STOCK": ("out-of-stock", "There is not enough in stock"),
    "PARTNER_GONE": ("record-gone", "The customer does not exist any more"),
    "PARTNER_UNKNOWN": ("customer-unknown", "The ERP does not know the customer"),
    "PERIOD_CLOSED": ("period-closed", "The books of that time are closed"),
    "RECORD_GONE": ("record-gone", "The record does not exist any more"),
}
"""The hub's code and words for each of the vendor's codes."""

_CONFLICTS: Mapping[str, tuple[str, str]] = {
    "REFERENCE_USED": ("key-reused", "The key was used for something else"),
    "REVISION_MOVED": ("record-changed", "Somebody changed the record meanwhile"),
}

_UNKNOWN_REASON = ("refused", "The ERP refused it and gave no reason that is known here")


class _Facts(TypedDict):
    system: str
    vendor_code: str


def reason(vendor_code: str) -> tuple[str, str]:
    """The hub's code for a refusal, and words for the people in the shop."""
    return REASONS.get(vendor_code, _UNKNOWN_REASON)


def rejection(vendor_code: str) -> Rejected | Conflict:
    """The refusal behind a vendor's code."""
    if vendor_code in _CONFLICTS:
        code, words = _CONFLICTS[vendor_code]
        return Conflict(words, code=code, system=SYSTEM, vendor_code=vendor_code)
    code, words = reason(vendor_code)
    return Rejected(words, code=code, system=SYSTEM, vendor_code=vendor_code)


def not_taken(vendor_code: str) -> CrossdockError:
    """Why the event log did not take an event."""
    if vendor_code == "BEHIND_ANOTHER":
        words = "An earlier event of this subject was not taken"
        return Unavailable(words, code="behind-another", system=SYSTEM, vendor_code=vendor_code)
    finding = Finding(code="event-too-large", path="$.data", message="more than the event log takes")
    words = "The event log does not take the event"
    return Invalid(words, code="event-too-large", system=SYSTEM, vendor_code=vendor_code, findings=[finding])


def failure(status: int, headers: Mapping[str, str], body: bytes, *, writes: bool, now: Instant) -> CrossdockError:
    """The error for an answer that is not a success."""
    problem = _problem(body)
    facts = _Facts(system=SYSTEM, vendor_code=problem.code or str(status))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait_seconds = retry_after_seconds(headers, now)
        return Throttled(
            "The ERP asks for fewer calls", code="throttled", retry_after_seconds=wait_seconds, **facts
        )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return Unavailable("The ERP takes no calls now", code="unavailable", **facts)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return unheard(SYSTEM, writes=writes, vendor_code=facts["vendor_code"])
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return NotAuthorized("The ERP does not accept the credential", code="credential-refused", **facts)
    if status in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY} or problem.code in REASONS:
        return rejection(problem.code)
    finding = Finding(code=problem.code or "refused", path=problem.field or "$", message="the ERP cannot read it")
    return Invalid("The ERP cannot read the request", code="vendor-refused", findings=[finding], **facts)


def _problem(body: bytes) -> Problem:
    try:
        return msgspec.json.decode(body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Problem("")
