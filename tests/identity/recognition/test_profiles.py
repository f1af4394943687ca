"""What a system says of a party, as what is compared: nothing that identifies is lost on the way."""

from datetime import date

from msgspec import UNSET

from crossdock.canonical import party as said
from crossdock.canonical.party import ExternalReference
from crossdock.identity.matching.record import PostalAddress, Profile, Reference
from crossdock.identity.recognition.profiles import profile_of


def test_a_person_with_all_that_identifies_them() -> None:
    party = said.Party(
        kind="person",
        person=said.Person(
            name=said.PersonName(given="Anna", family="Seidl", suffix="Jr."), birth_date=date(1980, 5, 17)
        ),
        account=said.Account(number="C-100"),
        contact=said.Contact(email="a@example.net", email_verified=True, phone="1", mobile="2"),
        billing=said.BillingProfile(
            email="b@example.net",
            address=said.PostalAddress(
                lines=("Lindenstr. 12",), postal_code="80331", city="München", country="DE"
            ),
        ),
        loyalty={"club": said.LoyaltyIdentity(number="L-7")},
        references=(ExternalReference("shop", "Customer", "9"),),
    )
    assert profile_of(party, ExternalReference("crm", "Contact", "1")) == Profile(
        given="Anna",
        family="Seidl",
        suffix="Jr.",
        birth_date="1980-05-17",
        country="DE",
        emails=("a@example.net", "b@example.net"),
        verified_emails=("a@example.net",),
        phones=("1", "2"),
        addresses=(PostalAddress(lines=("Lindenstr. 12",), postcode="80331", city="München", country="DE"),),
        loyalty_ids=("L-7",),
        customer_numbers=("C-100",),
        references=(Reference("crm/Contact", "1"), Reference("shop/Customer", "9")),
    )


def test_an_organisation_by_its_legal_name() -> None:
    party = said.Party(
        organisation=said.Organisation(
            name="Meyer",
            legal_name="Meyer Bau",
            legal_form="GmbH",
            registration_number="HRB 1",
            registered_in="DE",
        ),
        tax=said.TaxProfile(number="DE136695976"),
    )
    profile = profile_of(party)
    assert (profile.kind, profile.organisation, profile.legal_form) == ("organisation", "Meyer Bau", "GmbH")
    assert profile.other_names == ("Meyer",)
    assert (profile.registration, profile.country, profile.tax_ids) == ("HRB 1", "DE", ("DE136695976",))


def test_what_is_empty_or_not_said_is_left_out() -> None:
    party = said.Party(contact=said.Contact(email=None, phone=UNSET, email_verified=True))
    assert profile_of(party) == Profile()
