"""Setting the stage: fresh databases, a hub with the memory ERP, and the figures side by side."""

import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg

from bench.erp import SECRET
from bench.full import estate
from bench.workload import CALLS_AT_ONCE, LEDGER, deployment
from crossdock.adapters.memory.simulator.server import share_surface
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.bootstrap.hub import Hub
from crossdock.kit.ids import new_id

POSTGRES = os.environ.get("CROSSDOCK_TEST_POSTGRES", "postgresql://127.0.0.1:5432/postgres")


@contextlib.contextmanager
def fresh_postgres() -> Iterator[str | None]:
    """The address of an empty database that goes away again; None where no server answers."""
    name = f"crossdock_bench_{new_id().replace('-', '')}"
    try:
        admin = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        yield None
        return
    with admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield POSTGRES.rpartition("/")[0] + "/" + name
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextlib.asynccontextmanager
async def hub_at_work(folder: Path, store: str, url: str = "") -> AsyncIterator[Hub]:
    """A running hub with the workload's stock, over a fresh memory ERP in this process or the one at `url`."""
    share_surface(LEDGER, Surface(estate=estate()))
    settings: dict[str, object] = {"ledger": LEDGER}
    if url:
        settings = {"url": url, "secret": SECRET, "in_flight_max": CALLS_AT_ONCE}
    async with Hub(deployment(folder, store, settings)) as hub:
        await hub.run()
        await hub.load_stock()
        yield hub
    share_surface(LEDGER, None)
