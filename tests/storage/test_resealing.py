"""What lies plain in a database is sealed afterwards, page by page, whatever ends it between."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.storage.rows import NOW, PARKING, a_row, a_start, registered
from tests.storage.test_sealing import raw
from tests.stores import KEYS, vault

from crossdock.durable.codec import encode
from crossdock.durable.records import Commit, RunStart
from crossdock.kit.clock import ManualClock
from crossdock.kit.redaction import Secret
from crossdock.storage.keyring import GivenKeys
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.resealing import TABLES, SealingPlace
from crossdock.storage.sealing import SEALED
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.sqlite import SqliteStore
from crossdock.storage.transaction import Transaction
from crossdock.storage.vault import MARK, Vault

pytestmark = pytest.mark.anyio

NAME = b'{"name":"Zyxwvanna"}'
Open = Callable[..., SqlStore]
MERGE = ("M-1", "P-1", "P-2", NOW, 0, NAME)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """A store on one and the same database; `None` makes one as a release without sealing was."""
    dsn = request.getfixturevalue("new_postgres_database")() if request.param == "postgres" else ""
    clock = ManualClock()

    def make(sealed: Vault | None) -> SqlStore:
        if dsn:
            return PostgresStore(dsn, clock, sealed)
        return SqliteStore(tmp_path / "hub.sqlite", clock, durable=False, vault=sealed)

    return make


@pytest.fixture
async def store(make: Open) -> AsyncIterator[SqlStore]:
    """With a vault, over rows that were written without."""
    before = make(None)
    await before.open()
    await registered(before, "w1")
    await before._write(leave_plain_rows)
    starts = [
        a_start(f"customer_change/{number}", f"customer-record/crm/Contact/{number}", input=NAME)
        for number in range(5)
    ]
    starts.append(RunStart(run_id="order_submission/1", process="p", version=1, subject="order/1", input=NAME))
    await before.apply([Commit(starts=tuple(starts))], NOW)
    claimed = (await before.claim("w1", {("p", 1): 1}, {"ready": 1}, NOW))[0]
    step = Commit(run_id=claimed.run_id, epoch=claimed.epoch, journal=(a_row("look", payload=NAME),))
    await before.apply([step], NOW)
    await before.signal("customer_change/4", "told", NAME, NOW)
    await before.close()
    after = make(vault(ManualClock()))
    await after.open()
    yield after
    await after.close()


def leave_plain_rows(tx: Transaction) -> None:
    named = "record field said said_at counted_at arrived_at sequence saw correlation_id origin shown told kept"
    rest = (NOW, NOW, NOW, 1, 0, "", "", NAME, 0, None)
    rows = [("crm/Contact/1", field, b'"Zyxwv"', *rest) for field in ("person.family", "kind")]
    tx.insert("contribution", named.split(), rows)
    tx.insert(
        "party", ("party_id", "sequence", "golden", "created_at", "updated_at"), [("P-1", 1, NAME, NOW, NOW)]
    )
    tx.insert("party_pin", ("party_id", "unit", "facts"), [("P-1", "person.name", NAME)])
    tx.insert("party_merge", ("merge_id", "survivor", "absorbed", "at", "parted_at", "facts"), [MERGE])
    tx.insert("match_face", ("party", "record", "keys", "features"), [(1, "crm/Contact/1", b"[]", NAME)])
    parked = ("customer_change/9", "s", "repair", "me", 1, NOW, encode(PARKING))
    tx.insert("parked", ("run_id", "signature", "category", "owner", "severity", "at", "facts"), [parked])


async def seal_all(store: SqlStore, limit: int = 2) -> int:
    """One pass; how many rows were sealed."""
    place: SealingPlace | None = SealingPlace()
    sealed = 0
    while place is not None:
        page = await store.seal_page(place, NOW, limit)
        sealed, place = sealed + page.sealed, page.place
    return sealed


async def cells(store: SqlStore, where: str = "") -> dict[str, list[bytes]]:
    """All cells of sealed columns that say something, by table."""
    found = {}
    for table, rule in SEALED.items():
        only = where if table == "run" else ""
        rows = await raw(store, f"SELECT {', '.join(rule.columns)} FROM {table} {only}")
        found[table] = [bytes(cell) for row in rows for cell in row if cell not in {None, b""}]
    return found


async def test_every_table_is_sealed_and_reads_as_before(store: SqlStore) -> None:
    plain = await cells(store)
    assert not any(cell.startswith(MARK) for each in plain.values() for cell in each)
    assert await seal_all(store) == 13

    kept = await cells(store, "WHERE id <> 'order_submission/1'")
    left = {table: [cell for cell in each if not cell.startswith(MARK)] for table, each in kept.items()}
    assert left.pop("contribution") == [b'"Zyxwv"', NAME], "whether it is a person tells of nobody in particular"
    assert not any(left.values())
    view = await store.find_run("customer_change/0")
    assert view is not None
    assert (view.input, view.journal[0].payload) == (NAME, NAME)
    rows = await store._read(
        lambda tx: tx.execute("SELECT said, shown FROM contribution WHERE field = 'person.family'").fetchall()
    )
    assert [tuple(row) for row in rows] == [(b'"Zyxwv"', NAME)]
    assert await seal_all(store) == 0, "what is sealed is left alone"


async def test_what_was_stopped_goes_on_where_it_was(store: SqlStore) -> None:
    assert await store.sealing_place() == SealingPlace(TABLES[0])
    page = await store.seal_page(SealingPlace("run"), NOW, 2)
    assert (page.looked, page.sealed) == (2, 2)
    assert await store.sealing_place() == page.place == SealingPlace("run", ("customer_change/1",))
    after: SealingPlace | None = page.place
    while after is not None:
        after = (await store.seal_page(after, NOW, 2)).place
    assert await store.sealing_place() == SealingPlace(), "and from the beginning once it is through"


async def test_a_row_that_is_sealed_in_part_is_sealed_as_a_whole(store: SqlStore) -> None:
    await seal_all(store)
    await store._write(
        lambda tx: tx._inner.update("contribution", ("said",), ("field",), [(NAME, "person.family")])  # type: ignore[attr-defined]
    )
    assert await seal_all(store) == 1
    rows = await store._read(
        lambda tx: tx.execute("SELECT said, shown FROM contribution WHERE field = 'person.family'").fetchall()
    )
    assert [tuple(row) for row in rows] == [(NAME, NAME)]


async def test_orders_are_sealed_by_choice_each_with_a_key_of_its_own(store: SqlStore, make: Open) -> None:
    await seal_all(store)
    assert await raw(store, "SELECT input FROM run WHERE id = 'order_submission/1'") == [(NAME,)]
    choosing = make(Vault(GivenKeys(Secret(KEYS)), ManualClock(), seals_orders=True))
    await choosing.open()
    assert await seal_all(choosing) == 1
    later = RunStart(run_id="order_submission/2", process="p", version=1, subject="order/2", input=NAME)
    await choosing.apply([Commit(starts=(later,))], NOW)
    kept = [bytes(row[0]) for row in await raw(choosing, "SELECT input FROM run WHERE id LIKE 'order_%'")]
    assert [cell[: len(MARK)] for cell in kept] == [MARK, MARK]
    assert len({cell[len(MARK) : len(MARK) + 8] for cell in kept}) == 2
    await choosing.close()

    unchosen = make(vault(ManualClock()))
    await unchosen.open()
    view = await unchosen.find_run("order_submission/2")
    assert view is not None
    assert view.input == NAME, "what was sealed is read, whatever was chosen since"
    await unchosen.close()
