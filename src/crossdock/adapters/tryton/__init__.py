"""The Tryton dock: its manifest and nothing else."""

from crossdock.ports.manifest import AdapterManifest, Limits, Role, Tier

ADAPTER = AdapterManifest(
    name="tryton",
    title="Tryton",
    tested_versions=("8.0",),
    roles=frozenset(
        {
            Role.ORDER_GATEWAY,
            Role.CUSTOMER_DIRECTORY,
            Role.CUSTOMER_SOURCE,
            Role.CUSTOMER_SINK,
            Role.PRODUCT_SOURCE,
            Role.PRICE_SOURCE,
            Role.STOCK_SOURCE,
        }
    ),
    settings="crossdock.adapters.tryton.settings:TrytonSettings",
    dock="crossdock.adapters.tryton.adapter:TrytonDock",
    local="crossdock.adapters.tryton.local:LocalTryton",
    # Confirming an order costs Tryton a third of a CPU second; more at once only makes each one later.
    limits=Limits(in_flight_max=2),
    # Tryton gives up a request after 60 seconds (its `request.timeout`).
    outcome_settles_seconds=75.0,
    # Any number of sales may bear one reference: the hub must not write under one key from two places at once.
    unique_reference=False,
    joins=frozenset({"block", "merge"}),
    tier=Tier.REAL_SYSTEM,
    documentation="https://docs.tryton.org/8.0/",
)
