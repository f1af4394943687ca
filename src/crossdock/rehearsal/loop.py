"""An event loop in virtual time: nothing waits, nothing happens by itself, everything happens in a known order.

Where nothing is ready it jumps to the next timer. There are no sockets and no threads. Every callback belongs
to the machine that scheduled it (see `machine`), or to the world outside of all machines.
"""

import asyncio
import contextlib
import heapq
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor
from contextvars import Context, ContextVar, copy_context
from typing import Any, Generic, Protocol, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Owner(Protocol):
    """Whose callbacks they are: decides, each time one is due, whether it happens."""

    def admits(self, handle: asyncio.Handle) -> bool:
        """Whether the callback may run now. If not, it is the owner's to keep or to forget."""
        ...


OWNER: ContextVar[Owner | None] = ContextVar("crossdock_rehearsal_owner", default=None)
"""Tasks and callbacks inherit it; None is the world."""


class VirtualExecutor(Executor, ABC):
    """In place of a thread pool: says itself when and how what it is given happens."""

    @abstractmethod
    def carry_out(self, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """The result of `func(*args)`, once it has happened."""


class Standstill(AssertionError):
    """Nothing is ready, no timer runs, and what was waited for has not happened: a deadlock."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs one callback at a time. `pick(n)` says which of n ready ones is next (default: the first).

    `faults` gathers what nobody caught. Call `bury` at the end: it ends what still waits.
    """

    def __init__(self, pick: Callable[[int], int] | None = None) -> None:
        super().__init__()
        self._pick = pick
        self._now = 0.0
        self._ready_turns: deque[tuple[Owner | None, asyncio.Handle]] = deque()
        self._timers: list[tuple[float, int, Owner | None, asyncio.TimerHandle]] = []
        self._timers_made = 0
        self._begun: list[asyncio.Task[Any]] = []
        self._buried = False
        self.turns = 0
        self.faults: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _loop, fault: None if self._buried else self.faults.append(fault))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    # ── what asyncio asks of a loop ─────────────────────────────────────────────────────────────────

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """See asyncio."""
        context = context or copy_context()
        handle = asyncio.Handle(callback, args, self, context)
        if not self._buried:
            self._ready_turns.append((context.get(OWNER), handle))
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """See asyncio: there is one thread."""
        return self.call_soon(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See asyncio."""
        context = context or copy_context()
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if not self._buried:
            self._timers_made += 1
            heapq.heappush(self._timers, (when, self._timers_made, context.get(OWNER), handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is dropped when it is due."""

    def create_task(self, coro: Coroutine[Any, Any, T] | Generator[Any, None, T], **facts: Any) -> asyncio.Task[T]:
        """See asyncio. Tasks are kept until the end: a machine that dies runs no `finally` either."""
        task = super().create_task(coro, **facts)
        self._begun.append(task)
        return task

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """In virtual time there are no threads: it happens in a turn of its own, or as the executor says."""
        if isinstance(executor, VirtualExecutor):
            return executor.carry_out(func, *args)
        future: asyncio.Future[T] = self.create_future()
        self.call_soon(settle, future, func, *args)
        return future

    def _run_once(self) -> None:
        """One callback."""
        ready, timers = self._ready_turns, self._timers
        while not ready:
            if not timers:
                raise Standstill(f"nothing more can happen at {self._now:.6f} s")
            when, _, owner, timer = heapq.heappop(timers)
            if timer.cancelled():
                continue
            self._now = max(self._now, when)
            ready.append((owner, timer))
            while timers and timers[0][0] <= self._now:
                _, _, owner, timer = heapq.heappop(timers)
                if not timer.cancelled():
                    ready.append((owner, timer))
        if self._pick is not None and len(ready) > 1:
            ready.rotate(-self._pick(len(ready)))
        owner, handle = ready.popleft()
        if handle.cancelled() or not (owner is None or owner.admits(handle)):
            return
        self.turns += 1
        handle._run()  # noqa: SLF001 - what asyncio's own loops do with a handle

    def readmit(self, handle: asyncio.Handle, owner: Owner) -> None:
        """Let a callback happen that its owner has kept."""
        self._ready_turns.append((owner, handle))

    def bury(self) -> None:
        """End everything that still waits, so that nothing is left for the garbage collector to complain of."""
        self._buried = True
        self._ready_turns.clear()
        self._timers.clear()
        for task in self._begun:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - we know
                coroutine = task.get_coro()
                with contextlib.suppress(BaseException):
                    if coroutine is not None:
                        coroutine.close()
        self._begun.clear()
        self.close()


def settle(future: asyncio.Future[T], func: Callable[..., T], *args: Any) -> None:
    """Give the future what the function returns or raises, unless nobody waits any more."""
    if not future.done():
        attempt(func, *args).tell(future)


class Attempt(Generic[T]):
    """What a function returned or raised, to be told later."""

    __slots__ = ("_error", "_result")

    def __init__(self, result: T | None, error: BaseException | None) -> None:
        self._result = result
        self._error = error

    def tell(self, future: asyncio.Future[T]) -> None:
        """Tell whoever still waits."""
        if future.done():
            return
        if self._error is not None:
            future.set_exception(self._error)
        else:
            future.set_result(self._result)  # type: ignore[arg-type]


def attempt(func: Callable[..., T], *args: Any) -> Attempt[T]:
    """Do it now."""
    try:
        return Attempt(func(*args), None)
    except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to who asked
        return Attempt(None, error)
