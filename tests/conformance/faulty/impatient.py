"""A source that reads everything ahead and remembers by itself where it was, whatever the hub has stored."""

from collections.abc import AsyncGenerator
from typing import ClassVar

import pytest
from tests.conformance.faulty.bench import Faulty

from crossdock.adapters.memory.adapter import MemoryDock
from crossdock.ports.order_source import ArrivalBatch
from crossdock.testing.conformance import OrderSourceConformance


class ImpatientDock(MemoryDock):
    reached: ClassVar[str] = ""

    async def arrivals(self, position: str) -> AsyncGenerator[ArrivalBatch, None]:
        ahead: list[ArrivalBatch] = []
        async for batch in super().arrivals(ImpatientDock.reached or position):
            ImpatientDock.reached = batch.position
            ahead.append(batch)
            if len(batch.arrivals) < self._settings.arrivals_max:
                for held in ahead:
                    yield held
                ahead.clear()


class TestOrderSource(Faulty, OrderSourceConformance):
    dock_class = ImpatientDock

    @pytest.fixture(autouse=True)
    def _forget(self) -> None:
        ImpatientDock.reached = ""

    @pytest.fixture
    def patience_seconds(self) -> float:
        return 2.0
