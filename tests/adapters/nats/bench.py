"""A real NATS on the conformance suite's bench: trouble comes from a proxy, or from the server itself."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import nats
from nats.aio.client import Client as Connection
from nats.js import JetStreamContext
from nats.js.api import StorageType
from nats.js.errors import NotFoundError, ServerError
from tests.adapters.nats.proxy import NatsProxy

from crossdock.adapters.nats.local import LocalNats
from crossdock.canonical.order import Order
from crossdock.contracts.envelope import CloudEvent
from crossdock.kit.redaction import Secret
from crossdock.testing.bench import EventBench, KeptEvent, Offered, SourceBench

Running = tuple[LocalNats, Mapping[str, Any]]
"""A server, and the settings to reach it without a proxy."""

EVENTS, ORDERS = "CROSSDOCK", "ORDERS"
PREFIX, SUBJECT = "crossdock.events", "shop.orders"
PAYLOAD_BYTES_MAX = 256 * 1024
CONSUMER = "crossdock"
PATIENCE_SECONDS = 20
STORE_NOT_MADE = 10_049


class NatsBench(EventBench, SourceBench):
    """One server, empty streams, and a connection past the proxy."""

    def __init__(self, local: LocalNats, proxy: NatsProxy, stream: JetStreamContext, password: str) -> None:
        self.local = local
        self.proxy = proxy
        self.stream = stream
        self._password = password

    @property
    def settings(self) -> Mapping[str, Any]:
        return {
            "servers": [f"nats://127.0.0.1:{self.proxy.port}"],
            "user": "hub",
            "password": Secret(self._password),
            "timeout_seconds": 2.0,
            "events": {"stream": EVENTS, "prefix": PREFIX},
            "orders": {"stream": ORDERS, "subjects": [f"{SUBJECT}.>"], "fetch_seconds": 0.3},
        }

    async def go_down(self) -> None:
        await self.proxy.stop()

    async def come_back(self) -> None:
        await self.proxy.start()

    async def refuse_next(self) -> None:
        self.proxy.refuse_next = True

    async def lose_next_answer(self) -> None:
        self.proxy.lose_next = True

    async def break_next_read(self) -> None:
        self.proxy.break_next = True

    async def revoke_credential(self) -> None:
        await self.local.change_password("another")
        await asyncio.sleep(0.2)

    async def slow_down(self, seconds: float) -> None:
        self.proxy.delay_seconds = seconds

    async def in_flight_peak(self) -> int:
        return self.proxy.in_flight_peak

    async def kept_events(self) -> Sequence[KeptEvent]:
        state = (await self.stream.stream_info(EVENTS)).state
        found = [await self.stream.get_msg(EVENTS, sequence) for sequence in range(1, state.last_seq + 1)]
        return [
            KeptEvent(
                id=(message.headers or {})["Nats-Msg-Id"],
                partition_key=msgspec.json.decode(message.data or b"", type=CloudEvent).partitionkey,
                body=message.data or b"",
            )
            for message in found
        ]

    async def event_bytes_max(self) -> int:
        return PAYLOAD_BYTES_MAX

    async def offer(self, orders: Sequence[Order]) -> Sequence[Offered]:
        for order in orders:
            await self.stream.publish(f"{SUBJECT}.{order.channel}", msgspec.json.encode(order))
        return [Offered(order.order_id, order) for order in orders]

    async def offer_untranslatable(self) -> str:
        await self.publish_raw(b'{"order_id":"O-BAD","lines":[]}', "no-order")
        return "no-order"

    async def publish_raw(self, body: bytes, message_id: str = "") -> None:
        """Whatever a channel may send."""
        headers = {"Nats-Msg-Id": message_id} if message_id else None
        await self.stream.publish(f"{SUBJECT}.web", body, headers=headers)

    async def redeliver(self, external_id: str) -> None:
        state = (await self.stream.stream_info(ORDERS)).state
        message = await self.stream.get_msg(ORDERS, state.last_seq)
        assert external_id.encode() in (message.data or b"")
        await self.stream.publish(f"{SUBJECT}.web", message.data or b"")

    async def break_stream(self) -> None:
        await self.proxy.cut()

    async def delivered(self) -> int:
        delivered = (await self.stream.consumer_info(ORDERS, CONSUMER)).delivered
        assert delivered is not None
        return int(delivered.consumer_seq)


@asynccontextmanager
async def connected(local: LocalNats, settings: Mapping[str, Any]) -> AsyncIterator[Connection]:
    """A client past the proxy."""
    connection = await nats.connect(
        servers=list(settings["servers"]), user=settings["user"], password=settings["password"].reveal()
    )
    yield connection
    await connection.close()


@asynccontextmanager
async def on_the_bench(local: LocalNats, settings: Mapping[str, Any]) -> AsyncIterator[NatsBench]:
    """A bench around a running server, as if nothing had happened on it before."""
    proxy = NatsProxy(local.port)
    await proxy.start()
    password = settings["password"].reveal()
    try:
        async with connected(local, settings) as connection:
            stream = connection.jetstream()
            await _empty(stream)
            yield NatsBench(local, proxy, stream, password)
    finally:
        await local.change_password(password)
        await proxy.stop()


async def _empty(stream: JetStreamContext) -> None:
    for name in (EVENTS, ORDERS):
        try:
            await stream.delete_stream(name)
        except NotFoundError:
            continue
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await stream.add_stream(name=ORDERS, subjects=[f"{SUBJECT}.>"], storage=StorageType.FILE)
            except ServerError as error:
                if error.err_code != STORE_NOT_MADE:
                    raise
                await asyncio.sleep(0.1)  # the server is still clearing away the old one of that name
            else:
                return
