"""What a commit makes possible is told once, when it commits, to this process and to the others."""

import asyncio
from collections.abc import Collection

import psycopg
import pytest
from tests.hubs import eventually
from tests.storage.rows import PARKING, a_start, an_end, an_event, apply, claim_one, registered, start
from tests.stores import Stores

from crossdock.durable.lanes import LaneRecord
from crossdock.durable.news import ANYTHING, EVENTS, LANES, LEFT
from crossdock.durable.records import Commit, Effect, EffectStep, RunState
from crossdock.kit.errors import Unsupported
from crossdock.storage.postgres_news import PAYLOAD_BYTES_MAX, payload_of, topics_of
from crossdock.storage.sql_store import SqlStore

pytestmark = pytest.mark.anyio


class Ear:
    """What one process is told."""

    def __init__(self, store: SqlStore) -> None:
        self.heard: list[set[str]] = []
        store.news.on(self.listen)

    def listen(self, topics: Collection[str]) -> None:
        self.heard.append(set(topics))

    async def next(self) -> set[str]:
        async def something() -> set[str]:
            return self.heard.pop(0) if self.heard else set()

        return await eventually(something)


@pytest.fixture
async def ear(store: SqlStore) -> Ear:
    return Ear(store)


async def test_a_start_is_told_with_its_events_once(store: SqlStore, ear: Ear) -> None:
    await apply(store, *(Commit(starts=(a_start(f"r{n}"),), events=(an_event(),)) for n in range(5)))
    assert await ear.next() == {"ready", EVENTS}
    assert ear.heard == []


async def test_what_nobody_can_take_up_is_not_told(store: SqlStore, ear: Ear) -> None:
    await registered(store, "w1")
    ear.heard.clear()
    await apply(store, Commit(starts=(a_start("leased"),), lease_to="w1"))
    await start(store, a_start("parked", parking=PARKING))
    await start(store, a_start("b"))
    assert await ear.next() == {"ready"}
    await claim_one(store)
    await start(store, a_start("queued", subject="b"))
    await start(store, a_start("c"))
    assert await ear.next() == {"ready"}
    assert ear.heard == []


async def test_what_did_not_commit_is_not_told(store: SqlStore, ear: Ear) -> None:
    class Unknown(Effect, frozen=True):
        pass

    with pytest.raises(Unsupported):
        await apply(store, Commit(starts=(a_start("a"),), effects=(EffectStep("x", Unknown()),)))
    await apply(store, Commit(events=(an_event(),)))
    assert await ear.next() == {EVENTS}


async def test_turns_lanes_signals_and_leaving_are_told(store: SqlStore, ear: Ear) -> None:
    await registered(store, "w1")
    await start(store, a_start("a", subject="s"), a_start("b", subject="s"))
    first = await claim_one(store)
    ear.heard.clear()
    await apply(store, an_end(first))
    assert await ear.next() == {"ready"}, "the subject's next run"
    second = await claim_one(store)
    await apply(store, an_end(second, RunState.WAITING, queue="lane:erp"))
    assert await ear.next() == {"lane:erp"}
    await start(store, a_start("c"))
    assert await ear.next() == {"ready"}
    await apply(store, an_end(await claim_one(store), RunState.WAITING, waiting_on="signal go"))
    await store.signal("c", "other", b"1", 0)
    await store.signal("c", "go", b"1", 0)
    assert await ear.next() == {"ready"}
    await claim_one(store)
    await store.lane_save("erp", LaneRecord(version=1))
    assert await ear.next() == {LANES}
    await store.retire("w1", 0)
    assert await ear.next() == {"ready", LEFT}


# ── other processes ─────────────────────────────────────────────────────────────────────────────────


async def a_far_ear(stores: Stores) -> tuple[SqlStore, Ear]:
    """A store that hears others, and what it has heard since."""
    store = await stores.open()
    ear = Ear(store)
    await store.listen()
    assert await ear.next() == {ANYTHING}, "it may have missed something before"
    assert store.news.heard
    return store, ear


@pytest.mark.postgres
async def test_other_processes_hear_each_commit_once_and_nobody_his_own_twice(postgres_only: Stores) -> None:
    (here, mine), (_, yours) = [await a_far_ear(postgres_only) for _ in range(2)]
    await apply(here, *(Commit(starts=(a_start(f"r{n}"),), events=(an_event(),)) for n in range(5)))
    assert await yours.next() == {"ready", EVENTS}
    assert await mine.next() == {"ready", EVENTS}
    await here.lane_save("erp", LaneRecord(version=1))
    assert await yours.next() == {LANES}
    assert await mine.next() == {LANES}
    assert (mine.heard, yours.heard) == ([], [])


@pytest.mark.postgres
async def test_who_cannot_hear_any_more_is_told_so_and_hears_again_by_itself(
    postgres_only: Stores, migrated_postgres: str
) -> None:
    store, ear = await a_far_ear(postgres_only)
    with psycopg.connect(migrated_postgres, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query = 'LISTEN crossdock' AND datname = current_database()"
        )
    assert await ear.next() == {ANYTHING}, "from now on it has to look for itself"
    assert store.news.pause_seconds(0.5) == 0.5 or store.news.heard
    assert await ear.next() == {ANYTHING}, "and now it may have missed something"
    assert store.news.pause_seconds(0.5) > 0.5
    other = await postgres_only.open()
    await start(other, a_start("a"))
    assert await ear.next() == {"ready"}


@pytest.mark.postgres
async def test_a_store_that_listens_closes_at_once(postgres_only: Stores) -> None:
    store = postgres_only.make(postgres_only.clock)
    await store.open()
    ear = Ear(store)
    await store.listen()
    await ear.next()
    async with asyncio.timeout(20):
        await store.close()
    assert not store.news.heard


def test_more_topics_than_a_notification_can_hold_are_told_as_anything() -> None:
    few, many = {f"lane:system-{n}" for n in range(9)}, {f"lane:system-{n:05}" for n in range(900)}
    assert topics_of(payload_of(few)) == few
    assert topics_of(payload_of(many)) == {ANYTHING}
    assert len(payload_of(many).encode()) <= PAYLOAD_BYTES_MAX
