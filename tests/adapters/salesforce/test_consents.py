"""Consents in records of the org's own: read as what a customer says, and written back."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.adapters.salesforce.orgs import TestOrg, running_org

from crossdock.adapters.salesforce.settings import CONTACT_TOPIC
from crossdock.adapters.salesforce.simulator.faults import Gap as GapEvent
from crossdock.adapters.salesforce.simulator.faults import HideField
from crossdock.canonical.party import Consent, ExternalReference, Party, Person, PersonName
from crossdock.identity.golden.fields import fields_of
from crossdock.kit.errors import Invalid, Misconfigured, Rejected
from crossdock.ports.customer_sink import CustomerErasure, CustomerRecord, CustomerWrite
from crossdock.ports.order_source import Gap
from crossdock.testing.conformance.customer_source import Enough, arrivals_of, changes_of, having, hear, saying

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 60.0
IN_RECORDS: Mapping[str, Any] = {
    "customers": {"consents_in": "records", "topics": ["/data/AccountChangeEvent", CONTACT_TOPIC]}
}
KEY = "email-marketing"
STATUS, UNTIL = f"consents.{KEY}.status", f"consents.{KEY}.expires_at"
CAPTURED = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Consenting(TestOrg):
    """An org that keeps consents in records."""

    __test__ = False

    def __init__(self, org: TestOrg) -> None:
        self.simulator, self.account = org.simulator, org.account
        self.purpose, self.other = (
            self.entered("DataUsePurpose", Name="Marketing"),
            self.entered("DataUsePurpose", Name="Billing"),
        )

    def entered(self, sobject: str, **values: Any) -> str:
        return self.simulator.seed.rows(sobject, [values], announce=True)[0]

    def somebody(self, **fields: Any) -> tuple[str, str]:
        """A person account and the Individual behind it."""
        individual = self.entered("Individual", LastName="Lund", FirstName="Ada")
        person = {"LastName": "Lund", "FirstName": "Ada", "PersonEmail": "ada@lund.example"}
        return self.entered("Account", **person, PersonIndividualId=individual, **fields), individual

    def consent(self, individual: str, status: str, **fields: Any) -> str:
        about = {"Name": "Newsletter", "PartyId": individual, "ContactPointType": "Email"}
        return self.entered("ContactPointTypeConsent", **about, **self.captured(status) | fields)

    def consent_of(self, point: str, status: str, **fields: Any) -> str:
        about = {"Name": "Newsletter", "ContactPointId": point}
        return self.entered("ContactPointConsent", **about, **self.captured(status) | fields)

    def captured(self, status: str) -> dict[str, Any]:
        return {
            "PrivacyConsentStatus": status,
            "DataUsePurposeId": self.purpose,
            "CaptureContactPointType": "Web",
            "CaptureDate": "2026-03-01T12:00:00Z",
            "CaptureSource": "shop",
        }


@pytest.fixture
def consenting(org: TestOrg) -> Consenting:
    return Consenting(org)


def account(record: str) -> ExternalReference:
    return ExternalReference("salesforce", "Account", record)


def contact(record: str) -> ExternalReference:
    return ExternalReference("salesforce", "Contact", record)


def telling(record: ExternalReference, value: object) -> Enough:
    return saying(record, STATUS, value)


async def test_a_consent_is_told_by_the_customer_behind_it_with_its_source_and_its_time(
    consenting: Consenting,
) -> None:
    org = consenting
    person, individual = org.somebody()
    org.consent(individual, "OptIn", EffectiveFrom="2026-03-02T00:00:00Z", EffectiveTo="2099-01-01T00:00:00Z")
    async with org.open_dock(**IN_RECORDS) as dock:
        heard = arrivals_of(await hear(dock, "", telling(account(person), "opt_in"), PATIENCE_SECONDS))

    told = changes_of(heard, account(person))[-1]
    assert told.says.consents[KEY] == Consent(
        status="opt_in",
        captured_at=CAPTURED,
        captured_from="shop",
        starts_at=datetime(2026, 3, 2, tzinfo=UTC),
        expires_at=datetime(2099, 1, 1, tzinfo=UTC),
    )
    assert told.says.references == (account(person),)
    assert {name for name in fields_of(told.says) if not name.startswith("consents.")} == set()


async def test_a_consent_that_nobody_ever_gave_is_nobodys_word(consenting: Consenting) -> None:
    org = consenting
    person, individual = org.somebody()
    org.consent(individual, "OptIn", EffectiveTo="2026-04-01T00:00:00Z")
    async with org.open_dock(**IN_RECORDS) as dock:
        heard = arrivals_of(await hear(dock, "", telling(account(person), None), PATIENCE_SECONDS))
        (record,) = await dock.read_customers([account(person)])

    told = [one for one in changes_of(heard, account(person)) if STATUS in fields_of(one.says)]
    assert all(STATUS in one.unset for one in told)
    assert record is not None
    assert STATUS in record.unset


async def test_a_withdrawal_and_a_deleted_consent_are_told(consenting: Consenting) -> None:
    org = consenting
    person, individual = org.somebody()
    consent = org.consent(individual, "OptIn")
    async with org.open_dock(**IN_RECORDS) as dock:
        position = (await hear(dock, "", telling(account(person), "opt_in"), PATIENCE_SECONDS))[-1].position
        org.simulator.seed.update("ContactPointTypeConsent", consent, {"PrivacyConsentStatus": "OptOut"})
        position = (await hear(dock, position, telling(account(person), "opt_out"), PATIENCE_SECONDS))[-1].position
        org.simulator.seed.delete("ContactPointTypeConsent", consent)
        position = (await hear(dock, position, telling(account(person), None), PATIENCE_SECONDS))[-1].position
        org.simulator.seed.undelete("ContactPointTypeConsent", consent)
        await hear(dock, position, telling(account(person), "opt_out"), PATIENCE_SECONDS)


async def test_a_no_for_one_address_is_a_no_and_the_latest_word_about_it_counts(consenting: Consenting) -> None:
    org = consenting
    person, individual = org.somebody()
    point = org.entered("ContactPointEmail", ParentId=individual, EmailAddress="ada@lund.example")
    org.consent(individual, "OptIn")
    org.consent_of(point, "OptIn")
    no = org.consent_of(point, "OptOut", CaptureDate="2026-04-01T12:00:00Z")
    async with org.open_dock(**IN_RECORDS) as dock:

        async def said() -> Consent:
            (record,) = await dock.read_customers([account(person)])
            assert record is not None
            return record.says.consents[KEY]

        assert (await said()).status == "opt_out"
        org.simulator.seed.update("ContactPointConsent", no, {"CaptureDate": "2026-01-01T12:00:00Z"})
        assert (await said()).status == "opt_in"
        position = (await hear(dock, "", having(account(person)), PATIENCE_SECONDS))[-1].position
        org.simulator.seed.update("ContactPointConsent", no, {"CaptureDate": "2026-05-01T12:00:00Z"})
        await hear(dock, position, telling(account(person), "opt_out"), PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"EffectiveTo": "2026-04-01T00:00:00Z"}, None),
        ({"EffectiveFrom": "2099-01-01T00:00:00Z"}, None),
        ({"PrivacyConsentStatus": "OptInPending"}, "seen"),
        ({"PrivacyConsentStatus": "OptOutPending"}, "opt_out"),
        ({"ContactPointType": "Phone"}, None),
    ],
)
async def test_what_ended_or_has_not_begun_or_is_about_something_else_says_nothing(
    consenting: Consenting, fields: dict[str, str], status: str | None
) -> None:
    person, individual = consenting.somebody()
    values = {"Name": "N", "PartyId": individual, "ContactPointType": "Email", **consenting.captured("OptIn")}
    consenting.entered("ContactPointTypeConsent", **values | fields)
    consenting.entered("ContactPointTypeConsent", **values | {"DataUsePurposeId": consenting.other})
    async with consenting.open_dock(**IN_RECORDS) as dock:
        (record,) = await dock.read_customers([account(person)])

    assert record is not None
    assert fields_of(record.says)[STATUS] == status


async def test_an_individual_behind_two_contacts_tells_both_and_one_that_is_linked_later_tells_then(
    consenting: Consenting,
) -> None:
    org = consenting
    individual = org.entered("Individual", LastName="Lund")
    people = [org.entered("Contact", LastName="Lund", AccountId=org.account) for _ in range(2)]
    org.consent(individual, "OptOut")
    async with org.open_dock(**IN_RECORDS) as dock:
        heard = await hear(dock, "", having(*map(contact, people)), PATIENCE_SECONDS)
        assert not any(STATUS in fields_of(one.says) for one in changes_of(arrivals_of(heard), contact(people[0])))
        for person in people:
            org.simulator.seed.update("Contact", person, {"IndividualId": individual})
        both: Enough = lambda found: all(telling(contact(one), "opt_out")(found) for one in people)  # noqa: E731
        await hear(dock, heard[-1].position, both, PATIENCE_SECONDS)


async def test_an_event_without_values_and_a_lost_stretch_bring_consents_too(consenting: Consenting) -> None:
    org = consenting
    person, individual = org.somebody()
    consent = org.consent(individual, "OptIn")
    async with org.open_dock(**IN_RECORDS) as dock:
        position = (await hear(dock, "", telling(account(person), "opt_in"), PATIENCE_SECONDS))[-1].position
        org.trouble(GapEvent(sobject="ContactPointTypeConsent"))
        org.simulator.seed.update("ContactPointTypeConsent", consent, {"PrivacyConsentStatus": "OptOut"})
        await hear(dock, position, telling(account(person), "opt_out"), PATIENCE_SECONDS)
        gap = Gap(since=0, until=dock.client.clock.now(), reason="a test")
        read = arrivals_of([batch async for batch in dock.refill_customers(gap)])
        assert await dock.count_changed_customers(gap) == len({arrival.external_id for arrival in read})

    assert telling(account(person), "opt_out")(read)


async def test_a_status_that_is_not_known_is_a_finding_of_its_customer_alone(consenting: Consenting) -> None:
    org = consenting
    (odd, odds), (person, individual) = org.somebody(), org.somebody()
    async with org.open_dock(**IN_RECORDS) as dock:
        position = (await hear(dock, "", having(account(odd), account(person)), PATIENCE_SECONDS))[-1].position
        unheard = org.consent(odds, "OptIn")
        org.simulator.org.table("ContactPointTypeConsent").rows[unheard]["PrivacyConsentStatus"] = "OptMaybe"
        org.consent(individual, "OptIn")
        heard = arrivals_of(await hear(dock, position, telling(account(person), "opt_in"), PATIENCE_SECONDS))

    (poison,) = [arrival for arrival in heard if arrival.findings]
    assert poison.external_id.startswith(odd)
    assert poison.findings[0].path == "$.ContactPointTypeConsent.PrivacyConsentStatus"


async def test_a_customer_who_is_new_to_the_hub_is_made_known_by_the_record_and_not_by_a_consent(
    consenting: Consenting,
) -> None:
    org = consenting
    async with org.open_dock(**IN_RECORDS) as dock:
        individual = org.entered("Individual", LastName="Lund")
        (person,) = org.simulator.seed.rows(
            "Account", [{"LastName": "Lund", "PersonEmail": "ada@lund.example", "PersonIndividualId": individual}]
        )
        org.consent(individual, "OptIn")
        heard = arrivals_of(await hear(dock, "", telling(account(person), "opt_in"), PATIENCE_SECONDS))

    first, *_ = changes_of(heard, account(person))
    assert fields_of(first.says)["contact.email"] == "ada@lund.example"


async def test_a_consent_of_another_system_is_written_as_a_record_of_the_channel(consenting: Consenting) -> None:
    org = consenting
    person = org.entered("Account", LastName="Lund", FirstName="Ada")
    says = Party(consents={KEY: Consent(status="opt_out", captured_at=CAPTURED, captured_from="till 4")})
    write = CustomerWrite(key="W1", record=account(person), says=says, origin="hub-north")
    async with org.open_dock(**IN_RECORDS) as dock:
        for _ in range(2):
            (done,) = await dock.write_customers([write])
            assert isinstance(done, CustomerRecord)
            assert done.kept == Party()
        (record,) = await dock.read_customers([account(person)])
        heard = arrivals_of(await hear(dock, "", telling(account(person), "opt_out"), PATIENCE_SECONDS))

    (individual,) = org.simulator.rows("Individual")
    assert (individual["LastName"], individual["FirstName"]) == ("Lund", "Ada")
    assert org.row(person, "Account")["PersonIndividualId"] == individual["Id"]
    (consent,) = org.simulator.rows("ContactPointTypeConsent")
    assert (consent["PartyId"], consent["ContactPointType"]) == (individual["Id"], "Email")
    assert (consent["PrivacyConsentStatus"], consent["DataUsePurposeId"]) == ("OptOut", org.purpose)
    assert (consent["CaptureSource"], consent["CaptureDate"][:19]) == ("till 4", "2026-03-01T12:00:00")
    assert record is not None
    assert record.says.consents[KEY] == Consent(
        status="opt_out", captured_at=CAPTURED, captured_from="till 4", starts_at=None, expires_at=None
    )
    told = [one for one in changes_of(heard, account(person)) if STATUS in fields_of(one.says)]
    assert {one.origin for one in told} == {"hub-north"}


async def test_every_record_that_says_otherwise_is_changed_and_its_capture_with_it(consenting: Consenting) -> None:
    org = consenting
    person, individual = org.somebody()
    point = org.entered("ContactPointEmail", ParentId=person, EmailAddress="ada@lund.example")
    org.consent(individual, "OptIn")
    address = org.consent_of(point, "OptOut")
    async with org.open_dock(**IN_RECORDS) as dock:
        says = Party(consents={KEY: Consent(status="opt_in", captured_at=None, captured_from=None)})
        (done,) = await dock.write_customers([CustomerWrite(key="W1", record=account(person), says=says)])
        assert isinstance(done, CustomerRecord)
        (record,) = await dock.read_customers([account(person)])

    assert record is not None
    assert record.says.consents[KEY].status == "opt_in"
    changed = org.row(address, "ContactPointConsent")
    assert (changed["PrivacyConsentStatus"], changed["CaptureSource"]) == ("OptIn", "Crossdock")
    assert done.kept == Party(), "what stands in for an unknown source reads as none"


async def test_an_emptied_consent_ends_now(consenting: Consenting) -> None:
    org = consenting
    person, individual = org.somebody()
    consent = org.consent(individual, "OptIn")
    async with org.open_dock(**IN_RECORDS) as dock:
        says = Party(consents={KEY: Consent(status=None)})
        (done,) = await dock.write_customers([CustomerWrite(key="W1", record=account(person), says=says)])
        (record,) = await dock.read_customers([account(person)])

    assert isinstance(done, CustomerRecord)
    assert record is not None
    assert record.says.consents[KEY].status is None
    ended = datetime.fromisoformat(org.row(consent, "ContactPointTypeConsent")["EffectiveTo"])
    assert abs(ended - datetime.now(UTC)) < timedelta(minutes=1)


async def test_an_emptied_consent_lets_no_older_record_speak_in_its_place(consenting: Consenting) -> None:
    org = consenting
    person, individual = org.somebody()
    org.consent(individual, "OptIn", CaptureDate="2026-01-01T12:00:00Z")
    org.consent(individual, "OptOut")
    async with org.open_dock(**IN_RECORDS) as dock:
        says = Party(consents={KEY: Consent(status=None)})
        (done,) = await dock.write_customers([CustomerWrite(key="W1", record=account(person), says=says)])
        (record,) = await dock.read_customers([account(person)])

    assert isinstance(done, CustomerRecord)
    assert done.kept == Party()
    assert record is not None
    assert record.says.consents[KEY].status is None


async def test_consents_that_cannot_be_read_hold_up_no_other_customers_write(consenting: Consenting) -> None:
    org = consenting
    (odd, odds), (person, individual), (third, _) = org.somebody(), org.somebody(), org.somebody()
    unknown = org.consent(odds, "OptIn")
    consent = org.consent(individual, "OptIn")
    org.simulator.org.table("ContactPointTypeConsent").rows[unknown]["PrivacyConsentStatus"] = "OptMaybe"
    says = Party(consents={KEY: Consent(status="opt_out")})
    async with org.open_dock(**IN_RECORDS) as dock:
        first, second, last = await dock.write_customers(
            [CustomerWrite(key=one, record=account(one), says=says) for one in (odd, person, third)]
        )

    assert isinstance(first, Invalid)
    assert first.findings[0].path == "$.ContactPointTypeConsent.PrivacyConsentStatus"
    assert isinstance(second, CustomerRecord)
    assert isinstance(last, CustomerRecord)
    assert org.row(consent, "ContactPointTypeConsent")["PrivacyConsentStatus"] == "OptOut"


async def test_two_words_for_one_customer_in_one_call_are_both_heard(consenting: Consenting) -> None:
    org = consenting
    person, _ = org.somebody()
    kinds = {KEY: {"channel": "Email", "purpose": "Marketing"}, "email-bills": {"channel": "Email", "purpose": ""}}
    in_two = {"customers": {**IN_RECORDS["customers"], "consent_records": {"kinds": kinds}}}
    words = [{KEY: Consent(status="opt_out")}, {"email-bills": Consent(status="opt_in")}]
    async with org.open_dock(**in_two) as dock:
        done = await dock.write_customers(
            [
                CustomerWrite(key=f"W{place}", record=account(person), says=Party(consents=said))
                for place, said in enumerate(words)
            ]
        )
        (record,) = await dock.read_customers([account(person)])

    assert [one.kept for one in done if isinstance(one, CustomerRecord)] == [Party(), Party()]
    assert record is not None
    assert {key: one.status for key, one in record.says.consents.items()} == {
        KEY: "opt_out",
        "email-bills": "opt_in",
    }


async def test_a_new_person_is_made_with_consents_and_a_business_is_known_to_keep_none(
    consenting: Consenting,
) -> None:
    org = consenting
    consents = {KEY: Consent(status="opt_in"), "sms-marketing": Consent(status="opt_in")}
    person = Party(kind="person", person=Person(name=PersonName(given="Bo", family="Berg")), consents=consents)
    async with org.open_dock(**IN_RECORDS) as dock:
        write = CustomerWrite(key="K1", says=person)
        (made,), (again,) = await dock.write_customers([write]), await dock.write_customers([write])
        on_business = CustomerWrite(key="K2", record=account(org.account), says=Party(consents=consents))
        (business,) = await dock.write_customers([on_business])
        gone = CustomerWrite(
            key="K3", record=account("001gL0000000ZZZAAA"), says=Party(consents={KEY: Consent(status="opt_in")})
        )
        (nobody,) = await dock.write_customers([gone])

    assert isinstance(made, CustomerRecord)
    assert isinstance(again, CustomerRecord)
    assert made.record == again.record
    assert [row["PrivacyConsentStatus"] for row in org.simulator.rows("ContactPointTypeConsent")] == ["OptIn"]
    assert fields_of(made.kept) == {"consents.sms-marketing.status": None}
    assert isinstance(business, CustomerRecord)
    assert fields_of(business.kept)[STATUS] is None
    assert isinstance(nobody, Rejected)


async def test_a_person_who_is_forgotten_has_withdrawn_and_cannot_be_reached_any_more(
    consenting: Consenting,
) -> None:
    org = consenting
    person, individual = org.somebody()
    point = org.entered("ContactPointEmail", ParentId=individual, EmailAddress="ada@lund.example")
    org.consent(individual, "OptIn")
    org.consent_of(point, "OptIn")
    async with org.open_dock(**IN_RECORDS) as dock:
        await dock.erase_customer(CustomerErasure(key="E1", record=account(person)))
        withdrawn = Party(consents={KEY: Consent(status="opt_out")})
        (done,) = await dock.write_customers([CustomerWrite(key="E2", record=account(person), says=withdrawn)])

    assert isinstance(done, CustomerRecord)
    assert [row["PrivacyConsentStatus"] for row in org.simulator.rows("ContactPointTypeConsent")] == ["OptOut"]
    assert org.simulator.rows("ContactPointConsent") == []


async def test_an_org_without_consent_objects_stops_the_dock_and_says_what_to_do() -> None:
    without = ("ContactPointTypeConsent", "ContactPointConsent", "DataUsePurpose")
    async with running_org(without=without) as org, org.open_dock(**IN_RECORDS) as dock:
        check = await dock.check()
        with pytest.raises(Misconfigured) as stopped:
            await hear(dock, "", lambda _: False, PATIENCE_SECONDS)

    assert stopped.value.code == "salesforce-consent-objects"
    assert {finding.path for finding in stopped.value.findings} == {f"$.{sobject}" for sobject in without}
    assert "Data Protection and Privacy" in stopped.value.message
    assert not check.ok
    assert "ContactPointTypeConsent" in check.detail


@pytest.mark.parametrize(
    ("lacking", "path"),
    [(None, "$.DataUsePurpose"), (("Contact", "IndividualId"), "$.Contact.IndividualId")],
)
async def test_an_unknown_purpose_or_a_hidden_link_stops_the_dock(
    org: TestOrg, lacking: tuple[str, str] | None, path: str
) -> None:
    if lacking is not None:
        Consenting(org)
        org.trouble(HideField(sobject=lacking[0], field=lacking[1]))
    async with org.open_dock(**IN_RECORDS) as dock:
        with pytest.raises(Misconfigured) as stopped:
            await hear(dock, "", lambda _: False, PATIENCE_SECONDS)
    assert path in {finding.path for finding in stopped.value.findings}


async def test_consents_in_fields_are_not_looked_for_in_records(consenting: Consenting) -> None:
    org = consenting
    person, individual = org.somebody(EmailConsent__c="opt_in")
    org.consent(individual, "OptOut")
    async with org.open_dock() as dock:
        (record,) = await dock.read_customers([account(person)])

    assert record is not None
    assert record.says.consents == {KEY: Consent(status="opt_in")}
    assert UNTIL not in fields_of(record.says)
