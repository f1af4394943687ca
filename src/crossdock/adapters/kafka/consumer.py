"""Reading orders from a topic: from the hub's own position on, committed to the group once the hub has committed.

All partitions are assigned by the hub itself: one worker reads a source at a time, and its position is the truth.
The group's offsets are only its picture at the cluster; no other member's coming and going moves a partition.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Self, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from crossdock.adapters.kafka import mapping, wire
from crossdock.adapters.kafka.client import options_of
from crossdock.adapters.kafka.failures import error_of, failure, no_topic, refused
from crossdock.adapters.kafka.mapping import Place
from crossdock.adapters.kafka.settings import KafkaSettings, OrderSettings
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Misconfigured, Unavailable
from crossdock.kit.wording import counted
from crossdock.ports.order_source import Arrival, ArrivalBatch, Gap
from crossdock.transport.order_messages import arrival_of

T = TypeVar("T")
MILLISECOND: Instant = 1_000
OVERLAP_MS = 1_000
AHEAD_BYTES_MAX = 64 * 1024
EMPTY_FETCHES_MAX = 3
LOOK_AROUND_EVERY = 30
"""After so many fetches without a message the hub looks whether the topic has got new partitions."""


class OrderTopic:
    """The topic of orders, on a consumer of its own, which ends with it. The library blocks: it has a thread."""

    def __init__(self, settings: KafkaSettings, orders: OrderSettings) -> None:
        self._settings = settings
        self._orders = orders
        self._refused = ""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka-consumer")
        options = options_of(settings) | {
            "group.id": orders.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            # How far the library may read ahead: it asks for no more while so much waits, and for so much at once.
            "queued.min.messages": orders.batch_max,
            "queued.max.messages.kbytes": AHEAD_BYTES_MAX // 1024,
            "max.partition.fetch.bytes": AHEAD_BYTES_MAX,
            "fetch.queue.backoff.ms": 10,
            "error_cb": self._heard,
        }
        self._consumer = Consumer(options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._consumer.close)
        self._thread.shutdown(wait=False)

    async def described(self) -> str:
        """What the topic is, in words. Raises Misconfigured where there is none."""
        partitions = await self._partitions()
        return f"{self._orders.topic} has {counted(len(partitions), 'partition')} of orders"

    async def follow(self, position: str) -> AsyncGenerator[ArrivalBatch, None]:
        """Batches behind the position, without end. Going on after one says that it is committed."""
        place = mapping.place_from_text(position)
        partitions = await self._partitions()
        begins, dropped = await self._begins(place, partitions)
        await self._call(lambda: self._consumer.assign(_places(self._orders.topic, begins)))
        offsets, seen, quiet = dict(begins), place.seen, 0
        while True:
            messages = await self._fetch(self._orders.fetch_seconds)
            if not messages:
                quiet += 1
                if quiet % LOOK_AROUND_EVERY == 0 and len(await self._partitions()) != len(partitions):
                    words = "the topic has got new partitions; reading begins anew"
                    raise Unavailable(words, code="unavailable", system=wire.SYSTEM)
                continue
            before, seen = seen, max(seen, *map(_instant, messages))
            for message in messages:
                offsets[message.partition() or 0] = (message.offset() or 0) + 1
            gap = _dropped(dropped, before, _instant(messages[0])) if dropped > 0 else None
            dropped = 0
            now_at = Place(offsets=dict(offsets), seen=seen)
            yield ArrivalBatch(
                arrivals=tuple(map(_arrival, messages)), position=mapping.place_to_text(now_at), gap=gap
            )
            await self._commit(offsets)

    async def between(self, gap: Gap) -> AsyncGenerator[ArrivalBatch, None]:
        """What the topic retains of that time and a second around it; positions lead nowhere."""
        since, until = gap.since // MILLISECOND - OVERLAP_MS, gap.until // MILLISECOND + OVERLAP_MS
        asked = [TopicPartition(self._orders.topic, part, since) for part in await self._partitions()]
        found = await self._call(lambda: self._consumer.offsets_for_times(asked, timeout=self._seconds))
        open_ = {place.partition: place.offset for place in found if place.offset >= 0}
        await self._call(lambda: self._consumer.assign(_places(self._orders.topic, open_)))
        quiet = 0
        while open_ and quiet < EMPTY_FETCHES_MAX:
            messages = await self._fetch(self._orders.fetch_seconds)
            quiet = 0 if messages else quiet + 1
            within = [message for message in messages if message.timestamp()[1] <= until]
            for message in messages:
                if message.timestamp()[1] > until:
                    open_.pop(message.partition() or 0, None)
            if within:
                yield ArrivalBatch(arrivals=tuple(map(_arrival, within)), position="")

    async def _partitions(self) -> Sequence[int]:
        topic = self._orders.topic
        found = (await self._call(lambda: self._consumer.list_topics(topic, timeout=self._seconds))).topics[topic]
        if found.error is not None:
            raise failure(found.error, writes=False)
        if not found.partitions:
            raise no_topic()
        return sorted(found.partitions)

    async def _begins(self, place: Place, partitions: Sequence[int]) -> tuple[dict[int, int], int]:
        """Where to begin in each partition, and how many messages retention has dropped before that.

        Raises Misconfigured where the position is beyond a partition's end: the topic was made anew.
        """
        begins: dict[int, int] = {}
        dropped = 0
        for partition in partitions:
            low, high = await self._call(partial(self._watermarks, partition))
            wanted = place.offsets.get(partition, low)
            if wanted > high:
                words = "the topic is shorter than the position in it: was it made anew?"
                raise Misconfigured(words, code="position-unknown", system=wire.SYSTEM)
            begins[partition] = max(wanted, low)
            dropped += max(low - wanted, 0)
        return begins, dropped

    def _watermarks(self, partition: int) -> tuple[int, int]:
        """The first offset there is, and the one behind the last. Blocks."""
        asked = TopicPartition(self._orders.topic, partition)
        low, high = self._consumer.get_watermark_offsets(asked, timeout=self._seconds)
        return int(low), int(high)

    async def _fetch(self, seconds: float) -> Sequence[Message]:
        """Wait for a message, then take what else is there. Raises what is more than a passing fault."""

        def fetch() -> Sequence[Message]:
            first = self._consumer.poll(seconds)
            if first is None:
                return []
            return [first, *self._consumer.consume(self._orders.batch_max - 1, timeout=0)]

        messages = await self._call(fetch)
        for message in messages:
            error = message.error()
            if error is not None and error.code() not in wire.PASSING:
                raise failure(error, writes=False)
        return [message for message in messages if message.error() is None]

    async def _commit(self, offsets: dict[int, int]) -> None:
        places = _places(self._orders.topic, offsets)
        await self._call(lambda: self._consumer.commit(offsets=places, asynchronous=False))

    @property
    def _seconds(self) -> float:
        return self._settings.timeout_seconds

    async def _call(self, call: Callable[[], T]) -> T:
        if self._refused:
            raise refused(self._refused)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except KafkaException as raised:
            raise (refused(self._refused) if self._refused else failure(error_of(raised), writes=False)) from None

    def _heard(self, error: KafkaError) -> None:
        if error.code() in wire.REFUSALS:
            self._refused = error.name()


def _places(topic: str, offsets: dict[int, int]) -> list[TopicPartition]:
    return [TopicPartition(topic, partition, offset) for partition, offset in sorted(offsets.items())]


def _arrival(message: Message) -> Arrival:
    known_as = dict(message.headers() or ()).get(wire.EVENT_ID) or b""
    message_id = known_as.decode(errors="replace") if isinstance(known_as, bytes) else str(known_as)
    body = message.value() or b""
    return arrival_of(
        body if isinstance(body, bytes) else body.encode(), message_id=message_id, received_at=_instant(message)
    )


def _instant(message: Message) -> Instant:
    return message.timestamp()[1] * MILLISECOND


def _dropped(count: int, since: Instant, until: Instant) -> Gap:
    return Gap(
        since=since,
        until=max(since, until),
        reason=f"retention dropped up to {counted(count, 'message')}",
        dropped=count,
    )
