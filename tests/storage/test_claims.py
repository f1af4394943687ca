"""Who takes up what: in order of rank, each run once, and nothing stays with the dead."""

import pytest
from tests.storage.rows import (
    KNOWN,
    LEASE,
    NOW,
    PARKING,
    a_start,
    an_end,
    analyse,
    apply,
    claim,
    claim_one,
    plan_of,
    registered,
    start,
    state_of,
    states,
)
from tests.stores import Stores

from crossdock.durable.records import Commit, Fate, RunState
from crossdock.kit.clock import MICROSECONDS
from crossdock.storage.batch import PRIORITY_STEP_US
from crossdock.storage.claims import _take
from crossdock.storage.sql_store import SqlStore

pytestmark = pytest.mark.anyio
HOUR = 3_600 * MICROSECONDS


async def test_runs_are_taken_up_in_order_of_priority_then_of_age(store: SqlStore) -> None:
    await start(store, a_start("old", priority=5), now=NOW)
    await start(store, a_start("urgent", priority=1), now=NOW + 1)
    await start(store, a_start("young", priority=5), now=NOW + 2)
    await start(store, a_start("last", priority=9), now=NOW)
    order = [(await claim(store, count=1))[0].run_id for _ in range(4)]
    assert order == ["urgent", "old", "young", "last"]


@pytest.mark.parametrize("counted", ["nothing", "some done", "some that sleep"])
@pytest.mark.parametrize(
    ("order", "index", "first"),
    [("rank", "run_by_queue", "ready"), ("rank", "run_by_queue", "lane:erp"), ("wake_at", "run_by_wake", NOW)],
)
async def test_a_claim_reads_no_more_of_a_backlog_than_it_takes(
    store: SqlStore, order: str, index: str, first: object, counted: str
) -> None:
    if counted != "nothing":
        await start(store, *(a_start(f"old{number}") for number in range(100)))
        state, wake_at = (RunState.DONE, None) if counted == "some done" else (RunState.WAITING, NOW + HOUR)
        while runs := await claim(store, count=100):
            await apply(store, *(an_end(run, state, wake_at=wake_at) for run in runs))
    await analyse(store)
    await start(store, *(a_start(f"new{number}") for number in range(500)))
    if first == "lane:erp":
        while runs := await claim(store, count=100):
            await apply(store, *(an_end(run, RunState.WAITING, queue=first) for run in runs))
    skips_locked = await store._write(lambda tx: tx.skips_locked)
    sql = _take(skips_locked, order, 1)
    plan = await plan_of(store, sql, (first, "p", 1, 10, "w", NOW), trusting=True)
    assert f"index scan using {index}" in plan or f"using index {index}" in plan, "one by one, as it takes them"
    assert "sort" not in plan
    assert "b-tree" not in plan


async def test_low_priority_is_late_but_never_starved(store: SqlStore) -> None:
    await start(store, a_start("humble", priority=9), now=NOW)
    await start(store, a_start("urgent", priority=0), now=NOW + 9 * PRIORITY_STEP_US + 1)
    assert [run.run_id for run in await claim(store, count=1)] == ["humble"]


async def test_a_claim_takes_no_more_than_it_has_room_for(store: SqlStore) -> None:
    await start(store, *(a_start(f"due{number}") for number in range(3)))
    ends = [
        an_end(claimed, RunState.WAITING, wake_at=NOW + number)
        for number, claimed in enumerate(await claim(store))
    ]
    await apply(store, *ends)
    await start(store, *(a_start(f"new{number}") for number in range(3)))
    assert len(await claim(store, count=4, now=NOW + 60)) == 4
    assert len(await claim(store, count=4, now=NOW + 60)) == 2


async def test_a_run_is_taken_up_by_one_worker_only(store: SqlStore) -> None:
    await start(store, a_start("a"))
    assert len(await claim(store, "w1")) == 1
    assert await claim(store, "w2") == []


async def test_each_queue_gives_only_its_own(store: SqlStore) -> None:
    await start(store, a_start("a"), a_start("b"))
    first, _second = await claim(store)
    await apply(store, an_end(first, RunState.WAITING, queue="lane:erp"))
    assert await claim(store) == []
    assert await claim(store, queue="lane:other") == []
    assert [run.run_id for run in await claim(store, queue="lane:erp")] == [first.run_id]


async def test_a_timer_wakes_its_run_when_it_is_due_and_not_before(store: SqlStore) -> None:
    await start(store, a_start("a"))
    await apply(store, an_end(await claim_one(store), RunState.WAITING, wake_at=NOW + 10))
    assert await claim(store, now=NOW + 9) == []
    assert [run.run_id for run in await claim(store, now=NOW + 10)] == ["a"]
    assert await claim(store, now=NOW + 20) == []


async def test_a_signal_wakes_the_run_that_waits_for_it(store: SqlStore) -> None:
    await start(store, a_start("a"))
    await apply(store, an_end(await claim_one(store), RunState.WAITING, waiting_on="signal go"))
    assert await store.signal("a", "other", b"1", NOW)
    assert await claim(store) == []
    assert await store.signal("a", "go", b"2", NOW)
    assert {signal.name for signal in (await claim_one(store)).signals} == {"go", "other"}


async def test_a_signal_that_comes_while_its_run_suspends_is_not_slept_through(store: SqlStore) -> None:
    await start(store, a_start("a"))
    claimed = await claim_one(store)
    assert await store.signal("a", "go", b"1", NOW)
    await apply(store, an_end(claimed, RunState.WAITING, waiting_on="signal go", wake_at=NOW + 99))
    assert [signal.name for signal in (await claim_one(store)).signals] == ["go"]
    assert await claim(store, now=NOW + 99) == []


async def test_a_signal_counts_once_and_only_for_an_open_run(store: SqlStore) -> None:
    await start(store, a_start("a"))
    assert await store.signal("a", "go", b"1", NOW)
    assert not await store.signal("a", "go", b"2", NOW)
    assert not await store.signal("nobody", "go", b"1", NOW)
    await apply(store, an_end(await claim_one(store)))
    assert not await store.signal("a", "stop", b"1", NOW)


async def test_a_dead_workers_runs_are_taken_back_under_a_new_epoch(store: SqlStore) -> None:
    await registered(store, "dead")
    await registered(store, "alive", now=NOW + LEASE)
    await start(store, a_start("a"))
    lost = await claim_one(store, "dead")
    assert await store.beat("alive", NOW + LEASE, NOW + 2 * LEASE)
    assert await state_of(store, "a") is RunState.RUNNING, "not before the lease is over"
    assert await store.beat("alive", NOW + LEASE + 1, NOW + 2 * LEASE)
    again = await claim_one(store, "alive")
    assert again.epoch > lost.epoch
    assert (await apply(store, an_end(lost)))[0].fate is Fate.FENCED


async def test_a_worker_whose_lease_ran_out_is_told_so(store: SqlStore) -> None:
    await registered(store, "w1")
    assert await store.beat("w1", NOW + LEASE, NOW + 2 * LEASE)
    assert not await store.beat("w1", NOW + 2 * LEASE + 1, NOW + 3 * LEASE)
    assert not await store.beat("w1", NOW + 2 * LEASE + 2, NOW + 3 * LEASE), "it must come back as somebody new"


async def test_nobody_waits_for_a_lease_from_a_clock_that_ran_wrong(store: SqlStore) -> None:
    await registered(store, "right")
    await registered(store, "ahead", now=NOW + HOUR)
    await start(store, a_start("a"))
    await claim_one(store, "ahead")
    assert await store.beat("right", NOW + 1, NOW + 1 + LEASE)
    assert await state_of(store, "a") == RunState.READY
    assert not await store.beat("ahead", NOW + 2, NOW + 2 + LEASE)


async def test_what_a_clock_that_ran_wrong_put_to_sleep_is_woken(store: SqlStore) -> None:
    await registered(store, "right")
    await registered(store, "ahead", now=NOW + HOUR)
    await start(store, a_start("a"), a_start("b"))
    first, second = await claim(store, "ahead")
    await apply(store, an_end(first, RunState.WAITING, wake_at=NOW + 2 * HOUR))
    await apply(store, an_end(second, RunState.WAITING, wake_at=NOW + HOUR + 10), now=NOW + HOUR)
    assert await store.beat("right", NOW + 1, NOW + 1 + LEASE)
    assert [run.run_id for run in await claim(store, "right", now=NOW + 1)] == [second.run_id]


async def test_who_was_ahead_only_between_two_beats_puts_nothing_to_sleep(store: SqlStore) -> None:
    await registered(store, "once-ahead")
    await start(store, a_start("a"), a_start("b"))
    first, second = await claim(store, "once-ahead")
    await apply(store, an_end(first, RunState.WAITING, wake_at=NOW + 2 * HOUR))
    await apply(store, an_end(second, RunState.WAITING, wake_at=NOW + HOUR + 10), now=NOW + HOUR)
    assert await store.beat("once-ahead", NOW + 1, NOW + 1 + LEASE)
    assert [run.run_id for run in await claim(store, "once-ahead", now=NOW + 1)] == [second.run_id]


async def test_nobody_sleeps_on_after_a_worker_that_died_before_its_wrong_clock_was_seen(store: SqlStore) -> None:
    await registered(store, "dies")
    await start(store, a_start("a"), a_start("b"))
    first, second = await claim(store, "dies")
    await apply(store, an_end(first, RunState.WAITING, wake_at=NOW + 2 * HOUR))
    await apply(store, an_end(second, RunState.WAITING, wake_at=NOW + HOUR + 10), now=NOW + HOUR)
    store._latest = 0  # the survivor is another process
    later = NOW + LEASE + 1
    await registered(store, "survives", now=later)
    assert await store.beat("survives", later, later + LEASE)
    assert [run.run_id for run in await claim(store, "survives", now=later)] == [second.run_id]


async def test_what_a_buried_worker_still_took_up_is_taken_back_too(store: SqlStore) -> None:
    await registered(store, "late", "alive")
    await store.retire("late", NOW)
    await start(store, a_start("a"))
    await apply(store, Commit(starts=(a_start("b"),), lease_to="late"))
    assert len(await claim(store, "late")) == 1
    assert await claim(store, "alive") == []
    await store.beat("alive", NOW, NOW + LEASE)
    assert {run.run_id for run in await claim(store, "alive")} == {"a", "b"}


async def test_a_worker_that_retires_hands_everything_back(store: SqlStore) -> None:
    await registered(store, "w1", "w2")
    await start(store, a_start("a"), a_start("b"))
    await claim(store, "w1", count=1)
    await store.retire("w1", NOW)
    assert len(await claim(store, "w2")) == 2


async def test_parked_runs_are_taken_up_by_nobody(store: SqlStore) -> None:
    await start(store, a_start("a", parking=PARKING))
    assert await states(store) == {"a": RunState.PARKED}
    assert await claim(store, now=NOW * 2) == []


async def test_on_sqlite_whoever_was_registered_before_is_dead(sqlite_only: Stores) -> None:
    store = await sqlite_only.open()
    await registered(store, "killed")
    await start(store, a_start("a"))
    await apply(store, Commit(starts=(a_start("b"),), lease_to="nobody-knows"))
    await claim(store, "killed")
    await store.register("w1", KNOWN, NOW, NOW + LEASE)
    assert {run.run_id for run in await claim(store)} == {"a", "b"}
