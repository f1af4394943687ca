"""Consents that an org keeps in records of their own, through the hub and back; the audit sees how far they got.

Requirements: CUS-04, CUS-09, CUS-31.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace
from tests.processes.orgs import Org, TwoWayHub, two_way_hub
from tests.processes.weather import ownership
from tests.stores import Stores

from crossdock.adapters.memory.simulator.faults import RefuseBeforeCommit
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.identity.golden.propagation import Place
from crossdock.kit.clock import MICROSECONDS
from crossdock.processes.consent_audit import ConsentAudit

pytestmark = pytest.mark.anyio

UNIT = "consents.email-marketing"
STATUS, SOURCE = f"{UNIT}.status", f"{UNIT}.captured_from"
WITHIN_US = 900 * MICROSECONDS
PERSON = {
    "person.name.family": "Lund",
    "person.name.given": "Ada",
    "contact.email": "ada@lund.example",
}
CAPTURED = {
    "Name": "Newsletter",
    "ContactPointType": "Email",
    "CaptureContactPointType": "Web",
    "CaptureDate": "2026-01-01T12:00:00Z",
    "CaptureSource": "shop",
}


class Consenting:
    """A hub between an org that keeps consents in records and an ERP, and one customer whom both know."""

    def __init__(self, hub: TwoWayHub) -> None:
        self.hub = hub
        org = hub.books["crm"]
        assert isinstance(org, Org)
        self.org = org
        self.number = self.partner = ""

    def entered(self, sobject: str, **values: Any) -> str:
        return self.org.simulator.seed.rows(sobject, [values], announce=True)[0]

    async def begin(self) -> None:
        self.number = self.org.make(PERSON)
        await self.hub.pump()
        made = (await self.hub.party("crm", self.number)).record_of("erp")
        assert made is not None
        self.partner = made.reference.value

    def consents(self, status: str) -> str:
        """Somebody enters in the org what the customer agreed to."""
        individual = self.entered("Individual", LastName="Lund")
        self.org.simulator.seed.update("Account", self.number, {"PersonIndividualId": individual})
        (purpose,) = self.org.simulator.rows("DataUsePurpose")
        about = {"PartyId": individual, "DataUsePurposeId": purpose["Id"], "PrivacyConsentStatus": status}
        return self.entered("ContactPointTypeConsent", **CAPTURED, **about)

    async def place(self) -> Place:
        """How far the consent has got in the one place that it has to reach."""
        audit = ConsentAudit(self.hub.store, self.hub.ownership, self.hub.clock)
        (party,) = await self.hub.store.list_parties(behind="", limit=2)
        consents = await audit.of(party)
        assert consents is not None
        (found,) = [each for consent in consents for each in consent.places]
        return found

    async def pump(self) -> None:
        self.hub.clock.advance(60)
        await self.hub.pump()


@asynccontextmanager
async def consenting(stores: Stores, ownership: Ownership) -> AsyncIterator[Consenting]:
    def prepare(org: Org) -> None:
        org.simulator.seed.rows("DataUsePurpose", [{"Name": "Marketing"}])

    in_records = {"consents_in": "records"}
    aligned = {"crm": 0.0, "erp": 0.0}
    async with two_way_hub(stores, ownership, off_seconds=aligned, customers=in_records, prepare=prepare) as hub:
        both = Consenting(hub)
        await both.begin()
        yield both


async def test_a_consent_record_reaches_the_erp_and_its_withdrawal_is_late_until_it_does(
    memory_only: Stores,
) -> None:
    async with consenting(memory_only, ownership()) as both:
        consent = both.consents("OptIn")
        await both.pump()
        shown = both.hub.books["erp"].card(both.partner)
        assert (shown[STATUS], shown[SOURCE]) == ("opt_in", "shop")
        assert (await both.place()).state == "shows"

        both.hub.books["erp"].surface.faults.add(RefuseBeforeCommit(on="/partners/write", times=0))
        both.org.simulator.seed.update("ContactPointTypeConsent", consent, {"PrivacyConsentStatus": "OptOut"})
        await both.pump()
        both.hub.clock.advance(1_000)
        place = await both.place()
        assert (place.state, place.status) == ("owed", "opt_in")
        assert place.is_late(both.hub.clock.now(), WITHIN_US)


async def test_a_consent_that_the_erp_owns_becomes_a_record_and_the_audit_finds_it_shown(
    memory_only: Stores,
) -> None:
    owned = Rule(rule="owner", owner="erp", readers=("crm",))
    rules = replace(ownership(), domains={**ownership().domains, Domain.CONSENT: owned})
    async with consenting(memory_only, rules) as both:
        for said, word in (("opt_in", "OptIn"), ("opt_out", "OptOut")):
            both.hub.books["erp"].edit(both.partner, {STATUS: said})
            await both.pump()
            await both.pump()  # our own write comes back
            (consent,) = both.org.simulator.rows("ContactPointTypeConsent")
            assert consent["PrivacyConsentStatus"] == word
            place = await both.place()
            assert (place.state, place.status) == ("shows", said)
        assert both.hub.books["erp"].card(both.partner)[STATUS] == "opt_out"
        writes = both.hub.writes
        await both.pump()
        assert both.hub.writes == writes, "the org's word on its own record asks for nothing"
