"""An order's ledger, read from its events: what happened to each line's quantity, and who said so."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from crossdock.canonical.ledger import Counters, Fact, LineMovement, Movement, fold
from crossdock.contracts.orders import OrderAccepted, OrderCaptured, OrderRefused, StockHeld

_MOVEMENTS: Mapping[type[Any], Movement] = {
    OrderCaptured: Movement.ORDERED,
    StockHeld: Movement.HELD,
    OrderAccepted: Movement.ACCEPTED,
    OrderRefused: Movement.REFUSED,
}


def ledger_of(happened: Iterable[Any]) -> Iterator[Fact]:
    """The facts that these order events state, in order. What is held ends with the decision."""
    held: dict[str, int] = {}
    for event in happened:
        movement = _MOVEMENTS.get(event.__class__)
        if movement is None:
            continue
        if movement is Movement.HELD:
            for line in event.lines:
                held[line.line_id] = held.get(line.line_id, 0) + line.micro
        yield Fact(movement=movement, at=event.at, source=said_by(event), lines=event.lines)
        if isinstance(event, OrderAccepted) and event.refused:
            yield Fact(movement=Movement.REFUSED, at=event.at, source=said_by(event), lines=event.refused)
        if isinstance(event, OrderAccepted | OrderRefused) and held:
            freed = tuple(LineMovement(line_id, micro) for line_id, micro in held.items())
            held = {}
            yield Fact(movement=Movement.RELEASED, at=event.at, source=event.source, lines=freed)


def counters_of(happened: Iterable[Any]) -> Mapping[str, Counters]:
    """The counters per line after these events."""
    return fold(ledger_of(happened))


def said_by(event: Any) -> str:
    """The system whose word the event passes on."""
    return event.erp if isinstance(event, OrderAccepted) else str(event.source)
