"""Polling by modification time misses nothing and repeats nothing, however commits and polls interleave."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.adapters.tryton.changes import Changes
from crossdock.adapters.tryton.client import Session, TrytonClient
from crossdock.adapters.tryton.settings import TrytonSettings
from crossdock.kit.errors import Invalid
from crossdock.kit.redaction import Secret

pytestmark = pytest.mark.anyio

HUB = 7
OVERLAP_SECONDS = 60.0
START = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
SETTINGS = TrytonSettings(
    base_url="http://127.0.0.1:1",
    database="erp",
    user="hub",
    password=Secret("x"),
    change_overlap_seconds=OVERLAP_SECONDS,
)


class Records:
    """Sales as `search_read` would answer; commits are made visible whenever the test says so."""

    def __init__(self) -> None:
        self.sales: dict[int, dict[str, Any]] = {}

    def commit(self, row: int, seconds: float, *, user: int = HUB) -> None:
        self.sales[row] = {
            "id": row,
            "number": str(row),
            "state": "processing",
            "last_modified_at": START + timedelta(seconds=seconds),
            "reference": f"K{row}",
            "create_uid": user,
        }

    async def session(self) -> Session:
        return Session("", HUB, {})

    async def search_read(
        self,
        model: str,
        domain: Sequence[Any],
        _fields: Sequence[str],
        *,
        rows_max: int,
        order: Sequence[tuple[str, str]],
    ) -> list[dict[str, Any]]:
        rows = sorted(self.sales.values(), key=lambda row: (row["last_modified_at"], row["id"]))
        if model != "sale.sale":
            return []
        if domain:
            (_, _, after), ((_, _, same), (_, _, after_id)) = domain[1], domain[2]
            rows = [
                row
                for row in rows
                if row["last_modified_at"] > after or (row["last_modified_at"] == same and row["id"] > after_id)
            ]
        if order[0][1] == "DESC":
            rows.reverse()
        return rows[:rows_max]


def changes_of(records: Records) -> Changes:
    return Changes(cast("TrytonClient", records), SETTINGS)


async def read_all(changes: Changes, cursor: str, limit: int = 100) -> tuple[list[str], str]:
    keys: list[str] = []
    while True:
        page = await changes.read(cursor, limit=limit)
        keys += [change.key for change in page.changes]
        cursor = page.cursor
        if not page.more:
            return keys, cursor


async def test_an_empty_cursor_begins_now() -> None:
    records = Records()
    records.commit(1, 0)
    changes = changes_of(records)

    page = await changes.read("", limit=10)
    again, _ = await read_all(changes, page.cursor)

    assert (page.changes, again) == ((), [])


async def test_a_commit_that_lands_behind_the_cursor_is_told() -> None:
    records = Records()
    changes = changes_of(records)
    _, cursor = await read_all(changes, "")
    records.commit(1, 100)
    first, cursor = await read_all(changes, cursor)

    records.commit(2, 100 - OVERLAP_SECONDS + 1)
    second, cursor = await read_all(changes, cursor)
    third, _ = await read_all(changes, cursor)

    assert (first, second, third) == (["K1"], ["K2"], [])


async def test_a_record_that_changes_again_is_told_again() -> None:
    records = Records()
    changes = changes_of(records)
    _, cursor = await read_all(changes, "")
    records.commit(1, 10)
    _, cursor = await read_all(changes, cursor)
    records.commit(1, 11)

    told, _ = await read_all(changes, cursor)

    assert told == ["K1"]


async def test_more_of_one_moment_than_a_page_holds_is_told_whole() -> None:
    records = Records()
    changes = changes_of(records)
    _, cursor = await read_all(changes, "")
    for row in range(1, 501):
        records.commit(row, 5)

    told, _ = await read_all(changes, cursor, limit=7)

    assert sorted(told) == sorted(f"K{row}" for row in range(1, 501))


async def test_sales_of_others_are_not_told() -> None:
    records = Records()
    changes = changes_of(records)
    _, cursor = await read_all(changes, "")
    records.commit(1, 5, user=HUB + 1)
    records.commit(2, 6)

    told, _ = await read_all(changes, cursor)

    assert told == ["K2"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.floats(0, OVERLAP_SECONDS - 1), st.booleans()), min_size=1, max_size=40
    ),
    st.integers(1, 4),
)
async def test_nothing_is_ever_skipped_or_told_twice(commits: list[tuple[int, float, bool]], limit: int) -> None:
    records = Records()
    changes = changes_of(records)
    _, cursor = await read_all(changes, "")
    made: set[tuple[str, datetime]] = set()
    told: list[str] = []
    for second, (row, late, poll) in enumerate(commits):
        records.commit(row, second + OVERLAP_SECONDS - late)
        made = {(key, stamp) for key, stamp in made if key != f"K{row}"}
        made.add((f"K{row}", records.sales[row]["last_modified_at"]))
        if poll:
            keys, cursor = await read_all(changes, cursor, limit)
            told += keys
            assert {key for key, _ in made} <= set(told)
            made.clear()
    keys, _ = await read_all(changes, cursor, limit)
    assert {key for key, _ in made} <= set(keys)
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("cursor", ["nonsense", "{}", "[1]x", '["a",[]]'])
async def test_a_cursor_that_is_not_ours_is_invalid(cursor: str) -> None:
    with pytest.raises(Invalid):
        await changes_of(Records()).read(cursor, limit=1)


async def test_a_cursor_is_text_that_json_can_hold() -> None:
    page = await changes_of(Records()).read("", limit=1)

    assert msgspec.json.decode(msgspec.json.encode(page)) == {"changes": [], "cursor": page.cursor, "more": False}
