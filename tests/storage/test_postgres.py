"""Several workers on PostgreSQL, and a server that goes away at the worst moment."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

import psycopg
import pytest
from tests.storage.broken_line import BrokenLine, Mode, broken_line
from tests.storage.rows import a_start, an_event, apply, claim, registered, start, states
from tests.stores import Stores

from crossdock.durable.committer import Committer
from crossdock.durable.records import Commit, Fate, InboxRow, StoredEvent
from crossdock.durable.store import StoreUnavailable
from crossdock.kit.clock import SystemClock
from crossdock.storage import postgres
from crossdock.storage.postgres import PostgresStore

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


async def test_two_stores_that_start_the_same_runs_at_once_start_each_once(postgres_only: Stores) -> None:
    stores = [await postgres_only.open() for _ in range(2)]

    async def begin(number: int, who: int) -> Fate:
        commit = Commit(
            inbox=InboxRow("order", str(number), "d"),
            starts=(a_start(f"r{number}"), a_start(f"shared{number % 3}", subject=f"s{number % 2}")),
            lease_to=f"w{who}",
        )
        return (await apply(stores[who], commit))[0].fate

    await registered(stores[0], "w0", "w1")
    for round_ in range(40):
        fates = await asyncio.gather(begin(round_, 0), begin(round_, 1))
        assert sorted(fates) == [Fate.APPLIED, Fate.DUPLICATE]
    assert len(await states(stores[0])) == 40 + 3


async def test_two_workers_that_claim_at_once_share_the_runs_and_take_each_once(postgres_only: Stores) -> None:
    stores = [await postgres_only.open() for _ in range(2)]
    await start(stores[0], *(a_start(f"r{number:03}") for number in range(300)))

    async def take(who: int) -> list[str]:
        taken: list[str] = []
        while some := await claim(stores[who], f"w{who}", count=7):
            assert len(some) <= 7
            taken += [run.run_id for run in some]
        return taken

    mine, yours = await asyncio.gather(take(0), take(1))
    assert sorted(mine + yours) == [f"r{number:03}" for number in range(300)]
    assert mine
    assert yours


async def test_a_claim_keeps_to_its_count_however_the_server_joins(postgres_only: Stores) -> None:
    store = await postgres_only.open()
    await start(store, *(a_start(f"r{number}") for number in range(20)))
    assert isinstance(store, PostgresStore)
    assert store._writing is not None
    for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material"):
        store._writing.connection.execute(f"SET enable_{way} = off".encode())
    assert len(await claim(store, count=3)) == 3


async def test_no_reader_skips_an_event_while_two_workers_write(postgres_only: Stores) -> None:
    stores = [await postgres_only.open() for _ in range(2)]
    reader = await postgres_only.open()
    writing = 2

    async def write(who: int) -> None:
        nonlocal writing
        for number in range(120):
            await apply(stores[who], Commit(events=(an_event(f"{who}-{number}"),) * 3))
        writing -= 1

    async def follow() -> list[int]:
        seen: list[int] = []
        while True:
            done = not writing
            events = await reader.read_events(seen[-1] if seen else 0, 50)
            seen += [event.sequence for event in events]
            if done and not events:
                return seen

    _, _, seen = await asyncio.gather(write(0), write(1), follow())
    everything = [event.sequence for event in await reader.read_events(0, 10_000)]
    assert seen == everything
    assert len(everything) == 720


# ── a server that goes away ─────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def line(postgres_dsn: str) -> AsyncIterator[BrokenLine]:
    with broken_line(postgres_dsn) as line:
        yield line


@pytest.fixture
async def far_store(line: BrokenLine) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(line.dsn, SystemClock())
    await store.open()
    yield store
    await store.close()


AN_ARRIVAL = Commit(inbox=InboxRow("order", "1", "d"), starts=(a_start("a"),), events=(an_event(),))


async def test_a_commit_that_never_reached_the_server_is_known_not_to_be(
    far_store: PostgresStore, line: BrokenLine
) -> None:
    line.mode = "before"
    with pytest.raises(StoreUnavailable):
        await apply(far_store, AN_ARRIVAL)
    assert line.met == 1
    assert await states(far_store) == {}
    assert (await apply(far_store, AN_ARRIVAL))[0].fate is Fate.APPLIED


async def test_a_commit_whose_answer_was_lost_is_known_to_be(far_store: PostgresStore, line: BrokenLine) -> None:
    line.mode = "after"
    assert (await apply(far_store, AN_ARRIVAL))[0].fate is Fate.APPLIED
    assert line.met == 1
    assert list(await states(far_store)) == ["a"]
    assert (await apply(far_store, AN_ARRIVAL))[0].fate is Fate.DUPLICATE


async def test_a_transaction_that_the_server_thinks_alive_is_ended_not_waited_for(
    far_store: PostgresStore, line: BrokenLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "STATUS_POLLS_BEFORE_TERMINATION", 2)
    line.mode = "half_open"
    with pytest.raises(StoreUnavailable):
        await apply(far_store, AN_ARRIVAL)
    assert (await apply(far_store, AN_ARRIVAL))[0].fate is Fate.APPLIED


@pytest.mark.parametrize("mode", ["before", "after", "half_open"])
async def test_the_committer_commits_exactly_once_whatever_becomes_of_the_line(
    far_store: PostgresStore, line: BrokenLine, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "STATUS_POLLS_BEFORE_TERMINATION", 2)
    committer = Committer(far_store, SystemClock())
    committer.start()
    line.mode = mode
    outcome = await committer.submit(AN_ARRIVAL)
    await committer.close()
    assert outcome.fate is Fate.APPLIED
    assert len(await far_store.read_events(0, 10)) == 1


def terminate_all(dsn: str) -> None:
    """As a restart of the server does to every connection."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def commit_all(committer: Committer, numbers: Sequence[int]) -> list[Fate]:
    fates = []
    for number in numbers:
        commit = Commit(inbox=InboxRow("order", str(number), "d"), events=(an_event(str(number)),))
        fates.append((await committer.submit(commit)).fate)
    return fates


async def test_nothing_is_lost_or_doubled_while_connections_are_killed_all_the_time(postgres_dsn: str) -> None:
    store = PostgresStore(postgres_dsn, SystemClock())
    await store.open()
    committer = Committer(store, SystemClock())
    committer.start()
    tasks = [asyncio.create_task(commit_all(committer, range(who, 160, 8))) for who in range(8)]
    kills = 0
    while not all(task.done() for task in tasks):
        await asyncio.to_thread(terminate_all, postgres_dsn)
        kills += 1
        await asyncio.sleep(0.004)
    fates = [fate for task in tasks for fate in await task]
    await committer.close()
    events = sorted(int(event.type) for event in await _read_all(store))
    await store.close()
    assert kills > 3
    assert fates == [Fate.APPLIED] * 160, "each was told exactly what became of it"
    assert events == list(range(160))


async def _read_all(store: PostgresStore) -> Sequence[StoredEvent]:
    for _ in range(3):
        try:
            return await store.read_events(0, 1_000)
        except StoreUnavailable:
            continue
    raise AssertionError("the reader did not reconnect")


def let_write(dsn: str, *, allowed: bool) -> None:
    """As after a failover, when the old server only answers questions."""
    name, value = urlsplit(dsn).path.removeprefix("/"), "off" if allowed else "on"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}".encode())
    terminate_all(dsn)


async def test_a_server_that_takes_no_writes_is_waited_for(postgres_dsn: str) -> None:
    store = PostgresStore(postgres_dsn, SystemClock())
    await store.open()
    let_write(postgres_dsn, allowed=False)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await apply(store, AN_ARRIVAL)
    let_write(postgres_dsn, allowed=True)
    fate = (await apply(store, AN_ARRIVAL))[0].fate
    await store.close()
    assert fate is Fate.APPLIED


async def test_a_server_that_is_not_there_is_said_so() -> None:
    with pytest.raises(StoreUnavailable):
        await PostgresStore("postgresql://nobody@127.0.0.1:1/none", SystemClock()).open()
