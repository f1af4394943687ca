"""The promises of a customer source, which reads as carefully as any other role."""

from typing import Any

from crossdock.kit.clock import MICROSECONDS
from crossdock.ports.manifest import Role
from crossdock.ports.order_source import Gap
from crossdock.testing.conformance.manners import ReadingManners
from crossdock.testing.estate import Estate


class CustomerSourceConformance(ReadingManners):
    """Everything a customer source promises. `exchange` is the proof's question, a plain read."""

    role_name = Role.CUSTOMER_SOURCE.value
    role = Role.CUSTOMER_SOURCE

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """Count what changed in an hour long ago."""
        since = 1_000_000_000 * MICROSECONDS
        return await dock.count_changed_customers(
            Gap(since=since, until=since + 3600 * MICROSECONDS, reason="test")
        )
