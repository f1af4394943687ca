"""Reading by query what changed in a stretch of time: page by page, each record once."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import datetime

from crossdock.adapters.salesforce import soql, wire
from crossdock.adapters.salesforce.settings import COLLECTION_ROWS_MAX, EventSettings
from crossdock.kit.clock import Instant, from_datetime, seconds_to_us
from crossdock.ports.order_source import Gap

Read = tuple[wire.Row, bytes]
Ask = Callable[[str], AsyncIterator[Read]]
"""The rows that meet a condition, decoded and as they came."""


def changed_in(gap: Gap, settings: EventSettings) -> str:
    """The condition under which a record changed in a gap, widened by the overlap."""
    since = gap.since - seconds_to_us(settings.overlap_seconds)
    return f"SystemModstamp >= {soql.second_before(since)} AND CreatedDate <= {soql.second_after(gap.until)}"


def stamped(row: wire.Row) -> Instant:
    """When the org last changed a row."""
    return from_datetime(datetime.fromisoformat(str(row["SystemModstamp"])))


async def paged(ask: Ask, condition: str) -> AsyncGenerator[list[Read], None]:
    """Pages of the rows that meet `condition`, in the order of their stamps; none that is empty."""
    cursor = ""
    seen: set[str] = set()
    while True:
        where = f"{condition}{cursor} ORDER BY SystemModstamp, Id LIMIT {COLLECTION_ROWS_MAX}"
        page = [(row, raw) async for row, raw in ask(where)]
        fresh = [(row, raw) for row, raw in page if str(row["Id"]) not in seen]
        seen |= {str(row["Id"]) for row, _ in page}
        if fresh:
            yield fresh
        if len(page) < COLLECTION_ROWS_MAX:
            return
        last = page[-1][0]
        stamp = soql.second_before(stamped(last))
        key = soql.text(str(last["Id"]))
        cursor = f" AND (SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > {key}))"
