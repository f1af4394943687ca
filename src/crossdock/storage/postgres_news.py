"""News between processes on PostgreSQL: told with NOTIFY by the transaction that makes them, heard with LISTEN.

The server tells them when that transaction commits, once, and never where it does not. LISTEN needs a session of
its own: a pooler between us and the server must be in session mode, or be left out for this connection.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

import psycopg
import structlog

from crossdock.durable.news import ANYTHING, News

CHANNEL = "crossdock"
NOTIFY = b"SELECT pg_notify(%s, %s)"
PAYLOAD_BYTES_MAX = 7_900
"""PostgreSQL refuses 8,000 and more, and with them the transaction."""

RETRY_SECONDS_FIRST = 0.5
RETRY_SECONDS_MAX = 15.0

log = structlog.get_logger("store")


def payload_of(topics: Collection[str]) -> str:
    """The topics as one text; where they are too many, that there may be anything."""
    payload = "\n".join(sorted(topics))
    return payload if len(payload.encode()) <= PAYLOAD_BYTES_MAX else ANYTHING


def topics_of(payload: str) -> frozenset[str]:
    """The topics in a payload."""
    return frozenset(payload.split("\n"))


class PostgresNews:
    """Hears what other processes commit and tells it on. While the line is down, `news.heard` says so.

    `is_own` knows this process's own connections by their backend: it has told its own news already.
    """

    def __init__(
        self, address: str, options: Mapping[str, Any], news: News, *, is_own: Callable[[int], bool]
    ) -> None:
        self._address = address
        self._options = options
        self._news = news
        self._is_own = is_own
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to hear."""
        self._task = self._task or asyncio.get_running_loop().create_task(self._hear_forever(), name="store-news")

    async def stop(self) -> None:
        """Hear no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _hear_forever(self) -> None:
        wait_seconds = RETRY_SECONDS_FIRST
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._address, autocommit=True, **self._options
                ) as line:
                    await line.execute(f"LISTEN {CHANNEL}".encode())
                    wait_seconds = RETRY_SECONDS_FIRST
                    self._turn(heard=True)
                    async for notice in line.notifies():
                        if not self._is_own(notice.pid):
                            self._news.tell(topics_of(notice.payload))
            except psycopg.Error as error:
                log.warning("news not heard", exc_type=type(error).__name__)
            finally:
                self._turn(heard=False)
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, RETRY_SECONDS_MAX)

    def _turn(self, *, heard: bool) -> None:
        """Whoever waits has to know: something may have been missed, and from now on the pauses are others."""
        if heard != self._news.heard:
            self._news.heard = heard
            self._news.tell((ANYTHING,))
