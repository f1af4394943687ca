"""A customer between two systems: what is whose reaches the other once, and nothing comes back as a loop."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from tests.processes.books import CustomerHub, customer_hub
from tests.stores import Stores

from crossdock.adapters.memory.simulator.faults import LoseAnswer, RefuseBeforeCommit
from crossdock.adapters.memory.wire import PartnerJoin
from crossdock.contracts.customers import CustomerChanged, CustomerDisputed
from crossdock.durable.records import RunState
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ledger import record_key
from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.kit.errors import Finding
from crossdock.ports.customer_source import CustomerArrival

pytestmark = pytest.mark.anyio

EMAIL, TERMS, TAX, CITY = "contact.email", "terms.code", "tax.number", "shipping.default.address.city"
ERP = Rule(rule="owner", owner="erp", readers=("crm",))
OWNERSHIP = Ownership(
    domains=dict.fromkeys(Domain, ERP)
    | {
        Domain.CONTACT: Rule(rule="newest_valid", writers=("crm", "erp"), readers=("crm", "erp")),
        Domain.CONSENT: Rule(rule="owner", owner="crm", readers=("erp",)),
        Domain.TAX: Rule(rule="owner", owner="erp", others="propose", readers=("crm",)),
    },
    marks=("crossdock",),
)


@pytest.fixture
async def hub(stores: Stores) -> AsyncIterator[CustomerHub]:
    async with customer_hub(stores, OWNERSHIP) as hub:
        yield hub


async def a_customer(hub: CustomerHub, **cards: dict[str, Any]) -> dict[str, str]:
    """A customer in both systems, whom the hub knows; their numbers there."""
    numbers = {name: books.make(cards.get(name, {"kind": "person"})) for name, books in hub.books.items()}
    await hub.link(numbers)
    await hub.pump()
    hub.writes = 0
    return numbers


def shown(hub: CustomerHub, numbers: dict[str, str], name: str) -> list[Any]:
    return [books.card(numbers[system]).get(name) for system, books in sorted(hub.books.items())]


def later(hub: CustomerHub) -> None:
    hub.clock.advance(1_000)


async def test_the_owners_change_reaches_the_reader_by_one_write_of_one_field(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, crm={EMAIL: "a@x.org"}, erp={EMAIL: "a@x.org", TERMS: "N30"})
    assert shown(hub, numbers, TERMS) == ["N30", "N30"]
    later(hub)
    hub.books["erp"].edit(numbers["erp"], {TERMS: "N60"})
    await hub.pump()
    assert shown(hub, numbers, TERMS) == ["N60", "N60"]
    assert hub.writes == 1
    changed = (await hub.told())[-1]
    assert isinstance(changed, CustomerChanged)
    assert [(change.field, change.system, change.rule) for change in changed.changes] == [(TERMS, "erp", "owner")]
    assert {reference.system for reference in changed.records} == {"crm", "erp"}


async def test_a_change_that_is_not_theirs_is_put_right_and_somebody_hears_of_it(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, erp={TERMS: "N30", TAX: "DE1"})
    later(hub)
    hub.books["crm"].edit(numbers["crm"], {TERMS: "N90", TAX: "DE2"})
    await hub.pump()
    assert shown(hub, numbers, TERMS) == ["N30", "N30"]
    assert shown(hub, numbers, TAX) == ["DE1", "DE1"]
    disputed = {event.field: event for event in await hub.told() if isinstance(event, CustomerDisputed)}
    assert (disputed[TERMS].kind, disputed[TERMS].system, disputed[TERMS].owner) == ("refused", "crm", "erp")
    assert disputed[TAX].kind == "proposed"
    assert {each.question.kind for each in await hub.store.list_questions()} == {"refused", "proposed"}
    later(hub)
    hub.books["erp"].edit(numbers["erp"], {TAX: "DE2"})
    await hub.pump()
    assert {each.question.kind for each in await hub.store.list_questions()} == {"refused"}, "the owner agreed"


async def test_a_shared_field_goes_both_ways_and_comes_to_rest(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, crm={EMAIL: "a@x.org"}, erp={EMAIL: "a@x.org"})
    for count, (system, value) in enumerate([("crm", "b@x.org"), ("erp", "c@x.org"), ("crm", "b@x.org")], 1):
        later(hub)
        hub.books[system].edit(numbers[system], {EMAIL: value})
        await hub.pump()
        assert shown(hub, numbers, EMAIL) == [value, value]
        assert hub.writes == count, "one write for one change, none for its echo"


async def test_a_cleared_field_is_cleared_elsewhere_and_an_unmentioned_one_is_not(hub: CustomerHub) -> None:
    both = {EMAIL: "a@x.org", "contact.phone": "+49 30 1"}
    numbers = await a_customer(hub, crm=both, erp=both)
    later(hub)
    hub.books["crm"].edit(numbers["crm"], {EMAIL: None})
    await hub.pump()
    assert shown(hub, numbers, EMAIL) == [None, None]
    assert shown(hub, numbers, "contact.phone") == ["+49 30 1"] * 2


async def test_a_change_that_comes_again_or_late_changes_nothing(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, crm={EMAIL: "a@x.org"}, erp={EMAIL: "a@x.org"})
    for value in ("b@x.org", "c@x.org"):
        later(hub)
        hub.books["crm"].edit(numbers["crm"], {EMAIL: value})
    old, new = await hub.heard("crm")
    assert await hub.take("crm", [new]) == ["taken"]
    assert await hub.take("crm", [old, new, old]) == ["taken", "known", "known"]
    await hub.pump()
    assert shown(hub, numbers, EMAIL) == ["c@x.org", "c@x.org"]
    assert hub.writes == 1


async def test_an_answer_that_got_lost_is_asked_for_before_anything_is_repeated(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, erp={TERMS: "N30"})
    later(hub)
    hub.books["erp"].edit(numbers["erp"], {TERMS: "N60"})
    hub.books["crm"].surface.faults.add(LoseAnswer(on="/partners/write"))
    await hub.pump()
    assert shown(hub, numbers, TERMS) == ["N60", "N60"]
    assert hub.writes == 1


async def test_a_write_that_had_to_wait_is_put_right_where_something_else_holds_by_then(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, crm={EMAIL: "a@x.org"}, erp={EMAIL: "a@x.org"})
    hub.books["erp"].surface.faults.add(RefuseBeforeCommit(on="/partners/write", times=2))
    for value in ("b@x.org", "a@x.org"):
        later(hub)
        hub.books["crm"].edit(numbers["crm"], {EMAIL: value})
        await hub.take("crm", await hub.heard("crm"))
    await hub.engine.advance(1_000)
    await hub.pump()
    assert shown(hub, numbers, EMAIL) == ["a@x.org", "a@x.org"]


async def test_who_was_faster_than_the_hub_is_not_overwritten_unseen(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, crm={EMAIL: "a@x.org"}, erp={EMAIL: "a@x.org"})
    later(hub)
    hub.books["crm"].edit(numbers["crm"], {EMAIL: "b@x.org"})
    of_crm = await hub.heard("crm")
    later(hub)
    hub.books["erp"].edit(numbers["erp"], {EMAIL: "c@x.org"})
    await hub.take("crm", of_crm)
    await hub.pump()
    assert shown(hub, numbers, EMAIL) == ["c@x.org", "c@x.org"], "the later one, though it was heard of later"


async def test_what_nobody_can_know_waits_for_a_person_and_is_told(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, crm={EMAIL: "a@x.org"}, erp={EMAIL: "a@x.org"})
    later(hub)
    hub.books["crm"].edit(numbers["crm"], {EMAIL: "b@x.org"})
    hub.clock.advance(10)
    hub.books["erp"].edit(numbers["erp"], {EMAIL: "c@x.org"})
    await hub.pump()
    assert shown(hub, numbers, EMAIL) == ["b@x.org", "c@x.org"], "nobody is told what may be wrong"
    (question,) = await hub.store.list_questions()
    assert (question.question.kind, question.question.unit) == ("cannot_know", EMAIL)
    assert (await hub.holds("crm", numbers["crm"]))[EMAIL].review == "cannot_know"


async def test_a_deleted_record_no_longer_counts_and_counts_again_when_it_is_back(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, crm={"consents.email.status": "opt_in"}, erp={TERMS: "N30"})
    hub.books["crm"].book.delete(numbers["crm"])
    await hub.pump()
    assert "consents.email" not in await hub.holds("erp", numbers["erp"])
    later(hub)
    hub.books["erp"].edit(numbers["erp"], {TERMS: "N60"})
    await hub.pump()
    hub.books["crm"].book.undelete(numbers["crm"])
    await hub.pump()
    assert (await hub.holds("erp", numbers["erp"]))["consents.email"].values == {"consents.email.status": "opt_in"}
    assert shown(hub, numbers, TERMS) == ["N60", "N60"], "what it missed is told when it is back"


@pytest.mark.parametrize(
    ("deeds", "order", "is_there"),
    [
        (("delete", "undelete"), (1, 0), True),
        (("delete", "undelete", "delete"), (0, 2, 1), False),
        (("delete", "undelete", "delete", "undelete"), (3, 1, 2, 0), True),
    ],
)
async def test_a_late_word_about_a_deletion_takes_nothing_back_of_what_came_after(
    hub: CustomerHub, deeds: tuple[str, ...], order: tuple[int, ...], is_there: bool
) -> None:
    numbers = await a_customer(hub, crm={EMAIL: "a@x.org"}, erp={TERMS: "N30"})
    for deed in deeds:
        later(hub)
        getattr(hub.books["crm"].book, deed)(numbers["crm"])
    told = await hub.heard("crm")
    await hub.take("crm", [told[place] for place in order])
    assert ((await hub.party("erp", numbers["erp"])).record_of("crm") is not None) == is_there
    faces = await hub.store.read_faces([record_key(hub.reference("crm", numbers["crm"]))])
    assert bool(faces) == is_there, "nobody is recognised by a record that is gone"


async def test_who_speaks_after_he_was_gone_is_back_though_nobody_heard_of_it(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, crm={EMAIL: "a@x.org"}, erp={TERMS: "N30"})
    later(hub)
    hub.books["crm"].book.delete(numbers["crm"])
    await hub.pump()
    later(hub)
    hub.books["crm"].book.undelete(numbers["crm"])
    assert await hub.heard("crm"), "which is lost"
    later(hub)
    hub.books["crm"].edit(numbers["crm"], {EMAIL: "b@x.org"})
    await hub.pump()
    assert (await hub.party("erp", numbers["erp"])).record_of("crm") is not None


async def test_in_the_place_of_a_record_that_was_deleted_comes_another_one(stores: Stores) -> None:
    async with customer_hub(stores, replace(OWNERSHIP, creates=("erp",))) as hub:
        number = hub.books["crm"].make({EMAIL: "a@x.org"})
        await hub.pump()
        for _time in range(2):
            later(hub)
            made = (await hub.party("crm", number)).record_of("erp")
            assert made is not None
            hub.books["erp"].book.delete(made.reference.value)
            await hub.pump()
        there = hub.books["erp"].book.present()
        assert [partner.card for partner in there] == [{EMAIL: "a@x.org"}]
        assert len(hub.books["erp"].book._records) == 3


async def test_a_customer_is_made_once_where_that_is_declared_and_its_echo_is_known(stores: Stores) -> None:
    rules = replace(OWNERSHIP, creates=("erp",))
    async with customer_hub(stores, rules) as hub:
        number = hub.books["crm"].make({EMAIL: "a@x.org"})
        hub.books["erp"].surface.faults.add(LoseAnswer(on="/partners/write"))
        await hub.pump()
        party = await hub.party("crm", number)
        made = party.record_of("erp")
        assert made is not None
        assert hub.books["erp"].card(made.reference.value) == {EMAIL: "a@x.org"}
        assert len(hub.books["erp"].book._records) == 1
        assert await hub.store.list_parties() == [party.party_id]


async def test_who_moves_a_customer_down_the_street_is_heard_though_others_named_the_city(stores: Stores) -> None:
    shared = Rule(rule="newest_valid", writers=("crm", "erp"), readers=("crm", "erp"))
    lines, country = "shipping.default.address.lines", "shipping.default.address.country"
    rules = replace(OWNERSHIP, domains={**OWNERSHIP.domains, Domain.SHIPPING: shared})
    async with customer_hub(stores, rules) as hub:
        numbers = await a_customer(hub, crm={lines: ("Dom 1",), CITY: "Köln", country: "DE"})
        assert shown(hub, numbers, CITY) == ["Köln", "Köln"]
        later(hub)
        hub.books["erp"].edit(numbers["erp"], {lines: ("Dom 3",)})
        await hub.pump()
        assert [list(each) for each in shown(hub, numbers, lines)] == [["Dom 3"], ["Dom 3"]]
        assert shown(hub, numbers, CITY) == ["Köln", "Köln"]


@pytest.mark.parametrize("answer_lost", [False, True])
async def test_what_a_system_puts_into_a_new_record_by_itself_is_its_own_word(
    stores: Stores, answer_lost: bool
) -> None:
    async with customer_hub(stores, replace(OWNERSHIP, creates=("erp",))) as hub:
        hub.books["erp"].book.assigns = {TERMS: "N30"}
        if answer_lost:
            hub.books["erp"].surface.faults.add(LoseAnswer(on="/partners/write"))
        number = hub.books["crm"].make({EMAIL: "a@x.org"})
        await hub.pump()

        assert hub.books["crm"].card(number) == {EMAIL: "a@x.org", TERMS: "N30"}
        assert (await hub.holds("crm", number))[TERMS].rule == "owner"


async def test_what_cannot_be_read_is_parked_beside_the_stream(hub: CustomerHub) -> None:
    poison = CustomerArrival(
        external_id="weird / number",
        received_at=hub.clock.now(),
        findings=(Finding("missing", "$.number", "there is no number"),),
        raw=b'{"card": 1}',
    )
    assert await hub.take("crm", [poison, poison]) == ["parked", "known"]
    (view,) = await hub.store.list_runs(state=RunState.PARKED)
    assert view.parking is not None
    assert view.parking.findings[0].path == "$.number"


async def test_a_merge_over_two_customers_is_for_a_person_to_judge(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, crm={EMAIL: "a@x.org"}, erp={EMAIL: "a@x.org"})
    other = hub.books["crm"].make({EMAIL: "z@x.org"})
    await hub.pump()
    hub.books["crm"].book.join(PartnerJoin(write="j", survivor=other, absorbed=numbers["crm"], how="merge"))
    await hub.pump()
    assert [event.kind for event in await hub.told() if isinstance(event, CustomerDisputed)] == ["merge"]
    assert (await hub.party("erp", numbers["erp"])).record_of("crm") is None
