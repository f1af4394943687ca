"""Following what happens: however many follow, the database is asked once per tick, and only while any do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from http import HTTPStatus

from crossdock.durable.records import StoredEvent
from crossdock.durable.store import Store, StoreUnavailable
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.insight.order_board import NAME as BOARD

TICK_SECONDS = 0.3
HEARTBEAT_SECONDS = 15.0
PAGE_EVENTS = 100
FOLLOWERS_MAX = 500


class Pulse:
    """A number in the database that grows, and whoever waits for it to do so."""

    def __init__(self, read: Callable[[], Awaitable[int]]) -> None:
        self._read = read
        self._value = 0
        self._watchers = 0
        self._news = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    async def wait(self, seen: int, timeout_seconds: float) -> int:
        """The number, as soon as it is another than `seen`, or when the time is over."""
        with self._watched():
            deadline = asyncio.get_running_loop().time() + timeout_seconds
            while self._value == seen:
                try:
                    async with asyncio.timeout_at(deadline):
                        await self._news.wait()
                except TimeoutError:
                    break
        return self._value

    async def close(self) -> None:
        """Ask no more."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
            self._watching = None

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        self._watchers += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.get_running_loop().create_task(self._watch(), name="pulse")
        try:
            yield
        finally:
            self._watchers -= 1

    async def _watch(self) -> None:
        """One more tick after the last watcher has left: most come back at once."""
        while self._watchers:
            with contextlib.suppress(StoreUnavailable):
                value = await self._read()
                if value != self._value:
                    self._value = value
                    news, self._news = self._news, asyncio.Event()
                    news.set()
            await asyncio.sleep(TICK_SECONDS)


class Tail:
    """Streams of what happens. `close` ends every one of them, so that the server can stop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._outbox = Pulse(store.last_sequence)
        self._board = Pulse(self._board_position)
        self._closing = asyncio.Event()
        self.followers = 0

    async def close(self) -> None:
        """End all streams."""
        self._closing.set()
        await self._outbox.close()
        await self._board.close()

    async def latest(self) -> int:
        """The newest event's sequence. Raises StoreUnavailable."""
        return await self._store.last_sequence()

    def check_room(self) -> None:
        """Raises Problem where too many follow already."""
        if self.followers >= FOLLOWERS_MAX:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-followers", headers={"Retry-After": "30"})

    async def follow(self, after: int) -> AsyncIterator[Sequence[StoredEvent]]:
        """Events behind `after`, in pages, as they come; an empty page now and then while none come.

        Ends when the hub stops or the database does not answer; the caller comes back with the last sequence.
        """
        with self._following(), contextlib.suppress(StoreUnavailable):
            while not self._closing.is_set():
                events = await self._store.read_events(after, PAGE_EVENTS)
                if events:
                    after = events[-1].sequence
                    yield events
                elif await self._unless_closing(self._outbox, after) == after:
                    yield ()

    async def board_changes(self, tick_seconds: float) -> AsyncIterator[int]:
        """The position of the order board, whenever it has moved, and every `tick_seconds`."""
        position = -1
        with self._following():
            while not self._closing.is_set():
                position = await self._unless_closing(self._board, position, tick_seconds)
                yield position

    @contextlib.contextmanager
    def _following(self) -> Iterator[None]:
        self.followers += 1
        try:
            yield
        finally:
            self.followers -= 1

    async def _unless_closing(self, pulse: Pulse, seen: int, seconds: float = HEARTBEAT_SECONDS) -> int:
        waiting = asyncio.ensure_future(pulse.wait(seen, seconds))
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait({waiting, closing}, return_when=asyncio.FIRST_COMPLETED)
            return waiting.result() if waiting.done() else seen
        finally:
            waiting.cancel()
            closing.cancel()

    async def _board_position(self) -> int:
        positions = await self._store.read_cursors()
        return int(positions.get(f"relay:{BOARD}") or 0)
