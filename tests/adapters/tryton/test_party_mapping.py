"""What a party says of a customer, and what a write sets: by Tryton's own names, one by one."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.adapters.tryton import party_mapping
from crossdock.adapters.tryton.mapping import Catalogue
from crossdock.adapters.tryton.wire import CustomerStateRow
from crossdock.canonical.party import ExternalReference
from crossdock.kit.errors import Rejected
from crossdock.ports.customer_sink import CustomerWrite
from crossdock.testing.builders import a_company

CATALOGUE = Catalogue(currencies={}, countries={"DE": 1, "AT": 2}, subdivisions=(), units={}, warehouses={})
PLACE: dict[str, Any] = {
    "id": 7,
    "party_name": None,
    "street": "Dom 1\n2. Stock",
    "postal_code": "50667",
    "city": "Köln",
    "subdivision.": None,
    "country.": {"id": 1, "code": "DE"},
    "delivery": True,
    "invoice": False,
}


def a_row(**changes: Any) -> CustomerStateRow:
    row: dict[str, Any] = {
        "id": 12,
        "code": "C-1",
        "name": "Anvil & Söhne",
        "active": 1,
        "replaced_by": None,
        "lang.": {"id": 1, "code": "de"},
        "categories.": [],
        "addresses.": [PLACE],
        "contact_mechanisms.": [{"id": 3, "type": "phone", "value": "+49 30 1"}],
        "identifiers.": [],
        "tax_identifier.": {"id": 4, "type": "eu_vat", "code": "DE136695976"},
        "customer_payment_term.": {
            "id": 5,
            "name": "Net 30 days",
            "lines.": [{"id": 6, "relativedeltas.": [{"id": 8, "days": 30, "months": 0}]}],
        },
        "credit_limit_amount": Decimal("500.00"),
        "currency.": {"id": 1, "code": "EUR"},
        **changes,
    }
    return msgspec.convert(row, CustomerStateRow)


def test_a_party_says_what_finance_knows_of_it() -> None:
    said = party_mapping.said_by(a_row(), "Person")

    assert {name: value for name, value in said.items() if value is not None} == {
        "kind": "organisation",
        "organisation.name": "Anvil & Söhne",
        "account.number": "C-1",
        "account.status": "active",
        "credit.status": "approved",
        "credit.limit.amount": "500.00",
        "credit.limit.currency": "EUR",
        "service.language": "de",
        "tax.number": "DE136695976",
        "terms.code": "Net 30 days",
        "terms.days_net": 30,
        "contact.phone": "+49 30 1",
        "shipping.default.address.lines": ("Dom 1", "2. Stock"),
        "shipping.default.address.postal_code": "50667",
        "shipping.default.address.city": "Köln",
        "shipping.default.address.country": "DE",
    }
    assert said["contact.email"] is None
    assert party_mapping.record_of(a_row(), "Person").says.references == (
        ExternalReference("tryton", "party.party", "12"),
        ExternalReference("tryton", "number", "C-1"),
    )


@pytest.mark.parametrize(
    ("changes", "status", "credit"),
    [
        ({"credit_limit_amount": None}, "active", "approved"),
        ({"credit_limit_amount": Decimal(0)}, "blocked", "on_hold"),
        ({"active": 0}, "closed", "approved"),
    ],
)
def test_status_and_credit_are_what_tryton_acts_on(changes: dict[str, Any], status: str, credit: str) -> None:
    said = party_mapping.said_by(a_row(**changes), "Person")

    assert (said["account.status"], said["credit.status"]) == (status, credit)


def test_a_private_customers_last_word_is_the_family() -> None:
    said = party_mapping.said_by(
        a_row(name="Ada Maria Łoś", **{"categories.": [{"id": 1, "name": "Person"}]}), "Person"
    )

    assert (said["kind"], said["person.name.given"], said["person.name.family"]) == ("person", "Ada Maria", "Łoś")


def test_a_version_moves_with_whatever_the_party_says() -> None:
    before, after = a_row(), a_row(**{"contact_mechanisms.": []})

    assert party_mapping.record_of(before, "Person").version != party_mapping.record_of(after, "Person").version
    assert party_mapping.record_of(before, "Person").version == party_mapping.record_of(a_row(), "Person").version


def test_an_update_commands_just_the_parts_that_are_meant() -> None:
    said = {"contact.phone": None, "contact.email": "a@shop.example", "shipping.default.address.city": "Bonn"}

    assert party_mapping.values_of(said, a_row(), CATALOGUE, {}) == {
        "contact_mechanisms": [
            ["create", [{"type": "email", "value": "a@shop.example"}]],
            ["write", [3], {"active": False}],
        ],
        "addresses": [["write", [7], {"city": "Bonn"}]],
    }


def test_an_address_that_serves_both_is_parted_when_one_use_moves() -> None:
    row = a_row(**{"addresses.": [{**PLACE, "invoice": True}]})

    values = party_mapping.values_of({"billing.address.city": "Bonn"}, row, CATALOGUE, {})

    keep, make = values["addresses"]
    assert keep == ["write", [7], {"invoice": False}]
    (made,) = make[1]
    assert (made["city"], made["street_unstructured"]) == ("Bonn", "Dom 1\n2. Stock")
    assert (made["invoice"], made["delivery"]) == (True, False)


def test_what_only_finance_decides_is_not_written() -> None:
    said = {
        "credit.limit.amount": "1",
        "account.status": "active",
        "tax.number": "DE1",
        "credit.status": "approved",
    }

    assert party_mapping.values_of(said, a_row(), CATALOGUE, {}) == {}


DE, GB = "DE136695976", "GB980780684"
TYPES = {"DE": "eu_vat", "GB": "gb_vat"}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("DE129273398", [["write", [4], {"code": "DE129273398"}]]),
        (GB, [["write", [4], {"active": False}], ["create", [{"type": "gb_vat", "code": GB}]]]),
        (None, [["write", [4], {"active": False}]]),
        ("12-3456789", None),
    ],
)
def test_a_tax_number_is_replaced_within_its_type_and_else_takes_the_others_place(
    number: str | None, expected: list[Any] | None
) -> None:
    row = a_row(**{"tax_identifier.": {"id": 4, "type": "eu_vat", "code": DE}})

    assert (
        party_mapping.values_of({"tax.number": number}, row, CATALOGUE, {}, TYPES).get("identifiers") == expected
    )


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"terms.code": "Net 900 days"}, "payment-terms-unknown"),
        ({"shipping.default.address.country": "XX"}, "country-unknown"),
    ],
)
def test_what_tryton_does_not_know_is_refused(said: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        party_mapping.values_of(said, a_row(), CATALOGUE, {"Net 30 days": 5})

    assert caught.value.code == code


def test_a_mark_holds_the_key_and_what_was_said() -> None:
    mark = party_mapping.mark_of(CustomerWrite(key="a#b", says=a_company()))

    assert party_mapping.split_mark(mark)[0] == "a#b"
    assert party_mapping.split_mark(mark) != party_mapping.split_mark(
        party_mapping.mark_of(CustomerWrite(key="a#b", says=a_company("Other")))
    )
    assert party_mapping.split_mark("DE136695976") == ("DE136695976", "")


def test_what_a_party_lacks_is_named_as_nobodys_word() -> None:
    record = party_mapping.record_of(a_row(tax_identifier=None, **{"tax_identifier.": None}), "Person")

    assert "tax.number" in record.unset
    assert "contact.phone" not in record.unset
