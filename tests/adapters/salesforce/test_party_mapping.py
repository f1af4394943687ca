"""What an account says of a customer, and what a write sets: by Salesforce's own names, one by one."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from crossdock.adapters.salesforce import party_mapping
from crossdock.adapters.salesforce.changes import ChangeEvent
from crossdock.adapters.salesforce.settings import CustomerFields, SalesforceSettings
from crossdock.canonical.party import (
    Consent,
    Contact,
    CreditProfile,
    Party,
    PaymentTerms,
    Person,
    PersonName,
    PostalAddress,
    ShippingProfile,
)
from crossdock.identity.golden.fields import fields_of, party_of
from crossdock.kit.errors import Invalid
from crossdock.ports.customer_sink import CustomerWrite
from crossdock.testing.builders import a_company

SETTINGS = SalesforceSettings(client_id="x")
FIELDS = CustomerFields()
RECORD = "001gL0000000001AAA"


def said(**row: Any) -> dict[str, Any]:
    return fields_of(party_mapping.says_of({"Id": RECORD, **row}, SETTINGS))


def event(change_type: str, changed: tuple[str, ...] = (), **values: Any) -> ChangeEvent:
    return ChangeEvent(
        entity="Account",
        change_type=change_type,
        record_ids=(RECORD,),
        origin="com/salesforce/api/rest/67.0;client=pos",
        committed_at=1,
        changed=changed,
        nulled=(),
        diffed=(),
        values=values,
    )


def test_a_business_account_says_what_it_holds() -> None:
    assert said(
        IsPersonAccount=False,
        Name="Anvil",
        LastName=None,
        Email__c="office@anvil.example",
        PersonEmail=None,
        ShippingStreet="Dom 1\n2. Stock",
        ShippingCountry="Germany",
        PaymentTerms__c="N30",
        PaymentDays__c=Decimal("30.0"),
        TaxExempt__c=True,
        Phone=None,
    ) == {
        "kind": "organisation",
        "organisation.name": "Anvil",
        "contact.email": "office@anvil.example",
        "shipping.default.address.lines": ("Dom 1", "2. Stock"),
        "shipping.default.address.country": "DE",
        "terms.code": "N30",
        "terms.days_net": 30,
        "tax.exemption.exempt": True,
        "contact.phone": None,
    }


def test_a_person_account_says_what_it_holds() -> None:
    assert said(
        IsPersonAccount=True,
        Name="Ærø Łoś",
        FirstName="Ærø",
        LastName="Łoś",
        Salutation=None,
        PersonEmail="a@shop.example",
        Email__c=None,
        PersonBirthdate="1990-02-28",
        EmailConsent__c="opt_out",
    ) == {
        "kind": "person",
        "person.name.given": "Ærø",
        "person.name.family": "Łoś",
        "person.name.salutation": None,
        "person.birth_date": "1990-02-28",
        "contact.email": "a@shop.example",
        "consents.email-marketing.status": "opt_out",
    }


@pytest.mark.parametrize(
    ("row", "path"),
    [
        ({"BillingCountry": "Atlantis"}, "$.BillingCountry"),
        ({"PaymentDays__c": Decimal("1.5")}, "$.PaymentDays__c"),
        ({"TaxExempt__c": "yes"}, "$.TaxExempt__c"),
        ({"Phone": 17}, "$.Phone"),
        ({"Overdue__c": float("inf")}, "$.receivables.overdue.amount"),
        ({"Overdue__c": True}, "$.Overdue__c"),
        ({"CreditStatus__c": "good"}, "$.credit.status"),
    ],
)
def test_what_makes_no_sense_is_a_finding_with_its_path(row: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as caught:
        said(**row)

    assert [finding.path for finding in caught.value.findings] == [path]
    assert "Atlantis" not in str(caught.value.findings)


@pytest.mark.parametrize("amount", [Decimal("1250.5"), 1250.5])
def test_an_amount_is_a_number_there_and_decimal_text_here(amount: object) -> None:
    told = said(IsPersonAccount=False, CreditLimit__c=amount, CreditLimitCurrency__c="EUR", Overdue__c=None)
    assert told == {
        "kind": "organisation",
        "credit.limit.amount": "1250.5",
        "credit.limit.currency": "EUR",
        "receivables.overdue.amount": None,
    }
    says = party_of({"receivables.balance.amount": "-12.50", "receivables.balance.currency": "EUR"})
    row = party_mapping.changes_row(says, SETTINGS.customers, person=False)
    assert row == {"Receivables__c": Decimal("-12.50"), "ReceivablesCurrency__c": "EUR"}


def test_an_update_tells_only_what_changed_and_what_was_cleared() -> None:
    update = event(
        "UPDATE",
        ("Phone", "ShippingAddress.City", "Name.FirstName", "LastModifiedDate"),
        Phone=None,
        Name={"FirstName": "Ada", "LastName": None, "Salutation": None},
        ShippingAddress={"City": "Köln", "Street": None},
        BillingAddress=None,
        LastModifiedDate=1_767_268_800_000,
    )

    row = party_mapping.changed_row(update, RECORD)

    assert said(**row) == {
        "contact.phone": None,
        "person.name.given": "Ada",
        "shipping.default.address.city": "Köln",
    }
    assert party_mapping.version_of(row) == "2026-01-01T12:00:00Z"
    assert party_mapping.origin_of(update) == "pos"


def test_a_new_account_tells_all_that_has_a_value() -> None:
    made = event(
        "CREATE",
        IsPersonAccount=True,
        Name={"FirstName": None, "LastName": "L", "Salutation": None},
        PersonBirthdate=635_904_000_000,
        Phone=None,
    )

    assert said(**party_mapping.changed_row(made, RECORD)) == {
        "kind": "person",
        "person.name.family": "L",
        "person.birth_date": "1990-02-25",
    }


def test_a_write_sets_what_it_says_and_clears_what_it_says_is_empty() -> None:
    says = Party(
        contact=Contact(phone=None, email="a@shop.example"),
        credit=CreditProfile(status="on_hold"),
        terms=PaymentTerms(code="N30", days_net=30),
        consents={"email-marketing": Consent(status="opt_in"), "sms": Consent(status="opt_in")},
        shipping={"default": ShippingProfile(address=PostalAddress(lines=("Dom 1", "2. Stock"), country="DE"))},
    )

    common = {
        "Phone": None,
        "CreditStatus__c": "on_hold",
        "PaymentTerms__c": "N30",
        "PaymentDays__c": 30,
        "EmailConsent__c": "opt_in",
        "ShippingStreet": "Dom 1\n2. Stock",
        "ShippingCountry": "DE",
    }
    assert party_mapping.changes_row(says, FIELDS, person=False) == {**common, "Email__c": "a@shop.example"}
    assert party_mapping.changes_row(says, FIELDS, person=True) == {**common, "PersonEmail": "a@shop.example"}
    assert party_mapping.depends_on_kind(says, FIELDS)


def test_a_new_row_bears_key_and_content() -> None:
    person = Party(kind="person", person=Person(name=PersonName(family="L"), birth_date=date(1990, 2, 28)))
    write = CustomerWrite(key="K1", says=person)

    row = party_mapping.new_row(write, FIELDS)

    assert row == {
        "attributes": {"type": "Account"},
        "LastName": "L",
        "PersonBirthdate": "1990-02-28",
        "Hub_Key__c": "K1",
        "Hub_Content__c": party_mapping.content_of(write),
    }
    other = CustomerWrite(key="K1", says=a_company())
    assert party_mapping.content_of(other) != row["Hub_Content__c"]


def test_an_unticked_box_is_nobodys_word_unless_an_update_tells_of_it() -> None:
    row = {"Id": RECORD, "Phone": None, "TaxExempt__c": False, "TaxClass__c": "B2B"}

    read = party_mapping.change_of(row, "changed", 1, SETTINGS)
    updated = party_mapping.change_of(row, "changed", 1, SETTINGS, is_whole=False)

    assert set(read.unset) == {"contact.phone", "tax.exemption.exempt"}
    assert updated.unset == ()
    assert fields_of(updated.says)["tax.exemption.exempt"] is False
