"""The daily budget: never exceeded, and kept for the urgent when it will not last."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.durable.lanes.conftest import OpenLane
from tests.durable.lanes.stage import Stage, settle

from crossdock.durable.lanes import LaneClosed, MemoryLedger
from crossdock.durable.lanes.budget import DAY_US, Allotment, day_of, forecast, priority_ceiling
from crossdock.kit.clock import MICROSECONDS, ManualClock

pytestmark = pytest.mark.anyio
HOUR_SECONDS = 3600.0
MIDNIGHT = 20_454 * DAY_US


@pytest.fixture
def clock() -> ManualClock:
    """Ten seconds before midnight in UTC: the forecast has little left to foretell."""
    return ManualClock(MIDNIGHT - 10 * MICROSECONDS)


async def test_the_budget_of_a_day_is_never_exceeded_and_the_next_day_brings_another(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane(daily_budget=5)
    calls = [await stage.finish(lane) for _ in range(7)]
    assert [call.started_at is not None for call in calls] == [True] * 5 + [False] * 2
    closed = calls[-1].error
    assert isinstance(closed, LaneClosed)
    assert (closed.reason, closed.reopens_at) == ("budget", MIDNIGHT)
    assert lane.state().budget_left == 0
    assert lane.room() == 0
    await stage.pass_time(10)
    assert lane.room() > 0
    assert (await stage.finish(lane)).error is None
    assert lane.state().budget_left == 4


async def test_two_workers_share_the_budget_and_give_back_what_they_do_not_use(
    open_lane: OpenLane, stage: Stage
) -> None:
    first, second = [await open_lane(f"worker-{index}", daily_budget=400) for index in range(2)]
    for _ in range(50):
        await stage.finish(first)
        await stage.finish(second)
    assert first.state().budget_left >= 300 >= second.state().budget_left
    await stage.pass_time(4)
    ledger = first._ledger
    assert isinstance(ledger, MemoryLedger)
    assert ledger._budgets["erp", day_of(MIDNIGHT - 1)] == 100


async def test_a_restart_does_not_make_the_budget_anew(open_lane: OpenLane, stage: Stage) -> None:
    for life in range(4):
        await stage.begin_many(await open_lane(f"life-{life}", daily_budget=3), 2)
    assert len(stage.started) == 3


async def test_a_day_that_lasts_till_evening_sheds_nothing() -> None:
    noon = MIDNIGHT + 12 * 3600 * MICROSECONDS
    assert forecast(400, noon) == 800
    assert priority_ceiling(400, 1000, noon) == 9


async def test_when_the_budget_runs_short_the_least_urgent_are_shed_first_and_told_so(
    open_lane: OpenLane, stage: Stage, clock: ManualClock
) -> None:
    clock.advance(10 + 6 * HOUR_SECONDS)
    lane = await open_lane(daily_budget=100)
    reached: dict[int, int] = {}
    for _ in range(100):
        for priority in (9, 5, 0):
            call = await stage.begin(lane, priority=priority)
            if call.started_at is None:
                reached.setdefault(priority, lane.state().budget_left)
                assert isinstance(call.error, LaneClosed)
            await call.end()
    assert reached == {9: 43, 5: 21, 0: 0}
    assert lane.state().status == "open"


async def test_the_last_calls_of_a_day_are_kept_for_the_urgent_also_where_the_forecast_is_good(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane(daily_budget=100)
    for _ in range(95):
        await (await stage.begin(lane, priority=9)).end()
    state = lane.state()
    assert (state.budget_left, state.budget_forecast, state.priority_ceiling) == (5, 95, 2)
    for priority, reason in ((9, "shed"), (3, "shed"), (2, ""), (0, ""), (3, "shed"), (1, "")):
        call = await stage.begin(lane, priority=priority)
        assert (call.error.reason if isinstance(call.error, LaneClosed) else "") == reason
        await call.end()
    assert lane.state().budget_left == 2


async def test_the_last_calls_that_a_system_allows_are_kept_for_the_urgent(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane()
    for used, ceiling in ((94_999, 3), (95_000, 2), (99_000, 1)):
        lane.heed_quota(used, 100_000)
        assert lane.state().priority_ceiling == ceiling


async def test_shed_work_waits_by_the_clock_and_the_forecast_sets_it_free(
    open_lane: OpenLane, stage: Stage, clock: ManualClock
) -> None:
    clock.advance(10 + 6 * HOUR_SECONDS)
    lane = await open_lane(daily_budget=100)
    for _ in range(60):
        await (await stage.begin(lane, priority=0)).end()
    assert lane.state().budget_forecast == 240
    assert lane.state().priority_ceiling == 8
    shed = await stage.begin(lane, priority=9)
    assert isinstance(shed.error, LaneClosed)
    assert shed.error.reason == "shed"
    assert shed.error.detail == "the day's budget runs short: only priorities up to 8 pass"
    assert shed.error.reopens_at == clock.now() + 900 * MICROSECONDS
    assert lane.room() == 0  # what would be taken up now would be shed again
    await stage.pass_time(1)
    assert lane.room() > 0
    clock.advance(9 * HOUR_SECONDS)
    assert (await stage.begin(lane, priority=9)).runs


# ── the system's own quota ──────────────────────────────────────────────────────────────────────────


async def test_a_quota_that_others_use_up_sheds_the_least_urgent_first_and_says_so(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane(daily_budget=100_000)
    lane.heed_quota(79_000, 100_000)
    assert lane.state().priority_ceiling == 9

    reached: dict[int, int] = {}
    for used in range(80_000, 100_001, 500):
        lane.heed_quota(used, 100_000)
        for priority in (9, 5, 0):
            call = await stage.begin(lane, priority=priority)
            if call.started_at is None:
                reached.setdefault(priority, 100_000 - used)
            await call.end()
    assert reached == {9: 17_500, 5: 8_500}, "the most urgent never: the system itself decides the last"

    shed = (await stage.begin(lane, priority=9)).error
    assert isinstance(shed, LaneClosed)
    assert shed.reason == "shed"
    assert shed.detail == "the system's quota runs short (0 of 100000 calls left): only priorities up to 0 pass"
    assert lane.state().status == "open"
    assert lane.state().quota_left == 0


async def test_a_quota_counts_without_a_budget_of_our_own_and_until_nobody_has_confirmed_it_for_long(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane()
    lane.heed_quota(99_000, 100_000)
    assert isinstance((await stage.begin(lane, priority=9)).error, LaneClosed)
    await stage.pass_time(900)
    assert (await stage.begin(lane, priority=9)).runs
    assert lane.state().quota_left is None


async def test_the_tighter_of_budget_and_quota_counts(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(daily_budget=2)
    lane.heed_quota(0, 100_000)
    for _ in range(2):
        assert (await stage.finish(lane)).error is None
    closed = (await stage.begin(lane, priority=0)).error
    assert isinstance(closed, LaneClosed)
    assert closed.reason == "budget"


@given(
    used=st.integers(0, 2000),
    more=st.integers(0, 500),
    budget=st.integers(1, 1500),
    now=st.integers(0, 2 * DAY_US),
)
def test_the_more_is_used_the_fewer_may_pass_and_the_last_call_is_for_the_most_urgent(
    used: int, more: int, budget: int, now: int
) -> None:
    ceiling = priority_ceiling(used, budget, now)
    assert priority_ceiling(used + more, budget, now) <= ceiling
    assert (ceiling >= 0) == (used < budget)


async def test_what_was_left_of_yesterday_is_worth_nothing_today() -> None:
    allotment = Allotment(1000)
    allotment.granted(day_of(MIDNIGHT - 1), 5, 5)
    assert allotment.left(MIDNIGHT - 1) == 5
    assert allotment.left(MIDNIGHT) == 0
    allotment.refund(MIDNIGHT)
    allotment.granted(day_of(MIDNIGHT), 2, 2)
    assert allotment.left(MIDNIGHT) == 2
    assert allotment.give_back() == (day_of(MIDNIGHT), 2)


async def test_a_call_that_was_not_made_after_all_costs_nothing(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(daily_budget=3, in_flight_max=1)
    running, granted = await stage.begin_many(lane, 2)
    running.finish("done")
    await asyncio.sleep(0)
    granted.task.cancel()
    await settle()
    assert granted.started_at is None
    for _ in range(4):
        await stage.finish(lane)
    assert len(stage.started) == 3
