"""From deliveries to batches: gathers events of all topics, looks their orders up in one query, keeps positions.

    feeds ─ deliveries ─ gathered by count or time ─ one query ─ batch with the position behind it
                └ gap: what was gathered goes first, then the gap alone

A batch's position covers exactly what was handed out with it and before it. Asking for the next batch is how the
hub says that it has stored the last one; only then is new credit given.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Generic, Protocol, TypeVar

import structlog

from crossdock.adapters.salesforce.client import SalesforceClient
from crossdock.adapters.salesforce.events import Interpret, meaning_of
from crossdock.adapters.salesforce.feed import Delivery, Failed, Feed, Inbox
from crossdock.adapters.salesforce.mapping import to_arrival
from crossdock.adapters.salesforce.orders import OrderReader
from crossdock.adapters.salesforce.position import TopicPosition, decode_position, encode_position
from crossdock.adapters.salesforce.pubsub import EventBus
from crossdock.adapters.salesforce.settings import COLLECTION_ROWS_MAX
from crossdock.kit.errors import Invalid, Transient
from crossdock.ports.order_source import Arrival, ArrivalBatch, Gap

_log = structlog.get_logger("salesforce.events")

Answer = TypeVar("Answer")
Batch = TypeVar("Batch")
Batch_co = TypeVar("Batch_co", covariant=True)


class Hears(Protocol[Batch_co]):
    """What a stream of one kind of batch adds to `EventStream`."""

    async def _prepare(self) -> object:
        """Read whatever is needed before the first event."""
        ...

    def _without_arrivals(self, position: str, gap: Gap | None = None) -> Batch_co:
        """A batch that brings a position, or a gap."""
        ...

    def _arrived(
        self, deliveries: Sequence[Delivery], position: str, before: str
    ) -> AsyncGenerator[Batch_co, None]:
        """The batches that these deliveries become; none but the last bears `position`."""
        ...


class EventStream(Hears[Batch], Generic[Batch]):
    """One run through some topics from a stored position on; `batches` is iterated once.

    Subclasses say what an event means (`interpret`), what must be known first, and what becomes of deliveries.
    """

    interpret: Interpret = staticmethod(meaning_of)

    def __init__(self, client: SalesforceClient, bus: EventBus, topics: Sequence[str], position: str) -> None:
        self._client = client
        self._clock = client.clock
        self._settings = client.settings.events
        self._topics = topics
        self._bus = bus
        self._position = position
        self._positions: dict[str, TopicPosition] = {}
        self._feeds: dict[str, Feed] = {}
        self._inbox: Inbox = asyncio.Queue()
        self._carried: Delivery | Failed | None = None

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """Batches without end; see the source's port."""
        await self._patiently(self._prepare)
        self._positions = self._stored()
        if unheard := [topic for topic in self._topics if topic not in self._positions]:
            # Stored before anything is heard: should the hub die over the first events, it knows since when.
            self._positions |= dict.fromkeys(unheard, self._all_retained())
            yield self._without_arrivals(encode_position(self._positions))
        for topic in self._topics:
            self._feeds[topic] = Feed(
                topic, self._bus, self._client, self._inbox, self._positions[topic], self.interpret
            )
        tasks = [asyncio.create_task(feed.run()) for feed in self._feeds.values()]
        try:
            while True:
                deliveries = await self._gather()
                async for batch in self._batches_of(deliveries):
                    yield batch
                self._release(delivery for delivery in deliveries if delivery.concerns_us)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _release(self, deliveries: Iterable[Delivery]) -> None:
        credit: Counter[str] = Counter()
        for delivery in deliveries:
            credit[delivery.topic] += delivery.credit
        for topic, events in credit.items():
            self._feeds[topic].release(events)

    def _stored(self) -> dict[str, TopicPosition]:
        """The stored positions; with a text that cannot be read, none of them."""
        try:
            return dict(decode_position(self._position))
        except ValueError:
            _log.warning("stored position unreadable")
            return {}

    def _all_retained(self) -> TopicPosition:
        """Where a topic begins of which nothing is known: with everything that the bus may still have."""
        return TopicPosition(replay_id=b"", at=self._client.server_now() - self._settings.retained_us)

    async def _gather(self) -> list[Delivery]:
        """The next deliveries in order: a full query, or what comes within the linger; a gap stands alone."""
        deliveries: list[Delivery] = []
        records, full = 0, self._settings.gather_max
        lingering: asyncio.Task[None] | None = None
        try:
            while records < full:
                item = await self._next(lingering)
                if item is None:
                    break
                if isinstance(item, Failed) or item.gap is not None:
                    if deliveries:
                        self._carried = item
                        break
                    if isinstance(item, Failed):
                        raise item.error
                    return [item]
                deliveries.append(item)
                records += _weight(item)
                if not item.concerns_us:  # nothing of it is kept, so it must not slow down those that follow
                    self._release([item])
                lingering = lingering or asyncio.create_task(self._clock.sleep(self._settings.gather_seconds))
        finally:
            if lingering is not None:
                lingering.cancel()
        return deliveries

    async def _next(self, lingering: asyncio.Task[None] | None) -> Delivery | Failed | None:
        """The next item, or None once the linger is over."""
        if self._carried is not None:
            item, self._carried = self._carried, None
            return item
        with suppress(asyncio.QueueEmpty):
            return self._inbox.get_nowait()
        if lingering is None:
            return await self._inbox.get()
        waiting = asyncio.create_task(self._inbox.get())
        try:
            await asyncio.wait([waiting, lingering], return_when=asyncio.FIRST_COMPLETED)
            return waiting.result() if waiting.done() else None
        finally:
            waiting.cancel()

    async def _batches_of(self, deliveries: Sequence[Delivery]) -> AsyncGenerator[Batch, None]:
        """Usually one batch. Only the last of several moves the position, for all stem from the same events."""
        before = encode_position(self._positions)
        for delivery in deliveries:
            self._positions[delivery.topic] = delivery.position
        position = encode_position(self._positions)
        if deliveries[0].gap is not None:
            yield self._without_arrivals(position, deliveries[0].gap)
            return
        async for batch in self._arrived(deliveries, position, before):
            yield batch

    async def _patiently(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask until there is an answer: nothing moves on meanwhile, so nothing is lost."""
        wait = self._settings.retry_seconds_min
        while True:
            try:
                return await ask()
            except (Transient, Invalid) as fault:
                _log.warning("records cannot be read yet", code=fault.code, vendor_code=fault.vendor_code)
                await self._clock.sleep(fault.retry_after_seconds or wait)
                wait = min(wait * 2, self._settings.retry_seconds_max)


class OrderStream(EventStream[ArrivalBatch]):
    """The stream of submitted orders."""

    def __init__(self, client: SalesforceClient, bus: EventBus, reader: OrderReader, position: str) -> None:
        super().__init__(client, bus, client.settings.events.topics, position)
        self._reader = reader

    async def _prepare(self) -> object:
        return await self._reader.prepare()

    def _without_arrivals(self, position: str, gap: Gap | None = None) -> ArrivalBatch:
        return ArrivalBatch(arrivals=(), position=position, gap=gap)

    async def _arrived(
        self, deliveries: Sequence[Delivery], position: str, before: str
    ) -> AsyncGenerator[ArrivalBatch, None]:
        arrivals = self._carried_orders(deliveries)
        wanted = [record for item in deliveries if item.meaning for record in item.meaning.record_ids]
        records = list(dict.fromkeys(wanted))
        for start in range(0, len(records), COLLECTION_ROWS_MAX):
            part = records[start : start + COLLECTION_ROWS_MAX]
            if start:
                yield ArrivalBatch(arrivals=tuple(arrivals), position=before)
                arrivals = []
            arrivals += await self._patiently(partial(self._reader.by_ids, part))
        yield ArrivalBatch(arrivals=tuple(arrivals), position=position)

    def _carried_orders(self, deliveries: Sequence[Delivery]) -> list[Arrival]:
        """Orders that came inside their events, and events that cannot be read."""
        now = self._clock.now()
        arrivals: list[Arrival] = []
        for delivery in deliveries:
            meaning = delivery.meaning
            if meaning is not None and meaning.payload:
                arrivals.append(to_arrival(meaning.payload, self._client.settings, now, delivery.event_id))
            elif meaning is not None and meaning.fault is not None:
                arrivals.append(
                    Arrival(
                        external_id=delivery.event_id, received_at=now, findings=(meaning.fault,), raw=delivery.raw
                    )
                )
        return arrivals


def _weight(delivery: Delivery) -> int:
    """How many records of a query a delivery fills."""
    return len(delivery.meaning.record_ids) or 1 if delivery.meaning is not None else 0
