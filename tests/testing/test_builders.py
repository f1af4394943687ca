"""Builders make what the product itself accepts."""

import msgspec

from crossdock.canonical.order import Order
from crossdock.kit.clock import from_datetime
from crossdock.ports.status_sink import StatusUpdate
from crossdock.testing.builders import NOON, NOON_INSTANT, a_line, a_status_update, an_order, money


def test_a_built_order_is_a_valid_order() -> None:
    order = an_order(lines=3, total=money("30"))

    assert msgspec.json.decode(msgspec.json.encode(order), type=Order) == order
    assert [line.line_id for line in order.lines] == ["1", "2", "3"]
    assert order.net() == order.total


def test_only_what_is_named_differs() -> None:
    order = an_order("O-7", lines=[a_line(quantity="2.5", price="0")], customer="C-9")

    assert (order.order_id, order.customer.number) == ("O-7", "C-9")
    assert (order.lines[0].quantity.value, order.lines[0].unit_price.amount) == ("2.5", "0.00")
    assert order.channel == an_order().channel


def test_a_built_status_update_is_valid() -> None:
    update = a_status_update("801A", reason="late")

    assert msgspec.json.decode(msgspec.json.encode(update), type=StatusUpdate) == update


def test_noon_is_noon() -> None:
    assert from_datetime(NOON) == NOON_INSTANT
