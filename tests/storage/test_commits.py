"""What a commit promises: fenced, once, wholly or not at all."""

import pytest
from tests.storage.rows import (
    KNOWN,
    NOW,
    PARKING,
    a_row,
    a_start,
    an_end,
    an_event,
    apply,
    claim,
    claim_one,
    registered,
    start,
    state_of,
    states,
)
from tests.stores import Stores

from crossdock.durable.records import (
    Commit,
    CursorWrite,
    Fate,
    InboxRow,
    RunState,
    StepState,
    Transition,
)
from crossdock.storage.sql_store import SqlStore

pytestmark = pytest.mark.anyio


async def test_a_worker_that_lost_its_run_cannot_write_for_it(store: SqlStore) -> None:
    await start(store, a_start("a"))
    first = await claim_one(store, "w1")
    await registered(store, "w1")
    await store.retire("w1", NOW)
    second = await claim_one(store, "w2")
    late = Commit(
        run_id="a", epoch=first.epoch, journal=(a_row("x"),), events=(an_event(),), starts=(a_start("b"),)
    )
    fates = [outcome.fate for outcome in await apply(store, late, an_end(second))]
    assert fates == [Fate.FENCED, Fate.APPLIED]
    assert await states(store) == {"a": RunState.DONE}
    assert await store.read_events(0, 10) == []
    view = await store.find_run("a")
    assert view is not None
    assert view.journal == ()


async def test_an_ended_run_takes_no_more_records(store: SqlStore) -> None:
    await start(store, a_start("a"))
    claimed = await claim_one(store)
    await apply(store, an_end(claimed))
    (outcome,) = await apply(store, an_end(claimed, RunState.PARKED, parking=PARKING))
    assert outcome.fate is Fate.FENCED
    assert await state_of(store, "a") is RunState.DONE


async def test_an_arrival_is_taken_once_and_other_content_under_its_number_is_a_conflict(store: SqlStore) -> None:
    def arrival(digest: str, run_id: str) -> Commit:
        return Commit(inbox=InboxRow("order", "O-1", digest), starts=(a_start(run_id),), events=(an_event(),))

    within = await apply(store, arrival("d1", "a"), arrival("d1", "b"), arrival("d2", "c"))
    later = await apply(store, arrival("d1", "d"), arrival("d2", "e"))
    assert [outcome.fate for outcome in (*within, *later)] == [
        Fate.APPLIED,
        Fate.DUPLICATE,
        Fate.CONFLICT,
        Fate.DUPLICATE,
        Fate.CONFLICT,
    ]
    assert list(await states(store)) == ["a"]
    assert len(await store.read_events(0, 10)) == 1


async def test_the_same_number_from_another_source_is_another_arrival(store: SqlStore) -> None:
    commits = [Commit(inbox=InboxRow(source, "1", "d")) for source in ("one", "two")]
    assert [outcome.fate for outcome in await apply(store, *commits)] == [Fate.APPLIED] * 2


async def test_starting_a_run_twice_starts_it_once(store: SqlStore) -> None:
    await start(store, a_start("a", input=b"1"), a_start("a", input=b"2"))
    await start(store, a_start("a", input=b"3"))
    claimed = await claim_one(store)
    assert (claimed.input, await claim(store)) == (b"1", [])


async def test_a_run_that_ended_is_not_started_again(store: SqlStore) -> None:
    await start(store, a_start("a"))
    await apply(store, an_end(await claim_one(store)))
    await start(store, a_start("a"))
    assert await claim(store) == []


async def test_runs_may_begin_with_the_worker_that_starts_them(store: SqlStore) -> None:
    commit = Commit(starts=(a_start("a"), a_start("b", subject="s"), a_start("c", subject="s")), lease_to="w1")
    await registered(store, "w1")
    (outcome,) = await apply(store, commit)
    assert set(outcome.leased) == {"a", "b"}
    assert await states(store) == {"a": RunState.RUNNING, "b": RunState.RUNNING, "c": RunState.QUEUED}
    assert await claim(store, "w2") == []
    assert (await apply(store, Commit(run_id="a", epoch=1, journal=(a_row("x"),))))[0].fate is Fate.APPLIED


async def test_only_new_runs_are_leased_to_whoever_starts_them(store: SqlStore) -> None:
    await start(store, a_start("a"))
    (outcome,) = await apply(store, Commit(starts=(a_start("a"),), lease_to="w1"))
    assert outcome.leased == ()
    assert await state_of(store, "a") is RunState.READY


async def test_a_journal_row_is_replaced_by_its_next_state(store: SqlStore) -> None:
    await start(store, a_start("a"))
    claimed = await claim_one(store)
    for state, payload in ((StepState.INTENT, b"null"), (StepState.DONE, b'"SO-1"')):
        await apply(store, Commit(run_id="a", epoch=claimed.epoch, journal=(a_row("erp", state, payload),)))
    view = await store.find_run("a")
    assert view is not None
    assert [(row.step, row.state, row.payload) for row in view.journal] == [("erp", StepState.DONE, b'"SO-1"')]


async def test_a_taken_up_run_brings_its_journal_and_signals(store: SqlStore) -> None:
    await start(store, a_start("a"), a_start("b"))
    first, _other = await claim(store)
    await apply(
        store,
        Commit(
            run_id=first.run_id,
            epoch=first.epoch,
            journal=(a_row("one"), a_row("two", StepState.INTENT)),
            transition=Transition(state=RunState.WAITING, wake_at=NOW + 1, waiting_on="timer"),
        ),
    )
    await store.signal(first.run_id, "go", b"7", NOW)
    again = (await store.claim("w1", KNOWN, {"ready": 5}, NOW + 1))[0]
    assert {row.step: row.state for row in again.journal} == {"one": StepState.DONE, "two": StepState.INTENT}
    assert [(signal.name, signal.payload) for signal in again.signals] == [("go", b"7")]
    assert again.epoch == first.epoch + 1


async def test_a_cursor_moves_only_for_its_holder(store: SqlStore) -> None:
    await registered(store, "w1", "w2")
    assert await store.hold_cursor("relay:x", "w1") == ""
    assert await store.hold_cursor("relay:x", "w2") is None
    mine = Commit(cursor=CursorWrite("relay:x", "5", "w1"), starts=(a_start("a"),))
    theirs = Commit(cursor=CursorWrite("relay:x", "9", "w2"), starts=(a_start("b"),), events=(an_event(),))
    assert [outcome.fate for outcome in await apply(store, mine, theirs)] == [Fate.APPLIED, Fate.FENCED]
    assert await store.hold_cursor("relay:x", "w1") == "5"
    assert list(await states(store)) == ["a"]
    assert await store.read_events(0, 10) == []


async def test_a_cursor_nobody_holds_any_more_can_be_taken(store: SqlStore) -> None:
    await registered(store, "w1", "w2")
    await store.hold_cursor("relay:x", "w1")
    await apply(store, Commit(cursor=CursorWrite("relay:x", "5", "w1")))
    await store.retire("w1", NOW)
    assert await store.hold_cursor("relay:x", "w2") == "5"
    assert (await apply(store, Commit(cursor=CursorWrite("relay:x", "6", "w1"))))[0].fate is Fate.FENCED


async def test_a_cursor_of_a_worker_whose_lease_ran_out_can_be_taken(stores: Stores) -> None:
    store = await stores.open()
    await registered(store, "w1", "w2", now=stores.clock.now())
    await store.hold_cursor("relay:x", "w1")
    stores.clock.advance(60)
    assert await store.hold_cursor("relay:x", "w2") == ""


async def test_what_a_lost_cursor_was_to_move_with_is_still_to_be_taken(store: SqlStore) -> None:
    """An arrival whose commit was refused must not stay in the inbox: it would never be taken."""
    await registered(store, "w1", "w2")
    await store.hold_cursor("source:x", "w2")
    arrival = Commit(
        inbox=InboxRow("x", "1", "d"), cursor=CursorWrite("source:x", "5", "w1"), starts=(a_start("a"),)
    )
    assert (await apply(store, arrival))[0].fate is Fate.FENCED
    arrival.cursor = CursorWrite("source:x", "5", "w2")
    assert (await apply(store, arrival))[0].fate is Fate.APPLIED
    assert list(await states(store)) == ["a"]


async def test_a_duplicate_moves_no_cursor(store: SqlStore) -> None:
    await registered(store, "w1")
    await store.hold_cursor("source:x", "w1")
    await apply(store, Commit(inbox=InboxRow("x", "1", "d")))
    again = Commit(inbox=InboxRow("x", "1", "d"), cursor=CursorWrite("source:x", "5", "w1"))
    assert (await apply(store, again))[0].fate is Fate.DUPLICATE
    assert await store.hold_cursor("source:x", "w1") == ""


async def test_events_are_numbered_in_the_order_of_commits_and_found_by_subject(store: SqlStore) -> None:
    for number in range(3):
        await apply(store, Commit(events=(an_event(f"e{number}", "a"), an_event(f"f{number}", "b"))))
    events = await store.read_events(0, 10)
    assert [event.type for event in events] == ["e0", "f0", "e1", "f1", "e2", "f2"]
    assert sorted({event.event_id for event in events}) == sorted(event.event_id for event in events)
    assert [event.sequence for event in events] == sorted(event.sequence for event in events)
    behind = await store.read_events(events[1].sequence, 2)
    assert [event.type for event in behind] == ["e1", "f1"]
    assert [event.type for event in await store.read_events(0, 10, "b")] == ["f0", "f1", "f2"]
