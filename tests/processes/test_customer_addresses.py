"""A new company's addresses are looked up at a provider, whose absence holds nobody up (CUS-23)."""

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.processes.companies import BIKES, CompanyHub, company_hub
from tests.stores import Stores

from crossdock.adapters.avatax import ADAPTER
from crossdock.adapters.avatax.simulator import LocalAvatax
from crossdock.bootstrap.addresses import Provider
from crossdock.canonical.party import PostalAddress
from crossdock.contracts.customers import CustomerAddressesVerified, CustomerOnboarded
from crossdock.durable.records import RunState
from crossdock.durable.store import RunView
from crossdock.identity.golden.fields import Fields
from crossdock.kit.clock import MICROSECONDS, SystemClock
from crossdock.kit.errors import Unavailable
from crossdock.ports.address_validator import AddressVerdict, Outcome
from crossdock.processes.customer_addresses import ASKED_MAX, WAIT_SECONDS, WAIT_SECONDS_MAX

pytestmark = pytest.mark.anyio

IRVINE: Fields = {
    **BIKES,
    "organisation.registered_in": None,
    "tax.number": "95-4856789",
    "billing.address.lines": ("2000 main",),
    "billing.address.postal_code": "92614",
    "billing.address.city": "Irvine",
    "billing.address.region": "CA",
    "billing.address.country": "US",
}


@pytest.fixture
async def avatax() -> AsyncIterator[LocalAvatax]:
    local = LocalAvatax()
    yield local
    await local.stop()


@pytest.fixture
async def hub(stores: Stores, avatax: LocalAvatax) -> AsyncIterator[CompanyHub]:
    dock: Any = ADAPTER.make_dock(ADAPTER.load_settings(await avatax.start()), SystemClock())
    await dock.open()
    async with company_hub(stores, provider=Provider(system="avatax", dock=dock)) as hub:
        yield hub
    await dock.close()


async def unverified(hub: CompanyHub, number: str) -> tuple[str, ...]:
    events = await hub.told((await hub.party("crm", number)).party_id)
    (onboarded,) = [each for each in events if isinstance(each, CustomerOnboarded)]
    return onboarded.unverified


async def test_the_erp_gets_the_address_as_it_is_written_there(hub: CompanyHub) -> None:
    number = await hub.arrive(IRVINE)
    (card,) = hub.in_erp()
    assert (tuple(card["billing.address.lines"]), card["billing.address.postal_code"]) == (
        ("2000 Main St",),
        "92614-7211",
    )
    assert await unverified(hub, number) == ()


async def test_an_address_that_may_be_several_waits_for_a_steward(hub: CompanyHub) -> None:
    springfield: Fields = {"billing.address.lines": ("100 Oak",), "billing.address.city": "Springfield"}
    place: Fields = {"billing.address.region": "IL", "billing.address.postal_code": "62704"}
    number = await hub.arrive({**IRVINE, **springfield, **place})
    parking = (await hub.run(number)).parking
    assert parking is not None
    assert [(each.code, each.path) for each in parking.findings] == [("address-ambiguous", "$.billing.address")]
    assert hub.in_erp() == []


async def test_while_the_provider_is_away_companies_go_on_and_it_is_told(
    hub: CompanyHub, avatax: LocalAvatax
) -> None:
    await avatax.stop()
    number = await hub.arrive(IRVINE)
    assert (await hub.onboarding(number)).state == "under_review"
    assert await unverified(hub, number) == ("billing.address",)
    assert hub.addresses.outcomes == {"unverified": 1}


class Unsure:
    """A provider that is away until somebody says what it answers."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.asked_at: list[float] = []
        self.now: Callable[[], int] = lambda: 0

    async def validate_addresses(self, addresses: Sequence[PostalAddress]) -> list[AddressVerdict]:
        self.asked_at.append(self.now() / MICROSECONDS)
        if self.outcome is None:
            raise Unavailable("nobody answers", code="address-provider-down")
        return [AddressVerdict(outcome=self.outcome, address=each, by="them", at=self.now()) for each in addresses]


@asynccontextmanager
async def unsure_hub(stores: Stores) -> AsyncIterator[tuple[CompanyHub, Unsure]]:
    provider = Unsure()
    async with company_hub(stores, provider=Provider(system="provider", dock=provider)) as hub:
        provider.now = hub.clock.now
        yield hub, provider


async def looking_again(hub: CompanyHub, number: str) -> RunView:
    return await hub.engine.view(f"customer_addresses/{(await hub.party('crm', number)).party_id}")


async def verified(hub: CompanyHub, number: str) -> list[CustomerAddressesVerified]:
    events = await hub.told((await hub.party("crm", number)).party_id)
    return [each for each in events if isinstance(each, CustomerAddressesVerified)]


async def test_an_address_that_nobody_could_verify_is_looked_up_again_and_that_is_told(stores: Stores) -> None:
    async with unsure_hub(stores) as (hub, provider):
        number = await hub.arrive(BIKES)
        assert await unverified(hub, number) == ("billing.address",)
        assert (await looking_again(hub, number)).state is RunState.WAITING
        await hub.engine.advance(WAIT_SECONDS + 1)
        assert await verified(hub, number) == [], "the provider is still away"
        provider.outcome = "corrected"
        await hub.engine.advance(2 * WAIT_SECONDS + 1)
        (event,) = await verified(hub, number)
        assert (event.verified, event.corrected) == (("billing.address",), ("billing.address",))
        assert (await looking_again(hub, number)).state is RunState.DONE
        asked = len(provider.asked_at)
        await hub.engine.advance(WAIT_SECONDS_MAX, steps=4)
        assert len(provider.asked_at) == asked, "nobody asks about what is known"


async def test_nobody_asks_for_ever_and_each_time_later(stores: Stores) -> None:
    async with unsure_hub(stores) as (hub, provider):
        number = await hub.arrive(BIKES)
        for _ in range(2 * ASKED_MAX):
            await hub.engine.advance(WAIT_SECONDS_MAX + 1)
        run = await looking_again(hub, number)
        assert run.state is RunState.DONE
        first, *others = provider.asked_at
        assert len(others) == ASKED_MAX
        waits = [later - earlier for earlier, later in itertools.pairwise([first, *others])]
        assert all(wait >= min(WAIT_SECONDS * 2**turn, WAIT_SECONDS_MAX) for turn, wait in enumerate(waits))


async def test_an_address_that_turns_out_to_be_none_waits_for_a_person_who_mends_it(stores: Stores) -> None:
    async with unsure_hub(stores) as (hub, provider):
        number = await hub.arrive(BIKES)
        provider.outcome = "undeliverable"
        await hub.engine.advance(WAIT_SECONDS + 1)
        run = await looking_again(hub, number)
        assert run.parking is not None
        assert (run.parking.code, run.parking.owner) == ("address-undeliverable", "data-stewards")
        assert [each.path for each in run.parking.findings] == ["$.billing.address"]
        provider.outcome = "validated"
        hub.books["crm"].edit(number, {"billing.address.lines": ("Hauptstr. 2",)})
        await hub.pump()
        hub.clock.advance(61)  # what the provider said is remembered for a minute
        await hub.engine.desk.retry([run.run_id], actor="Ines", reason="mended")
        await hub.engine.settle()
        assert (await looking_again(hub, number)).state is RunState.DONE
        assert len(await verified(hub, number)) == 1
