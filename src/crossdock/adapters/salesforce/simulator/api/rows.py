"""Single rows: create, read, update, upsert, delete; and the lists of recent, updated and deleted ones."""

import base64
import hashlib
from typing import Any

import msgspec

from crossdock.adapters.salesforce.simulator.api.call import Answer, Call, Desk, flag, table
from crossdock.adapters.salesforce.simulator.api.describe import object_summary
from crossdock.adapters.salesforce.simulator.failures import ApiError, not_found
from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.adapters.salesforce.simulator.records.lookup import key_field, live_row, rows_with_key
from crossdock.adapters.salesforce.simulator.records.writer import SeveralRows, Writer, published_result
from crossdock.adapters.salesforce.simulator.soql.shape import Shape
from crossdock.adapters.salesforce.simulator.tables.moments import (
    datetime_text,
    http_date,
    parse_datetime,
    parse_http_date,
)
from crossdock.adapters.salesforce.simulator.tables.schema import Field, SObject
from crossdock.adapters.salesforce.simulator.tables.store import Row
from crossdock.kit.clock import MICROSECONDS

ROUTES = table()
_BODY_SINCE_VERSION = 46.0
_RECENT_ROWS_MAX = 200
_CHANGED_US_MAX = 30 * 24 * 3_600 * MICROSECONDS


@ROUTES.add("GET", "sobjects/{sobject}")
def summary(desk: Desk, call: Call) -> Answer:
    """What an object is, and the rows of it that were touched last."""
    sobject = desk.org.schema.get(call.variables["sobject"])
    recent = [
        _write(desk.org, sobject, row, call, ("Id", sobject.name_field)) for row in _recent(desk.org, sobject)
    ]
    return Answer(content={"objectDescribe": object_summary(sobject, call.version), "recentItems": recent})


@ROUTES.add("GET", "recent")
def recent(desk: Desk, call: Call) -> Answer:
    """The rows that were touched last, of every object."""
    found = [
        (row["SystemModstamp"], sobject, row)
        for sobject in desk.org.schema
        if sobject.kind == "object"
        for row in _recent(desk.org, sobject)
    ]
    found.sort(key=lambda item: item[0], reverse=True)
    limit = int(call.query["limit"]) if call.query.get("limit", "").isdigit() else _RECENT_ROWS_MAX
    return Answer(
        content=[
            _write(desk.org, sobject, row, call, ("Id", sobject.name_field)) for _, sobject, row in found[:limit]
        ]
    )


@ROUTES.add("POST", "sobjects/{sobject}")
def create(desk: Desk, call: Call) -> Answer:
    """Insert one row, or publish one platform event."""
    sobject = desk.org.schema.get(call.variables["sobject"])
    with desk.org.transaction(call.actor()) as transaction:
        record_id = Writer(desk.org, transaction).create(sobject.name, call.object())
    if sobject.kind == "event":
        return Answer(status=201, content=published_result(record_id))
    return Answer(
        status=201,
        content={"id": record_id, "success": True, "errors": []},
        headers={"location": call.row_url(sobject.name, record_id)},
    )


@ROUTES.add("GET", "sobjects/{sobject}/updated")
def updated(desk: Desk, call: Call) -> Answer:
    """Ids of rows created or changed in a span of time."""
    sobject = desk.org.schema.get(call.variables["sobject"])
    start, end = _span(desk.org, call)
    rows = desk.org.store.table(sobject).rows.values()
    ids = [row["Id"] for row in rows if not row["IsDeleted"] and start <= row["SystemModstamp"] < end]
    return Answer(content={"ids": ids, "latestDateCovered": end})


@ROUTES.add("GET", "sobjects/{sobject}/deleted")
def deleted(desk: Desk, call: Call) -> Answer:
    """Ids of rows deleted in a span of time, and when."""
    sobject = desk.org.schema.get(call.variables["sobject"])
    start, end = _span(desk.org, call)
    gone = [
        {"id": row["Id"], "deletedDate": row["SystemModstamp"]}
        for row in desk.org.store.table(sobject).rows.values()
        if row["IsDeleted"] and start <= row["SystemModstamp"] < end
    ]
    earliest = datetime_text(desk.org.clock.now() - _CHANGED_US_MAX)
    return Answer(content={"deletedRecords": gone, "earliestDateAvailable": earliest, "latestDateCovered": end})


@ROUTES.add("GET", "sobjects/{sobject}/{record_id}")
def read(desk: Desk, call: Call) -> Answer:
    """One row by its id."""
    sobject = desk.org.schema.get(call.variables["sobject"])
    return _read(desk.org, sobject, live_row(desk.org, sobject, call.variables["record_id"]), call)


@ROUTES.add("PATCH", "sobjects/{sobject}/{record_id}")
def update(desk: Desk, call: Call) -> Answer:
    """Change one row by its id."""
    sobject = desk.org.schema.get(call.variables["sobject"])
    values = call.object()
    _refuse_key_in_body(values, "Id")
    with desk.org.transaction(call.actor()) as transaction:
        row = live_row(desk.org, sobject, call.variables["record_id"])
        _check_precondition(sobject, row, call)
        Writer(desk.org, transaction).update(sobject.name, row["Id"], values)
    return Answer(status=204)


@ROUTES.add("DELETE", "sobjects/{sobject}/{record_id}")
def delete(desk: Desk, call: Call) -> Answer:
    """Delete one row by its id."""
    with desk.org.transaction(call.actor()) as transaction:
        Writer(desk.org, transaction).delete(call.variables["sobject"], call.variables["record_id"])
    return Answer(status=204)


@ROUTES.add("GET", "sobjects/{sobject}/{field}/{value}")
def read_by_key(desk: Desk, call: Call) -> Answer:
    """One row by an external id; or, when the first part is a row's id, the parent or children it leads to."""
    sobject = desk.org.schema.get(call.variables["sobject"])
    if desk.org.schema.field(sobject, call.variables["field"]) is None:
        return _related(desk, sobject, call)
    _, found = _by_key(desk, sobject, call)
    if len(found) > 1:
        return _several(sobject, found, call)
    if not found:
        raise not_found()
    return _read(desk.org, sobject, desk.org.store.table(sobject).rows[found[0]], call)


@ROUTES.add("PATCH", "sobjects/{sobject}/{field}/{value}")
def upsert(desk: Desk, call: Call) -> Answer:
    """Change the row an external id names, or insert it."""
    sobject = desk.org.schema.get(call.variables["sobject"])
    values = call.object()
    key, found = _by_key(desk, sobject, call)
    _refuse_key_in_body(values, key.name)
    if not found and flag(call.query.get("updateOnly")):
        raise not_found()
    try:
        with desk.org.transaction(call.actor()) as transaction:
            writer = Writer(desk.org, transaction)
            record_id, created = writer.upsert(sobject.name, key.name, call.variables["value"], values)
    except SeveralRows as several:
        return _several(sobject, several.record_ids, call)
    if not created and float(call.version) < _BODY_SINCE_VERSION:
        return Answer(status=204)
    return Answer(
        status=201 if created else 200,
        content={"id": record_id, "success": True, "errors": [], "created": created},
        headers={"location": call.row_url(sobject.name, record_id)} if created else {},
    )


@ROUTES.add("DELETE", "sobjects/{sobject}/{field}/{value}")
def delete_by_key(desk: Desk, call: Call) -> Answer:
    """Delete the row an external id names."""
    sobject = desk.org.schema.get(call.variables["sobject"])
    _, found = _by_key(desk, sobject, call)
    if len(found) > 1:
        return _several(sobject, found, call)
    if not found:
        raise not_found()
    with desk.org.transaction(call.actor()) as transaction:
        Writer(desk.org, transaction).delete(sobject.name, found[0])
    return Answer(status=204)


def written(org: Org, sobject: SObject, row: Row, call: Call, names: list[str] | None) -> dict[str, Any]:
    """A row with some of its fields, or with all the user may see. Raises ApiError INVALID_FIELD."""
    visible = [name for name, field in sobject.fields.items() if org.schema.visible(sobject, field)]
    if names is None:
        shape = Shape(org, sobject, call.version)
        for name in visible:
            shape.add_field(name)
        for compound in sobject.compounds:
            if compound not in sobject.fields:
                shape.add_compound(compound)
        return shape.write(row)
    return _write(org, sobject, row, call, names)


def _write(org: Org, sobject: SObject, row: Row, call: Call, names: Any) -> dict[str, Any]:
    shape = Shape(org, sobject, call.version)
    for name in names:
        parts = tuple(str(name).split("."))
        if len(parts) == 1 and org.schema.field(sobject, name) is None:
            raise ApiError("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}")
        _check_path(org, sobject, parts)
        shape.add_path(parts)
    return shape.write(row)


def _check_path(org: Org, sobject: SObject, parts: tuple[str, ...]) -> None:
    for part in parts[:-1]:
        link = sobject.relationship(part)
        if link is None:
            raise ApiError("INVALID_FIELD", f"No such relation '{part}' on entity '{sobject.name}'")
        sobject = org.schema.get(link.refers_to[0])
    if org.schema.field(sobject, parts[-1]) is None:
        raise ApiError("INVALID_FIELD", f"No such column '{parts[-1]}' on sobject of type {sobject.name}")


def _read(org: Org, sobject: SObject, row: Row, call: Call) -> Answer:
    headers = {"last-modified": http_date(row["LastModifiedDate"])}
    if sobject.name == "Account":
        headers["etag"] = f'"{_etag(row)}"'
        if _etag_matches(call.headers.get("if-none-match", ""), row):
            return Answer(status=304, headers=headers)
    since = parse_http_date(call.headers.get("if-modified-since", ""))
    if since is not None and (parse_datetime(row["LastModifiedDate"]) or 0) <= since:
        return Answer(status=304, headers=headers)
    _check_precondition(sobject, row, call)
    names = [name.strip() for name in call.query["fields"].split(",")] if call.query.get("fields") else None
    return Answer(content=written(org, sobject, row, call, names), headers=headers)


def _by_key(desk: Desk, sobject: SObject, call: Call) -> tuple[Field, list[str]]:
    field = key_field(desk.org, sobject, call.variables["field"])
    return field, rows_with_key(desk.org, sobject, field, call.variables["value"])


def _several(sobject: SObject, record_ids: list[str], call: Call) -> Answer:
    return Answer(status=300, content=[call.row_url(sobject.name, record_id) for record_id in record_ids])


def _related(desk: Desk, sobject: SObject, call: Call) -> Answer:
    """`sobjects/Order/801.../Account` is the parent, `.../OrderItems` the children."""
    row = live_row(desk.org, sobject, call.variables["field"])
    name = call.variables["value"]
    link = sobject.relationship(name)
    if link is not None:
        parent = desk.org.schema.get(link.refers_to[0])
        target = desk.org.store.table(parent).live(row[link.name]) if row[link.name] else None
        if target is None:
            raise not_found()
        return _read(desk.org, parent, target, call)
    for child in desk.org.schema.children(sobject.name):
        if child.relationship and child.relationship.lower() == name.lower():
            holder = desk.org.schema.get(child.sobject)
            rows = desk.org.store.table(holder)
            records = [
                written(desk.org, holder, rows.rows[found], call, None)
                for found in rows.matching(child.field, row["Id"])
            ]
            return Answer(content={"totalSize": len(records), "done": True, "records": records})
    raise not_found()


def _refuse_key_in_body(values: dict[str, Any], name: str) -> None:
    if any(key.lower() == name.lower() for key in values):
        raise ApiError(
            "INVALID_FIELD", f"The {name} field should not be specified in the sobject data.", fields=[name]
        )


def _check_precondition(sobject: SObject, row: Row, call: Call) -> None:
    """Refuse with 412 what was changed since the caller read it. Only Account knows ETags."""
    wanted = call.headers.get("if-match", "")
    modified = parse_datetime(row["LastModifiedDate"]) or 0
    unmodified_since = parse_http_date(call.headers.get("if-unmodified-since", ""))
    stale = unmodified_since is not None and modified > unmodified_since
    if stale or (sobject.name == "Account" and wanted and not _etag_matches(wanted, row)):
        raise ApiError("PRECONDITION_FAILED", "The row was changed since it was read.", status=412)


def _etag(row: Row) -> str:
    digest = hashlib.sha256(msgspec.json.encode(row)).digest()[:20]
    return base64.b64encode(digest).decode() + "-gzip"


def _etag_matches(header: str, row: Row) -> bool:
    wanted = {tag.strip().strip('"').removesuffix("-gzip") for tag in header.split(",")}
    return "*" in wanted or _etag(row).removesuffix("-gzip") in wanted


def _recent(org: Org, sobject: SObject) -> list[Row]:
    rows = [row for row in org.store.table(sobject).rows.values() if not row["IsDeleted"]]
    return sorted(rows[-_RECENT_ROWS_MAX:], key=lambda row: str(row["SystemModstamp"]), reverse=True)


def _span(org: Org, call: Call) -> tuple[str, str]:
    start, end = (parse_datetime(call.query.get(name, "").replace(" ", "+")) for name in ("start", "end"))
    if start is None or end is None:
        raise ApiError("INVALID_REPLICATION_DATE", "start and end must be dates and times")
    if end <= start:
        raise ApiError("INVALID_REPLICATION_DATE", "endDate before startDate")
    if start < org.clock.now() - _CHANGED_US_MAX:
        raise ApiError("INVALID_REPLICATION_DATE", "startDate must be within the last 30 days")
    return datetime_text(start), datetime_text(end)
