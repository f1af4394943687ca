"""The NATS dock: events out by JetStream, orders in from a durable consumer."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from crossdock.adapters.nats import mapping, wire
from crossdock.adapters.nats.client import Client
from crossdock.adapters.nats.consumer import OrderStream
from crossdock.adapters.nats.settings import NatsSettings
from crossdock.adapters.nats.streams import describe, ensure_stream
from crossdock.contracts.envelope import CloudEvent
from crossdock.kit.clock import Clock
from crossdock.kit.errors import CrossdockError, Misconfigured, Transient
from crossdock.ports.manifest import SystemCheck
from crossdock.ports.order_source import ArrivalBatch, Gap
from crossdock.transport.in_order import send_in_order

RETRY_SECONDS = 1.0


class NatsDock:
    """Event sink and order source. It keeps nothing but its connection."""

    def __init__(self, settings: NatsSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._client = Client(settings)
        self._places = asyncio.Semaphore(settings.in_flight_max)
        self._stream_of_epoch = 0

    async def open(self) -> None:
        """See `Dock.open`."""
        await self._client.open()

    async def close(self) -> None:
        """See `Dock.close`."""
        await self._client.close()

    async def check(self) -> SystemCheck:
        """See `Dock.check`."""
        try:
            await self._client.call(JetStreamContext.account_info)
            product = "nats-server " + ".".join(map(str, self._client.version))
            return SystemCheck(ok=True, product=product, detail=await self._described())
        except NotFoundError:
            return SystemCheck(ok=False, product="NATS", detail="JetStream is not enabled for this account")
        except CrossdockError as error:
            return SystemCheck(ok=False, product="NATS", detail=error.message)

    # ── events out ──────────────────────────────────────────────────────────────────────────────────

    async def publish_events(self, events: Sequence[CloudEvent]) -> Sequence[CrossdockError | None]:
        """See `EventSink.publish_events`. Within the stream's window the server suppresses what comes again."""
        if not events:
            return []
        await self._client.open()
        if self._stream_of_epoch != self._client.epoch:
            await ensure_stream(self._client, self._settings.events)
            self._stream_of_epoch = self._client.epoch
        return await send_in_order(events, self._publish, system=wire.SYSTEM)

    async def _publish(self, event: CloudEvent) -> None:
        sent = mapping.message(event, self._settings.events)

        async def publish(stream: JetStreamContext) -> None:
            await stream.publish(
                sent.subject, sent.body, stream=self._settings.events.stream, headers=dict(sent.headers)
            )

        async with self._places:
            await self._client.call(publish, writes=True)

    async def _described(self) -> str:
        said = [await describe(self._client, self._settings.events)]
        if self._settings.orders is not None:
            async with OrderStream(self._settings, self._settings.orders) as orders:
                said.append(await orders.described())
        return "; ".join(said)

    # ── orders in ───────────────────────────────────────────────────────────────────────────────────

    async def arrivals(self, position: str) -> AsyncGenerator[ArrivalBatch, None]:
        """See `OrderSource.arrivals`. What the hub asks beyond has been committed, and is acknowledged then."""
        while True:
            try:
                async with self._orders() as orders, aclosing(orders.follow(position)) as batches:
                    async for batch in batches:
                        yield batch
                        position = batch.position
            except Transient:
                await self._clock.sleep(RETRY_SECONDS)

    async def refill(self, gap: Gap) -> AsyncGenerator[ArrivalBatch, None]:
        """See `OrderSource.refill`: what the stream still retains of that time."""
        async with self._orders() as orders, aclosing(orders.between(gap)) as batches:
            async for batch in batches:
                yield batch

    async def count_changed(self, gap: Gap) -> int:
        """See `OrderSource.count_changed`: what is retained of that time, and what is known to be dropped."""
        async with self._orders() as orders, aclosing(orders.between(gap)) as batches:
            return gap.dropped + sum([len(batch.arrivals) async for batch in batches])

    def _orders(self) -> OrderStream:
        if self._settings.orders is None:
            words = "NATS is to be a source of orders, but its settings name no stream of orders"
            raise Misconfigured(words, code="orders-missing", system=wire.SYSTEM)
        return OrderStream(self._settings, self._settings.orders)
