"""A dock that logs whom it sells to and with what secret, and that does not hear how long it should wait."""

import logging

from tests.conformance.faulty.bench import Faulty

from crossdock.adapters.memory.adapter import MemoryDock
from crossdock.adapters.memory.settings import MemorySettings
from crossdock.canonical.order import Order
from crossdock.kit.clock import Clock
from crossdock.kit.errors import Throttled
from crossdock.ports.order_gateway import Acceptance
from crossdock.testing.conformance import OrderGatewayConformance

_log = logging.getLogger(__name__)


class TalkativeDock(MemoryDock):
    def __init__(self, settings: MemorySettings, clock: Clock) -> None:
        super().__init__(settings, clock)
        _log.debug("signing in with %s", settings.secret.reveal() if settings.secret else "nothing")

    async def submit_order(self, order: Order, *, key: str, correlation_id: str) -> Acceptance:
        _log.info("an order of %s", order.customer.name)
        return await super().submit_order(order, key=key, correlation_id=correlation_id)

    async def find_order(self, *, key: str) -> Acceptance | None:
        try:
            return await super().find_order(key=key)
        except Throttled as error:
            raise Throttled(error.message) from error


class TestOrderGateway(Faulty, OrderGatewayConformance):
    dock_class = TalkativeDock
