"""Salesforce's payloads by Salesforce's names, as far as this dock reads them; unknown members are ignored.

Rows of objects are plain mappings, since every org names its own fields; `decode_row` reads them without ever
turning a number into a float.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

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


class SoapResult(msgspec.Struct, frozen=True):
    """What became of one record in a SOAP call."""

    success: bool
    id: str = ""
    errors: tuple[ErrorItem, ...] = ()


def soap_document(token: str, client: str, operation: str) -> bytes:
    """A call of the partner dialect; `operation` is XML already, with the prefixes `p` and `s`."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:p="urn:partner.soap.sforce.com"'
        ' xmlns:s="urn:sobject.partner.soap.sforce.com"><e:Header>'
        f"<p:SessionHeader><p:sessionId>{escape(token)}</p:sessionId></p:SessionHeader>"
        f"<p:CallOptions><p:client>{escape(client)}</p:client></p:CallOptions>"
        f"</e:Header><e:Body>{operation}</e:Body></e:Envelope>"
    ).encode()


def soap_merge(sobject: str, master: str, loser: str) -> str:
    """The operation that merges one record into another."""
    record = f"<s:type>{escape(sobject)}</s:type><s:Id>{escape(master)}</s:Id>"
    losers = f"<p:recordToMergeIds>{escape(loser)}</p:recordToMergeIds>"
    return f"<p:merge><p:request><p:masterRecord>{record}</p:masterRecord>{losers}</p:request></p:merge>"


def soap_undelete(record: str) -> str:
    """The operation that brings one record back from the recycle bin."""
    return f"<p:undelete><p:ids>{escape(record)}</p:ids></p:undelete>"


def soap_empty_bin(records: Iterable[str]) -> str:
    """The operation that removes records from the recycle bin for good."""
    ids = "".join(f"<p:ids>{escape(record)}</p:ids>" for record in records)
    return f"<p:emptyRecycleBin>{ids}</p:emptyRecycleBin>"


def soap_results(body: bytes) -> tuple[SoapResult, ...]:
    """The results in an envelope. Raises ValueError for anything that is not one."""
    results = []
    for element in _soap_tree(body).iter():
        if _local(element) == "result":
            parts = {_local(part): part for part in element}
            errors = tuple(
                ErrorItem(message=_soap_text(part, "message"), status_code=_soap_text(part, "statusCode"))
                for part in element
                if _local(part) == "errors"
            )
            success = "success" in parts and parts["success"].text == "true"
            results.append(SoapResult(success=success, id=_soap_text(element, "id"), errors=errors))
    return tuple(results)


def soap_fault(body: bytes) -> tuple[str, str]:
    """Code (without its prefix) and words of a fault; both empty where the body is none."""
    try:
        tree = _soap_tree(body)
    except ValueError:
        return "", ""
    return _soap_text(tree, "faultcode").rpartition(":")[2], _soap_text(tree, "faultstring")


def _soap_tree(body: bytes) -> ET.Element:
    if b"<!DOCTYPE" in body:
        raise ValueError("a document type declaration has no place here")
    try:
        return ET.fromstring(body)  # noqa: S314 - without a DTD there are no entities to expand
    except ET.ParseError as error:
        raise ValueError("not XML") from error


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _soap_text(parent: ET.Element, name: str) -> str:
    return next((part.text or "" for part in parent.iter() if _local(part) == name), "")


_ROW = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def decode_row(raw: bytes | Raw) -> dict[str, Any]:
    """A row of an object with exact numbers. Raises ValueError for anything that is not one JSON object."""
    try:
        return _ROW.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise ValueError(str(error)) from error
