"""Orders from a real JetStream: acknowledged after the hub's commit, never before, and nothing else with them."""

import asyncio
from contextlib import aclosing
from typing import Any

import msgspec
import pytest
from tests.adapters.nats.bench import CONSUMER, ORDERS, SUBJECT, NatsBench

from crossdock.adapters.nats import ADAPTER
from crossdock.adapters.nats.adapter import NatsDock
from crossdock.kit.clock import SystemClock
from crossdock.kit.errors import Misconfigured
from crossdock.ports.order_source import ArrivalBatch, Gap
from crossdock.testing.builders import an_order
from crossdock.testing.conformance.suite import raised

pytestmark = [pytest.mark.anyio, pytest.mark.nats, pytest.mark.timeout(60)]


async def acknowledged(bench: NatsBench) -> int:
    floor = (await bench.stream.consumer_info(ORDERS, CONSUMER)).ack_floor
    return floor.stream_seq if floor else 0


async def first_batch(dock: NatsDock, position: str = "") -> ArrivalBatch:
    async with aclosing(dock.arrivals(position)) as batches:
        return await anext(batches)


async def test_an_order_is_acknowledged_only_once_the_hub_asks_beyond_it(dock: NatsDock, bench: NatsBench) -> None:
    await bench.offer([an_order("O-1"), an_order("O-2")])
    async with aclosing(dock.arrivals("")) as batches:
        first = await anext(batches)
        assert [arrival.external_id for arrival in first.arrivals] == ["O-1", "O-2"]
        assert await acknowledged(bench) == 0
        await bench.offer([an_order("O-3")])
        second = await anext(batches)
        assert [arrival.external_id for arrival in second.arrivals] == ["O-3"]
        assert await acknowledged(bench) == 2


async def test_what_was_not_committed_comes_again_at_once_and_before_anything_newer(
    dock: NatsDock, bench: NatsBench
) -> None:
    await bench.offer([an_order("O-1")])
    committed = (await first_batch(dock)).position
    await bench.offer([an_order("O-2")])
    await first_batch(dock, committed)
    await bench.offer([an_order("O-3")])
    again = await first_batch(dock, committed)
    assert [arrival.external_id for arrival in again.arrivals] == ["O-2", "O-3"]


async def test_other_messages_of_the_stream_are_left_alone(bench: NatsBench) -> None:
    await bench.stream.update_stream(name=ORDERS, subjects=["shop.>"])
    for number in range(3):
        await bench.stream.publish("shop.returns.web", b"not an order")
        await bench.offer([an_order(f"O-{number}")])
    dock = ADAPTER.make_dock(ADAPTER.load_settings(bench.settings), SystemClock())
    batch = await first_batch(dock)
    assert [arrival.external_id for arrival in batch.arrivals] == ["O-0", "O-1", "O-2"]


async def test_several_subjects_need_a_server_that_heeds_them(bench: NatsBench) -> None:
    """Servers before 2.10 drop `filter_subjects` without a word and would deliver everything."""
    await bench.stream.update_stream(name=ORDERS, subjects=["shop.>"])
    orders = {**bench.settings["orders"], "subjects": [f"{SUBJECT}.web", f"{SUBJECT}.app"]}
    dock = ADAPTER.make_dock(ADAPTER.load_settings({**bench.settings, "orders": orders}), SystemClock())
    await bench.stream.publish("shop.returns.web", b"not an order")
    await bench.offer([an_order("O-1"), an_order("O-2", channel="app"), an_order("O-3", channel="store")])
    product = (await ADAPTER.make_dock(ADAPTER.load_settings(bench.settings), SystemClock()).check()).product
    if " 2.9." in product:
        error = await raised(Misconfigured, first_batch(dock))
        assert error.code == "nats-too-old"
        assert not (await dock.check()).ok
    else:
        batch = await first_batch(dock)
        assert [arrival.external_id for arrival in batch.arrivals] == ["O-1", "O-2"]
        assert (await dock.check()).ok
    await dock.close()


async def test_what_retention_dropped_unread_is_told_as_a_gap_that_stays_open(
    dock: NatsDock, bench: NatsBench
) -> None:
    await bench.offer([an_order("O-1")])
    position = (await first_batch(dock)).position
    await bench.offer([an_order(f"O-{number}") for number in range(2, 7)])
    await bench.stream.purge_stream(ORDERS, keep=2)
    batch = await first_batch(dock, position)
    assert [arrival.external_id for arrival in batch.arrivals] == ["O-5", "O-6"]
    assert batch.gap is not None
    assert batch.gap.dropped == 3
    refilled = [arrival async for again in dock.refill(batch.gap) for arrival in again.arrivals]
    assert await dock.count_changed(batch.gap) == len(refilled) + 3


async def test_a_refill_reads_what_is_retained_of_that_time(dock: NatsDock, bench: NatsBench) -> None:
    await bench.offer([an_order(f"O-{number}") for number in range(250)])
    await asyncio.sleep(1.2)  # further away than the time by which a gap is widened
    await bench.offer([an_order("O-later")])
    moments = [arrival.received_at for arrival in (await first_batch(dock)).arrivals]
    gap = Gap(since=moments[0], until=moments[0], reason="test")
    refilled = [arrival.external_id async for again in dock.refill(gap) for arrival in again.arrivals]
    assert refilled == [f"O-{number}" for number in range(250)]
    assert await dock.count_changed(gap) == 250


async def test_a_position_beyond_the_streams_end_is_refused(dock: NatsDock, bench: NatsBench) -> None:
    await bench.offer([an_order("O-1")])
    for position in ("7@1", "erp-cursor"):
        error = await raised(Misconfigured, first_batch(dock, position))
        assert error.code == "position-unknown"


async def test_what_nobody_can_read_is_known_by_its_id_or_its_content(dock: NatsDock, bench: NatsBench) -> None:
    for _ in range(2):
        await bench.publish_raw(b"\xff\x00")
    await bench.publish_raw(b"[]", "M-9")
    arrivals = list((await first_batch(dock)).arrivals)
    assert [arrival.order for arrival in arrivals] == [None] * 3
    assert arrivals[0].external_id == arrivals[1].external_id != ""
    assert (arrivals[2].external_id, arrivals[2].raw) == ("M-9", b"[]")


@pytest.mark.parametrize("retention", ["workqueue"])
async def test_a_work_queue_is_refused_for_it_cannot_be_read_again(
    dock: NatsDock, bench: NatsBench, retention: str
) -> None:
    await bench.stream.delete_stream(ORDERS)
    wanted: dict[str, Any] = {"name": ORDERS, "subjects": [f"{SUBJECT}.>"], "retention": retention}
    await bench.stream.add_stream(**wanted)
    error = await raised(Misconfigured, first_batch(dock))
    assert error.code == "stream-wrong"


async def test_orders_published_while_nobody_reads_wait(dock: NatsDock, bench: NatsBench) -> None:
    waiting = asyncio.ensure_future(first_batch(dock))
    await asyncio.sleep(0.5)
    await bench.stream.publish(f"{SUBJECT}.web", msgspec.json.encode(an_order("O-late")))
    assert [arrival.external_id for arrival in (await waiting).arrivals] == ["O-late"]
