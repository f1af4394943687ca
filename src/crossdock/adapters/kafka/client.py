"""The producer: its own thread hears what became of messages and tells the event loop.

It is idempotent (`acks=all`): what it sends again after a broken connection the broker recognises, and the
messages of a partition stay in order. A message that is not acknowledged in time ends the producer, so that what
it still holds does not go out behind the hub's back.
"""

import asyncio
import threading
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin._metadata import ClusterMetadata

from crossdock.adapters.kafka import mapping
from crossdock.adapters.kafka.failures import error_of, failure, no_topic, refused
from crossdock.adapters.kafka.settings import KafkaSettings
from crossdock.adapters.kafka.wire import REFUSALS, SYSTEM
from crossdock.contracts.envelope import CloudEvent
from crossdock.kit.errors import OutcomeUnknown, Unavailable

POLL_SECONDS = 0.1


def options_of(settings: KafkaSettings) -> dict[str, Any]:
    """What producers and consumers have in common."""
    options: dict[str, Any] = {
        "bootstrap.servers": ",".join(settings.servers),
        "client.id": "crossdock",
        "security.protocol": settings.security,
        "reconnect.backoff.max.ms": 1_000,
        "log_level": 0,  # it would print to standard error, past our redaction
    }
    if settings.user:
        options |= {"sasl.mechanism": settings.mechanism, "sasl.username": settings.user}
    if settings.password is not None:
        options["sasl.password"] = settings.password.reveal()
    if settings.tls_ca_file:
        options["ssl.ca.location"] = settings.tls_ca_file
    return options


class Client:
    """Publishes, and asks the cluster about itself. Raises what `failures` names."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._sender: _Sender | None = None

    async def open(self) -> None:
        """Connect; opening what is open does nothing. Raises NotAuthorized or Unavailable."""
        await self.metadata()

    async def close(self) -> None:
        """Let go of the connection; closing twice is fine."""
        sender, self._sender = self._sender, None
        if sender is not None:
            await asyncio.to_thread(sender.close)

    async def metadata(self, topic: str = "") -> ClusterMetadata:
        """What the cluster says about itself, and about a topic. Raises Misconfigured where there is no such."""
        sender = self._sending()
        try:
            found = await asyncio.to_thread(sender.ask, topic)
        except KafkaException as raised:
            if sender.refused:
                raise refused(sender.refused) from None
            raise failure(error_of(raised), writes=False) from None
        if topic and (fault := found.topics[topic].error) is not None:
            raise failure(fault, writes=False)
        if topic and not found.topics[topic].partitions:
            raise no_topic()
        return found

    async def publish(self, topic: str, event: CloudEvent) -> None:
        """Send, and return once all replicas in sync have it. Raises OutcomeUnknown where nobody says so."""
        sender = self._sending()
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                error = await sender.send(topic, event)
        except TimeoutError:
            await self._give_up(sender)
            words = "Kafka did not acknowledge in time; the message may be stored"
            raise OutcomeUnknown(words, code="answer-lost", system=SYSTEM) from None
        except KafkaException as raised:
            raise failure(error_of(raised), writes=False) from None
        except BufferError:
            words = "too much waits for Kafka already"
            raise Unavailable(words, code="unavailable", system=SYSTEM) from None
        if error is not None:
            raise refused(sender.refused) if sender.refused else failure(error, writes=True)

    async def _give_up(self, sender: "_Sender") -> None:
        if self._sender is sender:
            await self.close()

    def _sending(self) -> "_Sender":
        if self._sender is None:
            self._sender = _Sender(self._settings)
        return self._sender


class _Sender:
    """One producer and the thread that serves it."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.refused = ""
        self._timeout_seconds = settings.timeout_seconds
        self._ended = threading.Event()
        options: dict[str, Any] = {
            **options_of(settings),
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",  # a key goes where Java's clients send it
            "linger.ms": 1,
            "message.timeout.ms": int(settings.timeout_seconds * 1_000),
            "error_cb": self._heard,
        }
        self._producer = Producer(options)
        self._thread = threading.Thread(target=self._serve, name="kafka-producer", daemon=True)
        self._thread.start()

    def ask(self, topic: str) -> ClusterMetadata:
        """Blocks. Raises KafkaException."""
        asked = {"topic": topic} if topic else {}
        found: ClusterMetadata = self._producer.list_topics(**asked, timeout=self._timeout_seconds)
        return found

    async def send(self, topic: str, event: CloudEvent) -> KafkaError | None:
        """Hand the event over and wait for what becomes of it. Raises KafkaException or BufferError at once."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[KafkaError | None] = loop.create_future()

        def settle(error: KafkaError | None) -> None:
            if not told.done():
                told.set_result(error)

        def delivered(error: KafkaError | None, _message: Message) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, error)

        self._producer.produce(
            topic,
            key=event.partitionkey,
            value=mapping.body_of(event),
            headers=mapping.headers_of(event),
            on_delivery=delivered,
        )
        return await told

    def close(self) -> None:
        """Blocks. What was not acknowledged is not sent any more."""
        self._producer.purge(in_queue=True, in_flight=True, blocking=True)
        self._ended.set()
        self._thread.join()
        self._producer.poll(0)

    def _serve(self) -> None:
        while not self._ended.is_set():
            self._producer.poll(POLL_SECONDS)

    def _heard(self, error: KafkaError) -> None:
        """The library's complaints come outside of any call; only one about our rights is of interest."""
        if error.code() in REFUSALS:
            self.refused = error.name()
