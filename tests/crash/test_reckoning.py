"""The reckoning sees what it is there to see: each flaw by its name, and none where there is none."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
import pytest
from bench.crash.erp import Erp
from bench.crash.orders import Book, make_book
from bench.crash.reckoning import Ledger, Reckoning, reckon

from crossdock.adapters.memory import mapping
from crossdock.adapters.memory.wire import Document, PositionResult, StatusRow
from crossdock.canonical.ledger import LineMovement
from crossdock.canonical.order import Order
from crossdock.contracts.orders import OrderAccepted, OrderCaptured, OrderNeedsAttention, OrderRefused, StockHeld
from crossdock.processes.order_submission import erp_key
from crossdock.testing.builders import NOON_INSTANT

ORDERS = 3
MICRO = 1_000_000


class World:
    """Three orders that went well: two in the ERP, one refused."""

    def __init__(self) -> None:
        self.book: Book = make_book(ORDERS, seed=1)
        *accepted, refused = self.book.orders.values()
        self.books = {erp_key(order.order_id): [_document(order)] for order in accepted}
        self.shown_rows = {_record(order): _row(order, "accepted") for order in accepted}
        self.shown_rows[_record(refused)] = _row(refused, "refused")
        events = {order.order_id: _told(order, "accepted") for order in accepted}
        events[refused.order_id] = _told(refused, "refused")
        gone = dict.fromkeys(self.book.on_hand, 0)
        for order in accepted:
            for line in order.lines:
                gone[line.product] += line.quantity.micro // MICRO
        on_hand = {product: max(pieces, gone[product]) for product, pieces in self.book.on_hand.items()}
        self.book = msgspec.structs.replace(self.book, on_hand=on_hand)
        self.ledger = Ledger(
            events=events,
            board={order_id: "refused" if order_id == refused.order_id else "accepted" for order_id in events},
            levels={product: ((pieces - gone[product]) * MICRO, 0) for product, pieces in on_hand.items()},
            reserved=0,
            runs=[(f"order_submission/{order_id}", "done", "") for order_id in events],
            lanes=[],
            parked={},
        )

    def documents(self) -> dict[str, list[Document]]:
        return self.books

    def shown(self) -> dict[str, StatusRow]:
        return self.shown_rows

    def reckon(self) -> Reckoning:
        return reckon(self.book, self.book.orders, cast("Erp", self), self.ledger)


def _record(order: Order) -> str:
    return order.references[0].value


def _row(order: Order, status: str) -> StatusRow:
    return StatusRow(record=_record(order), order=order.order_id, status=status, as_of=order.ordered_at)


def _document(order: Order) -> Document:
    content = mapping.order_to_wire(order, erp_key(order.order_id))
    results = tuple(PositionResult(position=line.line_id, confirmed=line.quantity.value) for line in order.lines)
    return Document(number=f"SO-{order.order_id}", state="CONFIRMED", results=results, content=content)


def _told(order: Order, outcome: str) -> list[Any]:
    lines = tuple(LineMovement(line.line_id, line.quantity.micro) for line in order.lines)
    common: dict[str, Any] = {
        "order_id": order.order_id,
        "at": NOON_INSTANT,
        "source": "crossdock",
        "lines": lines,
    }
    told: list[Any] = [
        OrderCaptured(channel="web", currency=order.currency, net="1", **common),
        StockHeld(**common),
    ]
    if outcome == "accepted":
        return [*told, OrderAccepted(erp="ERP", erp_number="1", **common)]
    return [*told, OrderRefused(reason="no", code="no", **common)]


def lose(world: World) -> None:
    del world.books[erp_key("O-000000")]


def double(world: World) -> None:
    world.books[erp_key("O-000000")] *= 2


def tell_twice(world: World) -> None:
    world.ledger.events["O-000000"].append(world.ledger.events["O-000000"][-1])


def stay_silent(world: World) -> None:
    del world.ledger.events["O-000000"][0]


def show_the_old(world: World) -> None:
    order = world.book.orders["O-000000"]
    world.shown_rows[_record(order)] = _row(order, "captured")


def keep_a_hold(world: World) -> None:
    world.ledger.reserved = 1


def park_with_nobody(world: World) -> None:
    world.ledger.parked["order_submission/O-000000"] = ("", "changed-after-submission")


def leave_unfinished(world: World) -> None:
    world.ledger.runs.append(("order_submission/O-000000@1", "waiting", "erp"))


def oversell(world: World) -> None:
    product = next(iter(world.ledger.levels))
    world.ledger.levels[product] = (-1 * MICRO, 0)


def test_where_all_went_well_nothing_is_found() -> None:
    reckoning = World().reckon()
    assert not reckoning.faults
    assert (reckoning.accepted, reckoning.refused) == (ORDERS - 1, 1)


@pytest.mark.parametrize(
    ("flaw", "named"),
    [
        (lose, ["lost", "money_difference", "stock_difference"]),
        (double, ["doubled", "money_difference", "stock_difference"]),
        (tell_twice, ["told_wrongly", "money_difference"]),
        (stay_silent, ["told_wrongly"]),
        (show_the_old, ["shown_wrongly"]),
        (keep_a_hold, ["still_held"]),
        (park_with_nobody, ["parked_without_owner"]),
        (leave_unfinished, ["unfinished"]),
        (oversell, ["oversold", "stock_difference"]),
    ],
)
def test_each_flaw_is_found_by_its_name(flaw: Callable[[World], None], named: Sequence[str]) -> None:
    world = World()
    flaw(world)
    assert set(named) <= set(world.reckon().faults)


def test_what_waits_for_a_person_is_no_fault_while_somebody_owns_it() -> None:
    world = World()
    world.ledger.parked["order_submission/O-000000@2"] = ("order-desk", "changed-after-submission")
    told = OrderNeedsAttention(
        order_id="O-000000",
        at=NOON_INSTANT,
        source="crossdock",
        category="reread",
        code="changed-after-submission",
        owner="order-desk",
        reason="changed",
    )
    world.ledger.events["O-000000"].append(told)
    reckoning = world.reckon()
    assert not reckoning.faults
    assert reckoning.parked_with_owner == 1
