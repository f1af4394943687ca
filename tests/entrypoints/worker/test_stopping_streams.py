"""A hub that reads from Salesforce's event stream stops within its time, the stream still open."""

import asyncio
import signal
from pathlib import Path

import httpx
import pytest
import yaml
from tests.adapters.salesforce.orgs import TOPIC, TestOrg
from tests.entrypoints.worker.several import crew
from tests.hubs import eventually

from crossdock.adapters.salesforce.local import LocalSalesforce
from crossdock.entrypoints.cli.exits import ExitCode

pytestmark = pytest.mark.anyio


async def test_a_signal_stops_it_in_good_order_although_the_event_stream_of_salesforce_is_open(
    tmp_path: Path,
) -> None:
    local = LocalSalesforce()
    settings = {**await local.start(), "flow": "jwt_bearer", "events": {"topics": [TOPIC], "gather_seconds": 0.05}}
    systems = {"erp": {"adapter": "memory"}, "shop": {"adapter": "salesforce", "settings": settings}}
    (tmp_path / "systems.yaml").write_text(yaml.safe_dump(systems))
    (tmp_path / "routes.yaml").write_text(yaml.safe_dump({"erp": "erp", "order_sources": ["shop"]}))
    org = TestOrg(local.simulator)
    try:
        with crew(tmp_path) as members:
            hub = await asyncio.to_thread(members.start, "up", "--port", "0")
            async with httpx.AsyncClient(base_url=hub.address, trust_env=False) as client:

                async def reads() -> bool:
                    org.order()
                    await asyncio.sleep(0.2)
                    return 'crossdock_intake_total{fate="taken"' in (await client.get("/metrics")).text

                await eventually(reads, within_seconds=60)
            hub.tell(signal.SIGTERM)
            await asyncio.to_thread(hub.read_until, "stopped")
            assert await asyncio.to_thread(hub.wait) == ExitCode.OK, "not by force"
    finally:
        await local.stop()
