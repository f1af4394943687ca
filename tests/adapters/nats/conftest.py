"""One real NATS for all tests of a session, on Debian's server and on a newer one; each test finds it empty."""

import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.nats.bench import PAYLOAD_BYTES_MAX as PAYLOAD
from tests.adapters.nats.bench import NatsBench, Running, on_the_bench

from crossdock.adapters.nats import ADAPTER
from crossdock.adapters.nats.adapter import NatsDock
from crossdock.adapters.nats.local import LocalNats
from crossdock.kit.clock import SystemClock

NEWER = Path(sys.executable).parent
SYSTEM = "/usr/sbin:/usr/bin:/usr/local/bin"


@pytest.fixture(scope="session", params=["system", "newer"])
async def nats_running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    """The system's own server, which may be older than what its clients know, and the one among our tools."""
    program = shutil.which("nats-server", path=str(NEWER) if request.param == "newer" else SYSTEM)
    if program is None and os.environ.get("CROSSDOCK_REQUIRE_SERVICES") == "1":
        pytest.fail(f"CROSSDOCK_REQUIRE_SERVICES=1, but no {request.param} nats-server is installed here")
    if program is None:
        pytest.skip(f"no {request.param} nats-server is installed here")
    local = LocalNats(tmp_path_factory.mktemp("nats"), program=program, payload_bytes_max=PAYLOAD)
    settings = await local.start()
    yield local, settings
    await local.stop()


@pytest.fixture
async def bench(nats_running: Running) -> AsyncIterator[NatsBench]:
    async with on_the_bench(*nats_running) as bench:
        yield bench


@pytest.fixture
async def dock(bench: NatsBench) -> AsyncIterator[NatsDock]:
    dock: NatsDock = ADAPTER.make_dock(ADAPTER.load_settings(bench.settings), SystemClock())
    await dock.open()
    yield dock
    await dock.close()
