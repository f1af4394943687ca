"""Writing many records at once: collections for hundreds, Bulk API 2.0 for thousands."""

from collections.abc import Sequence

from crossdock.adapters.salesforce import wire
from crossdock.adapters.salesforce.bulk import BulkIngest
from crossdock.adapters.salesforce.client import SalesforceClient
from crossdock.adapters.salesforce.rows import RowOutcome, upsert_rows
from crossdock.kit.errors import CrossdockError, Finding, Invalid


async def upsert_records(
    client: SalesforceClient,
    sobject: str,
    external_id_field: str,
    rows: Sequence[wire.Row],
    *,
    parent_field: str = "",
) -> list[RowOutcome]:
    """Create or update the records that a unique external id names, as many as you like.

    `rows` map field names to values (None empties a field, a left-out field stays); a parent may be named by its
    own external id: `{"Account": {"ErpId__c": "C-1"}}`. Above 2,000 rows a bulk job is used. Rows are sent in the
    order of `parent_field`, so that rows under one parent do not wait for each other's locks.

    Returns Upserted or the error for each row, in order; repeating failed rows does no harm. A row without an
    external id, or with one that an earlier row has, is Invalid and not sent. Raises where nothing was written.
    """
    outcomes: list[RowOutcome | None] = [None] * len(rows)
    sendable: list[int] = []
    seen: set[str] = set()
    for index, row in enumerate(rows):
        fault = _fault(index, external_id_field, row, seen)
        if fault is None:
            sendable.append(index)
        outcomes[index] = fault
    sendable.sort(key=lambda index: str(rows[index].get(parent_field, "")))
    sent = [rows[index] for index in sendable]
    if len(sent) >= client.settings.bulk_rows_min:
        results = await BulkIngest(client, sobject, external_id_field).upsert(sent)
    else:
        results = await upsert_rows(client, sobject, external_id_field, sent)
    for index, result in zip(sendable, results, strict=True):
        outcomes[index] = result
    return [outcome for outcome in outcomes if outcome is not None]


def _fault(index: int, field: str, row: wire.Row, seen: set[str]) -> CrossdockError | None:
    """Why a row cannot be sent; Salesforce compares external ids without regard to case."""
    key = str(row.get(field) or "").casefold()
    if key and key not in seen:
        seen.add(key)
        return None
    words = "an earlier row has the same external id" if key else "the row has no external id"
    finding = Finding(code="salesforce-external-id", path=f"$[{index}].{field}", message=words)
    return Invalid(words, code="salesforce-external-id", system=wire.SYSTEM, findings=[finding])
