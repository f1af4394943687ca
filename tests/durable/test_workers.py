"""Workers come and go, databases too: no run is lost, none is executed twice at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest
from tests.durable.conftest import Begin
from tests.durable.recipes import World, a_process, fault, told
from tests.engine import Engine, engine_with
from tests.stores import Stores

from crossdock.durable.process import Process
from crossdock.durable.records import ClaimedRun, Commit, Known, Outcome, Outgoing, RunState, StepState
from crossdock.durable.run import Run
from crossdock.durable.store import StoreUnavailable
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Unavailable
from crossdock.storage.sql_store import SqlStore

pytestmark = pytest.mark.anyio


class Gate:
    """A process whose call stays under way until it is let go."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.let_go = asyncio.Event()
        self.inside = 0
        self.process: Process[Any] = a_process(self.body)

    async def body(self, run: Run, _value: Any) -> Any:
        return await run.step("write", self.write, returns=str, recall=lambda key: self.world.find("write", key))

    async def write(self, key: str) -> Any:
        self.inside += 1
        await self.let_go.wait()
        return await self.world.write("write", key)


@pytest.fixture
def gate(world: World) -> Gate:
    return Gate(world)


async def test_a_worker_that_stops_hands_back_what_it_cannot_finish(begin: Begin, gate: Gate) -> None:
    engine = await begin(gate.process)
    await engine.start(gate.process, "1", "1")
    await engine.until(lambda: gate.inside == 1)
    await engine.stop()
    view = await engine.view("p/1")
    assert (view.state, view.journal[0].state) == (RunState.READY, StepState.INTENT)
    gate.let_go.set()
    await engine.begin()
    await engine.settle()
    assert (await engine.view("p/1")).state is RunState.DONE


async def test_a_worker_that_stops_lets_running_calls_finish_for_a_while(begin: Begin, gate: Gate) -> None:
    engine = await begin(gate.process)
    await engine.start(gate.process, "1", "1")
    await engine.until(lambda: gate.inside == 1)
    stopping = asyncio.create_task(engine.worker.stop(grace_seconds=20))
    await asyncio.sleep(0)
    gate.let_go.set()
    await stopping
    assert (await engine.view("p/1")).state is RunState.DONE
    assert gate.world.counts["write"] == 1


async def test_a_worker_stops_also_when_it_is_just_being_woken(begin: Begin) -> None:
    engine = await begin()
    for _ in range(10):
        await asyncio.sleep(0.002)
        engine.worker.wake()
        await engine.stop()
        await engine.begin()


async def test_a_worker_whose_lease_ran_out_begins_again_as_somebody_new(begin: Begin, gate: Gate) -> None:
    engine = await begin(gate.process, lease_seconds=15)
    await engine.start(gate.process, "1", "1")
    await engine.until(lambda: gate.inside == 1)
    before = engine.worker.worker_id

    def begun_again() -> bool:
        engine.clock.advance(60)  # again and again: the worker may have been about to beat
        return engine.worker.worker_id != before

    await engine.until(begun_again)
    gate.let_go.set()
    await engine.advance(5)  # a beat takes back what was still taken up under the old name
    await engine.settle()
    assert (await engine.view("p/1")).state is RunState.DONE
    assert gate.world.counts["write"] == 1
    for _ in range(6):
        await engine.advance(5)
    assert engine.worker.alive


async def test_what_is_taken_up_under_a_lost_name_is_handed_back_at_once(
    stores: Stores, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim and a start that reach the database after the lease ran out: nobody waits for the next beat."""
    store = await stores.open()
    late = asyncio.Event()
    really_claim, really_apply = store.claim, store.apply

    async def claim_late(*facts: Any) -> Sequence[ClaimedRun]:
        if worth_waiting():
            await late.wait()
        return await really_claim(*facts)

    async def apply_late(commits: Sequence[Commit], now: Instant) -> Sequence[Outcome]:
        if worth_waiting():
            await late.wait()
        return await really_apply(commits, now)

    async with engine_with(store, stores.clock, gate.process, lease_seconds=15) as engine:
        before, slow = engine.worker.worker_id, False

        def worth_waiting() -> bool:
            return slow and engine.worker.worker_id == before

        monkeypatch.setattr(store, "claim", claim_late)
        monkeypatch.setattr(store, "apply", apply_late)
        await really_apply([Commit(starts=(gate.process.start("claimed", "1"),))], engine.clock.now())
        slow = True
        engine.worker.wake()
        starting = asyncio.create_task(engine.start(gate.process, "started", "2"))
        engine.clock.advance(60)
        for _ in range(20):
            await asyncio.sleep(0.002)
        late.set()
        await engine.until(lambda: engine.worker.worker_id != before)
        await starting
        gate.let_go.set()
        await engine.settle()  # without time passing: no beat comes to help
        assert await store.count_runs() == {"done": 2}


async def test_a_run_is_begun_although_whoever_asked_for_it_gave_up(begin: Begin, world: World) -> None:
    """A web request that is cut off must not leave its run with a worker that knows nothing of it."""

    async def body(run: Run, _value: Any) -> None:
        await run.step("work", lambda _key: world.read("work"), returns=str)

    engine = await begin(process := a_process(body))
    for number in range(20):
        asking = asyncio.create_task(engine.start(process, str(number), str(number)))
        for _ in range(number % 5):
            await asyncio.sleep(0)
        asking.cancel()
    await engine.settle()
    counts = await engine.store.count_runs()
    assert set(counts) <= {"done"}
    assert world.counts["work"] == counts.get("done", 0) > 0


async def test_a_worker_takes_no_more_than_it_has_room_for(begin: Begin, gate: Gate) -> None:
    engine = await begin(gate.process, runs_max=5)
    await asyncio.gather(*(engine.start(gate.process, str(number), str(number)) for number in range(40)))
    await engine.until(lambda: gate.inside == 5)
    engine.worker.wake()
    await asyncio.sleep(0.02)
    assert (engine.worker.active, gate.inside) == (5, 5)
    gate.let_go.set()
    await engine.settle()
    assert await engine.store.count_runs() == {"done": 40}


async def test_runs_of_one_subject_never_overlap_and_keep_their_order(begin: Begin) -> None:
    inside: set[str] = set()
    went: list[str] = []

    async def body(run: Run, value: Any) -> None:
        async def work(_key: str) -> str:
            subject = value[0]
            assert subject not in inside
            inside.add(subject)
            await asyncio.sleep(0.001)
            inside.remove(subject)
            went.append(value)
            return ""

        await run.step("work", work, returns=str)

    engine = await begin(process := a_process(body, subject=lambda value: value[0]))
    values = [f"{subject}{number}" for number in range(8) for subject in "abc"]
    await asyncio.gather(*(engine.start(process, value, value) for value in values))
    await engine.settle()
    assert len(went) == 24
    for subject in "abc":
        assert [value for value in went if value[0] == subject] == [f"{subject}{number}" for number in range(8)]


async def test_what_was_published_while_a_worker_died_comes_out_once(begin: Begin, world: World) -> None:
    async def body(run: Run, _value: Any) -> None:
        for name in "abc":
            run.publish(told(f"before {name}"))
            await run.step(name, lambda _key, name=name: world.read(name), returns=str)  # type: ignore[misc]
        run.publish(told("end"))

    engine = await begin(process := a_process(body))
    for number in range(10):
        await engine.start(process, str(number), str(number))
        for _ in range(number):
            await asyncio.sleep(0)
        await engine.crash()
        await engine.begin()
    await engine.settle()
    events = [event.type for event in await engine.store.read_events(0, 100)]
    done = (await engine.store.count_runs()).get("done", 0)
    assert sorted(events) == sorted(["before a", "before b", "before c", "end"] * done)


# ── a database that goes away, and one that cannot take a record ────────────────────────────────────


class Flaky:
    """A store that is away for as long as it is told so, before or after it has applied a batch."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.down = False
        self.claims_fail = 0
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def apply(self, commits: Sequence[Commit], now: Instant) -> Sequence[Outcome]:
        await self._be_there()
        return await self._store.apply(commits, now)

    async def claim(
        self, worker_id: str, known: Known, queues: Mapping[str, int], now: Instant
    ) -> Sequence[ClaimedRun]:
        await self._be_there()
        if self.claims_fail:
            self.claims_fail -= 1
            raise ValueError("a row nobody can read")
        return await self._store.claim(worker_id, known, queues, now)

    async def beat(self, worker_id: str, now: Instant, lease_until: Instant) -> bool:
        await self._be_there()
        return await self._store.beat(worker_id, now, lease_until)

    async def register(self, worker_id: str, known: Known, now: Instant, lease_until: Instant) -> None:
        await self._be_there()
        await self._store.register(worker_id, known, now, lease_until)

    async def _be_there(self) -> None:
        self.calls += 1
        await asyncio.sleep(0)
        if self.down:
            raise StoreUnavailable("away", code="store-lost")


async def flaky(stores: Stores) -> Flaky:
    return Flaky(await stores.open())


def three_steps(world: World, on_second: Callable[[], Awaitable[None]]) -> Process[Any]:
    async def body(run: Run, _value: Any) -> str:
        await run.step("one", lambda _key: world.read("one"), returns=str)

        async def second(key: str) -> Any:
            await on_second()
            return await world.write("two", key)

        await run.step("two", second, returns=str, recall=lambda key: world.find("two", key))
        return await run.step("three", lambda _key: world.read("three"), returns=str)

    return a_process(body)


async def test_a_store_that_goes_away_in_the_middle_loses_nothing(stores: Stores, world: World) -> None:
    store = await flaky(stores)

    async def go_away() -> None:
        store.down = True

    process = three_steps(world, go_away)
    async with engine_with(store, stores.clock, process) as engine:  # type: ignore[arg-type]
        await engine.start(process, "1", "1")
        await engine.until(lambda: engine.committer.figures.outages > 0)
        assert world.calls == ["one", "two"], "nobody goes on as if it were written"
        for _ in range(3):
            engine.clock.advance(5)
            await asyncio.sleep(0.005)
        assert world.calls == ["one", "two"]
        store.down = False
        await engine.advance(5)
        assert (await engine.view("p/1")).state is RunState.DONE
        assert world.calls == ["one", "two", "three"]


async def test_a_worker_outlives_a_store_that_was_away_for_longer_than_its_lease(
    stores: Stores, world: World
) -> None:
    store = await flaky(stores)

    async def nothing() -> None:
        pass

    process = three_steps(world, nothing)
    async with engine_with(store, stores.clock, process, lease_seconds=15) as engine:  # type: ignore[arg-type]
        before = engine.worker.worker_id
        store.down = True
        for _ in range(12):
            engine.clock.advance(5)
            await asyncio.sleep(0.002)
        store.down = False
        engine.clock.advance(5)
        await engine.until(lambda: engine.worker.worker_id != before)
        assert engine.worker.alive
        assert (await engine.go(process, "1", "1")).state is RunState.DONE


async def test_a_worker_outlives_a_claim_that_fails_as_nobody_expected(stores: Stores, world: World) -> None:
    store = await flaky(stores)

    async def nothing() -> None:
        pass

    process = three_steps(world, nothing)
    async with engine_with(store, stores.clock, process) as engine:  # type: ignore[arg-type]
        store.claims_fail = 3
        await engine.store.apply([Commit(starts=(process.start("1", "1"),))], engine.clock.now())
        await engine.settle()
        assert (await engine.view("p/1")).state is RunState.DONE


async def test_a_committer_that_stops_while_the_store_is_away_does_not_hang(stores: Stores, world: World) -> None:
    store = await flaky(stores)

    async def go_away() -> None:
        store.down = True

    process = three_steps(world, go_away)
    engine = Engine(store, stores.clock, [process])  # type: ignore[arg-type]
    await engine.begin()
    await engine.start(process, "1", "1")
    await engine.until(lambda: engine.committer.figures.outages > 0)
    stopping = asyncio.create_task(engine.stop())
    while not stopping.done():
        engine.clock.advance(5)
        await asyncio.sleep(0.001)
    store.down = False
    await engine.begin()
    await engine.settle()
    assert (await engine.view("p/1")).state is RunState.DONE
    assert world.counts["two"] == 1
    await engine.crash()


POISON = "nobody\ud800"  # half a character: no database keeps it in a text


@pytest.mark.parametrize("place", ["step", "end"])
async def test_a_run_whose_record_no_database_takes_is_parked(begin: Begin, world: World, place: str) -> None:
    async def body(run: Run, _value: Any) -> None:
        if place == "end":
            await run.step("work", lambda _key: world.read("work"), returns=str)
        run.publish(Outgoing("happened", POISON, b"{}"))
        if place == "step":
            await run.step("work", lambda _key: world.read("work"), returns=str)

    engine = await begin(process := a_process(body))
    view = await engine.go(process, "1", "1")
    assert view.parking is not None
    assert (view.state, view.parking.category) == (RunState.PARKED, "bug")
    assert await engine.store.read_events(0, 5) == []


async def test_a_run_that_cannot_even_be_parked_with_its_events_is_parked_without(begin: Begin) -> None:
    async def body(_run: Run, _value: Any) -> None:
        raise Unavailable("x", code="x")

    def poisonous(_value: Any, _happening: Any) -> list[Outgoing]:
        return [Outgoing("parked", POISON, b"{}")]

    engine = await begin(process := a_process(body, announce=poisonous))
    assert (await engine.go(process, "1", "1")).state is RunState.PARKED


async def test_faults_in_one_run_cost_the_others_nothing(begin: Begin, world: World) -> None:
    async def body(run: Run, value: Any) -> None:
        await run.step("work", lambda _key: world.read("work"), returns=str)
        if value == "7":
            run.publish(Outgoing("happened", POISON, b"{}"))
        else:
            run.publish(told("happened"))

    world.faults = [fault(Unavailable)] * 5
    engine = await begin(process := a_process(body))
    await asyncio.gather(*(engine.start(process, str(number), str(number)) for number in range(30)))
    await engine.advance(10, steps=4)
    assert await engine.store.count_runs() == {"done": 29, "parked": 1}
    assert len(await engine.store.read_events(0, 99)) == 29
