"""The envelope around every event that leaves the hub: CloudEvents 1.0, structured JSON."""

from typing import Any

import msgspec

from crossdock.kit.clock import Instant, iso

SOURCE = "/crossdock"


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """CloudEvents 1.0 attributes; `partitionkey` (extension) keeps one subject's events in order."""

    id: str
    type: str
    source: str
    subject: str
    time: str
    partitionkey: str
    correlationid: str
    sequence: str
    data: msgspec.Raw
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


def envelope(
    *, event_id: str, kind: str, subject: str, at: Instant, correlation_id: str, sequence: int, data: bytes
) -> CloudEvent:
    """An event of the outbox as it travels."""
    return CloudEvent(
        id=event_id,
        type=kind,
        source=SOURCE,
        subject=subject,
        time=iso(at),
        partitionkey=subject,
        correlationid=correlation_id,
        sequence=f"{sequence:020d}",
        data=msgspec.Raw(data),
    )


def as_json(event: CloudEvent) -> bytes:
    """The structured-mode JSON of an event."""
    return msgspec.json.encode(event)


def schema_of(contract: type[Any]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a contract, closed against unknown fields so that typing errors show."""
    (schema,), components = msgspec.json.schema_components([contract], ref_template="#/$defs/{name}")
    for definition in components.values():
        if definition.get("type") == "object" and "properties" in definition:
            definition.setdefault("additionalProperties", False)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "$defs": components}
