"""Whom the day gets to know: a company, a person by two channels, two people in doubt; and what is typed of them.

Nobody in here exists. Telephone numbers are ones kept for fiction, mail goes to example domains.
"""

from collections.abc import Mapping
from typing import Any

from crossdock.canonical.party import Address

APPROVER, STEWARD = "anna", "ben"
"""Who decides: about credit, and about who is who."""

APPROVED_TERMS, OTHER_TERMS = "Net 30 days", "Immediate"
TYPED_TERMS, TYPED_STREET = "Net 90 days", "Neuer Wall 1"
"""What a sales rep types, though both are the ERP's to say."""

COMPANY_NAME, COMPANY_EMAIL = "Hafenlicht Großhandel GmbH", "einkauf@hafenlicht.example"
COMPANY_PLACE = Address(lines=("Speicherstadt 4",), postal_code="20457", city="Hamburg", country="DE")
COMPANY: Mapping[str, Any] = {
    "Name": COMPANY_NAME,
    "Email__c": COMPANY_EMAIL,
    "TaxId__c": "DE136695976",
    "BillingStreet": "Speicherstadt 4",
    "BillingPostalCode": "20457",
    "BillingCity": "Hamburg",
    "BillingCountry": "Germany",
}

PERSON_NAME, PERSON_AT_TILL = "Katharina Böhmer", "KATHARINA BOEHMER"
PERSON_EMAIL = "katharina.boehmer@mail.example"
PERSON: Mapping[str, Any] = {
    "FirstName": "Katharina",
    "LastName": "Böhmer",
    "PersonEmail": PERSON_EMAIL,
    "PersonMobilePhone": "+49 30 23125901",
    "ShippingStreet": "Rosenthaler Straße 12",
    "ShippingPostalCode": "10119",
    "ShippingCity": "Berlin",
    "ShippingCountry": "Germany",
}
PERSON_SLIP: Mapping[str, Any] = {
    "kind": "person",
    "person.name.given": "KATHARINA",
    "person.name.family": "BOEHMER",
    "contact.email": PERSON_EMAIL.upper(),
    "contact.phone": "+49 (0)30 / 23125-901",
}

TWO_NAME = "Stefan Albrecht"
TWO_EMAILS = ("albrecht.s@mail.example", "stefan@albrecht.example")
FIRST_SLIP: Mapping[str, Any] = {
    "kind": "person",
    "person.name.given": "Stefan",
    "person.name.family": "Albrecht",
    "contact.email": TWO_EMAILS[0],
    "contact.phone": "+49 30 23125902",
    "shipping.default.address.lines": ["Lindenallee 8"],
    "shipping.default.address.postal_code": "04105",
    "shipping.default.address.city": "Leipzig",
    "shipping.default.address.country": "DE",
}
SECOND: Mapping[str, Any] = {
    "FirstName": "Stefan",
    "LastName": "Albrecht",
    "PersonEmail": TWO_EMAILS[1],
    "ShippingStreet": "Lindenallee 8",
    "ShippingPostalCode": "04105",
    "ShippingCity": "Leipzig",
    "ShippingCountry": "Germany",
}
NOT_THE_SAME = "Father and son: the son was asked at the till."
