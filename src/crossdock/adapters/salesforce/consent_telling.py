"""Telling of consents that are kept in records: whatever happened to one, its customers tell what all say.

A consent's record names an Individual and no customer, and an update not even that. So the customers behind it are
looked up, and of each all consents are read. Nobody is made known by a consent alone: a customer's record that may
not have been told yet is told beside it.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

import msgspec

from crossdock.adapters.salesforce import party_mapping, reading, soql, wire
from crossdock.adapters.salesforce.changes import ChangeEvent
from crossdock.adapters.salesforce.client import SalesforceClient
from crossdock.adapters.salesforce.consents import LINKS, ConsentDesk, Consents, holder_of
from crossdock.adapters.salesforce.customers import Accounts, raw_row
from crossdock.adapters.salesforce.events import CONSENT_ENTITIES, DELETIONS
from crossdock.adapters.salesforce.mapping import long_id
from crossdock.adapters.salesforce.party_mapping import CONTACT, SOBJECT
from crossdock.adapters.salesforce.settings import COLLECTION_ROWS_MAX
from crossdock.canonical.party import Party
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Invalid
from crossdock.ports.customer_source import CustomerArrival, CustomerChange


class Consenting(msgspec.Struct, frozen=True):
    """A customer behind a consent: the record as it was read, and what all of his consents say; or why not."""

    row: wire.Row
    raw: bytes
    says: Consents
    fault: Invalid | None = None

    @property
    def customer(self) -> str:
        """The record's id."""
        return str(self.row["Id"])


class ConsentTelling:
    """Arrivals about consents. Raises what `SalesforceClient` raises."""

    def __init__(self, client: SalesforceClient, accounts: Accounts, desk: ConsentDesk) -> None:
        self._client = client
        self._accounts = accounts
        self._desk = desk

    async def told(self, events: Sequence[tuple[str, ChangeEvent]], heard_until: Instant) -> list[CustomerArrival]:
        """What customers' consents say after events, named by id: of consents, and of records that were linked.

        `heard_until`: all events of records have been told up to then.
        """
        asked: dict[str, list[str]] = {}
        linked: list[str] = []
        for _, event in events:
            records = list(map(long_id, event.named_records()))
            if event.entity in CONSENT_ENTITIES:
                asked.setdefault(event.entity, []).extend(records)
            elif _may_have_linked(event):
                linked += [record for record in records if not self._accounts.is_shadow(record)]
        behind = await self._behind(asked) if asked else {}
        own = await self._of_records(linked) if linked else {}
        arrivals: list[CustomerArrival] = []
        told_first: set[str] = set()
        for event_id, event in events:
            at, origin = event.committed_at, party_mapping.origin_of(event)
            for record in map(long_id, event.named_records()):
                about = f"{record}@{event_id}"
                for one in behind.get(record, ()):
                    if one.customer not in told_first:
                        arrivals += self._accounts.told_first(one.row, one.raw, heard_until)
                        told_first.add(one.customer)
                    arrivals.append(self._arrival(one, about, at, origin=origin))
                if record in own and _may_have_linked(event):
                    arrivals.append(self._arrival(own[record], about, at, origin=origin))
        return arrivals

    async def refill(self, condition: str) -> AsyncGenerator[list[CustomerArrival], None]:
        """The consents that meet a condition, each as one arrival of each customer behind it."""
        for sobject in sorted(CONSENT_ENTITIES):
            async for page in reading.paged(lambda where, of=sobject: self._changed(of, where), condition):  # type: ignore[misc]
                behind = await self._behind({sobject: [str(row["Id"]) for row, _ in page]})
                yield [
                    self._arrival(one, f"{row['Id']}@{row['SystemModstamp']}", reading.stamped(row))
                    for row, _ in page
                    for one in behind.get(str(row["Id"]), ())
                ]

    async def count(self, condition: str) -> int:
        """How many consent records the org counts under the very condition by which `refill` reads them."""
        counted = 0
        for sobject in sorted(CONSENT_ENTITIES):
            question = f"SELECT COUNT() FROM {sobject} WHERE {condition}"  # noqa: S608 - built here
            counted += await self._client.count(question, deleted=True)
        return counted

    async def _behind(self, consents: Mapping[str, Sequence[str]]) -> dict[str, list[Consenting]]:
        """The customers behind consent records, named by object; those that nobody finds are left out."""
        parents: dict[str, str] = {}
        for sobject, ids in consents.items():
            parents |= await self._desk.parents_of(sobject, ids)
        found = await self._of_parents(sorted(set(parents.values())))
        return {consent: found[parent] for consent, parent in parents.items() if parent in found}

    async def _of_parents(self, parents: Sequence[str]) -> dict[str, list[Consenting]]:
        """The customers that Individuals stand for, and accounts themselves, by what named them."""
        named: dict[str, list[tuple[wire.Row, bytes]]] = {}
        for sobject in self._accounts.sobjects:
            for by in (LINKS[sobject], "Id") if sobject == SOBJECT else (LINKS[sobject],):
                if by == LINKS[SOBJECT] and not await self._accounts.has_persons():
                    continue
                async for row, raw in self._read(sobject, by, parents):
                    if not (sobject == CONTACT and row.get(party_mapping.PERSON_FLAG)):
                        named.setdefault(str(row[by]), []).append((row, raw))
        told = await self._of_rows([pair for pairs in named.values() for pair in pairs])
        return {parent: [told[str(row["Id"])] for row, _ in pairs] for parent, pairs in named.items()}

    async def _of_records(self, records: Sequence[str]) -> dict[str, Consenting]:
        """Customers by the ids of their records."""
        rows = await self._accounts.by_ids(list(dict.fromkeys(records)))
        return await self._of_rows([(row, raw_row(row)) for row in rows.values()])

    async def _of_rows(self, rows: Sequence[tuple[wire.Row, bytes]]) -> dict[str, Consenting]:
        """Customers whose records were read, with their consents; one that cannot be read holds up no other."""
        holders = {str(row["Id"]): holder_of(row, party_mapping.sobject_of(str(row["Id"]))) for row, _ in rows}
        try:
            said = await self._desk.said_by(list(holders.values()))
        except Invalid as fault:
            if len(holders) > 1:
                each = [await self._of_rows([pair]) for pair in rows]
                return {record: one for found in each for record, one in found.items()}
            return {str(row["Id"]): Consenting(row, raw, {}, fault) for row, raw in rows}
        return {str(row["Id"]): Consenting(row, raw, said[str(row["Id"])]) for row, raw in rows}

    def _arrival(self, one: Consenting, about: str, at: Instant, *, origin: str = "") -> CustomerArrival:
        """What a customer's consents say since `at`; `about` names what happened to one of them."""
        record = party_mapping.reference_to(one.customer)
        external_id, now = f"{record.value}@{about}", self._client.clock.now()
        if one.fault is not None:
            return CustomerArrival(
                external_id=external_id, received_at=now, findings=one.fault.findings, raw=one.raw
            )
        says = Party(consents=one.says, references=(record,))
        unset = party_mapping.unset_in(says)
        change = CustomerChange(record=record, says=says, changed_at=at, origin=origin, unset=unset)
        return CustomerArrival(external_id=external_id, received_at=now, change=change)

    async def _changed(self, sobject: str, where: str) -> AsyncIterator[reading.Read]:
        question = f"SELECT Id, SystemModstamp FROM {sobject} WHERE {where}"  # noqa: S608 - built here
        async for page in self._client.query(question, deleted=True):
            for record in page.records:
                raw = bytes(record)
                yield wire.decode_row(raw), raw

    async def _read(self, sobject: str, by: str, values: Sequence[str]) -> AsyncIterator[reading.Read]:
        wanted = [one for one in values if by != "Id" or party_mapping.is_account(one)]
        for start in range(0, len(wanted), COLLECTION_ROWS_MAX):
            where = f"{by} IN {soql.texts(wanted[start : start + COLLECTION_ROWS_MAX])}"
            async for row, raw in self._accounts.rows(where, sobject):
                yield row, raw


def _may_have_linked(event: ChangeEvent) -> bool:
    """Whether a record may have got another Individual behind it, and with him other consents."""
    if event.change_type in DELETIONS or event.entity not in LINKS:
        return False
    link = LINKS[event.entity]
    if event.change_type == "UPDATE":
        return link in event.changed
    return event.is_gap or event.values.get(link) is not None
