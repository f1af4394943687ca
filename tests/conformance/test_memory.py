"""The suite on the memory dock in process."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.conformance.memory_bench import MemoryBench, in_process

from crossdock.adapters.memory import ADAPTER
from crossdock.ports.manifest import AdapterManifest
from crossdock.testing import conformance
from crossdock.testing.estate import Estate

ESTATE = Estate(
    refusals={"CREDIT_HOLD": "credit-hold", "PERIOD_CLOSED": "period-closed", "NEVER_HEARD_OF": "refused"},
    line_refusals={"OUT_OF_STOCK": "out-of-stock"},
    products_count=41,
)


class InProcess:
    @pytest.fixture
    def manifest(self) -> AdapterManifest:
        return ADAPTER

    @pytest.fixture
    async def bench(self) -> AsyncIterator[MemoryBench]:
        async with in_process("conformance") as bench:
            yield bench

    @pytest.fixture
    def settings(self, bench: MemoryBench) -> Mapping[str, Any]:
        return bench.settings

    @pytest.fixture
    def estate(self) -> Estate:
        return ESTATE


class TestDock(InProcess, conformance.DockConformance):
    pass


class TestOrderGateway(InProcess, conformance.OrderGatewayConformance):
    pass


class TestOrderSource(InProcess, conformance.OrderSourceConformance):
    pass


class TestStatusSink(InProcess, conformance.StatusSinkConformance):
    pass


class TestEventSink(InProcess, conformance.EventSinkConformance):
    pass


class TestCustomerDirectory(InProcess, conformance.CustomerDirectoryConformance):
    pass


class TestProductSource(InProcess, conformance.ProductSourceConformance):
    pass


class TestPriceSource(InProcess, conformance.PriceSourceConformance):
    pass


class TestStockSource(InProcess, conformance.StockSourceConformance):
    pass


class TestCustomerSource(InProcess, conformance.CustomerSourceConformance):
    pass


class TestCustomerSink(InProcess, conformance.CustomerSinkConformance):
    pass
