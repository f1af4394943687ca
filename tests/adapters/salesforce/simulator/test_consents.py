"""Data protection and privacy: individuals, how they are reached, what they agreed to and what for."""

from typing import Any

import pytest
from tests.adapters.salesforce.simulator.clients import Bus, Rest, error_of

from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.settings import OrgSettings

pytestmark = pytest.mark.anyio

CAPTURED = {
    "PrivacyConsentStatus": "OptIn",
    "CaptureContactPointType": "Web",
    "CaptureDate": "2026-01-01T12:00:00Z",
    "CaptureSource": "shop",
}


def test_consents_belong_to_individuals_and_know_their_words(rest: Rest) -> None:
    individual = rest.created("Individual", LastName="L")
    values = {
        "Name": "E-mail",
        "PartyId": individual,
        "ContactPointType": "Email",
        "PrivacyConsentStatus": "OptIn",
    }
    captured = {"CaptureContactPointType": "Web", "CaptureDate": "2026-01-01T12:00:00Z", "CaptureSource": "shop"}
    rest.created("ContactPointTypeConsent", **values, **captured)

    wrong = rest("POST", "sobjects/ContactPointTypeConsent", {**values, **captured, "PrivacyConsentStatus": "Yes"})
    missing = rest("POST", "sobjects/ContactPointTypeConsent", values)

    assert error_of(wrong) == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert error_of(missing) == "REQUIRED_FIELD_MISSING"
    assert rest.names("SELECT PrivacyConsentStatus FROM ContactPointTypeConsent") == ["OptIn"]


@pytest.mark.parametrize(
    ("sobject", "values", "name"),
    [
        ("ContactPointEmail", {"EmailAddress": "a@shop.example"}, "a@shop.example"),
        ("ContactPointPhone", {"TelephoneNumber": "+49 30 1", "PhoneType": "Mobile"}, "+49 30 1"),
        ("ContactPointAddress", {"Name": "Home", "City": "Köln", "AddressType": "Shipping"}, "Home"),
    ],
)
def test_a_consent_may_be_about_one_contact_point_and_goes_with_it(
    rest: Rest, sobject: str, values: dict[str, Any], name: str
) -> None:
    point = rest.created(sobject, ParentId=rest.created("Individual", LastName="L"), **values)
    purpose = rest.created("DataUsePurpose", Name="Marketing", CanDataSubjectOptOut=True)
    about = {"Name": "N", "ContactPointId": point, "DataUsePurposeId": purpose}
    rest.created("ContactPointConsent", **about, **CAPTURED)

    assert rest.names(f"SELECT Name FROM {sobject}") == [name]
    consents = "SELECT Id FROM ContactPointConsent"
    assert rest.names(f"{consents} WHERE DataUsePurpose.Name = 'Marketing' AND ContactPointId = '{point}'")
    rest("DELETE", f"sobjects/{sobject}/{point}")
    assert rest.names(consents) == []


def test_a_consent_is_about_a_contact_point_and_of_an_individual_and_of_nothing_else(rest: Rest) -> None:
    account, individual = rest.created("Account", Name="A"), rest.created("Individual", LastName="L")

    about = {"Name": "N", "ContactPointId": individual}
    wrong = rest("POST", "sobjects/ContactPointConsent", {**about, **CAPTURED})
    whose = {"Name": "N", "PartyId": account, "ContactPointType": "Email"}
    nobody = rest("POST", "sobjects/ContactPointTypeConsent", {**whose, **CAPTURED})
    missing = rest("POST", "sobjects/ContactPointConsent", {"Name": "N", **CAPTURED})

    assert {error_of(wrong), error_of(nobody)} == {"MALFORMED_ID"}
    assert error_of(missing) == "REQUIRED_FIELD_MISSING"


def test_individuals_who_are_merged_take_their_consents_along(rest: Rest) -> None:
    master, loser = (rest.created("Individual", LastName=name) for name in ("L", "M"))
    rest.created("ContactPointTypeConsent", Name="N", PartyId=loser, ContactPointType="Email", **CAPTURED)
    rest.simulator.seed.merge("Individual", master, loser)

    assert rest.names("SELECT PartyId FROM ContactPointTypeConsent") == [master]


async def test_changes_of_consents_are_announced(rest: Rest, bus: Bus) -> None:
    individual = rest.created("Individual", LastName="L")
    point = rest.created("ContactPointEmail", ParentId=individual, EmailAddress="a@shop.example")
    rest.created("ContactPointTypeConsent", Name="N", PartyId=individual, ContactPointType="Email", **CAPTURED)
    consent = rest.created("ContactPointConsent", Name="N", ContactPointId=point, **CAPTURED)
    rest("PATCH", f"sobjects/ContactPointConsent/{consent}", {"PrivacyConsentStatus": "OptOut"})

    (made,) = await bus.all_events("/data/ContactPointTypeConsentChangeEvent", 1)
    _, changed = await bus.all_events("/data/ContactPointConsentChangeEvent", 2)

    assert (made["PartyId"], made["PrivacyConsentStatus"]) == (individual, "OptIn")
    assert changed["PrivacyConsentStatus"] == "OptOut"


def test_an_org_whose_feature_is_off_knows_nothing_of_such_objects() -> None:
    with SalesforceSimulator(OrgSettings(without=("ContactPointConsent", "DataUsePurpose"))) as simulator:
        rest = Rest(simulator)

        assert error_of(rest("GET", "sobjects/ContactPointConsent/describe")) == "NOT_FOUND"
        assert rest.refused("SELECT Id FROM DataUsePurpose")[0] == "INVALID_TYPE"
        assert rest.created("Account", Name="A")
        rest.http.close()
