"""Salesforce's refusals, named by what happens next; the vendor's code is always kept.

Four vocabularies meet here: the REST error array, result rows of collections and bulk jobs, the token endpoint,
and gRPC trailers. One table says what a code means, whichever way it came.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import grpc
import grpc.aio
import msgspec

from crossdock.adapters.salesforce.wire import SYSTEM, ErrorItem, TokenRefusal, soap_fault, soap_results
from crossdock.kit.errors import (
    Conflict,
    CrossdockError,
    Finding,
    Invalid,
    Locked,
    Misconfigured,
    NotAuthorized,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.kit.redaction import scrub

CONCURRENT_WAIT_SECONDS = 5.0
LOCKED_WAIT_SECONDS = 1.0
MESSAGE_CHARACTERS_MAX = 300
SESSION_EXPIRED = "INVALID_SESSION_ID"

_RECORD_ID = re.compile(r"\b[a-zA-Z0-9]{3}[a-zA-Z0-9]{9}(?:[a-zA-Z0-9]{3}){1,2}\b")
_DIGIT = re.compile(r"[0-9]")

_KINDS: Mapping[type[CrossdockError], str] = {
    Locked: "UNABLE_TO_LOCK_ROW",
    Unavailable: """
        SERVER_UNAVAILABLE QUERY_TIMEOUT REQUEST_RUNNING_TOO_LONG PROCESSING_HALTED
        ALL_OR_NONE_OPERATION_ROLLED_BACK TRANSACTION_HALTED
        INVALID_QUERY_LOCATOR
    """,
    Conflict: """
        DUPLICATE_VALUE DUPLICATE_EXTERNAL_ID DUPLICATE_COMM_NICKNAME PRECONDITION_FAILED
        ENTITY_IS_LOCKED RECORD_IN_USE_BY_WORKFLOW
    """,
    Rejected: """
        DUPLICATES_DETECTED CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_EXECUTE_FLOW_TRIGGER FAILED_ACTIVATION
        INSUFFICIENT_ACCESS INSUFFICIENT_ACCESS_OR_READONLY INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY
        ENTITY_IS_DELETED NOT_FOUND DELETE_FAILED DEPENDENCY_EXISTS CIRCULAR_DEPENDENCY APEX_ERROR
        INVALID_OPERATION UNDELETE_FAILED TRANSFER_REQUIRES_READ OP_WITH_INVALID_USER_TYPE_EXCEPTION
    """,
    Invalid: """
        REQUIRED_FIELD_MISSING STRING_TOO_LONG FIELD_CUSTOM_VALIDATION_EXCEPTION FIELD_INTEGRITY_EXCEPTION
        FIELD_FILTER_VALIDATION_EXCEPTION INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST INVALID_CROSS_REFERENCE_KEY
        MALFORMED_ID JSON_PARSER_ERROR INVALID_EMAIL_ADDRESS NUMBER_OUTSIDE_VALID_RANGE
        INVALID_TYPE_ON_FIELD_IN_RECORD MISSING_ARGUMENT INVALID_STATUS INVALID_ID_FIELD UNSUPPORTED_MEDIA_TYPE
    """,
    Misconfigured: """
        INVALID_FIELD INVALID_FIELD_FOR_INSERT_UPDATE INVALID_TYPE MALFORMED_QUERY INVALID_QUERY_FILTER_OPERATOR
        METHOD_NOT_ALLOWED FUNCTIONALITY_NOT_ENABLED UNSUPPORTED_API_VERSION EXTERNAL_OBJECT_UNSUPPORTED_EXCEPTION
    """,
    NotAuthorized: """
        INVALID_SESSION_ID INVALID_LOGIN INVALID_AUTH_HEADER INVALID_OPERATION_WITH_EXPIRED_PASSWORD
        API_CURRENTLY_DISABLED API_DISABLED_FOR_ORG LOGIN_DURING_RESTRICTED_DOMAIN LOGIN_DURING_RESTRICTED_TIME
        ORG_LOCKED PASSWORD_LOCKOUT INACTIVE_OWNER_OR_USER FORBIDDEN
    """,
    Throttled: "REQUEST_LIMIT_EXCEEDED LIMIT_EXCEEDED STORAGE_LIMIT_EXCEEDED",
}
KIND_BY_CODE: Mapping[str, type[CrossdockError]] = {
    code: kind for kind, codes in _KINDS.items() for code in codes.split()
}

_TOKEN_TRANSIENT = frozenset({"unknown_error", "server_error", "temporarily_unavailable"})
_TOKEN_THROTTLED = frozenset({"rate_limit_exceeded", "login_rate_exceeded", "slow_down"})
_TOKEN_WRONG = frozenset({"unsupported_grant_type", "invalid_request", "unsupported_response_type"})

_MATCHING = frozenset({"DUPLICATES_DETECTED", "DUPLICATE_VALUE", "DUPLICATE_EXTERNAL_ID"})

_RPC_REFUSED = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})
_RPC_WRONG = frozenset(
    {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED}
)

_SIGN_IN_WAIT_SECONDS = 60.0
_MULTIPLE_CHOICES = 300
_UNAUTHORIZED = 401
_TOO_MANY = 429
_SERVER_ERROR = 500
_SERVICE_UNAVAILABLE = 503
_BY_STATUS: Mapping[int, type[CrossdockError]] = {
    400: Invalid,
    401: NotAuthorized,
    403: NotAuthorized,
    404: Rejected,
    409: Conflict,
    410: Misconfigured,
    412: Conflict,
}


class PositionLost(Exception):
    """The event bus does not know the replay id any more: too old, reset or corrupt. Not an error: a gap."""

    def __init__(self, vendor_code: str) -> None:
        super().__init__(vendor_code)
        self.vendor_code = vendor_code


def from_answer(
    status: int, body: bytes, *, writes: bool, retry_after_seconds: float | None = None
) -> CrossdockError:
    """The error behind an HTTP answer other than 2xx.

    An answer in the vendor's own shape is believed. Anything else came from something in between: a read can be
    repeated, a write may have taken effect.
    """
    if status == _MULTIPLE_CHOICES:
        return _several(body)
    items = _items(body)
    if items and items[0].code:
        return from_items(items, status=status)
    message, code, vendor_code = f"HTTP {status} without an explanation", "salesforce-http", str(status)
    if status == _TOO_MANY:
        return _throttled(message, code, vendor_code, retry_after_seconds or CONCURRENT_WAIT_SECONDS)
    if status == _SERVICE_UNAVAILABLE or (status >= _SERVER_ERROR and not writes):
        return _error(Unavailable, message, code, vendor_code)
    if status >= _SERVER_ERROR:
        return _error(OutcomeUnknown, message, code, vendor_code)
    return _error(_BY_STATUS.get(status, Invalid), message, code, vendor_code)


def from_items(items: Sequence[ErrorItem], *, status: int = 0) -> CrossdockError:
    """The error behind a REST error array or the `errors` of one result row; never empty where a row failed."""
    first = items[0] if items else ErrorItem()
    code, message = first.code, _words(first)
    kind = KIND_BY_CODE.get(code)
    if kind is Throttled:
        # One code stands for two limits: the day's calls are used up, or too many long ones run at once.
        if "concurrent" in message.lower():
            return _throttled(message, "salesforce-concurrent-limit", code, CONCURRENT_WAIT_SECONDS)
        return _throttled(message, _stable(code), code)
    if kind is None:
        kind = Unavailable if status == _SERVICE_UNAVAILABLE else _BY_STATUS.get(status, Invalid)
    findings = _matches(first) if code in _MATCHING else _findings(items)
    error = _error(kind, message, _stable(code), code, findings)
    if isinstance(error, Locked):
        error.retry_after_seconds = LOCKED_WAIT_SECONDS
    return error


def from_soap(status: int, body: bytes) -> CrossdockError:
    """The error behind a SOAP fault; what is none came from something in between, and the call may have landed."""
    code, words = soap_fault(body)
    if code:
        return from_items([ErrorItem(message=words, status_code=code)])
    kind = Unavailable if status == _SERVICE_UNAVAILABLE else OutcomeUnknown
    return _error(kind, f"HTTP {status} without an explanation", "salesforce-http", str(status))


def check_soap(envelope: bytes, count: int = 1) -> None:
    """Raise what the results of a SOAP call say went wrong, of `count` that there must be."""
    try:
        results = soap_results(envelope)
    except ValueError:
        results = ()
    if len(results) != count:
        words = f"{len(results)} results, {count} expected"
        finding = Finding(code="count", path="$", message=words)
        raise Invalid(words, code="vendor-payload", system=SYSTEM, findings=[finding])
    for result in results:
        if not result.success:
            raise from_items(result.errors)


def is_soap_expired(status: int, body: bytes) -> bool:
    """Whether a fault says that the session is over."""
    return status >= _SERVER_ERROR and soap_fault(body)[0] == SESSION_EXPIRED


def from_bulk(text: str) -> CrossdockError:
    """The error behind a bulk job's `sf__Error`: `CODE:message:field field --`."""
    code, _, rest = text.partition(":")
    message, _, fields = rest.rpartition(":")
    names = tuple(name for name in re.split(r"[\s,]+", fields.replace("--", "")) if name)
    return from_items([ErrorItem(message=message or rest, status_code=code.strip(), fields=names)])


def from_token(status: int, body: bytes) -> CrossdockError:
    """The error behind a refusal of the token endpoint."""
    try:
        refusal = msgspec.json.decode(body, type=TokenRefusal)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        refusal = TokenRefusal()
    said = refusal.error_description or refusal.error or f"HTTP {status}"
    message, code, vendor_code = (
        f"sign-in refused: {_short(said)}",
        "salesforce-sign-in",
        refusal.error or str(status),
    )
    if refusal.error in _TOKEN_THROTTLED or "rate exceeded" in said.lower():
        return _throttled(message, code, vendor_code, _SIGN_IN_WAIT_SECONDS)
    if status >= _SERVER_ERROR or refusal.error in _TOKEN_TRANSIENT:
        return _error(Unavailable, message, code, vendor_code)
    return _error(Misconfigured if refusal.error in _TOKEN_WRONG else NotAuthorized, message, code, vendor_code)


def from_rpc(error: grpc.aio.AioRpcError) -> CrossdockError | PositionLost:
    """The error behind a broken event stream, by the trailer `error-code`, else by the gRPC status."""
    vendor_code = _trailer(error, "error-code")
    name, status = vendor_code.lower(), error.code()
    if "replayid" in name:
        return PositionLost(vendor_code)
    message = f"event stream ended: {status.name} {_short(error.details() or '')}".rstrip()
    code, vendor_code = "salesforce-events", vendor_code or status.name
    if "limit.exceeded" in name:
        return _throttled(message, code, vendor_code)
    if ".auth" in name or status in _RPC_REFUSED:
        return _error(NotAuthorized, message, code, vendor_code)
    return _error(Misconfigured if status in _RPC_WRONG else Unavailable, message, code, vendor_code)


def is_expired(status: int, body: bytes) -> bool:
    """Whether an answer says that the session is over, so that a new one may help."""
    return status == _UNAUTHORIZED and (SESSION_EXPIRED.encode() in body or not _items(body))


def _error(
    kind: type[CrossdockError], message: str, code: str, vendor_code: str, findings: Sequence[Finding] = ()
) -> CrossdockError:
    return kind(message, code=code, system=SYSTEM, vendor_code=vendor_code, findings=findings)


def _throttled(message: str, code: str, vendor_code: str, wait_seconds: float | None = None) -> Throttled:
    """Without a wait the quota is used up: nobody knows when it goes on."""
    return Throttled(
        message,
        exhausted=wait_seconds is None,
        code=code,
        system=SYSTEM,
        vendor_code=vendor_code,
        retry_after_seconds=wait_seconds,
    )


def _trailer(error: grpc.aio.AioRpcError, key: str) -> str:
    trailers = cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ())
    value = dict(trailers).get(key, "")
    return value if isinstance(value, str) else value.decode("ascii", "replace")


def _items(body: bytes) -> tuple[ErrorItem, ...]:
    try:
        return msgspec.json.decode(body, type=tuple[ErrorItem, ...])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()


def _several(body: bytes) -> CrossdockError:
    """300: the external id names several records; the body lists their URLs."""
    try:
        urls = msgspec.json.decode(body, type=tuple[str, ...])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        urls = ()
    matches = [_match(url.rpartition("/")[2]) for url in urls]
    return _error(Conflict, "the external id belongs to several records", "salesforce-several", "300", matches)


def _matches(item: ErrorItem) -> list[Finding]:
    ids = item.matched or tuple(found for found in _RECORD_ID.findall(item.message or "") if _DIGIT.search(found))
    return [_match(record) for record in ids]


def _match(record: str) -> Finding:
    return Finding(code="salesforce-match", path="$", message=record)


def _findings(items: Sequence[ErrorItem]) -> list[Finding]:
    return [
        Finding(code=_stable(item.code), path=f"$.{field}", message=_words(item))
        for item in items
        for field in item.fields or ()
    ]


def _words(item: ErrorItem) -> str:
    return _short(item.message or item.code or "refused without a reason")


def _short(text: str) -> str:
    return scrub(text)[:MESSAGE_CHARACTERS_MAX]


def _stable(code: str) -> str:
    return "salesforce-" + (code.lower().replace("_", "-") or "refused")
