"""A dock that takes a status it does not know for a success."""

import msgspec
from tests.conformance.faulty.bench import Faulty

from crossdock.adapters.memory.adapter import MemoryDock
from crossdock.ports.order_gateway import Acceptance
from crossdock.testing.conformance import OrderGatewayConformance


class OptimisticDock(MemoryDock):
    async def find_order(self, *, key: str) -> Acceptance | None:
        found = await super().find_order(key=key)
        if found is not None and found.status == "pending":
            return msgspec.structs.replace(found, status="accepted")
        return found


class TestOrderGateway(Faulty, OrderGatewayConformance):
    dock_class = OptimisticDock
