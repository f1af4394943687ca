"""The canonical order takes what makes sense and says where something does not."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.order import LINES_MAX, Adjustment, Order
from crossdock.canonical.party import ExternalReference
from crossdock.kit.money import Money
from crossdock.testing.builders import a_line, an_order

LINE = msgspec.to_builtins(a_line())


def decode(changes: dict[str, Any]) -> Order:
    content = msgspec.to_builtins(an_order()) | changes
    return msgspec.json.decode(msgspec.json.encode(content), type=Order)


cents = st.integers(0, 10**7)


@given(st.lists(st.tuples(cents, st.integers(1, 10**9)), min_size=1, max_size=20), st.lists(cents, max_size=3))
def test_an_order_survives_the_wire_and_its_net_is_the_sum_of_its_parts(
    parts: list[tuple[int, int]], discounts: list[int]
) -> None:
    lines = [
        a_line(str(index), price=f"{price / 100:.2f}", quantity=f"{Decimal(micro).scaleb(-6):f}")
        for index, (price, micro) in enumerate(parts)
    ]
    taken_off = tuple(Adjustment("discount", Money(f"-{Decimal(each).scaleb(-2):f}", "EUR")) for each in discounts)
    order = an_order(lines=lines, adjustments=taken_off)
    assert msgspec.json.decode(msgspec.json.encode(order), type=Order) == order
    expected = sum(line.unit_price.times(line.quantity).minor_units for line in lines) - sum(discounts)
    assert order.net().minor_units == expected


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"lines": []}, "$.lines"),
        ({"lines": [msgspec.to_builtins(a_line())] * (LINES_MAX + 1)}, "$.lines"),
        ({"ordered_at": "2026-01-01T12:00:00"}, "$.ordered_at"),
        ({"ordered_at": "yesterday"}, "$.ordered_at"),
        ({"currency": "eur"}, "$.currency"),
        ({"priority": 10}, "$.priority"),
        ({"order_id": ""}, "$.order_id"),
        ({"order_id": "x" * 65}, "$.order_id"),
        ({"customer": None}, "$.customer"),
        ({"accepts_partial": "yes"}, "$.accepts_partial"),
        ({"lines": [LINE | {"quantity": {"value": "-1"}}]}, "$.lines[0].quantity"),
        ({"lines": [LINE | {"unit_price": {"amount": 1, "currency": "EUR"}}]}, "$.lines[0].unit_price.amount"),
        ({"shipping_address": {"lines": ["x"], "city": "y", "country": "Germany"}}, "$.shipping_address.country"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        decode(changes)
    assert f"`{path}" in str(caught.value)


def test_a_currency_nobody_has_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="'ZZZ' is not an ISO 4217 currency"):
        decode({"currency": "ZZZ"})


def test_an_order_is_found_by_the_numbers_others_gave_it() -> None:
    references = (ExternalReference("shop", "Cart", "C-7"), ExternalReference("crm", "Order", "801"))
    order = an_order(references=references)
    assert order.reference("crm") == "801"
    assert order.reference("shop", "Cart") == "C-7"
    assert order.reference("shop", "Order") == ""
