"""A provider is asked only about what may be, and not again for a while."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from crossdock.bootstrap.addresses import Addresses
from crossdock.canonical.party import PostalAddress
from crossdock.kit.clock import ManualClock
from crossdock.ports.address_validator import AddressVerdict

pytestmark = pytest.mark.anyio

HOME = PostalAddress(lines=("Hauptstr. 1",), postal_code="10115", city="berlin", country="DE")
NOWHERE = replace(HOME, postal_code="1")


class Provider:
    """One who knows every house but the empty ones."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.asked: list[PostalAddress] = []

    async def validate_addresses(self, addresses: Sequence[PostalAddress]) -> Sequence[AddressVerdict]:
        self.asked += addresses
        return [
            AddressVerdict(verdict="deliverable", address=each, by="provider", at=self.clock.now())
            for each in addresses
        ]


async def test_what_the_rules_call_impossible_no_provider_is_asked_about() -> None:
    clock = ManualClock()
    provider = Provider(clock)
    verdicts = await Addresses(provider, 60, clock).validate_addresses([NOWHERE, HOME, PostalAddress(), HOME])
    assert [each.verdict for each in verdicts] == ["undeliverable", "deliverable", "unknown", "deliverable"]
    assert [each.city for each in provider.asked] == ["Berlin"]


async def test_its_word_is_remembered_for_as_long_as_is_said() -> None:
    clock = ManualClock()
    provider = Provider(clock)
    addresses = Addresses(provider, 60, clock)
    for seconds in (0, 59, 2):
        clock.advance(seconds)
        (verdict,) = await addresses.validate_addresses([HOME])
        assert verdict.by == "provider"
    assert len(provider.asked) == 2


async def test_without_a_provider_the_rules_are_all_there_is() -> None:
    (verdict,) = await Addresses(None, 60, ManualClock()).validate_addresses([HOME])
    assert (verdict.verdict, verdict.by) == ("unknown", "postal rules")
