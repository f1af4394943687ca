"""Waiting costs nothing: for a lane, a signal or a moment a run is a row, and goes on from there."""

import gc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.durable.conftest import Begin
from tests.durable.recipes import World, a_process, fault, told
from tests.engine import Engine

from crossdock.durable.lanes import LaneClosed, LaneLimits
from crossdock.durable.process import Process
from crossdock.durable.records import Outgoing, RunState, StepState
from crossdock.durable.run import Run
from crossdock.kit.clock import to_datetime
from crossdock.kit.errors import NotAuthorized, OutcomeUnknown, Unavailable

pytestmark = pytest.mark.anyio


class Held:
    """A process whose one write goes through the lane `erp`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.engine: Engine | None = None
        self.process: Process[Any] = a_process(self.body)
        self.said: list[str] = []

    async def body(self, run: Run, _value: Any) -> Any:
        assert self.engine is not None
        lane = self.engine.lanes["erp"]
        return await run.step(
            "submit",
            lambda key: lane.call(lambda: self.world.write("submit", key)),
            returns=str,
            undo=lambda key: lane.call(lambda: self.world.undo("submit", key)),
            recall=lambda key: lane.call(lambda: self.world.find("submit", key)),
            on_wait=self.on_wait,
        )

    def on_wait(self, closed: LaneClosed) -> Outgoing:
        self.said.append(f"waits for {closed.lane} ({closed.detail})")
        return told(self.said[-1])


@pytest.fixture
def held(world: World) -> Held:
    return Held(world)


async def test_a_closed_lane_holds_the_run_back_and_others_are_told_once(begin: Begin, held: Held) -> None:
    engine = held.engine = await begin(held.process)
    await engine.lanes["erp"].pause(actor="ops", reason="year-end closing")
    view = await engine.go(held.process, "1", "1")
    assert (view.state, view.waiting_on) == (RunState.WAITING, "erp: ops: year-end closing")
    assert [(row.state, row.attempts) for row in view.journal] == [(StepState.DELAYED, 0)]
    for _ in range(3):
        await engine.crash()
        await engine.begin()
        await engine.advance(3_600)
    assert held.world.calls == []
    await engine.lanes["erp"].resume(actor="ops")
    await engine.settle()
    assert (await engine.view("p/1")).state is RunState.DONE
    assert held.world.calls == ["submit"]
    events = await engine.store.read_events(0, 5)
    assert [event.type for event in events] == ["waits for erp (ops: year-end closing)"]


async def test_who_waits_for_its_turn_for_long_says_so_once(begin: Begin, held: Held, world: World) -> None:
    """One call is under way, one stands in the lane's queue in memory, and one had no place there."""
    limits = {"erp": LaneLimits(in_flight_max=1, waiting_max=1)}
    world.gate.clear()
    engine = held.engine = await begin(held.process, lanes=limits, lease_seconds=90.0)
    for number in ("1", "2", "3"):
        await engine.start(held.process, number, number)
        await engine.until(lambda: bool(world.calls))
    await engine.until(lambda: engine.worker.active == 2)
    assert (await engine.view("p/3")).waiting_on == "erp: 1 calls wait already"
    engine.clock.advance(29)
    await engine.until(lambda: not engine.committer.backlog)
    assert held.said == []
    engine.clock.advance(2)
    await engine.until(lambda: len(held.said) == 3 and not engine.committer.backlog and engine.worker.active == 2)
    await engine.crash()
    await engine.begin()
    engine.clock.advance(31)
    await engine.until(lambda: engine.worker.active == 2)
    world.gate.set()
    await engine.settle()
    assert await engine.store.count_runs() == {"done": 3}
    events = await engine.store.read_events(0, 9)
    assert sorted(event.type for event in events) == sorted(held.said)
    assert sorted(held.said) == ["waits for  (it has had no answer yet)"] * 2 + [
        "waits for erp (1 calls wait already)"
    ]


async def test_a_run_in_doubt_says_that_it_waits_and_stays_in_doubt(begin: Begin, held: Held) -> None:
    engine = held.engine = await begin(held.process)
    held.world.after = [fault(OutcomeUnknown)]
    held.world.faults = [None, fault(NotAuthorized)]
    assert (await engine.go(held.process, "1", "1")).state is RunState.PARKED
    await engine.desk.retry(["p/1"], actor="ann")
    await engine.settle()
    view = await engine.view("p/1")
    assert (view.state, view.journal[0].state) == (RunState.WAITING, StepState.INTENT)
    await engine.lanes["erp"].resume(actor="ops")
    await engine.advance(1)
    await engine.advance(1)
    assert (await engine.view("p/1")).state is RunState.DONE
    assert held.world.counts["submit"] == 1
    assert len(await engine.store.read_events(0, 5)) == 1


async def test_a_system_that_is_down_is_not_called_hot(begin: Begin, held: Held) -> None:
    engine = held.engine = await begin(held.process)
    held.world.faults = [fault(Unavailable)] * 200
    for number in range(60):
        await engine.start(held.process, str(number), str(number))
    await engine.settle()
    down = len(held.world.calls)
    for _ in range(30):
        await engine.advance(60)
    assert down <= 60 / 4, "the breaker opened"
    assert len(held.world.calls) - down <= 40, "and one probe went through now and then"
    held.world.faults.clear()
    for _ in range(10):
        await engine.advance(300)
    assert (await engine.store.count_runs()) == {"done": 60}
    assert set(held.world.done.values()) == {"submit"}
    assert len(held.world.done) == 60


async def test_one_order_that_a_system_chokes_on_does_not_keep_its_lane_closed(begin: Begin, world: World) -> None:
    async def body(run: Run, value: Any) -> Any:
        async def write(key: str) -> Any:
            if value == 0:
                raise fault(Unavailable)
            return await world.write("submit", key)

        lane = engine.lanes["erp"]
        return await run.step("submit", lambda key: lane.call(lambda: write(key)), returns=str)

    engine = await begin(process := a_process(body))
    world.faults = [fault(Unavailable)] * 20
    for number in range(20):
        await engine.start(process, str(number), number)
    await engine.settle()
    world.faults.clear()
    for _ in range(60):
        await engine.advance(10)
    assert (await engine.store.count_runs()).get("done") == 19


async def test_a_call_outside_any_step_waits_for_its_lane_too(begin: Begin, world: World) -> None:
    async def body(_run: Run, _value: Any) -> Any:
        return await engine.lanes["erp"].call(lambda: world.read("plain"))

    engine = await begin(process := a_process(body))
    await engine.lanes["erp"].pause(actor="ops", reason="a test")
    assert (await engine.go(process, "1", "1")).state is RunState.WAITING
    await engine.lanes["erp"].resume(actor="ops")
    await engine.settle()
    assert (await engine.view("p/1")).state is RunState.DONE


# ── signals and timers ──────────────────────────────────────────────────────────────────────────────


def a_waiter(timeout_seconds: float | None = None) -> Process[Any]:
    async def body(run: Run, _value: Any) -> list[int | None]:
        first = await run.wait_for("inspected", returns=int, timeout_seconds=timeout_seconds)
        second = await run.wait_for("approved", returns=int, timeout_seconds=timeout_seconds)
        return [first, second]

    return a_process(body)


async def test_a_run_waits_for_its_signals_whenever_they_come(begin: Begin) -> None:
    engine = await begin(process := a_waiter())
    view = await engine.go(process, "1", "1")
    assert (view.state, view.waiting_on) == (RunState.WAITING, "signal inspected")
    now = engine.clock.now()
    assert await engine.store.signal("p/1", "approved", b"2", now), "before anybody waits for it"
    await engine.settle()
    assert (await engine.view("p/1")).waiting_on == "signal inspected"
    await engine.crash()
    assert await engine.store.signal("p/1", "inspected", b"1", now), "while nobody is there"
    await engine.begin()
    await engine.settle()
    assert (await engine.view("p/1")).result == b"[1,2]"


async def test_a_signal_that_does_not_come_in_time_is_not_waited_for(begin: Begin) -> None:
    engine = await begin(process := a_waiter(timeout_seconds=60))
    await engine.go(process, "1", "1")
    await engine.advance(59)
    assert (await engine.view("p/1")).waiting_on == "signal inspected"
    await engine.advance(1)
    await engine.store.signal("p/1", "inspected", b"1", engine.clock.now())
    await engine.store.signal("p/1", "approved", b"2", engine.clock.now())
    await engine.settle()
    assert (await engine.view("p/1")).result == b"[null,2]", "what was decided stays so"


async def test_signals_and_their_time_limit_survive_any_number_of_wake_ups(begin: Begin) -> None:
    engine = await begin(process := a_waiter(timeout_seconds=60))
    await engine.go(process, "1", "1")
    for _ in range(3):
        await engine.crash()
        await engine.begin()
        await engine.advance(10)
    view = await engine.view("p/1")
    assert view.wake_at == engine.clock.now() + 30_000_000


async def test_a_signal_of_the_wrong_shape_is_parked_for_repair(begin: Begin) -> None:
    engine = await begin(process := a_waiter())
    await engine.go(process, "1", "1")
    await engine.store.signal("p/1", "inspected", b'"seven"', engine.clock.now())
    await engine.settle()
    view = await engine.view("p/1")
    assert view.parking is not None
    assert view.parking.category == "repair"


async def test_a_run_sleeps_until_its_moment_as_a_row(begin: Begin, world: World) -> None:
    async def body(run: Run, _value: Any) -> None:
        morning = to_datetime(run.created_at) + timedelta(hours=8)
        await run.sleep_until("morning", morning)
        await run.step("work", lambda _key: world.read("work"), returns=str)
        await run.sleep_until("past", datetime(2000, 1, 1, tzinfo=UTC))

    engine = await begin(process := a_process(body))
    await engine.go(process, "1", "1")
    await engine.advance(8 * 3_600 - 1)
    await engine.crash()
    await engine.begin()
    await engine.settle()
    assert world.calls == []
    await engine.advance(1)
    assert (await engine.view("p/1")).state is RunState.DONE


async def test_suspended_runs_hold_no_task_and_no_memory(begin: Begin) -> None:
    engine = await begin(process := a_waiter())
    for number in range(200):
        await engine.start(process, str(number), str(number))
    await engine.settle()
    assert await engine.store.count_runs() == {"waiting": 200}
    assert engine.worker.active == 0
    gc.collect()
    kept = [found for found in gc.get_objects() if isinstance(found, Run) and found._clock is engine.clock]
    assert kept == []
