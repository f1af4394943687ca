"""The conformance suite on a broker that speaks Kafka's protocol."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.adapters.kafka.bench import KafkaBench, on_the_bench

from crossdock.adapters.kafka import ADAPTER
from crossdock.adapters.kafka.local import LocalKafka
from crossdock.ports.manifest import AdapterManifest
from crossdock.testing import conformance


class OnKafka:
    @pytest.fixture
    def manifest(self) -> AdapterManifest:
        return ADAPTER

    @pytest.fixture
    async def bench(self, kafka_running: LocalKafka) -> AsyncIterator[KafkaBench]:
        async with on_the_bench(kafka_running) as bench:
            yield bench

    @pytest.fixture
    def settings(self, bench: KafkaBench) -> Mapping[str, Any]:
        return bench.settings


class TestDock(OnKafka, conformance.DockConformance):
    pass


class TestEventSink(OnKafka, conformance.EventSinkConformance):
    pass


class TestOrderSource(OnKafka, conformance.OrderSourceConformance):
    @pytest.fixture
    def ahead_max(self) -> int:
        """The library reads ahead by bytes: what may wait, and an answer of each of the four partitions."""
        return 1_000
