"""A dock that calls a lost answer "unavailable", so that the hub simply repeats what may have happened."""

from tests.conformance.faulty.bench import Faulty

from crossdock.adapters.memory.adapter import MemoryDock
from crossdock.canonical.order import Order
from crossdock.kit.errors import OutcomeUnknown, Unavailable
from crossdock.ports.order_gateway import Acceptance
from crossdock.testing.conformance import OrderGatewayConformance


class SwallowingDock(MemoryDock):
    async def submit_order(self, order: Order, *, key: str, correlation_id: str) -> Acceptance:
        try:
            return await super().submit_order(order, key=key, correlation_id=correlation_id)
        except OutcomeUnknown as error:
            raise Unavailable(error.message) from error


class TestOrderGateway(Faulty, OrderGatewayConformance):
    dock_class = SwallowingDock
