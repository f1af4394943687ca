"""A new hub at old systems: what another wrote there in its name is what those systems have to say."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.engine import Engine
from tests.processes.books import MARK, CustomerHub, customer_hub
from tests.stores import Stores

from crossdock.adapters.memory.wire import PartnerWrite
from crossdock.durable.records import RunState
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.processes.customer_beginning import LOOK_SECONDS, Beginning

pytestmark = pytest.mark.anyio

EMAIL, TERMS = "contact.email", "terms.code"
OWNERSHIP = Ownership(
    domains=dict.fromkeys(Domain, Rule(rule="owner", owner="erp", readers=("crm",))),
    marks=(MARK,),
    creates=("crm",),
)


@pytest.fixture
async def hub(stores: Stores) -> AsyncIterator[CustomerHub]:
    async with customer_hub(stores, OWNERSHIP) as hub:
        yield hub


@pytest.fixture
async def engine(stores: Stores) -> AsyncIterator[Engine]:
    engine = Engine(await stores.open(), stores.clock)
    await engine.begin()
    yield engine
    await engine.crash()


def written_by_a_hub(hub: CustomerHub) -> str:
    """A hub, this one or one before it, makes a partner in the ERP; its number."""
    card = {"kind": "organisation", "organisation.name": "Nordlicht GmbH", EMAIL: "a@x.org", TERMS: "N30"}
    return hub.books["erp"].book.write(PartnerWrite(write="by-a-hub", card=card, origin=MARK)).number


async def test_what_a_hub_before_this_one_wrote_last_is_taken_as_its_systems_word(hub: CustomerHub) -> None:
    number = written_by_a_hub(hub)
    hub.clock.advance(1_000)
    hub.began = hub.clock.now()
    await hub.pump()
    assert await hub.store.list_runs(state=RunState.PARKED) == []
    holds = await hub.holds("erp", number)
    assert {name: holds[name].values[name] for name in (EMAIL, TERMS)} == {EMAIL: "a@x.org", TERMS: "N30"}
    assert (await hub.party("erp", number)).record_of("crm") is not None, "others are told of it"


async def test_what_this_hub_made_is_waited_for(hub: CustomerHub) -> None:
    hub.began = hub.clock.now()
    hub.clock.advance(1_000)
    number = written_by_a_hub(hub)
    await hub.pump()
    assert await hub.store.find_parties([hub.reference("erp", number)]) == {}


def beginning(engine: Engine, worker_id: str = "") -> Beginning:
    worker_id = worker_id or engine.worker.worker_id
    return Beginning(engine.store, engine.store, engine.committer.submit, lambda: worker_id, engine.clock)


async def test_the_moment_is_kept_once_for_all_workers_and_restarts(engine: Engine) -> None:
    first, later = beginning(engine), beginning(engine)
    await first.settle()
    assert first.at == engine.clock.now()
    engine.clock.advance(1_000)
    await later.settle()
    assert later.at == first.at


async def test_who_comes_second_waits_for_the_first(engine: Engine) -> None:
    assert await engine.store.hold_cursor("customers-began", engine.worker.worker_id) == ""
    second = beginning(engine, "other")
    settling = asyncio.get_running_loop().create_task(second.settle())
    await asyncio.sleep(0)
    await beginning(engine).settle()
    while not settling.done():
        engine.clock.advance(LOOK_SECONDS)
        await asyncio.sleep(0.001)
    assert second.at


async def test_a_hub_that_has_customers_already_cannot_say_since_when(hub: CustomerHub) -> None:
    await hub.link({"crm": hub.books["crm"].make({EMAIL: "a@x.org"})})
    at = Beginning(hub.store, hub.store, hub._submit, lambda: hub.engine.worker.worker_id, hub.clock)
    await at.settle()
    assert at.at == 0
