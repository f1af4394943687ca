"""A company becomes a customer once, provisional until its credit is approved, whatever fails in between."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from stdnum.iso7064 import mod_11_10
from tests.processes.companies import BIKES, RULES, CompanyHub, company_hub
from tests.stores import Stores

from crossdock.adapters.memory.simulator.faults import LoseAnswer
from crossdock.bootstrap.releasing import MENDED, Releasing
from crossdock.canonical.party import ExternalReference
from crossdock.contracts.customers import (
    CreditReviewOverdue,
    CustomerActivated,
    CustomerDeclined,
    CustomerOnboarded,
)
from crossdock.durable.records import RunState
from crossdock.durable.store import RunView
from crossdock.kit.errors import Conflict, Invalid, Rejected, Unavailable
from crossdock.kit.failpoints import arm, disarm

pytestmark = pytest.mark.anyio

HOUR = 3_600
UNDER_WAY = {RunState.READY, RunState.RUNNING, RunState.QUEUED}


@pytest.fixture
async def hub(stores: Stores) -> AsyncIterator[CompanyHub]:
    async with company_hub(stores) as hub:
        yield hub


async def told(hub: CompanyHub, number: str) -> list[Any]:
    return await hub.told((await hub.party("crm", number)).party_id)


async def test_a_company_is_numbered_and_provisional_until_its_credit_is_approved(hub: CompanyHub) -> None:
    number = await hub.arrive(BIKES)
    card = hub.books["crm"].card(number)
    review = await hub.onboarding(number)
    assert (card["account.status"], card["credit.status"]) == ("provisional", "pending")
    assert card["account.number"] == review.erp_number
    assert card["tax.classification"] == "standard"
    assert (review.state, review.asked, review.owner) == ("under_review", "5000", "credit")
    assert await hub.store.find_standing([review.erp_number, "other"]) == {review.erp_number: "credit_pending"}

    hub.clock.advance(HOUR)
    await hub.desk.approve(review.party_id, actor="anna", limit="8000", terms="N60")
    await hub.engine.settle()
    await hub.pump()
    card = hub.books["crm"].card(number)
    assert (card["account.status"], card["credit.status"]) == ("active", "approved")
    assert (card["terms.code"], card["credit.limit.amount"]) == ("N60", "8000")
    assert await hub.store.find_standing([review.erp_number]) == {}
    assert (await hub.onboarding(number)).state == "active"
    figures = await hub.store.count_onboardings(hub.clock.now())
    assert figures.activated == 1
    assert figures.activation_seconds >= HOUR


async def test_the_world_hears_of_the_number_and_of_the_activation_and_of_no_value(hub: CompanyHub) -> None:
    number = await hub.arrive(BIKES)
    review = await hub.onboarding(number)
    await hub.desk.approve(review.party_id, actor="anna")
    await hub.engine.settle()
    events = [each for each in await told(hub, number) if isinstance(each, CustomerOnboarded | CustomerActivated)]
    assert [type(each) for each in events] == [CustomerOnboarded, CustomerActivated]
    assert {each.erp_number for each in events} == {review.erp_number}
    assert {reference.system for reference in events[0].records} == {"crm", "erp"}
    stored = await hub.store.read_events(0, 1_000, f"customer/{review.party_id}")
    assert not any(b"Rad" in event.data or b"8000" in event.data for event in stored)
    assert {event.correlation_id for event in stored} >= {review.correlation_id}


async def test_what_was_written_to_the_erp_is_its_word_and_nobody_is_told_twice(hub: CompanyHub) -> None:
    number = await hub.arrive(BIKES)
    review = await hub.onboarding(number)
    await hub.desk.approve(review.party_id, actor="anna")
    await hub.engine.settle()
    await hub.pump()
    writes = hub.writes
    holds = await hub.holds("crm", number)
    assert holds["tax.number"].winner is not None
    assert holds["tax.number"].winner.record.system == "erp"
    assert not {each.question.kind for each in await hub.store.list_questions()} & {"cannot_know"}
    hub.clock.advance(HOUR)
    hub.books["erp"].edit((await hub.party("crm", number)).record_of("erp").reference.value, {"terms.code": "N90"})  # type: ignore[union-attr]
    await hub.pump()
    assert hub.books["crm"].card(number)["terms.code"] == "N90"
    assert hub.writes == writes + 1


async def test_the_erps_stream_may_bring_our_own_writes_before_they_are_taken_as_its_word(
    hub: CompanyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = hub.docks["erp"].read_customers

    async def heard_first(references: Sequence[ExternalReference]) -> Any:
        for arrival in await hub.heard("erp"):
            await hub.capture.take_arrival("erp", arrival)
        await hub.engine._wait(are_taken)
        return await read(references)

    async def are_taken() -> bool:
        hub.engine.worker.wake()
        changes = [run for run in await hub.store.list_runs() if run.process == "customer_change"]
        return not any(run.state in UNDER_WAY for run in changes)

    number = await hub.arrive(BIKES)
    monkeypatch.setattr(hub.docks["erp"], "read_customers", heard_first)
    await hub.desk.approve((await hub.onboarding(number)).party_id, actor="anna", terms="N60")
    await hub.engine.settle()
    await hub.pump()
    card = hub.books["crm"].card(number)
    assert (card["account.status"], card["credit.status"], card["terms.code"]) == ("active", "approved", "N60")


async def test_everything_that_is_wrong_is_said_at_once_and_mended_in_the_crm(hub: CompanyHub) -> None:
    wrong = {
        **BIKES,
        "tax.number": "DE136695977",
        "billing.address.postal_code": "1011",
        "contact.email": None,
        "tax.exemption.exempt": True,
    }
    number = await hub.arrive(wrong)
    view = await hub.run(number)
    assert view.state is RunState.PARKED
    assert view.parking is not None
    assert view.parking.owner == "data-stewards"
    assert {(each.path, each.code) for each in view.parking.findings} == {
        ("$.contact.email", "customer-field-missing"),
        ("$.tax.number", "tax-number-wrong"),
        ("$.tax.exemption.certificate", "certificate-missing"),
        ("$.billing.address.postal_code", "address-part-wrong"),
    }
    assert hub.in_erp() == []
    hub.clock.advance(HOUR)
    hub.books["crm"].edit(number, {"tax.number": BIKES["tax.number"], "tax.exemption.exempt": False})
    await hub.pump()
    view = await hub.run(number)
    assert view.parking is not None, "it was checked again, and parked for what is left"
    assert {each.path for each in view.parking.findings} == {"$.contact.email", "$.billing.address.postal_code"}
    hub.clock.advance(HOUR)
    hub.books["crm"].edit(number, {**BIKES, "tax.exemption.exempt": False})
    await hub.pump()
    assert (await hub.onboarding(number)).state == "under_review"
    assert len(hub.in_erp()) == 1
    retries = [each for each in await hub.store.list_audit(run_id=view.run_id) if each.verb == "retry"]
    assert [(each.actor, each.reason) for each in retries] == [("crossdock", MENDED)] * 2


async def test_what_stands_for_another_reason_is_nobodys_to_resume(hub: CompanyHub) -> None:
    releasing = Releasing(hub.store, lambda: hub.engine.desk, hub.clock)
    number = await hub.arrive(BIKES)
    review = await hub.onboarding(number)
    assert not await releasing.resume_onboarding(review.party_id)
    assert not await releasing.resume_onboarding("nobody")


async def test_while_a_company_is_checked_nobody_knows_whether_it_saw_what_was_mended(
    hub: CompanyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await hub.arrive({**BIKES, "tax.number": "DE136695977"})
    view = await hub.run(number)

    async def running(_run_id: str) -> RunView:
        return replace(view, state=RunState.RUNNING, parking=None)

    monkeypatch.setattr(hub.store, "find_run", running)
    with pytest.raises(Unavailable) as busy:
        await Releasing(hub.store, lambda: hub.engine.desk, hub.clock).resume_onboarding("anybody")
    assert busy.value.code == "onboarding-busy"


async def test_who_may_be_somebody_elses_customer_waits_for_a_steward(hub: CompanyHub) -> None:
    hub.doubles.records = ("shop/Customer/7",)
    number = await hub.arrive(BIKES)
    view = await hub.run(number)
    assert view.parking is not None
    assert (view.parking.code, view.parking.owner) == ("possible-duplicate", "data-stewards")
    assert [each.path for each in view.parking.findings] == ["$.shop/Customer/7"]
    assert hub.in_erp() == []
    hub.doubles.records = ()
    await hub.engine.desk.retry([view.run_id], actor="jo", reason="they are two")
    await hub.engine.settle()
    assert len(hub.in_erp()) == 1


async def test_a_person_goes_the_light_way_and_waits_for_nobody(hub: CompanyHub) -> None:
    number = await hub.arrive({"kind": "person", "contact.email": "a@x.org"})
    assert [card["contact.email"] for card in hub.in_erp()] == ["a@x.org"]
    assert await hub.store.read_onboarding((await hub.party("crm", number)).party_id) is None


async def test_only_who_may_decides_and_the_first_decision_holds(hub: CompanyHub) -> None:
    number = await hub.arrive({**BIKES, "credit.limit.amount": "40000", "credit.limit.currency": "EUR"})
    review = await hub.onboarding(number)
    assert (review.asked, review.owner) == ("40000", "finance")
    with pytest.raises(Rejected) as refused:
        await hub.desk.approve(review.party_id, actor="anna")
    assert refused.value.code == "approver-not-allowed"
    with pytest.raises(Invalid):
        await hub.desk.approve(review.party_id, actor="anna", limit="lots")
    made = await hub.desk.approve(review.party_id, actor="anna", limit="20000", reason="for a start")
    with pytest.raises(Conflict) as late:
        await hub.desk.refuse(review.party_id, actor="carla", reason="no")
    assert late.value.code == "decided-already"
    assert await hub.desk.approve(review.party_id, actor="carla", limit="20000") == made
    (entry,) = await hub.store.list_audit(run_id=review.run_id)
    assert (entry.actor, entry.verb, entry.reason) == ("anna", "approve-credit", "for a start")
    await hub.engine.settle()
    with pytest.raises(Conflict):
        await hub.desk.refuse("nobody", actor="carla", reason="no")


async def test_a_refusal_and_its_reason_stand_in_the_crm(hub: CompanyHub) -> None:
    number = await hub.arrive(BIKES)
    review = await hub.onboarding(number)
    await hub.desk.refuse(review.party_id, actor="anna", reason="two unpaid invoices elsewhere")
    await hub.engine.settle()
    await hub.pump()
    card = hub.books["crm"].card(number)
    assert (card["credit.status"], card["credit.reason"]) == ("refused", "two unpaid invoices elsewhere")
    assert await hub.store.find_standing([review.erp_number]) == {review.erp_number: "credit_refused"}
    assert CustomerDeclined in {type(each) for each in await told(hub, number)}


async def test_nobody_in_time_passes_it_to_who_is_named_for_that(hub: CompanyHub) -> None:
    number = await hub.arrive(BIKES)
    review = await hub.onboarding(number)
    with pytest.raises(Rejected):
        await hub.desk.approve(review.party_id, actor="finance", limit="90000")
    await hub.engine.advance(49 * HOUR)
    passed = await hub.onboarding(number)
    assert (passed.owner, passed.turn) == ("finance", 1)
    overdue = [each for each in await told(hub, number) if isinstance(each, CreditReviewOverdue)]
    assert [each.owner for each in overdue] == ["finance"]
    await hub.desk.approve(review.party_id, actor="finance")
    await hub.engine.settle()
    assert (await hub.onboarding(number)).state == "active"


async def test_small_credit_needs_nobody(stores: Stores) -> None:
    rules = replace(RULES, credit=replace(RULES.credit, approved_up_to="5000"))
    async with company_hub(stores, rules) as hub:
        number = await hub.arrive(BIKES)
        assert (await hub.onboarding(number)).state == "active"
        assert hub.books["crm"].card(number)["credit.status"] == "approved"


async def test_an_answer_that_got_lost_makes_no_second_party(hub: CompanyHub) -> None:
    hub.books["erp"].surface.faults.add(LoseAnswer(on="/partners/write"))
    number = await hub.arrive(BIKES)
    assert len(hub.in_erp()) == 1
    review = await hub.onboarding(number)
    hub.books["erp"].surface.faults.add(LoseAnswer(on="/partners/write"))
    await hub.desk.approve(review.party_id, actor="anna")
    await hub.engine.advance(120, steps=4)
    assert (await hub.onboarding(number)).state == "active"
    assert len(hub.in_erp()) == 1


def another(place: int) -> dict[str, Any]:
    """A company that shares nothing with the others."""
    digits = f"{13669597 + 7 * place:08}"
    name = "".join(chr(ord("a") + (place * step) % 26) for step in (1, 3, 5, 7, 9, 11, 15))
    return {
        **BIKES,
        "organisation.name": f"{name.title()} {name[::-1].title()}",
        "tax.number": f"DE{digits}{mod_11_10.calc_check_digit(digits)}",
        "contact.email": f"a{place}@{name}.example",
        "billing.address.lines": (f"{name.title()}weg {place}",),
        "billing.address.postal_code": f"{10_000 + 37 * place}",
        "billing.address.city": name[::-1].title(),
    }


class DiesAt:
    """Kills whoever passes the so-manieth place."""

    def __init__(self, place: int) -> None:
        self.left = place
        self.where = ""

    def __call__(self, name: str) -> None:
        if name.startswith(("run.", "onboarding.", "worker.run", "memory.")):
            self.left -= 1
            if self.left == 0:
                self.where = name
                raise asyncio.CancelledError


async def test_a_crash_at_any_place_makes_one_party_and_one_activation(hub: CompanyHub) -> None:
    """Each company's onboarding dies at another place, until one passes them all."""
    died = []
    for place in range(1, 400, 1 if hub.stores.kind == "memory" else 7):
        fate = DiesAt(place)
        arm(fate)
        try:
            number = hub.books["crm"].make(another(place))
            for arrival in await hub.heard("crm"):
                await hub.capture.take_arrival("crm", arrival)
            await live(hub, fate)
            if not fate.where:
                await hub.desk.approve((await hub.onboarding(number)).party_id, actor="anna")
                await live(hub, fate)
        finally:
            disarm()
        await again(hub)
        review = await hub.onboarding(number)
        if review.decision is None:
            await hub.desk.approve(review.party_id, actor="anna")
            await again(hub)
        review = await hub.onboarding(number)
        assert review.state == "active", fate.where
        assert [card["tax.number"] for card in hub.in_erp()].count(another(place)["tax.number"]) == 1, fate.where
        activated = [each for each in await told(hub, number) if isinstance(each, CustomerActivated)]
        assert len(activated) == 1, fate.where
        if not fate.where:
            break
        died.append(fate.where)
    else:
        raise AssertionError("they die for ever")
    if hub.stores.kind == "memory":
        assert {"onboarding.provisional", "onboarding.made", "memory.customers_written"} <= set(died)


async def live(hub: CompanyHub, fate: DiesAt) -> None:
    """Until somebody died, or nothing is left to do."""

    async def is_over() -> bool:
        hub.engine.worker.wake()
        busy = hub.engine.worker.active or hub.engine.committer.backlog or await hub.engine._claimable()
        return bool(fate.where) or not busy

    await hub.engine._wait(is_over)


async def again(hub: CompanyHub) -> None:
    """As after a restart; a minute later whatever was under way has landed."""
    await hub.restart()
    await hub.engine.settle()
    await hub.engine.advance(120, steps=4)
    await hub.pump()
