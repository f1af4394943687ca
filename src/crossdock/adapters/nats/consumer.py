"""Reading orders from a stream: from the hub's own position on, acknowledged once the hub has committed.

The hub's position is the truth, the durable consumer its picture at the server: it is made anew at the position
whenever reading begins. So nothing waits for a dead reader's acknowledgements to run out, nothing overtakes them,
and the server still shows how far the hub is.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Self

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy, RetentionPolicy, StreamInfo
from nats.js.errors import NotFoundError

from crossdock.adapters.nats import wire
from crossdock.adapters.nats.client import Client
from crossdock.adapters.nats.mapping import position_from_text, position_to_text
from crossdock.adapters.nats.settings import NatsSettings, OrderSettings
from crossdock.adapters.nats.streams import find_stream
from crossdock.kit.clock import MICROSECONDS, Instant, from_datetime, to_datetime
from crossdock.kit.errors import Misconfigured
from crossdock.kit.wording import counted
from crossdock.ports.order_source import Arrival, ArrivalBatch, Gap
from crossdock.transport.order_messages import arrival_of

Subscription = JetStreamContext.PullSubscription
BETWEEN_FETCH_SECONDS = 1.0
OVERLAP: Instant = MICROSECONDS
FORGOTTEN_AFTER_SECONDS = 30.0
"""A consumer that only looks back is forgotten by the server when nobody asks it any more."""


class OrderStream:
    """The stream of orders on a connection of its own, which ends with it."""

    def __init__(self, settings: NatsSettings, orders: OrderSettings) -> None:
        self._client = Client(settings)
        self._orders = orders

    async def __aenter__(self) -> Self:
        await self._client.open()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._client.close()

    async def described(self) -> str:
        """What the stream holds, in words. Raises Misconfigured where orders cannot be read from it."""
        info = await self._stream()
        return f"{self._orders.stream} holds {info.state.messages} messages for the hub"

    async def follow(self, position: str) -> AsyncGenerator[ArrivalBatch, None]:
        """Batches behind the position, without end. Going on after one says that it is committed."""
        sequence, seen = position_from_text(position)
        state = (await self._stream()).state
        if state.last_seq < sequence:
            words = "the stream is shorter than the position in it: was it made anew?"
            raise Misconfigured(words, code="position-unknown", system=wire.SYSTEM)
        dropped = state.first_seq - sequence - 1 if sequence else 0
        subscription = await self._durable(sequence)
        while True:
            messages = await self._fetch(subscription, self._orders.batch_max, self._orders.fetch_seconds)
            if not messages:
                continue
            last = messages[-1].metadata
            gap = _dropped(dropped, seen, _instant(messages[0])) if dropped > 0 else None
            dropped, seen, sequence = 0, _instant(messages[-1]), last.sequence.stream
            yield ArrivalBatch(
                arrivals=tuple(map(_arrival, messages)), position=position_to_text(sequence, seen), gap=gap
            )
            await self._acknowledge(messages)

    async def between(self, gap: Gap) -> AsyncGenerator[ArrivalBatch, None]:
        """What the stream retains of that time and a second around it, in batches whose positions lead nowhere."""
        made = await self._look_back(to_datetime(gap.since - OVERLAP))
        if not made.num_pending:
            return
        subscription = await self._bound(made)
        while True:
            messages = await self._fetch(subscription, self._orders.batch_max, BETWEEN_FETCH_SECONDS)
            within = [message for message in messages if _instant(message) <= gap.until + OVERLAP]
            if within:
                yield ArrivalBatch(arrivals=tuple(map(_arrival, within)), position="")
            if len(within) < len(messages) or not messages or not messages[-1].metadata.num_pending:
                return

    async def _stream(self) -> StreamInfo:
        """The stream. Raises Misconfigured where the hub cannot read orders from it."""
        if len(self._orders.subjects) > 1 and self._client.version < wire.SEVERAL_FILTERS_SINCE:
            words = "this NATS is older than 2.10 and ignores several subjects: name one, or a wider one"
            raise Misconfigured(words, code="nats-too-old", system=wire.SYSTEM)
        info = await find_stream(self._client, self._orders.stream)
        if info is None:
            words = f"the stream {self._orders.stream}, from which orders are to come, does not exist"
            raise Misconfigured(words, code="stream-missing", system=wire.SYSTEM)
        if info.config.retention == RetentionPolicy.WORK_QUEUE:
            words = f"{self._orders.stream} is a work queue: nobody can read it again from where the hub stopped"
            raise Misconfigured(words, code="stream-wrong", system=wire.SYSTEM)
        return info

    async def _durable(self, sequence: int) -> Subscription:
        orders = self._orders
        config = ConsumerConfig(
            durable_name=orders.consumer,
            description="How far Crossdock has taken orders",
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE if sequence else DeliverPolicy.ALL,
            opt_start_seq=sequence + 1 if sequence else None,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=orders.acknowledge_seconds,
            max_ack_pending=orders.batch_max,
        )

        async def make_anew(stream: JetStreamContext) -> ConsumerInfo:
            with contextlib.suppress(NotFoundError):  # it is the first time
                await stream.delete_consumer(orders.stream, orders.consumer)
            return await stream.add_consumer(orders.stream, self._filtered(config))

        return await self._bound(await self._client.call(make_anew))

    async def _look_back(self, since: datetime) -> ConsumerInfo:
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_TIME,
            opt_start_time=since.astimezone(UTC),
            ack_policy=AckPolicy.NONE,
            inactive_threshold=FORGOTTEN_AFTER_SECONDS,
        )
        name = self._orders.stream
        return await self._client.call(lambda stream: stream.add_consumer(name, self._filtered(config)))

    def _filtered(self, config: ConsumerConfig) -> ConsumerConfig:
        """One subject in the field that every server knows, several in the one that newer servers know."""
        if len(self._orders.subjects) == 1:
            config.filter_subject = self._orders.subjects[0]
        else:
            config.filter_subjects = list(self._orders.subjects)
        return config

    async def _bound(self, made: ConsumerInfo) -> Subscription:
        """A subscription to the consumer. Raises Misconfigured where the server filters otherwise than asked."""
        filters = set(made.config.filter_subjects or ()) | ({made.config.filter_subject} - {None, ""})
        if filters != set(self._orders.subjects):
            words = "the server does not filter as it was asked to: orders would be mixed with other messages"
            raise Misconfigured(words, code="nats-too-old", system=wire.SYSTEM)
        name, of = made.name, self._orders.stream
        return await self._client.call(lambda stream: stream.pull_subscribe_bind(consumer=name, stream=of))

    async def _fetch(self, subscription: Subscription, count: int, seconds: float) -> Sequence[Msg]:
        async def fetch(_stream: JetStreamContext) -> Sequence[Msg]:
            try:
                return await subscription.fetch(count, timeout=seconds)
            except (TimeoutError, nats.errors.TimeoutError):
                return []  # nothing has come

        return await self._client.call(fetch)

    async def _acknowledge(self, messages: Sequence[Msg]) -> None:
        """Each, and wait until the server has noted the last: they travel one after another."""

        async def acknowledge(_stream: JetStreamContext) -> None:
            await asyncio.gather(*(message.ack() for message in messages[:-1]))
            await messages[-1].ack_sync(timeout=self._orders.acknowledge_seconds)

        await self._client.call(acknowledge)


def _arrival(message: Msg) -> Arrival:
    headers = message.headers or {}
    return arrival_of(message.data, message_id=headers.get(wire.MESSAGE_ID, ""), received_at=_instant(message))


def _instant(message: Msg) -> Instant:
    return from_datetime(message.metadata.timestamp)


def _dropped(count: int, since: Instant, until: Instant) -> Gap:
    return Gap(
        since=since,
        until=max(since, until),
        reason=f"retention dropped up to {counted(count, 'message')}",
        dropped=count,
    )
