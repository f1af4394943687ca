"""Finding one row: by id, or by an external id."""

from crossdock.adapters.salesforce.simulator.failures import ApiError, entity_deleted, not_found
from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.adapters.salesforce.simulator.records.coercion import coerced
from crossdock.adapters.salesforce.simulator.tables.ids import normalised
from crossdock.adapters.salesforce.simulator.tables.schema import Field, SObject
from crossdock.adapters.salesforce.simulator.tables.store import Row


def live_row(org: Org, sobject: SObject, record_id: str) -> Row:
    """The row of an id in either length. Raises ApiError NOT_FOUND, ENTITY_IS_DELETED, MALFORMED_ID."""
    full = normalised(record_id)
    if full is None:
        raise ApiError("MALFORMED_ID", f"malformed id {record_id}", fields=["Id"])
    row = org.store.table(sobject).rows.get(full)
    if row is None:
        raise not_found()
    if row["IsDeleted"]:
        raise entity_deleted()
    return row


def key_field(org: Org, sobject: SObject, name: str) -> Field:
    """The external id field of that name, or Id. Raises ApiError NOT_FOUND."""
    field = org.schema.field(sobject, name)
    if field is None or not (field.external_id or field.name == "Id"):
        raise ApiError(
            "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {name}", status=404
        )
    return field


def rows_with_key(org: Org, sobject: SObject, field: Field, key: str) -> list[str]:
    """Ids of the rows an external id names."""
    table = org.store.table(sobject)
    if field.name == "Id":
        full = normalised(key)
        return [full] if full is not None and table.live(full) else []
    return table.matching(field.name, coerced(field, key))
