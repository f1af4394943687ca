"""Lanes under everything at once, against a model that knows only what was promised.

Workers begin, end and cancel calls, crash and come back; time passes in leaps, over midnight; operators pause;
the ledger is slow, and goes away for a while. After every step the promises are checked on what the system saw.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.durable.lanes.stage import Call, RestlessClock, pass_time, settle

from crossdock.durable.lanes import LaneAlert, LaneClosed, LaneLimits, Lanes, MemoryLedger, pause_lane, resume_lane
from crossdock.durable.lanes.budget import DAY_US, day_of
from crossdock.durable.lanes.rate import AHEAD_US, Pace
from crossdock.kit.clock import MICROSECONDS
from crossdock.kit.errors import Rejected, Throttled, Unavailable

PICKS = st.integers(0, 9_999)
CLOCK_TURNS_US = 1_000
FOLLOWS_WITHIN_US = 1_100_000
ANSWERS = ["done"] * 6 + [Rejected("no"), KeyError("bug"), Unavailable("down")]
MISHAPS = ["crash", "restart", "throttle", "outage", "pause", "nothing"]


class FickleLedger(MemoryLedger):
    """Goes away when told, and takes its time as a store does."""

    down = False

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if not name.startswith("lane_"):
            return found

        async def answer(*args: Any, **facts: Any) -> Any:
            await asyncio.sleep(0)
            if self.down:
                raise ConnectionError("the store went away")
            result = await found(*args, **facts)
            await asyncio.sleep(0)
            return result

        return answer


@dataclass
class Worker:
    """One worker's life: a crash ends it, and the next has another name."""

    lanes: Lanes
    calls: list[Call] = field(default_factory=list)

    def running(self) -> list[Call]:
        return [call for call in self.calls if call.runs]

    def waiting(self) -> list[Call]:
        return [call for call in self.calls if call.waits]


class LaneMachine(RuleBasedStateMachine):
    loop: asyncio.AbstractEventLoop | None = None
    limits: LaneLimits

    @initialize(
        in_flight_max=st.sampled_from([0, 1, 1, 2, 4]),
        rate=st.sampled_from([0.0, 0.0, 2.0, 20.0]),
        budget=st.sampled_from([0, 0, 12, 400]),
        waiting_max=st.sampled_from([3, 100]),
        workers=st.integers(1, 3),
    )
    def open(self, in_flight_max: int, rate: float, budget: int, waiting_max: int, workers: int) -> None:
        self.limits = LaneLimits(
            in_flight_max=in_flight_max,
            rate_per_second=rate,
            daily_budget=budget,
            waiting_max=waiting_max,
            cool_down_seconds=2,
            cool_down_max_seconds=4,
        )
        self.loop = asyncio.new_event_loop()
        self.clock = RestlessClock(20_454 * DAY_US - 15 * MICROSECONDS)
        self.ledger = FickleLedger()
        self.lives = 0
        self.starts: list[int] = []
        self.orderly = True
        self.broken: AssertionError | None = None
        self.paused_at: int | None = None
        self.alerts: list[LaneAlert] = []
        self.workers = [self._new_worker() for _ in range(workers)]

    # ── what happens ────────────────────────────────────────────────────────────────────────────────

    @rule(seed=st.integers(0, 2**32))
    def bustle(self, seed: int) -> None:
        """A busy while. Drawn from a seed: Hypothesis by itself seldom lets things get crowded."""
        chance = random.Random(seed)
        acts = [self.begin] * 3 + [self.end] * 3 + [self.cancel, self.race, self.rush, self.wait]
        for _ in range(20):
            chance.choice(acts)(chance.randrange(10_000))
            self.check()

    def begin(self, pick: int) -> None:
        chance = random.Random(pick)
        worker = chance.choice(self.workers)
        for _ in range(chance.choice([1, 1, 2, 8])):
            self._begin(worker, chance.randrange(10), chance.choice([None, None, "a", "b"]))
            self._do(settle())

    def end(self, pick: int) -> None:
        running = [call for worker in self.workers for call in worker.running()]
        if running:
            self._do(running[pick % len(running)].end(ANSWERS[pick % len(ANSWERS)]))

    def cancel(self, pick: int) -> None:
        alive = [call for worker in self.workers for call in worker.calls if not call.task.done()]
        if alive:
            alive[pick % len(alive)].task.cancel()
            self._do(settle())

    def race(self, pick: int) -> None:
        """Cancel whoever waits first, while another ends and hands him its place."""
        worker = self.workers[pick % len(self.workers)]
        running, waiting = worker.running(), worker.waiting()
        if running and waiting:
            running[pick % len(running)].finish("done")
            for _ in range(pick % 4):
                self._do(asyncio.sleep(0))
            min(waiting, key=self._rank).task.cancel()
            self._do(settle())

    def rush(self, pick: int) -> None:
        """Let things happen while others are half done. Who was let go first may then step out later."""
        self.orderly = False
        chance = random.Random(pick)
        worker = chance.choice(self.workers)
        for _ in range(4):
            for call in worker.running()[: chance.randrange(3)]:
                call.finish("done")
            self._begin(worker, chance.randrange(10), chance.choice([None, "a"]))
            for _ in range(chance.randrange(5)):
                self._do(asyncio.sleep(0))
        self._do(settle())
        self.orderly = True

    def wait(self, pick: int) -> None:
        self._do(pass_time(self.clock, (pick % 40) ** 2 / 400))

    @rule(pick=PICKS, kind=st.sampled_from(MISHAPS))
    def mishap(self, pick: int, kind: str) -> None:
        index = pick % len(self.workers)
        if kind in {"crash", "restart"}:
            self._do(self._kill(self.workers[index]) if kind == "crash" else self._stop(self.workers[index]))
            self.workers[index] = self._new_worker()
        elif kind == "throttle":
            for call in self.workers[index].running()[:1]:
                self._do(call.end(Throttled("slow", retry_after_seconds=1.0)))
        elif kind == "outage":
            self.ledger.down = True
            self.begin(pick)
            self.check()
            self._do(pass_time(self.clock, pick % 3_000 / 1_000))
            self.ledger.down = False
        elif kind == "pause":
            self._do(pause_lane(self.ledger, "erp", self.clock.now(), actor="ops", reason="a test"))
            self.paused_at = self.clock._now
            self.begin(pick)
            self._do(pass_time(self.clock, pick % 2_500 / 1_000))
            self.begin(pick)
            self.paused_at = None
            self._do(resume_lane(self.ledger, "erp", self.clock.now(), actor="ops"))

    # ── what was promised ───────────────────────────────────────────────────────────────────────────

    @invariant()
    def check(self) -> None:
        if self.broken is not None:
            raise self.broken
        self.calls_that_were_not_made_were_turned_away_by_the_lane()
        self.never_more_in_flight_than_the_system_bears()
        self.never_more_in_any_window_than_the_rate_allows()
        self.never_more_in_a_day_than_the_budget()
        self.calls_of_one_parent_never_overlap_on_a_worker()
        self.nobody_waits_who_could_go_or_whom_nobody_will_wake()
        self.no_more_wait_in_memory_than_allowed()

    def calls_that_were_not_made_were_turned_away_by_the_lane(self) -> None:
        for worker in self.workers:
            for call in worker.calls:
                assert call.started_at or call.error is None or isinstance(call.error, LaneClosed)

    def never_more_in_flight_than_the_system_bears(self) -> None:
        running = sum(len(worker.running()) for worker in self.workers)
        assert running <= (self.limits.in_flight_max or running)

    def never_more_in_any_window_than_the_rate_allows(self) -> None:
        if not self.limits.rate_per_second:
            return
        pace = Pace(self.limits)
        last = self.starts[-1] if self.starts else 0
        for count, start in enumerate(reversed(self.starts), start=1):
            window_us = last - start + AHEAD_US + pace.tolerance_us + CLOCK_TURNS_US
            assert count <= 1 + window_us / pace.interval_us

    def never_more_in_a_day_than_the_budget(self) -> None:
        days = Counter(day_of(start) for start in self.starts)
        assert not self.limits.daily_budget or max(days.values(), default=0) <= self.limits.daily_budget

    def calls_of_one_parent_never_overlap_on_a_worker(self) -> None:
        for worker in self.workers:
            parents = Counter(call.facts["parent"] for call in worker.running())
            assert all(count == 1 for parent, count in parents.items() if parent is not None)

    def nobody_waits_who_could_go_or_whom_nobody_will_wake(self) -> None:
        for worker in self.workers:
            lane = worker.lanes["erp"]
            if lane._gate.is_open and lane._waiting.first() is not None:
                assert not lane._is_clear(self.clock._now)
                assert lane.state().in_flight or lane._pump._alarm is not None

    def no_more_wait_in_memory_than_allowed(self) -> None:
        for worker in self.workers:
            state = worker.lanes["erp"].state()
            assert state.waiting == len(worker.waiting()) <= self.limits.waiting_max
            assert state.in_flight == len(worker.running())

    def _note_start(self, worker: Worker, started: Call) -> None:
        """Called in the moment a call reaches the system."""
        self.starts.append(started.started_at or 0)
        try:
            self._started_in_order_and_not_while_paused(worker, started)
        except AssertionError as broken:
            self.broken = broken

    def _started_in_order_and_not_while_paused(self, worker: Worker, started: Call) -> None:
        assert self.paused_at is None or (started.started_at or 0) <= self.paused_at + FOLLOWS_WITHIN_US
        busy = {call.facts["parent"] for call in worker.running()}
        for call in worker.waiting():
            if self.orderly and (call.facts["parent"] is None or call.facts["parent"] not in busy):
                assert self._rank(started) <= self._rank(call) + CLOCK_TURNS_US

    def _rank(self, call: Call) -> float:
        return float(call.entered_at + call.facts["priority"] * self.limits.ageing_step_seconds * MICROSECONDS)

    def teardown(self) -> None:
        """Everything ends: every waiter was let go or turned away, and nothing is held any more."""
        if self.loop is None:
            return
        try:
            self._do(self._end_everything())
            self.check()
            self._do(pass_time(self.clock, 4))
            for worker in self.workers:
                assert worker.lanes._worker_id not in self.ledger._slots.get("erp", {})
                self._do(self._stop(worker))
            assert not asyncio.all_tasks(self.loop)
            assert {alert.kind for alert in self.alerts} <= {"ledger"}
        finally:
            self.loop.close()

    async def _end_everything(self) -> None:
        await resume_lane(self.ledger, "erp", self.clock.now(), actor="ops")
        for _ in range(2_000):
            calls = [call for worker in self.workers for call in worker.calls if not call.task.done()]
            if not calls:
                return
            for call in calls:
                if call.runs:
                    await call.end()
            await pass_time(self.clock, 0.2)
        raise AssertionError("somebody waits for ever")

    # ── how it is done ──────────────────────────────────────────────────────────────────────────────

    def _do(self, work: Any) -> None:
        assert self.loop is not None
        self.loop.run_until_complete(work)

    def _new_worker(self) -> Worker:
        self.lives += 1
        lanes = Lanes(self.ledger, self.clock, f"life-{self.lives}", on_alert=self.alerts.append)
        lanes.add("erp", self.limits)
        self._do(lanes.start())
        return Worker(lanes)

    def _begin(self, worker: Worker, priority: int, parent: str | None) -> None:
        assert self.loop is not None
        call = Call(
            worker.lanes["erp"],
            self.clock,
            lambda started: self._note_start(worker, started),
            loop=self.loop,
            priority=priority,
            parent=parent,
        )
        worker.calls.append(call)

    async def _kill(self, worker: Worker) -> None:
        """As a crash does: nothing is handed back, and nothing that it still does reaches the ledger."""
        worker.lanes["erp"]._ledger = worker.lanes._ledger = MemoryLedger()
        await self._stop(worker)

    async def _stop(self, worker: Worker) -> None:
        for call in worker.calls:
            call.task.cancel()
        await asyncio.gather(*(call.task for call in worker.calls), return_exceptions=True)
        await worker.lanes.close()
        await settle()


LaneMachine.TestCase.settings = settings(
    max_examples=100, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLaneMachine = LaneMachine.TestCase
