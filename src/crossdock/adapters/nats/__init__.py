"""The NATS JetStream dock: its manifest and nothing else."""

from crossdock.ports.manifest import AdapterManifest, Limits, Role, Tier

ADAPTER = AdapterManifest(
    name="nats",
    title="NATS JetStream",
    tested_versions=("2.9.10", "2.15.1"),
    roles=frozenset({Role.EVENT_SINK, Role.ORDER_SOURCE}),
    settings="crossdock.adapters.nats.settings:NatsSettings",
    dock="crossdock.adapters.nats.adapter:NatsDock",
    local="crossdock.adapters.nats.local:LocalNats",
    # Messages that wait for their acknowledgement at once; the server stores them one after another anyhow.
    limits=Limits(in_flight_max=64, batch_max=200, linger_seconds=0.02),
    outcome_settles_seconds=5.0,
    tier=Tier.REAL_SYSTEM,
    documentation="https://docs.nats.io/nats-concepts/jetstream",
)
