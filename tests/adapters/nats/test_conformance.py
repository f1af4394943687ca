"""The conformance suite on a real NATS."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.adapters.nats.bench import NatsBench, Running, on_the_bench

from crossdock.adapters.nats import ADAPTER
from crossdock.ports.manifest import AdapterManifest
from crossdock.testing import conformance


@pytest.mark.nats
class OnNats:
    @pytest.fixture
    def manifest(self) -> AdapterManifest:
        return ADAPTER

    @pytest.fixture
    async def bench(self, nats_running: Running) -> AsyncIterator[NatsBench]:
        async with on_the_bench(*nats_running) as bench:
            yield bench

    @pytest.fixture
    def settings(self, bench: NatsBench) -> Mapping[str, Any]:
        return bench.settings


class TestDock(OnNats, conformance.DockConformance):
    pass


class TestEventSink(OnNats, conformance.EventSinkConformance):
    pass


class TestOrderSource(OnNats, conformance.OrderSourceConformance):
    pass
