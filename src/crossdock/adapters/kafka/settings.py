"""What a deployment says about its Kafka."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from crossdock.kit.redaction import Secret
from crossdock.ports.manifest import Role

Server = Annotated[str, Meta(pattern=r"^[^\s/@:,]+:[0-9]+$")]
Topic = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,249}$")]


class EventSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the hub's events go: all to `topic`, each under its subject as key."""

    topic: Topic = "crossdock.events"


class OrderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where channels publish orders. `group` is the name under which the cluster shows how far the hub is.

    `fetch_seconds` is how long the hub waits for more before it looks around.
    """

    topic: Topic
    group: Annotated[str, Meta(min_length=1, max_length=249)] = "crossdock"
    batch_max: Annotated[int, Meta(ge=1, le=1_000)] = 100
    fetch_seconds: Annotated[float, Meta(gt=0, le=60)] = 1.0


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which cluster, as whom, and what for. With `user` the hub signs in by SASL."""

    servers: Annotated[tuple[Server, ...], Meta(min_length=1)]
    security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    user: str = ""
    password: Secret | None = None
    tls_ca_file: str = ""
    events: EventSettings = EventSettings()
    orders: OrderSettings | None = None
    timeout_seconds: Annotated[float, Meta(gt=0, le=300)] = 10.0
    in_flight_max: Annotated[int, Meta(ge=1, le=4_096)] = 64

    def lacks(self, role: Role) -> str:
        """The setting without which the dock cannot take that role; empty where nothing is missing."""
        return "orders" if role is Role.ORDER_SOURCE and self.orders is None else ""
