"""News: what a commit makes possible for others, told to whoever waits for it, in this process or another.

A topic is the name of a queue in which something can be taken up now, or one of those below. News may come
twice, or be lost with the process that was to tell them: who waits for them also looks for himself, seldom.
"""

import asyncio
from collections.abc import Callable, Collection

from crossdock.kit.clock import Clock

EVENTS = "events"
"""There is more in the outbox."""

LANES = "lanes"
"""How a lane stands was changed."""

LEFT = "left"
"""A worker is gone: its cursors are free, its timers are everybody's."""

ANYTHING = "*"
"""News may have been missed."""

SAFETY_SECONDS = 20.0
"""So often one looks for himself where news are heard."""

Listener = Callable[[Collection[str]], None]


class News:
    """Whom to tell in this process. `heard` says whether what other processes commit is told here, too."""

    def __init__(self) -> None:
        self.heard = False
        self._listeners: list[Listener] = []

    def on(self, listener: Listener) -> None:
        """Call `listener` with the topics of each commit, in the event loop."""
        self._listeners.append(listener)

    def off(self, listener: Listener) -> None:
        """Call it no more."""
        self._listeners.remove(listener)

    def tell(self, topics: Collection[str]) -> None:
        """Call whoever listens."""
        for listener in tuple(self._listeners):
            listener(topics)

    def pause_seconds(self, poll_seconds: float) -> float:
        """How long to wait for news before looking: `poll_seconds` while nobody would tell."""
        return max(poll_seconds, SAFETY_SECONDS) if self.heard else poll_seconds


class Bell:
    """Rings when there is something to look at. A ring that nobody waits for is heard by who comes next."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake whoever waits."""
        self._rung.set()

    def hear(self, topics: Collection[str], *wanted: str) -> None:
        """Ring where one of the topics is wanted."""
        if ANYTHING in topics or any(topic in topics for topic in wanted):
            self._rung.set()

    def hush(self) -> None:
        """Whoever rang so far is heeded now."""
        self._rung.clear()

    async def wait(self, clock: Clock, seconds: float) -> bool:
        """Return when it rings, True, or when the time is over."""
        if self._rung.is_set():
            return True
        # Not wait_for: before Python 3.12 it swallows a cancellation that comes with the ring.
        waiting = [asyncio.ensure_future(self._rung.wait()), asyncio.ensure_future(clock.sleep(seconds))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        return self._rung.is_set()
