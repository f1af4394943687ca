"""The sales channel beside the ERP: captured orders as a stream of messages, and a board that shows statuses."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

import msgspec

from crossdock.adapters.memory.wire import (
    ChangedBetween,
    Message,
    Messages,
    Missed,
    Problem,
    SalesOrder,
    StatusRow,
)
from crossdock.kit.clock import Clock, to_datetime


class _Slot(msgspec.Struct, frozen=True):
    """One place in the stream: a message, or the mark that some were lost."""

    message: Message | None = None
    missed: Missed | None = None


class Channel:
    """Captured orders in their sequence, retained from `forgotten` on; the same order may be there twice.

    `delivered` counts messages that left, so that a test sees whether a slow reader is pushed.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.delivered = 0
        self.forgotten = 0
        self._slots: list[_Slot] = []
        self._latest: dict[str, Message] = {}
        self._news: set[asyncio.Event] = set()

    @property
    def end(self) -> int:
        """The sequence number of the last message: who read so far has nothing to wait for."""
        return len(self._slots)

    def offer(self, order: SalesOrder) -> Message:
        """Capture an order: it joins the stream under its external number, and counts as changed now."""
        return self.offer_raw(order.external, msgspec.json.encode(order))

    def offer_raw(self, external_id: str, body: bytes) -> Message:
        """Capture whatever `body` is, also what nobody can read."""
        message = self._changed(external_id, body)
        self._append(_Slot(message=message))
        return message

    def lose(self, order: SalesOrder, reason: str = "overflow") -> Message:
        """Capture an order whose message never reaches the stream; only a mark says that something did not."""
        return self.lose_raw(order.external, msgspec.json.encode(order), reason)

    def lose_raw(self, external_id: str, body: bytes, reason: str) -> Message:
        """The same for whatever `body` is."""
        since = to_datetime(self.clock.now())
        message = self._changed(external_id, body)
        self._append(_Slot(missed=Missed(until=to_datetime(self.clock.now()), reason=reason, since=since)))
        return message

    def redeliver(self, external_id: str) -> None:
        """Put the latest message of an order into the stream once more."""
        self._append(_Slot(message=self._latest[external_id]))

    def forget(self, up_to: int | None = None) -> None:
        """Retain nothing up to this sequence number (default: nothing at all): late readers have a gap."""
        self.forgotten = len(self._slots) if up_to is None else up_to

    async def read(self, after: int, limit: int, wait_seconds: float) -> Messages:
        """Up to `limit` messages after a sequence number; waits so long when there is none."""
        if after < self.forgotten:
            until = to_datetime(self.clock.now())
            return Messages((), self.forgotten, Missed(until=until, reason="retention"))
        if after >= len(self._slots) and wait_seconds > 0:
            await self._wait(wait_seconds)
        messages: list[Message] = []
        sequence = after
        for slot in self._slots[after : after + limit]:
            if slot.missed is not None:
                if not messages:
                    return Messages((), sequence + 1, slot.missed)
                break
            assert slot.message is not None
            messages.append(slot.message)
            sequence += 1
        self.delivered += len(messages)
        return Messages(tuple(messages), sequence)

    def changed(self, asked: ChangedBetween) -> tuple[Message, ...]:
        """Orders changed in a time, by moment and id, after the last one seen, up to the limit."""
        after = (asked.after or asked.since, asked.after_id)
        found = sorted(self._between(asked.since, asked.until), key=lambda message: (message.received, message.id))
        return tuple(message for message in found if (message.received, message.id) > after)[: asked.limit]

    def count(self, since: datetime, until: datetime) -> int:
        """How many orders changed in a time."""
        return len(self._between(since, until))

    def _between(self, since: datetime, until: datetime) -> list[Message]:
        return [message for message in self._latest.values() if since <= message.received <= until]

    def _changed(self, external_id: str, body: bytes) -> Message:
        message = Message(external_id, to_datetime(self.clock.now()), msgspec.Raw(body))
        self._latest[external_id] = message
        return message

    def _append(self, slot: _Slot) -> None:
        self._slots.append(slot)
        for news in self._news:
            news.set()

    async def _wait(self, seconds: float) -> None:
        news = asyncio.Event()
        self._news.add(news)
        try:
            await asyncio.wait_for(news.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            self._news.discard(news)


class Board:
    """Shows the last status of every record; records in `gone` were deleted and refuse."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.batches = 0
        self._shown: dict[str, StatusRow] = {}

    @property
    def shown(self) -> Mapping[str, StatusRow]:
        """The last row per record."""
        return self._shown

    def show(self, row: StatusRow) -> Problem | None:
        """Show a row, or say why not."""
        if row.record in self.gone:
            return Problem("RECORD_GONE", "the record was deleted")
        self._shown[row.record] = row
        return None
