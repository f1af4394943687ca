"""Forgetting the person behind an account, as far as Salesforce itself offers: it has no one call that does it.

A contact, or a person account with the contact beside it, is emptied of everything personal that the org keeps in
standard fields, whether the hub maps it or not. The Individual behind it is marked as to be forgotten and as opted
out of everything. Contact points of both are deleted, from the recycle bin as well. Histories, feeds and files are
for Privacy Center, or by hand.
"""

from typing import Any, Final

from crossdock.adapters.salesforce import failures, soql, wire
from crossdock.adapters.salesforce.client import SalesforceClient
from crossdock.adapters.salesforce.customers import Accounts
from crossdock.adapters.salesforce.party_mapping import CONTACT, PERSON_FLAG, SOBJECT, sobject_of
from crossdock.adapters.salesforce.rows import update_rows
from crossdock.adapters.salesforce.settings import COLLECTION_ROWS_MAX
from crossdock.identity.privacy.erasing import NAME_LEFT
from crossdock.kit.errors import CrossdockError, Rejected
from crossdock.ports.customer_sink import CustomerErasure

INDIVIDUAL: Final = "Individual"
POINTS: Final = ("ContactPointEmail", "ContactPointPhone", "ContactPointAddress")
_LINK: Final = {SOBJECT: "PersonIndividualId", CONTACT: "IndividualId"}
_ADDRESSES = ("Billing", "Shipping", "PersonMailing", "PersonOther", "Mailing", "Other")
_PARTS = ("Street", "City", "State", "StateCode", "PostalCode", "Country", "CountryCode", "Latitude", "Longitude")
_PERSONAL = """
    FirstName MiddleName Suffix Salutation Phone Fax Website Description PersonEmail PersonMobilePhone
    PersonHomePhone PersonOtherPhone PersonAssistantName PersonAssistantPhone PersonBirthdate PersonTitle
    PersonDepartment PersonPronouns PersonGenderIdentity Email MobilePhone HomePhone OtherPhone AssistantName
    AssistantPhone Birthdate Title Department Pronouns GenderIdentity
""".split()
EMPTIED: Final = (*_PERSONAL, *(f"{address}{part}" for address in _ADDRESSES for part in _PARTS))
"""Fields of Account and Contact that tell of a person, where the org has them; the rest is the own mapping."""

FORGOTTEN: Final[dict[str, Any]] = {
    "LastName": NAME_LEFT,
    **dict.fromkeys(("FirstName", "MiddleName", "Suffix", "Salutation", "BirthDate", "DeathDate")),
    **dict.fromkeys(("Occupation", "MilitaryService", "Website", "ChildrenCount", "IndividualsAge")),
    "ShouldForget": True,
    **dict.fromkeys(
        (
            *("HasOptedOutProcessing", "HasOptedOutProfiling", "HasOptedOutSolicit"),
            *("HasOptedOutTracking", "HasOptedOutGeoTracking"),
        ),
        True,
    ),
    "SendIndividualData": False,
}
"""What an Individual says of somebody who is to be forgotten, where the org has these fields."""


class Erasing:
    """See `CustomerSink.erase_customer`. Raises what `SalesforceClient` raises."""

    def __init__(self, client: SalesforceClient, accounts: Accounts) -> None:
        self._client = client
        self._accounts = accounts
        self._writable: dict[str, dict[str, str]] = {}

    async def erase(self, erasure: CustomerErasure) -> None:
        """Each part again changes nothing; an account that is gone is taken for erased."""
        record, headers = erasure.record.value, self._accounts.headers(erasure.origin)
        sobject = sobject_of(record)
        fields, link = await self._fields(sobject), _LINK[sobject]
        emptied = [fields[name.lower()] for name in EMPTIED if name.lower() in fields]
        linked = [link] if link.lower() in fields else []
        flag = [PERSON_FLAG] if sobject == SOBJECT and await self._accounts.has_persons() else []
        is_person = sobject == CONTACT or bool(flag)
        asked = ["Id", *linked, *flag, *(emptied if is_person else [])]
        row = await self._row(sobject, asked, f"Id = {soql.text(record)}")
        if row is None:
            return
        individual = row.get(link)
        if is_person and row.get(PERSON_FLAG, True):
            left: dict[str, Any] = {name: None for name in emptied if row.get(name) not in {None, ""}}
            await self._update(sobject, record, {**left, "LastName": NAME_LEFT}, headers)
        if individual:
            known = await self._fields(INDIVIDUAL)
            values = {known[name.lower()]: value for name, value in FORGOTTEN.items() if name.lower() in known}
            await self._update(INDIVIDUAL, individual, values, headers)
        parents = [record, *([individual] if individual else [])]
        for point in POINTS:
            await self._remove(point, parents)

    async def _fields(self, sobject: str) -> dict[str, str]:
        """The fields that the user may write, by their names in lower case; none of what is not there."""
        if sobject not in self._writable:
            try:
                described = await self._client.describe(sobject)
            except Rejected:
                return {}
            self._writable[sobject] = {one.name.lower(): one.name for one in described.fields if one.updateable}
        return self._writable[sobject]

    async def _row(self, sobject: str, fields: list[str], condition: str) -> wire.Row | None:
        question = f"SELECT {', '.join(dict.fromkeys(fields))} FROM {sobject} WHERE {condition}"  # noqa: S608 - names are the org's own
        async for page in self._client.query(question):
            for record in page.records:
                return wire.decode_row(bytes(record))
        return None

    async def _update(self, sobject: str, record: str, values: dict[str, Any], headers: dict[str, str]) -> None:
        row = {"attributes": {"type": sobject}, "id": record, **values}
        (outcome,) = await update_rows(self._client, [row], headers=headers)
        if isinstance(outcome, CrossdockError):
            raise outcome

    async def _remove(self, sobject: str, parents: list[str]) -> None:
        """Delete what says how to reach the person, for good."""
        if not await self._fields(sobject):
            return
        question = f"SELECT Id, IsDeleted FROM {sobject} WHERE ParentId IN {soql.texts(parents)}"  # noqa: S608 - a constant's name
        found: dict[str, bool] = {}
        async for page in self._client.query(question, deleted=True):
            rows = (wire.decode_row(bytes(record)) for record in page.records)
            found |= {str(row["Id"]): bool(row["IsDeleted"]) for row in rows}
        binned = [record for record, is_deleted in found.items() if is_deleted]
        living = sorted(found.keys() - set(binned))
        for start in range(0, len(living), COLLECTION_ROWS_MAX):
            part = living[start : start + COLLECTION_ROWS_MAX]
            params = {"ids": ",".join(part), "allOrNone": "true"}
            await self._client.call("DELETE", "composite/sobjects", params=params, writes=True)
            failures.check_soap(await self._client.soap(wire.soap_empty_bin(part)), len(part))
        for start in range(0, len(binned), COLLECTION_ROWS_MAX):
            # Some may be gone for good already: queries find them for another day, and that is no refusal.
            await self._client.soap(wire.soap_empty_bin(binned[start : start + COLLECTION_ROWS_MAX]))
