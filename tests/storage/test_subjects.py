"""Runs about one subject go one after another, in the order in which they were started."""

import pytest
from tests.storage.rows import (
    NOW,
    PARKING,
    a_start,
    an_end,
    analyse,
    apply,
    claim,
    claim_one,
    plan_of,
    start,
    state_of,
    states,
)

from crossdock.durable.records import Commit, Fate, RunState
from crossdock.durable.store import Action
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.subjects import FOLLOWING

pytestmark = pytest.mark.anyio


def release(run_id: str, state: RunState = RunState.READY) -> Action:
    queue = "ready" if state is RunState.READY else ""
    return Action(run_id=run_id, verb="retry", actor="ann", reason="why", state=state, queue=queue)


async def run_through(store: SqlStore) -> list[str]:
    """Claim and end until nothing is left; the order in which runs went. Never two of a subject at once."""
    went = []
    while taken := await claim(store):
        assert len({run.subject for run in taken}) == len(taken)
        for claimed in taken:
            went.append(claimed.run_id)
            assert (await apply(store, an_end(claimed)))[0].fate is Fate.APPLIED
    return went


async def test_they_go_in_the_order_of_their_commits_not_of_their_names(store: SqlStore) -> None:
    await start(store, a_start("z", "s"), a_start("m", "s"))
    await apply(store, Commit(starts=(a_start("y", "s"),)), Commit(starts=(a_start("b", "s"),)))
    await start(store, a_start("a", "s"))
    assert await run_through(store) == ["z", "m", "y", "b", "a"]


async def test_they_go_in_order_although_the_starters_clocks_differ(store: SqlStore) -> None:
    await start(store, a_start("head", "s"))
    await start(store, a_start("first", "s"), now=NOW + 9_000_000)
    await start(store, a_start("second", "s"), now=NOW)
    assert await run_through(store) == ["head", "first", "second"]


async def test_a_later_run_is_queued_and_becomes_ready_with_the_end_of_the_one_before(store: SqlStore) -> None:
    await start(store, a_start("a", "s"), a_start("b", "s"), a_start("c", "other"))
    assert await states(store) == {"a": RunState.READY, "b": RunState.QUEUED, "c": RunState.READY}
    taken = {claimed.run_id: claimed for claimed in await claim(store)}
    await apply(store, an_end(taken["a"]))
    assert await state_of(store, "b") is RunState.READY


async def test_a_run_that_starts_while_the_last_one_ends_waits_for_nobody(store: SqlStore) -> None:
    await start(store, a_start("a", "s"))
    end = an_end(await claim_one(store))
    end.starts = (a_start("b", "s"),)
    await apply(store, end)
    assert await run_through(store) == ["b"]


async def test_a_subject_that_was_left_can_be_entered_again(store: SqlStore) -> None:
    for name in ("a", "b"):
        await start(store, a_start(name, "s"))
        assert await run_through(store) == [name]


async def test_a_parked_run_holds_back_only_its_own_subject(store: SqlStore) -> None:
    await start(store, a_start("a", "s"), a_start("b", "s"), a_start("c", "other"))
    taken = {claimed.run_id: claimed for claimed in await claim(store)}
    await apply(store, an_end(taken["a"], RunState.PARKED, parking=PARKING), an_end(taken["c"]))
    assert await claim(store) == []
    await store.operate([release("a", RunState.SKIPPED)], NOW)
    assert await run_through(store) == ["b"]


async def test_a_waiting_run_keeps_its_turn(store: SqlStore) -> None:
    await start(store, a_start("a", "s"), a_start("b", "s"))
    await apply(store, an_end(await claim_one(store), RunState.WAITING, wake_at=NOW + 5))
    assert await claim(store) == []
    (again,) = await claim(store, now=NOW + 5)
    assert again.run_id == "a"


async def test_a_run_that_begins_parked_behind_another_waits_for_its_turn_when_released(store: SqlStore) -> None:
    await start(store, a_start("a", "s"), a_start("b", "s", parking=PARKING), a_start("c", "s"))
    assert await states(store) == {"a": RunState.READY, "b": RunState.PARKED, "c": RunState.QUEUED}
    assert await store.operate([release("b")], NOW) == [True]
    assert await state_of(store, "b") is RunState.QUEUED
    assert await run_through(store) == ["a", "b", "c"]


async def test_a_run_that_begins_parked_holds_its_subject_when_its_turn_comes(store: SqlStore) -> None:
    await start(store, a_start("a", "s"), a_start("b", "s", parking=PARKING), a_start("c", "s"))
    assert await run_through(store) == ["a"]
    assert await states(store) == {"a": RunState.DONE, "b": RunState.PARKED, "c": RunState.QUEUED}
    await store.operate([release("b")], NOW)
    assert await run_through(store) == ["b", "c"]


async def test_a_run_skipped_before_its_turn_leaves_the_queue_whole(store: SqlStore) -> None:
    await start(store, a_start("a", "s"), a_start("b", "s", parking=PARKING), a_start("c", "s"))
    await store.operate([release("b", RunState.SKIPPED)], NOW)
    assert await run_through(store) == ["a", "c"]
    assert (await store._read(lambda tx: tx.execute("SELECT count(*) FROM subject").fetchone()))[0] == 0


async def test_the_next_of_a_subject_is_found_without_a_look_at_all_its_runs(store: SqlStore) -> None:
    await start(store, *(a_start(f"{number}", f"s{number % 50}") for number in range(500)))
    await start(store, *(a_start(f"next{number}", "s") for number in range(500)))
    await analyse(store)
    plan = await plan_of(store, FOLLOWING, ("s", "head"))
    assert "run_by_turn" in plan
    assert "sort" not in plan
    assert "b-tree" not in plan
