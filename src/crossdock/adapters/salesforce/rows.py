"""Writing rows in collections of 200: updates by Id and upserts by a unique external id, never a bare create.

Each row has its own outcome. A call that failed as a whole fails all of its rows, and the rest is not tried: it
would only meet the same.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from crossdock.adapters.salesforce import failures, wire
from crossdock.adapters.salesforce.client import SalesforceClient
from crossdock.adapters.salesforce.settings import COLLECTION_ROWS_MAX
from crossdock.kit.errors import CrossdockError, Finding, Invalid
from crossdock.transport.payload import decode


class Upserted(msgspec.Struct, frozen=True):
    """A row that was written: its record's id, and whether the record is new."""

    id: str
    created: bool


RowOutcome = Upserted | CrossdockError


async def update_rows(client: SalesforceClient, rows: Sequence[wire.Row]) -> list[RowOutcome]:
    """Update existing records; every row has `id` and `attributes.type`. Repeating it shows the same."""
    return await _write(client, "composite/sobjects", rows)


async def upsert_rows(
    client: SalesforceClient, sobject: str, external_id_field: str, rows: Sequence[wire.Row]
) -> list[RowOutcome]:
    """Create or update the records that `external_id_field` names; every row has it."""
    path = f"composite/sobjects/{quote(sobject)}/{quote(external_id_field)}"
    return await _write(client, path, [{"attributes": {"type": sobject}, **row} for row in rows])


async def _write(client: SalesforceClient, path: str, rows: Sequence[wire.Row]) -> list[RowOutcome]:
    """Outcomes in the rows' order. Raises only where the first call failed: nothing else was tried then."""
    outcomes: list[RowOutcome] = []
    for start in range(0, len(rows), COLLECTION_ROWS_MAX):
        try:
            results = await _write_chunk(client, path, rows[start : start + COLLECTION_ROWS_MAX])
        except CrossdockError as error:
            if not outcomes:
                raise
            outcomes += [error] * (len(rows) - start)
            break
        outcomes += [_outcome(result) for result in results]
    return outcomes


async def _write_chunk(
    client: SalesforceClient, path: str, rows: Sequence[wire.Row]
) -> tuple[wire.RowResult, ...]:
    payload: dict[str, Any] = {"allOrNone": False, "records": rows}
    body = await client.call("PATCH", path, json=payload, writes=True)
    results = decode(body, tuple[wire.RowResult, ...], system=wire.SYSTEM)
    if len(results) != len(rows):
        words = f"{len(results)} results for {len(rows)} rows"
        finding = Finding(code="count", path="$", message=words)
        raise Invalid(words, code="vendor-payload", system=wire.SYSTEM, findings=[finding])
    return results


def _outcome(result: wire.RowResult) -> RowOutcome:
    """A success may carry remarks among its errors; only `success` says what became of the row."""
    if result.success:
        return Upserted(id=result.id or "", created=bool(result.created))
    return failures.from_items(result.errors)
