"""The further businesses that a contact stands for: AccountContactRelation, beside the account that it belongs to.

Only relations that are not direct are told, for the direct one is the contact's own account. They are not written.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, Protocol

from crossdock.adapters.salesforce import party_mapping, reading, soql, wire
from crossdock.adapters.salesforce.changes import ChangeEvent
from crossdock.adapters.salesforce.client import SalesforceClient
from crossdock.adapters.salesforce.mapping import long_id
from crossdock.adapters.salesforce.party_mapping import ACCOUNT, CONTACT, PERSON_FLAG
from crossdock.adapters.salesforce.settings import COLLECTION_ROWS_MAX, RELATION
from crossdock.canonical.party import Party, PartyReference, Relation
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Finding, Invalid, Misconfigured, Rejected
from crossdock.ports.customer_source import CustomerArrival, CustomerChange

Relations = Mapping[str, Relation]


class Known(Protocol):
    """The records of customers, as far as relations need them."""

    def rows(self, where: str, sobject: str, *, deleted: bool = False) -> AsyncIterator[reading.Read]:
        """The rows that match."""
        ...

    def told_first(self, row: wire.Row, raw: bytes, heard_until: Instant) -> list[CustomerArrival]:
        """The record itself, where it may not have been told that it was made."""
        ...


NOTHING: Final = Relation(
    party=PartyReference(system=None, kind=None, value=None), role=None, active=None, since=None, until=None
)
_FIELDS = (
    *("Id", "IsDeleted", "SystemModstamp", "AccountId", "ContactId"),
    *("Roles", "IsDirect", "IsActive", "StartDate", "EndDate"),
)
_ROLE_MAX = 255


def key_of(row: wire.Row) -> str:
    """What a relation is called: by the account it is to. Its long id is no other one in small letters."""
    return long_id(str(row["AccountId"])).lower()


def relation_of(row: wire.Row) -> Relation:
    """What a relation says; nothing where it is gone, or is the contact's own account. Raises Invalid."""
    if row.get("IsDeleted") or row.get("IsDirect"):
        return NOTHING
    account = party_mapping.reference_to(str(row["AccountId"]))
    return Relation(
        party=PartyReference(system=account.system, kind=account.kind, value=account.value),
        role=str(row.get("Roles") or "")[:_ROLE_MAX] or None,
        active=bool(row.get("IsActive")),
        since=_day(row, "StartDate"),
        until=_day(row, "EndDate"),
    )


class RelationDesk:
    """Asks one org for relations. Raises what `SalesforceClient` raises."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client
        self._known = False

    async def missing(self) -> list[Finding]:
        """What the org lacks, or the user may not see, of what relations are kept in."""
        try:
            known = {field.name for field in (await self._client.describe(RELATION)).fields}
        except Rejected:
            return [Finding("salesforce-object-missing", f"$.{RELATION}", "not there")]
        lacking = [name for name in _FIELDS if name not in known]
        return [Finding("salesforce-field-missing", f"$.{RELATION}.{name}", "not there") for name in lacking]

    async def prepare(self) -> None:
        """Raises Misconfigured where the org keeps no relations."""
        if not self._known and (findings := await self.missing()):
            lacking = ", ".join(finding.path.removeprefix("$.") for finding in findings)
            words = (
                f"the org lacks, or the integration user may not see: {lacking}. Let contacts be related to "
                "multiple accounts, or take the topic out"
            )
            raise Misconfigured(words, code="salesforce-fields", system=wire.SYSTEM, findings=findings)
        self._known = True

    async def of(self, contacts: Sequence[str]) -> Mapping[str, Relations]:
        """The relations of contacts, as they are now."""
        found: dict[str, dict[str, Relation]] = {contact: {} for contact in contacts}
        for start in range(0, len(contacts), COLLECTION_ROWS_MAX):
            part = contacts[start : start + COLLECTION_ROWS_MAX]
            async for row, _ in self.rows(f"ContactId IN {soql.texts(part)} AND IsDirect = false"):
                found[str(row["ContactId"])][key_of(row)] = relation_of(row)
        return found

    async def rows(self, where: str, *, deleted: bool = False) -> AsyncIterator[reading.Read]:
        """The relations that match, decoded and as they came."""
        question = f"SELECT {', '.join(_FIELDS)} FROM {RELATION} WHERE {where}"  # noqa: S608 - constants' names
        async for page in self._client.query(question, deleted=deleted):
            for record in page.records:
                raw = bytes(record)
                yield wire.decode_row(raw), raw


class RelationTelling:
    """Arrivals about relations. Raises what `SalesforceClient` raises."""

    def __init__(self, client: SalesforceClient, accounts: Known, desk: RelationDesk) -> None:
        self._client = client
        self._accounts = accounts
        self._desk = desk

    async def told(self, events: Sequence[tuple[str, ChangeEvent]], heard_until: Instant) -> list[CustomerArrival]:
        """What contacts' relations say after events, named by id; see `ConsentTelling.told`."""
        own = [(event_id, event) for event_id, event in events if event.entity == RELATION]
        ids = dict.fromkeys(long_id(record) for _, event in own for record in event.named_records())
        rows: dict[str, reading.Read] = {}
        for start in range(0, len(ids), COLLECTION_ROWS_MAX):
            part = list(ids)[start : start + COLLECTION_ROWS_MAX]
            async for row, raw in self._desk.rows(f"Id IN {soql.texts(part)}", deleted=True):
                rows[str(row["Id"])] = (row, raw)
        contacts = await self._contacts(rows.values())
        arrivals: list[CustomerArrival] = []
        told_first: set[str] = set()
        for event_id, event in own:
            origin = party_mapping.origin_of(event)
            for record in map(long_id, event.named_records()):
                if record not in rows or str(rows[record][0]["ContactId"]) not in contacts:
                    continue
                contact, raw = contacts[str(rows[record][0]["ContactId"])]
                if contact["Id"] not in told_first and not contact.get(PERSON_FLAG):
                    arrivals += self._accounts.told_first(contact, raw, heard_until)
                    told_first.add(str(contact["Id"]))
                about = f"{record}@{event_id}"
                arrivals.append(self._arrival(contact, rows[record], about, event.committed_at, origin))
        return arrivals

    async def refill(self, condition: str) -> AsyncGenerator[list[CustomerArrival], None]:
        """The relations that meet a condition, each as one arrival of its contact."""

        def ask(where: str) -> AsyncIterator[reading.Read]:
            return self._desk.rows(where, deleted=True)

        async for page in reading.paged(ask, condition):
            contacts = await self._contacts(page)
            yield [
                self._arrival(contacts[str(row["ContactId"])][0], (row, raw), about, reading.stamped(row), "")
                for row, raw in page
                if str(row["ContactId"]) in contacts
                for about in (f"{row['Id']}@{row['SystemModstamp']}",)
            ]

    async def count(self, condition: str) -> int:
        """How many relations the org counts under the very condition by which `refill` reads them."""
        question = f"SELECT COUNT() FROM {RELATION} WHERE {condition}"  # noqa: S608 - built here
        return await self._client.count(question, deleted=True)

    async def _contacts(self, rows: Iterable[reading.Read]) -> dict[str, reading.Read]:
        """The contacts of relations, as far as they are there."""
        ids = list(dict.fromkeys(str(row["ContactId"]) for row, _ in rows))
        found: dict[str, reading.Read] = {}
        for start in range(0, len(ids), COLLECTION_ROWS_MAX):
            where = f"Id IN {soql.texts(ids[start : start + COLLECTION_ROWS_MAX])}"
            async for row, raw in self._accounts.rows(where, CONTACT):
                found[str(row["Id"])] = (row, raw)
        return found

    def _arrival(
        self, contact: wire.Row, relation: reading.Read, about: str, at: Instant, origin: str
    ) -> CustomerArrival:
        """What one relation says of its contact; of a person account it is the account that speaks."""
        row, raw = relation
        record = party_mapping.reference_to(str(contact[ACCOUNT] if contact.get(PERSON_FLAG) else contact["Id"]))
        external_id, now = f"{record.value}@{about}", self._client.clock.now()
        try:
            says = Party(relations={key_of(row): relation_of(row)}, references=(record,))
        except Invalid as fault:
            return CustomerArrival(external_id=external_id, received_at=now, findings=fault.findings, raw=raw)
        unset = party_mapping.unset_in(says)
        change = CustomerChange(record=record, says=says, changed_at=at, origin=origin, unset=unset)
        return CustomerArrival(external_id=external_id, received_at=now, change=change)


def _day(row: wire.Row, field: str) -> date | None:
    value: Any = row.get(field)
    if value in {None, ""}:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        finding = Finding(code="wrong-type", path=f"$.{RELATION}.{field}", message="no date")
        words = "a relation cannot be read"
        raise Invalid(words, code="vendor-payload", system=wire.SYSTEM, findings=[finding]) from error
