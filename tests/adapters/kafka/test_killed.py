"""Kill -9 between Kafka and the store: every order once in, every event out and known by its id, in order."""

from pathlib import Path

import pytest
from tests.adapters.kafka.bench import KafkaBench
from tests.crash.brokered import Duty, kept_in_order, killed_everywhere

pytestmark = [pytest.mark.anyio, pytest.mark.crash, pytest.mark.timeout(240)]


async def test_no_order_is_lost_or_doubled_and_every_event_is_known_by_its_id_wherever_the_hub_is_killed(
    bench: KafkaBench, tmp_path: Path
) -> None:
    duty = Duty(store=f"sqlite:{tmp_path / 'hub.sqlite'}", adapter="kafka", settings=dict(bench.settings))
    reckoning = await killed_everywhere(duty, bench.offer)
    assert reckoning.submitted == reckoning.orders
    assert sorted(reckoning.captured) == sorted(f"order/{order_id}" for order_id in reckoning.orders)
    kept = await bench.kept_events()
    assert kept_in_order(kept) == reckoning.told
    assert len(kept) > len({one.id for one in kept}), "a hub died between acknowledgement and mark"
