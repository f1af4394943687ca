"""The operator's verbs: only on parked runs, each audited, and the audit cannot be changed unseen."""

from typing import Any

import pytest
from tests.storage.rows import (
    NOW,
    PARKING,
    a_row,
    a_start,
    an_end,
    an_event,
    apply,
    claim,
    claim_one,
    start,
    state_of,
)

from crossdock.durable.lanes import pause_lane, resume_lane
from crossdock.durable.records import Commit, EffectStep, RunState, StepState
from crossdock.durable.store import Action, AuditEntry
from crossdock.stock.holds import CountStock, HoldStock, ReleaseStock, StockCount, Wanted
from crossdock.storage.audit import FIRST_DIGEST, audit_digest
from crossdock.storage.sql_store import SqlStore

pytestmark = pytest.mark.anyio


def an_action(run_id: str, verb: str = "retry", **facts: Any) -> Action:
    fields: dict[str, Any] = {"actor": "ann", "reason": "seen", "state": RunState.READY, "queue": "ready"} | facts
    return Action(run_id=run_id, verb=verb, **fields)


async def parked(store: SqlStore, *run_ids: str) -> None:
    await start(store, *(a_start(run_id, parking=PARKING) for run_id in run_ids))


async def test_a_verb_works_once_and_only_on_what_is_parked(store: SqlStore) -> None:
    await parked(store, "a")
    await start(store, a_start("b"))
    actions = [an_action("a"), an_action("a"), an_action("b"), an_action("nobody")]
    assert await store.operate(actions, NOW) == [True, False, False, False]
    assert [entry.run_id for entry in await store.list_audit()] == ["a"]
    assert {run.run_id for run in await claim(store)} == {"a", "b"}


async def test_release_forgets_the_parking_and_counts_attempts_afresh(store: SqlStore) -> None:
    await start(store, a_start("a"))
    claimed = await claim_one(store)
    end = an_end(claimed, RunState.PARKED, parking=PARKING)
    end.journal = (a_row("tried", StepState.DELAYED, attempts=8), a_row("done", attempts=3))
    await apply(store, end)
    view = await store.find_run("a")
    assert view is not None
    assert view.parking == PARKING
    await store.operate([an_action("a", told="turn back")], NOW)
    again = await claim_one(store)
    assert {row.step: row.attempts for row in again.journal} == {"tried": 0, "done": 3}
    assert again.told == "turn back"
    view = await store.find_run("a")
    assert view is not None
    assert (view.parking, view.parked_at) == (None, None)


async def test_a_repair_puts_in_input_and_results_and_forgets_steps(store: SqlStore) -> None:
    await start(store, a_start("a"))
    end = an_end(await claim_one(store), RunState.PARKED, parking=PARKING)
    end.journal = (a_row("enrich"), a_row("submit", StepState.INTENT))
    await apply(store, end)
    repair = an_action(
        "a", "repair", input=b"[2]", journal=(a_row("submit", payload=b'"SO-9"'),), forgotten=("enrich",)
    )
    await store.operate([repair], NOW)
    claimed = await claim_one(store)
    assert claimed.input == b"[2]"
    assert [(row.step, row.state, row.payload) for row in claimed.journal] == [
        ("submit", StepState.DONE, b'"SO-9"')
    ]


async def test_the_repaired_result_of_a_run_that_never_began_is_known_when_it_does(store: SqlStore) -> None:
    await parked(store, "a")
    await store.operate([an_action("a", "repair", journal=(a_row("submit"),))], NOW)
    assert [row.step for row in (await claim_one(store)).journal] == ["submit"]


async def test_a_verb_gives_back_what_the_run_held_and_tells_others(
    store: SqlStore,
) -> None:
    counts = CountStock(counts=(StockCount("P", "W", 5),))
    hold = HoldStock(key="k", wanted=(Wanted("1", "P", 5),))
    await apply(store, Commit(effects=(EffectStep("c", counts), EffectStep("h", hold))))
    await parked(store, "a")
    skip = an_action(
        "a", "skip", state=RunState.SKIPPED, queue="", effects=(ReleaseStock(key="k"),), events=(an_event(),)
    )
    await store.operate([skip], NOW)
    assert await state_of(store, "a") is RunState.SKIPPED
    (outcome,) = await apply(
        store, Commit(effects=(EffectStep("h", HoldStock(key="k2", wanted=(Wanted("1", "P", 5),))),))
    )
    assert b'"micro":5' in outcome.findings[0]
    assert len(await store.read_events(0, 5)) == 1


async def test_an_assigned_run_stays_parked_with_its_new_owner(store: SqlStore) -> None:
    await parked(store, "a")
    await store.operate([an_action("a", "assign", state=RunState.PARKED, queue="", owner="bob")], NOW)
    view = await store.find_run("a")
    assert view is not None
    assert view.parking is not None
    assert (view.state, view.parking.owner) == (RunState.PARKED, "bob")
    assert await claim(store) == []


def broken_links(entries: list[AuditEntry]) -> int:
    """How many entries do not follow from the one before."""
    previous, broken = FIRST_DIGEST, 0
    for entry in entries:
        wanted = audit_digest(previous, entry.at, entry.actor, entry.verb, entry.run_id, entry.reason)
        broken += entry.digest != wanted
        previous = entry.digest
    return broken


async def test_every_verb_is_audited_in_a_chain_that_shows_any_change(store: SqlStore) -> None:
    await parked(store, *"abcd")
    await store.operate([an_action("a"), an_action("b", reason="twice \x1f so")], NOW)
    await store.operate([an_action("c", "skip", state=RunState.SKIPPED, queue="")], NOW + 1)
    await store.operate([an_action("d", "assign", state=RunState.PARKED, owner="bob", reason="bob")], NOW + 2)
    entries = list(reversed(await store.list_audit()))
    assert [(entry.verb, entry.run_id) for entry in entries] == [
        ("retry", "a"),
        ("retry", "b"),
        ("skip", "c"),
        ("assign", "d"),
    ]
    assert broken_links(entries) == 0
    assert broken_links(entries[:1] + entries[2:]) == 1, "an entry was dropped"
    assert broken_links([entries[1], entries[0], *entries[2:]]) == 3, "two were swapped"
    await store._write(lambda tx: tx.execute("UPDATE audit SET actor = 'eve' WHERE run_id = 'b'"))
    assert broken_links(list(reversed(await store.list_audit()))) == 1, "one was changed"
    assert [entry.verb for entry in await store.list_audit(run_id="c")] == ["skip"]


async def test_a_hand_on_a_lane_is_audited_in_the_same_chain_and_only_where_it_did_something(
    store: SqlStore,
) -> None:
    await parked(store, "a")
    await pause_lane(store, "erp", NOW, actor="ann", reason="closing the books")
    await pause_lane(store, "erp", NOW + 1, actor="bob", reason="it is paused already")
    await store.operate([an_action("a")], NOW + 2)
    await resume_lane(store, "erp", NOW + 3, actor="cy", reason="done")

    entries = list(reversed(await store.list_audit()))
    assert [(entry.actor, entry.verb, entry.run_id) for entry in entries] == [
        ("ann", "pause", "lane/erp"),
        ("ann", "retry", "a"),
        ("cy", "resume", "lane/erp"),
    ]
    assert broken_links(entries) == 0
    assert [entry.reason for entry in await store.list_audit(run_id="lane/erp")] == ["done", "closing the books"]


async def test_parked_runs_are_listed_by_cause_newest_first_in_keyset_pages(store: SqlStore) -> None:
    for number in range(5):
        await start(store, a_start(f"r{number}", parking=PARKING), now=NOW + number // 2)
    await start(store, a_start("other"))
    listed, before = [], ""
    while page := await store.list_runs(state=RunState.PARKED, signature="v1:abc", before=before, limit=2):
        listed += [view.run_id for view in page]
        before = listed[-1]
    assert listed == ["r4", "r3", "r2", "r1", "r0"]
    assert await store.list_runs(signature="v1:none") == []
    assert await store.count_runs() == {"parked": 5, "ready": 1}
