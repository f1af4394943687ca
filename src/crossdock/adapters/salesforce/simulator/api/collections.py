"""Up to 200 rows in one call: results in the order of the rows, all or none where the caller says so."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

from crossdock.adapters.salesforce.simulator.api.call import Answer, Call, Desk, flag, listed, table
from crossdock.adapters.salesforce.simulator.api.rows import written
from crossdock.adapters.salesforce.simulator.failures import ApiError, bad_json, rolled_back
from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.adapters.salesforce.simulator.records.lookup import key_field
from crossdock.adapters.salesforce.simulator.records.writer import SeveralRows, Writer, published_result
from crossdock.adapters.salesforce.simulator.tables.ids import normalised

ROUTES = table()
ROWS_MAX = 200
RETRIEVED_ROWS_MAX = 2_000
CHUNKS_MAX = 10

Step = Callable[[Writer, int], dict[str, Any]]


class _Undone(Exception):
    """Leaves the transaction so that it is rolled back; the results are kept."""


@ROUTES.add("POST", "composite/sobjects")
def create(desk: Desk, call: Call) -> Answer:
    """Insert rows of one or several objects."""
    records, all_or_none = _records(call)

    def step(writer: Writer, index: int) -> dict[str, Any]:
        sobject = desk.org.schema.get(_type_of(records[index]))
        record_id = writer.create(sobject.name, records[index])
        return published_result(record_id) if sobject.kind == "event" else _done(record_id)

    return _run(desk.org, call, len(records), step, all_or_none=all_or_none)


@ROUTES.add("PATCH", "composite/sobjects")
def update(desk: Desk, call: Call) -> Answer:
    """Change rows by their ids."""
    records, all_or_none = _records(call)
    seen: set[str] = set()

    def step(writer: Writer, index: int) -> dict[str, Any]:
        values = {key: value for key, value in records[index].items() if key.lower() != "id"}
        given = next((value for key, value in records[index].items() if key.lower() == "id"), None)
        record_id = normalised(given)
        if record_id is None:
            raise ApiError("MISSING_ARGUMENT", "Id not specified in an update call", fields=["Id"])
        if record_id in seen:
            raise ApiError("DUPLICATE_VALUE", f"Duplicate id specified: {record_id}", fields=["Id"])
        seen.add(record_id)
        writer.update(_type_of(records[index]), record_id, values)
        return _done(record_id)

    return _run(desk.org, call, len(records), step, all_or_none=all_or_none)


@ROUTES.add("DELETE", "composite/sobjects")
def delete(desk: Desk, call: Call) -> Answer:
    """Delete rows by their ids, which stand in the address."""
    ids = [part.strip() for part in call.query.get("ids", "").split(",") if part.strip()]
    _check_count(len(ids), ROWS_MAX)

    def step(writer: Writer, index: int) -> dict[str, Any]:
        sobject = desk.org.schema.by_id(ids[index])
        record_id = normalised(ids[index])
        if sobject is None or record_id is None:
            raise ApiError("MALFORMED_ID", f"malformed id {ids[index]}")
        writer.delete(sobject.name, record_id)
        return _done(record_id)

    return _run(desk.org, call, len(ids), step, all_or_none=flag(call.query.get("allOrNone")))


@ROUTES.add("PATCH", "composite/sobjects/{sobject}/{field}")
def upsert(desk: Desk, call: Call) -> Answer:
    """Change or insert rows by an external id, which each row carries."""
    sobject = desk.org.schema.get(call.variables["sobject"])
    key = key_field(desk.org, sobject, call.variables["field"])
    records, all_or_none = _records(call)
    seen: set[str] = set()

    def step(writer: Writer, index: int) -> dict[str, Any]:
        values = dict(records[index])
        if (stated := _type_of(values)).lower() != sobject.name.lower():
            raise ApiError("INVALID_TYPE", f"{stated} is not {sobject.name}")
        name = next((own for own in values if own.lower() == key.name.lower()), None)
        value = values.pop(name, None) if name is not None else None
        if value is None:
            raise ApiError("MISSING_ARGUMENT", f"{key.name} not specified", fields=[key.name])
        if str(value).lower() in seen:
            raise ApiError("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", fields=[key.name])
        seen.add(str(value).lower())
        try:
            record_id, created = writer.upsert(sobject.name, key.name, str(value), values)
        except SeveralRows as several:
            raise ApiError(
                "MULTIPLE_CHOICES",
                f"More than one record found: {', '.join(several.record_ids)}",
                fields=[key.name],
            ) from None
        return {**_done(record_id), "created": created}

    return _run(desk.org, call, len(records), step, all_or_none=all_or_none)


@ROUTES.add("GET", "composite/sobjects/{sobject}")
def retrieve_by_address(desk: Desk, call: Call) -> Answer:
    """Rows by their ids, both lists in the address; null for a row that is not there."""
    return _retrieved(
        desk.org, call, call.query.get("ids", "").split(","), call.query.get("fields", "").split(",")
    )


@ROUTES.add("POST", "composite/sobjects/{sobject}")
def retrieve(desk: Desk, call: Call) -> Answer:
    """Rows by their ids, both lists in the body; null for a row that is not there."""
    body = call.object()
    return _retrieved(desk.org, call, listed(body.get("ids"), "ids"), listed(body.get("fields"), "fields"))


def _run(org: Org, call: Call, count: int, step: Step, *, all_or_none: bool) -> Answer:
    results: list[dict[str, Any]] = []
    try:
        with org.transaction(call.actor()) as transaction:
            writer = Writer(org, transaction)
            for index in range(count):
                results.append(_attempt(org, call, writer, step, index))  # noqa: PERF401 - kept when a row raises
            _demand(not all_or_none or all(result["success"] for result in results))
    except _Undone:
        results = [_failed(rolled_back()) if result["success"] else result for result in results]
    return Answer(content=results)


def _demand(everything_is_fine: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if not everything_is_fine:
        raise _Undone


def _attempt(org: Org, call: Call, writer: Writer, step: Step, index: int) -> dict[str, Any]:
    """One row behind a savepoint of its own: what it wrote before it was refused is undone."""
    try:
        with org.transaction(call.actor()):
            return step(writer, index)
    except ApiError as refusal:
        return _failed(refusal)


def _records(call: Call) -> tuple[list[dict[str, Any]], bool]:
    body = call.object()
    records = listed(body.get("records"), "records")
    if not all(isinstance(record, dict) for record in records):
        raise bad_json("records must be objects")
    _check_count(len(records), ROWS_MAX)
    chunks = sum(1 for _ in groupby(_type_of(record) for record in records))
    if chunks > CHUNKS_MAX:
        raise ApiError(
            "LIMIT_EXCEEDED",
            f"Cannot have more than {CHUNKS_MAX} chunks in a single operation. "
            "Please rearrange the data to reduce chunking.",
        )
    return records, flag(body.get("allOrNone"))


def _retrieved(org: Org, call: Call, ids: list[Any], fields: list[Any]) -> Answer:
    _check_count(len(ids), RETRIEVED_ROWS_MAX)
    sobject = org.schema.get(call.variables["sobject"])
    names = [str(name).strip() for name in fields if str(name).strip()]
    if not names:
        raise ApiError("MISSING_ARGUMENT", "fields not specified")
    rows = org.store.table(sobject)
    found = [rows.live(normalised(str(record_id).strip()) or "") for record_id in ids]
    return Answer(content=[None if row is None else written(org, sobject, row, call, names) for row in found])


def _check_count(count: int, rows_max: int) -> None:
    if count > rows_max:
        raise ApiError(
            "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {rows_max} records into this call"
        )
    if count == 0:
        raise ApiError("MISSING_ARGUMENT", "no records in this call")


def _type_of(record: dict[str, Any]) -> str:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str):
        raise bad_json("each record needs attributes with a type")
    return name


def _done(record_id: str) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": []}


def _failed(refusal: ApiError) -> dict[str, Any]:
    return {"success": False, "errors": [refusal.row()]}
