"""One mock cluster for all tests of a session; each test has topics of its own."""

from collections.abc import AsyncIterator

import pytest
from tests.adapters.kafka.bench import KafkaBench, on_the_bench

from crossdock.adapters.kafka import ADAPTER
from crossdock.adapters.kafka.adapter import KafkaDock
from crossdock.adapters.kafka.local import LocalKafka
from crossdock.kit.clock import SystemClock


@pytest.fixture(scope="session")
async def kafka_running() -> AsyncIterator[LocalKafka]:
    local = LocalKafka()
    await local.start()
    yield local
    await local.stop()


@pytest.fixture
async def bench(kafka_running: LocalKafka) -> AsyncIterator[KafkaBench]:
    async with on_the_bench(kafka_running) as bench:
        yield bench


@pytest.fixture
async def dock(bench: KafkaBench) -> AsyncIterator[KafkaDock]:
    dock: KafkaDock = ADAPTER.make_dock(ADAPTER.load_settings(bench.settings), SystemClock())
    await dock.open()
    yield dock
    await dock.close()
