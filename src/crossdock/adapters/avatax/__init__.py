"""Avalara AvaTax: where addresses in the United States and Canada are looked up."""

from crossdock.ports.manifest import AdapterManifest, Limits, Role

ADAPTER = AdapterManifest(
    name="avatax",
    title="Avalara AvaTax",
    tested_versions=("REST v2, description 21.12.0",),
    roles=frozenset({Role.ADDRESS_VALIDATOR}),
    settings="crossdock.adapters.avatax.settings:AvataxSettings",
    dock="crossdock.adapters.avatax.adapter:AvataxDock",
    local="crossdock.adapters.avatax.simulator:LocalAvatax",
    limits=Limits(in_flight_max=4),
    documentation="src/crossdock/adapters/avatax/README.md",
)
