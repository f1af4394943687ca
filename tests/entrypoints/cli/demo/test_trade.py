"""The day of trade is the same every time, has everything awkward in it, and knows how each order has to end."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from crossdock.canonical.party import Address
from crossdock.entrypoints.cli.demo.market import Buyer, Goods, Market
from crossdock.entrypoints.cli.demo.trade import (
    COMPANY_TALES,
    ENDS,
    QUIET_START,
    TURNED_AWAY,
    Tale,
    as_order,
    company_order,
    plan_day,
)
from crossdock.kit.money import Money
from crossdock.policies.order_acceptance import check_completeness

COUNTRIES = {"EUR": "DE", "GBP": "GB", "USD": "US"}


@pytest.fixture
def market() -> Market:
    goods = tuple(Goods(code=f"G-{number}", name="Thing", unit="EA", pieces=5_000) for number in range(12))
    scarce = Goods(code="SCARCE", name="Scarce thing", unit="EA", pieces=6)
    gone = Goods(code="GONE", name="Gone thing", unit="EA", pieces=0)
    buyers = tuple(
        Buyer(
            number=f"C-{1001 + index}",
            name=f"Buyer {index}",
            kind=kind,
            currency=currency,
            address=Address(lines=("Quay 1",), city="Hamburg", country=COUNTRIES[currency]),
        )
        for index, (kind, currency) in enumerate(
            (kind, currency) for kind in ("organisation", "person") for currency in COUNTRIES
        )
    )
    prices = {
        (kind, currency, one.code): Money("12.50", currency)
        for kind in ("organisation", "person")
        for currency in COUNTRIES
        for one in (*goods, scarce, gone)
    }
    return Market(
        buyers=buyers,
        blocked=buyers[0],
        goods=goods,
        scarce=scarce,
        gone=gone,
        locations=("BER", "LDN", "NWK"),
        prices=prices,
    )


def test_the_day_is_the_same_every_time(market: Market) -> None:
    assert plan_day(market, 300) == plan_day(market, 300)


@pytest.mark.parametrize("count", [40, 300, 5_000])
def test_everything_awkward_is_in_every_day(market: Market, count: int) -> None:
    day = plan_day(market, count)
    assert len(day) == count
    assert {entry.tale for entry in day} == set(ENDS) - set(COMPANY_TALES)
    assert {entry.tale for entry in day[:QUIET_START]} == {"plain"}
    assert Counter(entry.tale for entry in day)["plain"] > count * 0.6


def test_a_day_has_both_doors_several_currencies_and_warehouses(market: Market) -> None:
    day = plan_day(market, 300)
    assert {entry.door for entry in day} == {"salesforce", "api"}
    assert {entry.buyer.currency for entry in day} == set(COUNTRIES)
    assert {"BER", "LDN", "NWK"} <= {entry.location for entry in day}
    assert all(entry.buyer.kind == "organisation" for entry in day if entry.door == "salesforce")


def test_orders_for_the_api_are_complete_unless_they_are_meant_not_to_be(market: Market) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    sent = [entry for entry in plan_day(market, 300) if entry.door == "api"]
    assert len({entry.order_id for entry in sent}) == len(sent)
    for entry in sent:
        if TURNED_AWAY not in entry.ends:
            assert check_completeness(as_order(entry, now)) == []


def test_other_content_under_the_same_number_differs_in_one_quantity(market: Market) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    entry = next(entry for entry in plan_day(market, 40) if entry.tale == "same number, other content")
    order, other = as_order(entry, now), as_order(entry, now, more=1)
    assert order.order_id == other.order_id
    assert other.lines[0].quantity.micro - order.lines[0].quantity.micro == 1_000_000
    assert order.lines[1:] == other.lines[1:]


def test_no_more_is_planned_than_there_is(market: Market) -> None:
    for entry in plan_day(market, 300):
        for want in entry.wants:
            if want.product == "SCARCE":
                assert want.pieces == 7, "one more than there is: it can only come in part"
            elif want.product.startswith("G-"):
                assert 0 < want.pieces < 10


@pytest.mark.parametrize("tale", COMPANY_TALES)
def test_a_company_that_has_just_come_orders_on_invoice_at_the_price_of_people(market: Market, tale: Tale) -> None:
    entry = company_order(tale, market.traders[0], market)
    order = as_order(entry, datetime(2026, 11, 21, tzinfo=UTC))
    assert check_completeness(order) == []
    assert (order.payment.method, entry.ends) == ("invoice", ENDS[tale])
    assert order.lines[0].unit_price.decimal == market.prices["person", "EUR", order.lines[0].product].decimal
