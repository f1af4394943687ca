"""What one call sees: it goes at once, waits in order, or is turned away."""

import gc
import weakref

import pytest
from tests.durable.lanes.conftest import OpenLane
from tests.durable.lanes.stage import Stage, settle, turn_until

from crossdock.durable.lanes import CURRENT_PRIORITY, CURRENT_SINCE, LaneClosed, LaneLimits, MemoryLedger
from crossdock.kit.clock import ManualClock
from crossdock.kit.errors import Rejected, Unavailable

pytestmark = pytest.mark.anyio


async def test_a_call_returns_what_the_function_returned(open_lane: OpenLane) -> None:
    lane = await open_lane()

    async def answer() -> int:
        return 42

    assert await lane.call(answer) == 42


async def test_a_call_raises_what_the_function_raised_and_frees_its_slot(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane(in_flight_max=1)
    refused = await stage.finish(lane, Rejected("no credit"))
    assert isinstance(refused.error, Rejected)
    assert (await stage.begin(lane)).runs


async def test_never_more_calls_in_flight_than_the_system_bears(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(in_flight_max=3)
    calls = await stage.begin_many(lane, 10)
    while any(not call.task.done() for call in calls):
        running = [call for call in calls if call.runs]
        assert len(running) == min(3, sum(not call.task.done() for call in calls))
        await running[0].end()
    assert all(call.task.result() == "done" for call in calls)


async def test_an_unlimited_lane_asks_the_ledger_for_nothing(clock: ManualClock, open_lane: OpenLane) -> None:
    lane = await open_lane()

    async def nothing() -> None: ...

    class Silent(MemoryLedger):
        def __getattribute__(self, name: str) -> object:
            if name.startswith("lane_"):
                raise AssertionError(name)
            return super().__getattribute__(name)

    lane._ledger = Silent()
    for _ in range(100):
        await lane.call(nothing)


async def test_waiting_calls_start_in_order_of_priority(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(in_flight_max=1)
    first = await stage.begin(lane)
    waiting = [await stage.begin(lane, priority=priority) for priority in (9, 5, 0, 5)]
    await first.end()
    for call in (waiting[2], waiting[1], waiting[3], waiting[0]):
        assert call.runs
        await call.end()


async def test_a_call_takes_the_priority_of_its_run(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(in_flight_max=1)
    first = await stage.begin(lane)
    late = await stage.begin(lane)
    token = CURRENT_PRIORITY.set(1)
    urgent = await stage.begin(lane)
    CURRENT_PRIORITY.reset(token)
    await first.end()
    assert urgent.runs
    assert late.waits


async def test_a_call_goes_where_its_work_stands_and_not_behind_the_first_calls_of_later_work(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane(in_flight_max=1)
    first = await stage.begin(lane)
    begun_at = stage.clock.now()
    await stage.pass_time(5)
    later = await stage.begin(lane)
    more_urgent = await stage.begin(lane, priority=0)
    token = CURRENT_SINCE.set(begun_at)
    last_call_of_earlier_work = await stage.begin(lane)
    CURRENT_SINCE.reset(token)

    for call in (first, more_urgent, last_call_of_earlier_work, later):
        assert call.runs
        await call.end()


async def test_what_the_lane_turned_away_is_taken_up_before_what_came_since(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane(in_flight_max=2, failures_max=1, cool_down_seconds=5)
    await stage.finish(lane, Unavailable("down"))
    assert lane.room() == 0
    before = stage.clock.now()
    await stage.pass_time(6)
    probe = await stage.begin(lane)
    await probe.end()
    await stage.begin_many(lane, 20)
    assert lane.room() > 0  # of the twenty, all came after the rows that wait in the store

    token = CURRENT_SINCE.set(before)
    await stage.begin_many(lane, 4)
    CURRENT_SINCE.reset(token)
    assert lane.room() == 0  # what was taken up has to go first


async def test_a_less_urgent_call_is_late_but_never_starved(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(in_flight_max=1, ageing_step_seconds=10.0)
    running = await stage.begin(lane)
    patient = await stage.begin(lane, priority=9)
    overtaken = 0
    while patient.waits:
        await stage.begin(lane, priority=0)
        await stage.pass_time(10)
        await running.end()
        running = stage.started[-1]
        overtaken += 1
    assert overtaken == 10  # by those who came within its nine steps, and the one it came with


async def test_when_too_many_wait_the_least_urgent_goes_back_to_being_a_row(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane(in_flight_max=1, waiting_max=2)
    await stage.begin(lane)
    kept = await stage.begin(lane, priority=5)
    dropped = await stage.begin(lane, priority=7)
    urgent = await stage.begin(lane, priority=1)
    late = await stage.begin(lane, priority=6)
    for call in (dropped, late):
        assert isinstance(call.error, LaneClosed)
        assert call.error.reason == "full"
    assert kept.waits
    assert urgent.waits
    assert lane.state().waiting == 2


async def test_a_lane_closed_is_not_swallowed_by_a_process_that_catches_exceptions() -> None:
    assert not issubclass(LaneClosed, Exception)


async def test_calls_of_one_parent_never_overlap_and_hold_nobody_else_back(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane(in_flight_max=5)
    brothers = await stage.begin_many(lane, 3, parent="account-1")
    other = await stage.begin(lane, parent="account-2")
    orphan = await stage.begin(lane)
    assert [call.runs for call in brothers] == [True, False, False]
    assert other.runs
    assert orphan.runs
    await brothers[0].end()
    assert [call.runs for call in brothers] == [False, True, False]
    await brothers[1].end()
    assert brothers[2].runs


async def test_a_cancelled_waiter_frees_its_place_and_its_brothers(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(in_flight_max=2)
    first = await stage.begin(lane, parent="account-1")
    busy = await stage.begin(lane)
    second, third = await stage.begin_many(lane, 2, parent="account-1")
    await first.end()
    await stage.begin(lane)
    assert second.runs
    fourth = await stage.begin(lane, parent="account-1")
    third.task.cancel()
    await settle()
    await second.end()
    await busy.end()
    assert fourth.runs
    assert lane.state().waiting == 0


async def test_a_cancelled_call_frees_its_slot(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(in_flight_max=1)
    running, waiting = await stage.begin_many(lane, 2)
    running.task.cancel()
    await settle()
    assert waiting.runs


async def test_a_waiter_cancelled_in_the_moment_it_may_go_passes_its_slot_on(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane(in_flight_max=1, daily_budget=1000)
    running, granted, next_one = await stage.begin_many(lane, 3)
    running.finish("done")
    await turn_until(lambda: running.ended)
    assert granted.waits  # its way is free, but it has not taken the first step
    granted.task.cancel()
    await settle()
    assert granted.task.cancelled()
    assert next_one.runs
    assert lane.state().in_flight == 1
    assert lane.state().budget_left == 998  # the call that was not made costs nothing


async def test_closing_turns_away_whoever_waits_and_lets_running_calls_end(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane(in_flight_max=1)
    running, waiting = await stage.begin_many(lane, 2)
    await lane.close()
    await settle()
    assert isinstance(waiting.error, LaneClosed)
    assert waiting.error.reason == "stopping"
    late = await stage.begin(lane)
    assert isinstance(late.error, LaneClosed)
    await running.end()
    assert running.task.result() == "done"


@pytest.mark.parametrize(
    "limits", [{"rate_per_second": float("nan")}, {"in_flight_max": -1}, {"cool_down_seconds": float("inf")}]
)
async def test_limits_that_make_no_sense_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(limits))):
        LaneLimits(**limits)  # type: ignore[arg-type]


@pytest.mark.parametrize("closed", [True, False], ids=["paused", "full"])
async def test_whoever_was_sent_back_leaves_nothing_in_memory(
    open_lane: OpenLane, stage: Stage, *, closed: bool
) -> None:
    lane = await open_lane(in_flight_max=1, waiting_max=1)
    await stage.begin(lane)
    assert (await stage.begin(lane)).waits
    if closed:
        await lane.pause(actor="test", reason="closed")
    seen: list[weakref.ref[LaneClosed]] = []

    async def nothing() -> None: ...

    async def try_it() -> None:
        try:
            await lane.call(nothing, priority=9)
        except LaneClosed as sent_back:
            seen.append(weakref.ref(sent_back))

    gc.disable()
    try:
        await try_it()
        assert [sent_back() for sent_back in seen] == [None]
    finally:
        gc.enable()
