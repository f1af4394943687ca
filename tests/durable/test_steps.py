"""What a step promises: done once, asked for before it is repeated, undone in reverse."""

import itertools
from typing import Any

import msgspec
import pytest
from tests.durable.conftest import Begin
from tests.durable.recipes import World, a_process, fault, told

from crossdock.durable.records import RunState, StepState
from crossdock.durable.retries import RetryPolicy
from crossdock.durable.run import Run
from crossdock.kit.errors import (
    CompensationFailed,
    Invalid,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.kit.ids import write_key
from crossdock.stock.holds import CountStock, Held, HoldStock, ReleaseStock, StockCount, Wanted

pytestmark = pytest.mark.anyio
SETTLE_SECONDS = 30.0


class Order(msgspec.Struct, frozen=True):
    number: str
    lines: tuple[int, ...] = ()


async def test_a_finished_step_is_not_done_again_and_returns_what_it_returned(begin: Begin, world: World) -> None:
    seen: list[Order] = []

    async def body(run: Run, _value: Any) -> None:
        async def make(_key: str) -> Order:
            await world.read("one")
            return Order("O-1", (1, 2))

        seen.append(await run.step("one", make, returns=Order))
        await run.step("two", lambda _key: world.read("two"), returns=str)

    world.faults = [None, fault(Unavailable)]
    engine = await begin(process := a_process(body))
    assert (await engine.go(process, "1", "1")).state is RunState.WAITING
    await engine.advance(2)
    assert (await engine.view("p/1")).state is RunState.DONE
    assert world.calls == ["one", "two", "two"]
    assert seen == [Order("O-1", (1, 2))] * 2


async def test_a_write_is_intended_before_it_is_made_and_made_under_one_key(begin: Begin, world: World) -> None:
    states: list[StepState] = []

    async def body(run: Run, _value: Any) -> str:
        async def write(key: str) -> str:
            (row,) = (await engine.view("p/1")).journal
            states.append(row.state)
            assert key == write_key("p/1", "write")
            return str(await world.write("write", key))

        return await run.step("write", write, returns=str, undo=lambda key: world.undo("write", key))

    engine = await begin(process := a_process(body))
    view = await engine.go(process, "1", "1")
    assert states == [StepState.INTENT]
    assert (view.state, view.result) == (RunState.DONE, b'"write"')
    assert [(row.state, row.attempts) for row in view.journal] == [(StepState.DONE, 1)]


# ── nobody heard the outcome ────────────────────────────────────────────────────────────────────────


def a_writer(world: World, *, settle_seconds: float = SETTLE_SECONDS, recall: bool = True) -> Any:
    async def body(run: Run, _value: Any) -> Any:
        return await run.step(
            "write",
            lambda key: world.write("write", key),
            returns=str,
            undo=lambda key: world.undo("write", key),
            recall=(lambda key: world.find("write", key)) if recall else None,
            settle_seconds=settle_seconds,
        )

    return a_process(body, retries=RetryPolicy(attempts_max=3))


async def test_a_write_whose_answer_was_lost_is_found_and_not_made_again(begin: Begin, world: World) -> None:
    world.after = [fault(OutcomeUnknown)]
    engine = await begin(process := a_writer(world))
    view = await engine.go(process, "1", "1")
    assert (view.state, view.result) == (RunState.DONE, b'"write"')
    assert world.calls == ["write", "find write"]


async def test_a_write_that_may_still_land_is_not_repeated_before_it_has_settled(
    begin: Begin, world: World
) -> None:
    world.faults = [fault(OutcomeUnknown)]
    engine = await begin(process := a_writer(world))
    assert (await engine.go(process, "1", "1")).state is RunState.WAITING
    await engine.advance(SETTLE_SECONDS - 1)
    assert world.counts["write"] == 1
    await engine.advance(1)
    assert (await engine.view("p/1")).state is RunState.DONE
    assert world.calls == ["write", "find write", "find write", "write"]


async def test_where_nothing_lands_late_a_lost_write_is_repeated_at_once_however_fast_the_clock_is(
    begin: Begin, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A microsecond between two readings was taken for a time to wait, and that again and again."""
    world.faults = [fault(OutcomeUnknown)]
    engine = await begin(process := a_writer(world, settle_seconds=0))
    stands_still = engine.clock.now
    ticks = itertools.count()
    monkeypatch.setattr(engine.clock, "now", lambda: stands_still() + next(ticks))
    assert (await engine.go(process, "1", "1")).state is RunState.DONE
    assert world.calls == ["write", "find write", "write"]


async def test_a_write_that_lands_late_is_found(begin: Begin, world: World) -> None:
    world.faults = [fault(OutcomeUnknown)]
    engine = await begin(process := a_writer(world))
    await engine.go(process, "1", "1")
    world.done[write_key("p/1", "write")] = "late"
    await engine.advance(SETTLE_SECONDS)
    assert (await engine.view("p/1")).result == b'"late"'
    assert world.counts["write"] == 1


async def test_after_a_crash_the_time_to_settle_runs_from_when_the_loss_was_noticed(
    begin: Begin, world: World
) -> None:
    """The intention may have waited long before the call was made: its own time says nothing."""
    held: list[Any] = []

    async def stuck(_name: str, _key: str) -> Any:
        held.append(engine.worker)
        await engine.clock.sleep(10_000)

    engine = await begin(process := a_writer(world))
    world.write = stuck  # type: ignore[method-assign, assignment]
    await engine.start(process, "1", "1")
    await engine.until(lambda: bool(held))
    engine.clock.advance(3_600)
    await engine.crash()
    del world.write
    await engine.begin()
    await engine.advance(20)
    assert (await engine.view("p/1")).state is RunState.WAITING
    assert world.calls == ["find write"]
    await engine.advance(SETTLE_SECONDS)
    assert (await engine.view("p/1")).state is RunState.DONE
    assert world.counts["write"] == 1


async def test_a_loss_noticed_by_a_clock_that_ran_ahead_is_noticed_again(begin: Begin, world: World) -> None:
    """Its time to settle would else begin in an hour."""
    world.faults = [fault(OutcomeUnknown)]
    engine = await begin(process := a_writer(world))
    engine.clock.advance(3_600)
    assert (await engine.go(process, "1", "1")).state is RunState.WAITING
    engine.clock.advance(-3_600)
    await engine.store._write(lambda tx: tx.execute("UPDATE run SET wake_at = ?", (engine.clock.now(),)))
    await engine.settle()
    await engine.advance(SETTLE_SECONDS)
    assert (await engine.view("p/1")).state is RunState.DONE
    assert world.counts["write"] == 2


async def test_an_outcome_that_stays_unknown_is_parked_after_so_many_attempts(begin: Begin, world: World) -> None:
    lost: list[BaseException | None] = [fault(OutcomeUnknown), None, None]
    world.faults = [*lost, *lost, *lost]
    engine = await begin(process := a_writer(world))
    await engine.go(process, "1", "1")
    await engine.advance(10 * SETTLE_SECONDS, steps=10)
    view = await engine.view("p/1")
    assert view.parking is not None
    assert (view.state, view.parking.category) == (RunState.PARKED, "ask")
    assert world.counts["write"] == 3


async def test_a_write_that_cannot_be_looked_up_is_parked_at_once(begin: Begin, world: World) -> None:
    world.after = [fault(OutcomeUnknown)]
    engine = await begin(process := a_writer(world, recall=False))
    view = await engine.go(process, "1", "1")
    assert (view.state, world.counts["write"]) == (RunState.PARKED, 1)


async def test_while_the_system_cannot_be_asked_the_outcome_stays_unknown(begin: Begin, world: World) -> None:
    world.after = [fault(OutcomeUnknown)]
    world.faults = [None, fault(Unavailable), fault(Throttled, retry_after_seconds=60.0)]
    engine = await begin(process := a_writer(world))
    await engine.go(process, "1", "1")
    await engine.advance(10)
    await engine.advance(59)
    assert world.calls == ["write", "find write", "find write"]
    await engine.advance(1)
    assert (await engine.view("p/1")).state is RunState.DONE
    assert world.counts["write"] == 1


async def test_a_refusal_to_tell_is_no_refusal_of_the_write(begin: Begin, world: World) -> None:
    world.after = [fault(OutcomeUnknown)]
    world.faults = [None, fault(Rejected)]
    engine = await begin(process := a_writer(world))
    view = await engine.go(process, "1", "1")
    assert view.parking is not None
    assert (view.state, view.parking.category) == (RunState.PARKED, "ask")
    assert view.journal[0].state is not StepState.REFUSED


async def test_a_question_whose_answer_was_lost_is_simply_asked_again(begin: Begin, world: World) -> None:
    async def body(run: Run, _value: Any) -> str:
        return await run.step("read", lambda _key: world.read("read"), returns=str)

    world.faults = [fault(OutcomeUnknown)]
    engine = await begin(process := a_process(body))
    await engine.go(process, "1", "1")
    await engine.advance(2)
    assert (await engine.view("p/1")).state is RunState.DONE


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────


def a_chain(world: World, *names: str, pivot: str = "") -> Any:
    """Writes one after the other; a refusal turns back."""

    async def body(run: Run, _value: Any) -> str:
        try:
            for name in names:
                await run.step(
                    name,
                    lambda key, name=name: world.write(name, key),  # type: ignore[misc]
                    returns=str,
                    undo=lambda key, name=name: world.undo(name, key),  # type: ignore[misc]
                    recall=lambda key, name=name: world.find(name, key),  # type: ignore[misc]
                    pivot=name == pivot,
                )
        except Rejected as refusal:
            await run.compensate()
            return refusal.message
        return "done"

    return a_process(body)


async def test_a_refusal_undoes_what_was_done_in_reverse(begin: Begin, world: World) -> None:
    world.faults = [None, None, fault(Rejected)]
    engine = await begin(process := a_chain(world, "a", "b", "c"))
    view = await engine.go(process, "1", "1")
    assert (view.state, view.result) == (RunState.DONE, b'"Rejected on purpose"')
    assert world.calls == ["a", "b", "c", "undo b", "undo a"]
    assert world.done == {}


async def test_a_refusal_comes_out_the_same_on_every_replay(begin: Begin, world: World) -> None:
    world.faults = [None, fault(Rejected), fault(Unavailable)]
    engine = await begin(process := a_chain(world, "a", "b"))
    assert (await engine.go(process, "1", "1")).state is RunState.WAITING
    await engine.advance(2)
    assert (await engine.view("p/1")).result == b'"Rejected on purpose"'
    assert world.calls == ["a", "b", "undo a", "undo a"]


async def test_an_undo_whose_answer_was_lost_is_made_again(begin: Begin, world: World) -> None:
    world.faults = [None, fault(Rejected), fault(OutcomeUnknown)]
    engine = await begin(process := a_chain(world, "a", "b"))
    await engine.go(process, "1", "1")
    await engine.advance(2)
    assert (await engine.view("p/1")).state is RunState.DONE
    assert world.calls == ["a", "b", "undo a", "undo a"]


async def test_a_refused_undo_goes_to_a_person_and_can_be_tried_again(begin: Begin, world: World) -> None:
    world.faults = [None, fault(Rejected), fault(Rejected, "period-closed", vendor_code="PC")]
    engine = await begin(process := a_chain(world, "a", "b"))
    view = await engine.go(process, "1", "1")
    assert view.parking is not None
    assert (view.parking.category, view.parking.code) == ("assign", "undo-refused")
    assert (view.parking.vendor_code, view.parking.owner) == ("PC", "order-desk")
    await engine.desk.retry(["p/1"], actor="ann")
    await engine.settle()
    assert (await engine.view("p/1")).state is RunState.DONE
    assert world.calls == ["a", "b", "undo a", "undo a"]


async def test_a_refused_undo_that_somebody_made_by_hand_is_not_made_again(begin: Begin, world: World) -> None:
    world.faults = [None, fault(Rejected), fault(Rejected)]
    engine = await begin(process := a_chain(world, "a", "b"))
    await engine.go(process, "1", "1")
    await engine.desk.repair("p/1", actor="ann", reason="cancelled by phone", results={"undo:a": b"null"})
    await engine.settle()
    assert (await engine.view("p/1")).state is RunState.DONE
    assert world.counts["undo a"] == 1


async def test_after_the_pivot_only_forward(begin: Begin, world: World) -> None:
    world.faults = [None, None, fault(Rejected)]
    engine = await begin(process := a_chain(world, "a", "b", "c", pivot="b"))
    view = await engine.go(process, "1", "1")
    assert view.parking is not None
    assert (view.state, view.parking.category) == (RunState.PARKED, "bug")
    assert world.calls == ["a", "b", "c"], "nothing was undone"


async def test_told_to_turn_back_after_the_pivot_it_goes_to_a_person(begin: Begin, world: World) -> None:
    world.faults = [None, fault(Invalid)]
    engine = await begin(process := a_chain(world, "a", "b", pivot="a"))
    await engine.go(process, "1", "1")
    await engine.desk.compensate(["p/1"], actor="ann", reason="the customer called")
    await engine.settle()
    view = await engine.view("p/1")
    assert view.parking is not None
    assert (view.parking.category, view.parking.code) == ("assign", "past-pivot")
    await engine.desk.retry(["p/1"], actor="ann")
    await engine.settle()
    assert (await engine.view("p/1")).result == b'"done"'


async def test_a_write_in_doubt_is_undone_only_when_it_can_no_longer_land(begin: Begin, world: World) -> None:
    async def body(run: Run, _value: Any) -> str:
        try:
            return await run.step(
                "write",
                lambda key: world.write("write", key),
                returns=str,
                undo=lambda key: world.undo("write", key),
                settle_seconds=SETTLE_SECONDS,
            )
        except Rejected as refusal:
            await run.compensate()
            return refusal.message

    world.faults = [fault(OutcomeUnknown)]
    engine = await begin(process := a_process(body))
    assert (await engine.go(process, "1", "1")).state is RunState.PARKED
    await engine.desk.compensate(["p/1"], actor="ann", reason="given up")
    await engine.settle()
    await engine.advance(SETTLE_SECONDS - 1)
    world.done[write_key("p/1", "write")] = "late"
    assert world.calls == ["write"]
    await engine.advance(1)
    assert (await engine.view("p/1")).result == b'"given up"'
    assert (world.calls, world.done) == (["write", "undo write"], {})


async def test_effects_and_their_undoing_go_with_their_steps(begin: Begin, world: World) -> None:
    async def body(run: Run, _value: Any) -> str:
        await run.record("count", CountStock(counts=(StockCount("P", "W", 5),)), returns=object)
        try:
            held = await run.record(
                "hold",
                HoldStock(key="k", wanted=(Wanted("1", "P", 5),)),
                returns=Held,
                undo=ReleaseStock(key="k"),
            )
            assert held.micro("1") == 5
            await run.step("ask", lambda _key: world.read("ask"), returns=str)
        except Rejected:
            await run.compensate()
        return "refused"

    world.faults = [fault(Rejected)]
    engine = await begin(process := a_process(body))
    view = await engine.go(process, "1", "1")
    assert view.result == b'"refused"'
    assert {row.step for row in view.journal} == {"count", "hold", "ask", "undo:hold"}
    levels = await engine.store._read(lambda tx: tx.execute("SELECT available, held FROM stock_level").fetchall())
    assert [tuple(level) for level in levels] == [(5, 0)]


# ── faults that pass ────────────────────────────────────────────────────────────────────────────────


def a_reader(world: World, attempts_max: int = 4) -> Any:
    async def body(run: Run, _value: Any) -> str:
        return await run.step("read", lambda _key: world.read("read"), returns=str)

    policy = RetryPolicy(attempts_max=attempts_max, first_wait_seconds=10, wait_seconds_max=25)
    return a_process(body, retries=policy)


async def test_a_passing_fault_is_tried_again_after_a_wait_that_doubles_up_to_a_limit(
    begin: Begin, world: World
) -> None:
    world.faults = [fault(Unavailable)] * 3
    engine = await begin(process := a_reader(world))
    await engine.go(process, "1", "1")
    waits = []
    for _ in range(3):
        view = await engine.view("p/1")
        assert view.wake_at is not None
        waits.append((view.wake_at - engine.clock.now()) / 1_000_000)
        await engine.advance(waits[-1])
    for wait, base in zip(waits, (10, 20, 25), strict=True):
        assert base <= wait <= base * 1.25
    assert (await engine.view("p/1")).state is RunState.DONE


async def test_after_so_many_attempts_the_run_is_parked_and_a_retry_has_all_of_them_again(
    begin: Begin, world: World
) -> None:
    world.faults = [fault(Unavailable, vendor_code="503")] * 7
    engine = await begin(process := a_reader(world))
    await engine.go(process, "1", "1")
    await engine.advance(160, steps=4)
    view = await engine.view("p/1")
    assert view.parking is not None
    assert (view.state, view.parking.category, view.parking.vendor_code) == (RunState.PARKED, "retry", "503")
    assert world.counts["read"] == 4
    await engine.desk.retry(["p/1"], actor="ann")
    await engine.advance(160, steps=4)
    assert (await engine.view("p/1")).state is RunState.DONE
    assert world.counts["read"] == 8


@pytest.mark.parametrize("kind", [Throttled, Unavailable])
async def test_a_system_that_names_its_wait_is_waited_for_exactly_so_long(
    begin: Begin, world: World, kind: Any
) -> None:
    world.faults = [fault(kind, retry_after_seconds=77.0)]
    engine = await begin(process := a_reader(world))
    view = await engine.go(process, "1", "1")
    assert view.wake_at == engine.clock.now() + 77_000_000


async def test_events_go_out_once_with_the_step_they_were_published_before(begin: Begin, world: World) -> None:
    async def body(run: Run, _value: Any) -> None:
        run.publish(told("begun"))
        await run.step("a", lambda _key: world.read("a"), returns=str)
        run.publish(told("middle"))
        await run.step(
            "b",
            lambda key: world.write("b", key),
            returns=str,
            recall=lambda key: world.find("b", key),
        )
        run.publish(told("ended"))

    world.faults = [fault(Unavailable), None, fault(Unavailable)]
    engine = await begin(process := a_process(body))
    await engine.go(process, "1", "1")
    await engine.advance(10, steps=3)
    assert (await engine.view("p/1")).state is RunState.DONE
    events = await engine.store.read_events(0, 20)
    assert [event.type for event in events] == ["begun", "middle", "ended"]


async def test_a_run_that_fails_has_told_nothing_of_work_that_did_not_commit(begin: Begin) -> None:
    async def body(run: Run, _value: Any) -> None:
        run.publish(told("never"))
        raise Invalid("unreadable", code="x")

    engine = await begin(process := a_process(body))
    assert (await engine.go(process, "1", "1")).state is RunState.PARKED
    assert await engine.store.read_events(0, 5) == []


async def test_a_run_starts_others_once_with_the_step_it_started_them_before(begin: Begin, world: World) -> None:
    async def child_body(run: Run, _value: Any) -> None:
        await run.step("work", lambda _key: world.read("child"), returns=str)

    child = a_process(child_body, name="child")

    async def body(run: Run, value: Any) -> None:
        run.start(child, "c1", value)
        await run.step("a", lambda _key: world.read("a"), returns=str)
        await run.step("b", lambda _key: world.read("b"), returns=str)

    world.faults = [None, fault(Unavailable)]
    engine = await begin(process := a_process(body), child)
    await engine.go(process, "1", "1")
    await engine.advance(2)
    assert world.counts["child"] == 1
    assert (await engine.view("child/c1")).correlation_id == "1"


async def test_two_steps_of_one_name_are_a_bug_and_loud(begin: Begin, world: World) -> None:
    async def body(run: Run, _value: Any) -> None:
        for _ in range(2):
            await run.step("a", lambda _key: world.read("a"), returns=str)

    engine = await begin(process := a_process(body))
    view = await engine.go(process, "1", "1")
    assert view.parking is not None
    assert view.parking.category == "bug"
    assert "two steps are named a" in view.parking.reason


def test_a_compensation_that_failed_asks_for_a_person() -> None:
    assert CompensationFailed("x").recovery == "assign"
