"""A record that no database takes fails alone: those beside it are committed, those behind it go on."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.storage.rows import a_start, an_event, states
from tests.stores import Stores

from crossdock.durable.committer import Committer
from crossdock.durable.records import Commit, Fate, InboxRow
from crossdock.storage.sql_store import SqlStore

pytestmark = pytest.mark.anyio

POISON = {
    "a NUL": Commit(events=(an_event("nul\x00"),), starts=(a_start("poisonous"),)),
    "half a character": Commit(inbox=InboxRow("x", "\ud800", "d"), starts=(a_start("poisonous"),)),
    "a number no column holds": Commit(starts=(a_start("poisonous", priority=2**70),)),
    "a name no index holds": Commit(starts=(a_start("poisonous", subject="".join(map(chr, range(200, 9_000)))),)),
}
TAKEN_BY_SQLITE = {"a NUL", "a name no index holds"}


@pytest.fixture
async def committer(store: SqlStore, stores: Stores) -> AsyncIterator[Committer]:
    committer = Committer(store, stores.clock)
    committer.start()
    yield committer
    await committer.close()


@pytest.mark.parametrize("kind", POISON)
async def test_it_fails_alone(committer: Committer, store: SqlStore, stores: Stores, kind: str) -> None:
    good = [Commit(starts=(a_start(f"r{number}"),), events=(an_event(),)) for number in range(9)]
    commits = [*good[:4], POISON[kind], *good[4:]]
    ends = await asyncio.gather(*(committer.submit(commit) for commit in commits), return_exceptions=True)
    poisoned = ends.pop(4)
    assert [getattr(end, "fate", end) for end in ends] == [Fate.APPLIED] * 9
    if stores.kind != "postgres" and kind in TAKEN_BY_SQLITE:
        assert not isinstance(poisoned, BaseException)
        return
    assert isinstance(poisoned, Exception)
    assert sorted(await states(store)) == [f"r{number}" for number in range(9)]
    assert len(await store.read_events(0, 99)) == 9
    assert (await committer.submit(Commit(events=(an_event(),)))).fate is Fate.APPLIED
