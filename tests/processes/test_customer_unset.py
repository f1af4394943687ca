"""What a record shows where nobody ever said anything is no word: an empty field that was read, an unticked box.

Once it was filled or ticked, emptying it is a word, however the hub comes to know of it (CUS-17, CUS-19).
"""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from tests.processes.orgs import Org, TwoWayHub, two_way_hub
from tests.processes.weather import an_address, ownership
from tests.stores import Stores, memory_stores

from crossdock.adapters.salesforce.simulator.faults import Gap
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Rule

pytestmark = pytest.mark.anyio

PROPOSED = Rule(rule="owner", owner="erp", readers=("crm",), others="propose")
OWNED = replace(ownership(), domains={**ownership().domains, Domain.TAX: PROPOSED})
ANNA = {"kind": "person", "person.name.given": "Anna", "person.name.family": "Seidl"}
PHONE, EXEMPT = "contact.phone", "tax.exemption.exempt"
CITY = "shipping.default.address.city"


@pytest.fixture
async def hub() -> AsyncIterator[TwoWayHub]:
    stores: Stores = memory_stores()
    async with two_way_hub(stores, OWNED, off_seconds={"crm": 0, "erp": 0}) as hub:
        yield hub
    await stores.close()


async def come_to_rest(hub: TwoWayHub) -> None:
    """Until nothing new arrives, and nothing waits for its time."""
    while await hub.pump():
        hub.clock.advance(400)
        await hub.engine.settle()


async def known_customer(hub: TwoWayHub, *, by_reading: bool = False) -> dict[str, str]:
    """Anna, of whom the ERP knows more; her account is told of by an event, or is read."""
    erp = hub.books["erp"].make({**ANNA, PHONE: "+49 30 1", **an_address("Dom 1", "50667", "Köln", "DE")})
    lose_the_values(hub, by_reading=by_reading)
    numbers = {"crm": hub.books["crm"].make(ANNA), "erp": erp}
    await hub.link(numbers)
    await come_to_rest(hub)
    return numbers


def lose_the_values(hub: TwoWayHub, *, by_reading: bool) -> None:
    """The next event of an account says only that something changed, so that the account is read."""
    org = hub.books["crm"]
    assert isinstance(org, Org)
    if by_reading:
        org.simulator.faults.add(Gap(sobject="Account", times=1))


async def questions(hub: TwoWayHub) -> list[tuple[str, str]]:
    return [(one.question.kind, one.question.unit) for one in await hub.store.list_questions()]


@pytest.mark.parametrize("by_reading", [False, True])
async def test_a_box_that_nobody_ticked_says_nothing_until_it_was_ticked(
    hub: TwoWayHub, *, by_reading: bool
) -> None:
    numbers = await known_customer(hub, by_reading=by_reading)
    assert await questions(hub) == []

    hub.books["crm"].edit(numbers["crm"], {EXEMPT: True})
    await come_to_rest(hub)
    assert await questions(hub) == [("proposed", "tax.exemption")]

    lose_the_values(hub, by_reading=by_reading)
    hub.books["crm"].edit(numbers["crm"], {EXEMPT: False})
    await come_to_rest(hub)
    said = (await hub.party("crm", numbers["crm"])).record_of("crm")
    assert said is not None
    assert said.fields[EXEMPT].said is False


async def test_a_box_that_already_is_as_the_owner_says_is_not_written(hub: TwoWayHub) -> None:
    numbers = await known_customer(hub)
    before = hub.writes

    hub.books["erp"].edit(numbers["erp"], {EXEMPT: False})
    await come_to_rest(hub)

    assert hub.writes == before


async def test_an_account_that_is_read_takes_nothing_away_that_it_never_had(hub: TwoWayHub) -> None:
    numbers = await known_customer(hub, by_reading=True)
    card = hub.books["erp"].card(numbers["erp"])
    assert (card[PHONE], card[CITY]) == ("+49 30 1", "Köln")
    shown = await hub.shown(hub.reference("crm", numbers["crm"]))
    assert (shown[PHONE], shown[CITY]) == ("+49 30 1", "Köln")

    lose_the_values(hub, by_reading=True)
    hub.clock.advance(3_600)
    hub.books["crm"].edit(numbers["crm"], {PHONE: None})
    await come_to_rest(hub)
    assert hub.books["erp"].card(numbers["erp"]).get(PHONE) is None, "it was there, and somebody emptied it"
