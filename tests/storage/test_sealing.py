"""Personal data is sealed on its way into the database, whoever writes it, and read as it was written."""

import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary
from tests.storage.matching import ANNA, submitting
from tests.storage.rows import NOW, a_row, an_end, claim_one, registered
from tests.stores import KEYS, Stores, vault

from crossdock.durable.records import ERASED, Commit, RunStart
from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.normalise import features_of
from crossdock.kit.clock import ManualClock
from crossdock.kit.errors import Misconfigured
from crossdock.processes.customer_recognition import Recogniser
from crossdock.storage.keyring import KeyFile, read_keyring
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.schema import METADATA
from crossdock.storage.sealing import PLAIN, SEALED
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.sqlite import SqliteStore
from crossdock.storage.transaction import Transaction
from crossdock.storage.vault import MARK, UNREADABLE, Vault

pytestmark = pytest.mark.anyio

OTHER_WRAPPING = ", second: " + "c2Vj" * 10 + "c2U="
NAME = b'{"name":"Zyxwvanna"}'
CUSTOMER_RUN = RunStart(
    run_id="customer_change/crm-1",
    process="p",
    version=1,
    subject="customer-record/crm/Contact/1",
    input=NAME,
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def on_disk(
    request: pytest.FixtureRequest, tmp_path: Path, new_postgres_database: Callable[[], str]
) -> AsyncIterator[SqlStore]:
    clock = ManualClock()
    store: SqlStore
    if request.param == "postgres":
        store = PostgresStore(new_postgres_database(), clock, vault(clock))
    else:
        store = SqliteStore(tmp_path / "hub.sqlite", clock, durable=False, vault=vault(clock))
    await store.open()
    await registered(store, "w1")
    yield store
    await store.close()


async def raw(store: SqlStore, sql: str) -> list[Any]:
    """Rows as the database has them."""

    def look(tx: Transaction) -> list[Any]:
        return [tuple(row) for row in tx._inner.execute(sql).fetchall()]  # type: ignore[attr-defined]

    return await store._read(look)


# ── what is sealed ──────────────────────────────────────────────────────────────────────────────────


def test_every_column_that_can_hold_bytes_is_sealed_or_says_why_not() -> None:
    columns = {
        f"{table.name}.{column.name}"
        for table in METADATA.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    sealed = {f"{table}.{column}" for table, rule in SEALED.items() for column in rule.columns}
    assert sealed | PLAIN.keys() == columns
    assert not sealed & PLAIN.keys()


async def test_what_a_customers_run_holds_is_sealed_and_read_as_it_was(on_disk: SqlStore) -> None:
    store = on_disk
    await store.apply([Commit(starts=(CUSTOMER_RUN,))], NOW)
    claimed = await claim_one(store)
    assert claimed.input == NAME
    step = Commit(run_id=claimed.run_id, epoch=claimed.epoch, journal=(a_row("look", payload=NAME),))
    await store.apply([step], NOW)
    await store.apply([an_end(claimed, result=NAME)], NOW)
    view = await store.find_run(claimed.run_id)
    assert view is not None
    assert (view.input, view.result, view.journal[0].payload) == (NAME, NAME, NAME)
    kept = await raw(store, "SELECT r.input, r.result, j.payload FROM run r JOIN journal j ON j.run_id = r.id")
    assert [cell[: len(MARK)] for cell in kept[0]] == [MARK, MARK, MARK]
    assert b"Zyxwv" not in b"".join(kept[0])


async def test_an_orders_run_stays_as_it_is(sqlite_only: Stores) -> None:
    store = await sqlite_only.open()
    start = RunStart(run_id="order_submission/1", process="p", version=1, subject="order/1", input=NAME)
    await store.apply([Commit(starts=(start,))], NOW)
    assert await raw(store, "SELECT input FROM run") == [(NAME,)]
    assert await raw(store, "SELECT count(*) FROM subject_key") == [(0,)]


async def test_what_would_go_past_the_vault_is_not_written(sqlite_only: Stores) -> None:
    store = await sqlite_only.open()
    for sql in (
        "UPDATE run SET input = ? WHERE id = ?",
        "INSERT INTO contribution (record, said) VALUES (?, ?)",
    ):
        with pytest.raises(AssertionError, match="past the vault"):
            await store._write(lambda tx, sql=sql: tx.execute(sql, (b"x", "y")))  # type: ignore[misc]


async def test_a_value_that_somebody_changed_is_not_taken_for_true(sqlite_only: Stores) -> None:
    store = await sqlite_only.open()
    await store.apply([Commit(starts=(CUSTOMER_RUN,))], NOW)
    ((kept,),) = await raw(store, "SELECT input FROM run")
    changed = kept[:-1] + bytes([kept[-1] ^ 1])
    await store._write(
        lambda tx: tx._inner.execute("UPDATE run SET input = ?", (changed,))  # type: ignore[attr-defined]
    )
    view = await store.find_run(CUSTOMER_RUN.run_id)
    assert view is not None
    assert view.input == UNREADABLE, "it fails its own run, not whoever reads beside it"


async def test_match_keys_cannot_be_tried_out_by_who_has_only_the_database(on_disk: SqlStore) -> None:
    store = on_disk
    recogniser = Recogniser(store)
    settled = await recogniser.place(submitting(store), "crm/Contact/1", ANNA)  # type: ignore[arg-type]
    stored = {row[0] for row in await raw(store, "SELECT hash FROM match_key")}
    assert stored
    assert not stored & set(keys_of(features_of(ANNA)))
    again = await recogniser.place(submitting(store), "shop/user/9", ANNA)  # type: ignore[arg-type]
    assert again.party_id == settled.party_id, "and yet the index finds them"
    ((face,),) = (await raw(store, "SELECT features FROM match_face"))[:1]
    assert face.startswith(MARK)


# ── keys ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_destroyed_key_leaves_nothing_to_read_and_nothing_is_kept_under_it(sqlite_only: Stores) -> None:
    store = await sqlite_only.open()
    await store.apply([Commit(starts=(CUSTOMER_RUN,))], NOW)
    await store._write(
        lambda tx: tx._inner.execute("UPDATE subject_key SET wrapped = x''")  # type: ignore[attr-defined]
    )
    later = RunStart(
        run_id="customer_change/crm-2", process="p", version=1, subject=CUSTOMER_RUN.subject, input=NAME
    )
    await store.apply([Commit(starts=(later,))], NOW)
    for run_id in (CUSTOMER_RUN.run_id, later.run_id):
        view = await store.find_run(run_id)
        assert view is not None
        assert view.input == ERASED


async def test_without_its_secrets_a_sealed_database_is_not_opened_and_stays_as_it_is(tmp_path: Path) -> None:
    clock, path = ManualClock(), tmp_path / "hub.sqlite"
    first = SqliteStore(path, clock, durable=False, vault=Vault(KeyFile(tmp_path / "keys"), clock))
    await first.open()
    await first.apply([Commit(starts=(CUSTOMER_RUN,))], NOW)
    await first.close()
    (tmp_path / "keys").rename(tmp_path / "lost")
    before = path.read_bytes()
    for source, code in ((KeyFile(tmp_path / "keys"), "keys-missing"), (None, "keys-wrong")):
        with pytest.raises(Misconfigured) as caught:
            await SqliteStore(
                path, clock, durable=False, vault=Vault(source, clock) if source else vault(clock)
            ).open()
        assert caught.value.code == code
    assert path.read_bytes() == before
    assert not (tmp_path / "keys").exists(), "no other secrets are made for it"


async def test_a_wrapping_key_that_is_not_given_any_more_is_named(tmp_path: Path) -> None:
    clock, path = ManualClock(), tmp_path / "hub.sqlite"
    first = SqliteStore(path, clock, durable=False, vault=vault(clock))
    await first.open()
    await first.close()
    index, _, _ = KEYS.partition(",")
    with pytest.raises(Misconfigured) as caught:
        await SqliteStore(path, clock, durable=False, vault=vault(clock, index + OTHER_WRAPPING)).open()
    assert caught.value.code == "keys-missing"
    assert read_keyring(KEYS).active in caught.value.message


def test_a_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys"
    source = KeyFile(path)
    assert source.read() is None
    made = source.create()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert source.create().active == made.active, "whoever comes second takes the first one's"
    assert [each.name for each in path.parent.iterdir()] == ["keys"]


@pytest.mark.parametrize("text", ["", "index: YWJj", "first: " + "a2V5" * 10 + "azE=", "index first", "index: ÄÖ"])
def test_secrets_that_are_none_are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        read_keyring(text)
    assert caught.value.code == "keys-unreadable"
    assert "YWJj" not in caught.value.message
