"""Whether an order may go to the ERP (ORD-02): all findings at once, in words a sales rep understands."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from crossdock.canonical.order import Order, OrderLine
from crossdock.canonical.product import PriceQuote, Product
from crossdock.kit.errors import Finding
from crossdock.ports.directories import CustomerRecord

LINE_NET_MAX = 10**12
"""A thousand such lines, the most an order has, are still money."""

ON_ACCOUNT = "invoice"
PENDING = "credit-pending"


class AcceptanceRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a deployment tolerates. Prices may be lower or higher than the price list by this percentage.

    `before_credit`: what becomes of an order on invoice whose customer's credit is not decided yet.
    """

    price_tolerance_percent: Decimal = Decimal(1)
    check_prices: bool = True
    before_credit: Literal["refuse", "hold"] = "refuse"


class References(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the masters said about the customer, products and prices of one order."""

    customer: CustomerRecord | None = None
    products: Mapping[str, Product] = {}
    prices: tuple[PriceQuote, ...] = ()


class LineRefusal(msgspec.Struct, frozen=True):
    """So many millionths of a line that cannot be fulfilled while the others can."""

    line_id: str
    micro: int
    code: str
    reason: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the masters' answers mean: findings that stop the order, and lines that cannot come along.

    `holds` stop it until somebody has decided something that is not about the order.
    """

    refusals: tuple[Finding, ...] = ()
    holds: tuple[Finding, ...] = ()
    refused_lines: tuple[LineRefusal, ...] = ()
    repairs: tuple[Finding, ...] = ()


def check_completeness(order: Order) -> Sequence[Finding]:
    """Everything about the order itself that no ERP could make sense of; each finding has its path."""
    findings: list[Finding] = []
    seen: dict[str, int] = {}
    for index, line in enumerate(order.lines):
        path = f"$.lines[{index}]"
        if line.line_id in seen:
            message = f"line {line.line_id} is there twice (also at $.lines[{seen[line.line_id]}])"
            findings.append(Finding("duplicate-line", f"{path}.line_id", message))
        seen.setdefault(line.line_id, index)
        findings += _check_line(order, line, path)
    if not order.customer.number and not order.customer.references:
        findings.append(Finding("customer-missing", "$.customer", "the order names no customer number"))
    if order.shipping_address is None and order.fulfilment.method == "ship" and not order.billing_address:
        findings.append(Finding("address-missing", "$.shipping_address", "there is no address to ship to"))
    if order.total is not None and order.total.currency != order.currency:
        findings.append(Finding("wrong-currency", "$.total.currency", f"the order is in {order.currency}"))
    for index, adjustment in enumerate(order.adjustments):
        if adjustment.amount.currency != order.currency:
            path = f"$.adjustments[{index}].amount.currency"
            findings.append(Finding("wrong-currency", path, f"the order is in {order.currency}"))
    return findings


def _check_line(order: Order, line: OrderLine, path: str) -> list[Finding]:
    findings = []
    if line.quantity.micro == 0:
        findings.append(Finding("zero-quantity", f"{path}.quantity.value", "nothing is ordered on this line"))
    if line.unit_price.decimal < 0:
        findings.append(Finding("negative-price", f"{path}.unit_price.amount", "a price cannot be negative"))
    if line.quantity.decimal * line.unit_price.decimal >= LINE_NET_MAX:
        findings.append(Finding("amount-too-large", path, "nobody sells that much on one line"))
    amounts = [("unit_price", line.unit_price.currency)]
    amounts += [(f"adjustments[{i}].amount", part.amount.currency) for i, part in enumerate(line.adjustments)]
    amounts += [(f"taxes[{i}].amount", part.amount.currency) for i, part in enumerate(line.taxes)]
    for where, currency in amounts:
        if currency != order.currency:
            message = f"{currency} in an order in {order.currency}"
            findings.append(Finding("wrong-currency", f"{path}.{where}.currency", message))
    return findings


def judge(order: Order, known: References, rules: AcceptanceRules) -> Verdict:
    """What the masters' answers mean for the order."""
    refusals = _judge_customer(order, known.customer)
    refused = [refusal for line in order.lines if (refusal := _judge_product(line, known.products)) is not None]
    if refused and (len(refused) == len(order.lines) or not order.accepts_partial):
        places = {line.line_id: index for index, line in enumerate(order.lines)}
        refusals += [Finding(line.code, f"$.lines[{places[line.line_id]}]", line.reason) for line in refused]
    holds = [each for each in refusals if each.code == PENDING] if rules.before_credit == "hold" else []
    refusals = [each for each in refusals if each not in holds]
    repairs = _judge_prices(order, known.prices, rules) if rules.check_prices and not refusals else []
    return Verdict(
        refusals=tuple(refusals),
        holds=() if refusals else tuple(holds),
        refused_lines=tuple(refused),
        repairs=tuple(repairs),
    )


def _judge_customer(order: Order, customer: CustomerRecord | None) -> list[Finding]:
    number = order.customer.number or "without number"
    if customer is None:
        return [Finding("customer-unknown", "$.customer.number", f"The ERP knows no customer {number}.")]
    if customer.blocked:
        reason = customer.block_reason or "no reason given"
        return [Finding("customer-blocked", "$.customer.number", f"Customer {number} is blocked: {reason}.")]
    return _judge_credit(number, customer) if order.payment.method == ON_ACCOUNT else []


def _judge_credit(number: str, customer: CustomerRecord) -> list[Finding]:
    path, message = "$.payment.method", f"Customer {number} may not order on invoice: "
    if customer.standing == "credit_pending":
        return [Finding("credit-pending", path, f"{message}the credit is not approved yet.")]
    if customer.standing == "credit_refused":
        return [Finding("credit-refused", path, f"{message}the credit was refused.")]
    return []


def _judge_product(line: OrderLine, products: Mapping[str, Product]) -> LineRefusal | None:
    product, micro = products.get(line.product), line.quantity.micro
    if product is None:
        return LineRefusal(line.line_id, micro, "product-unknown", f"The ERP knows no product {line.product}.")
    if not product.active:
        return LineRefusal(line.line_id, micro, "product-inactive", f"Product {line.product} is no longer sold.")
    return None


def _judge_prices(order: Order, quotes: Sequence[PriceQuote], rules: AcceptanceRules) -> list[Finding]:
    listed = {quote.product: quote.price for quote in quotes}
    findings = []
    for index, line in enumerate(order.lines):
        price = listed.get(line.product)
        if price is None or price.currency != line.unit_price.currency:
            continue
        tolerated = price.decimal * rules.price_tolerance_percent / 100
        if abs(price.decimal - line.unit_price.decimal) > tolerated:
            message = f"{line.product} costs {price.amount} by price list {quote_name(quotes, line.product)}"
            findings.append(Finding("price-mismatch", f"$.lines[{index}].unit_price.amount", message))
    return findings


def quote_name(quotes: Sequence[PriceQuote], product: str) -> str:
    """The price list a product's quote came from."""
    return next((quote.price_list for quote in quotes if quote.product == product), "")


def in_words(findings: Sequence[Finding | LineRefusal]) -> str:
    """Findings as one text for the order's record."""
    return " ".join(finding.message if isinstance(finding, Finding) else finding.reason for finding in findings)
