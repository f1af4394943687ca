"""The party ledger on both databases: statements kept, records linked once, questions opened and closed."""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.identity.golden.records import NOW, SECOND, a_statement
from tests.stores import vault

from crossdock.canonical.party import ExternalReference
from crossdock.durable.codec import decode
from crossdock.durable.records import Commit, Effect, EffectStep
from crossdock.identity.golden.contributions import Taken
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.ledger import (
    ChangeTaken,
    DecideValue,
    GoldenKept,
    KeepGolden,
    NoteTold,
    PartyFile,
    QuestionPosition,
    TakeChange,
    record_key,
)
from crossdock.identity.golden.spreading import Question
from crossdock.identity.golden.survivorship import Pin
from crossdock.kit.clock import ManualClock
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.sqlite import SqliteStore

pytestmark = pytest.mark.anyio

T = TypeVar("T")
EMAIL, PHONE = "contact.email", "contact.phone"
CRM, ERP = ExternalReference("crm", "Contact", "003"), ExternalReference("erp", "party/x", "7")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, new_postgres_database: Callable[[], str]
) -> AsyncIterator[SqlStore]:
    clock = ManualClock()
    made: SqlStore
    if request.param == "postgres":
        made = PostgresStore(new_postgres_database(), clock, vault(clock))
    else:
        made = SqliteStore(tmp_path / "hub.sqlite", clock, durable=False, vault=vault(clock))
    await made.open()
    yield made
    await made.close()


def a_change(
    record: ExternalReference, fields: Mapping[str, FieldValue], party_id: str = "P-1", **facts: Any
) -> TakeChange:
    at = facts.pop("at", NOW)
    return TakeChange(record=record, party_id=party_id, statement=a_statement(fields, at=at), **facts)


async def do(store: SqlStore, kind: type[T], *effects: Effect, now: int = NOW) -> list[T]:
    """Each effect in a commit of its own, all in one batch."""
    commits = [Commit(effects=(EffectStep("step", effect),)) for effect in effects]
    return [decode(outcome.findings[0], kind) for outcome in await store.apply(commits, now)]


async def party(store: SqlStore, party_id: str = "P-1") -> PartyFile:
    found = await store.read_party(party_id)
    assert found is not None
    return found


async def test_what_was_said_is_read_as_it_was_said(store: SqlStore) -> None:
    said: dict[str, FieldValue] = {
        EMAIL: None,
        PHONE: "+49 30 1",
        "contact.email_verified": False,
        "engagement.score": 2**53,
        "shipping.default.address.lines": ("Straße 1", "漢字 🧦"),
    }
    (taken,) = await do(store, ChangeTaken, a_change(CRM, said, version="v1"))
    assert taken.is_new
    assert set(taken.taken.stated) == set(said)
    (record,) = (await party(store)).records
    assert (record.reference, record.version, record.state) == (CRM, "v1", "live")
    assert {name: held.said for name, held in record.fields.items()} == said
    assert {held.sequence for held in record.fields.values()} == {taken.sequence}


async def test_a_record_belongs_to_the_party_that_was_first_even_within_one_batch(store: SqlStore) -> None:
    first, second = await do(
        store, ChangeTaken, a_change(CRM, {EMAIL: "a"}, "P-1"), a_change(CRM, {EMAIL: "b"}, "P-2")
    )
    assert (first.party_id, first.is_new) == ("P-1", True)
    assert (second.party_id, second.is_new) == ("P-1", False)
    assert second.sequence > first.sequence
    assert await store.read_party("P-2") is None
    assert await store.find_parties([CRM, ERP]) == {CRM: "P-1"}


async def test_statements_of_one_record_in_one_batch_follow_each_other(store: SqlStore) -> None:
    await do(
        store, ChangeTaken, a_change(CRM, {EMAIL: "a"}), a_change(CRM, {PHONE: "1"}), a_change(ERP, {EMAIL: "e"})
    )
    records = {record.reference: record for record in (await party(store)).records}
    assert {name: held.said for name, held in records[CRM].fields.items()} == {EMAIL: "a", PHONE: "1"}
    assert {name: held.said for name, held in records[ERP].fields.items()} == {EMAIL: "e"}


async def test_the_same_change_twice_changes_nothing(store: SqlStore) -> None:
    await do(store, ChangeTaken, a_change(CRM, {EMAIL: "a"}))
    before = await party(store)
    (again,) = await do(store, ChangeTaken, a_change(CRM, {EMAIL: "a"}))
    assert not again.matters
    assert (await party(store)).records == before.records


async def test_what_the_hub_wrote_is_shown_there_and_is_no_opinion(store: SqlStore) -> None:
    await do(store, ChangeTaken, a_change(CRM, {EMAIL: "a"}))
    (told,) = await do(store, ChangeTaken, NoteTold(record=ERP, party_id="P-1", fields={EMAIL: "a"}, version="2"))
    assert told.is_new
    (echo,) = await do(store, ChangeTaken, a_change(ERP, {EMAIL: "a"}, version="2"))
    assert echo.taken == Taken()
    record = (await party(store)).record_of("erp")
    assert record is not None
    assert (record.version, record.fields[EMAIL].has_said, record.fields[EMAIL].shown) == ("2", False, "a")


async def test_a_deleted_record_comes_back_with_all_it_said(store: SqlStore) -> None:
    await do(store, ChangeTaken, a_change(CRM, {EMAIL: "a"}))
    (gone,) = await do(store, ChangeTaken, a_change(CRM, {}, state="deleted"))
    assert gone.moved
    assert (await party(store)).record_of("crm") is None
    (back,) = await do(store, ChangeTaken, a_change(CRM, {}, state="live"))
    assert back.moved
    record = (await party(store)).record_of("crm")
    assert record is not None
    assert record.fields[EMAIL].said == "a"


async def test_a_merge_with_another_partys_record_is_said(store: SqlStore) -> None:
    await do(store, ChangeTaken, a_change(CRM, {EMAIL: "a"}), a_change(ERP, {EMAIL: "b"}, "P-2"))
    (merged,) = await do(store, ChangeTaken, a_change(CRM, {}, state="merged", into=ERP))
    assert (merged.party_id, merged.merged_with) == ("P-1", "P-2")


async def test_a_question_is_new_once_and_closes_when_nobody_asks_it(store: SqlStore) -> None:
    await do(store, ChangeTaken, a_change(CRM, {EMAIL: "a"}))
    asked = Question(kind="refused", unit=EMAIL, system="crm", record=CRM, to="erp", sequence=1)
    keep = KeepGolden(party_id="P-1", fields={EMAIL: "e"}, questions=(asked,))
    first, again = await do(store, GoldenKept, keep, keep)
    assert (first.asked, first.before) == ((asked,), {})
    assert (again.asked, again.before) == ((), {EMAIL: "e"})
    (open_,) = await store.list_questions()
    assert (open_.party_id, open_.question, open_.since) == ("P-1", asked, NOW)
    await do(store, GoldenKept, KeepGolden(party_id="P-1", fields={EMAIL: "e"}))
    assert await store.list_questions() == []
    assert (await party(store)).told == {EMAIL: "e"}


async def test_questions_and_parties_are_paged_by_key(store: SqlStore) -> None:
    for number in range(7):
        party_id = f"P-{number}"
        await do(store, ChangeTaken, a_change(ExternalReference("crm", "C", party_id), {EMAIL: "a"}, party_id))
        question = Question(kind="cannot_know", unit=EMAIL)
        keep = KeepGolden(party_id=party_id, fields={}, questions=(question,))
        await do(store, GoldenKept, keep, now=NOW + number // 3)
    seen, page = [], await store.list_questions(limit=3)
    while page:
        seen += [each.party_id for each in page]
        last = page[-1]
        page = await store.list_questions(
            behind=QuestionPosition(last.since, last.party_id, last.question.unit), limit=3
        )
    assert seen == [f"P-{number}" for number in range(7)]
    assert await store.list_parties(behind="P-2", limit=2) == ["P-3", "P-4"]


async def test_a_decision_holds_until_it_ends(store: SqlStore) -> None:
    await do(store, ChangeTaken, a_change(CRM, {EMAIL: "a"}))
    pin = Pin(unit=EMAIL, values={EMAIL: "p"}, by="ann", reason="called", at=NOW)
    before = (await party(store)).sequence
    (decided,) = await do(store, ChangeTaken, DecideValue(party_id="P-1", unit=EMAIL, pin=pin))
    assert decided.sequence > before
    assert (await party(store)).pins == (pin,)
    await do(store, ChangeTaken, DecideValue(party_id="P-1", unit=EMAIL, pin=None))
    assert (await party(store)).pins == ()


async def test_a_partys_history_tells_what_happened_newest_first(store: SqlStore) -> None:
    await do(store, ChangeTaken, a_change(CRM, {EMAIL: "a"}))
    await do(store, ChangeTaken, a_change(CRM, {EMAIL: "b"}, at=NOW + SECOND), now=NOW + SECOND)
    await do(store, ChangeTaken, a_change(CRM, {}, state="deleted"), now=NOW + 2 * SECOND)
    await do(store, GoldenKept, KeepGolden(party_id="P-1", fields={EMAIL: "b"}), now=NOW + 3 * SECOND)
    history = await store.read_history("P-1")
    assert [each.what for each in history] == ["golden", "deleted", "changed", "linked"]
    assert history[2].fields == (EMAIL,)
    assert history[2].record == record_key(CRM)
    older = await store.read_history("P-1", before=history[1].number, limit=1)
    assert [each.what for each in older] == ["changed"]


async def test_records_of_systems_with_odd_names_are_kept_apart() -> None:
    keys = {
        record_key(ExternalReference(*parts))
        for parts in (("a/b", "c", "d"), ("a", "b/c", "d"), ("a", "b", "c/d"))
    }
    assert len(keys) == 3
