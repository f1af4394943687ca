"""Customers are recognised by what they are like, before anything is made for them or a steward is asked."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.processes.books import CustomerHub, customer_hub
from tests.stores import Stores

from crossdock.adapters.memory.wire import PartnerJoin
from crossdock.contracts.customers import CustomerDisputed
from crossdock.durable.records import Commit, EffectStep, RunState
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ledger import record_key
from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.identity.golden.work import TouchedParty
from crossdock.identity.matching.model import encoded
from crossdock.identity.recognition.index import JudgePair, KeepModel, StoredDecision, Verdict
from crossdock.identity.recognition.starting_model import starting_model
from crossdock.processes.customer_recognition import MODEL_SECONDS

pytestmark = pytest.mark.anyio

OWNERSHIP = Ownership(
    domains=dict.fromkeys(Domain, Rule(rule="newest_valid", writers=("crm", "erp"), readers=("crm", "erp"))),
    marks=("crossdock",),
    creates=("erp",),
)
GIVEN, FAMILY, BORN = "person.name.given", "person.name.family", "person.birth_date"
EMAIL, PHONE = "contact.email", "contact.phone"
HOME = {
    "shipping.default.address.lines": ("Lindenstr. 12",),
    "shipping.default.address.postal_code": "80331",
    "shipping.default.address.city": "München",
    "shipping.default.address.country": "DE",
}
ANNA: dict[str, Any] = {
    "kind": "person",
    GIVEN: "Anna",
    FAMILY: "Seidl",
    BORN: "1980-05-17",
    EMAIL: "anna.seidl@mail.example.net",
    **HOME,
}
JULIA = ANNA | {GIVEN: "Julia", BORN: "1983-01-02", EMAIL: "julia@post.example.org"}
ALMOST_ANNA: dict[str, Any] = {
    "kind": "person",
    GIVEN: "A.",
    FAMILY: "Seidl",
    PHONE: "0171 5551234",
    "shipping.default.address.lines": ("Lindenstr. 12",),
    "shipping.default.address.city": "München",
    "shipping.default.address.country": "DE",
}


@pytest.fixture
async def hub(stores: Stores) -> AsyncIterator[CustomerHub]:
    async with customer_hub(stores, OWNERSHIP) as hub:
        yield hub


async def party_of(hub: CustomerHub, system: str, number: str) -> str:
    return (await hub.party(system, number)).party_id


def customers_in(hub: CustomerHub, system: str) -> int:
    return sum(not record.gone for record in hub.books[system].book._records.values())


async def doubts(hub: CustomerHub) -> list[StoredDecision]:
    return list(await hub.store.list_doubts())


async def made_in(hub: CustomerHub, system: str, card: dict[str, Any]) -> str:
    """Somebody there makes a customer, and the hub hears of it; his number."""
    hub.clock.advance(1_000)
    number = hub.books[system].make(card)
    await hub.pump()
    return number


async def judged(hub: CustomerHub, records: tuple[str, str], verdict: Verdict, party_id: str) -> None:
    """A steward's word, as his commit should bring it."""
    one, other = records
    word = JudgePair(one=one, other=other, verdict=verdict, decided_by="kim")
    start = hub.update.start(f"{party_id}@judged", TouchedParty(party_id=party_id))
    await hub.engine.worker.commit(Commit(effects=(EffectStep("judge", word),), starts=(start,)))
    await hub.engine.settle()


def both(hub: CustomerHub, one: str, other: str) -> tuple[str, str]:
    """Two records of the CRM."""
    return record_key(hub.reference("crm", one)), record_key(hub.reference("crm", other))


async def test_two_systems_records_of_one_person_are_one_customer(hub: CustomerHub) -> None:
    in_erp = await made_in(hub, "erp", ANNA)
    in_crm = await made_in(hub, "crm", {name: ANNA[name] for name in ("kind", GIVEN, FAMILY, BORN, EMAIL)})
    assert await party_of(hub, "crm", in_crm) == await party_of(hub, "erp", in_erp)
    assert customers_in(hub, "erp") == 1, "nobody is made twice"
    assert hub.books["crm"].card(in_crm)["shipping.default.address.city"] == "München"


async def test_people_of_one_household_are_customers_of_their_own(hub: CustomerHub) -> None:
    anna, julia = await made_in(hub, "crm", ANNA), await made_in(hub, "crm", JULIA)
    assert await party_of(hub, "crm", anna) != await party_of(hub, "crm", julia)
    assert customers_in(hub, "erp") == 2
    assert await doubts(hub) == []


async def test_who_may_be_somebody_we_know_is_his_own_customer_and_a_steward_is_asked(
    hub: CustomerHub,
) -> None:
    known = await party_of(hub, "crm", await made_in(hub, "crm", ANNA))
    almost = await made_in(hub, "crm", ALMOST_ANNA)
    party_id = await party_of(hub, "crm", almost)
    assert party_id != known
    (doubt,) = await doubts(hub)
    assert (doubt.finding.party_id, doubt.finding.doubtful) == (party_id, (known,))
    assert doubt.finding.record == record_key(hub.reference("crm", almost))


async def test_nobody_gets_a_record_of_a_customer_in_doubt_until_a_steward_has_decided(hub: CustomerHub) -> None:
    first = await made_in(hub, "crm", ANNA)
    almost = await made_in(hub, "crm", ALMOST_ANNA)
    assert customers_in(hub, "erp") == 1
    hub.clock.advance(1_000)
    hub.books["crm"].edit(almost, {PHONE: "0171 5551235"})
    await hub.pump()
    assert customers_in(hub, "erp") == 1, "nor when he changes"
    await hub.restart()
    assert customers_in(hub, "erp") == 1
    await judged(hub, both(hub, first, almost), "not_same", await party_of(hub, "crm", almost))
    assert await doubts(hub) == []
    assert customers_in(hub, "erp") == 2
    made = (await hub.party("crm", almost)).record_of("erp")
    assert made is not None
    assert hub.books["erp"].card(made.reference.value)[PHONE] == "0171 5551235"


async def test_whom_a_steward_takes_for_one_gets_no_second_record_before_they_are_one(hub: CustomerHub) -> None:
    first = await made_in(hub, "crm", ANNA)
    almost = await made_in(hub, "crm", ALMOST_ANNA)
    await judged(hub, both(hub, first, almost), "same", await party_of(hub, "crm", almost))
    assert await doubts(hub) == []
    assert customers_in(hub, "erp") == 1


async def test_a_merge_of_two_records_of_one_customer_asks_nobody(hub: CustomerHub) -> None:
    first, second = await made_in(hub, "crm", ANNA), await made_in(hub, "crm", ANNA)
    assert await party_of(hub, "crm", first) == await party_of(hub, "crm", second)
    hub.books["crm"].book.join(PartnerJoin(write="j", survivor=first, absorbed=second, how="merge"))
    await hub.pump()
    assert await doubts(hub) == []
    gone = record_key(hub.reference("crm", second))
    assert (await hub.store.look_nearby(gone, ())).party_id == ""
    records = (await hub.party("crm", first)).records
    assert {record.reference.value for record in records if record.state == "merged"} == {second}


async def test_a_merge_of_two_customers_asks_a_steward_and_undoes_nothing_meanwhile(hub: CustomerHub) -> None:
    anna, julia = await made_in(hub, "crm", ANNA), await made_in(hub, "crm", JULIA)
    of_anna, of_julia = await party_of(hub, "crm", anna), await party_of(hub, "crm", julia)
    hub.books["crm"].book.join(PartnerJoin(write="j", survivor=anna, absorbed=julia, how="merge"))
    await hub.pump()
    (doubt,) = await doubts(hub)
    assert (doubt.finding.party_id, doubt.finding.doubtful) == (of_julia, (of_anna,))
    assert (doubt.finding.rule, doubt.decided_by) == ("merged_in_system", "crm")
    (weighed,) = doubt.finding.weighed
    assert weighed.record == record_key(hub.reference("crm", anna))
    assert weighed.decision.evidence
    assert [one.kind for one in await hub.told(of_julia) if isinstance(one, CustomerDisputed)] == ["merge"]
    await judged(hub, (doubt.finding.record, weighed.record), "not_same", of_julia)
    assert await doubts(hub) == []


async def test_a_deleted_record_leads_nobody_to_its_customer_until_it_is_back(hub: CustomerHub) -> None:
    anna = await made_in(hub, "crm", ANNA)
    record = record_key(hub.reference("crm", anna))
    hub.clock.advance(1_000)
    hub.books["crm"].edit(anna, {PHONE: "0171 1"})
    late = await hub.heard("crm")
    hub.books["crm"].book.delete(anna)
    await hub.pump()
    assert (await hub.store.look_nearby(record, ())).party_id == ""
    await hub.take("crm", late)
    assert (await hub.store.look_nearby(record, ())).party_id == "", "nor by what it said before"
    hub.books["crm"].book.undelete(anna)
    await hub.pump()
    party_id = await party_of(hub, "crm", anna)
    assert (await hub.store.look_nearby(record, ())).party_id == party_id
    again = await made_in(hub, "crm", ANNA)
    assert await party_of(hub, "crm", again) == party_id


async def keep(hub: CustomerHub, content: bytes, version: str) -> None:
    effect = KeepModel(content=content, version=version)
    await hub.engine.worker.commit(Commit(effects=(EffectStep("keep", effect),)))


async def test_a_model_that_is_kept_weighs_soon_and_one_that_cannot_be_read_never(hub: CustomerHub) -> None:
    await made_in(hub, "crm", ANNA)
    trained = starting_model().rescaled(7_000)
    await keep(hub, encoded(trained), trained.version)
    hub.clock.advance(MODEL_SECONDS)
    almost = await made_in(hub, "crm", ALMOST_ANNA)
    await keep(hub, b"{}", "newer")
    hub.clock.advance(MODEL_SECONDS)
    julia = await made_in(hub, "crm", JULIA)
    for number in (almost, julia):
        (decision,) = await hub.store.list_decisions(record_key(hub.reference("crm", number)))
        assert decision.finding.model_version == trained.version


async def test_without_a_model_that_can_be_read_a_customer_is_parked_and_goes_on_when_there_is_one(
    hub: CustomerHub,
) -> None:
    await keep(hub, b"{}", "newer")
    anna = await made_in(hub, "crm", ANNA)
    (view,) = await hub.store.list_runs(state=RunState.PARKED)
    assert view.parking is not None
    assert view.parking.code == "model-unreadable"
    trained = starting_model()
    await keep(hub, encoded(trained), trained.version)
    await hub.engine.desk.retry([view.run_id], actor="kim", reason="trained anew")
    await hub.engine.settle()
    assert await party_of(hub, "crm", anna)
