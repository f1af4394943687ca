"""What a deployment says about its NATS."""

from typing import Annotated

import msgspec
from msgspec import Meta

from crossdock.kit.redaction import Secret
from crossdock.ports.manifest import Role

Address = Annotated[str, Meta(pattern=r"^(nats|tls)://[^\s@/]+:[0-9]+$")]
StreamName = Annotated[str, Meta(pattern=r"^[^\s.*>/\\]{1,255}$")]
Subject = Annotated[str, Meta(pattern=r"^[^\s.*>]+(\.[^\s.*>]+)*$")]
Filter = Annotated[str, Meta(pattern=r"^([^\s.*>]+|\*)(\.([^\s.*>]+|\*))*(\.>)?$")]


class EventSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the hub's events go: `order/O-1` to `prefix.order.O-1` in `stream`.

    With `create` the stream is made where there is none, kept in files on `replicas` servers for `retain_days`
    (0: for ever). For `duplicates_seconds` the server suppresses an event that comes again.
    """

    stream: StreamName = "CROSSDOCK"
    prefix: Subject = "crossdock.events"
    create: bool = True
    replicas: Annotated[int, Meta(ge=1, le=5)] = 1
    retain_days: Annotated[float, Meta(ge=0, le=3650)] = 30.0
    duplicates_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 600.0


class OrderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where channels publish orders: `subjects` of `stream`, read by a durable consumer of that name.

    `fetch_seconds` is how long a question for more may wait at the server.
    """

    stream: StreamName
    subjects: Annotated[tuple[Filter, ...], Meta(min_length=1)]
    consumer: StreamName = "crossdock"
    batch_max: Annotated[int, Meta(ge=1, le=1_000)] = 100
    fetch_seconds: Annotated[float, Meta(gt=0, le=60)] = 5.0
    acknowledge_seconds: Annotated[float, Meta(ge=1, le=3_600)] = 60.0


class NatsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which servers, as whom, and what for. `tls_ca_file` is the certificate that `tls://` servers answer to."""

    servers: Annotated[tuple[Address, ...], Meta(min_length=1)]
    user: str = ""
    password: Secret | None = None
    token: Secret | None = None
    tls_ca_file: str = ""
    events: EventSettings = EventSettings()
    orders: OrderSettings | None = None
    timeout_seconds: Annotated[float, Meta(gt=0, le=300)] = 5.0
    connect_seconds: Annotated[float, Meta(gt=0, le=60)] = 3.0
    in_flight_max: Annotated[int, Meta(ge=1, le=4_096)] = 64

    def lacks(self, role: Role) -> str:
        """The setting without which the dock cannot take that role; empty where nothing is missing."""
        return "orders" if role is Role.ORDER_SOURCE and self.orders is None else ""
