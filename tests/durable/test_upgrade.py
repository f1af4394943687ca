"""Two versions of one process at work on one database: each run follows a recipe that knows it, and only one."""

from typing import Any

import pytest
from tests.durable.conftest import Begin
from tests.durable.recipes import World, a_process
from tests.engine import Engine

from crossdock.durable.cookbook import Cookbook
from crossdock.durable.process import Process
from crossdock.durable.records import Commit, RunState
from crossdock.durable.run import Run
from crossdock.kit.errors import Misconfigured, Unavailable

pytestmark = pytest.mark.anyio


def recipe(world: World, version: int, *steps: str, **facts: Any) -> Process[Any]:
    """So many steps, each a question to the world."""

    async def body(run: Run, _value: Any) -> None:
        for step in steps:
            await run.step(step, lambda _key, step=step: world.read(f"v{version} {step}"), returns=str)  # type: ignore[misc]

    return a_process(body, version=version, **facts)


async def start_unleased(engine: Engine, process: Process[Any], *keys: str) -> None:
    """Starts that any worker may take up."""
    starts = tuple(process.start(key, key) for key in keys)
    await engine.store.apply([Commit(starts=starts)], engine.clock.now())


async def test_a_worker_leaves_what_it_does_not_know_to_one_that_does(begin: Begin, world: World) -> None:
    older, newer = recipe(world, 1, "a"), recipe(world, 2, "a", "b")
    engine = await begin(older)
    await start_unleased(engine, newer, "new")
    await start_unleased(engine, older, "old")
    await engine.settle()
    assert ((await engine.view("p/new")).state, (await engine.view("p/old")).state) == ("ready", "done")
    await engine.stop()
    engine.processes = [newer]
    await engine.begin()
    await engine.settle()
    assert (await engine.view("p/new")).state is RunState.DONE
    assert world.calls == ["v1 a", "v2 a", "v2 b"]


async def test_what_a_newer_recipe_has_carried_on_no_older_one_takes_again(begin: Begin, world: World) -> None:
    older, newer = recipe(world, 1, "a", "z"), recipe(world, 2, "a", "renamed", continues=(1,))
    world.faults = [None, *(Unavailable("x", code="x") for _ in range(2))]
    engine = await begin(older)
    await engine.go(older, "1", "1")
    await engine.stop()
    engine.processes = [newer]
    await engine.begin()
    await engine.advance(5)
    assert (await engine.view("p/1")).version == 2
    await engine.stop()
    engine.processes = [older]
    await engine.begin()
    await engine.advance(60)
    assert (await engine.view("p/1")).state is RunState.WAITING, "z would be done beside what it was renamed to"
    await engine.stop()
    engine.processes = [newer]
    await engine.begin()
    await engine.settle()
    assert (await engine.view("p/1")).state is RunState.DONE
    assert world.calls == ["v1 a", "v1 z", "v2 renamed", "v2 renamed"]


async def test_a_worker_may_keep_the_older_recipe_beside_the_newer_one(begin: Begin, world: World) -> None:
    older, newer = recipe(world, 1, "a"), recipe(world, 2, "b")
    engine = await begin(older, newer)
    await start_unleased(engine, newer, "new")
    await start_unleased(engine, older, "old")
    await engine.settle()
    assert sorted(world.calls) == ["v1 a", "v2 b"]


async def test_what_no_worker_knows_waits_for_an_upgrade_and_is_then_parked_with_an_owner(
    begin: Begin, world: World
) -> None:
    older, newer = recipe(world, 1, "a"), recipe(world, 2, "a")
    engine = await begin(older)
    await start_unleased(engine, newer, "1", "2")
    engine.clock.advance(590)
    assert await engine.store.park_strangers(engine.clock.now()) == 0
    engine.clock.advance(11)
    assert await engine.store.park_strangers(engine.clock.now()) == 2
    view = await engine.view("p/1")
    assert view.parking is not None
    assert (view.parking.code, view.parking.owner, view.parking.reason) == (
        "unknown-process",
        "operations",
        "no worker knows p@2",
    )


async def test_a_timer_of_a_version_that_nobody_knows_is_not_slept_through_for_ever(
    begin: Begin, world: World
) -> None:
    newer = recipe(world, 2, "a")
    world.faults = [Unavailable("x", code="x")]
    engine = await begin(newer)
    await engine.go(newer, "1", "1")
    await engine.stop()
    engine.processes = [recipe(world, 1, "a")]
    await engine.begin()
    await engine.advance(5)
    assert (await engine.view("p/1")).state is RunState.WAITING
    engine.clock.advance(700)
    now = engine.clock.now()
    assert await engine.store.park_strangers(now) == 1
    assert (await engine.view("p/1")).state is RunState.PARKED


def test_two_recipes_under_one_name_and_version_are_refused(world: World) -> None:
    with pytest.raises(Misconfigured, match="two processes"):
        Cookbook([recipe(world, 1, "a"), recipe(world, 1, "b")])
