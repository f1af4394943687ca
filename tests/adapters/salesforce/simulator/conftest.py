"""A running org for each test, and a client that has signed in."""

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.adapters.salesforce.simulator.clients import Bus, Rest

from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.settings import OrgSettings


@pytest.fixture
def simulator() -> Iterator[SalesforceSimulator]:
    settings = OrgSettings(query_page_rows=200, keepalive_wait_seconds=0.2, credit_wait_seconds=0.4)
    with SalesforceSimulator(settings) as simulator:
        yield simulator


@pytest.fixture
def rest(simulator: SalesforceSimulator) -> Iterator[Rest]:
    client = Rest(simulator)
    yield client
    client.http.close()


@pytest.fixture(scope="module")
async def lasting_loop(anyio_backend: str) -> None:
    """One event loop for a whole module: gRPC's asyncio side outlives none gracefully."""


@pytest.fixture
async def bus(simulator: SalesforceSimulator, lasting_loop: None) -> AsyncIterator[Bus]:
    async with Bus(simulator) as bus:
        yield bus
