"""Amounts cannot be misread: what goes in comes out the same, and anything doubtful does not go in."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.kit.currencies import MINOR_UNITS
from crossdock.kit.money import Money, Price, Quantity

CURRENCIES = {0: "JPY", 2: "EUR", 3: "KWD"}
currencies = st.sampled_from(sorted(MINOR_UNITS))
units = st.integers(-(10**17), 10**17)


def money_of(minor_units: int, currency: str) -> Money:
    return Money.of(Decimal(minor_units).scaleb(-MINOR_UNITS[currency]), currency)


@st.composite
def monies(draw: st.DrawFn) -> Money:
    currency = draw(currencies)
    most = 10 ** (15 + MINOR_UNITS[currency]) - 1
    return money_of(draw(st.integers(-most, most)), currency)


@given(monies())
def test_money_survives_every_wire(money: Money) -> None:
    assert msgspec.json.decode(msgspec.json.encode(money), type=Money) == money
    assert Money(money.amount, money.currency) == money
    assert Decimal(json.loads(msgspec.json.encode(money))["amount"]) == money.decimal
    assert money_of(money.minor_units, money.currency) == money


@given(monies())
def test_money_has_exactly_its_currencys_decimals_and_no_minus_zero(money: Money) -> None:
    assert len(money.amount.partition(".")[2]) == MINOR_UNITS[money.currency]
    assert not (money.decimal == 0 and money.amount.startswith("-"))


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12), currencies)
def test_money_adds_up_exactly(one: int, other: int, currency: str) -> None:
    a, b = money_of(one, currency), money_of(other, currency)
    assert (a + b).minor_units == one + other
    assert (a - b).minor_units == one - other
    assert (-a).minor_units == -one
    assert a + b - b == a


@given(st.integers(0, 10**15), st.integers(0, 10**12))
def test_a_price_times_a_quantity_is_rounded_half_up_once(micro_price: int, micro_quantity: int) -> None:
    price = Price(f"{Decimal(micro_price).scaleb(-6):f}", "EUR")
    quantity = Quantity.from_micro(micro_quantity)
    cents, rest = divmod(micro_price * micro_quantity, 10**10)
    assert price.times(quantity).minor_units == cents + (rest * 2 >= 10**10)


@given(st.integers(0, 10**18 - 1), st.sampled_from(["EA", "KGM", "C62"]))
def test_a_quantity_survives_ledgers_and_wires(micro: int, unit: str) -> None:
    quantity = Quantity.from_micro(micro, unit)
    assert quantity.micro == micro
    assert msgspec.json.decode(msgspec.json.encode(quantity), type=Quantity) == quantity
    assert quantity == Quantity.of(quantity.decimal, unit)


@pytest.mark.parametrize(
    ("written", "kept"),
    [("12.5", "12.50"), ("12", "12.00"), ("-0", "0.00"), ("-0.00", "0.00"), ("0.1", "0.10"), ("-1.5", "-1.50")],
)
def test_equal_amounts_are_equal_however_they_were_written(written: str, kept: str) -> None:
    assert Money(written, "EUR").amount == kept
    assert Money(written, "EUR") == Money(kept, "EUR")
    assert hash(Money(written, "EUR")) == hash(Money(kept, "EUR"))


@pytest.mark.parametrize(("amount", "currency"), [("1.5", "JPY"), ("1.001", "EUR"), ("1.0001", "KWD")])
def test_more_decimals_than_the_currency_has_are_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match="decimals"):
        Money(amount, currency)


def test_zeros_beyond_the_currencys_decimals_are_no_more_decimals() -> None:
    assert Money("1.500", "EUR").amount == "1.50"
    assert Money("7.00", "JPY").amount == "7"


NO_AMOUNTS = [
    "", " ", " 1", "1 ", "1\n", "+1", "--1", "1.", ".5", "01", "00", "1,5", "1_000", "1e3", "1E3", "1e999999",
    "NaN", "nan", "sNaN", "Infinity", "-inf", "0x10", "١٢", "\uff11\uff12", "१", "1.\uff12", "1\u00a0",
    "1\x00", "½", "1.5.5", "1" * 16, "1." + "0" * 7,
]  # fmt: skip


@pytest.mark.parametrize("text", NO_AMOUNTS)
@pytest.mark.parametrize("kind", [Money, Price])
def test_what_is_not_plainly_an_amount_is_refused(kind: Any, text: str) -> None:
    with pytest.raises(ValueError, match="not a decimal amount"):
        kind(text, "EUR")
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode({"amount": text, "currency": "EUR"}), type=kind)


@pytest.mark.parametrize("text", [*NO_AMOUNTS[:-2], "-1", "1" * 13])
def test_what_is_not_plainly_a_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        Quantity(text)


@given(st.text(max_size=8))
def test_no_text_is_an_amount_that_python_would_read_otherwise(text: str) -> None:
    try:
        money = Money(text, "KWD")
    except ValueError:
        return
    assert text.isascii()
    assert money.decimal == Decimal(text)


@pytest.mark.parametrize("value", [12.5, 12, True, None, ["1"], {"a": 1}])
def test_an_amount_is_text_and_never_a_number(value: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode({"amount": value, "currency": "EUR"}), type=Money)


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "XXX", "ZZZ", "\uff25\uff35\uff32", "EU1"])
def test_a_currency_that_is_none_is_refused_with_its_place(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money("1", currency)
    wire = msgspec.json.encode([{"amount": "1", "currency": currency}])
    with pytest.raises(msgspec.ValidationError, match=r"\$\[0\]"):
        msgspec.json.decode(wire, type=list[Money])


def test_different_currencies_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        _ = Money("1", "EUR") + Money("1", "USD")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e16", "1e999999", "-1e30"])
def test_no_computed_value_beyond_all_bounds_becomes_money(value: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        Money.of(Decimal(value), "EUR")


@pytest.mark.parametrize("value", [Decimal(-1), Decimal("0.0000001"), Decimal("NaN"), -1])
def test_no_computed_value_that_is_none_becomes_a_quantity(value: Decimal | int) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        Quantity.of(value)


def test_a_unit_is_short_and_plain() -> None:
    for unit in ("", "ea", "TOO LONG UNIT", "ÄA"):
        with pytest.raises(ValueError, match="not a unit"):
            Quantity("1", unit)


def test_every_currency_has_the_decimals_of_the_standard() -> None:
    assert {MINOR_UNITS[currency] for currency in MINOR_UNITS} == {0, 2, 3}
    for decimals, currency in CURRENCIES.items():
        assert MINOR_UNITS[currency] == decimals
