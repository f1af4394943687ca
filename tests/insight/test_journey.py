"""A journey tells what happened, in order, where, by whom, how long it took and what the time was spent on."""

from pathlib import Path

import pytest
from tests.hubs import a_hub, eventually

from crossdock.adapters.memory.simulator.faults import LoseAnswer, RefuseBeforeCommit
from crossdock.canonical.status import OrderStatus, derive
from crossdock.contracts.orders import ORDER_EVENTS
from crossdock.durable.codec import decode
from crossdock.durable.records import RunState
from crossdock.entrypoints.console.timeline import draw
from crossdock.insight.journey import Journey, read_journey
from crossdock.insight.ledger import counters_of
from crossdock.insight.wording import duration_in_words, headline
from crossdock.testing.builders import a_line, an_order

pytestmark = pytest.mark.anyio


async def test_a_journey_through_an_outage_shows_where_the_time_went(tmp_path: Path) -> None:
    async with a_hub(tmp_path) as (hub, _):
        await hub.lanes["erp"].pause(actor="ops", reason="stocktaking")
        await hub.capture.take(an_order("O-1"), correlation_id="basket-1")

        async def journey() -> Journey:
            told = await read_journey(hub.store, "O-1", hub.clock.now())
            assert told is not None
            return told

        async def held_back() -> Journey | None:
            told = await journey()
            return told if told.present and told.present.state is RunState.WAITING else None

        waiting = await eventually(held_back)
        assert waiting is not None
        assert waiting.present is not None
        assert "stocktaking" in waiting.present.words
        assert draw(waiting, waiting.moments[-1].at + 5_000_000).shares[-1].stretch == "wait"
        await hub.lanes["erp"].resume(actor="ops")

        async def decided() -> bool:
            return (await journey()).row.decided_at > 0

        await eventually(decided)
        told = await journey()
        assert told.present is None
        assert told.correlation_id == "basket-1"
        assert [moment.at for moment in told.moments] == sorted(moment.at for moment in told.moments)
        assert sum(moment.took_us for moment in told.moments) == told.moments[-1].at - told.moments[0].at
        drawing = draw(told, hub.clock.now())
        assert len(drawing.rows) == len(told.moments)
        assert drawing.goes_on is None
        assert sum(share.took_us for share in drawing.shares) == drawing.total_us


async def test_calls_that_failed_in_passing_are_told(tmp_path: Path) -> None:
    async with a_hub(tmp_path) as (hub, erp):
        erp.faults.add(RefuseBeforeCommit(on="/orders"), LoseAnswer(on="/orders"))
        await hub.capture.take(an_order("O-1"))

        async def told() -> Journey | None:
            found = await read_journey(hub.store, "O-1", hub.clock.now())
            return found if found and found.row.status is OrderStatus.ACCEPTED else None

        found = await eventually(told)
        assert found is not None
        (submitted,) = [moment for moment in found.moments if moment.attempts]
        assert submitted.attempts >= 2
        assert submitted.track == "erp"
        assert draw(found, hub.clock.now()).rows[found.moments.index(submitted)].ticks


async def test_board_journey_and_ledger_agree_on_orders_that_really_ran(tmp_path: Path) -> None:
    orders = [
        an_order("O-1", lines=3),
        an_order("O-2", customer="C-9001"),
        an_order("O-3", lines=[a_line("1"), a_line("2", product="P-000")]),
        an_order("O-4", lines=[a_line("1"), a_line("1")]),
        an_order("O-5", lines=[a_line("1", product="P-110", quantity="500")]),
        an_order("O-6", lines=[a_line("1", product="P-110", quantity="500")], accepts_partial=False),
        an_order("O-7", lines=[a_line("1", product="P-000")]),
    ]
    async with a_hub(tmp_path) as (hub, _):
        for order in orders:
            await hub.capture.take(order)

        async def settled() -> bool:
            counts = await hub.board.count_orders()
            return counts[OrderStatus.CAPTURED] == 0 and sum(counts.values()) == len(orders)

        await eventually(settled)
        rows = await hub.board.find_orders([order.order_id for order in orders])
        statuses = {order_id: row.status.value for order_id, row in rows.items()}
        assert statuses == {
            "O-1": "accepted",
            "O-2": "refused",
            "O-3": "partly_accepted",
            "O-4": "needs_attention",
            "O-5": "partly_accepted",
            "O-6": "refused",
            "O-7": "refused",
        }
        for order_id, row in rows.items():
            told = await read_journey(hub.store, order_id, hub.clock.now())
            assert told is not None
            assert told.row == row
            events = await hub.store.read_events(0, 100, f"order/{order_id}")
            counted = counters_of([decode(stored.data, ORDER_EVENTS[stored.type]) for stored in events])
            assert derive(counted, parked=bool(told.parked)) is row.status
            assert headline(row)


async def test_nobody_heard_of_it(tmp_path: Path) -> None:
    async with a_hub(tmp_path, works=False) as (hub, _):
        assert await read_journey(hub.store, "O-1", hub.clock.now()) is None


@pytest.mark.parametrize(
    ("microseconds", "words"),
    [
        (0, "0 ms"),
        (-5, "0 ms"),
        (999, "1 ms"),
        (340_000, "340 ms"),
        (999_499, "999 ms"),
        (999_600, "1 s"),
        (1_800_000, "1.8 s"),
        (59_940_000, "59.9 s"),
        (59_950_000, "1 min"),
        (250_000_000, "4 min 10 s"),
        (7_500_000_000, "2 h 5 min"),
        (273_600_000_000, "3 d 4 h"),
    ],
)
def test_durations_read_well(microseconds: int, words: str) -> None:
    assert duration_in_words(microseconds) == words
