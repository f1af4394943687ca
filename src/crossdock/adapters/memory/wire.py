"""The memory ERP's payloads, by its own names: debtors, articles, positions. Amounts are decimal text."""

from datetime import datetime
from typing import Any, Literal

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """Every answer that is not a success. `field` is a JSON path into the request, where one is to blame."""

    code: str
    text: str = ""
    field: str = ""


class SignIn(msgspec.Struct, frozen=True):
    """What a client shows to get a token."""

    client: str
    secret: str


class Session(msgspec.Struct, frozen=True):
    """A token and for how long it is good."""

    token: str
    valid_seconds: float


class About(msgspec.Struct, frozen=True):
    """Who answers."""

    product: str
    version: str


class Reference(msgspec.Struct, frozen=True):
    """A number somebody else gave to the same thing."""

    system: str
    kind: str
    value: str


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A postal address."""

    name: str = ""
    streets: tuple[str, ...]
    zip: str = ""
    town: str
    county: str = ""
    country: str
    phone: str = ""
    mail: str = ""


class Charge(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something added to (or, negative, taken off) a position or an order, in the order's currency."""

    kind: str
    amount: str
    code: str = ""


class TaxItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tax as the sender computed it, in the order's currency; `rate` in percent."""

    code: str
    amount: str
    rate: str = ""


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """How and where from the goods should leave, and when."""

    method: str = "ship"
    depot: str = ""
    wanted: datetime | None = None


class Payment(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the debtor pays; `authorised` is text with its currency, "12.50 EUR"."""

    method: str = "invoice"
    terms: str = ""
    authorised: str = ""
    authorisation: str = ""


class Position(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One article of an order."""

    position: str
    article: str
    quantity: str
    unit: str
    price: str
    text: str = ""
    charges: tuple[Charge, ...] = ()
    taxes: tuple[TaxItem, ...] = ()
    delivery: Delivery | None = None


class Debtor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who buys."""

    number: str = ""
    name: str = ""
    kind: str = "person"
    mail: str = ""
    references: tuple[Reference, ...] = ()


class SalesOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order as it is sent in. `reference` is the sender's key; `external` the number the buyer knows."""

    reference: str = ""
    external: str
    channel: str
    currency: str
    ordered: datetime
    debtor: Debtor
    positions: tuple[Position, ...]
    brand: str = ""
    region: str = ""
    bill_to: Place | None = None
    ship_to: Place | None = None
    charges: tuple[Charge, ...] = ()
    taxes: tuple[TaxItem, ...] = ()
    total: str = ""
    payment: Payment = Payment()
    delivery: Delivery = Delivery()
    references: tuple[Reference, ...] = ()
    complete_only: bool = False
    urgency: int = 5


class PositionResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the ERP made of a position; `code` says why some or all of it was refused."""

    position: str
    confirmed: str
    refused: str = "0"
    code: str = ""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the ERP keeps it. `content` is as it was sent in."""

    number: str
    state: str
    results: tuple[PositionResult, ...]
    content: SalesOrder
    correlation: str = ""


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """The short answer to a submission, a confirmation or a cancellation."""

    number: str
    state: str
    results: tuple[PositionResult, ...]


class ByReference(msgspec.Struct, frozen=True):
    """Asks for the orders under a reference."""

    reference: str


class Documents(msgspec.Struct, frozen=True):
    """The orders asked for; one that knows no unique reference may have several."""

    orders: tuple[Document, ...]


class ByNumber(msgspec.Struct, frozen=True, omit_defaults=True):
    """Confirms or cancels an order."""

    number: str
    reason: str = ""


class ChangesAfter(msgspec.Struct, frozen=True):
    """Asks for changes after a sequence number; none given: only what the last one is."""

    after: int | None
    limit: int


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened to an order or a document made from it."""

    sequence: int
    reference: str
    number: str
    kind: str
    document: str
    state: str
    changed: datetime


class Changes(msgspec.Struct, frozen=True):
    """Changes in their order, the number to ask after next time, and whether more are there already."""

    changes: tuple[Change, ...]
    last: int
    more: bool = False


class Numbers(msgspec.Struct, frozen=True):
    """Asks for records by number; an empty list asks for all, where the endpoint allows it."""

    numbers: tuple[str, ...]


class DebtorRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A debtor in the ERP's books."""

    number: str
    name: str
    kind: str = "organisation"
    block: str = ""
    terms: str = ""
    places: tuple[Place, ...] = ()


class Debtors(msgspec.Struct, frozen=True):
    """The debtors asked for."""

    debtors: tuple[DebtorRecord, ...]


class Article(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An article in the ERP's catalogue."""

    number: str
    name: str
    unit: str = "EA"
    on_sale: bool = True


class Articles(msgspec.Struct, frozen=True):
    """The articles asked for, and where the next page begins; an empty text ends the list."""

    articles: tuple[Article, ...]
    next: str = ""


class ArticlesPage(msgspec.Struct, frozen=True):
    """Asks for a page of all articles after a number."""

    after: str = ""


class Wanted(msgspec.Struct, frozen=True):
    """So many of an article."""

    article: str
    quantity: str
    unit: str


class PriceQuestion(msgspec.Struct, frozen=True):
    """Asks what a debtor pays."""

    debtor: str
    currency: str
    wanted: tuple[Wanted, ...]


class PriceLine(msgspec.Struct, frozen=True):
    """What an article costs."""

    article: str
    price: str
    list: str


class Prices(msgspec.Struct, frozen=True):
    """The prices found."""

    prices: tuple[PriceLine, ...]


class Level(msgspec.Struct, frozen=True):
    """What a depot has of an article; `forecast` may be negative when too much was promised."""

    article: str
    depot: str
    on_hand: str
    forecast: str
    unit: str = "EA"


class Levels(msgspec.Struct, frozen=True):
    """The stock asked for."""

    levels: tuple[Level, ...]


class StatusRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a record should show."""

    record: str
    order: str
    status: str
    as_of: datetime
    reason: str = ""
    erp_number: str = ""


class StatusRows(msgspec.Struct, frozen=True):
    """A batch of them."""

    rows: tuple[StatusRow, ...]


class RowResults(msgspec.Struct, frozen=True):
    """A problem or nothing per row, in order."""

    results: tuple[Problem | None, ...]


class Announcement(msgspec.Struct, frozen=True):
    """An event for the ERP's own subscribers: the envelope as it came, and what keeps it in order and apart."""

    id: str
    key: str
    envelope: msgspec.Raw


class Announcements(msgspec.Struct, frozen=True):
    """A batch of them; the answer is RowResults."""

    announcements: tuple[Announcement, ...]


class MessagesAfter(msgspec.Struct, frozen=True):
    """Asks for captured orders after a sequence number, and how long to wait when there is none."""

    after: int
    limit: int
    wait_seconds: float = 0.0


class Message(msgspec.Struct, frozen=True):
    """A captured order, as it lies in the channel."""

    id: str
    received: datetime
    body: msgspec.Raw


class Missed(msgspec.Struct, frozen=True):
    """The channel lost messages of a time it may know the beginning of."""

    until: datetime
    reason: str
    since: datetime | None = None


class Messages(msgspec.Struct, frozen=True):
    """Captured orders, the sequence number behind them, and what was lost before them."""

    messages: tuple[Message, ...]
    last: int
    missed: Missed | None = None


class ChangedBetween(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks which orders changed in a time, page by page: after the moment and id of the last one seen."""

    since: datetime
    until: datetime
    limit: int = 100
    after: datetime | None = None
    after_id: str = ""


class Changed(msgspec.Struct, frozen=True):
    """The orders that did."""

    messages: tuple[Message, ...]


class Count(msgspec.Struct, frozen=True):
    """How many."""

    count: int


class Partner(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A business partner. `card` is what is known, flat, name by name; `revision` counts its changes.

    `reference` is the number that whoever made it gave it, `links` are partners said to be the same.
    """

    number: str
    revision: int
    changed: datetime
    card: dict[str, Any]
    reference: str = ""
    links: tuple[str, ...] = ()


class PartnerWrite(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Make a partner (without `number`) or change one; null clears a name. With `revision`, only from that one.

    `write` names the write itself: the same one again is no other. `origin` and `correlation` are told to readers.
    """

    write: str
    card: dict[str, Any]
    number: str = ""
    revision: int = 0
    origin: str = ""
    correlation: str = ""


class PartnerWrites(msgspec.Struct, frozen=True):
    """Several writes, each with an outcome of its own."""

    writes: tuple[PartnerWrite, ...]


class PartnerResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a write: the partner, or why not."""

    partner: Partner | None = None
    problem: Problem | None = None


class PartnerResults(msgspec.Struct, frozen=True):
    """In the order of the writes."""

    results: tuple[PartnerResult, ...]


class PartnerJoin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Two partners are one: linked to each other, or `absorbed` blocked, or merged into `survivor` for good."""

    write: str
    survivor: str
    absorbed: str
    how: Literal["block", "link", "merge"]
    origin: str = ""
    correlation: str = ""


class Partners(msgspec.Struct, frozen=True):
    """Partners as asked for; null for one that is gone."""

    partners: tuple[Partner | None, ...]


class PartnerChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message of the partners' stream: `card` holds what the change mentions, null for what was cleared.

    `kind` is one of changed, deleted, merged (into `into`) and undeleted.
    """

    number: str
    kind: str
    revision: int
    changed: datetime
    card: dict[str, Any] = {}
    origin: str = ""
    correlation: str = ""
    into: str = ""
