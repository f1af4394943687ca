"""The Salesforce dock: orders and customers in by events, statuses and customers back in collections."""

from crossdock.ports.manifest import AdapterManifest, Limits, Role

ADAPTER = AdapterManifest(
    name="salesforce",
    title="Salesforce (Sales and Service Cloud)",
    tested_versions=("simulator, API 66.0", "simulator, API 67.0"),
    roles=frozenset({Role.ORDER_SOURCE, Role.STATUS_SINK, Role.CUSTOMER_SOURCE, Role.CUSTOMER_SINK}),
    settings="crossdock.adapters.salesforce.settings:SalesforceSettings",
    dock="crossdock.adapters.salesforce.adapter:SalesforceDock",
    local="crossdock.adapters.salesforce.local:LocalSalesforce",
    limits=Limits(in_flight_max=8, batch_max=200, linger_seconds=1.0),
    outcome_settles_seconds=60.0,
    joins=frozenset({"link", "merge"}),
    documentation="src/crossdock/adapters/salesforce/README.md",
)
