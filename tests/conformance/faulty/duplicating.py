"""A dock that trusts its ERP to refuse a second order under the same reference; this ERP does not."""

from tests.conformance.faulty.bench import Faulty

from crossdock.adapters.memory import mapping
from crossdock.adapters.memory.adapter import MemoryDock
from crossdock.canonical.order import Order
from crossdock.ports.order_gateway import Acceptance
from crossdock.testing.conformance import OrderGatewayConformance


class DuplicatingDock(MemoryDock):
    async def submit_order(self, order: Order, *, key: str, correlation_id: str) -> Acceptance:
        return await self._place(mapping.order_to_wire(order, key), correlation_id)


class TestOrderGateway(Faulty, OrderGatewayConformance):
    dock_class = DuplicatingDock
    looks_up_only = True
