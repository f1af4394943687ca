"""People who arrive at once by Salesforce, the shop and the till: one party each, and one in a real Tryton.

Each comes ten times, written down differently. `make arrivals` lets a thousand records of a hundred people come.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.adapters.tryton.bench import TrytonBench
from tests.adapters.tryton.retailer import Retailer, a_retailer
from tests.entrypoints.doors import client_of
from tests.hubs import eventually

from crossdock.adapters.memory.simulator.server import share_surface
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.adapters.memory.wire import PartnerWrite
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.durable.records import RunState
from crossdock.entrypoints.api.app import make_app
from crossdock.identity.golden.fields import party_of
from crossdock.kit.clock import SystemClock, iso

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.long]

CHANNELS = ("shop", "till")
"""The shop tells of its customers over the hub's API, the tills have a dock."""
DOCKS = CHANNELS[1:]
COPIES = 10
PATIENCE_SECONDS = 1_500.0
LETTERS = "abcdefghij"
OVER = {RunState.DONE, RunState.SKIPPED}


def spelled(number: int) -> str:
    """A number as letters: family names that nobody takes for one another."""
    return "".join(LETTERS[int(digit)] * 2 for digit in f"{number:03}").title()


def a_card(person: int, copy: int) -> dict[str, Any]:
    """What one of the records of somebody says, each second one in capitals."""
    family, mail = f"{spelled(person)}berg", f"p{person}@arrivals.example.net"
    shouted = copy % 2 == 1
    return {
        "kind": "person",
        "person.name.given": "Anna",
        "person.name.family": family.upper() if shouted else family,
        # Of two whose birthdays are a digit apart a steward would be asked, and until then one not be in the ERP.
        "person.birth_date": f"{1920 + person % 100}-{1 + person % 12:02}-{1 + person % 28:02}",
        "contact.email": mail.upper() if shouted else mail,
    }


@pytest.fixture
async def arriving(bench: TrytonBench, tmp_path: Path) -> AsyncIterator[tuple[Retailer, dict[str, Surface]]]:
    """A retailer whose shop and tills bring customers, too; all of them are to be in the ERP."""
    ledgers = {name: uuid.uuid4().hex for name in DOCKS}
    surfaces = {name: Surface(clock=SystemClock()) for name in DOCKS}
    for name, surface in surfaces.items():
        share_surface(ledgers[name], surface)
    async with a_retailer(bench, tmp_path, "sqlite:hub.sqlite") as retailer:
        docks = {name: {"adapter": "memory", "settings": {"ledger": ledgers[name]}} for name in DOCKS}
        retailer.opens(docks, "shop")
        yield retailer, surfaces
    for ledger in ledgers.values():
        share_surface(ledger, None)


def enter(retailer: Retailer, surfaces: dict[str, Surface], people: int) -> list[tuple[int, ExternalReference]]:
    """Everybody at once, at every door that systems have: who it is, and the record."""
    made = []
    for copy in range(COPIES):
        cards = [a_card(person, copy) for person in range(people)]
        channel = ("salesforce", *CHANNELS)[copy % 3]
        if channel == "shop":
            continue
        if channel == "salesforce":
            rows = [
                {
                    "FirstName": card["person.name.given"],
                    "LastName": card["person.name.family"],
                    "PersonBirthdate": card["person.birth_date"],
                    "PersonEmail": card["contact.email"],
                }
                for card in cards
            ]
            numbers = retailer.org.simulator.seed.rows("Account", rows, announce=True)
        else:
            book = surfaces[channel].partners
            writes = [PartnerWrite(write=f"{copy}-{place}", card=card) for place, card in enumerate(cards)]
            numbers = [book.write(write).number for write in writes]
        kind = "Account" if channel == "salesforce" else "partner"
        made += [(person, ExternalReference(channel, kind, number)) for person, number in enumerate(numbers)]
    return made


async def tell(hub: Hub, people: int) -> list[tuple[int, ExternalReference]]:
    """Everybody at once, by the shop, over the hub's API."""
    at, shop = iso(SystemClock().now()), CHANNELS.index("shop") + 1
    bodies = [
        (person, {"record_id": f"W-{copy}-{person}", "changed_at": at, "says": nested(a_card(person, copy))})
        for copy in range(shop, COPIES, 3)
        for person in range(people)
    ]
    async with client_of(make_app(hub)) as client:
        told = (client.post("/v1/channels/shop/customers", json=body) for _, body in bodies)
        answers = await asyncio.gather(*told)
    assert [answer.status_code for answer in answers] == [202] * len(bodies)
    return [(person, ExternalReference("shop", "customer", str(body["record_id"]))) for person, body in bodies]


def nested(card: dict[str, Any]) -> Any:
    """What a card says, as it goes over the wire."""
    return msgspec.to_builtins(party_of(card))


@pytest.mark.timeout(2_000)
async def test_people_who_arrive_at_once_at_three_doors_are_one_party_each_and_one_in_tryton(
    arriving: tuple[Retailer, dict[str, Surface]], request: pytest.FixtureRequest
) -> None:
    retailer, surfaces = arriving
    people = int(request.config.getoption("--arrivals")) // COPIES
    async with retailer.hub() as hub:
        entered, told = await asyncio.gather(
            asyncio.to_thread(enter, retailer, surfaces, people), tell(hub, people)
        )
        made = entered + told
        references = [reference for _, reference in made]

        async def known() -> bool:
            await asyncio.sleep(0.5)
            found = await hub.store.find_parties(references)
            return len(found) == len(references) and await at_rest(hub)

        assert await eventually(known, within_seconds=PATIENCE_SECONDS)
        found = await hub.store.find_parties(references)
        parties = {found[reference] for reference in references}
        assert len(parties) == people
        assert len({(person, found[reference]) for person, reference in made}) == people
    there = await retailer.tryton.admin.search_read(
        "party.party",
        [("contact_mechanisms.value", "ilike", "%@arrivals.example.net"), ("active", "in", [True, False])],
        ["id"],
    )
    assert len(there) == people


async def at_rest(hub: Hub) -> bool:
    """Whether nothing is under way."""
    counts = await hub.store.count_runs()
    return not sum(count for state, count in counts.items() if state not in OVER)
