"""Kill -9 between NATS and the store: every order once in, every event once out, each subject's in order."""

from pathlib import Path

import pytest
from tests.adapters.nats.bench import NatsBench
from tests.crash.brokered import Duty, kept_in_order, killed_everywhere

pytestmark = [pytest.mark.anyio, pytest.mark.nats, pytest.mark.crash, pytest.mark.timeout(240)]


@pytest.mark.parametrize("nats_running", ["system"], indirect=True)
async def test_no_order_and_no_event_is_lost_or_doubled_wherever_the_hub_is_killed(
    bench: NatsBench, tmp_path: Path
) -> None:
    settings = {name: value for name, value in bench.settings.items() if name != "password"}
    duty = Duty(
        store=f"sqlite:{tmp_path / 'hub.sqlite'}",
        adapter="nats",
        settings=settings,
        password=bench.settings["password"].reveal(),
    )
    reckoning = await killed_everywhere(duty, bench.offer)
    assert reckoning.submitted == reckoning.orders
    assert sorted(reckoning.captured) == sorted(f"order/{order_id}" for order_id in reckoning.orders)
    kept = await bench.kept_events()
    assert kept_in_order(kept) == reckoning.told
    assert len({one.id for one in kept}) == len(kept), "what came twice was suppressed by the server"
