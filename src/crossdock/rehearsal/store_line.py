"""The way from a machine to its database, in virtual time: it takes a while, refuses, or answers very late.

The work itself is the production store's, done at once when its turn comes. A request that has left a machine
is carried out even if the machine dies meanwhile; then nobody hears the answer.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any, NoReturn, TypeVar

from crossdock.durable.store import StoreUnavailable
from crossdock.rehearsal.loop import Attempt, VirtualExecutor, VirtualLoop, attempt

T = TypeVar("T")

SECONDS_MIN, SECONDS_MAX = 0.0005, 0.004


class StoreLine(VirtualExecutor):
    """`unit()` draws how long each way takes; `after` is called when the database has done something.

    Set `down` and every request is refused; `refuse_next` refuses so many, undone; `answer_late_seconds` holds
    back the answer of the next one, which is carried out.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        world: Context,
        *,
        unit: Callable[[], float],
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self._loop = loop
        self._world = world
        self._unit = unit
        self._after = after
        self.down = False
        self.refuse_next = 0
        self.answer_late_seconds = 0.0

    def carry_out(self, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """See VirtualExecutor."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._loop.call_later(self._way_seconds(), self._arrive, future, func, args, context=self._world)
        return future

    def _arrive(self, future: asyncio.Future[T], func: Callable[..., T], args: tuple[Any, ...]) -> None:
        if future.cancelled():
            return
        if self.down or self.refuse_next:
            self.refuse_next = max(0, self.refuse_next - 1)
            answer: Attempt[T] = attempt(_refuse)
        else:
            answer = attempt(func, *args)
            self._after()
        late, self.answer_late_seconds = self.answer_late_seconds, 0.0
        self._loop.call_later(late + self._way_seconds(), answer.tell, future, context=self._world)

    def _way_seconds(self) -> float:
        return SECONDS_MIN + self._unit() * (SECONDS_MAX - SECONDS_MIN)


def _refuse() -> NoReturn:
    raise StoreUnavailable("the database is away", code="store-lost")
