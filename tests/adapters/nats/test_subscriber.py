"""The subscriber of the example reads what the hub really publishes."""

import asyncio
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from tests.adapters.nats.bench import NatsBench
from tests.hubs import eventually

from crossdock.adapters.nats.adapter import NatsDock
from crossdock.contracts.orders import OrderAccepted
from crossdock.durable.codec import encode
from crossdock.testing.builders import NOON_INSTANT, a_cloud_event

pytestmark = [pytest.mark.anyio, pytest.mark.nats]

EXAMPLE = Path(__file__).parents[3] / "docs" / "operations" / "subscriber.py"


@pytest.fixture
def subscriber(bench: NatsBench, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    password = bench.settings["password"].reveal()
    monkeypatch.setenv("NATS_URL", f"nats://hub:{password}@127.0.0.1:{bench.local.port}")
    spec = importlib.util.spec_from_file_location("subscriber", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "subscriber", module)
    spec.loader.exec_module(module)
    return module


async def test_the_example_mails_each_accepted_order_once(dock: NatsDock, subscriber: ModuleType) -> None:
    def accepted(number: int) -> bytes:
        order_id, erp_number = f"O-{number}", f"SO-{number}"
        told = OrderAccepted(order_id=order_id, at=NOON_INSTANT, source="erp", erp="ERP", erp_number=erp_number)
        return encode(told)

    events = [
        msgspec.structs.replace(
            a_cloud_event(f"{number}", subject=f"order/O-{number}"),
            type=OrderAccepted.type,
            data=msgspec.Raw(accepted(number)),
        )
        for number in range(5)
    ]
    await dock.publish_events([*events, a_cloud_event("another")])
    running = asyncio.ensure_future(subscriber.app.run(run_extra_options={}))

    async def all_mailed() -> bool:
        return len(subscriber.mails) >= 5

    try:
        await eventually(all_mailed)
    finally:
        subscriber.app.exit()
        await running
    assert subscriber.mails == [f"O-{number} is on its way as SO-{number}" for number in range(5)]
