"""What an order's content becomes in a real Tryton, and what cannot become of it."""

from decimal import Decimal
from typing import Any

import pytest
from tests.adapters.tryton.bench import ESTATE, TrytonBench

from crossdock.adapters.tryton.adapter import TrytonDock
from crossdock.adapters.tryton.local import estate
from crossdock.canonical.order import Adjustment, Order, OrderLine, RequestedFulfilment
from crossdock.kit.errors import Invalid, Rejected
from crossdock.kit.money import Money, Price, Quantity
from crossdock.testing.builders import a_line, an_order

pytestmark = [pytest.mark.anyio, pytest.mark.tryton]

KEY = "XDORDERS00000000000000000001"


async def submit(dock: TrytonDock, order: Order, key: str = KEY) -> Any:
    return await dock.submit_order(order, key=key, correlation_id="corr-1")


async def sale(bench: TrytonBench, *fields: str, key: str = KEY) -> dict[str, Any]:
    (row,) = await bench.admin.search_read("sale.sale", [("reference", "=", key)], ["state", *fields])
    return row


async def test_an_order_that_must_be_complete_is_refused_whole(dock: TrytonDock, bench: TrytonBench) -> None:
    lines = [ESTATE.line("1"), ESTATE.line("2", product="P-000")]

    with pytest.raises(Rejected) as refusal:
        await submit(dock, ESTATE.order(lines=lines, accepts_partial=False))

    assert [(finding.code, finding.path) for finding in refusal.value.findings] == [
        ("product-unknown", "$.lines[1]")
    ]
    assert not await bench.stored_orders(KEY)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (a_line(product="P-000"), "product-unknown"),
        (a_line(product="TENT-1P-2019"), "product-inactive"),
        (a_line(product="DISPLAY-STAND"), "product-not-for-sale"),
        (a_line(product="MUG-ENAMEL", unit="XYZ"), "unit-unknown"),
        (a_line(product="MUG-ENAMEL", unit="KGM"), "unit-mismatch"),
        (a_line(product="MUG-ENAMEL", quantity="0.5"), "quantity-decimals"),
        (a_line(product="MUG-ENAMEL", quantity="0"), "quantity-zero"),
    ],
)
async def test_a_line_is_refused_for_its_own_reason(dock: TrytonDock, line: OrderLine, code: str) -> None:
    with pytest.raises(Rejected) as refusal:
        await submit(dock, an_order(lines=[line]))

    assert [finding.code for finding in refusal.value.findings] == [code]


async def test_taxes_follow_the_customers_rule(dock: TrytonDock, bench: TrytonBench) -> None:
    lines = [a_line("1", product="MUG-ENAMEL", quantity="2", price="10.00")]
    charges = (Adjustment("shipping", Money("5.00", "EUR"), "DHL"),)
    await submit(dock, an_order("O-1", lines=lines, customer="C-1001", adjustments=charges))
    abroad = "XDORDERS00000000000000000002"
    await submit(dock, an_order("O-2", lines=lines, customer="C-1013", adjustments=charges), abroad)

    home, export = await sale(bench, "total_amount"), await sale(bench, "total_amount", key=abroad)

    assert home["total_amount"] == Decimal("29.75")
    assert export["total_amount"] == Decimal("25.00")


async def test_discounts_lower_the_total(dock: TrytonDock, bench: TrytonBench) -> None:
    discount = Adjustment("discount", Money("-3.00", "EUR"), "WELCOME")
    line = a_line("1", product="MUG-ENAMEL", quantity="2", price="10.00", adjustments=(discount,))

    await submit(dock, an_order(lines=[line]))

    row = await sale(bench, "untaxed_amount", "lines.description")
    assert row["untaxed_amount"] == Decimal("17.00")
    assert [each["description"] for each in row["lines."]] == [None, "Discount WELCOME"]


async def test_goods_leave_from_the_warehouse_that_was_asked_for(dock: TrytonDock, bench: TrytonBench) -> None:
    await submit(dock, ESTATE.order(fulfilment=RequestedFulfilment(location="NWK")))

    assert (await sale(bench, "warehouse.code"))["warehouse."]["code"] == "NWK"


async def test_a_pickup_ships_to_the_warehouse_itself(dock: TrytonDock, bench: TrytonBench) -> None:
    await submit(dock, ESTATE.order(fulfilment=RequestedFulfilment(method="pickup", location="LDN")))

    assert (await sale(bench, "shipment_address.city"))["shipment_address."]["city"] == "London"


async def test_an_order_from_two_warehouses_is_invalid(dock: TrytonDock) -> None:
    lines = [
        ESTATE.line(str(place), fulfilment=RequestedFulfilment(location=code)) for place, code in enumerate("BL")
    ]

    with pytest.raises(Invalid) as refusal:
        await submit(dock, ESTATE.order(lines=lines))

    assert refusal.value.findings[0].path == "$.lines"


@pytest.mark.parametrize(
    ("order", "kind", "path"),
    [
        (ESTATE.order(customer=""), Invalid, "$.customer.number"),
        (ESTATE.order(customer="C-0000"), Rejected, "$.customer.number"),
        (ESTATE.order(customer="C-1060"), Rejected, "$.customer"),
        (ESTATE.order(currency="JPY", lines=[ESTATE.line(currency="JPY", price="1")]), Rejected, "$.currency"),
        (ESTATE.order(lines=[ESTATE.line(price="1.23456")]), Invalid, "$.lines[0].unit_price"),
        (ESTATE.order(fulfilment=RequestedFulfilment(location="MOON")), Rejected, "$.fulfilment.location"),
    ],
    ids=["no number", "unknown", "closed", "currency", "decimals", "location"],
)
async def test_what_cannot_be_sold_says_where_and_why(
    dock: TrytonDock, bench: TrytonBench, order: Order, kind: type[Invalid | Rejected], path: str
) -> None:
    with pytest.raises(kind) as refusal:
        await submit(dock, order)

    assert [finding.path for finding in refusal.value.findings] == [path]
    assert not await bench.stored_orders(KEY)


async def test_prices_are_those_of_the_estate(dock: TrytonDock) -> None:
    numbers = {"C-1001", "C-1004", "C-1010", "C-1013", "C-1025", "C-1045"}
    product = next(each for each in estate.PRODUCTS if each.code == "BAG-DOWN-M")
    for customer in (each for each in estate.CUSTOMERS if each.number in numbers):
        for count in (1, 10, 50):
            wanted = [(product.code, Quantity.of(count))]
            (quote,) = await dock.find_prices(customer.number, customer.currency, wanted)
            expected = estate.price(product, customer, count)
            assert (quote.price, quote.price_list) == (
                Price(f"{expected:f}", customer.currency),
                customer.price_list,
            )


async def test_stock_is_that_of_the_estate(dock: TrytonDock) -> None:
    lamp = next(each for each in estate.PRODUCTS if each.code == "LAMP-LIMITED")

    levels = await dock.read_stock([lamp.code])

    assert {level.location: int(level.on_hand.decimal) for level in levels} == lamp.stock
