"""The suite on the Salesforce dock, against the simulated org."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.conformance.salesforce_bench import SalesforceBench, salesforce_bench

from crossdock.adapters.salesforce import ADAPTER
from crossdock.ports.manifest import AdapterManifest
from crossdock.testing import conformance


class OnTheSimulator:
    @pytest.fixture
    def manifest(self) -> AdapterManifest:
        return ADAPTER

    @pytest.fixture
    async def bench(self) -> AsyncIterator[SalesforceBench]:
        async with salesforce_bench() as bench:
            yield bench

    @pytest.fixture
    def settings(self, bench: SalesforceBench) -> Mapping[str, Any]:
        return bench.settings


class TestDock(OnTheSimulator, conformance.DockConformance):
    pass


class TestOrderSource(OnTheSimulator, conformance.OrderSourceConformance):
    @pytest.fixture
    def ahead_max(self) -> int:
        """Two batches of one event: one with the hub, one to come."""
        return 2


class TestStatusSink(OnTheSimulator, conformance.StatusSinkConformance):
    pass


class TestCustomerSource(OnTheSimulator, conformance.CustomerSourceConformance):
    @pytest.fixture
    def ahead_max(self) -> int:
        """Two batches of one event: one with the hub, one to come."""
        return 2


class TestCustomerSink(OnTheSimulator, conformance.CustomerSinkConformance):
    @pytest.fixture
    def unique_key(self) -> bool:
        return True
