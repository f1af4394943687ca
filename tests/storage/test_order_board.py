"""The order board on both databases: found by every number, paged by key, counted by counters."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from crossdock.canonical.status import OrderStatus
from crossdock.durable.records import Commit, EffectStep
from crossdock.kit.clock import ManualClock
from crossdock.ports.order_board import BoardRow, WriteBoard
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.sqlite import SqliteStore

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, new_postgres_database: Callable[[], str]
) -> AsyncIterator[SqlStore]:
    clock = ManualClock()
    made: SqlStore
    if request.param == "postgres":
        made = PostgresStore(new_postgres_database(), clock)
    else:
        made = SqliteStore(tmp_path / "hub.sqlite", clock, durable=False)
    await made.open()
    yield made
    await made.close()


def a_row(number: int, status: OrderStatus = OrderStatus.CAPTURED, **facts: object) -> BoardRow:
    fields: dict[str, object] = {"customer": "C-1", "record": f"801{number:04}", "captured_at": number * 10}
    fields |= facts
    return BoardRow(order_id=f"O-{number:04}", status=status, updated_at=0, **fields)  # type: ignore[arg-type]


async def write(store: SqlStore, *rows: BoardRow) -> None:
    await store.apply([Commit(effects=(EffectStep("board", WriteBoard(rows)),))], 0)


async def ids(store: SqlStore, **question: object) -> list[str]:
    return [row.order_id for row in await store.list_orders(**question)]  # type: ignore[arg-type]


async def test_an_order_is_found_by_each_of_its_numbers_in_any_case(store: SqlStore) -> None:
    await write(store, a_row(1, erp_number="SO-77"), a_row(2, customer="C-2"))
    for number in ("O-0001", "o-0001", " so-77 ", "8010001", "C-1"):
        assert await ids(store, search=number) == ["O-0001"], number
    assert await ids(store, search="nothing") == []


async def test_a_number_the_order_gets_later_finds_it_too(store: SqlStore) -> None:
    await write(store, a_row(1))
    await write(store, a_row(1, OrderStatus.ACCEPTED, erp_number="SO-1"))
    (row,) = await store.list_orders(search="SO-1")
    assert (row.order_id, row.status) == ("O-0001", OrderStatus.ACCEPTED)


async def test_a_whole_number_is_found_before_those_that_only_begin_so(store: SqlStore) -> None:
    await write(store, a_row(1, erp_number="SO-1"), a_row(2, erp_number="SO-12"), a_row(3, erp_number="SO-13"))
    assert await ids(store, search="SO-1") == ["O-0001"]
    assert await ids(store, search="SO-") == ["O-0003", "O-0002", "O-0001"]


async def test_characters_of_a_pattern_are_plain_characters(store: SqlStore) -> None:
    await write(store, a_row(1, erp_number="A%B"), a_row(2, erp_number="AXB"))
    assert await ids(store, search="A%") == ["O-0001"]
    assert await ids(store, search="A_") == []
    assert await ids(store, search="\x00") == ["O-0002", "O-0001"]


async def test_pages_follow_each_other_without_gap_or_overlap_although_orders_come_in(store: SqlStore) -> None:
    await write(store, *(a_row(number, captured_at=number // 3) for number in range(1, 11)))
    seen: list[str] = []
    page = await store.list_orders(limit=4)
    while page:
        seen += [row.order_id for row in page]
        await write(store, a_row(50 + len(seen)))
        page = await store.list_orders(limit=4, behind=page[-1].position)
    assert seen == [f"O-{number:04}" for number in range(10, 0, -1)]


async def test_pages_of_one_customer_and_of_one_status_are_paged_alike(store: SqlStore) -> None:
    waiting, accepted = OrderStatus.WAITING, OrderStatus.ACCEPTED
    await write(store, *(a_row(n, waiting if n % 2 else accepted, customer=f"C-{n % 2}") for n in range(1, 9)))
    first = await store.list_orders(search="C-1", limit=2)
    assert [row.order_id for row in first] == ["O-0007", "O-0005"]
    assert await ids(store, search="C-1", behind=first[-1].position) == ["O-0003", "O-0001"]
    assert await ids(store, search="C-1", status=accepted) == []
    first = await store.list_orders(status=accepted, limit=3)
    assert await ids(store, status=accepted, behind=first[-1].position) == ["O-0002"]


async def test_counters_follow_orders_from_status_to_status(store: SqlStore) -> None:
    await write(store, a_row(1), a_row(2), a_row(3, OrderStatus.WAITING))
    await write(store, a_row(1, OrderStatus.ACCEPTED), a_row(3, OrderStatus.ACCEPTED), a_row(4))
    await write(store, a_row(4), a_row(1, OrderStatus.ACCEPTED))
    counts = await store.count_orders()
    assert {status: count for status, count in counts.items() if count} == {
        OrderStatus.CAPTURED: 2,
        OrderStatus.ACCEPTED: 2,
    }
    assert set(counts) == set(OrderStatus)


async def test_the_moment_of_capture_never_changes(store: SqlStore) -> None:
    await write(store, a_row(1))
    await write(store, a_row(1, captured_at=99))
    assert (await store.find_orders(["O-0001", "O-x"]))["O-0001"].captured_at == 10
