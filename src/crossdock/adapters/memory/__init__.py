"""The reference dock: all roles of an ERP and its neighbours, on a small one in memory."""

from crossdock.ports.manifest import AdapterManifest, Limits, Role, Tier

ADAPTER = AdapterManifest(
    name="memory",
    title="Memory ERP",
    tested_versions=("1.0",),
    roles=frozenset(Role) - {Role.ADDRESS_VALIDATOR},
    settings="crossdock.adapters.memory.settings:MemorySettings",
    dock="crossdock.adapters.memory.adapter:MemoryDock",
    local="crossdock.adapters.memory.simulator.server:LocalMemory",
    limits=Limits(in_flight_max=32, batch_max=200, linger_seconds=0.05),
    outcome_settles_seconds=5.0,
    unique_reference=True,
    joins=frozenset({"block", "link", "merge"}),
    tier=Tier.REFERENCE,
    documentation="src/crossdock/adapters/memory/README.md",
)
