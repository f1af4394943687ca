"""Taking orders and customers in while who brings them waits, but not for ever: durable first, then the answer.

A caller who goes away, or whom we send away because the database is slow, does not undo what was begun: the order
may still be written, and the same order sent again is the same order.
"""

import asyncio
import hashlib
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any, TypeVar

from crossdock.bootstrap.hub import Hub
from crossdock.canonical.order import Order
from crossdock.durable.codec import encode
from crossdock.durable.records import Commit, Fate, InboxRow, Outcome
from crossdock.entrypoints.entrance.problems import Problem, unavailable
from crossdock.kit.failpoints import failpoint
from crossdock.ports.customer_source import CustomerArrival
from crossdock.processes.order_capture import Captured

WAIT_SECONDS = 5.0
BACKLOG_MAX = 5_000
KEYS = "idempotency:orders"

T = TypeVar("T")


class Taking:
    """Brings orders, and what channels tell of customers, to the hub's captures."""

    def __init__(self, hub: Hub, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self._hub = hub
        self._wait_seconds = wait_seconds
        self._under_way: set[asyncio.Task[Any]] = set()

    async def take(self, order: Order, *, correlation_id: str, key: str = "") -> Captured:
        """Take an order; `key` is the caller's idempotency key.

        Raises Problem: 409 for other content under the order's id, 422 for a key used with another order, 503
        where the database does not answer in time.

        The key is bound to the order's content before the order is taken. It decides nothing else: whether the
        order is new is said by the order's own inbox row, so a crash between the two loses and doubles nothing.
        """
        if self._hub.committer.backlog >= BACKLOG_MAX:
            raise unavailable("busy")
        if key:
            await self._bind(key, order)
            failpoint("api.key_bound")
        captured = await self._in_time(self._hub.capture.take(order, correlation_id=correlation_id))
        failpoint("api.order_taken")
        if captured is Captured.CHANGED:
            raise Problem(
                HTTPStatus.CONFLICT, "order-changed", f"{order.order_id} was submitted before, differently"
            )
        return captured

    async def take_customer(self, channel: str, arrival: CustomerArrival, *, key: str = "") -> str:
        """Take what a channel tells of a customer: `taken`, `known`, or `parked` where people see it.

        Raises Problem: 404 where nobody keeps customers or the channel is none, 422 for a key used with another
        body, 503 where the database does not answer in time.
        """
        capture = self._hub.customer_capture
        if capture is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no-customers")
        if channel not in self._hub.deployment.routes.customer_channels:
            raise Problem(HTTPStatus.NOT_FOUND, "channel-unknown")
        if self._hub.committer.backlog >= BACKLOG_MAX:
            raise unavailable("busy")
        await self.bind("customers", key, channel, arrival.change)
        fate = await self._in_time(capture.take_arrival(channel, arrival))
        failpoint("api.customer_taken")
        return fate

    async def bind(self, what: str, key: str, about: object, body: object) -> bool:
        """Bind a caller's key, where there is one, to its use; whether it came with that before.

        Raises Problem (422) where it had another use.
        """
        if not key:
            return False
        return await self._bind_row(InboxRow(f"idempotency:{what}", key, f"{about}:{_digest(body)}"))

    async def _bind(self, key: str, order: Order) -> None:
        await self._bind_row(InboxRow(KEYS, key, f"{order.order_id}:{_digest(order)}"))

    async def _bind_row(self, row: InboxRow) -> bool:
        outcome: Outcome = await self._in_time(self._hub.worker.commit(Commit(inbox=row)))
        if outcome.fate is Fate.CONFLICT:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "key-reused")
        return outcome.fate is Fate.DUPLICATE

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait a while for `work`. It goes on without us: a run it has leased must begin here."""
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(task), self._wait_seconds)
        except TimeoutError:
            raise unavailable("store-unavailable") from None

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has heard it, or has gone


def _digest(content: object) -> str:
    return hashlib.blake2s(encode(content), digest_size=12).hexdigest()
