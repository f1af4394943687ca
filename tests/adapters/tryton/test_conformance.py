"""The conformance suite on a real Tryton with SQLite."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import pytest
from tests.adapters.tryton.bench import ESTATE, Running, TrytonBench, on_the_bench

from crossdock.adapters.tryton import ADAPTER
from crossdock.adapters.tryton.adapter import TrytonDock
from crossdock.adapters.tryton.customers import Position
from crossdock.kit.clock import MICROSECONDS, SystemClock
from crossdock.ports.manifest import AdapterManifest
from crossdock.ports.order_source import Gap
from crossdock.testing import conformance
from crossdock.testing.estate import Estate

FAR_AWAY = 4_000_000_000 * MICROSECONDS


@pytest.mark.tryton
class OnTryton:
    @pytest.fixture
    def manifest(self) -> AdapterManifest:
        return ADAPTER

    @pytest.fixture
    async def bench(self, tryton_on_sqlite: Running) -> AsyncIterator[TrytonBench]:
        async with on_the_bench(tryton_on_sqlite) as bench:
            yield bench

    @pytest.fixture
    def settings(self, bench: TrytonBench, request: pytest.FixtureRequest) -> Mapping[str, Any]:
        # Only where silence is the point is the dock impatient: Tryton may be slow on a busy machine.
        impatient = {"timeout_seconds": 4.0} if "silent" in request.node.name else {}
        return {**bench.settings, **impatient}

    @pytest.fixture
    def estate(self) -> Estate:
        return ESTATE


class TestDock(OnTryton, conformance.DockConformance):
    pass


class TestOrderGateway(OnTryton, conformance.OrderGatewayConformance):
    pass


class TestCustomerDirectory(OnTryton, conformance.CustomerDirectoryConformance):
    pass


class TestProductSource(OnTryton, conformance.ProductSourceConformance):
    pass


class TestPriceSource(OnTryton, conformance.PriceSourceConformance):
    pass


class TestStockSource(OnTryton, conformance.StockSourceConformance):
    pass


class TestCustomerSource(OnTryton, conformance.CustomerSourceConformance):
    @pytest.fixture
    def settings(self, bench: TrytonBench) -> Mapping[str, Any]:
        return {**bench.settings, "customer_poll_seconds": 0.2, "change_overlap_seconds": 2.0}

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """Count all parties there are."""
        return await dock.count_changed_customers(Gap(since=0, until=FAR_AWAY, reason="test"))

    async def begun(self, dock: TrytonDock) -> str:
        """A position at this moment: what there was before is not told again."""
        return msgspec.json.encode(Position(SystemClock().now())).decode()


class TestCustomerSink(OnTryton, conformance.CustomerSinkConformance):
    pass
