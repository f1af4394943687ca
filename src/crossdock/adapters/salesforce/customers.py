"""Customers in both directions: accounts read by events and queries, written in collections."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final

import msgspec

from crossdock.adapters.salesforce import failures, party_mapping, soql, wire
from crossdock.adapters.salesforce.client import SUBREQUESTS_MAX, SalesforceClient
from crossdock.adapters.salesforce.party_mapping import CONTACT, SOBJECT, sobject_of
from crossdock.adapters.salesforce.rows import RowOutcome, Upserted, create_rows, update_rows
from crossdock.adapters.salesforce.settings import COLLECTION_ROWS_MAX, ORIGIN_MARK
from crossdock.canonical.party import ExternalReference
from crossdock.kit.clock import from_datetime, seconds_to_us
from crossdock.kit.errors import (
    Conflict,
    CrossdockError,
    Finding,
    Invalid,
    Misconfigured,
    OutcomeUnknown,
    Rejected,
)
from crossdock.ports.customer_sink import CustomerRecord, CustomerWrite
from crossdock.ports.customer_source import CustomerArrival, CustomerBatch
from crossdock.ports.order_source import Gap

Outcome = CustomerRecord | CrossdockError
KINDS_REMEMBERED_MAX: Final = 50_000
_CREATED = range(200, 300)
_TAKEN = frozenset({"DUPLICATE_VALUE", "DUPLICATE_EXTERNAL_ID"})
_EXACT = msgspec.json.Encoder(decimal_format="number")


class Accounts:
    """Asks one org for accounts, and writes them. Raises what `SalesforceClient` raises."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client
        self._settings = client.settings
        self._fields = client.settings.customers
        self._select: dict[str, str] = {}
        self._person: dict[str, bool] = {}

    @property
    def sobjects(self) -> tuple[str, ...]:
        """The objects whose records are customers."""
        return (SOBJECT, CONTACT) if self._fields.has_contacts else (SOBJECT,)

    async def prepare(self) -> None:
        """Learn which fields this org has. Raises Misconfigured."""
        for sobject in self.sobjects:
            await self._select_of(sobject)

    def is_shadow(self, record: str) -> bool | None:
        """Whether a contact is that of a person account, which speaks for it; None where that is not known."""
        return self._person.get(record) if sobject_of(record) == CONTACT else False

    async def _select_of(self, sobject: str) -> str:
        """The SELECT that reads records whole, as far as this org has the fields. Raises Misconfigured."""
        if sobject not in self._select:
            known = {field.name for field in (await self._client.describe(sobject)).fields}
            if lacking := [name for name in (self._fields.key, self._fields.content) if name not in known]:
                findings = [
                    Finding(code="salesforce-field-missing", path=f"$.{sobject}.{name}", message="not there")
                    for name in lacking
                ]
                words = f"the org lacks, or the integration user may not see: {', '.join(lacking)}"
                raise Misconfigured(words, code="salesforce-fields", system=wire.SYSTEM, findings=findings)
            tables = [self._fields.common, self._fields.business, self._fields.person]
            parent = self._fields.parent or self._fields.key
            if sobject == CONTACT:
                tables, parent = [self._fields.contacts], party_mapping.ACCOUNT
            named = [*party_mapping.ALWAYS_READ, party_mapping.PERSON_FLAG, parent]
            named += [self._fields.key, self._fields.content, self._fields.link or self._fields.key]
            named += [field for table in tables for field in table.values()]
            listed = ", ".join(dict.fromkeys(name for name in named if name in known))
            self._select[sobject] = f"SELECT {listed} FROM {sobject}"  # noqa: S608 - settings check the names
        return self._select[sobject]

    async def has_persons(self) -> bool:
        """Whether the org has person accounts."""
        return f" {party_mapping.PERSON_FLAG}," in await self._select_of(SOBJECT)

    async def rows(
        self, where: str, sobject: str = SOBJECT, *, deleted: bool = False
    ) -> AsyncIterator[tuple[wire.Row, bytes]]:
        """The rows that match, decoded and as they came."""
        select = await self._select_of(sobject)
        async for page in self._client.query(f"{select} WHERE {where}", deleted=deleted):
            for record in page.records:
                raw = bytes(record)
                row = wire.decode_row(raw)
                self._remember(row)
                yield row, raw

    async def by_ids(self, ids: Sequence[str], *, deleted: bool = False) -> dict[str, wire.Row]:
        """Rows by id."""
        found: dict[str, wire.Row] = {}
        for sobject in self.sobjects:
            own = [one for one in ids if sobject_of(one) == sobject]
            for start in range(0, len(own), COLLECTION_ROWS_MAX):
                part = own[start : start + COLLECTION_ROWS_MAX]
                async for row, _ in self.rows(f"Id IN {soql.texts(part)}", sobject, deleted=deleted):
                    found[str(row["Id"])] = row
        return found

    async def refill(self, gap: Gap) -> AsyncGenerator[CustomerBatch, None]:
        """See `CustomerSource.refill_customers`; deleted ones too, for their events were lost like the others."""
        for sobject in self.sobjects:
            async for batch in self._refill(sobject, gap):
                yield batch

    async def _refill(self, sobject: str, gap: Gap) -> AsyncGenerator[CustomerBatch, None]:
        condition, cursor = self._condition(sobject, gap), ""
        seen: set[str] = set()
        while True:
            where = f"{condition}{cursor} ORDER BY SystemModstamp, Id LIMIT {COLLECTION_ROWS_MAX}"
            page = [(row, raw) async for row, raw in self.rows(where, sobject, deleted=True)]
            arrivals = [self.arrival(row, raw) for row, raw in page if str(row["Id"]) not in seen]
            seen |= {str(row["Id"]) for row, _ in page}
            if arrivals:
                yield CustomerBatch(arrivals=tuple(arrivals), position="")
            if len(page) < COLLECTION_ROWS_MAX:
                return
            last = page[-1][0]
            stamp = soql.second_before(from_datetime(datetime.fromisoformat(str(last["SystemModstamp"]))))
            key = soql.text(str(last["Id"]))
            cursor = f" AND (SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > {key}))"

    async def count(self, gap: Gap) -> int:
        """How many records the org counts under the very condition by which `refill` reads them."""
        counted = 0
        for sobject in self.sobjects:
            question = f"SELECT COUNT() FROM {sobject} WHERE {self._condition(sobject, gap)}"  # noqa: S608 - built here
            counted += await self._client.count(question, deleted=True)
        return counted

    def arrival(self, row: wire.Row, raw: bytes) -> CustomerArrival:
        """A row that was read, as an arrival: what it says, or that its record is gone."""
        kind = "changed" if not row.get("IsDeleted") else "merged" if row.get(party_mapping.MASTER) else "deleted"
        at = from_datetime(datetime.fromisoformat(str(row["SystemModstamp"])))
        external_id = f"{row['Id']}@{row['SystemModstamp']}"
        now = self._client.clock.now()
        try:
            change = party_mapping.change_of(row, kind, at, self._settings)  # type: ignore[arg-type]
        except Invalid as error:
            return CustomerArrival(external_id=external_id, received_at=now, findings=error.findings, raw=raw)
        return CustomerArrival(external_id=external_id, received_at=now, change=change)

    async def write(self, writes: Sequence[CustomerWrite]) -> Sequence[Outcome]:
        """See `CustomerSink.write_customers`. One call for what is new, one for what changes, per origin.

        Writes that hold only for a version go by 25, since only single rows can be guarded.
        """
        outcomes: dict[int, Outcome] = {}
        groups: dict[tuple[str, str, str], list[int]] = {}
        for index, write in enumerate(writes):
            refusal = party_mapping.refusal_of(write, self._fields)
            if refusal is not None:
                outcomes[index] = refusal
                continue
            way = "new" if write.record is None else "guarded" if write.version else "changed"
            is_contact = write.record is None and party_mapping.is_contact(write.says)
            sobject = CONTACT if is_contact else write.record.kind if write.record else SOBJECT
            groups.setdefault((way, write.origin, sobject), []).append(index)
        send = {"new": self._create, "changed": self._update, "guarded": self._update_guarded}
        landed = False
        for (way, origin, _sobject), indexes in groups.items():
            part = [writes[index] for index in indexes]
            try:
                results = await send[way](part, self.headers(origin))
            except CrossdockError as error:
                if not (landed or isinstance(error, OutcomeUnknown | Invalid)):
                    raise
                results = [error] * len(part)
            landed = True
            outcomes |= dict(zip(indexes, results, strict=True))
        return [outcomes[index] for index in range(len(writes))]

    async def read(self, records: Sequence[ExternalReference]) -> Sequence[CustomerRecord | None]:
        """See `CustomerSink.read_customers`."""
        found = await self.by_ids([record.value for record in records])
        rows = (found.get(record.value) for record in records)
        return [party_mapping.record_of(row, self._settings) if row else None for row in rows]

    async def find(self, *, key: str) -> CustomerRecord | None:
        """See `CustomerSink.find_customer`."""
        row = (await self._by_keys([key])).get(key)
        return party_mapping.record_of(row, self._settings) if row else None

    async def _create(self, writes: Sequence[CustomerWrite], headers: Mapping[str, str]) -> list[Outcome]:
        """Insert; a key that is there already is looked up, and is the same customer or a conflict."""
        rows = [party_mapping.new_row(write, self._fields) for write in writes]
        outcomes = await create_rows(self._client, rows, headers=headers)
        taken = [
            write.key for write, outcome in zip(writes, outcomes, strict=True) if isinstance(outcome, Conflict)
        ]
        standing = await self._by_keys(taken) if taken else {}
        return [
            self._settled(write, outcome, standing.get(write.key))
            for write, outcome in zip(writes, outcomes, strict=True)
        ]

    def _settled(self, write: CustomerWrite, outcome: RowOutcome, row: wire.Row | None) -> Outcome:
        if isinstance(outcome, Upserted):
            return CustomerRecord(record=party_mapping.reference_to(outcome.id), says=write.says)
        if row is None:
            return outcome
        if row.get(self._fields.content) != party_mapping.content_of(write):
            return Conflict("the key was used for another customer", code="key-reused", system=wire.SYSTEM)
        return party_mapping.record_of(row, self._settings)

    async def _update(self, writes: Sequence[CustomerWrite], headers: Mapping[str, str]) -> list[Outcome]:
        rows = await self._changed_rows(writes)
        ordered = [{"attributes": {"type": sobject_of(record)}, "id": record, **row} for record, row in rows]
        outcomes = await update_rows(self._client, ordered, headers=headers)
        return [_updated(write, outcome) for write, outcome in zip(writes, outcomes, strict=True)]

    async def _update_guarded(self, writes: Sequence[CustomerWrite], headers: Mapping[str, str]) -> list[Outcome]:
        """Each row under If-Unmodified-Since: refused where somebody wrote since, unless it says the same."""
        outcomes: list[Outcome] = []
        for start in range(0, len(writes), SUBREQUESTS_MAX):
            part = writes[start : start + SUBREQUESTS_MAX]
            requests = [
                {
                    "method": "PATCH",
                    "url": f"sobjects/{sobject_of(record)}/{record}",
                    "referenceId": f"w{place}",
                    "body": row,
                    "httpHeaders": {"If-Unmodified-Since": _http_date(write.version)},
                }
                for place, (write, (record, row)) in enumerate(
                    zip(part, await self._changed_rows(part), strict=True)
                )
            ]
            answers = await self._client.composite(requests, writes=True, all_or_none=False, headers=headers)
            results = [_answered(write, answer) for write, answer in zip(part, answers, strict=True)]
            outcomes += await self._forgiven(part, results)
        return outcomes

    async def _forgiven(self, writes: Sequence[CustomerWrite], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """A conflict over what is there already is none: our own write may have moved the version."""
        moved = [
            write.record.value
            for write, outcome in zip(writes, outcomes, strict=True)
            if isinstance(outcome, Conflict) and write.record
        ]
        present = await self.by_ids(moved) if moved else {}
        settled: list[Outcome] = []
        for write, outcome in zip(writes, outcomes, strict=True):
            row = present.get(write.record.value) if write.record else None
            record = party_mapping.record_of(row, self._settings) if row else None
            same = record is not None and party_mapping.holds(write.says, record, self._fields)
            settled.append(record if record is not None and same else outcome)
        return settled

    async def _changed_rows(self, writes: Sequence[CustomerWrite]) -> list[tuple[str, dict[str, Any]]]:
        """Record and values of each update; asks what an account is where that decides on a field's place."""
        unsure = {
            write.record.value
            for write in writes
            if write.record
            and write.record.kind == SOBJECT
            and party_mapping.depends_on_kind(write.says, self._fields)
        }
        if asked := sorted(unsure - self._person.keys()):
            await self.by_ids(asked)
        records = [(write, write.record.value if write.record else "") for write in writes]
        return [
            (
                record,
                party_mapping.changes_row(
                    write.says, self._fields, person=self._person.get(record, False), record=record
                ),
            )
            for write, record in records
        ]

    async def _by_keys(self, keys: Sequence[str]) -> dict[str, wire.Row]:
        where = f"{self._fields.key} IN {soql.texts(dict.fromkeys(keys))}"
        found: dict[str, wire.Row] = {}
        for sobject in self.sobjects:
            found |= {str(row[self._fields.key]): row async for row, _ in self.rows(where, sobject)}
        return found

    def _condition(self, sobject: str, gap: Gap) -> str:
        since = gap.since - seconds_to_us(self._settings.events.overlap_seconds)
        between = (
            f"SystemModstamp >= {soql.second_before(since)} AND CreatedDate <= {soql.second_after(gap.until)}"
        )
        return between if sobject == SOBJECT else f"{between} AND {party_mapping.PERSON_FLAG} = false"

    def headers(self, origin: str) -> dict[str, str]:
        """What a write of this origin says about itself."""
        headers = {"Sforce-Call-Options": f"client={origin or ORIGIN_MARK}"}
        if self._fields.allow_duplicates:
            headers["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
        return headers

    def _remember(self, row: wire.Row) -> None:
        if len(self._person) >= KINDS_REMEMBERED_MAX:
            self._person.clear()
        self._person[str(row.get("Id"))] = row.get(party_mapping.PERSON_FLAG) is True


def raw_row(row: Mapping[str, Any]) -> bytes:
    """A row as it is parked where it cannot be read."""
    return _EXACT.encode(row)


def _updated(write: CustomerWrite, outcome: RowOutcome) -> Outcome:
    if isinstance(outcome, CrossdockError):
        return _refused(outcome)
    return CustomerRecord(record=party_mapping.reference_to(outcome.id), says=write.says)


def _answered(write: CustomerWrite, answer: wire.SubAnswer) -> Outcome:
    if answer.http_status_code in _CREATED and write.record is not None:
        return CustomerRecord(record=write.record, says=write.says)
    return _refused(failures.from_answer(answer.http_status_code, bytes(answer.body), writes=True))


def _refused(error: CrossdockError) -> CrossdockError:
    """A value that may stand in one account only, and stands in another: no later state of this one helps."""
    if not isinstance(error, Conflict) or error.vendor_code not in _TAKEN:
        return error
    return Rejected(
        error.message,
        code=error.code,
        system=error.system,
        vendor_code=error.vendor_code,
        findings=error.findings,
    )


def _http_date(version: str) -> str:
    try:
        return format_datetime(datetime.fromisoformat(version), usegmt=True)
    except ValueError as error:
        finding = Finding(code="version", path="$.version", message="not a version of this dock")
        raise Invalid(finding.message, code="version", system=wire.SYSTEM, findings=[finding]) from error
