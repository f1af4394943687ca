"""Acme, an ERP that takes orders."""

from crossdock.ports.manifest import AdapterManifest, Limits, Role

ADAPTER = AdapterManifest(
    name="acme",
    title="Acme",
    tested_versions=("2.1",),
    roles=frozenset({Role.ORDER_GATEWAY}),
    settings="crossdock_acme.settings:AcmeSettings",
    dock="crossdock_acme.adapter:AcmeDock",
    local="crossdock_acme.simulator:LocalAcme",
    limits=Limits(in_flight_max=8),
    outcome_settles_seconds=60.0,
    unique_reference=True,
)
