"""Between NATS' words and ours: pure functions, no I/O."""

import re
from urllib.parse import quote

import msgspec

from crossdock.adapters.nats import wire
from crossdock.adapters.nats.settings import EventSettings
from crossdock.contracts.envelope import CloudEvent, as_json
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Misconfigured

_POSITION = re.compile(r"([0-9]+)@([0-9]+)")
_KEPT_AS_IT_IS = "@:+#=,;!$&'()[]"


class Message(msgspec.Struct, frozen=True):
    """What is published."""

    subject: str
    headers: dict[str, str]
    body: bytes


def message(event: CloudEvent, settings: EventSettings) -> Message:
    """An event in structured mode: the whole envelope is the body; headers repeat what brokers and readers use."""
    headers = {
        wire.MESSAGE_ID: event.id,
        wire.CONTENT_TYPE: wire.CLOUD_EVENT_JSON,
        "ce-specversion": event.specversion,
        "ce-id": event.id,
        "ce-source": event.source,
        "ce-type": event.type,
        "ce-subject": quote(event.subject, safe="/" + _KEPT_AS_IT_IS),
        "ce-time": event.time,
    }
    return Message(subject_of(event.partitionkey, settings.prefix), headers, as_json(event))


def subject_of(key: str, prefix: str) -> str:
    """`order/O-1` as `prefix.order.O-1`: one token per part, so that subscribers choose by kind or by number."""
    tokens = [quote(part, safe=_KEPT_AS_IT_IS).replace(".", "%2E") or "%" for part in key.split("/")]
    return ".".join((prefix, *tokens))


def position_to_text(sequence: int, at: Instant) -> str:
    """A place in a stream, and when the message there was stored."""
    return f"{sequence}@{at}"


def position_from_text(position: str) -> tuple[int, Instant]:
    """See `position_to_text`; nothing is the beginning. Raises Misconfigured for a position of another source."""
    if not position:
        return 0, 0
    match = _POSITION.fullmatch(position)
    if match is None:
        words = "the stored position is none of a NATS stream: was another system known by this name?"
        raise Misconfigured(words, code="position-unknown", system=wire.SYSTEM)
    return int(match[1]), int(match[2])
