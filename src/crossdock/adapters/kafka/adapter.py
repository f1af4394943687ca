"""The Kafka dock: events out by an idempotent producer, orders in from a topic."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from crossdock.adapters.kafka import wire
from crossdock.adapters.kafka.client import Client
from crossdock.adapters.kafka.consumer import OrderTopic
from crossdock.adapters.kafka.settings import KafkaSettings
from crossdock.contracts.envelope import CloudEvent
from crossdock.kit.clock import Clock
from crossdock.kit.errors import CrossdockError, Misconfigured, Transient
from crossdock.kit.wording import counted
from crossdock.ports.manifest import SystemCheck
from crossdock.ports.order_source import ArrivalBatch, Gap
from crossdock.transport.in_order import send_in_order

RETRY_SECONDS = 1.0


class KafkaDock:
    """Event sink and order source. It keeps nothing but its connection."""

    def __init__(self, settings: KafkaSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._client = Client(settings)
        self._places = asyncio.Semaphore(settings.in_flight_max)

    async def open(self) -> None:
        """See `Dock.open`."""
        await self._client.open()

    async def close(self) -> None:
        """See `Dock.close`."""
        await self._client.close()

    async def check(self) -> SystemCheck:
        """See `Dock.check`."""
        try:
            return SystemCheck(ok=True, product="Kafka", detail=await self._described())
        except CrossdockError as error:
            return SystemCheck(ok=False, product="Kafka", detail=error.message)

    # ── events out ──────────────────────────────────────────────────────────────────────────────────

    async def publish_events(self, events: Sequence[CloudEvent]) -> Sequence[CrossdockError | None]:
        """See `EventSink.publish_events`. What comes again has the same id; the topic keeps both."""
        if not events:
            return []
        # Asked for each batch: a broker that is away is noticed before anything was sent that may be in doubt.
        await self._client.metadata(self._settings.events.topic)
        return await send_in_order(events, self._publish, system=wire.SYSTEM)

    async def _publish(self, event: CloudEvent) -> None:
        async with self._places:
            await self._client.publish(self._settings.events.topic, event)

    async def _described(self) -> str:
        topic = self._settings.events.topic
        found = await self._client.metadata(topic)
        partitions = found.topics[topic].partitions
        replicas = min(len(partition.replicas) for partition in partitions.values())
        split, brokers = counted(len(partitions), "partition"), counted(len(found.brokers), "broker")
        said = [f"{topic} has {split}, each on {replicas} of {brokers}"]
        if self._settings.orders is not None:
            async with self._orders() as orders:
                said.append(await orders.described())
        return "; ".join(said)

    # ── orders in ───────────────────────────────────────────────────────────────────────────────────

    async def arrivals(self, position: str) -> AsyncGenerator[ArrivalBatch, None]:
        """See `OrderSource.arrivals`. What the hub asks beyond has been committed, and is so to the group then."""
        while True:
            try:
                async with self._orders() as orders, aclosing(orders.follow(position)) as batches:
                    async for batch in batches:
                        yield batch
                        position = batch.position
            except Transient:
                await self._clock.sleep(RETRY_SECONDS)

    async def refill(self, gap: Gap) -> AsyncGenerator[ArrivalBatch, None]:
        """See `OrderSource.refill`: what the topic still retains of that time."""
        async with self._orders() as orders, aclosing(orders.between(gap)) as batches:
            async for batch in batches:
                yield batch

    async def count_changed(self, gap: Gap) -> int:
        """See `OrderSource.count_changed`: what is retained of that time, and what is known to be dropped."""
        async with self._orders() as orders, aclosing(orders.between(gap)) as batches:
            return gap.dropped + sum([len(batch.arrivals) async for batch in batches])

    def _orders(self) -> OrderTopic:
        if self._settings.orders is None:
            words = "Kafka is to be a source of orders, but its settings name no topic of orders"
            raise Misconfigured(words, code="orders-missing", system=wire.SYSTEM)
        return OrderTopic(self._settings, self._settings.orders)
