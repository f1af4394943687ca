"""What stewards see and say: each word once, by name, with a reason, and everything that follows from it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from tests.processes.books import CustomerHub, customer_hub
from tests.processes.test_customer_matching import ALMOST_ANNA, ANNA, EMAIL, JULIA, OWNERSHIP, PHONE
from tests.stores import Stores

from crossdock.identity.golden.joining import Unmerged
from crossdock.identity.golden.ledger import record_key
from crossdock.identity.recognition.reviews import STEWARDS
from crossdock.kit.errors import Conflict, Invalid, Rejected
from crossdock.processes.customer_stewardship import Word

pytestmark = pytest.mark.anyio

SAME = Word(word="same", by="Ines", reason="called her")
NOT_SAME = Word(word="not_same", by="Olaf", reason="her daughter")


@pytest.fixture
async def hub(stores: Stores) -> AsyncIterator[CustomerHub]:
    async with customer_hub(stores, OWNERSHIP) as hub:
        yield hub


async def a_doubt(hub: CustomerHub) -> tuple[int, str, str]:
    """Somebody who is almost Anna: the review, her party, and the one in doubt."""
    anna = hub.books["crm"].make(ANNA)
    await hub.pump()
    hub.clock.advance(1_000)
    almost = hub.books["crm"].make(ALMOST_ANNA)
    await hub.pump()
    (review,) = await hub.store.list_match_reviews(hub.clock.now())
    return review.number, (await hub.party("crm", anna)).party_id, (await hub.party("crm", almost)).party_id


async def rest(hub: CustomerHub) -> None:
    for _round in range(4):
        await hub.engine.settle()
        await hub.pump()
        hub.clock.advance(70)
    await hub.engine.settle()


def in_erp(hub: CustomerHub) -> int:
    return sum(not record.gone for record in hub.books["erp"].book._records.values())


async def test_a_review_shows_both_customers_the_evidence_and_whose_it_is(hub: CustomerHub) -> None:
    number, anna, almost = await a_doubt(hub)
    doubt = await hub.stewards.doubt(number)
    assert doubt is not None
    assert [each.file.party_id for each in doubt.customers] == [almost, anna]
    assert doubt.review.owner == STEWARDS
    (weighed,) = [one for one in doubt.review.finding.weighed if one.party_id == anna]
    assert weighed.decision.evidence
    assert weighed.decision.flips
    assert doubt.customers[1].values[EMAIL].values == {EMAIL: ANNA[EMAIL]}


async def test_the_same_makes_one_customer_of_two_and_nobody_a_second_record(hub: CustomerHub) -> None:
    number, anna, almost = await a_doubt(hub)
    before = in_erp(hub)
    merge_id = await hub.stewards.decide(number, SAME)
    assert await hub.store.list_match_reviews(hub.clock.now()) == []
    await rest(hub)
    retired = await hub.store.read_party(almost)
    assert retired is not None
    assert retired.into == anna
    assert in_erp(hub) == before
    assert await hub.stewards.decide(number, SAME) == merge_id, "the same word again is the same word"
    with pytest.raises(Conflict) as late:
        await hub.stewards.decide(number, NOT_SAME)
    assert late.value.code == "review-closed"
    told = await hub.stewards.merge_of(merge_id)
    assert told is not None
    assert told[0].stands
    assert (told[0].by, told[0].reason) == ("Ines", "called her")


async def test_not_the_same_gives_the_other_his_record_and_stays_for_good(hub: CustomerHub) -> None:
    number, anna, almost = await a_doubt(hub)
    before = in_erp(hub)
    assert await hub.stewards.decide(number, NOT_SAME) == ""
    await rest(hub)
    assert in_erp(hub) == before + 1, "he waited for this word"
    assert await hub.store.list_match_reviews(hub.clock.now()) == []
    with pytest.raises(Conflict) as apart:
        await hub.stewards.merge(anna, almost, by="Ines", reason="I think so")
    assert apart.value.code == "said-not-same"
    entries = await hub.store.list_audit(run_id=f"review/{number}")
    assert [(entry.actor, entry.verb, entry.reason) for entry in entries] == [("Olaf", "not_same", "her daughter")]


async def test_a_review_can_be_put_off_and_given_away(hub: CustomerHub) -> None:
    number, _, _ = await a_doubt(hub)
    await hub.stewards.decide(number, Word(word="assign", by="Ines", reason="his town", owner="Olaf"))
    assert [each.owner for each in await hub.store.list_match_reviews(hub.clock.now(), owner="Olaf")] == ["Olaf"]
    assert await hub.store.list_match_reviews(hub.clock.now(), owner=STEWARDS) == []
    later = Word(word="later", by="Olaf", reason="no answer yet", later_seconds=600)
    await hub.stewards.decide(number, later)
    assert await hub.store.list_match_reviews(hub.clock.now()) == []
    hub.clock.advance(601)
    assert [each.number for each in await hub.store.list_match_reviews(hub.clock.now())] == [number]
    with pytest.raises(Invalid):
        await hub.stewards.decide(number, Word(word="assign", by="Ines", reason="x"))
    with pytest.raises(Rejected):
        await hub.stewards.decide(number + 100, SAME)


async def test_of_two_words_at_once_one_is_taken(hub: CustomerHub) -> None:
    number, _, _ = await a_doubt(hub)
    words = [hub.stewards.decide(number, said) for said in (SAME, NOT_SAME)]
    answers = await asyncio.gather(*words, return_exceptions=True)
    assert sum(isinstance(answer, Conflict) for answer in answers) == 1


async def test_equal_evidence_has_one_signature_and_pages_follow_each_other(hub: CustomerHub) -> None:
    people = [("Anna Seidl", "Berg", "Bonn"), ("Otto Krause", "Wald", "Kiel"), ("Berta Vogt", "See", "Ulm")]
    for given in (ANNA, ALMOST_ANNA):
        for number, (name, street, city) in enumerate(people, 1):
            first, family = name.split()
            home = {"lines": (f"{street}weg {number}",), "city": city}
            there: dict[str, Any] = {f"shipping.default.address.{part}": value for part, value in home.items()}
            there |= {"person.name.given": first if given is ANNA else f"{first[0]}."}
            there |= {"person.birth_date": f"19{number}0-05-17"} if given is ANNA else {}
            contact = {EMAIL: f"{family}@x.example"} if given is ANNA else {PHONE: f"0171 55512{number:02}"}
            hub.books["crm"].make({**given, "person.name.family": family, **there, **contact})
        await hub.pump()
    reviews = await hub.store.list_match_reviews(hub.clock.now())
    assert len(reviews) == 3
    (alike,) = await hub.store.list_alike()
    assert (alike.count, alike.first) == (3, reviews[0].number)
    page = await hub.store.list_match_reviews(hub.clock.now(), signature=alike.signature, limit=2)
    rest = await hub.store.list_match_reviews(hub.clock.now(), signature=alike.signature, behind=page[-1].number)
    assert [each.number for each in (*page, *rest)] == [each.number for each in reviews]
    assert await hub.store.list_match_reviews(hub.clock.now(), signature="v1:none") == []


async def test_of_contrary_words_about_two_customers_the_second_is_told_of_the_first(hub: CustomerHub) -> None:
    number, anna, almost = await a_doubt(hub)
    looked = await hub.stewards.doubt(number)
    assert looked is not None
    other = next(one.file.party_id for one in looked.customers[1:])
    words = [
        hub.stewards.merge(anna, almost, by="Ines", reason="called her"),
        hub.stewards.decide(number, NOT_SAME),
        hub.stewards.decide(number, replace(NOT_SAME, other=other)),
    ]
    answers = await asyncio.gather(*words, return_exceptions=True)
    (said, *refused) = sorted(answers, key=lambda answer: isinstance(answer, Conflict))
    assert not isinstance(said, BaseException)
    contrary = [answer for answer in refused if isinstance(answer, Conflict)]
    assert contrary, answers
    assert {answer.code for answer in contrary} <= {"said-not-same", "said-otherwise", "review-closed"}
    first = "Ines said on" if said else "Olaf said on"
    assert all(first in answer.message for answer in contrary), [answer.message for answer in contrary]
    await rest(hub)
    retired = await hub.store.read_party(almost)
    assert retired is not None
    assert bool(retired.into) == bool(said)
    edges = (await hub.store.look_nearby(record_key(looked.customers[0].file.records[0].reference), ())).edges
    assert {edge.verdict for edge in edges} == ({"same"} if said else {"not_same"})


async def test_values_that_shall_survive_are_chosen_with_the_word(hub: CustomerHub) -> None:
    number, anna, _ = await a_doubt(hub)
    chosen = Word(word="same", by="Ines", reason="asked", pins={PHONE: "+49 171 1", EMAIL: "new@x.example"})
    await hub.stewards.decide(number, chosen)
    await rest(hub)
    found = await hub.stewards.customer(anna)
    assert found is not None
    assert found.values[PHONE].values == {PHONE: "+49 171 1"}
    assert found.values[EMAIL].rule == "pin"
    with pytest.raises(Invalid):
        await hub.stewards.pin(anna, {"no.field": "1"}, by="Ines", reason="x")


async def test_a_dispute_is_settled_by_a_person_and_given_back_to_the_rules(hub: CustomerHub) -> None:
    anna = hub.books["crm"].make(ANNA)
    await hub.pump()
    party = await hub.party("crm", anna)
    erp = party.record_of("erp")
    assert erp is not None
    hub.clock.advance(1_000)
    hub.books["crm"].edit(anna, {EMAIL: "b@x.example"})
    hub.clock.advance(10)
    hub.books["erp"].edit(erp.reference.value, {EMAIL: "c@x.example"})
    await hub.pump()
    (asked,) = await hub.store.list_questions()
    assert asked.question.kind == "cannot_know"
    seen = (await hub.party("crm", anna)).sequence
    record = f"crm/partner/{anna}"
    await hub.stewards.accept(party.party_id, EMAIL, record, by="Ines", reason="rang her", expected=seen)
    await rest(hub)
    assert await hub.store.list_questions() == []
    shown = [hub.books["crm"].card(anna)[EMAIL], hub.books["erp"].card(erp.reference.value)[EMAIL]]
    assert shown == ["b@x.example"] * 2
    with pytest.raises(Conflict) as moved:
        await hub.stewards.unpin(party.party_id, EMAIL, by="Ines", reason="x", expected=seen)
    assert moved.value.code == "customer-changed"
    await hub.stewards.unpin(party.party_id, EMAIL, by="Ines", reason="moved on")
    with pytest.raises(Rejected):
        await hub.stewards.unpin(party.party_id, EMAIL, by="Ines", reason="again")


async def test_a_merge_by_hand_is_taken_back_by_hand(hub: CustomerHub) -> None:
    numbers = [hub.books["crm"].make(card) for card in (ANNA, JULIA)]
    await hub.pump()
    one, other = [(await hub.party("crm", number)).party_id for number in numbers]
    merge_id = await hub.stewards.merge(one, other, by="Ines", reason="one person")
    await rest(hub)
    found = await hub.stewards.present(other)
    assert found is not None
    assert found.file.party_id == one
    with pytest.raises(Conflict):
        await hub.stewards.merge(one, other, by="Ines", reason="again")
    await hub.stewards.unmerge(merge_id, by="Olaf", reason="sisters")
    await rest(hub)
    told = await hub.stewards.merge_of(merge_id)
    assert told is not None
    assert not told[0].stands
    assert told[1] != Unmerged()
    assert (await hub.party("crm", numbers[1])).party_id == other
    with pytest.raises(Rejected):
        await hub.stewards.unmerge("nothing", by="Olaf", reason="x")


@pytest.mark.parametrize("text", ["anna.seidl@mail.example.net", "Anna Seidl", "BP-00001"])
async def test_a_customer_is_found_by_number_mail_or_name(hub: CustomerHub, text: str) -> None:
    anna = hub.books["crm"].make(ANNA)
    await hub.pump()
    party_id = (await hub.party("crm", anna)).party_id
    assert party_id in await hub.stewards.search(text)
    assert await hub.stewards.search(party_id) == [party_id]
    assert await hub.stewards.search("nobody@nowhere.example") == []
