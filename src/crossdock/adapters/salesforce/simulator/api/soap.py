"""What only the SOAP API can do: merging rows, bringing rows back from the recycle bin, and emptying it.

The partner dialect, at the address that the SOAP login names. Nothing else of SOAP is here.
"""

import uuid
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from crossdock.adapters.salesforce.simulator.api.sign_in import ROUTES, soap_envelope, soap_fault
from crossdock.adapters.salesforce.simulator.failures import ApiError, session_expired
from crossdock.adapters.salesforce.simulator.org import Actor, Org
from crossdock.adapters.salesforce.simulator.records.merging import merge
from crossdock.adapters.salesforce.simulator.records.writer import Writer
from crossdock.transport.loopback import Request, Response

__all__ = ["ROUTES", "call", "undelete"]

ROWS_MAX = 200
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@ROUTES.add("POST", "/services/Soap/u/{version}/{organization}")
def call(org: Org, request: Request, variables: dict[str, str]) -> Response:
    """One call of `_OPERATIONS`. A refused call is a fault; a refused row says so in its own result."""
    try:
        document = _parsed(request.body)
        actor = _actor(org, document, variables["version"])
        operation = _operation(document)
        name = _local(operation)
        org.calls.note(f"POST Soap {name}")
        results = "".join(f"<result>{result}</result>" for result in _OPERATIONS[name](org, actor, operation))
        return soap_envelope(f"<{name}Response>{results}</{name}Response>")
    except ApiError as refusal:
        return soap_fault(refusal.code, f"{refusal.code}: {refusal.message}")


def _parsed(body: bytes) -> ET.Element:
    if b"<!DOCTYPE" in body:
        raise ApiError("XML_PARSER_ERROR", "document type declarations are not allowed")
    try:
        return ET.fromstring(body)  # noqa: S314 - a test's own request, and without a DTD
    except ET.ParseError as broken:
        raise ApiError("XML_PARSER_ERROR", f"the body is not XML: {broken}") from None


def _operation(document: ET.Element) -> ET.Element:
    found = next(iter(_one(document, "Body")), None)
    if found is None or _local(found) not in _OPERATIONS:
        raise ApiError("UNKNOWN_EXCEPTION", "No operation available for this request")
    return found


def _actor(org: Org, document: ET.Element, version: str) -> Actor:
    token = _text(document, "sessionId")
    if not token:
        raise session_expired()
    session = org.directory.session(token)
    client = _text(document, "client")
    origin = f"com/salesforce/api/soap/{version}" + (f";client={client}" if client else "")
    return Actor(user_id=session.user_id, origin=origin, request=str(uuid.uuid4()))


def _merges(org: Org, actor: Actor, operation: ET.Element) -> Iterator[str]:
    requests = [part for part in operation if _local(part) == "request"]
    _check_count(len(requests))
    for request in requests:
        master = _one(request, "masterRecord")
        losers = [part.text or "" for part in request if _local(part) == "recordToMergeIds"]
        master_id, values = _values(master)
        try:
            with org.transaction(actor) as transaction:
                name = _text(master, "type")
                moved = merge(org, transaction, name, master_id, losers, values)
        except ApiError as refusal:
            yield _refused(refusal)
            continue
        merged = "".join(f"<mergedRecordIds>{escape(loser)}</mergedRecordIds>" for loser in losers)
        related = "".join(f"<updatedRelatedIds>{row}</updatedRelatedIds>" for row in moved)
        yield f"<id>{escape(master_id)}</id>{merged}<success>true</success>{related}"


def _undeletions(org: Org, actor: Actor, operation: ET.Element) -> Iterator[str]:
    ids = [part.text or "" for part in operation if _local(part) == "ids"]
    _check_count(len(ids))
    for record_id in ids:
        try:
            with org.transaction(actor) as transaction:
                undelete(org, Writer(org, transaction), record_id)
        except ApiError as refusal:
            yield _refused(refusal)
            continue
        yield f"<id>{escape(record_id)}</id><success>true</success>"


def _emptied(org: Org, actor: Actor, operation: ET.Element) -> Iterator[str]:
    ids = [part.text or "" for part in operation if _local(part) == "ids"]
    _check_count(len(ids))
    for record_id in ids:
        try:
            with org.transaction(actor):
                _remove(org, record_id)
        except ApiError as refusal:
            yield _refused(refusal)
            continue
        yield f"<id>{escape(record_id)}</id><success>true</success>"


def _remove(org: Org, record_id: str) -> None:
    sobject = org.schema.by_id(record_id)
    row = org.store.table(sobject).rows.get(record_id) if sobject else None
    if sobject is None or row is None or not row["IsDeleted"]:
        raise ApiError("INVALID_ID_FIELD", "Entity is not in the recycle bin", fields=[])
    org.store.write(sobject, record_id, None)


def undelete(org: Org, writer: Writer, record_id: str) -> None:
    """Bring a row of any object back. Raises ApiError."""
    sobject = org.schema.by_id(record_id)
    if sobject is None:
        raise ApiError("MALFORMED_ID", f"malformed id {record_id}")
    try:
        writer.undelete(sobject.name, record_id)
    except ApiError as refusal:
        if refusal.code != "NOT_FOUND":
            raise
        raise ApiError("UNDELETE_FAILED", "Entity is not in the recycle bin", fields=[]) from None


_OPERATIONS = {"merge": _merges, "undelete": _undeletions, "emptyRecycleBin": _emptied}


def _values(record: ET.Element) -> tuple[str, dict[str, Any]]:
    """The id of a record as the call carries it, and what is to be set; `fieldsToNull` empties."""
    record_id = ""
    values: dict[str, Any] = {}
    for part in record:
        name = _local(part)
        if name.lower() == "id":
            record_id = part.text or ""
        elif name == "fieldsToNull":
            values[part.text or ""] = None
        elif name != "type":
            values[name] = None if part.get(_NIL) == "true" else part.text or ""
    return record_id, values


def _refused(refusal: ApiError) -> str:
    error = f"<message>{escape(refusal.message)}</message><statusCode>{refusal.code}</statusCode>"
    return f'<errors>{error}</errors><id xsi:nil="true"/><success>false</success>'


def _check_count(count: int) -> None:
    if not 0 < count <= ROWS_MAX:
        raise ApiError("EXCEEDED_ID_LIMIT", f"between 1 and {ROWS_MAX} records in one call")


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _one(parent: ET.Element, name: str) -> ET.Element:
    found = next((element for element in parent.iter() if _local(element) == name), None)
    if found is None:
        raise ApiError("XML_PARSER_ERROR", f"the call has no {name}")
    return found


def _text(parent: ET.Element, name: str) -> str:
    found = next((element for element in parent.iter() if _local(element) == name), None)
    return "" if found is None else (found.text or "").strip()
