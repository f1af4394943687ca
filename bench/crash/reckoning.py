"""What became of all orders: the ERP and the stock ledger are asked, and what the hub tells is compared."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from bench.crash.erp import Erp
from bench.crash.orders import Book
from crossdock.adapters.memory.wire import Document, StatusRow
from crossdock.canonical.order import Order
from crossdock.contracts.orders import ORDER_EVENTS, OrderAccepted, OrderNeedsAttention, OrderRefused
from crossdock.durable.codec import decode
from crossdock.durable.records import ERASED, Parking, RunState
from crossdock.policies.order_status import status_after
from crossdock.processes.order_submission import erp_key
from crossdock.storage.sql_store import SqlStore

MICRO = 1_000_000
PAGE = 500
ENDED = {RunState.DONE.value, RunState.PARKED.value, RunState.SKIPPED.value}
FORGOTTEN = "customer-erased"
KEPT = "changed-after-submission", FORGOTTEN, "untranslatable"
"""Codes of what stays parked for a person: an order that came again otherwise, what nobody can read, and what a
system still told of somebody who was forgotten meanwhile."""


class Reckoning(msgspec.Struct, kw_only=True):
    """The figures; all from `lost` on have to be nothing."""

    orders: int
    acknowledged: int
    accepted: int
    refused: int
    parked_with_owner: int
    lost: list[str]
    doubled: list[str]
    money_difference: dict[str, Decimal]
    stock_difference: dict[str, int]
    oversold: dict[str, int]
    still_held: int
    told_wrongly: list[str]
    shown_wrongly: list[str]
    parked_without_owner: list[str]
    unfinished: list[str]

    @property
    def faults(self) -> Mapping[str, Any]:
        """What is not as it should be, by its name."""
        names = self.__struct_fields__
        wrong = names[names.index("lost") :]
        return {name: value for name in wrong if (value := getattr(self, name))}


class Ledger(msgspec.Struct, kw_only=True):
    """What the hub's database says."""

    events: dict[str, list[Any]]
    board: dict[str, str]
    levels: dict[str, tuple[int, int]]
    reserved: int
    runs: list[tuple[str, str, str]]
    lanes: list[str]
    parked: dict[str, tuple[str, str]]


async def read_ledger(store: SqlStore) -> Ledger:
    """Read everything: the stock ledger, the outbox, the board, and who is parked with whom."""
    events: dict[str, list[Any]] = defaultdict(list)
    position = 0
    while page := await store.read_events(position, PAGE):
        position = page[-1].sequence
        for stored in page:
            if stored.type in ORDER_EVENTS:
                event = decode(stored.data, ORDER_EVENTS[stored.type])
                events[event.order_id].append(event)

    async def rows(sql: str) -> Sequence[Any]:
        return await store._read(lambda tx: tx.execute(sql).fetchall())

    levels = await rows("SELECT product, sum(available), sum(held) FROM stock_level GROUP BY product")
    reserved = await rows("SELECT count(*) FROM reservation WHERE state = 'held'")
    return Ledger(
        events=events,
        board=dict(await rows("SELECT order_id, status FROM order_board")),
        levels={product: (int(available), int(held)) for product, available, held in levels},
        reserved=int(reserved[0][0]),
        runs=[tuple(row) for row in await rows("SELECT id, state, waiting_on FROM run")],
        lanes=[str(tuple(row)) for row in await rows("SELECT * FROM lane")],
        parked=await read_parked(store),
    )


async def read_parked(store: SqlStore) -> dict[str, tuple[str, str]]:
    """Whose each parked run is, and the code of why."""
    rows = await store._read(lambda tx: tx.execute("SELECT run_id, owner, facts FROM parked").fetchall())
    return {run_id: (owner, _code_of(bytes(facts))) for run_id, owner, facts in rows}


def _code_of(facts: bytes) -> str:
    """Why it is parked; of what told of somebody who was forgotten since, just so much."""
    return FORGOTTEN if facts == ERASED else decode(facts, Parking).code


def reckon(book: Book, acknowledged: Iterable[str], erp: Erp, ledger: Ledger) -> Reckoning:
    """Hold all accounts against each other, order by order."""
    books = erp.documents()
    documents = {order_id: books.get(erp_key(order_id), []) for order_id in book.orders}
    settled = {order_id: _settled(ledger.events[order_id], documents[order_id]) for order_id in book.orders}
    asked_for = {run_id for run_id, (_, code) in ledger.parked.items() if code not in KEPT}
    shown = erp.shown()
    known = set(acknowledged)
    return Reckoning(
        orders=len(book.orders),
        acknowledged=len(known),
        accepted=sum(1 for found in documents.values() if found),
        refused=sum(1 for word in settled.values() if word == "refused"),
        parked_with_owner=sum(1 for owner, _ in ledger.parked.values() if owner),
        lost=[each for each, word in settled.items() if not word and (each in known or ledger.events[each])],
        doubled=[each for each, found in documents.items() if len(found) > 1],
        money_difference=_money_difference(book.orders, ledger.events, documents),
        stock_difference=_stock_difference(book.on_hand, ledger.levels, books),
        oversold=_oversold(book.on_hand, ledger.levels, books),
        still_held=ledger.reserved,
        told_wrongly=[each for each in book.orders if not _is_told_once(ledger.events[each])],
        shown_wrongly=[each for each in book.orders if not _is_shown(each, ledger, shown)],
        parked_without_owner=[run_id for run_id, (owner, _) in ledger.parked.items() if not owner],
        unfinished=[
            *(f"{state}: {what}" for _, state, what in ledger.runs if state not in ENDED),
            *sorted(asked_for),
        ],
    )


def _settled(told: Sequence[Any], documents: Sequence[Document]) -> str:
    """How the order ended, where the hub's word and the ERP's books agree; else nothing."""
    decided = [event for event in told if isinstance(event, OrderAccepted | OrderRefused)]
    if decided and isinstance(decided[-1], OrderAccepted) and documents:
        return "accepted"
    return "refused" if decided and isinstance(decided[-1], OrderRefused) and not documents else ""


def _is_told_once(told: Sequence[Any]) -> bool:
    kinds = Counter(type(event).__name__ for event in told)
    decided = kinds["OrderAccepted"] + kinds["OrderRefused"]
    return (kinds["OrderCaptured"], decided) == (1, 1) and kinds["StockHeld"] <= 1


def _is_shown(order_id: str, ledger: Ledger, shown: Mapping[str, StatusRow]) -> bool:
    """Whether hub, board and channel show the same, and it is what was told last of the order itself."""
    statuses = [
        status.value
        for event in ledger.events[order_id]
        if not (isinstance(event, OrderNeedsAttention) and event.code in KEPT)
        and (status := status_after(event)) is not None
    ]
    row = shown.get(f"R-{order_id.removeprefix('O-')}")
    told = statuses[-1] if statuses else ""
    return row is not None and row.status == told == ledger.board.get(order_id)


def _money_difference(
    orders: Mapping[str, Order], events: Mapping[str, Sequence[Any]], documents: Mapping[str, Sequence[Document]]
) -> dict[str, Decimal]:
    """By currency, where the ERP's books and what the hub told differ for any order, to the cent."""
    differences: dict[str, Decimal] = defaultdict(Decimal)
    for order_id, order in orders.items():
        in_erp = sum(
            (
                Decimal(position.price) * Decimal(result.confirmed)
                for document in documents[order_id]
                for position, result in zip(document.content.positions, document.results, strict=True)
            ),
            Decimal(0),
        )
        prices = {line.line_id: line.unit_price.decimal for line in order.lines}
        told = sum(
            (
                prices[moved.line_id] * moved.micro / MICRO
                for event in events[order_id]
                if isinstance(event, OrderAccepted)
                for moved in event.lines
            ),
            Decimal(0),
        )
        differences[order.currency] += abs(in_erp - told)
    return {currency: difference for currency, difference in differences.items() if difference}


def _gone(documents: Mapping[str, Sequence[Document]]) -> Counter[str]:
    """Pieces that are the ERP's by product: by whatever key, also by keys that no order of ours has."""
    gone: Counter[str] = Counter()
    for found in documents.values():
        for document in found:
            for position, result in zip(document.content.positions, document.results, strict=True):
                gone[position.article] += int(result.confirmed)
    return gone


def _stock_difference(
    on_hand: Mapping[str, int], levels: Mapping[str, tuple[int, int]], books: Mapping[str, Sequence[Document]]
) -> dict[str, int]:
    """By product: pieces that are neither available, held, nor the ERP's."""
    gone = _gone(books)
    differences = {
        product: pieces - sum(levels.get(product, (0, 0))) // MICRO - gone[product]
        for product, pieces in on_hand.items()
    }
    return {product: difference for product, difference in differences.items() if difference}


def _oversold(
    on_hand: Mapping[str, int], levels: Mapping[str, tuple[int, int]], books: Mapping[str, Sequence[Document]]
) -> dict[str, int]:
    """By product: how much more is promised than there ever was, or by how much the ledger went below zero."""
    gone = _gone(books)
    over = {
        product: max(gone[product] - pieces, -levels.get(product, (0, 0))[0])
        for product, pieces in on_hand.items()
    }
    return {product: pieces for product, pieces in over.items() if pieces > 0}
