"""Whether an order may go to the ERP: every finding at once, each with its place and in plain words."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.order import Adjustment, PaymentContext, RequestedFulfilment, Tax
from crossdock.canonical.party import ExternalReference
from crossdock.canonical.product import PriceQuote, Product
from crossdock.kit.money import Money, Price
from crossdock.policies.order_acceptance import AcceptanceRules, References, check_completeness, in_words, judge
from crossdock.ports.directories import CustomerRecord
from crossdock.testing.builders import a_customer, a_line, an_address, an_order

GOOD = CustomerRecord(number="C-1001", name="Ada")


def product(code: str, **facts: Any) -> Product:
    return Product(code=code, name=code, **facts)


def known(*codes: str, **facts: Any) -> References:
    return References(**{"customer": GOOD, "products": {code: product(code) for code in codes}, **facts})


def test_a_complete_order_has_no_findings() -> None:
    assert check_completeness(an_order(lines=5)) == []


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"lines": [a_line("1"), a_line("1")]}, "duplicate-line", "$.lines[1].line_id"),
        ({"lines": [a_line("1", quantity="0.0")]}, "zero-quantity", "$.lines[0].quantity.value"),
        ({"lines": [a_line("1", price="-0.01")]}, "negative-price", "$.lines[0].unit_price.amount"),
        ({"lines": [a_line("1", currency="USD")]}, "wrong-currency", "$.lines[0].unit_price.currency"),
        ({"lines": [a_line("1", price="1000000", quantity="1000000")]}, "amount-too-large", "$.lines[0]"),
        (
            {"lines": [a_line("1", adjustments=(Adjustment("discount", Money("-1", "USD")),))]},
            "wrong-currency",
            "$.lines[0].adjustments[0].amount.currency",
        ),
        (
            {"lines": [a_line("1", taxes=(Tax("VAT", Money("1", "USD")),))]},
            "wrong-currency",
            "$.lines[0].taxes[0].amount.currency",
        ),
        (
            {"adjustments": (Adjustment("discount", Money("-1", "USD")),)},
            "wrong-currency",
            "$.adjustments[0].amount.currency",
        ),
        ({"total": Money("1", "USD")}, "wrong-currency", "$.total.currency"),
        ({"customer": a_customer("")}, "customer-missing", "$.customer"),
        ({"shipping_address": None}, "address-missing", "$.shipping_address"),
    ],
)
def test_each_fault_is_found_with_its_path(changes: dict[str, Any], code: str, path: str) -> None:
    assert [(each.code, each.path) for each in check_completeness(an_order(**changes))] == [(code, path)]


def test_a_free_line_a_pickup_and_a_customer_known_by_reference_are_no_faults() -> None:
    pickup = RequestedFulfilment(method="pickup", location="W1")
    referenced = a_customer("", references=(ExternalReference("crm", "Account", "001"),))
    for order in (
        an_order(lines=[a_line("1", price="0")]),
        an_order(shipping_address=None, fulfilment=pickup),
        an_order(shipping_address=None, billing_address=an_address()),
        an_order(customer=referenced),
    ):
        assert check_completeness(order) == []


def test_an_unknown_customer_stops_the_order() -> None:
    verdict = judge(an_order(), References(products={"P-100": product("P-100")}), AcceptanceRules())
    assert [(each.code, each.path) for each in verdict.refusals] == [("customer-unknown", "$.customer.number")]


def test_a_blocked_customer_stops_the_order_with_the_reason() -> None:
    blocked = CustomerRecord(number="C-1001", name="Ada", blocked=True, block_reason="credit hold")
    verdict = judge(an_order(), known("P-100", customer=blocked), AcceptanceRules())
    assert in_words(verdict.refusals) == "Customer C-1001 is blocked: credit hold."


def test_customer_and_lines_are_told_at_once() -> None:
    verdict = judge(an_order(lines=2, accepts_partial=False), References(), AcceptanceRules())
    assert [each.path for each in verdict.refusals] == ["$.customer.number", "$.lines[0]", "$.lines[1]"]


def test_lines_nobody_sells_are_left_out_unless_all_are_or_the_order_must_be_whole() -> None:
    lines = [a_line("1", product="P-1"), a_line("2", product="P-2"), a_line("3", product="P-3")]
    products = {"P-1": product("P-1"), "P-3": product("P-3", active=False)}
    partial = judge(an_order(lines=lines), known(products=products), AcceptanceRules())
    assert partial.refusals == ()
    assert [(each.line_id, each.micro, each.code) for each in partial.refused_lines] == [
        ("2", 1_000_000, "product-unknown"),
        ("3", 1_000_000, "product-inactive"),
    ]
    whole = judge(an_order(lines=lines, accepts_partial=False), known(products=products), AcceptanceRules())
    assert [each.path for each in whole.refusals] == ["$.lines[1]", "$.lines[2]"]
    nothing = judge(an_order(lines=lines[1:]), known(products=products), AcceptanceRules())
    assert len(nothing.refusals) == 2


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.sampled_from(["0", "1", "2.5", "100"]))
def test_prices_are_tolerated_up_to_exactly_the_declared_percentage(listed: int, asked: int, percent: str) -> None:
    listed_price, asked_price = (Price(f"{Decimal(cents).scaleb(-2):f}", "EUR") for cents in (listed, asked))
    references = known("P-100", prices=(PriceQuote(product="P-100", price=listed_price),))
    order = an_order(lines=[a_line("1", price=asked_price.amount)])
    verdict = judge(order, references, AcceptanceRules(price_tolerance_percent=Decimal(percent)))
    within = abs(listed - asked) * 100 <= listed * Decimal(percent)
    assert (verdict.repairs == ()) == within


def test_a_price_the_list_does_not_have_and_prices_unchecked_are_no_findings() -> None:
    far_off = known("P-100", prices=(PriceQuote(product="P-100", price=Price("99", "EUR")),))
    assert judge(an_order(), known("P-100"), AcceptanceRules()).repairs == ()
    assert judge(an_order(), far_off, AcceptanceRules(check_prices=False)).repairs == ()
    assert len(judge(an_order(), far_off, AcceptanceRules()).repairs) == 1


@pytest.mark.parametrize(
    ("standing", "method", "code"),
    [
        ("credit_pending", "invoice", "credit-pending"),
        ("credit_refused", "invoice", "credit-refused"),
        ("credit_pending", "card", ""),
        ("credit_refused", "bank_transfer", ""),
        ("", "invoice", ""),
    ],
)
def test_who_has_no_credit_yet_may_order_but_not_on_invoice(standing: Any, method: Any, code: str) -> None:
    order = an_order(payment=PaymentContext(method=method))
    customer = CustomerRecord(number="C-1001", name="Rad", standing=standing)
    codes = [line.product for line in order.lines]
    verdict = judge(order, known(*codes, customer=customer), AcceptanceRules(check_prices=False))
    assert [finding.code for finding in verdict.refusals] == ([code] if code else [])


@pytest.mark.parametrize(
    ("standing", "held", "refused"),
    [("credit_pending", ["credit-pending"], []), ("credit_refused", [], ["credit-refused"]), ("", [], [])],
)
def test_a_deployment_may_hold_what_waits_for_credit(standing: Any, held: list[str], refused: list[str]) -> None:
    order = an_order(payment=PaymentContext(method="invoice"))
    customer = CustomerRecord(number="C-1001", name="Rad", standing=standing)
    rules = AcceptanceRules(check_prices=False, before_credit="hold")
    codes = [line.product for line in order.lines]
    verdict = judge(order, known(*codes, customer=customer), rules)
    assert ([each.code for each in verdict.holds], [each.code for each in verdict.refusals]) == (held, refused)
    hopeless = judge(order, known(customer=customer), rules)
    assert hopeless.holds == ()
    assert "product-unknown" in {each.code for each in hopeless.refusals}
