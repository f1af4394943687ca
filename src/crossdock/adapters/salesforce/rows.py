"""Writing rows in collections of 200: updates by Id, upserts and inserts by a unique external id.

Each row has its own outcome. A call that failed as a whole fails all of its rows, and the rest is not tried: it
would only meet the same.
"""

from collections.abc import Mapping, Sequence
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


async def create_rows(
    client: SalesforceClient, rows: Sequence[wire.Row], *, headers: Mapping[str, str] | None = None
) -> list[RowOutcome]:
    """Insert records; each row has `attributes.type` and a unique external id, so that none is made twice."""
    return await _write(client, "composite/sobjects", rows, method="POST", headers=headers)


async def update_rows(
    client: SalesforceClient, rows: Sequence[wire.Row], *, headers: Mapping[str, str] | None = None
) -> list[RowOutcome]:
    """Update existing records; every row has `id` and `attributes.type`. Repeating it shows the same."""
    return await _write(client, "composite/sobjects", rows, headers=headers)


async def upsert_rows(
    client: SalesforceClient, sobject: str, external_id_field: str, rows: Sequence[wire.Row]
) -> list[RowOutcome]:
    """Create or update the records that `external_id_field` names; every row has it."""
    path = f"composite/sobjects/{quote(sobject)}/{quote(external_id_field)}"
    return await _write(client, path, [{"attributes": {"type": sobject}, **row} for row in rows])


async def _write(
    client: SalesforceClient,
    path: str,
    rows: Sequence[wire.Row],
    *,
    method: str = "PATCH",
    headers: Mapping[str, str] | None = None,
) -> list[RowOutcome]:
    """Outcomes in the rows' order. Raises only where the first call failed: nothing else was tried then."""
    outcomes: list[RowOutcome] = []
    for start in range(0, len(rows), COLLECTION_ROWS_MAX):
        try:
            chunk = rows[start : start + COLLECTION_ROWS_MAX]
            results = await _write_chunk(client, method, path, chunk, headers)
        except CrossdockError as error:
            if not outcomes:
                raise
            outcomes += [error] * (len(rows) - start)
            break
        outcomes += [_outcome(result) for result in results]
    return outcomes


async def _write_chunk(
    client: SalesforceClient,
    method: str,
    path: str,
    rows: Sequence[wire.Row],
    headers: Mapping[str, str] | None,
) -> tuple[wire.RowResult, ...]:
    payload: dict[str, Any] = {"allOrNone": False, "records": rows}
    body = await client.call(method, path, json=payload, writes=True, headers=headers)
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
