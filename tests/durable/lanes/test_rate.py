"""The rate: how many calls start within any window, over all workers, restarts and wrong clocks."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.durable.lanes.conftest import OpenLane
from tests.durable.lanes.stage import Call, RestlessClock, Stage, pass_time, settle

from crossdock.durable.lanes import Lane, LaneLimits, MemoryLedger
from crossdock.durable.lanes.rate import AHEAD_US, Meter, Pace, lead_max_us, reserve
from crossdock.kit.clock import MICROSECONDS, ManualClock

pytestmark = pytest.mark.anyio


def most_within(starts: list[int], window_us: int) -> int:
    return max((sum(start <= other < start + window_us for other in starts) for start in starts), default=0)


async def test_calls_start_no_faster_than_the_rate(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(rate_per_second=10, rate_burst=5)
    calls = await stage.begin_many(lane, 40)
    await stage.pass_time(10)
    starts = [call.started_at or 0 for call in calls]
    assert most_within(starts, 1) == 2  # late ones must fit into the promise, too
    assert most_within(starts, MICROSECONDS) <= 15
    assert max(starts) - min(starts) == 3.75 * MICROSECONDS  # and no slower


async def test_a_slow_rate_spaces_calls_evenly(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(rate_per_second=0.5)
    calls = await stage.begin_many(lane, 4)
    await stage.pass_time(10)
    starts = [call.started_at or 0 for call in calls]
    assert [after - before for before, after in itertools.pairwise(starts)] == [2 * MICROSECONDS] * 3


async def test_the_most_urgent_call_gets_the_next_permit(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(rate_per_second=1)
    await stage.begin(lane)
    late = await stage.begin(lane, priority=9)
    urgent = await stage.begin(lane, priority=0)
    await stage.pass_time(1)
    assert urgent.runs
    assert late.waits


async def test_two_workers_share_the_rate(open_lane: OpenLane, stage: Stage) -> None:
    lanes = [await open_lane(f"worker-{index}", rate_per_second=20, rate_burst=6) for index in range(2)]
    for _ in range(30):
        for lane in lanes:
            await stage.begin(lane)
    await stage.pass_time(2.9)
    starts = [call.started_at for call in stage.started if call.started_at]
    assert most_within(starts, MICROSECONDS) <= 26
    assert len(stage.started) >= 57  # and nothing of it is wasted
    assert {call.lane for call in stage.started} == set(lanes)


async def test_a_restart_does_not_make_the_rate_anew(open_lane: OpenLane, stage: Stage) -> None:
    for life in range(5):
        lane = await open_lane(f"life-{life}", rate_per_second=1)
        await stage.begin_many(lane, 3)
    assert len(stage.started) == 1


async def test_busy_workers_ask_the_ledger_a_few_times_a_second(
    open_lane: OpenLane, stage: Stage, ledger: MemoryLedger
) -> None:
    asked = 0
    reserve_rate = ledger.lane_reserve_rate

    async def counted(lane: str, **facts: int) -> int:
        nonlocal asked
        asked += 1
        return await reserve_rate(lane, **facts)

    ledger.lane_reserve_rate = counted  # type: ignore[method-assign]
    lane = await open_lane(rate_per_second=100)
    await stage.begin_many(lane, 190)
    await stage.pass_time(2)
    assert len(stage.started) >= 180
    assert asked <= 12


def test_permits_that_nobody_used_in_time_lapse() -> None:
    pace = Pace(LaneLimits(rate_per_second=10, rate_burst=1))
    now = 1000 * MICROSECONDS
    pace.granted(2, now, 0)
    assert pace.ready(now + AHEAD_US)
    assert pace.ready(now + AHEAD_US + 50_000)
    assert not pace.ready(now + AHEAD_US + 150_000)
    assert pace.next_at is None


async def test_a_ledger_that_answers_late_slows_the_lane_but_does_not_stop_it(
    open_lane: OpenLane, stage: Stage, ledger: MemoryLedger
) -> None:
    reserve_rate = ledger.lane_reserve_rate

    async def slowly(lane: str, **facts: int) -> int:
        first = await reserve_rate(lane, **facts)
        await stage.clock.sleep(0.8)
        return first

    ledger.lane_reserve_rate = slowly  # type: ignore[method-assign]
    await stage.begin_many(await open_lane(rate_per_second=2), 8)
    await stage.pass_time(12)
    assert len(stage.started) == 8


def test_a_clock_that_was_set_back_does_not_stop_the_lane_for_as_long() -> None:
    hour_us = 3600 * MICROSECONDS
    now = 10 * hour_us
    used_up_at = reserve(now + hour_us, 1, MICROSECONDS, now)  # written while the clock ran an hour ahead
    assert used_up_at == now + MICROSECONDS
    pace = Pace(LaneLimits(rate_per_second=1))
    pace.granted(1, now + hour_us, 0)
    assert not pace.ready(now)
    assert pace.next_at is None


@given(
    rate=st.floats(0.1, 5000),
    burst=st.integers(0, 50),
    asks=st.lists(st.tuples(st.integers(0, 2_000_000), st.integers(1, 30), st.floats(0, 1)), max_size=40),
)
def test_no_window_holds_more_permits_than_promised(
    rate: float, burst: int, asks: list[tuple[int, int, float]]
) -> None:
    limits = LaneLimits(rate_per_second=rate, rate_burst=burst)
    pace = Pace(limits)
    now, used_up_at, starts = 10**15, 0, []
    for wait_us, permits, lateness in asks:
        now += wait_us
        used_up_at = reserve(used_up_at, permits, pace.interval_us, now)
        if used_up_at - now > lead_max_us(pace.interval_us):
            break
        first = used_up_at - permits * pace.interval_us - pace.tolerance_us
        late_us = round(lateness * (pace.tolerance_us + AHEAD_US))  # as long as `ready` lets them
        starts += [first + index * pace.interval_us + late_us for index in range(permits)]
    starts.sort()
    allowed_burst = max(limits.rate_burst or max(1, -(-rate // 2)), 1 + rate / 4)
    for index, start in enumerate(starts):
        for other in range(index, len(starts)):
            window_seconds = (starts[other] - start) / MICROSECONDS
            assert other - index + 1 <= allowed_burst + rate * window_seconds + 1e-3


def test_the_meter_shows_the_rate_of_the_last_second() -> None:
    meter, clock = Meter(), ManualClock()
    for _ in range(50):
        meter.count(clock.now())
        clock.advance(0.1)
    assert meter.per_second(clock.now()) == pytest.approx(10, abs=1)
    clock.advance(3)
    assert meter.per_second(clock.now()) == 0


class TestWhileTheClockRunsOn:
    @pytest.fixture
    def clock(self) -> RestlessClock:
        return RestlessClock()

    async def test_a_permit_that_becomes_good_between_two_looks_is_not_overlooked(
        self, clock: RestlessClock, ledger: MemoryLedger
    ) -> None:
        lane = Lane("erp", LaneLimits(rate_per_second=8, rate_burst=1), ledger, clock, "unkept")  # no tick helps
        for number in range(200):
            clock.look_us = 1_000 + 7_919 * number % 30_000
            call = Call(lane, clock, lambda _call: None)
            await settle()
            while call.waits:
                assert clock._sleepers, "nobody will wake it"
                await pass_time(clock, 0.05)
            await call.end()
        await lane.close()
