"""Salesforce's payloads by Salesforce's names, as far as this dock reads them; unknown members are ignored.

Rows of objects are plain mappings, since every org names its own fields; `decode_row` reads them without ever
turning a number into a float.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

SYSTEM = "salesforce"

Row = Mapping[str, Any]


class TokenAnswer(msgspec.Struct, frozen=True):
    """What the token endpoint grants; `id` is a URL that ends in the org's and the user's ids."""

    access_token: Annotated[str, Meta(min_length=1)]
    instance_url: Annotated[str, Meta(min_length=1)]
    id: str = ""


class TokenRefusal(msgspec.Struct, frozen=True):
    """What the token endpoint says instead."""

    error: str = ""
    error_description: str = ""


class MatchedRecord(msgspec.Struct, frozen=True):
    """A record that a duplicate rule matched."""

    record: Mapping[str, Any] = {}


class MatchResult(msgspec.Struct, frozen=True, rename="camel"):
    """What one matching rule found."""

    match_records: tuple[MatchedRecord, ...] = ()


class DuplicateResult(msgspec.Struct, frozen=True, rename="camel"):
    """Why a duplicate rule refused a row."""

    duplicate_rule: str = ""
    error_message: str = ""
    match_results: tuple[MatchResult, ...] = ()


class ErrorItem(msgspec.Struct, frozen=True, rename="camel"):
    """One error: a call's error has `errorCode`, a row's has `statusCode`.

    The vendor documents `duplicateResult` and sends `duplicateResut`; both are read.
    """

    message: str | None = ""
    error_code: str | None = ""
    status_code: str | None = ""
    fields: tuple[str, ...] | None = ()
    duplicate_result: DuplicateResult | None = None
    duplicate_resut: DuplicateResult | None = None

    @property
    def code(self) -> str:
        """The vendor's code, whichever name it came under."""
        return self.error_code or self.status_code or ""

    @property
    def matched(self) -> tuple[str, ...]:
        """Ids of the records that a duplicate rule matched."""
        result = self.duplicate_result or self.duplicate_resut
        if result is None:
            return ()
        records = (found.record for rule in result.match_results for found in rule.match_records)
        return tuple(str(record["Id"]) for record in records if record.get("Id"))


class RowResult(msgspec.Struct, frozen=True):
    """What became of one row of a collection. A success may carry remarks in `errors`."""

    success: bool
    id: str | None = None
    created: bool | None = None
    errors: tuple[ErrorItem, ...] = ()


class QueryPage(msgspec.Struct, frozen=True, rename="camel"):
    """One page of a query's result; rows stay as they came until they are mapped."""

    total_size: int
    done: bool
    records: tuple[Raw, ...] = ()
    next_records_url: str | None = None


class FieldDescription(msgspec.Struct, frozen=True):
    """A field that the user may see."""

    name: str
    updateable: bool = False


class ObjectDescription(msgspec.Struct, frozen=True):
    """An object that the user may see."""

    name: str
    fields: tuple[FieldDescription, ...] = ()


class SubAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to one request inside a composite."""

    http_status_code: int
    reference_id: str
    body: Raw = Raw(b"null")


class CompositeAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The answers of a composite, in order."""

    composite_response: tuple[SubAnswer, ...]


class ApiVersion(msgspec.Struct, frozen=True):
    """One version of the API that the org offers."""

    version: str
    label: str = ""


class Allowance(msgspec.Struct, frozen=True, rename="pascal"):
    """One limit of the org."""

    max: int
    remaining: int


class UserFacts(msgspec.Struct, frozen=True):
    """Who the integration user is."""

    user_id: str
    organization_id: str
    preferred_username: str = ""


class BulkJob(msgspec.Struct, frozen=True, rename="camel"):
    """A Bulk API 2.0 ingest job."""

    id: str
    state: str
    content_url: str = ""
    number_records_processed: int = 0
    number_records_failed: int = 0
    error_message: str | None = None


_ROW = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def decode_row(raw: bytes | Raw) -> dict[str, Any]:
    """A row of an object with exact numbers. Raises ValueError for anything that is not one JSON object."""
    try:
        return _ROW.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise ValueError(str(error)) from error
