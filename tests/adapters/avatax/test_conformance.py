"""The suite on the AvaTax dock and its simulator."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.adapters.avatax.bench import AvataxBench

from crossdock.adapters.avatax import ADAPTER
from crossdock.adapters.avatax.simulator import LocalAvatax
from crossdock.ports.manifest import AdapterManifest
from crossdock.testing import conformance


class OnAvatax:
    @pytest.fixture
    def manifest(self) -> AdapterManifest:
        return ADAPTER

    @pytest.fixture
    async def bench(self) -> AsyncIterator[AvataxBench]:
        local = LocalAvatax()
        yield AvataxBench(local, await local.start())
        await local.stop()

    @pytest.fixture
    def settings(self, bench: AvataxBench) -> Mapping[str, Any]:
        return bench.settings


class TestDock(OnAvatax, conformance.DockConformance):
    pass


class TestAddressValidator(OnAvatax, conformance.AddressValidatorConformance):
    pass
