"""Customers' keys are wrapped anew beside a hub that works, and the older secret is needed no more."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.storage.rows import LEASE, NOW, registered
from tests.stores import KEYS, vault

from crossdock.durable.records import ERASED, Commit, RunStart
from crossdock.kit.clock import ManualClock
from crossdock.kit.errors import Conflict, Misconfigured
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.sqlite import SqliteStore
from crossdock.storage.transaction import Transaction

pytestmark = pytest.mark.anyio

INDEX, _, OLD = KEYS.partition(", ")
NEW = "second: " + "c2Vj" * 10 + "c2U="
BOTH = f"{INDEX}, {NEW}, {OLD}"
Open = Callable[..., Any]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Closes the store before, and opens one on the same database with these secrets."""
    dsn = request.getfixturevalue("new_postgres_database")() if request.param == "postgres" else ""
    clock = ManualClock()
    latest: list[SqlStore] = []

    async def opened(keys: str) -> SqlStore:
        made: SqlStore
        if dsn:
            made = PostgresStore(dsn, clock, vault(clock, keys))
        else:
            made = SqliteStore(tmp_path / "hub.sqlite", clock, durable=False, vault=vault(clock, keys))
        for one in latest:
            await one.close()
        latest.clear()
        clock.advance(1_000)
        await made.open()
        latest.append(made)
        return made

    yield opened
    for store in latest:
        await store.close()


def name_of(number: int) -> bytes:
    return b'{"name":"Zyxwv%d"}' % number


async def arrive(store: SqlStore, *numbers: int) -> None:
    starts = tuple(
        RunStart(
            run_id=f"customer_change/{number}",
            process="p",
            version=1,
            subject=f"customer-record/crm/Contact/{number}",
            input=name_of(number),
        )
        for number in numbers
    )
    await store.apply([Commit(starts=starts)], NOW)


async def read(store: SqlStore, number: int) -> bytes | None:
    view = await store.find_run(f"customer_change/{number}")
    assert view is not None
    return view.input


async def rotate(store: SqlStore, limit: int = 2) -> int:
    done, (behind, count) = 0, await store.rotate_page(limit=limit)
    while count:
        done += count
        behind, count = await store.rotate_page(behind, limit)
    return done


async def destroy(store: SqlStore, key_id: int) -> None:
    def work(tx: Transaction) -> None:
        tx.update("subject_key", ("wrapped", "wrapping"), ("key_id",), [(b"", "", key_id)])

    await store._write(work)


async def key_ids(store: SqlStore) -> list[int]:
    def look(tx: Transaction) -> list[int]:
        rows = tx.execute("SELECT k.key_id FROM subject_key k JOIN vault_secret s ON s.fingerprint = k.wrapping")
        return [row[0] for row in rows.fetchall()]

    return await store._read(look)


async def test_afterwards_the_older_secret_is_needed_no_more_and_everything_opens(opened: Open) -> None:
    before = await opened(KEYS)
    await arrive(before, *range(5))
    store = await opened(BOTH)
    await arrive(store, 5)
    assert await store.count_older_keys() == 5
    assert await rotate(store) == 5
    assert await store.retire_secrets("kim", NOW)
    assert [entry.verb for entry in await store.list_audit()] == ["retire-secret"]
    alone = await opened(f"{INDEX}, {NEW}")
    assert [await read(alone, number) for number in range(6)] == [name_of(number) for number in range(6)]
    await arrive(alone, 3_000)
    assert await read(alone, 3_000) == name_of(3_000)


async def test_stopped_between_two_pages_it_goes_on_and_no_secret_goes_too_soon(opened: Open) -> None:
    before = await opened(KEYS)
    await arrive(before, *range(5))
    store = await opened(BOTH)
    assert (await store.rotate_page(limit=2))[1] == 2
    assert not await store.retire_secrets("kim", NOW)
    with pytest.raises(Misconfigured) as caught:
        await opened(f"{INDEX}, {NEW}")
    assert caught.value.code == "keys-missing"
    store = await opened(BOTH)
    assert [await read(store, number) for number in range(5)] == [name_of(number) for number in range(5)]
    assert await rotate(store) == 3
    assert await rotate(store) == 0, "what is done is not done again"
    assert await store.retire_secrets("kim", NOW)
    assert await store.retire_secrets("kim", NOW)
    assert len(await store.list_audit()) == 1


async def test_who_was_erased_stays_erased(opened: Open) -> None:
    before = await opened(KEYS)
    await arrive(before, 1)
    (gone,) = await key_ids(before)
    await destroy(before, gone)
    await arrive(before, 2)
    store = await opened(BOTH)
    assert await rotate(store) == 1
    assert await store.retire_secrets("kim", NOW)
    assert (await read(store, 1), await read(store, 2)) == (ERASED, name_of(2))


async def test_a_worker_that_may_not_have_the_secret_has_to_be_restarted_first(opened: Open) -> None:
    before = await opened(KEYS)
    await arrive(before, 1)
    now = before._clock.now()
    await registered(before, "old-worker", now=now)
    store = await opened(BOTH)
    with pytest.raises(Conflict) as caught:
        await store.check_rotation(now)
    assert caught.value.code == "keys-not-everywhere"
    assert "old-worker" in caught.value.message
    await rotate(store)
    with pytest.raises(Conflict):
        await store.retire_secrets("kim", now)
    await store.check_rotation(now + LEASE + 1)
    later = store._clock.now()
    await registered(store, "new-worker", now=later)
    assert await store.retire_secrets("kim", later), "the dead do not count, nor those who came later"


@pytest.mark.postgres
async def test_a_key_that_somebody_holds_is_passed_over_and_wrapped_later(
    new_postgres_database: Callable[[], str],
) -> None:
    clock, dsn = ManualClock(), new_postgres_database()
    before = PostgresStore(dsn, clock, vault(clock))
    await before.open()
    await arrive(before, 1, 2, 3)
    held = sorted(await key_ids(before))[1]
    await before.close()
    one, other = (PostgresStore(dsn, clock, vault(clock, BOTH)) for _ in range(2))
    await one.open()
    await other.open()

    def hold_and_rotate(tx: Transaction) -> int:
        tx.execute("SELECT 1 FROM subject_key WHERE key_id = ? FOR UPDATE", (held,)).fetchone()
        return asyncio.run(rotate(one))

    assert await other._write(hold_and_rotate) == 2
    assert not await one.retire_secrets("kim", NOW)
    assert await rotate(one) == 1
    assert await one.retire_secrets("kim", NOW)
    await one.close()
    await other.close()
