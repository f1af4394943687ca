"""The Apache Kafka dock: its manifest and nothing else."""

from crossdock.ports.manifest import AdapterManifest, Limits, Role, Tier

ADAPTER = AdapterManifest(
    name="kafka",
    title="Apache Kafka",
    tested_versions=("librdkafka 2.16 mock cluster",),
    roles=frozenset({Role.EVENT_SINK, Role.ORDER_SOURCE}),
    settings="crossdock.adapters.kafka.settings:KafkaSettings",
    dock="crossdock.adapters.kafka.adapter:KafkaDock",
    local="crossdock.adapters.kafka.local:LocalKafka",
    limits=Limits(in_flight_max=64, batch_max=200, linger_seconds=0.02),
    outcome_settles_seconds=5.0,
    tier=Tier.SIMULATOR,
    documentation="https://kafka.apache.org/documentation/",
)
