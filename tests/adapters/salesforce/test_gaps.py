"""Whatever the event bus forgets or does not say: it is told as a gap, refilled by query, and counted."""

import asyncio
from contextlib import aclosing

import pytest
from tests.adapters.salesforce.orgs import (
    PATIENCE_SECONDS,
    TOPIC,
    TestOrg,
    arrivals_of,
    follow,
    gaps_of,
    having,
    ids_of,
    listen,
    refilled,
    running_org,
    seen_position,
    status,
)

from crossdock.adapters.salesforce.adapter import SalesforceDock
from crossdock.adapters.salesforce.position import TopicPosition, decode_position, encode_position
from crossdock.adapters.salesforce.simulator.faults import DeliveryExhausted, LateCommit, LoseEvents, Overflow
from crossdock.adapters.salesforce.simulator.faults import Gap as GapFault
from crossdock.kit.clock import MICROSECONDS, SystemClock
from crossdock.ports.order_source import Gap

pytestmark = pytest.mark.anyio

HOUR_US = 3_600 * MICROSECONDS


def now() -> int:
    return SystemClock().now()


@pytest.mark.parametrize("way", ["aged out", "reset"])
async def test_a_position_the_bus_has_forgotten_is_a_gap_and_nothing_is_lost(
    org: TestOrg, dock: SalesforceDock, way: str
) -> None:
    position = await seen_position(org, dock)
    at = decode_position(position)[TOPIC].at
    lost = org.orders(5)
    if way == "reset":
        org.simulator.reset_events()
    else:
        org.simulator.age_out_events()

    batches, _ = await follow(dock, position, *lost)

    (gap,) = gaps_of(batches)[:1]
    assert gap.since == at
    assert gap.since <= gap.until <= now() + 5 * MICROSECONDS
    assert "replayid" in gap.reason


async def test_a_corrupt_replay_id_is_tried_once_only(org: TestOrg, dock: SalesforceDock) -> None:
    corrupt = encode_position({TOPIC: TopicPosition(b"nonsense!", now() - HOUR_US)})
    lost = org.orders(3)

    batches, _ = await follow(dock, corrupt, *lost)

    assert len(gaps_of(batches)) == 1
    replay = decode_position(batches[-1].position)[TOPIC].replay_id
    assert replay != b"nonsense!"
    later = org.order()
    after, _ = await follow(dock, batches[-1].position, later)
    assert not any("replayid" in gap.reason for gap in gaps_of(after))


async def test_an_unreadable_position_makes_all_that_is_retained_a_gap(org: TestOrg, dock: SalesforceDock) -> None:
    lost = org.orders(3)

    batches, _ = await follow(dock, "not a position of ours", *lost)

    (gap,) = gaps_of(batches)[:1]
    assert gap.until - gap.since == pytest.approx(72 * HOUR_US, abs=10 * MICROSECONDS)


async def test_a_first_start_reads_what_the_bus_no_longer_has(org: TestOrg, dock: SalesforceDock) -> None:
    lost = org.orders(3)
    org.simulator.age_out_events()

    batches, _ = await follow(dock, "", *lost)

    (gap,) = gaps_of(batches)[:1]
    assert gap.until - gap.since == pytest.approx(72 * HOUR_US, abs=10 * MICROSECONDS)


async def test_a_hub_that_dies_before_it_hears_anything_knows_since_when_it_has_to_read(
    org: TestOrg, dock: SalesforceDock
) -> None:
    first = (await listen(dock, "", lambda _: True))[0]
    since = decode_position(first.position)[TOPIC].at
    lost = org.orders(3)
    org.simulator.age_out_events()

    batches, _ = await follow(dock, first.position, *lost)

    assert first.arrivals == ()
    assert gaps_of(batches)[0].since == since


async def test_a_topic_that_is_added_later_begins_like_a_first_start(org: TestOrg, dock: SalesforceDock) -> None:
    position = await seen_position(org, dock)
    heard = decode_position(position)[TOPIC]
    async with org.open_dock(events={"topics": [TOPIC, "/data/AccountChangeEvent"]}) as both:
        batches = await listen(both, position, lambda batches: bool(gaps_of(batches)))

    assert decode_position(batches[0].position)[TOPIC] == heard
    (gap,) = gaps_of(batches)
    assert gap.until - gap.since == pytest.approx(72 * HOUR_US, abs=10 * MICROSECONDS)


async def test_an_outage_longer_than_events_are_kept_is_a_gap_without_asking(
    org: TestOrg, dock: SalesforceDock
) -> None:
    position = decode_position(await seen_position(org, dock))[TOPIC]
    old = encode_position({TOPIC: TopicPosition(position.replay_id, now() - 73 * HOUR_US)})
    lost = org.orders(2)

    batches, _ = await follow(dock, old, *lost)

    assert "older than events are kept" in gaps_of(batches)[0].reason


async def test_nothing_falls_between_the_gap_and_the_new_subscription(org: TestOrg, dock: SalesforceDock) -> None:
    position = await seen_position(org, dock)
    org.simulator.age_out_events()
    entered: list[str] = org.orders(5)
    stop = asyncio.Event()

    async def trade() -> None:
        while not stop.is_set():
            entered.append(org.order())
            await asyncio.sleep(0.01)

    trading = asyncio.create_task(trade())
    await asyncio.sleep(0)
    known: set[str] = set()
    gaps: list[Gap] = []
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(dock.arrivals(position)) as stream:
        async for batch in stream:
            known |= set(ids_of([batch]))
            if batch.gap is not None:
                gaps.append(batch.gap)
                known |= set(await refilled(dock, batch.gap))
            if len(entered) >= 80:
                stop.set()
                await trading
            if stop.is_set() and known >= set(entered):
                break
    assert gaps


async def test_a_silent_subscription_is_closed_by_a_second_gap_when_it_speaks() -> None:
    async with running_org(keepalive_wait_seconds=2) as org, org.open_dock() as dock:
        position = await seen_position(org, dock)
        org.simulator.age_out_events()
        lost = org.order(announce=False)

        batches = await listen(dock, position, lambda batches: len(gaps_of(batches)) == 2)
        first, second = gaps_of(batches)

        assert second.since == first.until
        assert lost in await refilled(dock, first)


async def test_a_crash_after_the_gap_and_before_any_event_is_a_gap_again(
    org: TestOrg, dock: SalesforceDock
) -> None:
    position = await seen_position(org, dock)
    org.simulator.age_out_events()
    batches = await listen(dock, position, lambda batches: bool(gaps_of(batches)))
    assert decode_position(batches[-1].position)[TOPIC].replay_id == b""
    missed = org.order(announce=False)

    again, _ = await follow(dock, batches[-1].position, missed)

    assert gaps_of(again)[0].since == gaps_of(batches)[-1].until


async def test_a_gap_event_has_its_order_read_again(org: TestOrg, dock: SalesforceDock) -> None:
    position = await seen_position(org, dock)
    calls = org.calls("GET query")
    org.trouble(GapFault(sobject="Order", times=2))
    first, second = org.orders(2)

    batches = await listen(dock, position, having(first, second))

    assert gaps_of(batches) == []
    assert org.calls("GET query") == calls + 1


async def test_an_overflow_is_a_gap_over_the_transaction(org: TestOrg, dock: SalesforceDock) -> None:
    position = await seen_position(org, dock)
    org.trouble(Overflow(sobject="Order"))
    lost = org.order()
    after = org.order()

    batches, known = await follow(dock, position, lost, after)

    assert len(gaps_of(batches)) == 1
    assert "GAP_OVERFLOW" in gaps_of(batches)[0].reason
    assert known >= {lost, after}
    carried = decode_position(batches[-1].position)[TOPIC]
    assert ids_of(await listen(dock, encode_position({TOPIC: carried}), having(org.order())))


async def test_an_overflow_of_another_object_is_none_of_our_business(org: TestOrg, dock: SalesforceDock) -> None:
    position = await seen_position(org, dock)
    org.simulator.publish_overflow("Account")
    record = org.order()
    assert gaps_of(await listen(dock, position, having(record))) == []


async def test_with_the_event_allowance_used_up_orders_are_read_by_query(org: TestOrg) -> None:
    async with org.open_dock(events={"poll_seconds": 0.3}) as dock:
        position = await seen_position(org, dock)
        org.trouble(DeliveryExhausted())
        first = org.order()
        batches, known = await follow(dock, position, first)
        assert first in known
        assert "allowance" in gaps_of(batches)[0].reason

        second = org.order()
        batches, known = await follow(dock, batches[-1].position, second)
        assert second in known

        org.simulator.faults.clear(DeliveryExhausted)
        third = org.order()
        _, known = await follow(dock, batches[-1].position, third)
        assert third in known


async def test_a_transaction_that_commits_late_is_within_the_overlap(org: TestOrg, dock: SalesforceDock) -> None:
    position = await seen_position(org, dock)
    org.trouble(LateCommit(seconds=30, sobject="Order"))
    org.trouble(LoseEvents(sobject="Order"))
    late = org.order()
    org.simulator.age_out_events()

    _, known = await follow(dock, position, late)

    assert late in known


async def test_a_refill_reads_in_pages_and_counts_the_same() -> None:
    async with running_org(query_page_rows=200) as org, org.open_dock() as dock:
        since = now()
        records = org.orders(450, announce=False)
        org.orders(5, announce=False, submitted=False)
        gap = Gap(since=since, until=now(), reason="test")
        org.simulator.calls.reset()

        batches = [batch async for batch in dock.refill(gap)]

        assert [len(batch.arrivals) for batch in batches] == [200, 200, 50]
        assert sorted(ids_of(batches)) == sorted(records)
        assert all(arrival.order is not None for arrival in arrivals_of(batches))
        assert await dock.count_changed(gap) == 450
        assert org.simulator.calls.rest <= 7


async def test_an_order_touched_while_a_refill_runs_is_still_read(org: TestOrg, dock: SalesforceDock) -> None:
    since = now()
    records = org.orders(250, announce=False)
    gap = Gap(since=since, until=now(), reason="test")
    found: list[str] = []
    async for batch in dock.refill(gap):
        if not found:
            await asyncio.sleep(1.1)
            for record in records[200:]:
                org.simulator.seed.update("Order", record, {"Description": "touched"}, announce=False)
            await dock.report_statuses([status(record) for record in records[:100]])
        found += ids_of([batch])

    assert sorted(found) == sorted(records)
    assert await dock.count_changed(gap) == 250


async def test_a_quiet_time_refills_to_nothing(dock: SalesforceDock) -> None:
    gap = Gap(since=1_000_000_000 * MICROSECONDS, until=1_000_000_001 * MICROSECONDS, reason="test")
    assert await refilled(dock, gap) == []
    assert await dock.count_changed(gap) == 0
