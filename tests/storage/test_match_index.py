"""The match index on every database: candidates by shared keys, places of records, words of people, models."""

import asyncio
import itertools
import random
from functools import partial
from typing import Any

import msgspec
import pytest
from tests.storage.matching import ANNA, OTTO, submitting, told
from tests.storage.rows import NOW, plan_of
from tests.stores import Stores

from crossdock.durable.records import Commit, EffectStep
from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.model import encoded
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.record import Features, Profile
from crossdock.identity.recognition.index import (
    CANDIDATES_MAX,
    CANDIDATES_SURE,
    PER_KEY_MAX,
    Candidate,
    Face,
    Finding,
    JudgePair,
    KeepModel,
    MoveRecord,
    RaiseDoubt,
    Settled,
    SettleRecord,
    Verdict,
)
from crossdock.identity.recognition.starting_model import starting_model
from crossdock.processes.customer_recognition import Recogniser
from crossdock.storage.match_looks import around_query, shown_query
from crossdock.storage.match_writing import sharing_query, state_query
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.transaction import Transaction

pytestmark = pytest.mark.anyio
A, B, C = "crm/Contact/1", "shop/Customer/2", "till/Card/3"
ANYBODY = Features(given=("x",), family=("y",))


async def place(store: SqlStore, record: str, profile: Profile) -> str:
    """Settle a record alone; its party."""
    settled = await Recogniser(store).place(submitting(store), record, profile)  # type: ignore[arg-type]
    return settled.party_id


def a_place(record: str, party_id: str, keys: tuple[int, ...], **facts: object) -> SettleRecord:
    """A settlement of a party that begins with it, unless told otherwise."""
    finding = Finding(record=record, party_id=party_id, band="new")
    known = {"features": ANYBODY, "keys": keys, "added": keys, "seen": {}, "creates": True} | facts
    return SettleRecord(finding=finding, **known)  # type: ignore[arg-type]


async def fill(store: SqlStore, *effects: SettleRecord) -> None:
    await store.apply([Commit(effects=tuple(EffectStep(str(n), one) for n, one in enumerate(effects)))], NOW)


async def analysed(store: SqlStore) -> None:
    """Have PostgreSQL count what is there, as its own rounds do."""

    def count(tx: Transaction) -> None:
        if tx.locks:
            tx.execute("ANALYZE")

    await store._write(count)


async def test_who_shares_keys_is_a_candidate_and_those_who_share_most_come_first(store: SqlStore) -> None:
    await fill(
        store,
        a_place("r1", "p1", (1, 2), certain=True),
        a_place("r2", "p2", (2, 3, -4), certain=True),
        a_place("r3", "p3", (9,), certain=True),
    )
    nearby = await store.look_nearby("r4", (2, 3, -4, 77))
    assert [(one.party_id, one.shared) for one in nearby.candidates] == [("p2", 3), ("p1", 1)]
    assert nearby.candidates[0].faces[0].record == "r2"
    assert nearby.candidates[0].faces[0].features == ANYBODY
    assert nearby.population >= 3


async def test_a_look_tells_what_counting_under_every_key_by_hand_would(store: SqlStore) -> None:
    dice = random.Random(7)
    places = {n: (*dice.sample(range(30), 5), 1_000 + n % 90) for n in range(400)}
    await fill(store, *(a_place(f"r{n}", f"p{n:03}", keys, certain=True) for n, keys in places.items()))
    asked = [(*dice.sample(range(40), 6), *dice.sample(range(1_000, 1_095), 4)) for _ in range(40)]
    looks = await asyncio.gather(*(store.look_nearby(f"x{n}", keys) for n, keys in enumerate(asked)))
    for keys, nearby in zip(asked, looks, strict=True):
        under = {key: [n for n, held in places.items() if key in held] for key in keys}
        rare = {key: parties for key, parties in under.items() if 0 < len(parties) <= PER_KEY_MAX}
        assert set(nearby.common) == {key for key in keys if len(under[key]) > PER_KEY_MAX}
        near = {
            n: sum(1 / len(some) for some in rare.values() if n in some) for some in rare.values() for n in some
        }
        shares = {n: sum(n in some for some in rare.values()) for n in near}
        nearest = sorted(near, key=lambda n: (-near[n], n))[:CANDIDATES_MAX]
        nearest = [n for place, n in enumerate(nearest) if place < CANDIDATES_SURE or shares[n] > 1]
        assert [one.party_id for one in nearby.candidates] == [f"p{n:03}" for n in nearest]
        for n, one in zip(nearest, nearby.candidates, strict=True):
            assert set(one.keys) == {key for key, some in rare.items() if n in some}
            assert (one.shared, one.faces[0].record) == (len(one.keys), f"r{n}")
    assert any(nearby.common for nearby in looks)
    assert any(one.shared == 1 for nearby in looks for one in nearby.candidates[:CANDIDATES_SURE])
    assert any(len(nearby.candidates) > CANDIDATES_SURE for nearby in looks)


async def test_far_down_who_shares_one_key_only_is_passed_over_and_nobody_looks_again_for_him(
    store: SqlStore,
) -> None:
    ones = [a_place(f"o{n}", f"one-{n:02}", (1,), certain=True) for n in range(CANDIDATES_SURE + 2)]
    await fill(store, *ones, a_place("t", "two", (2, 3), certain=True))
    crowd = [a_place(f"c{n}", f"crowd-{n:02}", (2, 3), certain=True) for n in range(40)]
    await fill(store, *crowd)
    nearby = await store.look_nearby("x", (1, 2, 3))
    found = [one.party_id for one in nearby.candidates]
    assert found[:CANDIDATES_SURE] == [f"one-{n:02}" for n in range(CANDIDATES_SURE)]
    assert found[CANDIDATES_SURE] == "two"
    assert len(found) == CANDIDATES_MAX - 2, "those after the twelfth who share one key are not in it"
    seen = {one.party_id: one.shared for one in nearby.candidates}
    newcomer = a_place("x", "new", (1, 2, 3), state=nearby.state + 1, seen=seen)
    assert await told(store, newcomer, Settled) == Settled("new", "settled")


async def test_a_key_that_too_many_share_leads_nowhere_and_is_counted(store: SqlStore) -> None:
    await fill(store, *(a_place(f"r{n}", f"p{n}", (5, 100 + n), certain=True) for n in range(PER_KEY_MAX)))
    assert (await store.look_nearby("x", (5,))).common == ()
    await fill(store, a_place("one-more", "p-more", (5,), certain=True))
    nearby = await store.look_nearby("x", (5, 103))
    assert [one.party_id for one in nearby.candidates] == ["p3"]
    assert nearby.common == (5,)


async def test_a_look_and_a_commit_read_no_more_of_a_key_that_50_000_share_than_of_one_that_too_many_share(
    store: SqlStore,
) -> None:
    hot, usual = 5, 103
    await fill(store, *(a_place(f"r{n}", f"p{n}", (6, 100 + n), certain=True) for n in range(PER_KEY_MAX + 1)))
    many = (
        "WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 50000) "
        "INSERT INTO match_key SELECT ?, 1000000 + value FROM n"
    )
    await store._write(lambda tx: tx.execute(many, tx.blinded([hot])))
    words = await store._write(lambda tx: tx.words)

    async def effort(key: int) -> int:
        keys = await store._write(lambda tx: tx.blinded([key, usual]))
        look = around_query(words), (str(keys), *['["x"]'] * 3)
        return sum(
            [
                await store._write(partial(_effort, sql=sql, said=said))
                for sql, said in (look, (sharing_query(words), (str(keys),)))
            ]
        )

    assert await effort(hot) <= 2 * await effort(6)
    nearby = await store.look_nearby("x", (hot, usual))
    assert ([one.party_id for one in nearby.candidates], nearby.common) == (["p3"], (hot,))
    newcomer = a_place("x", "p3", (hot, usual), state=nearby.state, common=nearby.common, creates=False)
    assert await told(store, newcomer, Settled) == Settled("p3", "settled")


def _effort(tx: Transaction, sql: str, said: tuple[str, ...]) -> int:
    """Rows that PostgreSQL reads of the index for a query, or instructions that SQLite carries out for it."""
    if tx.locks:
        ((plan,),) = tx.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", said).fetchall()
        return _read_by(plan[0]["Plan"])
    plain: Any = getattr(tx, "_inner", tx)
    connection, steps = plain._connection, itertools.count()
    connection.set_progress_handler(lambda: next(steps) and None, 1)
    tx.execute(sql, said).fetchall()
    connection.set_progress_handler(None, 0)
    return next(steps)


def _read_by(node: dict[str, Any]) -> int:
    own = node["Actual Rows"] * node["Actual Loops"] if node.get("Relation Name") == "match_key" else 0
    return int(own) + sum(_read_by(part) for part in node.get("Plans", ()))


@pytest.mark.parametrize("counted", [True, False])
async def test_a_look_reads_the_index_by_its_keys_however_many_parties_there_are(
    store: SqlStore, counted: bool
) -> None:
    keys = [tuple(range(n * 10, n * 10 + 10)) for n in range(3_000)]
    await fill(store, *(a_place(f"r{n}", f"p{n}", some, certain=True) for n, some in enumerate(keys)))
    if counted:
        await analysed(store)
    words = await store._write(lambda tx: tx.words)
    some, records = "[11, 12, 13, 14, -1]", '["r1", "x"]'
    looks = around_query(words), some, records, records, records
    for sql, *said in (looks, (state_query(words), some), (sharing_query(words), some)):
        plan = await plan_of(store, sql, tuple(said))
        assert "match_key_pkey" in plan or "sqlite_autoindex_match_key_1" in plan or "(hash=?)" in plan
        assert "match_key" not in " ".join(await _scanned(store, sql, tuple(said))), plan
    scanned = await _scanned(store, shown_query(words), (some,))
    assert not any(table in line for line in scanned for table in ("match_party", "match_face", " f", " p")), (
        scanned
    )


async def _scanned(store: SqlStore, sql: str, parameters: tuple[str, ...]) -> list[str]:
    """The tables that would be read from one end to the other."""

    def explain(tx: Transaction) -> list[str]:
        if tx.locks:
            lines = [row[0] for row in tx.execute(f"EXPLAIN {sql}", parameters).fetchall()]
            return [line for line in lines if "Seq Scan" in line]
        lines = [row[3] for row in tx.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()]
        return [line for line in lines if line.startswith("SCAN ")]

    return await store._write(explain)


async def test_what_is_indexed_survives_a_restart(stores: Stores) -> None:
    first = await stores.open()
    party_id = await place(first, A, ANNA)
    if stores.kind == "memory":
        return
    again = await stores.open()
    assert await place(again, B, ANNA) == party_id


async def test_a_record_keeps_its_party_and_its_keys_follow_what_it_says(store: SqlStore) -> None:
    anna = await place(store, A, ANNA)
    moved = msgspec.structs.replace(ANNA, emails=("new@mail.example.net",))
    assert await place(store, A, moved) == anna
    old = keys_of(features_of(Profile(emails=ANNA.emails)))
    new = keys_of(features_of(Profile(emails=moved.emails)))
    assert (await store.look_nearby("x", old)).candidates == ()
    assert [one.party_id for one in (await store.look_nearby("x", new)).candidates] == [anna]


async def test_a_key_stays_while_another_face_of_the_party_has_it(store: SqlStore) -> None:
    await fill(store, a_place("r1", "p", (1, 2), certain=True), a_place("r2", "p", (2, 3), certain=True))
    assert await told(store, MoveRecord(record="r1", party_id=""), bool)
    assert (await store.look_nearby("x", (1,))).candidates == ()
    assert [one.party_id for one in (await store.look_nearby("x", (2,))).candidates] == ["p"]


async def test_a_record_that_is_moved_is_found_under_its_new_party_only(store: SqlStore) -> None:
    await fill(store, a_place("r1", "p", (1, 2), certain=True), a_place("r2", "p", (3,), certain=True))
    assert await told(store, MoveRecord(record="r1", party_id="q"), bool)
    assert [one.party_id for one in (await store.look_nearby("x", (1, 2, 3))).candidates] == ["q", "p"]
    assert (await store.look_nearby("r1", ())).party_id == "q"
    assert not await told(store, MoveRecord(record="nobody", party_id="q"), bool)


async def test_who_was_not_weighed_makes_the_newcomer_look_again(store: SqlStore) -> None:
    await fill(store, a_place("r1", "p1", (1, 2), certain=True))
    late = await told(store, a_place("r2", "p2", (2, 3)), Settled)
    assert late == Settled("", "look_again")
    seen = {"p1": (await store.look_nearby("r2", (2, 3))).candidates[0].shared}
    assert await told(store, a_place("r2", "p2", (2, 3), seen=seen), Settled) == Settled("p2", "settled")
    assert await told(store, a_place("r2", "p9", (2, 3)), Settled) == Settled("p2", "known")


async def test_of_one_batch_the_first_is_settled_and_the_rest_look_again(store: SqlStore) -> None:
    steps = [EffectStep("s", a_place(f"r{n}", f"p{n}", (7, 8))) for n in range(4)]
    commits = [Commit(effects=(step,)) for step in steps]
    outcomes = await store.apply(commits, NOW)
    fates = [msgspec.json.decode(one.findings[0], type=Settled).fate for one in outcomes]
    assert fates == ["settled", "look_again", "look_again", "look_again"]


async def test_where_ids_may_forbid_a_link_its_party_has_to_be_what_was_weighed(store: SqlStore) -> None:
    await fill(store, a_place("r1", "p", (1,), certain=True))
    version = (await store.look_nearby("x", (1,))).candidates[0].version
    await fill(store, a_place("r2", "p", (1, 2), certain=True))
    grown = a_place("r3", "p", (1, 3), creates=False, version=version)
    assert await told(store, grown, Settled) == Settled("", "look_again")
    carefree = msgspec.structs.replace(grown, version=-1)
    assert await told(store, carefree, Settled) == Settled("p", "settled")


async def test_a_party_whose_records_went_elsewhere_takes_nobody_in(store: SqlStore) -> None:
    await fill(store, a_place("r1", "p", (1,), certain=True))
    await told(store, MoveRecord(record="r1", party_id="q"), bool)
    assert await told(store, a_place("r2", "p", (1,), creates=False), Settled) == Settled("", "look_again")


async def test_a_party_that_left_the_index_takes_nobody_in(store: SqlStore) -> None:
    assert (await told(store, a_place("r", "gone", (1,), creates=False), Settled)) == Settled("", "look_again")


async def test_every_decision_is_kept_with_its_evidence_and_what_would_have_changed_it(store: SqlStore) -> None:
    await place(store, A, ANNA)
    anna = await place(store, B, ANNA)
    (decision,) = await store.list_decisions(B)
    best = decision.finding.weighed[0]
    assert (decision.decided_by, decision.at, decision.is_open) == ("hub", NOW, False)
    assert (decision.finding.band, decision.finding.party_id, best.record) == ("link", anna, A)
    assert {one.comparison for one in best.decision.evidence} >= {"given name", "family name", "e-mail", "phone"}
    assert decision.finding.model_version == best.decision.model_version == starting_model().version


@pytest.mark.parametrize("first", ["same", "not_same"])
async def test_not_the_same_is_permanent_whatever_is_said_later(store: SqlStore, first: Verdict) -> None:
    other: Verdict = "same" if first == "not_same" else "not_same"
    assert await told(store, JudgePair(one=A, other=B, verdict=first, decided_by="eve"), bool)
    holds = await told(store, JudgePair(one=B, other=A, verdict=other, decided_by="eve"), bool)
    assert holds is (first == "same")
    for record in (A, B):
        assert [edge.verdict for edge in (await store.look_nearby(record, ())).edges] == ["not_same"]


async def test_a_steward_looks_at_a_doubt_until_it_is_decided(store: SqlStore) -> None:
    vague = Profile(given="Anna", family="Seidl", birth_date="1980-05-17", country="DE")
    await place(store, A, msgspec.structs.replace(vague, addresses=OTTO.addresses))
    await place(store, B, msgspec.structs.replace(vague, addresses=ANNA.addresses, birth_date="1980-05-16"))
    (doubt,) = await store.list_doubts()
    assert doubt.finding.band == "review"
    assert doubt.finding.doubtful == ((await store.look_nearby(A, ())).party_id,)
    assert doubt.finding.weighed[0].decision.flips
    await told(store, JudgePair(one=B, other=A, verdict="not_same", decided_by="eve"), bool)
    assert await store.list_doubts() == []


async def test_a_steward_is_asked_of_two_parties_once_and_not_after_he_has_answered(store: SqlStore) -> None:
    party_id, other_id = await place(store, A, ANNA), await place(store, B, OTTO)
    alike = await Recogniser(store).compare(A, ANNA, Candidate(other_id, 0, 0, (Face(B, features_of(OTTO)),)))
    doubt = RaiseDoubt(finding=msgspec.structs.replace(alike, party_id=party_id, doubtful=(other_id,)))
    assert [await told(store, doubt, bool) for _ in range(2)] == [True, False]
    assert [await store.is_in_doubt(one) for one in (party_id, other_id)] == [True, False]
    await told(store, JudgePair(one=A, other=B, verdict="same", decided_by="eve"), bool)
    assert await store.list_doubts() == []
    assert [await store.is_in_doubt(one) for one in (party_id, other_id)] == [True, True], "they are two yet"
    await told(store, MoveRecord(record=A, party_id=other_id), bool)
    assert [await store.is_in_doubt(one) for one in (party_id, other_id)] == [False, False]
    assert await told(store, doubt, bool) is False


async def test_one_model_is_active_and_weighs(store: SqlStore) -> None:
    recogniser = Recogniser(store)
    assert await recogniser.refresh() == starting_model().version
    first = starting_model().rescaled(5_000)
    second = starting_model().rescaled(7_000)
    for model in (first, second, first):
        await told(store, KeepModel(content=encoded(model), version=model.version), str)
    assert await recogniser.refresh() == first.version
