"""Consents that the org keeps in records of their own: whose they are, what they say, and how that is changed.

    customer ─ Individual ─ ContactPointTypeConsent
        └───────────┴────── ContactPointEmail, -Phone, -Address ─ ContactPointConsent

Nobody is asked record by record: whatever happened to one of a customer's consents, all of them are read, and what
they say together is told.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET

from crossdock.adapters.salesforce import consent_mapping, failures, soql, wire
from crossdock.adapters.salesforce.client import SalesforceClient
from crossdock.adapters.salesforce.consent_mapping import (
    INDIVIDUAL,
    NEEDED,
    NOTHING,
    POINT_CONSENT,
    POINTS,
    PURPOSE,
    SAID,
    TYPE_CONSENT,
    ConsentRow,
    Plan,
)
from crossdock.adapters.salesforce.rows import RowOutcome, create_rows, update_rows
from crossdock.adapters.salesforce.settings import COLLECTION_ROWS_MAX
from crossdock.canonical.party import Consent
from crossdock.kit.clock import to_datetime
from crossdock.kit.errors import CrossdockError, Finding, Misconfigured, Rejected

Consents = Mapping[str, Consent]
LINKS: Final = {"Account": "PersonIndividualId", "Contact": "IndividualId"}
"""The field by which a customer's record names the Individual behind it."""

_GOOD = range(200, 300)


class Holder(msgspec.Struct, frozen=True):
    """A customer's record: its object, the Individual behind it if there is one, and how he is called."""

    sobject: str
    id: str
    individual: str
    given: str | None
    family: str | None

    @property
    def parents(self) -> tuple[str, ...]:
        """What his consents and contact points may belong to."""
        own = (self.id,) if self.sobject == "Account" else ()
        return (*own, *((self.individual,) if self.individual else ()))


def holder_of(row: wire.Row, sobject: str) -> Holder:
    """The customer of a row that was read whole."""
    return Holder(
        sobject=sobject,
        id=str(row["Id"]),
        individual=str(row.get(LINKS[sobject]) or ""),
        given=row.get("FirstName"),
        family=row.get("LastName"),
    )


class ConsentDesk:
    """Asks one org for consent records, and writes them. Raises what `SalesforceClient` raises."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client
        self._records = client.settings.customers.consent_records
        self._kinds = self._records.kinds
        self._purposes: dict[str, str] | None = None

    async def missing(self) -> list[Finding]:
        """What the org lacks, or the user may not see, of all that consents are kept in."""
        findings = []
        for sobject, fields in NEEDED.items():
            try:
                known = {field.name for field in (await self._client.describe(sobject)).fields}
            except Rejected:
                findings.append(Finding("salesforce-object-missing", f"$.{sobject}", "not there"))
                continue
            findings += [
                Finding("salesforce-field-missing", f"$.{sobject}.{field}", "not there")
                for field in fields
                if field not in known
            ]
        if not findings:
            wanted, found = self._wanted(), set((await self._named_purposes()).values())
            findings += [
                Finding("salesforce-purpose-missing", f"$.{PURPOSE}", f"there is none of the name {name}")
                for name in sorted(wanted - found)
            ]
        return findings

    async def prepare(self) -> None:
        """Learn which purposes the org knows. Raises Misconfigured where it cannot keep consents as asked."""
        if self._purposes is not None:
            return
        if findings := await self.missing():
            lacking = ", ".join(
                f"{finding.path.removeprefix('$.')} ({finding.message})"
                if finding.code == "salesforce-purpose-missing"
                else finding.path.removeprefix("$.")
                for finding in findings
            )
            words = (
                f"consents are to be kept in records, and the org lacks, or the integration user may not see: "
                f"{lacking}. Switch Data Protection and Privacy on, or keep consents in fields"
            )
            code = "salesforce-consent-objects"
            raise Misconfigured(words, code=code, system=wire.SYSTEM, findings=findings)
        self._purposes = await self._named_purposes()

    async def said_by(self, holders: Sequence[Holder]) -> dict[str, Consents]:
        """What each customer's records say of all consents that the hub keeps, by the customer's record."""
        now, rows = self._now(), await self._rows(holders)
        return {
            holder.id: consent_mapping.consents_said(rows[holder.id], self._kinds, await self._names(), now)
            for holder in holders
        }

    async def parents_of(self, sobject: str, consents: Sequence[str]) -> dict[str, str]:
        """What consent records belong to, also of those in the recycle bin: an Individual, or an Account."""
        if sobject == TYPE_CONSENT:
            return await self._linked(TYPE_CONSENT, "PartyId", "Id", consents)
        points = await self._linked(POINT_CONSENT, "ContactPointId", "Id", consents)
        parents: dict[str, str] = {}
        for point in self._points():
            parents |= await self._linked(point, "ParentId", "Id", sorted(set(points.values())))
        return {consent: parents[point] for consent, point in points.items() if point in parents}

    async def write(
        self, told: Sequence[tuple[Holder, Consents]], headers: Mapping[str, str]
    ) -> list[CrossdockError | Consents]:
        """Have customers' records say what is told: what each says of it then, or why it does not.

        An account that is no person keeps no consents, nor does anybody of kinds that the settings do not name:
        then nothing is said of it. Again it changes nothing.
        """
        persons = [(holder, self._kept(said)) for holder, said in told if holder.family]
        faults: dict[str, CrossdockError] = {}
        rows = await self._rows([holder for holder, _ in persons])
        updates: list[tuple[str, dict[str, Any]]] = []
        news: list[tuple[str, dict[str, Any]]] = []
        for holder, said in persons:
            plans = {key: await self._plan(key, one, rows[holder.id]) for key, one in said.items()}
            individual = holder.individual
            if not individual and any(plan.new for plan in plans.values()):
                made = await self._individual(holder, headers)
                if isinstance(made, CrossdockError):
                    faults[holder.id] = made
                    continue
                individual = made
            updates += [(holder.id, _row(*update)) for plan in plans.values() for update in plan.updates]
            news += [
                (holder.id, await self._new(key, plan.new, individual))
                for key, plan in plans.items()
                if plan.new is not None
            ]
        faults |= _faults(updates, await update_rows(self._client, [row for _, row in updates], headers=headers))
        faults |= _faults(news, await create_rows(self._client, [row for _, row in news], headers=headers))
        present = await self._present([holder for holder, _ in persons if holder.id not in faults])
        return [
            faults.get(holder.id) or {key: present.get(holder.id, {}).get(key, NOTHING) for key in said}
            for holder, said in told
        ]

    async def _present(self, holders: Sequence[Holder]) -> dict[str, Consents]:
        """What customers say after a write, whose Individual may be new."""
        linked: dict[str, str] = {}
        for sobject, link in LINKS.items():
            linked |= await self._linked(
                sobject, link, "Id", [one.id for one in holders if one.sobject == sobject]
            )
        now_known = [
            msgspec.structs.replace(holder, individual=linked.get(holder.id) or holder.individual)
            for holder in holders
        ]
        return await self.said_by(now_known)

    def _kept(self, said: Consents) -> dict[str, Consent]:
        return {key: consent for key, consent in said.items() if key in self._kinds}

    async def _plan(self, key: str, told: Consent, rows: Iterable[ConsentRow]) -> Plan:
        kind, now = self._kinds[key], self._now()
        standing = consent_mapping.in_effect(rows, kind, await self._names(), now)
        return consent_mapping.plan_of(told, standing, self._records, kind, now)

    async def _new(self, key: str, values: Mapping[str, Any], individual: str) -> dict[str, Any]:
        """The row of a new consent. The oldest purpose of that name is meant."""
        name = self._kinds[key].purpose
        purpose = next((one for one, own in (await self._names()).items() if own == name), None)
        return {
            "attributes": {"type": TYPE_CONSENT},
            **values,
            "PartyId": individual,
            "DataUsePurposeId": purpose,
        }

    async def _individual(self, holder: Holder, headers: Mapping[str, str]) -> str | CrossdockError:
        """Make the Individual behind a customer: both at once, so that none is ever left behind without one."""
        link = LINKS[holder.sobject]
        requests = [
            {
                "method": "POST",
                "url": f"sobjects/{INDIVIDUAL}",
                "referenceId": "individual",
                "body": {"LastName": holder.family, "FirstName": holder.given},
            },
            {
                "method": "PATCH",
                "url": f"sobjects/{holder.sobject}/{holder.id}",
                "referenceId": "link",
                "body": {link: "@{individual.id}"},
            },
        ]
        made, linked = await self._client.composite(requests, writes=True, headers=headers)
        for answer in (made, linked):
            if answer.http_status_code not in _GOOD:
                fault = failures.from_answer(answer.http_status_code, bytes(answer.body), writes=True)
                if fault.vendor_code != "PROCESSING_HALTED" or answer is linked:
                    return fault
        return str(wire.decode_row(made.body)["id"])

    async def _rows(self, holders: Sequence[Holder]) -> dict[str, list[ConsentRow]]:
        """The consent records of customers, by the customer's record."""
        await self.prepare()
        parents = sorted({parent for holder in holders for parent in holder.parents})
        found: dict[str, list[ConsentRow]] = {}
        individuals = sorted({holder.individual for holder in holders if holder.individual})
        async for row in self._select(
            TYPE_CONSENT, (*SAID, "PartyId", "ContactPointType"), "PartyId", individuals
        ):
            about = str(row["ContactPointType"])
            self._sort(found, str(row["PartyId"]), row, TYPE_CONSENT, about, about)
        points: dict[str, tuple[str, str]] = {}
        for point in self._points():
            async for row in self._select(point, ("Id", "ParentId"), "ParentId", parents):
                points[str(row["Id"])] = (str(row["ParentId"]), POINTS[point])
        async for row in self._select(POINT_CONSENT, (*SAID, "ContactPointId"), "ContactPointId", sorted(points)):
            about = str(row["ContactPointId"])
            parent, channel = points[about]
            self._sort(found, parent, row, POINT_CONSENT, about, channel)
        return {
            holder.id: [row for parent in holder.parents for row in found.get(parent, ())] for holder in holders
        }

    def _sort(
        self,
        found: dict[str, list[ConsentRow]],
        parent: str,
        row: wire.Row,
        sobject: str,
        about: str,
        channel: str,
    ) -> None:
        """Put a record to whom it belongs; one about something that the hub does not keep is not even read."""
        purpose = str(row.get("DataUsePurposeId") or "")
        name = (self._purposes or {}).get(purpose, purpose)
        if any(kind.channel == channel and kind.purpose == name for kind in self._kinds.values()):
            found.setdefault(parent, []).append(
                consent_mapping.consent_row(row, sobject, about, channel, self._records.captured_from)
            )

    def _points(self) -> list[str]:
        """The contact points of channels that consents are kept of."""
        channels = {kind.channel for kind in self._kinds.values()}
        return [point for point, channel in POINTS.items() if channel in channels]

    def _wanted(self) -> set[str]:
        return {kind.purpose for kind in self._kinds.values() if kind.purpose}

    async def _names(self) -> Mapping[str, str]:
        await self.prepare()
        return self._purposes or {}

    async def _named_purposes(self) -> dict[str, str]:
        """The purposes that are meant by name, by id, oldest first."""
        named = {}
        async for row in self._select(PURPOSE, ("Id", "Name"), "Name", sorted(self._wanted())):
            named[str(row["Id"])] = str(row["Name"])
        return dict(sorted(named.items()))

    async def _linked(self, sobject: str, field: str, by: str, values: Sequence[str]) -> dict[str, str]:
        """What rows point at, by id, also of those in the recycle bin."""
        found = {}
        async for row in self._select(sobject, ("Id", field), by, values, deleted=True):
            if row.get(field):
                found[str(row["Id"])] = str(row[field])
        return found

    async def _select(
        self, sobject: str, fields: Sequence[str], by: str, values: Sequence[str], *, deleted: bool = False
    ) -> AsyncIterator[wire.Row]:
        """The rows whose field is one of some values."""
        for start in range(0, len(values), COLLECTION_ROWS_MAX):
            listed = soql.texts(values[start : start + COLLECTION_ROWS_MAX])
            question = f"SELECT {', '.join(fields)} FROM {sobject} WHERE {by} IN {listed}"  # noqa: S608 - constants' names
            async for page in self._client.query(question, deleted=deleted):
                for record in page.records:
                    yield wire.decode_row(bytes(record))

    def _now(self) -> datetime:
        return to_datetime(self._client.server_now())


def consents_told(said: Consents) -> Consents:
    """The consents of which anything is told at all."""
    return {
        key: one for key, one in said.items() if any(value is not UNSET for value in msgspec.structs.astuple(one))
    }


def _row(sobject: str, record: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"attributes": {"type": sobject}, "id": record, **values}


def _faults(
    rows: Sequence[tuple[str, dict[str, Any]]], outcomes: Sequence[RowOutcome]
) -> dict[str, CrossdockError]:
    """The first fault of each customer's records."""
    found: dict[str, CrossdockError] = {}
    for (holder, _), outcome in zip(rows, outcomes, strict=True):
        if isinstance(outcome, CrossdockError):
            found.setdefault(holder, outcome)
    return found
