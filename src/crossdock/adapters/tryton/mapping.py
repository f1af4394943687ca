"""Between the canonical model and Tryton's records: pure functions, no I/O.

Ids that only the database knows come in through `Catalogue` and the rows; everything else is decided here.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.adapters.tryton.wire import (
    AddressRow,
    ChangedRow,
    CreditRow,
    CustomerRow,
    Memo,
    OwnedSaleRow,
    PriceRow,
    ProductRow,
    SaleRow,
    StockRow,
    SubdivisionRow,
    UnitRow,
    WarehouseRow,
)
from crossdock.canonical.order import Adjustment, Order, OrderLine
from crossdock.canonical.party import Address
from crossdock.canonical.product import PriceQuote, Product, StockLevel
from crossdock.kit.clock import Instant, from_datetime
from crossdock.kit.errors import CrossdockError, Finding, Invalid, Rejected
from crossdock.kit.money import QUANTITY_DECIMALS_MAX, Price, Quantity
from crossdock.ports.directories import CustomerRecord
from crossdock.ports.order_gateway import Acceptance, AcceptanceStatus, LineResult, OrderChange

SYSTEM = "tryton"
MEMO_VERSION = 1
# UN/ECE codes of the hub and the symbols of the units that Tryton is delivered with.
UNITS: Mapping[str, str] = {
    "EA": "u",
    "KGM": "kg",
    "GRM": "g",
    "MTR": "m",
    "CMT": "cm",
    "LTR": "l",
    "HUR": "h",
    "DAY": "d",
}
_DECIDED = frozenset({"confirmed", "processing", "done"})
_UNDECIDED = frozenset({"draft", "quotation"})
_WORDS = {
    "product-unknown": "the ERP does not know this product",
    "product-inactive": "this product is no longer sold",
    "product-not-for-sale": "this product is not for sale",
    "unit-unknown": "the ERP does not know this unit",
    "unit-mismatch": "this product is not sold in this unit",
    "quantity-decimals": "this unit cannot be divided so finely",
    "quantity-zero": "nothing of this product was ordered",
}


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The ids of what rarely changes: by ISO code, by symbol, by location code."""

    currencies: Mapping[str, int]
    countries: Mapping[str, int]
    subdivisions: tuple[SubdivisionRow, ...]
    units: Mapping[str, UnitRow]
    warehouses: Mapping[str, WarehouseRow]


# --- Orders out -----------------------------------------------------------------------------------------------


def content_of(order: Order) -> str:
    """A short text that is the same for the same order content, as far as Tryton is told of it."""
    told = (
        order.order_id,
        order.customer.number,
        order.currency,
        order.billing_address,
        order.shipping_address,
        order.fulfilment,
        order.adjustments,
        order.lines,
    )
    return hashlib.blake2s(msgspec.json.encode(told), digest_size=12).hexdigest()


def location_of(order: Order) -> str:
    """The one location all of the order leaves from, or an empty text. Raises Invalid where there are several.

    A sale in Tryton has one warehouse, so an order from two of them has to be two.
    """
    wanted = {line.fulfilment.location if line.fulfilment else order.fulfilment.location for line in order.lines}
    if len(wanted) > 1:
        raise _invalid(
            "several-warehouses", "$.lines", "a sale in the ERP leaves from one warehouse; split the order"
        )
    return wanted.pop()


def check_prices(order: Order, decimals: int) -> None:
    """Raise Invalid, with every path, where a price has more decimals than Tryton keeps."""
    findings = [
        Finding(code="price-decimals", path=f"$.lines[{place}].unit_price", message=f"at most {decimals} decimals")
        for place, line in enumerate(order.lines)
        if len(line.unit_price.amount.partition(".")[2]) > decimals
    ]
    if findings:
        raise Invalid(
            "a price has more decimals than the ERP keeps", code="price-decimals", system=SYSTEM, findings=findings
        )


def refuse(line: OrderLine, product: ProductRow | None, unit: UnitRow | None) -> LineResult | None:
    """The line's refusal, or None where Tryton would sell it. Tryton itself would not ask, or refuse all lines."""
    code, vendor_code = _refusal(line, product, unit)
    if not code:
        return None
    return LineResult(
        line_id=line.line_id,
        accepted_micro=0,
        refused_micro=line.quantity.micro,
        reason_code=code,
        reason=_WORDS[code],
        vendor_code=vendor_code,
    )


def _refusal(line: OrderLine, product: ProductRow | None, unit: UnitRow | None) -> tuple[str, str]:
    if product is None:
        return "product-unknown", "product.product"
    if not product.active or not product.template_.active:
        return "product-inactive", "product.product,active"
    if not product.salable or product.sale_uom_ is None:
        return "product-not-for-sale", "product.product,salable"
    if unit is None:
        return "unit-unknown", "product.uom"
    if unit.category != product.default_uom_category:
        return "unit-mismatch", "product.uom,category"
    if not line.quantity.micro:
        return "quantity-zero", "sale.line,quantity"
    if len(line.quantity.value.partition(".")[2]) > unit.digits:
        return "quantity-decimals", "product.uom,digits"
    return "", ""


def memo_note(memo: Memo) -> str:
    """The note's text."""
    return msgspec.json.encode(memo).decode()


def memo_of(sale: SaleRow) -> Memo | None:
    """What the hub noted on the sale, or None where it did not create it."""
    for note in sale.notes_:
        if note.message and note.message.startswith('{"crossdock"'):
            try:
                return msgspec.json.decode(note.message, type=Memo)
            except msgspec.DecodeError:
                continue
    return None


def line_values(line: OrderLine, product: ProductRow, unit: UnitRow, taxes: Sequence[int]) -> list[dict[str, Any]]:
    """The sale lines for one accepted line: the goods, then each adjustment as a line of its own."""
    goods: dict[str, Any] = {
        "type": "line",
        "product": product.id,
        "quantity": float(line.quantity.decimal),
        "unit": unit.id,
        "unit_price": line.unit_price.decimal,
        "taxes": [["add", list(taxes)]],
        "note": line.line_id,
    }
    if line.description:
        goods["description"] = line.description
    return [goods, *(adjustment_values(adjustment, taxes) for adjustment in line.adjustments)]


def adjustment_values(adjustment: Adjustment, taxes: Sequence[int]) -> dict[str, Any]:
    """A discount or surcharge as a sale line without a product."""
    words = adjustment.kind.capitalize()
    return {
        "type": "line",
        "quantity": 1.0,
        "unit_price": adjustment.amount.decimal,
        "taxes": [["add", list(taxes)]],
        "description": f"{words} {adjustment.code}" if adjustment.code else words,
    }


def shipping_date(order: Order, today: datetime) -> Any:
    """The day the goods should leave, or None where none was asked for or it has passed."""
    wanted = order.fulfilment.requested_at
    return wanted.astimezone(UTC).date() if wanted and wanted > today else None


# --- Orders back ----------------------------------------------------------------------------------------------


def rank(sale: SaleRow) -> tuple[int, int]:
    """Sorts the sales of one key: the one that is furthest along first, then the oldest."""
    return (1 if sale.state in _UNDECIDED else 0, sale.id)


def is_undecided(state: str) -> bool:
    """Whether nobody has accepted the sale yet."""
    return state in _UNDECIDED


def acceptance_of(sale: SaleRow) -> Acceptance:
    """What Tryton made of the order, line by line as ordered. An unknown state is pending, never success."""
    memo = memo_of(sale)
    refused = memo.refused if memo else ()
    lines = [
        LineResult(line_id=line.note, accepted_micro=int(line.quantity.scaleb(QUANTITY_DECIMALS_MAX)))
        for line in sale.lines_
        if line.type == "line" and line.product is not None and line.note and line.quantity is not None
    ]
    for place, refusal in refused:
        lines.insert(place, refusal)
    status: AcceptanceStatus = "pending"
    if sale.state in _DECIDED:
        status = "partly_accepted" if refused else "accepted"
    number = sale.number or f"({sale.id})"
    return Acceptance(number=number, status=status, lines=tuple(lines), vendor_status=sale.state)


def instant(moment: datetime) -> Instant:
    """Tryton keeps UTC without saying so."""
    return from_datetime(moment.replace(tzinfo=UTC))


def change(kind: Any, row: ChangedRow, sale: OwnedSaleRow, model: str) -> OrderChange:
    """One change of a sale, or of a shipment or invoice that belongs to it."""
    return OrderChange(
        key=key_of(sale.reference),
        number=sale.number or f"({sale.id})",
        kind=kind,
        document=row.number or f"{model},{row.id}",
        vendor_status=row.state,
        changed_at=instant(row.last_modified_at),
    )


def key_of(reference: str | None) -> str:
    """The hub's key in a sale's reference; a withdrawn sale bears it with a word behind a slash."""
    return (reference or "").partition("/")[0]


def withdrawn(key: str, word: str) -> str:
    """The reference of a sale that no longer stands for `key`."""
    return f"{key}/{word}"


# --- Addresses ------------------------------------------------------------------------------------------------


def find_address(wanted: Address, party_name: str | None, rows: Iterable[AddressRow]) -> AddressRow | None:
    """The party's address that says the same as `wanted`, whatever its case, spacing and state or province."""
    told = [_foreign_name(wanted, party_name), "\n".join(wanted.lines), wanted.postal_code, wanted.country]
    cities = {_squeeze(wanted.city), _squeeze(f"{wanted.city}, {wanted.region}")}
    for row in rows:
        country = row.country_.code if row.country_ else ""
        known = [row.party_name, row.street, row.postal_code, country]
        if _squeeze(row.city) in cities and list(map(_squeeze, known)) == list(map(_squeeze, told)):
            return row
    return None


def address_values(address: Address, party: int, party_name: str | None, catalogue: Catalogue) -> dict[str, Any]:
    """A new address of a party, used for nothing but the orders that name it. Raises Rejected for a country.

    Telephone and e-mail of an order's address stay in the order: Tryton keeps them per person, not per parcel.
    """
    country = catalogue.countries.get(address.country)
    if country is None:
        raise Rejected(f"the ERP does not deliver to {address.country}", code="country-unknown", system=SYSTEM)
    subdivision = _subdivision(address, country, catalogue.subdivisions)
    place = address.city if subdivision or not address.region else f"{address.city}, {address.region}"
    return {
        "party": party,
        "party_name": _foreign_name(address, party_name) or None,
        "street_unstructured": "\n".join(address.lines),
        "postal_code": address.postal_code or None,
        "city": place,
        "country": country,
        "subdivision": subdivision,
        "invoice": False,
        "delivery": False,
    }


def _subdivision(address: Address, country: int, known: Iterable[SubdivisionRow]) -> int | None:
    region = _squeeze(address.region)
    codes = {region, f"{address.country.casefold()}-{region}"}
    for row in known:
        if region and row.country == country and (_squeeze(row.name) == region or _squeeze(row.code) in codes):
            return row.id
    return None


def _squeeze(text: str | None) -> str:
    return re.sub(r"[\s,]+", " ", text or "").strip().casefold()


def _foreign_name(address: Address, party_name: str | None) -> str:
    return "" if _squeeze(address.name) == _squeeze(party_name) else address.name


def address_of(row: AddressRow, party_name: str | None) -> Address | None:
    """The canonical address, or None for one too incomplete to send anything to."""
    lines = tuple(line.strip() for line in (row.street or "").splitlines() if line.strip())
    if not lines or not row.city or not row.country_ or not row.country_.code:
        return None
    return Address(
        name=row.party_name or party_name or "",
        lines=lines,
        postal_code=row.postal_code or "",
        city=row.city,
        region=(row.subdivision_.name or "") if row.subdivision_ else "",
        country=row.country_.code,
    )


# --- Customers, products, prices, stock -----------------------------------------------------------------------


def customer_of(row: CustomerRow, credit: CreditRow | None, person_category: str) -> CustomerRecord:
    """A customer. Blocked means: deactivated, or with a credit limit of nothing."""
    reason = ""
    if not row.active:
        reason = "the customer was closed in the ERP"
    elif credit is not None and credit.credit_limit_amount is not None and credit.credit_limit_amount <= 0:
        reason = "the customer has no credit in the ERP"
    addresses = (address_of(address, row.name) for address in row.addresses_)
    private = any(category.name == person_category for category in row.categories_)
    return CustomerRecord(
        number=row.code,
        name=row.name or "",
        kind="person" if private else "organisation",
        blocked=bool(reason),
        block_reason=reason,
        payment_terms=(row.customer_payment_term_.name or "") if row.customer_payment_term_ else "",
        addresses=tuple(address for address in addresses if address is not None),
    )


def product_of(row: ProductRow, codes: Mapping[str, str]) -> Product:
    """A product; `codes` are unit codes by Tryton's symbol."""
    symbol = (row.sale_uom_ or row.default_uom_).symbol
    return Product(
        code=row.code or "",
        name=row.name,
        unit=unit_code(symbol, codes),
        active=bool(row.active and row.template_.active and row.salable),
    )


def unit_code(symbol: str, codes: Mapping[str, str]) -> str:
    """The hub's code for a unit; a unit nobody has named keeps its symbol as far as a code can hold it."""
    return codes.get(symbol) or re.sub(r"[^A-Z0-9]", "", symbol.upper())[:8] or "EA"


def quote_of(code: str, row: PriceRow, currency: str, price_list: str) -> PriceQuote | None:
    """A quote, or None where the price list has no price for the product."""
    if row.sale_price_uom is None:
        return None
    return PriceQuote(product=code, price=Price(f"{row.sale_price_uom:f}", currency), price_list=price_list)


def stock_of(row: StockRow, location: str, codes: Mapping[str, str]) -> StockLevel:
    """What a location has. More promised than there is shows as nothing: a quantity is never negative."""
    unit = unit_code(row.default_uom_.symbol, codes)
    return StockLevel(
        product=row.code or "",
        location=location,
        on_hand=_quantity(row.quantity, unit),
        forecast=_quantity(row.forecast_quantity, unit),
    )


def _quantity(value: Decimal | None, unit: str) -> Quantity:
    return Quantity.of(round(max(value or Decimal(0), Decimal(0)), QUANTITY_DECIMALS_MAX), unit)


def _invalid(code: str, path: str, message: str) -> CrossdockError:
    return Invalid(message, code=code, system=SYSTEM, findings=[Finding(code=code, path=path, message=message)])
