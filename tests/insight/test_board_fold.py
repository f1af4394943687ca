"""The board's rows are what the events say; its status is the one the ledger speaks for."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.ledger import LineMovement
from crossdock.canonical.status import OrderStatus, derive
from crossdock.contracts.orders import (
    OrderAccepted,
    OrderCaptured,
    OrderNeedsAttention,
    OrderRefused,
    OrderReleased,
    OrderWaiting,
    StockHeld,
)
from crossdock.insight.ledger import counters_of
from crossdock.insight.order_board import REASON_CHARACTERS_MAX, fold
from crossdock.policies.order_status import status_after
from crossdock.ports.order_board import BoardRow

LINES = ("1", "2", "3")
COMMON: dict[str, Any] = {"order_id": "O-1", "source": "crossdock"}


def captured(at: int = 1, **changes: Any) -> OrderCaptured:
    facts: dict[str, Any] = {
        "lines": tuple(LineMovement(line, 2_000_000) for line in LINES),
        "channel": "web",
        "currency": "EUR",
        "net": "60.00",
        "customer": "C-1",
        "record": "801A",
    }
    return OrderCaptured(**COMMON, at=at, **{**facts, **changes})


def waiting(at: int = 2) -> OrderWaiting:
    return OrderWaiting(**COMMON, at=at, waits_for="Tryton", reason="closed")


def parked(at: int = 2) -> OrderNeedsAttention:
    return OrderNeedsAttention(**COMMON, at=at, category="repair", code="x", owner="order-desk", reason="why")


def released(at: int = 3) -> OrderReleased:
    return OrderReleased(**COMMON, at=at)


def accepted(refused_lines: int, at: int = 9) -> OrderAccepted:
    moved = [LineMovement(line, 2_000_000) for line in LINES]
    return OrderAccepted(
        **COMMON,
        at=at,
        erp="Tryton",
        erp_number="SO-1",
        lines=tuple(moved[refused_lines:]),
        refused=tuple(moved[:refused_lines]),
        reason="short" if refused_lines else "",
    )


def pending(at: int = 8) -> OrderAccepted:
    return OrderAccepted(**COMMON, at=at, erp="Tryton", erp_number="SO-1", pending=True)


def refused(at: int = 9) -> OrderRefused:
    lines = tuple(LineMovement(line, 2_000_000, "blocked") for line in LINES)
    return OrderRefused(**COMMON, at=at, reason="blocked", code="blocked", lines=lines)


def held(at: int = 2) -> StockHeld:
    return StockHeld(**COMMON, at=at, lines=(LineMovement("1", 2_000_000),))


@st.composite
def lives(draw: st.DrawFn) -> list[Any]:
    """What can happen to an order: it waits, is parked and released, and is decided at most once, at the end."""
    life: list[Any] = [captured()]
    for _ in range(draw(st.integers(0, 5))):
        match draw(st.sampled_from(["hold", "wait", "park", "pend"])):
            case "hold":
                life.append(held())
            case "wait":
                life.append(waiting())
            case "park":
                life += [parked(), released()]
            case "pend":
                life.append(pending())
    match draw(st.sampled_from(["open", "waiting", "parked", "accepted", "partly", "refused"])):
        case "waiting":
            life.append(waiting())
        case "parked":
            life.append(parked())
        case "accepted":
            life.append(accepted(0))
        case "partly":
            life.append(accepted(draw(st.integers(1, 2))))
        case "refused":
            life.append(refused())
    return life


def by_ledger(life: Sequence[Any]) -> OrderStatus:
    """The status as the canonical model derives it: from counters, and from what the work stands at."""
    about_work = [event for event in life if not isinstance(event, StockHeld)]
    latest = about_work[-1]
    waits = isinstance(latest, OrderWaiting) or (isinstance(latest, OrderAccepted) and latest.pending)
    return derive(counters_of(life), waiting=waits, parked=isinstance(latest, OrderNeedsAttention))


@given(lives())
def test_the_status_by_events_is_the_status_by_the_ledger(life: list[Any]) -> None:
    for end in range(1, len(life) + 1):
        so_far = life[:end]
        row: BoardRow | None = None
        for event in so_far:
            row = fold(row, event)
        assert row is not None
        statuses = [status for event in so_far if (status := status_after(event)) is not None]
        assert row.status == statuses[-1] == by_ledger(so_far)


def test_a_row_gathers_what_each_event_knows() -> None:
    row = fold(fold(fold(None, captured(at=5)), held(at=6)), accepted(1, at=7))
    assert row == BoardRow(
        order_id="O-1",
        status=OrderStatus.PARTLY_ACCEPTED,
        captured_at=5,
        updated_at=7,
        decided_at=7,
        channel="web",
        customer="C-1",
        record="801A",
        erp="Tryton",
        erp_number="SO-1",
        currency="EUR",
        net="60.00",
        reason="short",
    )


def test_going_on_clears_the_reason_it_stood_still_for() -> None:
    row = fold(fold(None, captured()), parked())
    assert row.reason == "With order-desk: why"
    assert fold(row, released()).reason == ""


def test_what_arrives_unreadable_has_a_row_too() -> None:
    row = fold(None, parked(at=4))
    assert (row.status, row.captured_at) == (OrderStatus.NEEDS_ATTENTION, 4)


def test_no_text_is_too_long_or_unkeepable_for_the_board() -> None:
    row = fold(fold(None, captured(channel="a\x00b")), refused())
    assert row.channel == "ab"
    endless = OrderRefused(**COMMON, at=9, reason="x\x00" * 9_999, code="x")
    assert fold(row, endless).reason == "x" * REASON_CHARACTERS_MAX


def test_what_is_held_ends_with_the_decision() -> None:
    before = counters_of([captured(), held()])
    assert before["1"].held == 2_000_000
    for end in (accepted(0), refused()):
        assert counters_of([captured(), held(), end])["1"].held == 0
