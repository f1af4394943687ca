"""The Pub/Sub API over gRPC: one channel, subscriptions with credit, schemas by their id."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import msgspec

from crossdock.adapters.salesforce import failures
from crossdock.adapters.salesforce import pubsub_api_pb2 as api
from crossdock.adapters.salesforce.changes import EventSchema, parse_schema
from crossdock.adapters.salesforce.pubsub_api_pb2_grpc import PubSubStub
from crossdock.adapters.salesforce.settings import SalesforceSettings
from crossdock.adapters.salesforce.sign_in import Session, SignIn
from crossdock.adapters.salesforce.wire import SYSTEM
from crossdock.kit.clock import Clock
from crossdock.kit.errors import Misconfigured, Unavailable

RESPONSE_BYTES_MAX = 64 * 1024 * 1024
SCHEMA_TIMEOUT_SECONDS = 30.0
RECONNECT_MS_MIN = 200
RECONNECT_MS_MAX = 10_000


class Start(msgspec.Struct, frozen=True):
    """Where a subscription begins: after `replay_id`, or at an end of what is retained."""

    preset: api.ReplayPreset
    replay_id: bytes = b""


LATEST = Start(api.LATEST)
EARLIEST = Start(api.EARLIEST)


def after(replay_id: bytes) -> Start:
    """Right behind an event that was seen."""
    return Start(api.CUSTOM, replay_id)


class Subscription:
    """One open stream of a topic's events."""

    def __init__(
        self,
        topic: str,
        session: Session,
        call: "grpc.aio.StreamStreamCall[api.FetchRequest, api.FetchResponse]",
    ) -> None:
        self.topic = topic
        self.session = session
        self._call = call
        self._read: asyncio.Task[api.FetchResponse] | None = None

    async def ask(self, events: int, start: Start | None = None) -> None:
        """Let so many more events come; the first time with `start`. A broken stream is told by `next`."""
        request = api.FetchRequest(topic_name=self.topic, num_requested=events)
        if start is not None:
            request.replay_preset = start.preset
            request.replay_id = start.replay_id
        try:
            await self._call.write(request)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return

    async def next(self, clock: Clock, timeout_seconds: float) -> api.FetchResponse | None:
        """The next response, or None when none came in time: the stream goes on, ask again.

        Raises PositionLost, NotAuthorized, Throttled, Unavailable or Misconfigured when the stream has ended.
        """
        reading = self._read or asyncio.ensure_future(self._receive())
        self._read = reading
        if not await done_within(reading, clock, timeout_seconds):
            return None
        self._read = None
        if reading.cancelled():  # the channel was closed under it
            raise _ended("the event stream was cut off")
        return reading.result()

    async def _receive(self) -> api.FetchResponse:
        try:
            response = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise failures.from_rpc(error) from None
        if not isinstance(response, api.FetchResponse):
            raise _ended("the event stream was closed")
        return response

    async def close(self) -> None:
        """End the stream."""
        self._call.cancel()
        if self._read is not None:
            self._read.cancel()
            await asyncio.gather(self._read, return_exceptions=True)


class EventBus:
    """Opens subscriptions; the channel is made on first use, in the loop that uses it."""

    def __init__(self, settings: SalesforceSettings, sign_in: SignIn) -> None:
        self._settings = settings
        self._channel: grpc.aio.Channel | None = None
        self._schemas: dict[str, EventSchema] = {}
        self.sign_in = sign_in

    async def subscribe(self, topic: str, start: Start, credit: int) -> Subscription:
        """A stream of `topic` from `start` on, with the first `credit` events asked for."""
        session = await self.sign_in.session()
        channel = self._open_channel()
        try:
            await asyncio.wait_for(channel.channel_ready(), self._settings.timeout_seconds)
            call = PubSubStub(channel).Subscribe(None, metadata=_metadata(session))
        except TimeoutError:
            raise _ended("no connection to the event bus") from None
        except grpc.aio.UsageError:
            raise _ended("the connection to the event bus was closed") from None
        subscription = Subscription(topic, session, call)
        await subscription.ask(credit, start)
        return subscription

    async def schema(self, schema_id: str) -> EventSchema:
        """The schema with that id, read once: a changed schema has another id.

        Raises ValueError where it cannot be read, else as `Subscription.next`.
        """
        known = self._schemas.get(schema_id)
        if known is None:
            session = await self.sign_in.session()
            stub = PubSubStub(self._open_channel())
            try:
                answer = await stub.GetSchema(
                    api.SchemaRequest(schema_id=schema_id),
                    metadata=_metadata(session),
                    timeout=SCHEMA_TIMEOUT_SECONDS,
                )
            except grpc.aio.AioRpcError as error:
                raise failures.from_rpc(error) from None
            known = self._schemas[schema_id] = parse_schema(schema_id, answer.schema_json)
        return known

    async def close(self) -> None:
        """Let go of the channel and every stream on it; closing twice is fine, the next use makes a new one."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close(None)

    def _open_channel(self) -> grpc.aio.Channel:
        if self._channel is None:
            settings = self._settings
            options = [
                ("grpc.max_receive_message_length", RESPONSE_BYTES_MAX),
                ("grpc.enable_http_proxy", 0),
                ("grpc.initial_reconnect_backoff_ms", RECONNECT_MS_MIN),
                ("grpc.max_reconnect_backoff_ms", RECONNECT_MS_MAX),
            ]
            if settings.pubsub_plaintext:
                self._channel = grpc.aio.insecure_channel(settings.pubsub_target, options=options)
            else:
                credentials = grpc.ssl_channel_credentials(_authorities(settings.certificate_file))
                self._channel = grpc.aio.secure_channel(settings.pubsub_target, credentials, options=options)
        return self._channel


async def done_within(task: "asyncio.Future[Any]", clock: Clock, seconds: float) -> bool:
    """Wait for a task, but not longer than `seconds` of the clock; the task goes on in any case."""
    if task.done():
        return True
    patience: asyncio.Future[Any] = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait([task, patience], return_when=asyncio.FIRST_COMPLETED)
    finally:
        patience.cancel()
    return task.done()


def _ended(message: str) -> Unavailable:
    return Unavailable(message, code="salesforce-events", system=SYSTEM)


def _authorities(certificate_file: str) -> bytes | None:
    try:
        return Path(certificate_file).read_bytes() if certificate_file else None
    except OSError as error:
        raise Misconfigured(
            f"certificate_file cannot be read: {error.strerror}", code="salesforce-settings", system=SYSTEM
        ) from None


def _metadata(session: Session) -> tuple[tuple[str, str], ...]:
    return (
        ("accesstoken", session.access_token.reveal()),
        ("instanceurl", session.instance_url),
        ("tenantid", session.organization_id),
    )
