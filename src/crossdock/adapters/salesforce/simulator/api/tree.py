"""Nested rows in one call: parents with their children, all or none."""

from typing import Any

from crossdock.adapters.salesforce.simulator.api.call import Answer, Call, Desk, listed, table
from crossdock.adapters.salesforce.simulator.failures import ApiError, bad_json
from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.adapters.salesforce.simulator.records.writer import Writer
from crossdock.adapters.salesforce.simulator.tables.schema import Child, SObject

ROUTES = table()
RECORDS_MAX = 200
LEVELS_MAX = 5
TYPES_MAX = 5


class _Refused(Exception):
    """One record of the tree was refused; the whole tree is rolled back."""

    def __init__(self, reference: str, refusal: ApiError) -> None:
        super().__init__(reference)
        self.reference = reference
        self.refusal = refusal


@ROUTES.add("POST", "composite/tree/{sobject}")
def create(desk: Desk, call: Call) -> Answer:
    """Insert trees of rows."""
    sobject = desk.org.schema.get(call.variables["sobject"])
    records = listed(call.object().get("records"), "records")
    _check_size(records)
    results: list[dict[str, str]] = []
    try:
        with desk.org.transaction(call.actor()) as transaction:
            writer = Writer(desk.org, transaction)
            for record in records:
                _insert(desk.org, writer, sobject, record, results)
    except _Refused as refused:
        errors = [{"referenceId": refused.reference, "errors": [refused.refusal.row()]}]
        return Answer(status=400, content={"hasErrors": True, "results": errors})
    return Answer(status=201, content={"hasErrors": False, "results": results})


def _insert(
    org: Org, writer: Writer, sobject: SObject, record: dict[str, Any], results: list[dict[str, str]]
) -> None:
    reference = _attribute(record, "referenceId")
    values, nested = _split(org, sobject, record)
    try:
        record_id = writer.create(sobject.name, values)
    except ApiError as refusal:
        raise _Refused(reference, refusal) from None
    results.append({"referenceId": reference, "id": record_id})
    for child, children in nested:
        holder = org.schema.get(child.sobject)
        for item in children:
            _insert(org, writer, holder, {**item, child.field: record_id}, results)


def _split(
    org: Org, sobject: SObject, record: dict[str, Any]
) -> tuple[dict[str, Any], list[tuple[Child, list[dict[str, Any]]]]]:
    values: dict[str, Any] = {}
    nested: list[tuple[Child, list[dict[str, Any]]]] = []
    relations = {child.relationship.lower(): child for child in org.schema.children(sobject.name)}
    for key, value in record.items():
        if isinstance(value, dict) and isinstance(value.get("records"), list) and key.lower() in relations:
            nested.append((relations[key.lower()], value["records"]))
        else:
            values[key] = value
    return values, nested


def _check_size(records: list[Any]) -> None:
    level, depth, count, types = records, 0, 0, set()
    while level:
        depth += 1
        count += len(level)
        types |= {_attribute(record, "type") for record in level}
        if depth > LEVELS_MAX or count > RECORDS_MAX or len(types) > TYPES_MAX:
            raise ApiError(
                "INVALID_INPUT",
                f"A tree has at most {RECORDS_MAX} records in {LEVELS_MAX} levels and of {TYPES_MAX} types.",
            )
        level = [
            child
            for record in level
            for value in record.values()
            if isinstance(value, dict) and isinstance(value.get("records"), list)
            for child in value["records"]
        ]
    if not count:
        raise ApiError("INVALID_INPUT", "The tree has no records.")


def _attribute(record: Any, name: str) -> str:
    attributes = record.get("attributes") if isinstance(record, dict) else None
    value = attributes.get(name) if isinstance(attributes, dict) else None
    if not isinstance(value, str):
        raise bad_json(f"each record needs attributes with a {name}")
    return value
