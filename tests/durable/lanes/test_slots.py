"""Concurrency over several workers: leased shares that never add up to more than the system bears."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.durable.lanes.conftest import OpenLane
from tests.durable.lanes.stage import Stage

from crossdock.durable.lanes import MemoryLedger, SlotAsk, SlotShare
from crossdock.durable.lanes.slots import TURN_US, SlotHolding, share_slots
from crossdock.kit.clock import MICROSECONDS

pytestmark = pytest.mark.anyio
LEASE_US = 10 * MICROSECONDS
NOW = 10**15


def ask(wanted: int, in_use: int = 0, in_flight_max: int = 10) -> SlotAsk:
    return SlotAsk(
        lane="erp",
        worker_id="me",
        wanted=wanted,
        in_use=in_use,
        in_flight_max=in_flight_max,
        lease_us=LEASE_US,
    )


def holding(worker_id: str, held: int, wanted: int) -> SlotHolding:
    return SlotHolding(worker_id, held, wanted, NOW + LEASE_US)


async def test_workers_together_never_exceed_the_limit_and_come_to_equal_shares(
    open_lane: OpenLane, stage: Stage
) -> None:
    lanes = [await open_lane(f"worker-{index}", in_flight_max=6) for index in range(3)]
    for lane in lanes:
        await stage.begin_many(lane, 40)
    for step in range(60):
        await stage.pass_time(0.5)
        running = [call for call in stage.calls if call.runs]
        assert 5 <= len(running) <= 6  # a slot that changes hands may be idle for a moment
        await running[step % len(running)].end()
    assert sorted(lane.state().slots for lane in lanes) == [2, 2, 2]


async def test_one_slot_goes_round_among_all_who_want_it(open_lane: OpenLane, stage: Stage) -> None:
    lanes = [await open_lane(f"worker-{index}", in_flight_max=1) for index in range(3)]
    for lane in lanes:
        await stage.begin_many(lane, 50)
    for _ in range(120):
        running = [call for call in stage.calls if call.runs]
        assert len(running) <= 1
        for call in running:
            await call.end()
        await stage.pass_time(0.25)
    shares = [sum(call.lane is lane for call in stage.started) for lane in lanes]
    assert min(shares) >= 10


async def test_the_slots_of_a_worker_that_died_come_free_after_its_lease(
    open_lane: OpenLane, stage: Stage
) -> None:
    dead = await open_lane("dead", in_flight_max=2)
    await stage.begin_many(dead, 2)
    dead.tick = lambda record: None  # type: ignore[method-assign]  # it is heard of no more
    await stage.close()
    alive = await open_lane("alive", in_flight_max=2)
    waiting = await stage.begin(alive)
    await stage.pass_time(9)
    assert waiting.waits
    await stage.pass_time(2)
    assert waiting.runs


async def test_a_long_call_keeps_its_slot(open_lane: OpenLane, stage: Stage) -> None:
    long, other = [await open_lane(f"worker-{index}", in_flight_max=1) for index in range(2)]
    await stage.begin(long)
    waiting = await stage.begin(other)
    await stage.pass_time(120)
    assert waiting.waits


async def test_an_idle_worker_lets_go(open_lane: OpenLane, stage: Stage) -> None:
    idle, busy = [await open_lane(f"worker-{index}", in_flight_max=4) for index in range(2)]
    for call in await stage.begin_many(idle, 4):
        await call.end()
    await stage.begin_many(busy, 4)
    await stage.pass_time(4)
    assert busy.state().in_flight == 4
    assert idle.state().slots == 0


class SlowToAnswer(MemoryLedger):
    """Decides at once, and is heard of when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = asyncio.Event()
        self.heard.set()

    async def lane_take_slots(self, ask: SlotAsk, now: int) -> SlotShare:
        share = await super().lane_take_slots(ask, now)
        if ask.worker_id == "slow":
            await self.heard.wait()
        return share


class TestWhileTheLedgersAnswerIsUnderWay:
    @pytest.fixture
    def ledger(self) -> SlowToAnswer:
        return SlowToAnswer()

    async def test_nothing_grows_into_slots_that_may_be_gone(
        self, open_lane: OpenLane, stage: Stage, ledger: SlowToAnswer
    ) -> None:
        slow, other = await open_lane("slow", in_flight_max=4), await open_lane("other", in_flight_max=4)
        _, *ending = await stage.begin_many(slow, 4)
        for call in ending:
            await call.end()
        waiting = await stage.begin_many(other, 4)
        ledger.heard.clear()
        await stage.pass_time(1)
        late = await stage.begin_many(slow, 3)
        await stage.pass_time(1)
        running = sum(call.runs for call in stage.calls)
        ledger.heard.set()
        assert running <= 4
        await stage.pass_time(3)
        assert sum(call.runs for call in stage.calls) == 4
        assert sum(call.runs for call in waiting) == 2
        assert sum(call.runs for call in late) == 1


async def test_a_slot_changes_hands_as_soon_as_its_call_ends(open_lane: OpenLane, stage: Stage) -> None:
    first, second = [await open_lane(f"worker-{index}", in_flight_max=2) for index in range(2)]
    calls = await stage.begin_many(first, 2)
    waiting = await stage.begin(second)
    await stage.pass_time(2.1)
    assert waiting.waits
    await calls[0].end()
    await stage.pass_time(0.25)
    assert waiting.runs


@given(
    others=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 30)), max_size=5),
    wanted=st.integers(0, 30),
    in_use=st.integers(0, 10),
    in_flight_max=st.integers(1, 20),
    at=st.integers(0, 20 * MICROSECONDS),
)
def test_what_living_others_hold_is_never_given_away(
    others: list[tuple[int, int]], wanted: int, in_use: int, in_flight_max: int, at: int
) -> None:
    holdings = [holding(f"w{index}", *facts) for index, facts in enumerate(others)]
    share = share_slots(ask(max(wanted, in_use), in_use, in_flight_max), holdings, NOW + at % LEASE_US)
    taken = sum(held for held, _ in others)
    assert 0 <= share.target <= share.held
    assert share.held == 0 or share.held + taken <= in_flight_max
    assert share.held <= max(wanted, in_use)


@given(
    demands=st.lists(st.integers(0, 12), min_size=1, max_size=5),
    in_flight_max=st.integers(1, 20),
    turn=st.integers(0, 10),
)
def test_fair_shares_use_up_what_there_is_and_favour_nobody(
    demands: list[int], in_flight_max: int, turn: int
) -> None:
    now = NOW + turn * TURN_US
    shares = []
    for index, wanted in enumerate(demands):
        others = [
            SlotHolding(f"w{other}", 0, demand, now + LEASE_US)
            for other, demand in enumerate(demands)
            if other != index
        ]
        mine = SlotAsk(
            lane="erp",
            worker_id=f"w{index}",
            wanted=wanted,
            in_use=0,
            in_flight_max=in_flight_max,
            lease_us=LEASE_US,
        )
        shares.append(share_slots(mine, others, now).target)
    assert sum(shares) == min(in_flight_max, sum(demands))
    unserved = [share for share, wanted in zip(shares, demands, strict=True) if share < wanted]
    assert not unserved or max(shares) - min(unserved) <= 1


def test_a_lease_from_a_clock_that_ran_ahead_does_not_hold_for_as_long() -> None:
    ghost = SlotHolding("ghost", 10, 10, NOW + 3600 * MICROSECONDS)
    assert share_slots(ask(10), [ghost], NOW).target == 10
