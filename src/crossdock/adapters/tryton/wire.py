"""Tryton's records as they are read, by Tryton's names; each Struct also says which fields to ask for.

A name that ends in `_` is a relation that is read along: `party_` asks for the fields of its own Struct under
`party.` and finds them there. Unknown fields are ignored; a missing one is Invalid, with its path.
"""

from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, get_args

import msgspec
from msgspec import UNSET, UnsetType

from crossdock.ports.order_gateway import LineResult

# Tryton on SQLite answers 1 and 0 for true and false.
Flag = bool | int


def _dotted(name: str) -> str | None:
    return f"{name[:-1]}." if name.endswith("_") else None


class Row(msgspec.Struct, frozen=True, kw_only=True, rename=_dotted):
    """A record; every one has its id."""

    id: int


class CodeRow(Row, frozen=True):
    """Whatever is known by a code."""

    code: str | None


class SymbolRow(Row, frozen=True):
    """A unit of measure."""

    symbol: str


class NameRow(Row, frozen=True):
    """Whatever is known by a name."""

    name: str | None


class SubdivisionRow(Row, frozen=True):
    """A state or province; `code` is ISO 3166-2 (`US-NY`)."""

    code: str
    name: str
    country: int


class WarehouseRow(Row, frozen=True):
    """A warehouse; customers may pick up where `allow_pickup`, at its address."""

    code: str | None
    name: str
    address: int | None
    allow_pickup: Flag | None


class AddressRow(Row, frozen=True):
    """A party's address."""

    party_name: str | None
    street: str | None
    postal_code: str | None
    city: str | None
    subdivision_: NameRow | None
    country_: CodeRow | None


class PartyRow(Row, frozen=True):
    """A customer as far as an order needs them."""

    code: str
    name: str | None
    active: Flag
    customer_tax_rule: int | None
    addresses_: list[AddressRow]


class CustomerRow(PartyRow, frozen=True):
    """A customer as far as the directory tells."""

    customer_payment_term_: NameRow | None
    categories_: list[NameRow]


class MechanismRow(Row, frozen=True):
    """A telephone number, an e-mail address, a web site: `type` says which."""

    type: str | None
    value: str | None


class IdentifierRow(Row, frozen=True):
    """A number somebody gave a party; `type` names the register, or nothing."""

    type: str | None
    code: str


class PlaceRow(AddressRow, frozen=True):
    """An address with what it is used for."""

    delivery: Flag | None
    invoice: Flag | None


class DelayRow(Row, frozen=True):
    """A part of a payment term's delay."""

    days: int | None
    months: int | None


class TermLineRow(Row, frozen=True):
    """One part of what is to be paid, and when."""

    relativedeltas_: list[DelayRow]


class TermRow(NameRow, frozen=True):
    """A payment term."""

    lines_: list[TermLineRow]


class RelationRow(Row, frozen=True):
    """A relation to another party (module party_relationship)."""

    to: int | None
    active: Flag
    type_: NameRow | None


class CustomerStateRow(Row, frozen=True):
    """A party with all that the hub knows of it; `currency_` is the one its credit limit is in.

    The limit is absent where Tryton keeps none (module account_credit_limit), relations likewise.
    """

    code: str | None
    name: str | None
    active: Flag
    replaced_by: int | None
    lang_: CodeRow | None
    categories_: list[NameRow]
    addresses_: list[PlaceRow]
    contact_mechanisms_: list[MechanismRow]
    identifiers_: list[IdentifierRow]
    tax_identifier_: IdentifierRow | None
    customer_payment_term_: TermRow | None
    currency_: CodeRow | None
    credit_limit_amount: Decimal | UnsetType | None = UNSET
    relations_: list[RelationRow] | UnsetType = UNSET


class TouchedRow(Row, frozen=True):
    """A party, or a part of one, and who changed it last and when."""

    party: int | None
    create_uid: int | None
    write_uid: int | None
    last_modified_at: datetime


class StampRow(Row, frozen=True):
    """A record that is somebody's, and when it moved last."""

    party: int | None
    last_modified_at: datetime


class DealingsRow(Row, frozen=True):
    """What a party owes, what of it is due, and what its credit limit counts (module account_credit_limit)."""

    receivable: Decimal
    receivable_today: Decimal
    currency_: CodeRow | None
    credit_amount: Decimal | UnsetType = UNSET


class DocumentRow(Row, frozen=True):
    """A sale, a shipment or an invoice, as far as its customer is told of it."""

    party: int | None
    number: str | None
    state: str


class DeletionRow(Row, frozen=True):
    """A line of Tryton's log that says that a record was deleted, by whom and when."""

    user: int | None
    create_date: datetime


class KeyRow(Row, frozen=True):
    """An identifier that bears one of our keys."""

    code: str
    party: int


class CreditRow(Row, frozen=True):
    """A customer's credit limit, in the company's currency; None is no limit (module account_credit_limit)."""

    credit_limit_amount: Decimal | None


class PriceListRow(Row, frozen=True):
    """The price list that applies to a customer (module sale_price_list)."""

    sale_price_list_: NameRow | None


class TaxedCategoryRow(Row, frozen=True):
    """An accounting category and the taxes on what is sold under it."""

    customer_taxes_used: list[int]


class TemplateRow(Row, frozen=True):
    """What variants of a product share."""

    active: Flag


class ProductRow(Row, frozen=True):
    """A product variant."""

    code: str | None
    name: str
    active: Flag
    salable: Flag | None
    default_uom_category: int | None
    default_uom_: SymbolRow
    sale_uom_: SymbolRow | None
    template_: TemplateRow
    account_category_: TaxedCategoryRow | None


class SoldRow(Row, frozen=True):
    """A product that is for sale, as far as its price concerns."""

    code: str
    default_uom_category: int | None


class UnitRow(Row, frozen=True):
    """A unit of measure with what it can be converted to, and its decimals."""

    symbol: str
    category: int
    digits: int


class PriceRow(Row, frozen=True):
    """The price that the context of the call asked for."""

    sale_price_uom: Decimal | None


class StockRow(Row, frozen=True):
    """The quantities at the location that the context of the call named."""

    code: str | None
    quantity: Decimal | None
    forecast_quantity: Decimal | None
    default_uom_: SymbolRow


class LineRow(Row, frozen=True):
    """A sale line. `note` is the line id of the order where the line stands for one."""

    type: str
    quantity: Decimal | None
    note: str | None
    product: int | None


class NoteRow(Row, frozen=True):
    """A note attached to a record."""

    message: str | None


class SaleRow(Row, frozen=True):
    """A sale with what the hub wrote into it."""

    number: str | None
    reference: str | None
    state: str
    lines_: list[LineRow]
    notes_: list[NoteRow]


class StateRow(Row, frozen=True):
    """Whatever has a state."""

    state: str


class FulfilmentRow(Row, frozen=True):
    """What came of a sale: shipments, moves and invoices."""

    state: str
    shipments_: list[StateRow]
    moves_: list[StateRow]
    invoices_: list[StateRow]


class OwnedSaleRow(Row, frozen=True):
    """A sale and who created it."""

    number: str | None
    reference: str | None
    create_uid: int | None


class MoveRow(Row, frozen=True):
    """A stock move and the sale it serves."""

    sale_: OwnedSaleRow | None


class ChangedRow(Row, frozen=True):
    """A record with the time of its last change, in UTC without saying so."""

    number: str | None
    state: str
    last_modified_at: datetime


class ChangedSaleRow(ChangedRow, frozen=True):
    """A sale that changed."""

    reference: str | None
    create_uid: int | None


class ChangedShipmentRow(ChangedRow, frozen=True):
    """A shipment that changed."""

    outgoing_moves_: list[MoveRow]


class ChangedInvoiceRow(ChangedRow, frozen=True):
    """An invoice that changed."""

    sales_: list[OwnedSaleRow]


class Memo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the hub notes on a sale for itself, as JSON in a note that clerks can read and customers never see.

    `content` recognises the same order again; `refused` are the lines that Tryton was not given, each with its
    place in the order, so that the answer to a submission can be told again at any time.
    """

    crossdock: int
    order_id: str
    content: str
    correlation_id: str
    ordered_at: datetime
    refused: tuple[tuple[int, LineResult], ...] = ()


@cache
def fields_of(kind: type[Row]) -> tuple[str, ...]:
    """The names to ask Tryton for, so that its answer converts to `kind`."""
    names: list[str] = []
    for field in msgspec.structs.fields(kind):
        if field.encode_name.endswith("."):
            names += [f"{field.encode_name}{inner}" for inner in fields_of(_relation(field.type))]
        else:
            names.append(field.encode_name)
    return tuple(names)


def _relation(annotation: Any) -> type[Row]:
    candidates = get_args(annotation) or (annotation,)
    candidates += tuple(inner for each in candidates for inner in get_args(each))
    return next(kind for kind in candidates if isinstance(kind, type) and issubclass(kind, Row))
