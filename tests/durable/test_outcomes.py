"""What a step came to: durable before anything else is done outside, at the price of no commit of its own."""

from typing import Any

import pytest
from tests.durable.conftest import Begin
from tests.durable.recipes import World, a_process, fault, told

from crossdock.durable.records import RunState, StepState
from crossdock.durable.run import Run
from crossdock.kit.errors import Invalid, OutcomeUnknown, Unavailable

pytestmark = pytest.mark.anyio


async def test_what_a_step_came_to_goes_with_the_commit_that_follows(begin: Begin, world: World) -> None:
    async def body(run: Run, _value: Any) -> None:
        await run.step("read", lambda _key: world.read("read"), returns=str)
        await run.step("write", lambda key: world.write("write", key), returns=str, recall=lambda _key: none())

    engine = await begin(process := a_process(body))
    view = await engine.go(process, "1", "1")
    assert engine.committer.figures.commits == 3  # the start, the intention, the end
    assert {row.step: row.state for row in view.journal} == {"read": StepState.DONE, "write": StepState.DONE}


@pytest.mark.parametrize("writes", [True, False])
async def test_nothing_is_done_outside_before_the_last_outcome_is_durable(
    begin: Begin, world: World, writes: bool
) -> None:
    async def body(run: Run, _value: Any) -> None:
        async def look(_key: str) -> str:
            rows = {row.step: row.state for row in (await engine.view("p/1")).journal}
            assert rows["one"] is StepState.DONE
            return "seen"

        await run.step("one", lambda _key: world.read("one"), returns=str)
        await run.step("two", look, returns=str, undo=(lambda _key: none()) if writes else None)

    engine = await begin(process := a_process(body))
    assert (await engine.go(process, "1", "1")).state is RunState.DONE


async def test_a_question_about_a_write_waits_for_the_last_outcome_too(begin: Begin, world: World) -> None:
    added: list[str] = []

    async def body(run: Run, _value: Any) -> None:
        async def find(_key: str) -> str:
            world.next_fault(world.faults)
            rows = {row.step: row.state for row in (await engine.view("p/1")).journal}
            assert rows["new"] is StepState.DONE
            return "found"

        if added:  # the code got a step more while the run was under way
            await run.step("new", lambda _key: world.read("new"), returns=str)
        await run.step("write", lambda key: world.write("write", key), returns=str, recall=find)

    engine = await begin(process := a_process(body))
    world.faults = [fault(OutcomeUnknown), fault(Unavailable)]
    assert (await engine.go(process, "1", "1")).state is RunState.WAITING
    added.append("new")
    await engine.advance(60)
    assert (await engine.view("p/1")).state is RunState.DONE
    assert world.calls == ["write", "new"]


async def test_what_is_published_after_a_step_is_published_once_whatever_falls_between(
    begin: Begin, world: World
) -> None:
    async def body(run: Run, _value: Any) -> None:
        run.publish(told("before"))
        await run.step("one", lambda _key: world.read("one"), returns=str)
        run.publish(told("after"))
        await run.step("two", lambda _key: world.read("two"), returns=str)

    engine = await begin(process := a_process(body))
    world.faults = [None, ValueError("the second step breaks, with what the first came to on record")]
    await engine.go(process, "1", "1")
    assert [event.type for event in await engine.store.read_events(0, 9)] == ["before"]
    await engine.desk.retry(["p/1"], actor="ada", reason="again")
    await engine.settle()
    assert [event.type for event in await engine.store.read_events(0, 9)] == ["before", "after"]
    assert world.counts == {"one": 1, "two": 2}


async def test_a_run_that_parks_keeps_what_its_steps_came_to(begin: Begin, world: World) -> None:
    async def body(run: Run, _value: Any) -> None:
        await run.step("one", lambda _key: world.write("one", "k"), returns=str, recall=lambda _key: none())
        raise Invalid("somebody has to look", code="look")

    engine = await begin(process := a_process(body))
    view = await engine.go(process, "1", "1")
    assert (view.state, [row.state for row in view.journal]) == (RunState.PARKED, [StepState.DONE])
    await engine.desk.retry(["p/1"], actor="ada", reason="again")
    await engine.settle()
    assert world.calls == ["one"]


async def none() -> None:
    return None
