"""Acme's payloads, by its own names. Fields that are not listed here are ignored when they come."""

from datetime import datetime

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """Every answer that is not a success."""

    error: str
    detail: str = ""


class Ping(msgspec.Struct, frozen=True):
    """Who answers."""

    product: str
    version: str


class SalesLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it is sent; quantities and prices are decimal text."""

    no: str
    sku: str
    qty: str
    unit: str
    price: str
    text: str = ""


class ShipTo(msgspec.Struct, frozen=True, kw_only=True):
    """Where the goods go."""

    name: str
    street: tuple[str, ...]
    zip: str
    city: str
    country: str


class SalesOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is sent; `ref` is unique in Acme."""

    ref: str
    buyer_ref: str
    trace: str
    account: str
    currency: str
    placed_at: datetime
    ship_to: ShipTo | None
    lines: tuple[SalesLine, ...]


class LineAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What Acme made of a line."""

    no: str
    confirmed: str
    rejected: str
    reason: str = ""


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An order as Acme answers it."""

    id: str
    ref: str
    status: str
    lines: tuple[LineAnswer, ...]


class Orders(msgspec.Struct, frozen=True):
    """The orders under a reference: none or one."""

    orders: tuple[OrderAnswer, ...]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened to an order; `doc` is the order's, shipment's or invoice's number."""

    seq: int
    ref: str
    id: str
    type: str
    doc: str
    status: str
    at: datetime


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Changes in their order and the number of the last one; more may be there already."""

    changes: tuple[Change, ...]
    last: int
    more: bool
