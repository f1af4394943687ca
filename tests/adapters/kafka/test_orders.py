"""Orders from Kafka: offsets committed after the hub's commit, a position per partition, no rebalance."""

import asyncio
import threading
from contextlib import aclosing

import pytest
from confluent_kafka import Consumer, TopicPartition
from tests.adapters.kafka.bench import KafkaBench

from crossdock.adapters.kafka import ADAPTER
from crossdock.adapters.kafka.adapter import KafkaDock
from crossdock.adapters.kafka.mapping import Place, place_from_text, place_to_text
from crossdock.kit.clock import SystemClock
from crossdock.kit.errors import Misconfigured
from crossdock.ports.order_source import ArrivalBatch
from crossdock.testing.builders import an_order
from crossdock.testing.conformance.suite import raised

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

GROUP = "crossdock"


def _committed(bench: KafkaBench) -> int:
    consumer = Consumer({"bootstrap.servers": bench.settings["servers"][0], "group.id": GROUP})
    places = [TopicPartition(bench.orders, partition) for partition in range(4)]
    found = consumer.committed(places, timeout=10)
    consumer.close()
    return sum(max(place.offset, 0) for place in found)


async def committed(bench: KafkaBench) -> int:
    """How many messages of the topic the group has behind it."""
    return await asyncio.to_thread(_committed, bench)


async def read(dock: KafkaDock, position: str, count: int) -> list[ArrivalBatch]:
    """Batches until so many orders have come."""
    found: list[ArrivalBatch] = []
    async with aclosing(dock.arrivals(position)) as batches:
        async for batch in batches:
            found.append(batch)
            if sum(len(each.arrivals) for each in found) >= count:
                break
    return found


async def test_offsets_are_committed_only_once_the_hub_asks_beyond_them(
    dock: KafkaDock, bench: KafkaBench
) -> None:
    await bench.offer([an_order("O-1")])
    async with aclosing(dock.arrivals("")) as batches:
        assert [arrival.external_id for arrival in (await anext(batches)).arrivals] == ["O-1"]
        assert await committed(bench) == 0
        await bench.offer([an_order("O-2")])
        await anext(batches)
        assert await committed(bench) == 1


async def test_the_hubs_position_counts_and_not_the_groups(dock: KafkaDock, bench: KafkaBench) -> None:
    await bench.offer([an_order(f"O-{number}") for number in range(8)])
    stored = (await read(dock, "", 8))[-1].position
    await bench.offer([an_order("O-new")])
    assert {arrival.external_id for batch in await read(dock, "", 9) for arrival in batch.arrivals} == {
        "O-new",
        *(f"O-{number}" for number in range(8)),
    }
    (again,) = await read(dock, stored, 1)
    assert [arrival.external_id for arrival in again.arrivals] == ["O-new"]


async def test_orders_of_one_key_come_in_their_order(dock: KafkaDock, bench: KafkaBench) -> None:
    for version in range(20):
        await bench.offer([an_order(f"O-{number}", priority=version % 10) for number in range(3)])
    seen: dict[str, list[int]] = {}
    for batch in await read(dock, "", 60):
        for arrival in batch.arrivals:
            assert arrival.order is not None
            seen.setdefault(arrival.external_id, []).append(arrival.order.priority)
    assert seen == {f"O-{number}": [version % 10 for version in range(20)] for number in range(3)}


async def test_another_member_of_the_group_takes_no_partition_away(dock: KafkaDock, bench: KafkaBench) -> None:
    """A rebalance is a matter of members that subscribe; the hub assigns all partitions to its one reader."""
    await bench.offer([an_order(f"O-{number}") for number in range(8)])
    ended, joined = threading.Event(), threading.Event()

    def intrude() -> None:
        other = Consumer(
            {"bootstrap.servers": bench.settings["servers"][0], "group.id": GROUP, "session.timeout.ms": 6000}
        )
        other.subscribe([bench.orders], on_assign=lambda *_facts: joined.set())
        while not ended.is_set():
            other.poll(0.1)
        other.close()

    intruder = threading.Thread(target=intrude)
    async with aclosing(dock.arrivals("")) as batches:
        await anext(batches)
        intruder.start()
        assert await asyncio.to_thread(joined.wait, 20)
        late = [an_order(f"O-late-{number}") for number in range(12)]
        await bench.offer(late)
        missing = {order.order_id for order in late}
        while missing:
            missing -= {arrival.external_id for arrival in (await anext(batches)).arrivals}
    ended.set()
    await asyncio.to_thread(intruder.join)


async def test_a_position_beyond_the_topics_end_is_refused(dock: KafkaDock, bench: KafkaBench) -> None:
    await bench.offer([an_order("O-1")])
    for position in (place_to_text(Place(offsets={0: 99})), "7@1"):
        error = await raised(Misconfigured, read(dock, position, 1))
        assert error.code == "position-unknown"


def test_a_position_is_read_as_it_was_written() -> None:
    place = Place(offsets={0: 3, 11: 0}, seen=17)
    assert place_from_text(place_to_text(place)) == place
    assert place_from_text("") == Place()


async def test_a_topic_that_is_not_there_is_said_so(bench: KafkaBench) -> None:
    orders = {"topic": "nowhere", "group": "x"}
    dock = ADAPTER.make_dock(ADAPTER.load_settings({**bench.settings, "orders": orders}), SystemClock())
    error = await raised(Misconfigured, read(dock, "", 1))
    assert error.code == "topic-missing"
    assert not (await dock.check()).ok
    await dock.close()


async def test_what_nobody_can_read_is_known_by_its_id_or_its_content(dock: KafkaDock, bench: KafkaBench) -> None:
    for _ in range(2):
        await bench.publish_raw(b"\xff\x00")
    await bench.publish_raw(b"[]", "M-9")
    arrivals = [arrival for batch in await read(dock, "", 3) for arrival in batch.arrivals]
    assert [arrival.order for arrival in arrivals] == [None] * 3
    ids = [arrival.external_id for arrival in arrivals]
    assert ids.count("M-9") == 1
    assert len(set(ids)) == 2
