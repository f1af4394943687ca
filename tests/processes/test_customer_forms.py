"""A system that keeps what it is told in a form of its own is told once, and its form is nobody's opinion."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.processes.books import CustomerHub, customer_hub
from tests.stores import Stores

from crossdock.contracts.customers import CustomerDisputed
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Ownership, Rule

pytestmark = pytest.mark.anyio

PHONE, EMAIL, CONSENT = "contact.phone", "contact.email", "consents.email-marketing.status"
GIVEN, FAMILY = "person.name.given", "person.name.family"
BOTH = Rule(rule="most_trusted", trust={"crm": 80, "erp": 60}, readers=("crm", "erp"))
OWNERSHIP = Ownership(
    domains=dict.fromkeys(Domain, BOTH) | {Domain.CONSENT: Rule(rule="owner", owner="crm", readers=("erp",))},
    marks=("crossdock",),
)
PATIENCE_SECONDS = 20


@pytest.fixture
async def hub(stores: Stores) -> AsyncIterator[CustomerHub]:
    async with customer_hub(stores, OWNERSHIP) as hub:
        yield hub


async def a_customer(hub: CustomerHub, card: dict[str, Any]) -> dict[str, str]:
    """A customer in both systems, whom the hub knows; their numbers there."""
    numbers = {name: books.make(card) for name, books in hub.books.items()}
    await hub.link(numbers)
    await hub.pump()
    hub.writes = 0
    return numbers


async def edit(hub: CustomerHub, system: str, number: str, **fields: Any) -> None:
    """Somebody there changes a customer, and everybody hears of it."""
    hub.clock.advance(1_000)
    hub.books[system].edit(number, fields.pop("card", fields))
    await hub.pump()


def international(number: str | None) -> str | None:
    return f"+49 {number[3:5]} {number[5:]}" if number else number


@pytest.mark.parametrize("answers", [True, False], ids=["and says so", "and tells it later"])
async def test_a_number_that_is_written_otherwise_there_is_told_once(hub: CustomerHub, answers: bool) -> None:
    numbers = await a_customer(hub, {"kind": "person", EMAIL: "a@x.org"})
    hub.books["erp"].book.rewrites = {PHONE: international}
    hub.books["erp"].book.answers = answers
    await edit(hub, "crm", numbers["crm"], card={PHONE: "+49305550142"})
    assert hub.books["erp"].card(numbers["erp"])[PHONE] == "+49 30 5550142"
    assert hub.writes == 1
    await edit(hub, "erp", numbers["erp"], card={EMAIL: "b@x.org", PHONE: "+49305550142"})
    assert hub.books["crm"].card(numbers["crm"])[PHONE] == "+49305550142"
    assert (await hub.holds("crm", numbers["crm"]))[PHONE].winner is not None
    assert [loser.record.system for loser in (await hub.holds("crm", numbers["crm"]))[PHONE].losers] == []
    await edit(hub, "crm", numbers["crm"], card={PHONE: "+49305550143"})
    assert hub.books["erp"].card(numbers["erp"])[PHONE] == "+49 30 5550143", "another number is told"


async def test_what_comes_back_before_the_answer_is_noted_is_known_as_well(
    hub: CustomerHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = await a_customer(hub, {"kind": "person", PHONE: "+49301"})
    book = hub.books["erp"].book
    book.rewrites, book.answers = {PHONE: international}, False
    write = hub.docks["erp"].write_customers

    async def erp_shows() -> object:
        records = (await hub.party("erp", numbers["erp"])).records
        return next(each.fields[PHONE].shown for each in records if each.reference.system == "erp")

    async def and_the_stream_is_faster(writes: Any) -> Any:
        answer = await write(writes)
        for arrival in await hub.heard("erp"):
            await hub.capture.take_arrival("erp", arrival)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await erp_shows() != "+49 30 5550142":  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.001)
        return answer

    monkeypatch.setattr(hub.docks["erp"], "write_customers", and_the_stream_is_faster)
    await edit(hub, "crm", numbers["crm"], card={PHONE: "+49305550142"})
    assert hub.writes == 1
    assert await erp_shows() == "+49 30 5550142"


async def test_one_name_for_all_parts_of_a_persons_is_told_once_and_whole(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, {"kind": "person"})
    book = hub.books["erp"].book
    book.rewrites = {GIVEN: lambda given: f"{given} von", FAMILY: lambda family: family.removeprefix("von ")}
    await edit(hub, "crm", numbers["crm"], card={GIVEN: "Anna Maria", FAMILY: "von Berg"})
    assert hub.writes == 1
    await edit(hub, "crm", numbers["crm"], card={FAMILY: "von Stein"})
    assert hub.writes == 2
    shown = hub.books["erp"].card(numbers["erp"])
    assert (shown[GIVEN], shown[FAMILY]) == ("Anna Maria von", "Stein")


async def test_who_makes_something_else_of_it_is_told_twice_and_then_a_person_is(hub: CustomerHub) -> None:
    numbers = await a_customer(hub, {"kind": "person"})
    hub.books["erp"].book.rewrites = {CONSENT: lambda _status: "opt_in"}
    hub.books["erp"].book.answers = False
    await edit(hub, "crm", numbers["crm"], card={CONSENT: "opt_out"})
    assert hub.writes == 2
    (open_,) = await hub.store.list_questions()
    assert (open_.question.kind, open_.question.system) == ("not_kept", "erp")
    assert [event.kind for event in await hub.told() if isinstance(event, CustomerDisputed)] == ["not_kept"]
    hub.books["erp"].book.rewrites = {}
    await edit(hub, "crm", numbers["crm"], card={CONSENT: "not_seen"})
    assert hub.books["erp"].card(numbers["erp"])[CONSENT] == "not_seen"
    assert await hub.store.list_questions() == []
