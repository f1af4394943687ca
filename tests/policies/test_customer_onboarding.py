"""Which way a customer goes, who may approve how much, and what a company must tell."""

from datetime import date

import pytest

from crossdock.canonical.party import (
    Account,
    BillingProfile,
    Organisation,
    Party,
    PostalAddress,
    TaxExemption,
    TaxProfile,
)
from crossdock.policies.customer_onboarding import (
    ApprovalLevel,
    CreditRules,
    OnboardingRules,
    asked_limit,
    check_completeness,
    check_credit_rules,
    level_for,
    may_approve,
    may_refuse,
    tax_class_of,
    way_of,
)
from crossdock.policies.legal_entity import check_exemption, check_legal_entity, is_exempt, tax_number_holds

TODAY = date(2026, 3, 1)
CREDIT = CreditRules(
    currency="EUR",
    levels=(
        ApprovalLevel(team="credit", up_to="25000", approvers=("anna",)),
        ApprovalLevel(team="finance", up_to="100000.00", approvers=("carla",)),
        ApprovalLevel(team="board", approvers=("dora",)),
    ),
    limit="5000",
    overdue_owner="erik",
)


@pytest.mark.parametrize(
    ("party", "way"),
    [
        (Party(kind="person"), "light"),
        (Party(kind="organisation"), "onboarding"),
        (Party(account=Account(segment="b2b")), "onboarding"),
        (Party(kind="person", account=Account(segment="b2b")), "light"),
        (Party(kind="organisation", account=Account(number="C-1")), "light"),
        (Party(), "light"),
    ],
)
def test_companies_without_a_number_are_onboarded_and_nobody_else(party: Party, way: str) -> None:
    assert way_of(party) == way


def test_whoever_may_approve_more_may_approve_less_and_nobody_more_than_theirs() -> None:
    allowed = {
        amount: {name for name in ("anna", "carla", "dora", "mallory") if may_approve(name, amount, CREDIT)}
        for amount in ("25000", "25000.01", "100000", "100001")
    }
    assert allowed == {
        "25000": {"anna", "carla", "dora"},
        "25000.01": {"carla", "dora"},
        "100000": {"carla", "dora"},
        "100001": {"dora"},
    }
    assert [level_for(amount, CREDIT).team for amount in ("0", "25000.01", "9999999")] == [
        "credit",
        "finance",
        "board",
    ]


def test_what_is_overdue_its_new_owner_may_decide_too() -> None:
    assert not may_approve("erik", "100001", CREDIT)
    assert may_approve("erik", "100001", CREDIT, overdue=True)
    assert may_refuse("erik", CREDIT)
    assert not may_refuse("mallory", CREDIT)


def test_a_level_that_decides_nothing_is_found() -> None:
    rules = CreditRules(
        currency="EUR", levels=(ApprovalLevel(team="a"), ApprovalLevel(team="b", up_to="10")), limit="1"
    )
    assert [finding.path for finding in check_credit_rules(rules, "$")] == ["$.levels[1].up_to"]
    assert check_credit_rules(CREDIT, "$") == []


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ({"credit.limit.amount": "700.50", "credit.limit.currency": "EUR"}, "700.50"),
        ({"credit.limit.amount": "700.50", "credit.limit.currency": "USD"}, "5000"),
        ({"credit.limit.amount": "-1", "credit.limit.currency": "EUR"}, "5000"),
        ({"credit.limit.amount": "NaN", "credit.limit.currency": "EUR"}, "5000"),
        ({}, "5000"),
    ],
)
def test_a_limit_that_cannot_be_read_asks_for_the_usual_one(said: dict[str, object], limit: str) -> None:
    assert asked_limit(said, CREDIT) == limit


def test_a_legal_name_stands_for_a_name() -> None:
    rules = OnboardingRules(erp="erp", credit=CREDIT, required=("organisation.name", "contact.email"))
    assert [each.path for each in check_completeness({"organisation.legal_name": "X"}, rules)] == [
        "$.contact.email"
    ]


def company(country: str, number: str = "", tax: str = "") -> Party:
    return Party(
        organisation=Organisation(registered_in=country, registration_number=number or None),
        tax=TaxProfile(number=tax or None),
        billing=BillingProfile(address=PostalAddress(country="DE")),
    )


@pytest.mark.parametrize(
    ("party", "wrong"),
    [
        (company("FR", "552100554"), []),
        (company("FR", "552100555"), ["$.organisation.registration_number"]),
        (company("NO", "988077917"), []),
        (company("DE", tax="DE136695976"), []),
        (company("DE", tax="136 695 976"), []),
        (company("DE", tax="DE136695977"), ["$.tax.number"]),
        (company("US", tax="91-1144442"), []),
        (company("US", tax="07-1144442"), ["$.tax.number"]),
        (company("GB", "whatever the register says"), []),
        (company("TV", tax="nobody knows"), []),
    ],
)
def test_a_number_that_fails_its_countrys_checksum_is_found(party: Party, wrong: list[str]) -> None:
    assert [finding.path for finding in check_legal_entity(party)] == wrong


def test_without_a_register_the_billing_country_counts() -> None:
    party = Party(tax=TaxProfile(number="DE136695977"), billing=company("").billing)
    assert [finding.code for finding in check_legal_entity(party)] == ["tax-number-wrong"]
    assert tax_number_holds("EL094259216", "GR")


@pytest.mark.parametrize(
    ("claim", "codes"),
    [
        (TaxExemption(), []),
        (TaxExemption(exempt=True), ["certificate-missing"]),
        (TaxExemption(exempt=True, certificate="C1"), ["certificate-region-missing"]),
        (
            TaxExemption(exempt=True, certificate="C1", region="US-TX", valid_until=date(2026, 2, 28)),
            ["certificate-over"],
        ),
        (TaxExemption(exempt=True, certificate="C1", region="US-TX", valid_until=TODAY), []),
    ],
)
def test_an_exemption_stands_on_a_certificate_that_holds(claim: TaxExemption, codes: list[str]) -> None:
    party = Party(tax=TaxProfile(exemption=claim, classification="reduced"))
    assert [finding.code for finding in check_exemption(party, TODAY)] == codes
    assert is_exempt(party, TODAY) == (claim.exempt is True and not codes)
    assert tax_class_of(party, TODAY) == ("exempt" if is_exempt(party, TODAY) else "reduced")
