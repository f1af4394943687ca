"""Between Kafka's words and ours: pure functions, no I/O."""

from collections.abc import Mapping

import msgspec

from crossdock.adapters.kafka import wire
from crossdock.contracts.envelope import CloudEvent, as_json
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Misconfigured


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far a topic was read: by partition the next offset, and when the latest message was stored."""

    offsets: Mapping[int, int] = {}
    seen: Instant = 0


def headers_of(event: CloudEvent) -> list[tuple[str, str | bytes | None]]:
    """The headers of structured mode, and the attributes that brokers and readers choose by."""
    return [
        (wire.CONTENT_TYPE, wire.CLOUD_EVENT_JSON),
        ("ce_specversion", event.specversion),
        (wire.EVENT_ID, event.id),
        ("ce_source", event.source),
        ("ce_type", event.type),
        ("ce_subject", event.subject),
        ("ce_time", event.time),
    ]


def body_of(event: CloudEvent) -> bytes:
    """The whole envelope: structured mode."""
    return as_json(event)


def place_to_text(place: Place) -> str:
    """A place as the hub stores it."""
    return msgspec.json.encode(place).decode()


def place_from_text(position: str) -> Place:
    """See `place_to_text`; nothing is the beginning. Raises Misconfigured for a position of another source."""
    if not position:
        return Place()
    try:
        return msgspec.json.decode(position, type=Place)
    except (msgspec.DecodeError, UnicodeDecodeError):
        words = "the stored position is none of a Kafka topic: was another system known by this name?"
        raise Misconfigured(words, code="position-unknown", system=wire.SYSTEM) from None
