"""A parent is told by the number that the told system has for it, and waits, seen by all, until it is there."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from tests.processes.books import MARK, CustomerHub, customer_hub
from tests.stores import Stores

from crossdock.contracts.customers import CustomerDisputed
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Ownership, Rule

pytestmark = pytest.mark.anyio

PARENT = tuple(f"hierarchy.parent.{part}" for part in ("system", "kind", "value"))
RELATION, EMAIL = "hierarchy.relation", "contact.email"
OWNERSHIP = Ownership(
    domains=dict.fromkeys(Domain, Rule(rule="owner", owner="erp", readers=("crm",))), marks=(MARK,)
)


@pytest.fixture
async def hub(stores: Stores) -> AsyncIterator[CustomerHub]:
    async with customer_hub(stores, OWNERSHIP) as hub:
        yield hub


def company(name: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "organisation", "organisation.name": name, EMAIL: f"post@{name.lower()}.example"} | fields


def below(number: str) -> dict[str, Any]:
    return dict(zip(PARENT, ("erp", "partner", number), strict=True))


def parent_in_crm(hub: CustomerHub, number: str) -> list[Any]:
    return [hub.books["crm"].card(number).get(name) for name in PARENT]


async def waiting(hub: CustomerHub) -> list[tuple[str, str]]:
    questions = [each.question for each in await hub.store.list_questions()]
    return [
        (each.system, each.record.value) for each in questions if each.kind == "parent_missing" and each.record
    ]


async def test_a_parent_is_told_by_its_number_there_and_once(hub: CustomerHub) -> None:
    mother = {name: books.make(company("Nordlicht")) for name, books in hub.books.items()}
    await hub.link(mother, "P-mother")
    child = {"crm": hub.books["crm"].make(company("Elbe"))}
    child["erp"] = hub.books["erp"].make(company("Elbe", **below(mother["erp"])))
    await hub.link(child, "P-child")
    await hub.pump()
    assert parent_in_crm(hub, child["crm"]) == ["crm", "partner", mother["crm"]]
    assert hub.writes == 1
    hub.clock.advance(1_000)
    hub.books["erp"].edit(child["erp"], dict.fromkeys(PARENT))
    await hub.pump()
    assert parent_in_crm(hub, child["crm"]) == [None, None, None]
    assert hub.writes == 2


async def test_a_parent_that_is_not_there_is_waited_for_and_nothing_else_waits(hub: CustomerHub) -> None:
    mother = hub.books["erp"].make(company("Nordlicht"))
    await hub.link({"erp": mother}, "P-mother")
    child = {"crm": hub.books["crm"].make(company("Elbe")), "erp": hub.books["erp"].make(company("Elbe"))}
    await hub.link(child, "P-child")
    await hub.pump()
    hub.books["erp"].edit(child["erp"], {**below(mother), EMAIL: "new@elbe.example"})
    await hub.pump()
    assert hub.books["crm"].card(child["crm"])[EMAIL] == "new@elbe.example"
    assert parent_in_crm(hub, child["crm"]) == [None, None, None]
    assert await waiting(hub) == [("crm", mother)]
    told = [event.kind for event in await hub.told("P-child") if isinstance(event, CustomerDisputed)]
    assert told.count("parent_missing") == 1
    there = hub.books["crm"].make(company("Nordlicht"))
    await hub.link({"crm": there}, "P-mother")
    await hub.pump()
    assert parent_in_crm(hub, child["crm"]) == ["crm", "partner", there]
    assert await waiting(hub) == []


async def test_a_whole_family_that_is_made_elsewhere_finds_its_place_whoever_is_made_first(stores: Stores) -> None:
    async with customer_hub(stores, replace(OWNERSHIP, creates=("crm",), creates_contacts=("crm",))) as hub:
        person = {
            "kind": "person",
            "person.name.given": "Ada",
            "person.name.family": "Lund",
            EMAIL: "ada@x.example",
        }
        hub.books["erp"].make(person | below("BP-00003") | {RELATION: "contact"})
        hub.books["erp"].make(company("Elbe", **below("BP-00003")))
        hub.books["erp"].make(company("Nordlicht"))
        await hub.pump()
        cards = [hub.books["crm"].card(f"BP-{number:05}") for number in (1, 2, 3)]
        mother = next(i for i, card in enumerate(cards, 1) if card.get("organisation.name") == "Nordlicht")
        parents = {card[EMAIL]: card.get(PARENT[-1]) for card in cards}
        number = f"BP-{mother:05}"
        assert parents == {"ada@x.example": number, "post@elbe.example": number, "post@nordlicht.example": None}
        assert await waiting(hub) == []


async def test_further_parties_that_somebody_stands_for_are_told_by_their_numbers_and_each_is_waited_for(
    hub: CustomerHub,
) -> None:
    known = {name: books.make(company("Nordlicht")) for name, books in hub.books.items()}
    await hub.link(known, "P-known")
    unknown = hub.books["erp"].make(company("Elbe"))
    await hub.link({"erp": unknown}, "P-unknown")
    stands_for = {
        f"relations.{key}.{part}": value
        for key, number in (("a", known["erp"]), ("b", unknown))
        for part, value in (
            ("party.system", "erp"),
            ("party.kind", "partner"),
            ("party.value", number),
            ("role", f"buyer {key}"),
        )
    }
    person = {"kind": "person", EMAIL: "ada@lund.example"}
    ada = {"crm": hub.books["crm"].make(person), "erp": hub.books["erp"].make({**person, **stands_for})}
    await hub.link(ada, "P-ada")
    await hub.pump()

    def in_crm(key: str) -> list[Any]:
        card = hub.books["crm"].card(ada["crm"])
        return [card.get(f"relations.{key}.{part}") for part in ("party.system", "party.value", "role")]

    assert in_crm("a") == ["crm", known["crm"], "buyer a"]
    assert in_crm("b") == [None, None, None]
    assert await waiting(hub) == [("crm", unknown)]
    there = hub.books["crm"].make(company("Elbe"))
    await hub.link({"crm": there}, "P-unknown")
    await hub.pump()
    assert in_crm("b") == ["crm", there, "buyer b"]
    assert await waiting(hub) == []
