"""A provider is asked only about what may be, and not again for a while."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from crossdock.bootstrap.addresses import Addresses, Provider
from crossdock.canonical.party import PostalAddress
from crossdock.durable.lanes import LaneClosed
from crossdock.kit.clock import ManualClock
from crossdock.kit.errors import Invalid, NotAuthorized, Unavailable
from crossdock.ports.address_validator import AddressVerdict

pytestmark = pytest.mark.anyio

HOME = PostalAddress(lines=("Hauptstr. 1",), postal_code="10115", city="berlin", country="DE")
NOWHERE = replace(HOME, postal_code="1")


AWAY = (Unavailable("away"), NotAuthorized("no"), Invalid("odd"), LaneClosed("avatax", "breaker", None))


class Houses:
    """A provider who knows every house but the empty ones; `fault` is what the call after `good` ones raises."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.asked: list[PostalAddress] = []
        self.fault: BaseException | None = None
        self.good = 0
        self.silent = False

    async def validate_addresses(self, addresses: Sequence[PostalAddress]) -> Sequence[AddressVerdict]:
        if self.silent:
            await asyncio.Event().wait()
        if self.fault is not None and len(self.asked) >= self.good:
            raise self.fault
        self.asked += addresses
        return [
            AddressVerdict(outcome="validated", address=each, by="provider", at=self.clock.now())
            for each in addresses
        ]


def addresses_by(houses: Houses, clock: ManualClock, *, patience_seconds: float = 60) -> Addresses:
    return Addresses(Provider(system="avatax", dock=houses), 60, clock, patience_seconds=patience_seconds)


async def test_what_the_rules_call_impossible_no_provider_is_asked_about() -> None:
    clock = ManualClock()
    provider = Houses(clock)
    verdicts = await addresses_by(provider, clock).validate_addresses([NOWHERE, HOME, PostalAddress(), HOME])
    assert [each.verdict for each in verdicts] == ["undeliverable", "deliverable", "unknown", "deliverable"]
    assert [each.city for each in provider.asked] == ["Berlin"]


async def test_its_word_is_remembered_for_as_long_as_is_said() -> None:
    clock = ManualClock()
    provider = Houses(clock)
    addresses = addresses_by(provider, clock)
    for seconds in (0, 59, 2):
        clock.advance(seconds)
        (verdict,) = await addresses.validate_addresses([HOME])
        assert verdict.by == "provider"
    assert len(provider.asked) == 2


async def test_without_a_provider_the_rules_are_all_there_is() -> None:
    (verdict,) = await Addresses(None, 60, ManualClock()).validate_addresses([HOME])
    assert (verdict.verdict, verdict.by) == ("unknown", "postal rules")


@pytest.mark.parametrize("fault", AWAY, ids=lambda fault: type(fault).__name__)
async def test_while_it_is_away_addresses_are_unverified_and_nobody_waits(fault: BaseException) -> None:
    clock = ManualClock()
    provider = Houses(clock)
    provider.fault, provider.good = fault, 1
    addresses = addresses_by(provider, clock)
    two = [HOME, replace(HOME, lines=("Hauptstr. 2",)), NOWHERE]
    assert [each.outcome for each in await addresses.validate_addresses(two)] == [
        "validated",
        "unverified",
        "undeliverable",
    ]
    provider.fault = None
    assert [each.outcome for each in await addresses.validate_addresses(two[:2])] == ["validated", "validated"]
    assert len(provider.asked) == 2
    assert addresses.outcomes == {"validated": 3, "unverified": 1, "undeliverable": 1}


async def test_a_provider_that_is_silent_is_as_good_as_away() -> None:
    clock = ManualClock()
    provider = Houses(clock)
    provider.silent = True
    (verdict,) = await addresses_by(provider, clock, patience_seconds=0.01).validate_addresses([HOME])
    assert (verdict.outcome, verdict.by) == ("unverified", "postal rules")
