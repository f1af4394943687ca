"""The translation between canonical orders and Tryton's records, without a Tryton."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.adapters.tryton import mapping
from crossdock.adapters.tryton.client import as_rows
from crossdock.adapters.tryton.mapping import Catalogue
from crossdock.adapters.tryton.wire import (
    AddressRow,
    CreditRow,
    CustomerRow,
    Memo,
    ProductRow,
    SaleRow,
    StockRow,
    SubdivisionRow,
    UnitRow,
    fields_of,
)
from crossdock.canonical.order import Order, RequestedFulfilment
from crossdock.canonical.party import Customer, ExternalReference
from crossdock.kit.errors import Invalid, Rejected
from crossdock.kit.money import Quantity
from crossdock.ports.order_gateway import LineResult
from crossdock.testing.builders import NOON, a_line, an_address, an_order

REFUSED = LineResult(line_id="2", accepted_micro=0, refused_micro=1_000_000, reason_code="x", reason="no")
MEMO = Memo(crossdock=1, order_id="O-1", content="c", correlation_id="k", ordered_at=NOON, refused=((1, REFUSED),))
CATALOGUE = Catalogue(
    currencies={"EUR": 1},
    countries={"DE": 3, "US": 4},
    subdivisions=(SubdivisionRow(id=9, code="US-NY", name="New York", country=4),),
    units={"EA": UnitRow(id=1, symbol="u", category=1, digits=0)},
    warehouses={},
)


def a_sale(state: str = "processing", *, note: str = mapping.memo_note(MEMO), **changes: Any) -> SaleRow:
    line = {"id": 1, "type": "line", "quantity": Decimal("2.5"), "note": "1", "product": 5}
    row = {
        "id": 7,
        "number": "S7",
        "reference": "K",
        "state": state,
        "lines.": [line, {**line, "id": 2, "note": "3"}, {**line, "id": 3, "note": None, "product": None}],
        "notes.": [{"id": 1, "message": "a clerk's own note"}, {"id": 2, "message": note}],
    }
    return as_rows([row | changes], SaleRow)[0]


def an_address_row(**changes: Any) -> AddressRow:
    row = {
        "id": 1,
        "party_name": None,
        "street": "Musterweg 1",
        "postal_code": "10115",
        "city": "Berlin",
        "subdivision.": None,
        "country.": {"id": 3, "code": "DE"},
    }
    return msgspec.convert(row | changes, AddressRow)


def a_customer_row(**changes: Any) -> CustomerRow:
    row = {
        "id": 1,
        "code": "C-1",
        "name": "Ada",
        "active": 1,
        "customer_tax_rule": None,
        "addresses.": [],
        "customer_payment_term.": None,
        "categories.": [{"id": 1, "name": "Person"}],
    }
    return msgspec.convert(row | changes, CustomerRow)


def a_product_row(**changes: Any) -> ProductRow:
    row = {
        "id": 1,
        "code": "P-1",
        "name": "Thing",
        "active": True,
        "salable": True,
        "default_uom_category": 1,
        "default_uom.": {"id": 1, "symbol": "u"},
        "sale_uom.": {"id": 1, "symbol": "u"},
        "template.": {"id": 1, "active": True},
        "account_category.": None,
    }
    return msgspec.convert(row | changes, ProductRow)


def test_fields_to_ask_for_are_the_fields_that_are_read() -> None:
    assert fields_of(AddressRow) == (
        "party_name",
        "street",
        "postal_code",
        "city",
        "subdivision.name",
        "subdivision.id",
        "country.code",
        "country.id",
        "id",
    )


def test_a_missing_field_is_invalid_with_its_path() -> None:
    line = {"id": 1, "type": "line", "quantity": None, "note": None}
    row = {"id": 7, "number": None, "reference": None, "state": "draft", "lines.": [line], "notes.": []}

    with pytest.raises(Invalid) as error:
        as_rows([row], SaleRow)

    assert [finding.path for finding in error.value.findings] == ["$[0].lines.[0].product"]


def test_results_come_in_the_order_of_the_lines() -> None:
    accepted = mapping.acceptance_of(a_sale())

    assert [(line.line_id, line.accepted_micro) for line in accepted.lines] == [
        ("1", 2_500_000),
        ("2", 0),
        ("3", 2_500_000),
    ]
    assert (accepted.number, accepted.status, accepted.vendor_status) == ("S7", "partly_accepted", "processing")


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("confirmed", "partly_accepted"),
        ("processing", "partly_accepted"),
        ("done", "partly_accepted"),
        ("draft", "pending"),
        ("quotation", "pending"),
        ("on_hold", "pending"),
        ("", "pending"),
    ],
)
def test_only_a_known_yes_is_a_yes(state: str, status: str) -> None:
    assert mapping.acceptance_of(a_sale(state)).status == status


@pytest.mark.parametrize("note", ["", "words", '{"crossdock"', '{"crossdock":"one"}', "[]"])
def test_a_note_that_is_not_ours_is_no_memo(note: str) -> None:
    assert mapping.memo_of(a_sale(note=note)) is None


def test_a_memo_comes_back_as_it_was_noted() -> None:
    assert mapping.memo_of(a_sale()) == MEMO


@pytest.mark.parametrize(
    "other",
    [
        an_order(lines=[a_line(quantity="2")]),
        an_order(lines=[a_line(price="10.01")]),
        an_order(lines=[a_line(product="P-2")]),
        an_order("O-2"),
        an_order(customer="C-2"),
        an_order(shipping_address=an_address(city="Ulm")),
        an_order(fulfilment=RequestedFulfilment(location="LDN")),
    ],
)
def test_other_content_has_another_print(other: Order) -> None:
    assert mapping.content_of(other) != mapping.content_of(an_order())


@pytest.mark.parametrize(
    "same",
    [
        an_order(priority=1),
        an_order(references=(ExternalReference("salesforce", "Order", "801"),)),
        an_order(customer=Customer(number="C-1001", name="Spelt otherwise")),
    ],
)
def test_what_tryton_is_not_told_changes_no_print(same: Order) -> None:
    assert mapping.content_of(same) == mapping.content_of(an_order())


def test_a_time_in_the_past_asks_for_no_day() -> None:
    wanted = an_order(fulfilment=RequestedFulfilment(requested_at=NOON))

    assert mapping.shipping_date(wanted, NOON + timedelta(days=1)) is None
    assert mapping.shipping_date(wanted, NOON - timedelta(days=1)) == NOON.date()
    assert mapping.shipping_date(an_order(), NOON) is None


@pytest.mark.parametrize(
    "row",
    [
        an_address_row(),
        an_address_row(street=" musterweg  1\n", city="BERLIN"),
        an_address_row(party_name="ada beispiel"),
    ],
)
def test_an_address_is_known_whatever_its_case_and_spacing(row: AddressRow) -> None:
    wanted = an_address(name="Ada Beispiel" if row.party_name else "Inhaber")

    assert mapping.find_address(wanted, "Inhaber", [row]) == row


@pytest.mark.parametrize(
    "row",
    [
        an_address_row(street="Musterweg 11"),
        an_address_row(postal_code="10116"),
        an_address_row(city="Ulm"),
        an_address_row(**{"country.": {"id": 4, "code": "US"}}),
        an_address_row(**{"country.": None}),
        an_address_row(party_name="Somebody else"),
    ],
)
def test_another_address_is_not_taken_for_it(row: AddressRow) -> None:
    assert mapping.find_address(an_address(name="Inhaber"), "Inhaber", [row]) is None


@pytest.mark.parametrize(
    ("region", "subdivision", "city"),
    [("NY", 9, "Hudson"), ("new york", 9, "Hudson"), ("Ohio", None, "Hudson, Ohio"), ("", None, "Hudson")],
)
def test_a_region_is_told_one_way_or_the_other(region: str, subdivision: int | None, city: str) -> None:
    address = an_address(city="Hudson", region=region, country="US")

    values = mapping.address_values(address, 1, "Ada", CATALOGUE)

    assert (values["subdivision"], values["city"]) == (subdivision, city)


def test_a_country_without_delivery_is_rejected() -> None:
    with pytest.raises(Rejected) as refusal:
        mapping.address_values(an_address(country="AQ"), 1, "Ada", CATALOGUE)

    assert refusal.value.code == "country-unknown"


@pytest.mark.parametrize(
    ("row", "limit", "blocked"),
    [
        (a_customer_row(), None, False),
        (a_customer_row(), Decimal(1), False),
        (a_customer_row(), Decimal(0), True),
        (a_customer_row(active=0), None, True),
    ],
)
def test_blocked_is_a_customer_without_credit_or_closed(
    row: CustomerRow, limit: Decimal | None, blocked: bool
) -> None:
    customer = mapping.customer_of(row, CreditRow(id=1, credit_limit_amount=limit), "Person")

    assert (customer.blocked, bool(customer.block_reason), customer.kind) == (blocked, blocked, "person")


def test_without_the_credit_module_nobody_is_blocked() -> None:
    assert not mapping.customer_of(a_customer_row(), None, "Person").blocked


def test_an_address_too_incomplete_to_send_to_is_left_out() -> None:
    assert mapping.address_of(an_address_row(street=None), "Ada") is None
    assert mapping.address_of(an_address_row(city=None), "Ada") is None


@pytest.mark.parametrize("changes", [{"active": 0}, {"salable": None}, {"template.": {"id": 1, "active": False}}])
def test_a_product_that_cannot_be_sold_is_inactive(changes: dict[str, Any]) -> None:
    assert mapping.product_of(a_product_row(), {"u": "EA"}).active
    assert not mapping.product_of(a_product_row(**changes), {"u": "EA"}).active


@pytest.mark.parametrize(
    ("symbol", "code"), [("u", "EA"), ("m²", "M"), ("kW⋅h", "KWH"), ("⋅", "EA"), ("oz", "OZ")]
)
def test_every_unit_has_a_code(symbol: str, code: str) -> None:
    assert mapping.unit_code(symbol, {"u": "EA"}) == code


def test_more_promised_than_there_is_leaves_nothing() -> None:
    row = msgspec.convert(
        {
            "id": 1,
            "code": "P-1",
            "quantity": Decimal("0.1234567"),
            "forecast_quantity": Decimal(-3),
            "default_uom.": {"id": 1, "symbol": "u"},
        },
        StockRow,
    )

    level = mapping.stock_of(row, "BER", {"u": "EA"})

    assert (level.on_hand, level.forecast) == (Quantity("0.123457"), Quantity("0"))


def test_trytons_moments_are_utc() -> None:
    naive = datetime(2026, 1, 1, 12, tzinfo=UTC).replace(tzinfo=None)

    assert mapping.instant(naive) == 1_767_268_800_000_000


@pytest.mark.parametrize("reference", ["K1", "K1/refused", "K1/cancelled"])
def test_a_withdrawn_sale_still_tells_its_key(reference: str) -> None:
    assert mapping.key_of(reference) == "K1"
