"""Tryton's typed JSON goes out and comes back as the very same values, and nothing else is taken for it."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.adapters.tryton import codec
from crossdock.kit.errors import Invalid

_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**15), max_value=10**15)
_TYPED = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.text(),
    _DECIMALS,
    st.dates(),
    st.datetimes(),
    st.times(),
    st.binary(max_size=200),
    st.integers(-(10**9), 10**9).map(lambda seconds: timedelta(seconds=seconds)),
)
_NAMES = st.text().filter(lambda name: name != "__class__")
VALUES = st.recursive(
    _TYPED, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4)
)


@given(VALUES)
def test_every_value_comes_back_as_it_went(value: Any) -> None:
    assert codec.loads(codec.dumps(value)) == value


def test_values_have_the_form_tryton_gives_them() -> None:
    assert msgspec.json.decode(codec.dumps(Decimal("1E+2"))) == {"__class__": "Decimal", "decimal": "100"}
    assert msgspec.json.decode(codec.dumps(date(2026, 2, 3))) == {
        "__class__": "date",
        "year": 2026,
        "month": 2,
        "day": 3,
    }


def test_a_fraction_keeps_its_digits() -> None:
    assert codec.loads(b"0.1") == Decimal("0.1")


def test_a_moment_is_read_to_the_microsecond() -> None:
    wire = b'{"__class__":"datetime","year":2026,"month":1,"day":2,"hour":3,"minute":4,"second":5,"microsecond":6}'
    assert codec.loads(wire) == datetime(2026, 1, 2, 3, 4, 5, 6)  # noqa: DTZ001 - Tryton's are naive
    assert codec.loads(codec.dumps(time(1, 2, 3, 4))) == time(1, 2, 3, 4)


def test_a_class_nobody_knows_stays_an_object() -> None:
    assert codec.loads(b'{"__class__":"Banana","ripe":true}') == {"__class__": "Banana", "ripe": True}


@pytest.mark.parametrize(
    ("wire", "path"),
    [
        (b"", "$"),
        (b"<html>", "$"),
        (b"\xff\xfe", "$"),
        (b"[" * 100_000, "$"),
        (b"[" * 100 + b"]" * 100, "$" + "[0]" * 33),
        (b'{"result":[{"__class__":"Decimal"}]}', "$.result[0]"),
        (b'{"result":[{"__class__":"Decimal","decimal":"much"}]}', "$.result[0]"),
        (b'{"a":{"__class__":"date","year":2026,"month":13,"day":1}}', "$.a"),
        (b'{"a":{"__class__":"bytes","base64":"\\u00e4"}}', "$.a"),
    ],
)
def test_what_is_not_trytons_json_is_invalid_with_its_path(wire: bytes, path: str) -> None:
    with pytest.raises(Invalid) as error:
        codec.loads(wire)

    assert [finding.path for finding in error.value.findings] == [path]


def test_a_type_tryton_does_not_know_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        codec.dumps({"a": object()})
