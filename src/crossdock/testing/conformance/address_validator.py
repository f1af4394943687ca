"""The promises of who looks addresses up."""

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from crossdock.canonical.party import PostalAddress
from crossdock.ports.address_validator import AddressVerdict
from crossdock.ports.manifest import Role
from crossdock.testing.bench import AddressBench
from crossdock.testing.conformance.manners import PERSONAL, ReadingManners
from crossdock.testing.estate import Estate

NAME, _MAIL, STREET, _PHONE = PERSONAL


class AddressValidatorConformance(ReadingManners):
    """Everything an address validator promises. The bench is an `AddressBench`."""

    role_name = Role.ADDRESS_VALIDATOR.value
    role = Role.ADDRESS_VALIDATOR

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """Look the known address up; when that was is left aside."""
        return [replace(each, at=0) for each in await dock.validate_addresses([estate.address])]

    async def mishaps(self, dock: Any, bench: Any, estate: Estate) -> list[str]:
        """Look a person's address up, well and badly, besides what every role does."""
        person = replace(estate.undeliverable_address, name=NAME, lines=(STREET,))
        told = [repr((await _asked(dock, person)).findings)]
        await bench.refuse_next()
        told += await self.told(dock.validate_addresses([person]))
        return told + await super().mishaps(dock, bench, estate)

    async def test_a_known_address_is_validated(self, dock: Any, estate: Estate) -> None:
        """An address that is written as the provider writes it is validated and stays as it is."""
        verdict = await _asked(dock, estate.address)

        assert (verdict.outcome, verdict.verdict) == ("validated", "deliverable")
        assert verdict.address == estate.address
        assert (verdict.differences, verdict.findings) == ((), ())
        assert verdict.by
        assert verdict.at > 0

    async def test_capitals_and_dots_are_no_difference(self, dock: Any, estate: Estate) -> None:
        """An address in capitals is the same address, and nobody's spelling is changed for that."""
        loud = replace(estate.address, city=(estate.address.city or "").upper())

        verdict = await _asked(dock, loud)

        assert (verdict.outcome, verdict.address) == ("validated", loud)

    async def test_a_misspelt_address_is_corrected_part_by_part(self, dock: Any, estate: Estate) -> None:
        """What is written otherwise is told part by part, and the address comes as it is written."""
        asked = estate.misspelt_address

        verdict = await _asked(dock, asked)

        assert (verdict.outcome, verdict.verdict) == ("corrected", "deliverable")
        assert {each.part: each.written for each in verdict.differences} == dict(estate.corrections)
        for each in verdict.differences:
            assert (each.said, each.written) == (_part(asked, each.part), _part(verdict.address, each.part))

    async def test_an_address_that_may_be_several_is_ambiguous(self, dock: Any, estate: Estate) -> None:
        """None of several is chosen: the verdict is open, a finding says where, and the address stays as it is."""
        verdict = await _asked(dock, estate.ambiguous_address)

        assert (verdict.outcome, verdict.verdict) == ("ambiguous", "unknown")
        assert verdict.address == estate.ambiguous_address
        assert {each.code for each in verdict.findings} == {"address-ambiguous"}

    async def test_an_address_that_is_not_there_is_undeliverable(self, dock: Any, estate: Estate) -> None:
        """Where there is no house, nothing can be delivered, and a finding says which part is wrong."""
        verdict = await _asked(dock, estate.undeliverable_address)

        assert (verdict.outcome, verdict.verdict) == ("undeliverable", "undeliverable")
        assert verdict.findings
        assert all(each.path.startswith("$") and each.message for each in verdict.findings)

    async def test_what_it_does_not_know_is_not_covered(self, dock: Any, estate: Estate) -> None:
        """An address beyond its books is no fault of the address."""
        verdict = await _asked(dock, estate.uncovered_address)

        assert (verdict.outcome, verdict.verdict, verdict.findings) == ("not_covered", "unknown", ())

    async def test_an_unknown_answer_is_no_verdict(self, dock: Any, bench: AddressBench, estate: Estate) -> None:
        """A complaint that nobody here knows neither lets an address pass nor refuses it."""
        await bench.answer_next_oddly()

        verdict = await _asked(dock, estate.address)

        assert (verdict.outcome, verdict.verdict, verdict.findings) == ("unverified", "unknown", ())

    async def test_what_is_not_said_stays_unsaid(self, dock: Any, estate: Estate) -> None:
        """A part that a system has no place for is not filled in; whose address it is stays."""
        partial = replace(estate.misspelt_address, name="Anvil", region=UNSET)

        verdict = await _asked(dock, partial)

        assert verdict.address.name == "Anvil"
        assert verdict.address.region is UNSET

    async def test_many_addresses_are_answered_in_their_order(self, dock: Any, estate: Estate) -> None:
        """However many are asked about, each has its verdict, in the order of the questions."""
        asked = [estate.undeliverable_address, estate.address, estate.uncovered_address, estate.address] * 3

        outcomes = [each.outcome for each in await dock.validate_addresses(asked)]

        assert outcomes == ["undeliverable", "validated", "not_covered", "validated"] * 3

    async def test_no_addresses_are_none(self, dock: Any) -> None:
        """Asking for nothing answers nothing."""
        assert list(await dock.validate_addresses([])) == []

    async def test_it_is_told_where_and_not_who(self, dock: Any, bench: AddressBench, estate: Estate) -> None:
        """The provider learns no name: it needs none to say whether there is a house."""
        await _asked(dock, replace(estate.address, name=NAME))

        told = await bench.asked_for()
        assert told
        assert not any(word in text for text in told for word in NAME.split())


async def _asked(dock: Any, address: PostalAddress) -> AddressVerdict:
    (verdict,) = await dock.validate_addresses([address])
    assert isinstance(verdict, AddressVerdict)
    return verdict


def _part(address: PostalAddress, part: str) -> str:
    value = getattr(address, part)
    return ", ".join(value) if isinstance(value, tuple) else value or ""
