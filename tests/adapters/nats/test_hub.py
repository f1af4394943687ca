"""A whole hub whose events go to a real NATS: a broker that is away holds events, never orders."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.nats.bench import NatsBench
from tests.entrypoints.doors import client_of
from tests.hubs import eventually

from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import Deployment, HubSettings, Policies, Routes, SystemEntry, check_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.entrypoints.api.app import make_app
from crossdock.entrypoints.entrance.backlogs import read_backlogs
from crossdock.kit.errors import Misconfigured
from crossdock.policies.order_acceptance import AcceptanceRules
from crossdock.processes.order_capture import Captured
from crossdock.testing.builders import an_order

pytestmark = [pytest.mark.anyio, pytest.mark.nats, pytest.mark.timeout(90)]


def deployment(folder: Path, settings: dict[str, Any], *, sources: bool = False) -> Deployment:
    parts = {
        "hub": HubSettings(store="sqlite:hub.sqlite"),
        "systems": {
            "erp": SystemEntry(adapter="memory", settings={"ledger": uuid.uuid4().hex}),
            "broker": SystemEntry(adapter="nats", settings=settings),
        },
        "routes": Routes(erp="erp", event_sinks=("broker",), order_sources=("broker",) if sources else ()),
        "policies": Policies(acceptance=AcceptanceRules(check_prices=False)),
    }
    return check_deployment(parts, find_manifests(), folder)


async def behind(hub: Hub) -> int:
    """How many events the broker has not got."""
    backlogs = {backlog.consumer: backlog for backlog in await read_backlogs(hub.store, hub.clock.now())}
    return backlogs["events:broker"].behind if "events:broker" in backlogs else 0


async def test_a_broker_that_is_away_never_stops_orders_and_its_backlog_is_seen(
    bench: NatsBench, tmp_path: Path
) -> None:
    async with Hub(deployment(tmp_path, dict(bench.settings))) as hub:
        await hub.run()
        await hub.load_stock()
        await hub.capture.take(an_order("O-before"))

        async def out() -> bool:
            return set(await hub.store.count_runs()) == {"done"} and not await behind(hub)

        await eventually(out)
        published = await hub.store.last_sequence()
        await bench.go_down()
        for number in range(20):
            assert await hub.capture.take(an_order(f"O-{number}")) is Captured.TAKEN

        async def done() -> bool:
            return (await hub.store.count_runs()) == {"done": 21}

        await eventually(done)
        held = await hub.store.last_sequence() - published
        assert held > 40
        assert await behind(hub) == held
        async with client_of(make_app(hub)) as client:
            page = (await client.get("/metrics")).text
        assert f'crossdock_outbox_lag{{consumer="events:broker"}} {held:.1f}' in page
        assert 'crossdock_outbox_oldest_seconds{consumer="events:broker"}' in page
        await bench.come_back()
        await hub.lanes["broker"].resume(actor="ann", reason="the broker is back")
        await eventually(out, within_seconds=60)
        kept = [one.id for one in await bench.kept_events()]
        assert kept == list(dict.fromkeys(kept))
        assert set(kept) == {event.event_id for event in await hub.store.read_events(0, 1_000)}


def test_a_source_of_orders_without_a_stream_is_a_fault_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        deployment(tmp_path, {"servers": ["nats://127.0.0.1:4222"]}, sources=True)
    assert [(finding.code, finding.path) for finding in caught.value.findings] == [
        ("setting-missing", "systems.yaml $.broker.settings.orders")
    ]
    with pytest.raises(Misconfigured) as caught:
        deployment(tmp_path, {"servers": ["127.0.0.1"], "events": {"replicas": 9}})
    assert {finding.path for finding in caught.value.findings} == {
        "systems.yaml $.broker.settings.servers[0]",
        "systems.yaml $.broker.settings.events.replicas",
    }
