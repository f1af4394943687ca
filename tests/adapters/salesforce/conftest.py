"""A fresh org for every test of the dock, and an open dock."""

from collections.abc import AsyncIterator

import pytest
from tests.adapters.salesforce.orgs import TestOrg, running_org

from crossdock.adapters.salesforce.adapter import SalesforceDock


@pytest.fixture
async def org() -> AsyncIterator[TestOrg]:
    async with running_org() as org:
        yield org


@pytest.fixture
async def dock(org: TestOrg) -> AsyncIterator[SalesforceDock]:
    async with org.open_dock() as dock:
        org.simulator.calls.reset()
        yield dock
