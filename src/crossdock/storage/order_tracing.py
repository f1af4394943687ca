"""By what orders of guests are found: keyed hashes of e-mails and telephones, each with its order."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from crossdock.canonical.order import Order
from crossdock.durable.codec import decode
from crossdock.durable.records import FINAL_STATES, RunState
from crossdock.identity.privacy.erasing import NAME_LEFT
from crossdock.identity.privacy.tracing import Traced, TraceOrder, traces_of_order
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Invalid
from crossdock.storage.sealing import ORDERS
from crossdock.storage.transaction import Transaction

T = TypeVar("T")
_COLUMNS = ("trace", "order_id")


class TracingStore(ABC):
    """See OrderTraces."""

    @abstractmethod
    async def _read(self, work: Callable[[Transaction], T]) -> T: ...

    async def traced_orders(self, traces: Sequence[str]) -> Sequence[Traced]:
        """See OrderTraces."""
        return await self._read(partial(traced_orders, traces=traces)) if traces else []


def trace_orders(tx: Transaction, effects: Sequence[TraceOrder], _now: Instant) -> list[object]:
    """Each trace once."""
    rows = {(tx.hashed(trace), effect.order_id) for effect in effects for trace in effect.traces}
    tx.insert("order_trace", _COLUMNS, sorted(rows), "ON CONFLICT DO NOTHING")
    return [None] * len(effects)


def trace_runs(tx: Transaction, runs: Sequence[tuple[str, bytes]], now: Instant) -> None:
    """The same for orders that came before there were traces, by their runs' ids and inputs."""
    orders = [order for run_id, content in runs if run_id.startswith(ORDERS) and (order := _order(content))]
    traced = [TraceOrder(order_id=order.order_id, traces=traces_of_order(order)) for order in orders]
    trace_orders(tx, traced, now)


def traced_orders(tx: Transaction, traces: Sequence[str]) -> list[Traced]:
    """See OrderTraces."""
    hashed = sorted({tx.hashed(trace) for trace in traces})
    found = {row[0] for row in tx.select_in("SELECT order_id FROM order_trace WHERE trace", hashed)}
    runs = tx.select_in(
        "SELECT state, input FROM run WHERE id", sorted(f"{ORDERS}{each}" for each in found), "ORDER BY id"
    )
    orders = ((RunState(state), _order(bytes(content))) for state, content in runs)
    return [
        Traced(order_id=order.order_id, name=order.customer.name, has_ended=state in FINAL_STATES)
        for state, order in orders
        if order is not None and order.customer.name != NAME_LEFT
    ]


def _order(content: bytes) -> Order | None:
    """What a run carried; None where it is no order, or carries nothing any more."""
    try:
        return decode(content, Order)
    except Invalid:
        return None
