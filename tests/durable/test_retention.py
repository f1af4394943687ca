"""What ended long ago is cleared away; what stands still, is known by, or may be begun again stays."""

import asyncio

import pytest
from tests.hubs import eventually
from tests.storage.rows import NOW, PARKING, a_row, a_start, an_end, apply, registered, start, states
from tests.stores import Stores

from crossdock.durable.records import Commit, RunState, Transition
from crossdock.durable.retention import CURSOR, FIRST_SECONDS, Keeping, Retention
from crossdock.durable.store import Action
from crossdock.kit.clock import MICROSECONDS
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.transaction import Transaction

pytestmark = pytest.mark.anyio

DAY = 86_400 * MICROSECONDS
KNOWN = {(name, 1): 1 for name in ("beat", "telling", "ordering", "merging")}
RULES = (
    Keeping(kind="canaries", processes=frozenset({"beat"}), days=7),
    Keeping(kind="tellings", processes=frozenset({"telling"}), days=30),
    Keeping(kind="orders", processes=frozenset({"ordering"}), days=90, keeps_row=True),
)


@pytest.fixture
async def store(stores: Stores) -> SqlStore:
    store = await stores.open()
    await registered(store, "w1")
    return store


async def done(store: SqlStore, *names: str, at: int = NOW, correlation: str = "") -> None:
    """Runs named `process/key` that began and ended at that time, with a step and a signal each."""
    starts = [
        a_start(name, process=name.partition("/")[0], correlation_id=correlation or name, input=b'{"a":1}')
        for name in names
    ]
    await start(store, *starts, now=at)
    for claimed in await store.claim("w1", KNOWN, {"ready": 1_000}, at):
        await store.signal(claimed.run_id, "told", b"1", at)
        end = Commit(
            run_id=claimed.run_id,
            epoch=claimed.epoch,
            journal=(a_row("ask"),),
            transition=Transition(state=RunState.DONE, result=b'"so"'),
        )
        await apply(store, end, now=at)


async def rows_of(store: SqlStore, table: str) -> set[str]:
    def read(tx: Transaction) -> set[str]:
        return {row[0] for row in tx.execute(f"SELECT run_id FROM {table}").fetchall()}

    return await store._read(read)


def clearing(stores: Stores, store: SqlStore) -> Retention:
    return Retention(store, RULES, stores.clock)


async def test_each_kind_goes_after_its_own_time_with_all_its_rows(stores: Stores, store: SqlStore) -> None:
    now = stores.clock.now()
    for days in (1, 10, 40):
        await done(store, f"beat/{days}", f"telling/{days}", f"merging/{days}", at=now - days * DAY)
    assert await clearing(stores, store).run_round(only_count=True) == {"canaries": 2, "tellings": 1, "orders": 0}
    assert len(await states(store)) == 9

    retention = clearing(stores, store)
    await retention.run_round(pause_seconds=0)
    left = {"beat/1", "telling/1", "telling/10", "merging/1", "merging/10", "merging/40"}
    assert set(await states(store)) == left
    assert await rows_of(store, "journal") == left
    assert await rows_of(store, "signal") == left
    assert retention.cleared == {"canaries": 2, "tellings": 1, "orders": 0}
    assert retention.ended_at == now


async def test_an_order_stays_known_and_is_begun_once_whatever_comes_again(
    stores: Stores, store: SqlStore
) -> None:
    then = stores.clock.now() - 100 * DAY
    await done(store, "ordering/O-1", at=then)
    retention = clearing(stores, store)
    assert (await retention.run_round(pause_seconds=0))["orders"] == 1

    view = await store.find_run("ordering/O-1")
    assert view is not None
    assert (view.input, view.result, view.state, view.journal) == (b"null", b'"so"', RunState.DONE, ())
    await start(store, a_start("ordering/O-1", process="ordering", input=b'{"a":1}'), now=stores.clock.now())
    assert await states(store) == {"ordering/O-1": RunState.DONE}
    assert (await retention.run_round(pause_seconds=0))["orders"] == 0


async def test_what_is_parked_was_skipped_or_waits_is_never_cleared(stores: Stores, store: SqlStore) -> None:
    then = stores.clock.now() - 100 * DAY
    names = ("skipped", "waits")
    starts = [a_start(f"telling/{name}", process="telling", correlation_id=name) for name in names]
    parked = a_start("telling/parked", process="telling", correlation_id="parked", parking=PARKING)
    await start(store, *starts, parked, now=then)
    for claimed in await store.claim("w1", KNOWN, {"ready": 10}, then):
        state = RunState.WAITING if claimed.run_id == "telling/waits" else RunState.PARKED
        parking = PARKING if state is RunState.PARKED else None
        await apply(store, an_end(claimed, state, parking=parking, waiting_on="signal go"), now=then)
    skip = Action(run_id="telling/skipped", verb="skip", actor="me", reason="none", state=RunState.SKIPPED)
    assert await store.operate([skip], then) == [True]

    await clearing(stores, store).run_round(pause_seconds=0)
    assert await store.clear_runs(["telling/waits", "telling/parked"], keep_rows=False) == 0
    assert await states(store) == {
        "telling/parked": RunState.PARKED,
        "telling/skipped": RunState.SKIPPED,
        "telling/waits": RunState.WAITING,
    }
    assert len(await store.list_audit(run_id="telling/skipped")) == 1


async def test_what_a_run_at_work_began_stays_since_it_may_begin_it_again(stores: Stores, store: SqlStore) -> None:
    then = stores.clock.now() - 100 * DAY
    for state in ("waits", "stands", "queued"):
        await done(store, f"telling/of-{state}", at=then, correlation=state)
    await start(store, a_start("merging/waits", "one", process="merging", correlation_id="waits"))
    await start(store, a_start("merging/queued", "one", process="merging", correlation_id="queued"))
    await start(store, a_start("merging/stands", process="merging", correlation_id="stands", parking=PARKING))
    (claimed,) = await store.claim("w1", KNOWN, {"ready": 10}, NOW)
    await apply(store, an_end(claimed, RunState.WAITING, waiting_on="signal go"))
    retention = clearing(stores, store)
    await retention.run_round(pause_seconds=0)
    assert {"telling/of-waits", "telling/of-stands", "telling/of-queued"} <= set(await states(store))

    await store.signal("merging/waits", "go", b"1", NOW)
    (claimed,) = await store.claim("w1", KNOWN, {"ready": 10}, NOW)
    await apply(store, an_end(claimed))
    await retention.run_round(pause_seconds=0)
    assert "telling/of-waits" not in await states(store)


async def test_many_go_page_by_page_and_nobody_is_passed_over(
    stores: Stores, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossdock.durable.retention.LOOKED_AT", 5)
    monkeypatch.setattr("crossdock.durable.retention.CLEARED", 2)
    then = stores.clock.now() - 50 * DAY
    await done(store, *(f"telling/{number}" for number in range(12)), at=then)
    await done(store, "telling/young", at=stores.clock.now() - DAY)
    found = await clearing(stores, store).run_round(pause_seconds=0)
    assert found["tellings"] == 12
    assert set(await states(store)) == {"telling/young"}


async def test_a_round_begins_by_itself_in_the_worker_that_holds_it(stores: Stores, store: SqlStore) -> None:
    clock, now = stores.clock, stores.clock.now()
    await done(store, "beat/1", at=now - 8 * DAY)
    await store.beat("w1", now, now + DAY)
    assert await store.hold_cursor(CURSOR, "w1") == ""
    ours, other = clearing(stores, store), clearing(stores, store)
    tasks = [
        asyncio.create_task(ours.run_forever(lambda: "w1")),
        asyncio.create_task(other.run_forever(lambda: "w2")),
    ]

    async def passed() -> bool:
        clock.advance(FIRST_SECONDS / 4)
        return ours.ended_at > 0

    await eventually(passed)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await states(store) == {}
    assert (ours.cleared["canaries"], other.ended_at) == (1, 0)
