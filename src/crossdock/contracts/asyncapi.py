"""The AsyncAPI 3.0 document of what the hub publishes, made from the contracts themselves.

Schemas are left open: a contract may grow a field, and a subscriber that reads this must not break then.
"""

from collections.abc import Mapping
from inspect import getdoc
from typing import Any

import msgspec

from crossdock.contracts.envelope import CloudEvent
from crossdock.contracts.published import PUBLISHED, owner_of, subject_kind

ASYNCAPI = "3.0.0"
CONTENT_TYPE = "application/cloudevents+json"
_SCHEMAS = "#/components/schemas/{name}"


def asyncapi_document(version: str, prefix: str) -> Mapping[str, Any]:
    """The document; `prefix` is where subjects begin at the broker (NATS), or the topic that has all (Kafka)."""
    kinds = sorted({subject_kind(kind) for kind in PUBLISHED})
    _, schemas = msgspec.json.schema_components([CloudEvent, *PUBLISHED.values()], ref_template=_SCHEMAS)
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "Crossdock events",
            "version": version,
            "description": "At least once, recognisable by `id`; in order per `subject`.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {kind: _channel(kind, prefix) for kind in kinds},
        "operations": {f"tell_{kind}": _operation(kind) for kind in kinds},
        "components": {
            "schemas": schemas,
            "messages": {kind: _message(kind, contract) for kind, contract in PUBLISHED.items()},
        },
    }


def _channel(kind: str, prefix: str) -> Mapping[str, Any]:
    return {
        "address": f"{prefix}.{kind}.{{number}}",
        "description": f"NATS: this subject. Kafka: topic `{prefix}`, key `{kind}/{{number}}`.",
        "parameters": {"number": {"description": f"Which {kind}: the second part of the event's subject."}},
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"} for name in PUBLISHED if subject_kind(name) == kind
        },
    }


def _operation(kind: str) -> Mapping[str, Any]:
    return {"action": "send", "channel": {"$ref": f"#/channels/{kind}"}}


def _message(kind: str, contract: type[Any]) -> Mapping[str, Any]:
    envelope = {"$ref": _SCHEMAS.format(name=CloudEvent.__name__)}
    told = {"type": {"const": kind}, "data": {"$ref": _SCHEMAS.format(name=contract.__name__)}}
    return {
        "name": kind,
        "title": contract.__name__,
        "summary": " ".join((getdoc(contract) or "").split()),
        "contentType": CONTENT_TYPE,
        "tags": [{"name": f"owner: {owner_of(kind)}"}],
        "payload": {"allOf": [envelope, {"type": "object", "properties": told}]},
    }
