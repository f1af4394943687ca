"""The mock cluster on the conformance suite's bench: trouble comes from a proxy."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from tests.adapters.kafka.proxy import KafkaProxy

from crossdock.adapters.kafka.local import LocalKafka
from crossdock.canonical.order import Order
from crossdock.testing.bench import EventBench, KeptEvent, Offered, SourceBench

MESSAGE_BYTES_MAX = 1_000_000
TIMEOUT_SECONDS = 10.0
CHANNEL_BATCH_MAX = 20
"""What a channel sends in one batch, which a broker never divides."""


class KafkaBench(EventBench, SourceBench):
    """Topics of its own on a cluster that others use, too, and a way past the proxy."""

    def __init__(self, local: LocalKafka, proxy: KafkaProxy) -> None:
        self.proxy = proxy
        number = uuid.uuid4().hex[:8]
        self.events, self.orders = f"events-{number}", f"orders-{number}"
        self._servers = f"127.0.0.1:{local.port}"
        options = {"bootstrap.servers": self._servers, "enable.idempotence": True, "log_level": 0}
        self._producer = Producer({**options, "batch.num.messages": CHANNEL_BATCH_MAX})
        self._latest: dict[str, bytes] = {}
        for topic in (self.events, self.orders):
            self._producer.list_topics(topic, timeout=TIMEOUT_SECONDS)  # which also makes it

    @property
    def settings(self) -> Mapping[str, Any]:
        return {
            "servers": [f"127.0.0.1:{self.proxy.port}"],
            "timeout_seconds": 2.0,
            "events": {"topic": self.events},
            "orders": {"topic": self.orders, "fetch_seconds": 0.3},
        }

    async def go_down(self) -> None:
        await self.proxy.stop()

    async def come_back(self) -> None:
        await self.proxy.start()

    async def lose_next_answer(self) -> None:
        self.proxy.away_seconds = 2.5  # longer than the producer tries again by itself
        self.proxy.lose_next = True

    async def break_next_read(self) -> None:
        self.proxy.away_seconds = 2.5
        await self.proxy.cut()
        self.proxy.go_away()

    async def slow_down(self, seconds: float) -> None:
        self.proxy.delay_seconds = seconds

    async def kept_events(self) -> Sequence[KeptEvent]:
        return [
            KeptEvent(
                id=header_of(message, "ce_id"),
                partition_key=(message.key() or b"").decode(),
                body=message.value() or b"",
            )
            for message in await self.kept(self.events)
        ]

    async def kept(self, topic: str) -> Sequence[Message]:
        """All messages of a topic, partition by partition."""
        return await asyncio.to_thread(self._kept, topic)

    def _kept(self, topic: str) -> Sequence[Message]:
        consumer = Consumer(
            {"bootstrap.servers": self._servers, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"}
        )
        places, count = [], 0
        for partition in consumer.list_topics(topic, timeout=TIMEOUT_SECONDS).topics[topic].partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=TIMEOUT_SECONDS)
            places.append(TopicPartition(topic, partition, low))
            count += high - low
        consumer.assign(places)
        found: list[Message] = []
        while len(found) < count:
            found += [message for message in consumer.consume(count, timeout=0.5) if message.error() is None]
        consumer.close()
        return sorted(found, key=lambda message: (message.partition() or 0, message.offset() or 0))

    async def event_bytes_max(self) -> int:
        return MESSAGE_BYTES_MAX

    async def offer(self, orders: Sequence[Order]) -> Sequence[Offered]:
        for order in orders:
            self._latest[order.order_id] = msgspec.json.encode(order)
            self._producer.produce(self.orders, key=order.order_id, value=self._latest[order.order_id])
        await asyncio.to_thread(self._producer.flush, TIMEOUT_SECONDS)
        return [Offered(order.order_id, order) for order in orders]

    async def offer_untranslatable(self) -> str:
        await self.publish_raw(b'{"order_id":"O-BAD","lines":[]}', "no-order")
        return "no-order"

    async def publish_raw(self, body: bytes, message_id: str = "") -> None:
        """Whatever a channel may send."""
        told: list[KafkaError | None] = []
        headers: list[tuple[str, str | bytes | None]] = [("ce_id", message_id)] if message_id else []
        self._producer.produce(
            self.orders, value=body, headers=headers, on_delivery=lambda error, _message: told.append(error)
        )
        await asyncio.to_thread(self._producer.flush, TIMEOUT_SECONDS)
        assert told == [None]

    async def redeliver(self, external_id: str) -> None:
        await self.publish_raw(self._latest[external_id])

    async def break_stream(self) -> None:
        await self.proxy.cut()

    async def delivered(self) -> int:
        return self.proxy.fetched


def header_of(message: Message, name: str) -> str:
    """A header as text."""
    value = dict(message.headers() or ())[name]
    assert isinstance(value, bytes)
    return value.decode()


@asynccontextmanager
async def on_the_bench(local: LocalKafka) -> AsyncIterator[KafkaBench]:
    """A bench around a running cluster, as if nothing had happened on it before."""
    proxy = KafkaProxy(local.port)
    await proxy.start()
    try:
        yield KafkaBench(local, proxy)
    finally:
        await proxy.stop()
