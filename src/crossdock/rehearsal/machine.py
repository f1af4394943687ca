"""A virtual machine with one process on it: it may die between any two callbacks, stand still, have its clock set.

What runs on it is told by context: tasks that are begun on a machine, and everything they begin, are its own. A
machine that dies takes them along as SIGKILL would: no `finally` runs, nothing is handed back.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, TypeVar

from crossdock.kit.clock import MICROSECONDS, Instant, SteadyClock, seconds_to_us
from crossdock.rehearsal.loop import OWNER, VirtualLoop

T = TypeVar("T")

NEW_YEAR: Instant = 1_767_225_600 * MICROSECONDS
"""2026-01-01 00:00 UTC: when rehearsals begin."""


class WallClock:
    """A machine's wall clock, which can be set and outlives its processes.

    No two readings are the same, as on a machine that takes its time between them: who reads the clock twice where
    once would do is found out.
    """

    def __init__(self, loop: VirtualLoop, start: Instant = NEW_YEAR) -> None:
        self._loop = loop
        self._start = start
        self._read = -1

    def now(self) -> Instant:
        """What it shows."""
        return self._start + self.elapsed()

    def elapsed(self) -> int:
        """Microseconds since the beginning, however it was set."""
        self._read = max(round(self._loop.time() * MICROSECONDS), self._read + 1)
        return self._read

    def jump(self, seconds: float) -> None:
        """Set it forwards, or back where `seconds` is negative."""
        self._start += seconds_to_us(seconds)


class Machine:
    """`clock` is what its process reads, `wall` what is set. Begin work with `begin`.

    Then `kill`, `pause` and `resume` it, at once or after so many more turns.
    """

    def __init__(self, loop: VirtualLoop, name: str, wall: WallClock | None = None) -> None:
        self.name = name
        self.wall = wall or WallClock(loop)
        self.clock = SteadyClock(self.wall.now, self.wall.elapsed)
        self.alive = True
        self.turns = 0
        self.on_death: Callable[[], None] = lambda: None
        self._loop = loop
        self._planned: tuple[int, Callable[[], object]] | None = None
        self._paused = False
        self._kept: list[asyncio.Handle] = []

    def __repr__(self) -> str:
        return self.name

    def begin(self, work: Coroutine[Any, Any, T], *, name: str = "") -> asyncio.Task[T]:
        """Begin `work` on this machine. What waits for it must not be on a machine that may die."""
        return self._loop.create_task(work, name=name or self.name, context=self.context())

    def context(self) -> Context:
        """A context in which everything belongs to this machine."""
        context = copy_context()
        context.run(OWNER.set, self)
        return context

    def kill(self) -> None:
        """Nothing of it happens any more."""
        if self.alive:
            self.alive = False
            self._kept.clear()
            self.on_death()

    def after_turns(self, turns: int, happening: Callable[[], object]) -> None:
        """Let something happen to the machine before the turn that follows so many more."""
        self._planned = (self.turns + turns, happening)

    def pause(self) -> None:
        """Stand still, as a process that is stopped or a laptop whose lid is closed; time goes on."""
        self._paused = True

    def resume(self) -> None:
        """Go on: what was due meanwhile happens now, in its order."""
        self._paused = False
        kept, self._kept = self._kept, []
        for handle in kept:
            self._loop.readmit(handle, self)

    def admits(self, handle: asyncio.Handle) -> bool:
        """See `Owner.admits`."""
        if not self.alive:
            return False
        if self._paused:
            self._kept.append(handle)
            return False
        self.turns += 1
        if self._planned is not None and self.turns > self._planned[0]:
            (_, happening), self._planned = self._planned, None
            happening()
            self.turns -= 1
            return self.admits(handle)
        return True
