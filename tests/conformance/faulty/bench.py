"""What the faulty docks have in common: the memory dock's bench, and every rule switched on."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

import msgspec
import pytest
from tests.conformance.memory_bench import MemoryBench, in_process

from crossdock.adapters.memory import ADAPTER
from crossdock.ports.manifest import AdapterManifest
from crossdock.testing.estate import Estate
from crossdock.testing.quality import Quality


class Faulty:
    dock_class: ClassVar[type]
    looks_up_only: ClassVar[bool] = False

    @pytest.fixture
    def manifest(self) -> AdapterManifest:
        reference = f"{self.dock_class.__module__}:{self.dock_class.__qualname__}"
        return msgspec.structs.replace(ADAPTER, dock=reference)

    @pytest.fixture
    async def bench(self) -> AsyncIterator[MemoryBench]:
        async with in_process("faulty", unique_reference=not self.looks_up_only) as bench:
            yield bench

    @pytest.fixture
    def settings(self, bench: MemoryBench) -> Mapping[str, Any]:
        return bench.settings

    @pytest.fixture
    def estate(self) -> Estate:
        return Estate(
            products_count=41,
            refusals={"CREDIT_HOLD": "credit-hold"},
            line_refusals={"OUT_OF_STOCK": "out-of-stock"},
        )

    @pytest.fixture
    def quality(self) -> Quality:
        return Quality()

    @pytest.fixture
    def unique_reference(self) -> bool:
        return not self.looks_up_only
