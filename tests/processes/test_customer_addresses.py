"""A new company's addresses are looked up at a provider, whose absence holds nobody up (CUS-23)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.processes.companies import BIKES, CompanyHub, company_hub
from tests.stores import Stores

from crossdock.adapters.avatax import ADAPTER
from crossdock.adapters.avatax.simulator import LocalAvatax
from crossdock.bootstrap.addresses import Provider
from crossdock.contracts.customers import CustomerOnboarded
from crossdock.identity.golden.fields import Fields
from crossdock.kit.clock import SystemClock

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
