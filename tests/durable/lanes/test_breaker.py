"""When a lane closes, who finds out, and how it opens again."""

import asyncio

import pytest
from tests.durable.lanes.conftest import OpenLane
from tests.durable.lanes.stage import Call, Stage, settle, turn_until

from crossdock.durable.lanes import LaneAlert, LaneClosed, LaneLimits, MemoryLedger, pause_lane, resume_lane
from crossdock.durable.lanes.breaker import claim_probe, cool_down_us, may_probe
from crossdock.durable.lanes.record import LaneRecord
from crossdock.kit.clock import MICROSECONDS, ManualClock
from crossdock.kit.errors import (
    Conflict,
    Invalid,
    Locked,
    NotAuthorized,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)

pytestmark = pytest.mark.anyio
DOWN = Unavailable("connection refused", code="refused-connection")


def closed_of(error: BaseException | None) -> LaneClosed:
    assert isinstance(error, LaneClosed)
    return error


@pytest.mark.parametrize("failure", [DOWN, OutcomeUnknown("no answer"), TimeoutError()])
async def test_failures_in_a_row_close_the_lane(open_lane: OpenLane, stage: Stage, failure: Exception) -> None:
    lane = await open_lane(failures_max=3, cool_down_seconds=5)
    for _ in range(3):
        assert (await stage.finish(lane, failure)).error is failure
    closed = closed_of((await stage.begin(lane)).error)
    assert closed.reason == "breaker"
    assert closed.reopens_at == stage.clock.now() + 5 * MICROSECONDS
    assert lane.state().status == "closed"
    assert lane.state().since == stage.clock.now()
    assert lane.room() == 0


@pytest.mark.parametrize("answer", [Rejected("no"), Invalid("what?"), Conflict("again?"), Locked("held"), "done"])
async def test_any_answer_shows_that_the_system_is_well(open_lane: OpenLane, stage: Stage, answer: object) -> None:
    lane = await open_lane(failures_max=3)
    for _ in range(5):
        await stage.finish(lane, DOWN)
        await stage.finish(lane, DOWN)
        await stage.finish(lane, answer)
    assert lane.state().status == "open"


async def test_locked_records_in_a_row_are_no_sick_system(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(failures_max=5, failure_calls_min=5)
    for _ in range(12):
        await stage.finish(lane, Locked("a clerk edits the account"))
    assert lane.state().status == "open"


async def test_a_bug_of_ours_says_nothing_of_the_system(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(failures_max=2)
    for _ in range(5):
        await stage.finish(lane, KeyError("price"))
    assert lane.state().status == "open"


async def test_too_large_a_share_of_failures_closes_the_lane(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(failure_calls_min=10, failure_ratio_max=0.5, failures_max=100)
    for _ in range(4):
        await stage.finish(lane, DOWN)
        await stage.finish(lane)
    assert lane.state().status == "open"
    await stage.finish(lane)
    await stage.finish(lane, DOWN)
    assert lane.state().status == "closed"
    assert lane.state().detail == "5 of the last 10 calls failed; refused-connection: connection refused"


async def test_failures_of_long_ago_do_not_count(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(failure_calls_min=4, failures_max=100, failure_window_seconds=30)
    for _ in range(20):
        await stage.finish(lane, DOWN)
        await stage.pass_time(16)
    assert lane.state().status == "open"


async def test_whoever_waits_goes_back_to_being_a_row_when_the_lane_closes(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane(in_flight_max=1, failures_max=1)
    running, *waiting = await stage.begin_many(lane, 5)
    await running.end(DOWN)
    assert [closed_of(call.error).reason for call in waiting] == ["breaker"] * 4
    assert lane.state().waiting == 0


async def test_one_probe_goes_through_and_its_success_opens_the_lane(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(in_flight_max=3, failures_max=1, cool_down_seconds=5)
    await stage.finish(lane, DOWN)
    assert lane.room() == 0
    await stage.pass_time(5)
    assert lane.state().status == "half_open"
    assert lane.room() == 1
    probe, *others = await stage.begin_many(lane, 3)
    assert probe.runs
    assert lane.room() == 0
    for other in others:
        assert closed_of(other.error).reopens_at == stage.clock.now() + MICROSECONDS
    await probe.end()
    assert lane.state().status == "open"
    assert all(call.runs for call in await stage.begin_many(lane, 3))


async def test_each_failed_probe_doubles_the_cool_down_up_to_its_limit(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(failures_max=1, cool_down_seconds=5, cool_down_max_seconds=30)
    waits = []
    await stage.finish(lane, DOWN)
    for _ in range(5):
        waits.append(((lane.state().reopens_at or 0) - stage.clock.now()) // MICROSECONDS)
        await stage.pass_time(waits[-1])
        assert (await stage.finish(lane, DOWN)).started_at is not None
    assert waits == [5, 10, 20, 30, 30]
    await stage.pass_time(30)
    await stage.finish(lane)
    await stage.finish(lane, DOWN)
    assert (lane.state().reopens_at or 0) - stage.clock.now() == 5 * MICROSECONDS


def test_the_cool_down_is_jittered_within_its_limit() -> None:
    limits = LaneLimits(cool_down_seconds=10, cool_down_max_seconds=300)
    assert cool_down_us(limits, 0, 0.0) == 7.5 * MICROSECONDS
    assert cool_down_us(limits, 0, 1.0) == 12.5 * MICROSECONDS
    assert cool_down_us(limits, 10_000, 1.0) == 300 * MICROSECONDS


def test_a_system_that_is_back_is_noticed_within_a_minute() -> None:
    assert max(cool_down_us(LaneLimits(), closings, 1.0) for closings in range(100)) == 60 * MICROSECONDS


async def test_a_probe_that_was_cancelled_makes_way_for_another(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(failures_max=1, cool_down_seconds=5)
    await stage.finish(lane, DOWN)
    await stage.pass_time(5)
    probe = await stage.begin(lane)
    probe.task.cancel()
    await settle()
    assert lane.state().status == "half_open"
    assert (await stage.begin(lane)).runs


async def test_late_successes_of_calls_from_before_do_not_open_the_lane(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(failures_max=1)
    early = await stage.begin(lane)
    await stage.finish(lane, DOWN)
    await early.end()
    assert lane.state().status == "closed"


async def test_other_workers_follow_within_a_second_and_only_one_probes(open_lane: OpenLane, stage: Stage) -> None:
    first, second = [await open_lane(f"worker-{index}", failures_max=1, cool_down_seconds=5) for index in range(2)]
    await stage.finish(first, DOWN)
    await stage.pass_time(1)
    assert second.state().status == "closed"
    await stage.pass_time(4)
    probes = [await stage.begin(second), await stage.begin(first)]
    assert [probe.runs for probe in probes] == [True, False]
    await probes[0].end()
    await stage.pass_time(1)
    assert [lane.state().status for lane in (first, second)] == ["open", "open"]


async def test_a_probe_whose_worker_died_is_made_by_another(open_lane: OpenLane, stage: Stage) -> None:
    dying, alive = [await open_lane(f"worker-{index}", failures_max=1, probe_seconds=60) for index in range(2)]
    await stage.finish(dying, DOWN)
    await stage.pass_time(6)
    await stage.begin(dying)
    await stage.pass_time(59)
    assert (await stage.begin(alive)).started_at is None
    await stage.pass_time(2)
    assert (await stage.begin(alive)).runs


def test_a_probe_claimed_by_a_clock_that_ran_ahead_is_no_claim() -> None:
    closed = LaneRecord(status="closed", reason="breaker", since=0, reopens_at=1)
    probe_us, hour_us, now = 60 * MICROSECONDS, 3_600 * MICROSECONDS, MICROSECONDS
    claimed = claim_probe(closed, worker_id="dead", now=now, probe_us=probe_us)
    assert not may_probe(claimed, "alive", now, probe_us)
    assert may_probe(claimed, "alive", now + probe_us, probe_us)
    ahead = claim_probe(closed, worker_id="dead", now=now + hour_us, probe_us=probe_us)
    assert may_probe(ahead, "alive", now, probe_us)


async def test_a_restart_finds_the_lane_as_it_was(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane("life-1", failures_max=1)
    await stage.finish(lane, DOWN)
    await lane.close()
    again = await open_lane("life-2")
    assert again.state().status == "closed"
    assert closed_of((await stage.begin(again)).error).detail.startswith("1 calls in a row failed")


async def test_throttled_closes_the_whole_lane_for_as_long_as_the_system_said(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane(in_flight_max=3)
    first, second, third = await stage.begin_many(lane, 3)
    await first.end(Throttled("slow down", retry_after_seconds=20))
    await second.end(Throttled("slow down", retry_after_seconds=30))
    await third.end(Throttled("slow down", retry_after_seconds=10))
    closed = closed_of((await stage.begin(lane)).error)
    assert (closed.reason, closed.reopens_at) == ("throttled", stage.clock.now() + 30 * MICROSECONDS)
    await stage.pass_time(30)
    assert (await stage.begin(lane)).runs


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), -5.0, None])
async def test_a_wait_that_makes_no_sense_becomes_a_cool_down(
    open_lane: OpenLane, stage: Stage, nonsense: float | None
) -> None:
    lane = await open_lane(cool_down_seconds=5)
    await stage.finish(lane, Throttled("slow down", retry_after_seconds=nonsense))
    assert lane.state().reopens_at == stage.clock.now() + 5 * MICROSECONDS


async def test_an_exhausted_quota_is_probed_every_quarter_of_an_hour(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane()
    for _ in range(3):
        await stage.finish(lane, Throttled("TotalRequests Limit exceeded.", exhausted=True))
        closed = closed_of((await stage.begin(lane)).error)
        assert (closed.reason, closed.reopens_at) == ("budget", stage.clock.now() + 900 * MICROSECONDS)
        await stage.pass_time(900)
    await stage.finish(lane)
    assert lane.state().status == "open"


async def test_an_exhausted_quota_is_probed_at_midnight_or_when_the_system_said(
    open_lane: OpenLane, stage: Stage, clock: ManualClock
) -> None:
    lane = await open_lane()
    clock.advance(86_400 - 60)
    await stage.finish(lane, Throttled("used up", exhausted=True))
    assert lane.state().reopens_at == clock.now() + 60 * MICROSECONDS
    await stage.pass_time(60)
    await stage.finish(lane, Throttled("used up", exhausted=True, retry_after_seconds=7200))
    assert lane.state().reopens_at == clock.now() + 7200 * MICROSECONDS


async def test_a_refused_credential_pauses_the_lane_everywhere_and_alerts_once(
    open_lane: OpenLane, stage: Stage, alerts: list[LaneAlert]
) -> None:
    lanes = [await open_lane(f"worker-{index}", in_flight_max=8) for index in range(2)]
    calls = [call for lane in lanes for call in await stage.begin_many(lane, 4)]
    for call in calls:
        call.finish(NotAuthorized("invalid_grant", code="credential-refused"))
    await settle()
    await stage.pass_time(3600)
    assert [(alert.lane, alert.kind) for alert in alerts] == [("erp", "unauthorised")]
    for lane in lanes:
        assert (lane.state().status, lane.state().reason) == ("paused", "unauthorised")
        closed = closed_of((await stage.begin(lane)).error)
        assert (closed.reason, closed.reopens_at) == ("unauthorised", None)


async def test_after_a_refused_credential_one_call_goes_first(
    open_lane: OpenLane, stage: Stage, alerts: list[LaneAlert]
) -> None:
    lane = await open_lane(in_flight_max=8)
    for _ in range(2):
        await stage.finish(lane, NotAuthorized("expired"))
        await lane.resume(actor="ops")
        assert lane.room() == 1
    assert len(alerts) == 2  # it was refused again, and somebody should know
    await stage.finish(lane)
    assert lane.state().status == "open"


async def test_an_operator_pauses_and_resumes_from_anywhere(
    open_lane: OpenLane, stage: Stage, ledger: MemoryLedger
) -> None:
    lane = await open_lane(in_flight_max=2)
    told = asyncio.Event()
    lane.on_change(told.set)
    running = await stage.begin(lane)
    await pause_lane(ledger, "erp", stage.clock.now(), actor="ops", reason="month-end closing")
    await stage.pass_time(1)
    assert told.is_set()
    closed = closed_of((await stage.begin(lane)).error)
    assert (closed.reason, closed.reopens_at, closed.detail) == ("paused", None, "ops: month-end closing")
    await running.end()
    assert running.task.result() == "done"
    await resume_lane(ledger, "erp", stage.clock.now(), actor="ops")
    await stage.pass_time(1)
    assert lane.state().status == "open"
    assert (await stage.begin(lane)).runs


async def test_nothing_that_calls_report_reopens_a_paused_lane(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(in_flight_max=4, failures_max=1)
    calls = await stage.begin_many(lane, 4)
    await lane.pause(actor="ops", reason="a test")
    for call, outcome in zip(calls, ("done", DOWN, Throttled("wait"), NotAuthorized("no")), strict=True):
        await call.end(outcome)
    assert (lane.state().status, lane.state().reason) == ("paused", "paused")


async def test_resuming_cuts_a_cool_down_short(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(failures_max=1, cool_down_seconds=200)
    await stage.finish(lane, DOWN)
    await lane.resume(actor="ops")
    assert (await stage.begin(lane)).runs


async def test_a_pause_that_comes_between_is_not_lost_to_what_we_report(
    open_lane: OpenLane, stage: Stage, ledger: MemoryLedger
) -> None:
    lane = await open_lane(failures_max=1)
    # The lane has not heard of it yet.
    await pause_lane(ledger, "erp", stage.clock.now(), actor="ops", reason="a test")
    await stage.finish(lane, DOWN)
    assert (await ledger.lane_load("erp")).status == "paused"
    assert lane.state().status == "paused"


async def test_listeners_hear_when_the_lane_closes_may_be_probed_and_opens(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane(failures_max=1, cool_down_seconds=5)
    heard: list[str] = []
    lane.on_change(lambda: heard.append(lane.state().status))
    await stage.finish(lane, DOWN)
    await stage.pass_time(6)
    await stage.finish(lane)
    assert heard == ["closed", "half_open", "open"]


async def test_listeners_hear_when_there_is_room_again(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(in_flight_max=4)
    heard: list[int] = []
    lane.on_change(lambda: heard.append(lane.room()))
    calls = await stage.begin_many(lane, lane.room())
    assert len(calls) == 8
    assert lane.room() == 0
    for call in calls:
        await call.end()
    assert heard == [2]  # not at every single place


class Outage(MemoryLedger):
    down = False

    def __getattribute__(self, name: str) -> object:
        if name.startswith("lane_") and object.__getattribute__(self, "down"):
            raise ConnectionError("the store went away")
        return super().__getattribute__(name)


class TestWhenTheLedgerDoesNotAnswer:
    @pytest.fixture
    def ledger(self) -> Outage:
        return Outage()

    async def test_calls_wait_for_it_and_lose_nothing(
        self, open_lane: OpenLane, stage: Stage, ledger: Outage, alerts: list[LaneAlert]
    ) -> None:
        lane = await open_lane(in_flight_max=2, rate_per_second=50, daily_budget=100)
        ledger.down = True
        calls = await stage.begin_many(lane, 2)
        await stage.pass_time(30)
        assert all(call.waits for call in calls)
        assert lane.state().detail == "the ledger does not answer: ConnectionError"
        assert [alert.kind for alert in alerts] == ["ledger"]
        ledger.down = False
        await stage.pass_time(2)
        assert all(call.runs for call in calls)
        assert lane.state().detail == ""

    async def test_what_was_found_meanwhile_is_told_later(
        self, open_lane: OpenLane, stage: Stage, ledger: Outage
    ) -> None:
        lane = await open_lane(failures_max=1, cool_down_seconds=60)
        ledger.down = True
        await stage.finish(lane, DOWN)
        assert lane.state().status == "closed"
        await stage.pass_time(5)
        ledger.down = False
        await stage.pass_time(1)
        assert (await ledger.lane_load("erp")).status == "closed"


async def test_a_probe_cancelled_before_its_first_step_makes_way_for_another(
    open_lane: OpenLane, stage: Stage
) -> None:
    lane = await open_lane(failures_max=1, cool_down_seconds=5)
    await stage.finish(lane, DOWN)
    await stage.pass_time(5)
    probe = Call(lane, stage.clock, lambda _call: None)
    await turn_until(lambda: lane.state().in_flight == 1)
    probe.task.cancel()
    await settle()
    assert probe.started_at is None
    assert (await stage.begin(lane)).runs
