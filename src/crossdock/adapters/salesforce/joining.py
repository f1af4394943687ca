"""Two accounts are one customer, or two again: linked, or merged by SOAP and brought back from the recycle bin.

A merge takes all that points at the loser to the master, for good: bringing the loser back brings none of it. So
what belongs to an account is listed before, and given back row by row, as far as Salesforce lets each be moved.
Nobody counts how long the bin keeps a row (15 days, less where it is full): who asks too late is told so.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from crossdock.adapters.salesforce import failures, soql, wire
from crossdock.adapters.salesforce.client import SalesforceClient
from crossdock.adapters.salesforce.customers import Accounts
from crossdock.adapters.salesforce.party_mapping import MASTER, SOBJECT, sobject_of
from crossdock.adapters.salesforce.rows import update_rows
from crossdock.adapters.salesforce.settings import COLLECTION_ROWS_MAX
from crossdock.canonical.party import ExternalReference
from crossdock.kit.errors import Conflict, CrossdockError, Misconfigured, Rejected, Unsupported
from crossdock.ports.customer_sink import Belongings, CustomerMerge, CustomerRecord

BELONGINGS_MAX: Final = 1_000
"""More rows than that of one account are not moved one by one: they stay where the merge took them."""

OF_CONTACTS: Final = {"Case": "ContactId"}
_NO_SUCH_OBJECT = "INVALID_TYPE"
_NOT_IN_BIN = "UNDELETE_FAILED"
_NUMBER = "account.number"


class Joining:
    """See `CustomerSink` for what each promises. Raises what `SalesforceClient` raises."""

    def __init__(self, client: SalesforceClient, accounts: Accounts) -> None:
        self._client = client
        self._accounts = accounts
        self._fields = client.settings.customers

    async def join(self, merge: CustomerMerge) -> CustomerRecord:
        """See `CustomerSink.join_customers`: SOAP merges, for REST cannot; a link is shown on both accounts."""
        if merge.how == "block":
            raise Unsupported("accounts are linked or merged", code="blocks-unsupported", system=wire.SYSTEM)
        survivor, absorbed = merge.survivor.value, merge.absorbed.value
        sobject = sobject_of(survivor)
        if sobject != sobject_of(absorbed):
            words = "an account and a contact stay two records"
            raise Unsupported(words, code="merge-unsupported", system=wire.SYSTEM)
        found = await self._accounts.by_ids([survivor, absorbed], deleted=True)
        gone = found.get(absorbed, {})
        done = bool(gone.get("IsDeleted")) and gone.get(MASTER) == survivor
        if merge.how == "merge" and not done:
            operation = wire.soap_merge(sobject, survivor, absorbed)
            failures.check_soap(await self._client.soap(operation, origin=merge.origin))
        if merge.how == "link":
            await self._link({survivor: absorbed, absorbed: survivor}, merge.origin)
        return await self._there(merge.survivor)

    async def part(self, merge: CustomerMerge) -> CustomerRecord:
        """See `CustomerSink.part_customers`: a link is cleared where it still leads to the other one."""
        if merge.how == "block":
            raise Unsupported("accounts are linked or merged", code="blocks-unsupported", system=wire.SYSTEM)
        survivor, absorbed = merge.survivor.value, merge.absorbed.value
        if merge.how == "merge":
            await self._bring_back(survivor, absorbed, merge.origin)
        else:
            found = await self._accounts.by_ids([survivor, absorbed])
            pairs = ((survivor, absorbed), (absorbed, survivor))
            linked = [one for one, other in pairs if found.get(one, {}).get(self._link_field()) == other]
            await self._link(dict.fromkeys(linked), merge.origin)
        return await self._there(merge.absorbed)

    async def belongings_of(self, record: ExternalReference) -> Belongings:
        """See `CustomerSink.list_belongings`: the rows of the objects in the setting `belongings`."""
        found: list[ExternalReference] = []
        for sobject, field in self._holding(record).items():
            left = BELONGINGS_MAX + 1 - len(found)
            try:
                rows = await self._rows(sobject, field, f"{field} = {soql.text(record.value)}", left)
            except Misconfigured as fault:
                if fault.vendor_code != _NO_SUCH_OBJECT:
                    raise
                continue
            found += [ExternalReference(wire.SYSTEM, sobject, row) for row in rows]
            if len(found) > BELONGINGS_MAX:
                break
        return Belongings(records=tuple(found[:BELONGINGS_MAX]), complete=len(found) <= BELONGINGS_MAX)

    async def give_back(
        self, merge: CustomerMerge, records: Sequence[ExternalReference]
    ) -> list[CrossdockError | None]:
        """See `CustomerSink.return_belongings`. What somebody moved elsewhere since stays there."""
        fates: dict[ExternalReference, CrossdockError | None] = {}
        for sobject, field in self._holding(merge.absorbed).items():
            own = [record for record in records if record.kind == sobject]
            for start in range(0, len(own), COLLECTION_ROWS_MAX):
                part = own[start : start + COLLECTION_ROWS_MAX]
                condition = f"Id IN {soql.texts([record.value for record in part])}"
                holders = await self._rows(sobject, field, condition, len(part))
                due = [record for record in part if holders.get(record.value) == merge.survivor.value]
                rows = [
                    {"attributes": {"type": sobject}, "id": record.value, field: merge.absorbed.value}
                    for record in due
                ]
                headers = self._accounts.headers(merge.origin)
                outcomes = await update_rows(self._client, rows, headers=headers) if rows else []
                moved = {
                    record: outcome if isinstance(outcome, CrossdockError) else None
                    for record, outcome in zip(due, outcomes, strict=True)
                }
                fates |= {record: _elsewhere(record, holders, merge) for record in part} | moved
        return [fates.get(record, _unknown()) for record in records]

    def _holding(self, record: ExternalReference) -> Mapping[str, str]:
        """What may belong to a record, and the field by which it does."""
        return self._fields.belongings if sobject_of(record.value) == SOBJECT else OF_CONTACTS

    async def _rows(self, sobject: str, field: str, condition: str, rows_max: int) -> dict[str, str | None]:
        """The ids of rows that match, with the account that each points at."""
        question = f"SELECT Id, {field} FROM {sobject} WHERE {condition} ORDER BY Id LIMIT {rows_max}"  # noqa: S608 - settings check the names
        if sobject == "Contact" and await self._accounts.has_persons():
            # Beside each person account stands a contact that is a part of it, and moves with it alone.
            question = question.replace(" ORDER BY", " AND IsPersonAccount = false ORDER BY")
        found: dict[str, str | None] = {}
        async for page in self._client.query(question):
            rows = (wire.decode_row(bytes(record)) for record in page.records)
            found |= {str(row["Id"]): row.get(field) for row in rows}
        return found

    async def _bring_back(self, survivor: str, absorbed: str, origin: str) -> None:
        rows = await self._accounts.by_ids([survivor, absorbed], deleted=True)
        binned = rows.get(absorbed)
        if binned is None:
            raise _emptied()
        if not binned.get("IsDeleted"):
            return
        if binned.get(MASTER) != survivor:
            words = "the record was deleted or merged by somebody else since"
            raise Conflict(words, code="record-moved-on", system=wire.SYSTEM)
        number = self._fields.common.get(_NUMBER, "")
        if binned.get(number) is not None and rows.get(survivor, {}).get(number) == binned[number]:
            # It may stand in one account only, and the survivor shows it as one customer with the other.
            await self._write({survivor: None}, number, origin)
        try:
            failures.check_soap(await self._client.soap(wire.soap_undelete(absorbed), origin=origin))
        except Rejected as refusal:
            if refusal.vendor_code != _NOT_IN_BIN:
                raise
            # A row whose bin was emptied is still found by queries for a day.
            raise _emptied() from refusal

    async def _there(self, reference: ExternalReference) -> CustomerRecord:
        (record,) = await self._accounts.read([reference])
        if record is None:
            raise Rejected("the record does not exist any more", code="record-gone", system=wire.SYSTEM)
        return record

    def _link_field(self) -> str:
        if not self._fields.link:
            raise Unsupported("no field shows links here", code="links-unsupported", system=wire.SYSTEM)
        return self._fields.link

    async def _link(self, links: Mapping[str, str | None], origin: str) -> None:
        await self._write(links, self._link_field(), origin)

    async def _write(self, values: Mapping[str, str | None], field: str, origin: str) -> None:
        rows = [
            {"attributes": {"type": sobject_of(one)}, "id": one, field: value} for one, value in values.items()
        ]
        outcomes = await update_rows(self._client, rows, headers=self._accounts.headers(origin)) if rows else []
        for outcome in outcomes:
            if isinstance(outcome, CrossdockError):
                raise outcome


def _elsewhere(
    record: ExternalReference, holders: Mapping[str, str | None], merge: CustomerMerge
) -> CrossdockError | None:
    """Why a row is not where the merge took it; None where it is back already."""
    if record.value not in holders:
        return Rejected("the record was deleted since", code="record-gone", system=wire.SYSTEM)
    if holders[record.value] == merge.absorbed.value:
        return None
    return Conflict("the record belongs to somebody else since", code="record-moved-on", system=wire.SYSTEM)


def _emptied() -> Rejected:
    words = "the record is not in the recycle bin any more"
    return Rejected(words, code="recycle-bin-emptied", system=wire.SYSTEM)


def _unknown() -> CrossdockError:
    return Rejected("no setting says to what such a record belongs", code="kind-unknown", system=wire.SYSTEM)
