"""What ended is cleared away by a deployment's rules: which processes they are about."""

from collections.abc import Mapping

from crossdock.bootstrap.deployment import Deployment
from crossdock.durable.retention import Keeping, Retention, RunClearing
from crossdock.kit.clock import Clock

PROCESSES: Mapping[str, frozenset[str]] = {
    "canaries": frozenset({"customer_canary"}),
    "tellings": frozenset(
        {"customer_change", "customer_update", "customer_telling", "status_report", "event_publication"}
    ),
    "orders": frozenset({"order_submission"}),
}
"""All others are kept: what people decided (merges, credits, erasures, rehearsals), and there are few of them."""


def retention_of(deployment: Deployment, store: RunClearing, clock: Clock) -> Retention:
    """By the deployment's rules."""
    rules = deployment.hub.retention
    days = {"canaries": rules.canaries_days, "tellings": rules.tellings_days, "orders": rules.orders_days}
    keepings = [
        # An order that comes again is known by its run, also where it came in with other content.
        Keeping(kind=kind, processes=processes, days=days[kind], keeps_row=kind == "orders")
        for kind, processes in PROCESSES.items()
    ]
    return Retention(store, keepings, clock)
