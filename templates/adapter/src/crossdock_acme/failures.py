"""What the hub does next about each refusal. The code is kept; its words are not, they may name people."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypedDict

import msgspec

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
from crossdock_acme.wire import Problem

SYSTEM = "acme"

REASONS: Mapping[str, tuple[str, str]] = {
    "account_blocked": ("customer-blocked", "The customer may not order at present"),
    "account_unknown": ("customer-unknown", "The ERP does not know the customer"),
    "already_shipped": ("already-shipped", "The goods have left the warehouse already"),
    "no_stock": ("out-of-stock", "There is not enough in stock"),
    "sku_unknown": ("product-unknown", "The ERP does not know the product"),
}
"""The hub's code and words for each of Acme's codes."""

_UNKNOWN_REASON = ("refused", "The ERP refused it and gave no reason that is known here")


class _Facts(TypedDict):
    system: str
    vendor_code: str


def reason(vendor_code: str) -> tuple[str, str]:
    """The hub's code for a refusal, and words for the people in the shop."""
    return REASONS.get(vendor_code, _UNKNOWN_REASON)


def failure(status: int, headers: Mapping[str, str], body: bytes, *, writes: bool, now: Instant) -> CrossdockError:
    """The error for an answer that is not a success."""
    code = _code(body) or str(status)
    facts = _Facts(system=SYSTEM, vendor_code=code)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait_seconds = retry_after_seconds(headers, now)
        return Throttled(
            "The ERP asks for fewer calls", code="throttled", retry_after_seconds=wait_seconds, **facts
        )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return Unavailable("The ERP takes no calls now", code="unavailable", **facts)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return unheard(SYSTEM, writes=writes, vendor_code=code)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return NotAuthorized("The ERP does not accept the key", code="credential-refused", **facts)
    if code == "ref_used":
        return Conflict("The key was used for an order with other content", code="key-reused", **facts)
    if status in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}:
        ours, words = reason(code)
        return Rejected(words, code=ours, **facts)
    finding = Finding(code=code, path="$", message="the ERP cannot read it")
    return Invalid("The ERP cannot read the request", code="vendor-refused", findings=[finding], **facts)


def _code(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=Problem).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
