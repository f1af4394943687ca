"""Reading orders whole: by Id for events, and by time for gaps, as few calls as the vendor allows."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crossdock.adapters.salesforce import soql, wire
from crossdock.adapters.salesforce.client import SalesforceClient
from crossdock.adapters.salesforce.layout import OBJECTS, OrderLayout, missing_fields, order_layout
from crossdock.adapters.salesforce.mapping import row_arrival
from crossdock.adapters.salesforce.settings import COLLECTION_ROWS_MAX
from crossdock.kit.clock import MICROSECONDS, Instant, from_datetime, seconds_to_us
from crossdock.kit.errors import Finding, Invalid
from crossdock.ports.order_source import Arrival, ArrivalBatch, Gap
from crossdock.transport.payload import decode

UNTIL_WAIT_SECONDS_MAX = 10.0
ACCOUNTS_REMEMBERED_MAX = 50_000
_OK = 200
_EXACT = msgspec.json.Encoder(decimal_format="number")


class OrderReader:
    """Asks one org for orders. Raises what `SalesforceClient` raises."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client
        self._settings = client.settings
        self._layout: OrderLayout | None = None
        self._accounts: dict[str, str] = {}

    def account_of(self, record: str) -> str:
        """The account an order belongs to, if it was read lately; empty otherwise."""
        return self._accounts.get(record, "")

    async def described(self) -> Mapping[str, wire.ObjectDescription]:
        """The objects an order is read from, in one call; an object the user may not see is left out."""
        requests = [{"method": "GET", "url": f"sobjects/{name}/describe", "referenceId": name} for name in OBJECTS]
        answers = await self._client.composite(requests, writes=False, all_or_none=False)
        return {
            answer.reference_id: decode(answer.body, wire.ObjectDescription, system=wire.SYSTEM)
            for answer in answers
            if answer.http_status_code == _OK
        }

    async def missing(self) -> list[Finding]:
        """Every field that the settings name and the org lacks."""
        return missing_fields(self._settings, await self.described())

    async def prepare(self) -> OrderLayout:
        """The layout of this org's orders, read once. Raises Misconfigured where fields are missing."""
        if self._layout is None:
            self._layout = order_layout(self._settings, await self.described())
        return self._layout

    async def by_ids(self, record_ids: Sequence[str]) -> list[Arrival]:
        """The submitted ones of up to 200 orders in the order asked, by one query (and one per further page)."""
        assert 0 < len(record_ids) <= COLLECTION_ROWS_MAX
        layout = await self.prepare()
        where = f"Id IN {soql.texts(record_ids)} AND {soql.is_submitted(self._settings.orders)}"
        found = {arrival.external_id: arrival async for _, arrival in self._read(f"{layout.select} WHERE {where}")}
        return [found[record] for record in record_ids if record in found]

    async def refill(self, gap: Gap) -> AsyncGenerator[ArrivalBatch, None]:
        """Every submitted order touched since the gap began (less the overlap) and created before it ended.

        There is no upper bound on the last change: an order of the gap that somebody touches while this reads
        moves to the end and is read there, instead of slipping out of the window. Each order comes once.
        """
        layout = await self.prepare()
        await self._pass(gap.until)
        condition, cursor = self._condition(gap), ""
        seen: set[str] = set()
        while True:
            where = f"WHERE {condition}{cursor} ORDER BY SystemModstamp, Id"
            query = f"{layout.select} {where} LIMIT {COLLECTION_ROWS_MAX}"
            rows = [(row, arrival) async for row, arrival in self._read(query)]
            fresh = tuple(arrival for _, arrival in rows if arrival.external_id not in seen)
            seen.update(arrival.external_id for arrival in fresh)
            if fresh:
                yield ArrivalBatch(arrivals=fresh, position="")
            if len(rows) < COLLECTION_ROWS_MAX:
                return
            cursor = f" AND {_behind(rows[-1][0])}"

    async def count(self, gap: Gap) -> int:
        """How many orders the org counts under the very condition by which `refill` reads them."""
        await self._pass(gap.until)
        where = self._condition(gap)
        return await self._client.count(f"SELECT COUNT() FROM Order WHERE {where}")  # noqa: S608 - built here

    def _condition(self, gap: Gap) -> str:
        since = gap.since - seconds_to_us(self._settings.events.overlap_seconds)
        return (
            f"{soql.is_submitted(self._settings.orders)}"
            f" AND SystemModstamp >= {soql.second_before(since)} AND CreatedDate <= {soql.second_after(gap.until)}"
        )

    async def _pass(self, until: Instant) -> None:
        """Let the end of a gap that ended just now pass on the org's clock too, so that reading is final."""
        wait = (until - self._client.server_now()) / MICROSECONDS
        if wait > 0:
            await self._client.clock.sleep(min(wait, UNTIL_WAIT_SECONDS_MAX))

    async def _read(self, query: str) -> AsyncIterator[tuple[wire.Row, Arrival]]:
        async for page in self._client.query(query):
            now = self._client.clock.now()
            for record in page.records:
                row, raw = await self._whole(bytes(record))
                arrival = row_arrival(row, raw, self._settings, now)
                self._remember(arrival.external_id, row.get("AccountId"))
                yield row, arrival

    def _remember(self, record: str, account: Any) -> None:
        """Which account's lock an order may need: a hint for the order of writing, so it may be forgotten."""
        if len(self._accounts) >= ACCOUNTS_REMEMBERED_MAX:
            self._accounts.clear()
        self._accounts[record] = str(account or "")

    async def _whole(self, raw: bytes) -> tuple[wire.Row, bytes]:
        """A row with all of its lines: the org pages children too."""
        try:
            row = wire.decode_row(raw)
        except ValueError as error:
            raise Invalid("a row is not a JSON object", code="vendor-payload", system=wire.SYSTEM) from error
        lines = row.get("OrderItems")
        if not isinstance(lines, dict) or lines.get("done", True):
            return row, raw
        page = msgspec.convert(
            {"totalSize": 0, "done": False, "nextRecordsUrl": lines.get("nextRecordsUrl")}, wire.QueryPage
        )
        records: list[Any] = list(lines.get("records") or [])
        async for following in self._client.more(page):
            records += [wire.decode_row(bytes(record)) for record in following.records]
        row["OrderItems"] = {"totalSize": len(records), "done": True, "records": records}
        return row, _EXACT.encode(row)


def _behind(row: wire.Row) -> str:
    """The keyset condition for rows after `row`: many rows may share one second, so the Id decides among them."""
    try:
        stamp = soql.second_before(from_datetime(datetime.fromisoformat(str(row["SystemModstamp"]))))
        record = str(row["Id"])
    except (KeyError, ValueError) as error:
        finding = Finding(code="missing", path="$.SystemModstamp", message="a row has no readable stamp")
        raise Invalid(finding.message, code="vendor-payload", system=wire.SYSTEM, findings=[finding]) from error
    return f"(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > {soql.text(record)}))"
