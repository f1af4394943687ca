"""The suite on a memory ERP that knows no unique reference, as with many real ones: the dock looks first."""

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


class LookUpOnly:
    @pytest.fixture
    def manifest(self) -> AdapterManifest:
        return ADAPTER

    @pytest.fixture
    async def bench(self) -> AsyncIterator[MemoryBench]:
        async with in_process("conformance-look-up", unique_reference=False) as bench:
            yield bench

    @pytest.fixture
    def settings(self, bench: MemoryBench) -> Mapping[str, Any]:
        return bench.settings

    @pytest.fixture
    def estate(self) -> Estate:
        return ESTATE

    @pytest.fixture
    def unique_reference(self) -> bool:
        return False


class TestOrderGateway(LookUpOnly, conformance.OrderGatewayConformance):
    pass
