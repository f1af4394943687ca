"""Refusals in the vendor's own shapes."""

from collections.abc import Sequence
from typing import Any


class ApiError(Exception):
    """One refusal of the REST API; `extra` holds what the vendor adds beside code and message."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        fields: Sequence[str] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = None if fields is None else list(fields)
        self.extra = extra or {}

    def body(self) -> list[dict[str, Any]]:
        """The body of a failed request: an array, although it holds one error."""
        error: dict[str, Any] = {**self.extra, "message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = self.fields
        return [error]

    def row(self) -> dict[str, Any]:
        """The same refusal inside a result row, where the vendor calls the code `statusCode`."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields or []}


class OAuthError(Exception):
    """A refusal of the token endpoint, which has a shape of its own."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


def not_found() -> ApiError:
    """There is no such resource or row."""
    return ApiError("NOT_FOUND", "The requested resource does not exist", status=404)


def session_expired() -> ApiError:
    """The access token is unknown, expired or revoked."""
    return ApiError("INVALID_SESSION_ID", "Session expired or invalid", status=401)


def entity_deleted() -> ApiError:
    """The row is in the recycle bin."""
    return ApiError("ENTITY_IS_DELETED", "entity is deleted", status=404, fields=[])


def bad_json(message: str) -> ApiError:
    """The body is not JSON, or a value in it has the wrong type."""
    return ApiError("JSON_PARSER_ERROR", message)


def no_such_column(field: str, sobject: str) -> ApiError:
    """A write named a field that is not there, or that the user may not see."""
    return ApiError("INVALID_FIELD", f"No such column '{field}' on sobject of type {sobject}")


def not_writeable(field: str) -> ApiError:
    """A write named a field that the system keeps."""
    return ApiError(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Unable to create/update fields: {field}. Please check the security settings of this field and verify "
        "that it is read/write for your profile or permission set.",
        fields=[field],
    )


def locked(record_id: str) -> ApiError:
    """Another transaction holds the row or its parent."""
    return ApiError(
        "UNABLE_TO_LOCK_ROW",
        f"unable to obtain exclusive access to this record or 1 records: {record_id}",
        fields=[],
    )


def rolled_back() -> ApiError:
    """The row was fine, but another one of its all-or-none request was not."""
    return ApiError(
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "Record rolled back because not all records were valid and the request was using AllOrNone header",
        fields=[],
    )


def halted() -> ApiError:
    """A composite stopped here because another step of it failed."""
    return ApiError(
        "PROCESSING_HALTED",
        "The transaction was rolled back since another operation in the same transaction failed.",
    )
