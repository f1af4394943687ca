"""Customers in both directions: accounts read by events and queries, written in collections."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from crossdock.adapters.salesforce import failures, party_mapping, reading, soql, wire
from crossdock.adapters.salesforce.client import SUBREQUESTS_MAX, SalesforceClient
from crossdock.adapters.salesforce.consents import (
    LINKS,
    ConsentDesk,
    Consents,
    Holder,
    consents_told,
    holder_of,
)
from crossdock.adapters.salesforce.party_mapping import CONTACT, SOBJECT, sobject_of
from crossdock.adapters.salesforce.relations import RelationDesk
from crossdock.adapters.salesforce.rows import RowOutcome, Upserted, create_rows, update_rows
from crossdock.adapters.salesforce.settings import COLLECTION_ROWS_MAX, ORIGIN_MARK, is_consent
from crossdock.canonical.party import ExternalReference, Party
from crossdock.identity.golden.fields import fields_of, party_of
from crossdock.kit.clock import Instant, from_datetime, seconds_to_us
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
CREATED: Final = "CreatedDate"
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
        self.consents = ConsentDesk(client) if self._fields.has_consent_records else None
        self.relations = RelationDesk(client) if self._fields.has_relations else None

    @property
    def sobjects(self) -> tuple[str, ...]:
        """The objects whose records are customers."""
        return (SOBJECT, CONTACT) if self._fields.has_contacts else (SOBJECT,)

    async def prepare(self) -> None:
        """Learn which fields this org has. Raises Misconfigured."""
        for sobject in self.sobjects:
            await self._select_of(sobject)
        if self.consents is not None:
            await self.consents.prepare()
        if self.relations is not None:
            await self.relations.prepare()

    async def missing(self) -> list[Finding]:
        """What the org lacks of what customers' records have beside them."""
        desks = [desk for desk in (self.consents, self.relations) if desk is not None]
        return [finding for desk in desks for finding in await desk.missing()]

    def is_shadow(self, record: str) -> bool | None:
        """Whether a contact is that of a person account, which speaks for it; None where that is not known."""
        return self._person.get(record) if sobject_of(record) == CONTACT else False

    async def _select_of(self, sobject: str) -> str:
        """The SELECT that reads records whole, as far as this org has the fields. Raises Misconfigured."""
        if sobject not in self._select:
            known = {field.name for field in (await self._client.describe(sobject)).fields}
            needed = [self._fields.key, self._fields.content]
            if self.consents is not None and (sobject == CONTACT or party_mapping.PERSON_FLAG in known):
                needed.append(LINKS[sobject])
            if lacking := [name for name in needed if name not in known]:
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
            named.append(CREATED)
            if self.consents is not None:
                named += [LINKS[sobject], "FirstName", "LastName"]
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
        def ask(where: str) -> AsyncIterator[reading.Read]:
            return self.rows(where, sobject, deleted=True)

        async for page in reading.paged(ask, self._condition(sobject, gap)):
            arrivals = tuple(self.arrival(row, raw) for row, raw in page)
            yield CustomerBatch(arrivals=arrivals, position="")

    async def count(self, gap: Gap) -> int:
        """How many records the org counts under the very condition by which `refill` reads them."""
        counted = 0
        for sobject in self.sobjects:
            question = f"SELECT COUNT() FROM {sobject} WHERE {self._condition(sobject, gap)}"  # noqa: S608 - built here
            counted += await self._client.count(question, deleted=True)
        return counted

    def told_first(self, row: wire.Row, raw: bytes, heard_until: Instant) -> list[CustomerArrival]:
        """The record itself, where what was heard of records until then may not have told that it was made.

        What the hub made it knows.
        """
        if row.get(self._fields.key):
            return []
        made = from_datetime(datetime.fromisoformat(str(row[CREATED])))
        late = seconds_to_us(self._settings.events.overlap_seconds)
        return [self.arrival(row, raw)] if made >= heard_until - late else []

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
            if write.record is not None and self._tells_consents_only(write.says):
                outcomes[index] = CustomerRecord(record=write.record, says=write.says)
                continue
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
        written = [outcomes[index] for index in range(len(writes))]
        return await self._with_consents(writes, written, landed=landed) if self.consents is not None else written

    async def read(self, records: Sequence[ExternalReference]) -> Sequence[CustomerRecord | None]:
        """See `CustomerSink.read_customers`."""
        found = await self.by_ids([record.value for record in records])
        beside = await self._beside(list(found.values()))
        return [self._record(row, beside) if (row := found.get(record.value)) else None for record in records]

    async def find(self, *, key: str) -> CustomerRecord | None:
        """See `CustomerSink.find_customer`."""
        row = (await self._by_keys([key])).get(key)
        return self._record(row, await self._beside([row])) if row else None

    def _record(self, row: wire.Row, beside: Mapping[str, Mapping[str, Any]]) -> CustomerRecord:
        """A row that was read whole, with what is kept beside it."""
        record = party_mapping.record_of(row, self._settings)
        if str(row["Id"]) not in beside:
            return record
        says = replace(record.says, **beside[str(row["Id"])])
        return replace(record, says=says, unset=party_mapping.unset_in(says))

    async def _beside(self, rows: Sequence[wire.Row]) -> Mapping[str, Mapping[str, Any]]:
        """Consents and relations that are kept in records of their own, by the customer's record."""
        beside: dict[str, dict[str, Any]] = {}
        if self.consents is not None:
            holders = [holder_of(row, sobject_of(str(row["Id"]))) for row in rows]
            for record, consents in (await self.consents.said_by(holders)).items():
                beside.setdefault(record, {})["consents"] = consents
        if self.relations is not None:
            contacts = [str(row["Id"]) for row in rows if sobject_of(str(row["Id"])) == CONTACT]
            for record, relations in (await self.relations.of(contacts)).items():
                beside.setdefault(record, {})["relations"] = relations
        return beside

    def _tells_consents_only(self, says: Party) -> bool:
        """Whether there is nothing to write to the record itself, since consents are kept elsewhere."""
        return self.consents is not None and all(is_consent(name) for name in fields_of(says))

    async def _with_consents(
        self, writes: Sequence[CustomerWrite], outcomes: Sequence[Outcome], *, landed: bool
    ) -> list[Outcome]:
        """Write the consents of those whose records took the rest; no version guards them."""
        settled = list(outcomes)
        due: dict[str, dict[int, CustomerRecord]] = {}
        for index, (write, outcome) in enumerate(zip(writes, outcomes, strict=True)):
            if isinstance(outcome, CustomerRecord) and consents_told(write.says.consents):
                due.setdefault(write.origin, {})[index] = outcome
        for origin, records in due.items():
            told = [(record, writes[index].says.consents) for index, record in records.items()]
            try:
                results = await self._consent(told, self.headers(origin))
            except CrossdockError as error:
                if not (landed or isinstance(error, OutcomeUnknown | Invalid)):
                    raise
                results = [error] * len(told)
            landed = True
            for index, result in zip(records, results, strict=True):
                settled[index] = result
        return settled

    async def _consent(
        self, told: Sequence[tuple[CustomerRecord, Consents]], headers: Mapping[str, str]
    ) -> list[Outcome]:
        assert self.consents is not None
        rows = await self.by_ids([record.record.value for record, _ in told])
        asked: dict[str, tuple[Holder, Consents]] = {}
        for record, said in told:
            number = record.record.value
            if number in rows:
                before = asked[number][1] if number in asked else {}
                asked[number] = holder_of(rows[number], record.record.kind), {**before, **consents_told(said)}
        present = await self._written(self.consents, asked, headers)
        return [_consented(record, said, present.get(record.record.value, _gone())) for record, said in told]

    async def _written(
        self, desk: ConsentDesk, asked: Mapping[str, tuple[Holder, Consents]], headers: Mapping[str, str]
    ) -> dict[str, CrossdockError | Consents]:
        """What became of each; one whose consents cannot be read holds up no other: halves are tried apart."""
        try:
            return dict(zip(asked, await desk.write(list(asked.values()), headers), strict=True))
        except Invalid as fault:
            if len(asked) == 1:
                return dict.fromkeys(asked, fault)
        each = list(asked.items())
        halves = each[: len(each) // 2], each[len(each) // 2 :]
        found: dict[str, CrossdockError | Consents] = {}
        for half in halves:
            found |= await self._written(desk, dict(half), headers)
        return found

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
        between = reading.changed_in(gap, self._settings.events)
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


def _consented(record: CustomerRecord, said: Consents, present: Consents | CrossdockError) -> Outcome:
    """The outcome of a write, with what the org says of its consents that was not told so."""
    if isinstance(present, CrossdockError):
        return present
    shown = fields_of(Party(consents=present))
    told = fields_of(Party(consents=said))
    kept = {name: shown.get(name) for name, value in told.items() if shown.get(name) != value}
    return replace(record, kept=party_of(kept))


def _gone() -> Rejected:
    return Rejected("the record does not exist any more", code="record-gone", system=wire.SYSTEM)


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
