"""The memory ERP's books: debtors, articles, prices, stock, orders and everything that changed, in order."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import msgspec

from crossdock.adapters.memory.simulator.estate import STANDARD_ESTATE, ArticlePrice, Estate, Stock
from crossdock.adapters.memory.wire import (
    Article,
    Change,
    Changes,
    DebtorRecord,
    Document,
    Level,
    Position,
    PositionResult,
    SalesOrder,
)
from crossdock.kit.clock import Clock, to_datetime

DRAFT, CONFIRMED, PARTLY_CONFIRMED = "DRAFT", "CONFIRMED", "PARTLY_CONFIRMED"
SHIPPED, INVOICED, CANCELLED = "SHIPPED", "INVOICED", "CANCELLED"
GONE_OUT = frozenset({SHIPPED, INVOICED})


class Refusal(Exception):
    """The ERP says no: `status` is HTTP's, `code` its own, `field` a JSON path where one is to blame."""

    def __init__(self, code: str, text: str, *, status: int = 422, field: str = "") -> None:
        super().__init__(text)
        self.code, self.text, self.status, self.field = code, text, status, field


class Entry(msgspec.Struct, kw_only=True):
    """An order in the books."""

    number: str
    state: str
    results: tuple[PositionResult, ...]
    content: SalesOrder
    correlation: str

    def document(self) -> Document:
        """As the ERP hands it out."""
        return Document(
            number=self.number,
            state=self.state,
            results=self.results,
            content=self.content,
            correlation=self.correlation,
        )


class Ledger:
    """One company's books. Nothing here waits or knows HTTP; `Refusal` is raised for every no.

    With `unique_reference` off, a second order under a reference is simply a second order, as in ERPs where the
    reference is only a remark.
    """

    def __init__(self, clock: Clock, *, estate: Estate = STANDARD_ESTATE, unique_reference: bool = True) -> None:
        self.clock = clock
        self.unique_reference = unique_reference
        self.debtors: dict[str, DebtorRecord] = {}
        self.articles: dict[str, Article] = {}
        self.prices: dict[tuple[str, str], ArticlePrice] = {}
        self.currencies: set[str] = set()
        self._stock: dict[str, dict[str, Stock]] = {}
        self._entries: dict[str, Entry] = {}
        self._by_reference: dict[str, list[str]] = {}
        self._changes: list[Change] = []
        self.seed(estate)

    def seed(self, estate: Estate) -> None:
        """Add these records, or replace those of the same number."""
        self.debtors.update({debtor.number: debtor for debtor in estate.debtors})
        self.articles.update({article.number: article for article in estate.articles})
        self.prices.update({(price.article, price.currency): price for price in estate.prices})
        self.currencies.update(price.currency for price in estate.prices)
        for stock in estate.stock:
            self._stock.setdefault(stock.article, {})[stock.depot] = stock

    def orders(self, reference: str | None = None) -> Sequence[Document]:
        """All orders, or those under a reference, cancelled ones too, in the order of their making."""
        numbers = self._entries if reference is None else self._by_reference.get(reference, ())
        return [self._entries[number].document() for number in numbers]

    def place(
        self,
        order: SalesOrder,
        *,
        correlation: str = "",
        refused: dict[str, str] | None = None,
        state: str = "",
    ) -> Entry:
        """Enter an order and confirm what can be confirmed.

        `refused` are vendor codes by position and `state` a state to end in, both for faults on demand.
        """
        known = self._standing(order.reference) if self.unique_reference and order.reference else None
        if known is not None:
            if known.content != order:
                raise Refusal("REFERENCE_USED", f"{order.reference} was used with other content", status=409)
            return known
        self._check(order)
        results = tuple(
            self._result(position, (refused or {}).get(position.position, "")) for position in order.positions
        )
        open_positions = sum(1 for result in results if result.code)
        if open_positions == len(results):
            raise Refusal(results[0].code, "no position can be delivered", field="$.positions[0]")
        if order.complete_only and open_positions:
            raise Refusal(
                "INCOMPLETE", "to be delivered completely, but not every position can be", field="$.positions"
            )
        entry = Entry(
            number=f"SO-{len(self._entries) + 1:06d}",
            state=state or (PARTLY_CONFIRMED if open_positions else CONFIRMED),
            results=results,
            content=order,
            correlation=correlation,
        )
        self._entries[entry.number] = entry
        self._by_reference.setdefault(order.reference, []).append(entry.number)
        if state != DRAFT:
            self._promise(entry, 1)
        self._note(entry, "order", entry.number, entry.state)
        return entry

    def confirm(self, number: str) -> Entry:
        """Confirm a draft; what is confirmed already stays as it is."""
        entry = self._entry(number)
        if entry.state == DRAFT:
            partly = any(result.code for result in entry.results)
            self._promise(entry, 1)
            self._move(entry, PARTLY_CONFIRMED if partly else CONFIRMED)
        return entry

    def cancel(self, number: str) -> Entry:
        """Cancel an order, also one that is cancelled already. Raises Refusal once goods have left."""
        entry = self._entry(number)
        if entry.state in GONE_OUT:
            raise Refusal("ALREADY_SHIPPED", "the goods have left", status=409)
        if entry.state != CANCELLED:
            if entry.state != DRAFT:
                self._promise(entry, -1)
            self._move(entry, CANCELLED)
        return entry

    def ship(self, number: str) -> str:
        """Send out everything confirmed; returns the delivery note's number."""
        entry = self._entry(number)
        note = f"DN-{len(self._changes) + 1:06d}"
        self._promise(entry, -1, taken=True)
        entry.state = SHIPPED
        self._note(entry, "shipment", note, SHIPPED)
        return note

    def invoice(self, number: str) -> str:
        """Bill everything confirmed; returns the invoice's number."""
        entry = self._entry(number)
        bill = f"IN-{len(self._changes) + 1:06d}"
        entry.state = INVOICED
        self._note(entry, "invoice", bill, INVOICED)
        return bill

    def set_state(self, number: str, state: str) -> None:
        """Put an order into any state, known to its readers or not."""
        self._move(self._entry(number), state)

    def levels(self, articles: Sequence[str]) -> list[Level]:
        """The stock of these articles, or of all when none is named."""
        return [
            Level(
                article=stock.article,
                depot=stock.depot,
                on_hand=stock.on_hand,
                forecast=f"{Decimal(stock.on_hand) - Decimal(stock.promised):f}",
                unit=self.articles[stock.article].unit if stock.article in self.articles else "EA",
            )
            for article in (articles or self._stock)
            for stock in self._stock.get(article, {}).values()
        ]

    def changes(self, after: int | None, limit: int) -> Changes:
        """Changes after a sequence number, oldest first; None asks only for the last number."""
        if after is None:
            return Changes((), len(self._changes))
        page = tuple(self._changes[max(0, after) : max(0, after) + limit])
        last = page[-1].sequence if page else after
        return Changes(page, last, last < len(self._changes))

    def _entry(self, number: str) -> Entry:
        try:
            return self._entries[number]
        except KeyError:
            raise Refusal("ORDER_UNKNOWN", "no such order", status=404) from None

    def _standing(self, reference: str) -> Entry | None:
        numbers = self._by_reference.get(reference)
        if numbers:
            for number in numbers:
                if self._entries[number].state != CANCELLED:
                    return self._entries[number]
        return None

    def _check(self, order: SalesOrder) -> None:
        debtor = self.debtors.get(order.debtor.number)
        if debtor is None:
            raise Refusal("DEBTOR_UNKNOWN", f"nobody here knows {order.debtor.name}", field="$.debtor.number")
        if debtor.block:
            raise Refusal(debtor.block, f"{debtor.name} is blocked: {debtor.block}", field="$.debtor.number")
        if order.currency not in self.currencies:
            raise Refusal("CURRENCY_NOT_SOLD", f"no price list in {order.currency}", field="$.currency")
        seen = {position.position for position in order.positions}
        if not order.positions or len(seen) != len(order.positions):
            raise Refusal("FIELD", "positions are empty or not unique", status=400, field="$.positions")
        for index, position in enumerate(order.positions):
            if _number(position.quantity) <= 0:
                path = f"$.positions[{index}].quantity"
                raise Refusal("FIELD", "not a quantity above zero", status=400, field=path)

    def _result(self, position: Position, refused: str) -> PositionResult:
        article = self.articles.get(position.article)
        code = refused or (
            "ARTICLE_UNKNOWN" if article is None else "" if article.on_sale else "ARTICLE_DISCONTINUED"
        )
        if code:
            return PositionResult(position=position.position, confirmed="0", refused=position.quantity, code=code)
        return PositionResult(position=position.position, confirmed=position.quantity)

    def _promise(self, entry: Entry, sign: int, *, taken: bool = False) -> None:
        """Book what is confirmed as promised (1) or no longer (-1), and as `taken` from the shelf."""
        for position, result in zip(entry.content.positions, entry.results, strict=True):
            depots = self._stock.get(position.article)
            if result.code or not depots:
                continue
            wanted = (position.delivery or entry.content.delivery).depot
            stock = depots.get(wanted) or next(iter(depots.values()))
            amount = Decimal(result.confirmed)
            depots[stock.depot] = Stock(
                stock.article,
                stock.depot,
                f"{Decimal(stock.on_hand) - amount:f}" if taken else stock.on_hand,
                f"{Decimal(stock.promised) + sign * amount:f}",
            )

    def _move(self, entry: Entry, state: str) -> None:
        entry.state = state
        self._note(entry, "order", entry.number, state)

    def _note(self, entry: Entry, kind: str, document: str, state: str) -> None:
        self._changes.append(
            Change(
                sequence=len(self._changes) + 1,
                reference=entry.content.reference,
                number=entry.number,
                kind=kind,
                document=document,
                state=state,
                changed=to_datetime(self.clock.now()),
            )
        )


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return Decimal(-1)
    return value if value.is_finite() else Decimal(-1)
