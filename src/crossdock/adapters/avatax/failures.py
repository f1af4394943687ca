"""What the hub does next about each refusal. The code is kept; its words are not, they quote the address."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypedDict

import msgspec

from crossdock.adapters.avatax.wire import RefusedCall
from crossdock.kit.clock import Instant
from crossdock.kit.errors import CrossdockError, Finding, Invalid, NotAuthorized, Throttled, Unavailable
from crossdock.transport.http import retry_after_seconds, unheard

SYSTEM = "avatax"


class _Facts(TypedDict):
    system: str
    vendor_code: str


def failure(status: int, headers: Mapping[str, str], body: bytes, *, now: Instant) -> CrossdockError:
    """The error for an answer that is not a success. Nothing here writes, so nothing can be unknown."""
    code = _code(body) or str(status)
    facts = _Facts(system=SYSTEM, vendor_code=code)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait_seconds = retry_after_seconds(headers, now)
        return Throttled(
            "AvaTax asks for fewer calls", code="throttled", retry_after_seconds=wait_seconds, **facts
        )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return Unavailable("AvaTax takes no calls now", code="unavailable", **facts)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return unheard(SYSTEM, writes=False, vendor_code=code)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return NotAuthorized("AvaTax does not accept the licence key", code="credential-refused", **facts)
    finding = Finding(code="vendor-refused", path="$", message="AvaTax cannot read it")
    return Invalid("AvaTax cannot read the question", code="vendor-refused", findings=[finding], **facts)


def _code(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=RefusedCall).error.code
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
