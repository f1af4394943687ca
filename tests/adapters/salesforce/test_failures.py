"""Every refusal of Salesforce is named by what happens next, and keeps the vendor's code."""

import grpc
import grpc.aio
import msgspec
import pytest

from crossdock.adapters.salesforce import failures
from crossdock.adapters.salesforce.failures import PositionLost
from crossdock.adapters.salesforce.wire import ErrorItem
from crossdock.kit.errors import (
    Conflict,
    CrossdockError,
    Invalid,
    Locked,
    Misconfigured,
    NotAuthorized,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)


def refusal(code: str, message: str = "no", status: int = 400, **more: object) -> CrossdockError:
    body = msgspec.json.encode([{"message": message, "errorCode": code, **more}])
    return failures.from_answer(status, body, writes=True)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("UNABLE_TO_LOCK_ROW", Locked),
        ("SERVER_UNAVAILABLE", Unavailable),
        ("QUERY_TIMEOUT", Unavailable),
        ("DUPLICATE_VALUE", Conflict),
        ("DUPLICATES_DETECTED", Rejected),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", Rejected),
        ("ENTITY_IS_DELETED", Rejected),
        ("INSUFFICIENT_ACCESS_OR_READONLY", Rejected),
        ("REQUIRED_FIELD_MISSING", Invalid),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", Invalid),
        ("STRING_TOO_LONG", Invalid),
        ("INVALID_CROSS_REFERENCE_KEY", Invalid),
        ("INVALID_FIELD", Misconfigured),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", Misconfigured),
        ("MALFORMED_QUERY", Misconfigured),
        ("INVALID_SESSION_ID", NotAuthorized),
        ("API_DISABLED_FOR_ORG", NotAuthorized),
        ("REQUEST_LIMIT_EXCEEDED", Throttled),
        ("STORAGE_LIMIT_EXCEEDED", Throttled),
        ("A_CODE_OF_NEXT_YEAR", Invalid),
    ],
)
def test_a_code_leads_to_one_kind_of_error_and_stays_readable(code: str, kind: type[CrossdockError]) -> None:
    error = refusal(code)
    assert type(error) is kind
    assert error.vendor_code == code
    assert error.code == "salesforce-" + code.lower().replace("_", "-")
    assert error.system == "salesforce"


def test_the_days_limit_is_told_apart_from_too_many_calls_at_once() -> None:
    daily = refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403)
    burst = refusal("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", 403)

    assert isinstance(daily, Throttled)
    assert daily.exhausted
    assert daily.retry_after_seconds is None
    assert isinstance(burst, Throttled)
    assert not burst.exhausted
    assert burst.retry_after_seconds == failures.CONCURRENT_WAIT_SECONDS


@pytest.mark.parametrize("key", ["duplicateResut", "duplicateResult"])
def test_a_duplicate_rule_names_the_matched_records_however_the_vendor_spells_it(key: str) -> None:
    match = {"matchRecords": [{"record": {"attributes": {"type": "Contact"}, "Id": "003xx000004TmiQAAS"}}]}
    error = refusal(
        "DUPLICATES_DETECTED",
        "You're creating a duplicate record.",
        400,
        **{key: {"allowSave": False, "duplicateRule": "R", "matchResults": [match]}},
    )
    assert isinstance(error, Rejected)
    assert [finding.message for finding in error.findings] == ["003xx000004TmiQAAS"]


def test_a_taken_unique_value_names_the_record_that_has_it() -> None:
    message = "duplicate value found: Ext__c duplicates value on record with id: 001D000000IRFma"
    error = refusal("DUPLICATE_VALUE", message)
    assert [finding.message for finding in error.findings] == ["001D000000IRFma"]


def test_an_external_id_of_several_records_is_a_conflict_that_names_them() -> None:
    body = (
        b'["/services/data/v67.0/sobjects/Account/001D000000IRFma","/services/data/v67.0/sobjects/Account/001D2"]'
    )
    error = failures.from_answer(300, body, writes=True)
    assert isinstance(error, Conflict)
    assert [finding.message for finding in error.findings] == ["001D000000IRFma", "001D2"]


def test_validation_names_each_field() -> None:
    error = refusal("REQUIRED_FIELD_MISSING", "Required fields are missing: [A, B]", fields=["A", "B__c"])
    assert [finding.path for finding in error.findings] == ["$.A", "$.B__c"]


@pytest.mark.parametrize(
    ("status", "writes", "kind"),
    [
        (503, True, Unavailable),
        (502, False, Unavailable),
        (502, True, OutcomeUnknown),
        (500, True, OutcomeUnknown),
        (401, False, NotAuthorized),
        (404, False, Rejected),
        (412, True, Conflict),
        (418, True, Invalid),
    ],
)
def test_an_answer_that_is_not_the_vendors_is_judged_by_status_and_by_what_was_asked(
    status: int, writes: bool, kind: type[CrossdockError]
) -> None:
    for body in (b"<html>gateway</html>", b"", b"[]", b"[" * 50_000, b"\xff\xfe"):
        assert type(failures.from_answer(status, body, writes=writes)) is kind


def test_too_many_requests_of_a_gateway_carry_its_wait() -> None:
    error = failures.from_answer(429, b"", writes=True, retry_after_seconds=17.0)
    assert isinstance(error, Throttled)
    assert error.retry_after_seconds == 17.0


def test_messages_hold_no_addresses_and_no_tokens() -> None:
    error = refusal(
        "INVALID_EMAIL_ADDRESS", "Email: invalid email address: eve@example.com 00D000000000001!AQEAQABCDEF"
    )
    assert "eve@" not in error.message
    assert "AQEAQ" not in error.message


def test_a_result_row_has_its_own_spelling_of_the_code() -> None:
    error = failures.from_items([ErrorItem(message="locked", status_code="UNABLE_TO_LOCK_ROW")])
    assert isinstance(error, Unavailable)
    assert error.retry_after_seconds == failures.LOCKED_WAIT_SECONDS


def test_a_failed_row_without_a_reason_is_still_an_error() -> None:
    assert isinstance(failures.from_items([]), Invalid)


def test_a_failed_bulk_row_is_read_as_code_message_and_fields() -> None:
    error = failures.from_bulk("REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --")
    assert isinstance(error, Invalid)
    assert error.message == "Required fields are missing: [Name]"
    assert [finding.path for finding in error.findings] == ["$.Name"]


@pytest.mark.parametrize(
    ("status", "error", "description", "kind"),
    [
        (400, "invalid_grant", "user hasn't approved this consumer", NotAuthorized),
        (400, "invalid_client", "invalid client credentials", NotAuthorized),
        (400, "invalid_grant", "login rate exceeded", Throttled),
        (400, "unsupported_grant_type", "grant type not supported", Misconfigured),
        (400, "unknown_error", "retry your request", Unavailable),
        (503, "", "", Unavailable),
    ],
)
def test_a_refused_sign_in_is_told_apart_from_a_passing_one(
    status: int, error: str, description: str, kind: type[CrossdockError]
) -> None:
    body = msgspec.json.encode({"error": error, "error_description": description})
    assert type(failures.from_token(status, body)) is kind


def rpc(status: grpc.StatusCode, code: str = "") -> CrossdockError | PositionLost:
    trailers = grpc.aio.Metadata(("error-code", code), ("rpc-id", "1")) if code else grpc.aio.Metadata()
    return failures.from_rpc(grpc.aio.AioRpcError(status, grpc.aio.Metadata(), trailers, "told", None))


@pytest.mark.parametrize("name", ["fetch.replayid.corrupted", "fetch.replayid.validation.failed"])
def test_a_replay_id_that_is_no_use_any_more_is_a_lost_position(name: str) -> None:
    lost = rpc(grpc.StatusCode.INVALID_ARGUMENT, f"sfdc.platform.eventbus.grpc.subscription.{name}")
    assert isinstance(lost, PositionLost)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "sfdc.platform.eventbus.grpc.service.auth.error", NotAuthorized),
        (grpc.StatusCode.PERMISSION_DENIED, "", NotAuthorized),
        (grpc.StatusCode.UNAVAILABLE, "sfdc.platform.eventbus.grpc.service.unavailable", Unavailable),
        (grpc.StatusCode.INTERNAL, "", Unavailable),
        (grpc.StatusCode.NOT_FOUND, "", Misconfigured),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "", Unavailable),
        (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "sfdc.platform.eventbus.grpc.subscription.limit.exceeded",
            Throttled,
        ),
    ],
)
def test_a_broken_stream_is_judged_by_the_vendors_trailer_and_then_by_its_status(
    status: grpc.StatusCode, code: str, kind: type[CrossdockError]
) -> None:
    assert type(rpc(status, code)) is kind
