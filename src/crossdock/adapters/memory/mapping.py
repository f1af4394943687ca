"""Between the memory ERP's words and ours: pure functions, no I/O."""

from collections.abc import Callable, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from crossdock.adapters.memory import wire
from crossdock.adapters.memory.failures import SYSTEM, reason
from crossdock.canonical.order import (
    Adjustment,
    Order,
    OrderLine,
    PaymentContext,
    RequestedFulfilment,
    Tax,
)
from crossdock.canonical.party import Address, Customer, ExternalReference
from crossdock.canonical.product import PriceQuote, Product, StockLevel
from crossdock.contracts.envelope import CloudEvent, as_json
from crossdock.kit.clock import from_datetime, to_datetime
from crossdock.kit.errors import Finding, Invalid
from crossdock.kit.money import Money, Price, Quantity
from crossdock.ports.directories import CustomerRecord
from crossdock.ports.order_gateway import Acceptance, AcceptanceStatus, LineResult, OrderChange
from crossdock.ports.status_sink import StatusUpdate
from crossdock.transport.payload import finding_of

T = TypeVar("T")

STATES: dict[str, AcceptanceStatus] = {
    "CONFIRMED": "accepted",
    "PARTLY_CONFIRMED": "partly_accepted",
    "SHIPPED": "accepted",
    "INVOICED": "accepted",
}
"""What each state means; any other one, also one that comes with a later release, is pending."""

_MICRO = Decimal(1_000_000)


def order_to_wire(order: Order, key: str) -> wire.SalesOrder:
    """An order as the ERP takes it, under `key`. Raises Invalid where an amount is in another currency."""
    return wire.SalesOrder(
        reference=key,
        external=order.order_id,
        channel=order.channel,
        currency=order.currency,
        ordered=order.ordered_at.astimezone(UTC),
        debtor=_debtor(order.customer),
        positions=tuple(_position(line, index, order.currency) for index, line in enumerate(order.lines)),
        brand=order.brand,
        region=order.region,
        bill_to=_place(order.billing_address) if order.billing_address else None,
        ship_to=_place(order.shipping_address) if order.shipping_address else None,
        charges=_charges(order.adjustments, order.currency, "$"),
        taxes=_tax_items(order.taxes, order.currency, "$"),
        total=_amount(order.total, order.currency, "$.total") if order.total else "",
        payment=_payment(order.payment),
        delivery=_delivery(order.fulfilment),
        references=_references(order.references),
        complete_only=not order.accepts_partial,
        urgency=order.priority,
    )


def _amount(money: Money | Price, currency: str, path: str) -> str:
    if money.currency == currency:
        return money.amount
    words = f"an amount in {money.currency} in an order in {currency}"
    finding = Finding(code="currency-mixed", path=path, message=words)
    raise Invalid(words, code="currency-mixed", system=SYSTEM, findings=[finding])


def _position(line: OrderLine, index: int, currency: str) -> wire.Position:
    path = f"$.lines[{index}]"
    return wire.Position(
        position=line.line_id,
        article=line.product,
        quantity=line.quantity.value,
        unit=line.quantity.unit,
        price=_amount(line.unit_price, currency, f"{path}.unit_price"),
        text=line.description,
        charges=_charges(line.adjustments, currency, path),
        taxes=_tax_items(line.taxes, currency, path),
        delivery=_delivery(line.fulfilment) if line.fulfilment else None,
    )


def _charges(adjustments: Sequence[Adjustment], currency: str, path: str) -> tuple[wire.Charge, ...]:
    return tuple(
        wire.Charge(item.kind, _amount(item.amount, currency, f"{path}.adjustments[{index}].amount"), item.code)
        for index, item in enumerate(adjustments)
    )


def _tax_items(taxes: Sequence[Tax], currency: str, path: str) -> tuple[wire.TaxItem, ...]:
    return tuple(
        wire.TaxItem(item.code, _amount(item.amount, currency, f"{path}.taxes[{index}].amount"), item.rate)
        for index, item in enumerate(taxes)
    )


def _debtor(customer: Customer) -> wire.Debtor:
    return wire.Debtor(
        number=customer.number,
        name=customer.name,
        kind=customer.kind,
        mail=customer.email,
        references=_references(customer.references),
    )


def _references(references: Sequence[ExternalReference]) -> tuple[wire.Reference, ...]:
    return tuple(wire.Reference(item.system, item.kind, item.value) for item in references)


def _place(address: Address) -> wire.Place:
    return wire.Place(
        name=address.name,
        streets=address.lines,
        zip=address.postal_code,
        town=address.city,
        county=address.region,
        country=address.country,
        phone=address.phone,
        mail=address.email,
    )


def _payment(payment: PaymentContext) -> wire.Payment:
    authorised = f"{payment.authorised.amount} {payment.authorised.currency}" if payment.authorised else ""
    return wire.Payment(payment.method, payment.terms, authorised, payment.authorisation)


def _delivery(wanted: RequestedFulfilment) -> wire.Delivery:
    moment = wanted.requested_at.astimezone(UTC) if wanted.requested_at else None
    return wire.Delivery(wanted.method, wanted.location, moment)


def order_from_wire(order: wire.SalesOrder) -> Order:
    """An order as the hub knows it. Raises Invalid with the path of the first field that makes no sense."""
    currency = _sensible(Money, "$.currency", amount="0", currency=order.currency).currency
    return _sensible(
        Order,
        "$",
        order_id=order.external,
        channel=order.channel,
        currency=currency,
        ordered_at=order.ordered,
        customer=Customer(
            number=order.debtor.number,
            name=order.debtor.name,
            kind=_unchecked(order.debtor.kind),
            email=order.debtor.mail,
            references=_known_references(order.debtor.references),
        ),
        lines=tuple(_line(position, index, currency) for index, position in enumerate(order.positions)),
        brand=order.brand,
        region=order.region,
        billing_address=_address(order.bill_to) if order.bill_to else None,
        shipping_address=_address(order.ship_to) if order.ship_to else None,
        adjustments=_adjustments(order.charges, currency, "$"),
        taxes=_taxes(order.taxes, currency, "$"),
        total=_sensible(Money, "$.total", amount=order.total, currency=currency) if order.total else None,
        payment=_payment_context(order.payment),
        fulfilment=_fulfilment(order.delivery),
        references=_known_references(order.references),
        accepts_partial=not order.complete_only,
        priority=order.urgency,
    )


def _unchecked(word: str) -> Any:
    """A word that may be none of ours: it is held to its choices together with the whole order."""
    return word


def _sensible(kind: Callable[..., T], path: str, **fields: Any) -> T:
    """Build a Struct and hold it to its own rules, which msgspec checks only when it decodes."""
    try:
        value = kind(**fields)
        return msgspec.convert(msgspec.to_builtins(value), type(value)) if path == "$" else value
    except (ValueError, msgspec.ValidationError) as error:
        found = finding_of(error)
        finding = Finding(code="makes-no-sense", path=path + found.path.removeprefix("$"), message=found.message)
        raise Invalid(
            f"the order makes no sense at {finding.path}", code="vendor-payload", system=SYSTEM, findings=[finding]
        ) from None


def _line(position: wire.Position, index: int, currency: str) -> OrderLine:
    path = f"$.positions[{index}]"
    return OrderLine(
        line_id=position.position,
        product=position.article,
        quantity=_sensible(Quantity, f"{path}.quantity", value=position.quantity, unit=position.unit),
        unit_price=_sensible(Price, f"{path}.price", amount=position.price, currency=currency),
        description=position.text,
        adjustments=_adjustments(position.charges, currency, path),
        taxes=_taxes(position.taxes, currency, path),
        fulfilment=_fulfilment(position.delivery) if position.delivery else None,
    )


def _adjustments(charges: Sequence[wire.Charge], currency: str, path: str) -> tuple[Adjustment, ...]:
    return tuple(
        Adjustment(
            _unchecked(item.kind),
            _sensible(Money, f"{path}.charges[{index}].amount", amount=item.amount, currency=currency),
            item.code,
        )
        for index, item in enumerate(charges)
    )


def _taxes(taxes: Sequence[wire.TaxItem], currency: str, path: str) -> tuple[Tax, ...]:
    return tuple(
        Tax(
            item.code,
            _sensible(Money, f"{path}.taxes[{index}].amount", amount=item.amount, currency=currency),
            item.rate,
        )
        for index, item in enumerate(taxes)
    )


def _known_references(references: Sequence[wire.Reference]) -> tuple[ExternalReference, ...]:
    return tuple(ExternalReference(item.system, item.kind, item.value) for item in references)


def _address(place: wire.Place) -> Address:
    return Address(
        name=place.name,
        lines=place.streets,
        postal_code=place.zip,
        city=place.town,
        region=place.county,
        country=place.country,
        phone=place.phone,
        email=place.mail,
    )


def _payment_context(payment: wire.Payment) -> PaymentContext:
    amount, _, currency = payment.authorised.partition(" ")
    path = "$.payment.authorised"
    return PaymentContext(
        method=_unchecked(payment.method),
        terms=payment.terms,
        authorised=_sensible(Money, path, amount=amount, currency=currency) if payment.authorised else None,
        authorisation=payment.authorisation,
    )


def _fulfilment(delivery: wire.Delivery) -> RequestedFulfilment:
    return RequestedFulfilment(
        method=_unchecked(delivery.method),
        location=delivery.depot,
        requested_at=delivery.wanted,
    )


def acceptance(number: str, state: str, results: Sequence[wire.PositionResult]) -> Acceptance:
    """What the ERP made of an order; a state that nobody here knows is pending."""
    return Acceptance(
        number=number,
        status=STATES.get(state, "pending"),
        lines=tuple(_line_result(result) for result in results),
        vendor_status=state,
    )


def _line_result(result: wire.PositionResult) -> LineResult:
    if not result.code:
        return LineResult(line_id=result.position, accepted_micro=_micro(result.confirmed))
    code, words = reason(result.code)
    return LineResult(
        line_id=result.position,
        accepted_micro=_micro(result.confirmed),
        refused_micro=_micro(result.refused),
        reason_code=code,
        reason=words,
        vendor_code=result.code,
    )


def _micro(text: str) -> int:
    return int(text) * 1_000_000 if text.isascii() and text.isdigit() else int(Decimal(text) * _MICRO)


def change(item: wire.Change) -> OrderChange:
    """A change of an order or of what was made from it; an unknown kind of document is a change of the order."""
    return OrderChange(
        key=item.reference,
        number=item.number,
        kind=item.kind if item.kind in {"shipment", "invoice"} else "order",  # type: ignore[arg-type]
        document=item.document,
        vendor_status=item.state,
        changed_at=from_datetime(item.changed),
    )


def customer(debtor: wire.DebtorRecord) -> CustomerRecord:
    """A debtor as the hub knows customers."""
    return CustomerRecord(
        number=debtor.number,
        name=debtor.name,
        kind="person" if debtor.kind == "person" else "organisation",
        blocked=bool(debtor.block),
        block_reason=reason(debtor.block)[0] if debtor.block else "",
        payment_terms=debtor.terms,
        addresses=tuple(_address(place) for place in debtor.places),
    )


def product(article: wire.Article) -> Product:
    """An article as the hub knows products."""
    return Product(code=article.number, name=article.name, unit=article.unit, active=article.on_sale)


def price_quote(line: wire.PriceLine, currency: str) -> PriceQuote:
    """A price as the hub quotes it."""
    price = _sensible(Price, "$.prices", amount=line.price, currency=currency)
    return PriceQuote(product=line.article, price=price, price_list=line.list)


def stock_level(level: wire.Level) -> StockLevel:
    """A stock level; promising more than there is leaves nothing, not less than nothing."""
    return StockLevel(
        product=level.article,
        location=level.depot,
        on_hand=_at_least_nothing(level.on_hand, level.unit),
        forecast=_at_least_nothing(level.forecast, level.unit),
    )


def _at_least_nothing(text: str, unit: str) -> Quantity:
    return _sensible(Quantity, "$.levels", value="0" if text.startswith("-") else text, unit=unit)


def announcement(event: CloudEvent) -> wire.Announcement:
    """An event as the ERP's log keeps it."""
    return wire.Announcement(event.id, event.partitionkey, msgspec.Raw(as_json(event)))


def status_row(update: StatusUpdate) -> wire.StatusRow:
    """A status update as the board takes it."""
    return wire.StatusRow(
        record=update.record,
        order=update.order_id,
        status=update.status.value,
        as_of=to_datetime(update.as_of),
        reason=update.reason,
        erp_number=update.erp_number,
    )
