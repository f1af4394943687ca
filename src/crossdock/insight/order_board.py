"""Keeping the order board up to date: events folded into rows, each order once per batch (OBS-01).

events ─ by order ─ row before ─ fold ─ row after ─┐
                                            cursor ┴ one commit
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from crossdock.canonical.status import OrderStatus
from crossdock.contracts.orders import ORDER_EVENTS, OrderAccepted, OrderCaptured, OrderRefused
from crossdock.durable.codec import decode
from crossdock.durable.records import StoredEvent
from crossdock.durable.relay import Subscription
from crossdock.kit.clock import MICROSECONDS
from crossdock.policies.order_status import reason_of, status_after
from crossdock.ports.order_board import BoardRow, OrderBoard, WriteBoard

NAME = "order_board"
EVENTS_MAX = 500
LINGER_SECONDS = 0.1
REASON_CHARACTERS_MAX = 500

Decided = Callable[[OrderStatus, float], None]
"""Told of each order that was accepted or refused, and how many seconds after it was captured."""


def order_board(board: OrderBoard, decided: Decided = lambda _status, _seconds: None) -> Subscription:
    """The subscription that keeps `board` up to date."""

    async def deliver(events: Sequence[StoredEvent]) -> Sequence[WriteBoard]:
        happened = [decode(stored.data, kind) for stored in events if (kind := ORDER_EVENTS.get(stored.type))]
        if not happened:
            return ()
        before = await board.find_orders({event.order_id for event in happened})
        after = dict(before)
        for event in happened:
            after[event.order_id] = fold(after.get(event.order_id), event)
        for order_id, row in after.items():
            known = before.get(order_id)
            if row.decided_at and not (known and known.decided_at):
                decided(row.status, (row.decided_at - row.captured_at) / MICROSECONDS)
        return (WriteBoard(tuple(after.values())),)

    return Subscription(NAME, deliver, batch_max=EVENTS_MAX, linger_seconds=LINGER_SECONDS)


def fold(row: BoardRow | None, event: Any) -> BoardRow:
    """The row of an order after one more event. Events come in the order in which they were committed."""
    if row is None:
        row = BoardRow(
            order_id=event.order_id, status=OrderStatus.CAPTURED, captured_at=event.at, updated_at=event.at
        )
    changes: dict[str, Any] = {"updated_at": max(row.updated_at, event.at)}
    if event.record:
        changes["record"] = _plain(event.record)
    match event:
        case OrderCaptured():
            for name in ("channel", "brand", "region", "customer", "currency", "net"):
                changes[name] = _plain(getattr(event, name))
        case OrderAccepted():
            changes |= {"erp": _plain(event.erp), "erp_number": _plain(event.erp_number)}
            changes |= {} if event.pending else {"decided_at": event.at}
        case OrderRefused():
            changes["decided_at"] = event.at
    status = status_after(event)
    if status is not None:
        changes |= {"status": status, "reason": _plain(reason_of(event))[:REASON_CHARACTERS_MAX]}
    return replace(row, **changes)


def _plain(text: str) -> str:
    """Without the one character that no database keeps in a text."""
    return text.replace("\x00", "")
