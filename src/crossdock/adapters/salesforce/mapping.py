"""An order as Salesforce keeps it into the canonical order, and a status back into its fields: pure functions.

Nothing stops at the first fault: an order is read to its end, and every fault is a finding with its path in the
row as it came.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from crossdock.adapters.salesforce.countries import COUNTRY_CODES
from crossdock.adapters.salesforce.settings import OrderFields, SalesforceSettings, StatusFields
from crossdock.adapters.salesforce.wire import SYSTEM, Row, decode_row
from crossdock.canonical.order import Order, OrderLine, PaymentContext, RequestedFulfilment
from crossdock.canonical.party import Address, Customer, ExternalReference
from crossdock.kit.clock import Instant, iso
from crossdock.kit.currencies import MINOR_UNITS
from crossdock.kit.errors import CrossdockError, Finding
from crossdock.kit.ids import check_business_key
from crossdock.kit.money import Money, Price, Quantity
from crossdock.ports.order_source import Arrival
from crossdock.ports.status_sink import StatusUpdate
from crossdock.transport.payload import finding_of

EXPONENT_MAX = 20
_COUNTRY_LETTERS = 2
_ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHORT_ID = 15
_LINE_PATH = re.compile(r"\$\.lines\[(?P<index>[0-9]+)\]\.(?P<name>\w+).*")
_ADDRESS_PATH = re.compile(r"\$\.(?P<role>billing|shipping)_address\.(?P<part>\w+).*")

Made = TypeVar("Made")


class RowReader:
    """Reads values of one row by dotted names and notes what is missing or of the wrong kind."""

    def __init__(self, row: Any, path: str, findings: list[Finding]) -> None:
        self._row = row
        self.path = path
        self.findings = findings

    def value(self, name: str) -> Any:
        """The value, through parents where the name is dotted; None where anything on the way is missing."""
        value = self._row
        for part in name.split(".") if name else ():
            value = value.get(part) if isinstance(value, Mapping) else None
        return value if name else None

    def text(self, name: str, *, required: bool = False) -> str:
        """The text without blanks around it, or an empty one."""
        value = self.value(name)
        if value is not None and not isinstance(value, str):
            self.note("wrong-type", name, "a text is expected")
            return ""
        text = (value or "").strip()
        if required and not text:
            self.note("missing", name, "the field is empty")
        return text

    def number(self, name: str, *, required: bool = False) -> Decimal | None:
        """The number, exactly as it was written."""
        value = self.value(name)
        if value is None:
            if required:
                self.note("missing", name, "the field is empty")
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.note("wrong-type", name, "a number is expected")
            return None
        number = Decimal(value)
        if not number.is_finite() or abs(number.adjusted()) > EXPONENT_MAX:
            self.note("out-of-range", name, "the number is out of range")
            return None
        return number

    def moment(self, name: str) -> datetime | None:
        """The point in time."""
        text = self.text(name, required=True)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.note("wrong-type", name, "a point in time with its zone is expected")
            return None
        return moment

    def make(self, name: str, build: Callable[[], Made]) -> Made | None:
        """What `build` makes; its ValueError becomes a finding."""
        try:
            return build()
        except ValueError as error:
            self.note("not-allowed", name, str(error))
            return None

    def note(self, code: str, name: str, message: str) -> None:
        """Add a finding about a field."""
        self.findings.append(Finding(code=code, path=f"{self.path}.{name}", message=message))


def to_arrival(raw: bytes, settings: SalesforceSettings, received_at: Instant, fallback_id: str) -> Arrival:
    """The arrival for an order as JSON; `fallback_id` names it where it does not even have an Id."""
    try:
        row = decode_row(raw)
    except ValueError:
        finding = Finding(code="not-json", path="$", message="the order is not a JSON object")
        return Arrival(external_id=fallback_id, received_at=received_at, findings=(finding,), raw=raw)
    return row_arrival(row, raw, settings, received_at, fallback_id)


def row_arrival(
    row: Row, raw: bytes, settings: SalesforceSettings, received_at: Instant, fallback_id: str = "unknown"
) -> Arrival:
    """The arrival for a decoded row; `raw` is what a person repairs where it cannot be translated."""
    record = row.get("Id")
    external_id = long_id(record) if isinstance(record, str) and record.isalnum() else fallback_id
    order, findings = to_order(row, settings)
    if order is None:
        return Arrival(external_id=external_id, received_at=received_at, findings=findings, raw=raw)
    return Arrival(external_id=external_id, received_at=received_at, order=order)


def to_order(row: Row, settings: SalesforceSettings) -> tuple[Order | None, tuple[Finding, ...]]:
    """The canonical order, or everything that is wrong with the row; never both, never neither."""
    findings: list[Finding] = []
    reader = RowReader(row, "$", findings)
    fields = settings.orders
    number = reader.text("OrderNumber", required=True)
    currency = _currency(reader, settings)
    record = reader.text("Id", required=True)
    ordered_at = reader.moment("CreatedDate")
    total = reader.number("TotalAmount")
    money = (
        reader.make("TotalAmount", lambda: Money.of(total, currency)) if total is not None and currency else None
    )
    lines = _lines(reader, currency, settings)
    customer = _customer(reader, settings)
    billing, shipping = (_address(reader, role, settings) for role in ("Billing", "Shipping"))
    channel = reader.text(fields.channel) or settings.channel
    location, terms = reader.text(fields.location), reader.text(fields.payment_terms)
    brand, region = reader.text(fields.brand), reader.text(fields.region)
    if findings or ordered_at is None:
        return None, tuple(findings)
    order = Order(
        order_id=settings.order_prefix + number,
        channel=channel,
        currency=currency,
        ordered_at=ordered_at,
        customer=customer,
        lines=lines,
        brand=brand,
        region=region,
        billing_address=billing,
        shipping_address=shipping,
        total=money,
        payment=PaymentContext(terms=terms),
        fulfilment=RequestedFulfilment(location=location),
        references=(ExternalReference(SYSTEM, "Order", long_id(record)),),
    )
    return _checked(order, fields)


def status_row(update: StatusUpdate, fields: StatusFields) -> dict[str, Any]:
    """The row that shows a status on its order's record. An ERP number once shown is not wiped by an empty one."""
    status = update.status.value
    reason = update.reason
    if len(reason) > fields.reason_characters_max:
        reason = reason[: fields.reason_characters_max - 1] + "…"
    values = {
        fields.status: fields.labels.get(status, status.replace("_", " ").capitalize()),
        fields.reason: reason or None,
        fields.updated: iso(update.as_of),
    }
    values |= {fields.erp_number: update.erp_number} if update.erp_number else {}
    values |= {fields.correlation: update.correlation_id} if update.correlation_id else {}
    values.pop("", None)
    return {"attributes": {"type": "Order"}, "id": update.record, **values}


def long_id(record: str) -> str:
    """A record's id in its 18-character form: the same record always has the same."""
    if len(record) != _SHORT_ID:
        return record
    groups = (record[start : start + 5] for start in range(0, _SHORT_ID, 5))
    return record + "".join(
        _ID_ALPHABET[sum(letter.isupper() << place for place, letter in enumerate(group))] for group in groups
    )


def _currency(order: RowReader, settings: SalesforceSettings) -> str:
    """The order's currency; empty where it is none, which is one finding and not one for every price."""
    currency = order.text("CurrencyIsoCode") or settings.currency
    if currency in MINOR_UNITS:
        return currency
    order.note("currency-unknown", "CurrencyIsoCode", "this is not an ISO 4217 currency")
    return ""


def _lines(order: RowReader, currency: str, settings: SalesforceSettings) -> tuple[OrderLine, ...]:
    rows = order.value("OrderItems.records")
    if not isinstance(rows, list) or not rows:
        order.note("no-lines", "OrderItems", "the order has no lines")
        return ()
    lines = (
        _line(RowReader(row, f"{order.path}.OrderItems.records[{index}]", order.findings), currency, settings)
        for index, row in enumerate(rows)
    )
    return tuple(line for line in lines if line is not None)


def _line(line: RowReader, currency: str, settings: SalesforceSettings) -> OrderLine | None:
    fields = settings.orders
    line_id = line.text("Id", required=True)
    product = line.text(fields.line_product, required=True)
    description = line.text("Description")
    amount, count = line.number("UnitPrice", required=True), line.number("Quantity", required=True)
    unit = _unit(line, settings)
    price = (
        line.make("UnitPrice", lambda: Price(_plain(amount), currency))
        if amount is not None and currency
        else None
    )
    quantity = None if count is None else line.make("Quantity", lambda: Quantity(_plain(count), unit))
    if price is None or quantity is None:
        return None
    return OrderLine(
        line_id=line_id, product=product, quantity=quantity, unit_price=price, description=description
    )


def _unit(line: RowReader, settings: SalesforceSettings) -> str:
    name = settings.orders.line_unit
    text = line.text(name)
    return settings.units.get(text, text) if text else "EA"


def _customer(order: RowReader, settings: SalesforceSettings) -> Customer:
    account = order.text("AccountId", required=True)
    return Customer(
        number=order.text(settings.orders.customer_number),
        name=order.text("Account.Name"),
        kind="person" if order.value("Account.IsPersonAccount") is True else "organisation",
        references=(ExternalReference(SYSTEM, "Account", long_id(account)),),
    )


def _address(order: RowReader, role: str, settings: SalesforceSettings) -> Address | None:
    """An address of the order; one with neither street nor city is none, any other one must be complete."""
    street, city = order.text(f"{role}Street"), order.text(f"{role}City")
    if not street and not city:
        return None
    country = _country(order, role, settings)
    lines = tuple(line.strip() for line in street.splitlines() if line.strip())
    if not lines:
        order.note("missing", f"{role}Street", "the address has no street")
    if not city:
        order.note("missing", f"{role}City", "the address has no city")
    return Address(
        name=order.text("Account.Name"),
        lines=lines,
        postal_code=order.text(f"{role}PostalCode"),
        city=city,
        region=order.text(f"{role}State"),
        country=country,
    )


def _country(order: RowReader, role: str, settings: SalesforceSettings) -> str:
    name = f"{role}Country"
    text = order.text(f"{name}Code") or order.text(name, required=True)
    if not text:
        return ""
    code = settings.countries.get(text) or COUNTRY_CODES.get(text.casefold(), "")
    if not code and len(text) == _COUNTRY_LETTERS and text.isascii() and text.isalpha():
        code = text.upper()
    if not code:
        order.note("country-unknown", name, "no country has this name; add it to the setting `countries`")
    return code


def _plain(number: Decimal) -> str:
    """The number without exponent and superfluous zeros."""
    return f"{number.normalize():f}"


def _checked(order: Order, fields: OrderFields) -> tuple[Order | None, tuple[Finding, ...]]:
    """The order, if the canonical rules on lengths and characters hold as well."""
    try:
        check_business_key(order.order_id, "$.OrderNumber")
        return msgspec.convert(msgspec.to_builtins(order), Order), ()
    except CrossdockError as error:
        return None, error.findings
    except msgspec.ValidationError as error:
        found = finding_of(error)
        return None, (Finding(code="not-allowed", path=_place(found.path, fields), message=found.message),)


def _place(path: str, fields: OrderFields) -> str:
    """Where in the row a canonical path comes from."""
    line = _LINE_PATH.fullmatch(path)
    if line is not None:
        name = {"product": fields.line_product, "line_id": "Id"}.get(line["name"], line["name"].capitalize())
        return f"$.OrderItems.records[{line['index']}].{name}"
    places = {
        "$.channel": fields.channel,
        "$.brand": fields.brand,
        "$.region": fields.region,
        "$.fulfilment.location": fields.location,
        "$.payment.terms": fields.payment_terms,
        "$.customer.number": fields.customer_number,
        "$.customer.name": "Account.Name",
        "$.lines": "OrderItems",
    }
    if path in places:
        return f"$.{places[path]}"
    role = _ADDRESS_PATH.fullmatch(path)
    if role is None:
        return path
    part = {"lines": "Street", "region": "State", "postal_code": "PostalCode"}.get(
        role["part"], role["part"].title()
    )
    return f"$.{role['role'].title()}{part}" if part != "Name" else "$.Account.Name"
