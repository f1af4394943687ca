"""The stream that keeps the hub's events: made where it may be, checked wherever it is."""

from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig, StreamInfo
from nats.js.errors import NotFoundError

from crossdock.adapters.nats import wire
from crossdock.adapters.nats.client import Client
from crossdock.adapters.nats.settings import EventSettings
from crossdock.kit.errors import Misconfigured
from crossdock.kit.wording import counted

DAY_SECONDS = 24 * 3600.0


async def ensure_stream(client: Client, settings: EventSettings) -> None:
    """The stream is there and keeps what we publish. Raises Misconfigured where it does not."""
    found = await find_stream(client, settings.stream)
    if found is None and settings.create:
        await client.call(lambda stream: stream.add_stream(_wanted(settings)))
        return
    faults = faults_of(found, settings)
    if faults:
        raise Misconfigured(
            f"the stream {settings.stream} cannot keep our events: {'; '.join(faults)}",
            code="stream-missing" if found is None else "stream-wrong",
            system=wire.SYSTEM,
        )


async def find_stream(client: Client, name: str) -> StreamInfo | None:
    """What the server says about a stream, or None."""

    async def ask(stream: JetStreamContext) -> StreamInfo | None:
        try:
            return await stream.stream_info(name)
        except NotFoundError:
            return None

    return await client.call(ask)


async def describe(client: Client, settings: EventSettings) -> str:
    """How safe events are there, in words. Raises Misconfigured where they are not kept at all."""
    found = await find_stream(client, settings.stream)
    if found is None and settings.create:
        return f"{settings.stream} will be made when the first event goes there"
    faults = faults_of(found, settings)
    if faults:
        words = f"the stream {settings.stream} cannot keep our events: {'; '.join(faults)}"
        raise Misconfigured(words, code="stream-wrong", system=wire.SYSTEM)
    assert found is not None
    replicas = found.config.num_replicas or 1
    said = f"{settings.stream} keeps {found.state.messages} messages on {counted(replicas, 'server')}"
    return f"{said}; {wire.ACKNOWLEDGES_BEFORE_SYNC}"


def faults_of(found: StreamInfo | None, settings: EventSettings) -> list[str]:
    """What is wrong with the stream for our purpose."""
    if found is None:
        return ["it does not exist"]
    config, faults = found.config, []
    if f"{settings.prefix}.>" not in (config.subjects or ()):
        faults.append(f"it does not take {settings.prefix}.>")
    if config.storage != StorageType.FILE:
        faults.append("it keeps messages in memory only")
    if config.no_ack:
        faults.append("it does not acknowledge")
    if config.retention == RetentionPolicy.WORK_QUEUE:
        faults.append("it is a work queue: the first subscriber would take events away from all others")
    return faults


def _wanted(settings: EventSettings) -> StreamConfig:
    return StreamConfig(
        name=settings.stream,
        description="What Crossdock tells the world",
        subjects=[f"{settings.prefix}.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        num_replicas=settings.replicas,
        max_age=settings.retain_days * DAY_SECONDS,
        duplicate_window=settings.duplicates_seconds,
    )
