"""The suite on the memory dock over HTTP."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.conformance.memory_bench import MemoryBench, loopback_server, over_http

from crossdock.adapters.memory import ADAPTER
from crossdock.adapters.memory.simulator.server import MemoryErp
from crossdock.ports.manifest import AdapterManifest
from crossdock.testing import conformance
from crossdock.testing.estate import Estate

ESTATE = Estate(
    refusals={"CREDIT_HOLD": "credit-hold", "PERIOD_CLOSED": "period-closed", "NEVER_HEARD_OF": "refused"},
    line_refusals={"OUT_OF_STOCK": "out-of-stock"},
    products_count=41,
)


class OverHttp:
    @pytest.fixture
    def manifest(self) -> AdapterManifest:
        return ADAPTER

    @pytest.fixture(scope="module")
    @staticmethod
    async def server() -> AsyncIterator[MemoryErp]:
        async with loopback_server() as server:
            yield server

    @pytest.fixture
    async def bench(self, server: MemoryErp) -> MemoryBench:
        return over_http(server)

    @pytest.fixture
    def settings(self, bench: MemoryBench) -> Mapping[str, Any]:
        return bench.settings

    @pytest.fixture
    def estate(self) -> Estate:
        return ESTATE


class TestDock(OverHttp, conformance.DockConformance):
    pass


class TestOrderGateway(OverHttp, conformance.OrderGatewayConformance):
    pass


class TestOrderSource(OverHttp, conformance.OrderSourceConformance):
    pass


class TestStatusSink(OverHttp, conformance.StatusSinkConformance):
    pass


class TestEventSink(OverHttp, conformance.EventSinkConformance):
    pass


class TestCustomerDirectory(OverHttp, conformance.CustomerDirectoryConformance):
    pass


class TestProductSource(OverHttp, conformance.ProductSourceConformance):
    pass


class TestPriceSource(OverHttp, conformance.PriceSourceConformance):
    pass


class TestStockSource(OverHttp, conformance.StockSourceConformance):
    pass


class TestCustomerSource(OverHttp, conformance.CustomerSourceConformance):
    pass


class TestCustomerSink(OverHttp, conformance.CustomerSinkConformance):
    pass
