"""One hub at work per test module, with its application and a client."""

from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar
from tests.entrypoints.doors import client_of
from tests.hubs import a_hub

from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.bootstrap.hub import Hub
from crossdock.entrypoints.api.app import make_app


@pytest.fixture(scope="module")
async def hub_and_erp(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Hub, Surface]]:
    async with a_hub(tmp_path_factory.mktemp("hub")) as made:
        yield made


@pytest.fixture(scope="module")
def hub(hub_and_erp: tuple[Hub, Surface]) -> Hub:
    return hub_and_erp[0]


@pytest.fixture(scope="module")
def erp(hub_and_erp: tuple[Hub, Surface]) -> Surface:
    return hub_and_erp[1]


@pytest.fixture(scope="module")
def app(hub: Hub) -> Litestar:
    return make_app(hub)


@pytest.fixture(scope="module")
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as made:
        yield made
