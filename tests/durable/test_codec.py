"""What the journal keeps can be read again, or it says where it does not fit."""

import pytest

from crossdock.canonical.order import Order
from crossdock.durable.codec import decode, decode_refusal, encode, encode_refusal
from crossdock.durable.parking import parking_for
from crossdock.durable.process import Stake
from crossdock.kit.errors import Finding, Invalid, Rejected
from crossdock.testing.builders import an_order


def test_an_order_comes_out_as_it_went_in() -> None:
    order = an_order(lines=7)
    assert decode(encode(order), Order) == order


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        (b"", "$"),
        (b"{", "$"),
        (b"null", "$"),
        (b'{"order_id":7}', "$.order_id"),
        (b"\xff\xfe", "$"),
        (b'"\xff"', "$"),
        (b"[" * 100_000, "$"),
        (b'{"lines":' + b"[" * 100_000, "$.lines[0]"),
    ],
)
def test_what_does_not_fit_is_invalid_with_its_place(payload: bytes, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode(payload, Order)
    assert caught.value.findings[0].path == path


def test_a_refusal_is_the_same_after_any_number_of_replays() -> None:
    refusal = Rejected(
        "blocked: ö", code="blocked", system="erp", vendor_code="CH", findings=[Finding("a", "$.b", "c")]
    )
    again = decode_refusal(encode_refusal(decode_refusal(encode_refusal(refusal))))
    for name in ("message", "code", "system", "vendor_code", "findings"):
        assert getattr(again, name) == getattr(refusal, name)


def test_signatures_group_causes_not_words() -> None:
    def signature(error: Exception, step: str = "submit") -> str:
        return parking_for(error, None, step, Stake()).signature

    one = signature(Invalid("customer Ada", code="x", vendor_code="7"))
    assert one == signature(Invalid("customer Bob", code="x", vendor_code="7"))
    others = [
        Invalid("m", code="y", vendor_code="7"),
        Invalid("m", code="x", vendor_code="8"),
        Rejected("m", code="x", vendor_code="7"),
        Invalid("m", code="x", vendor_code="7", system="erp"),
        Invalid("m", code="x", vendor_code="7", findings=[Finding("f", "$", "m")]),
        KeyError("x"),
    ]
    assert len({one, signature(Invalid("m", code="x", vendor_code="7"), "other"), *map(signature, others)}) == 8
    assert one.startswith("v1:")
