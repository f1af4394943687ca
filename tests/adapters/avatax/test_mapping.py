"""What AvaTax answers, and what it means for an address."""

import pytest
from msgspec.structs import replace

from crossdock.adapters.avatax import mapping, wire
from crossdock.canonical.party import PostalAddress
from crossdock.ports.address_validator import AddressVerdict, Difference

ASKED = PostalAddress(
    name="Anvil", lines=("2000 main",), postal_code="92614", city="Irvine", region="CA", country="US"
)
FOUND = wire.AddressFound(
    addressType="HighRiseOrBusinessComplex",
    line1="2000 MAIN ST",
    city="IRVINE",
    region="CA",
    country="US",
    postalCode="92614-7211",
)


def of(*messages: tuple[str, str], found: tuple[wire.AddressFound, ...] = (FOUND,)) -> AddressVerdict:
    said = tuple(wire.AvaTaxMessage(summary=summary, refersTo=to, severity="Error") for summary, to in messages)
    return mapping.verdict_of(ASKED, wire.AddressResolutionModel(validatedAddresses=found, messages=said), 7)


def test_each_part_that_is_written_otherwise_is_told_and_capitals_are_not() -> None:
    verdict = of()
    assert verdict.outcome == "corrected"
    assert verdict.differences == (
        Difference(part="lines", said="2000 main", written="2000 MAIN ST"),
        Difference(part="postal_code", said="92614", written="92614-7211"),
    )
    assert (verdict.address.name, verdict.address.lines) == ("Anvil", ("2000 MAIN ST",))


@pytest.mark.parametrize(
    ("message", "outcome", "paths"),
    [
        (("The address is not deliverable.", "address"), "undeliverable", ["$"]),
        (("The address number is out of range.", "Address.Line0"), "undeliverable", ["$.lines"]),
        (("An exact street name match could not be found.", "Address.Line0"), "undeliverable", ["$.lines"]),
        (("The city could not be found.", "Address.City"), "undeliverable", ["$.city"]),
        (("The postal code is unknown.", "Address.PostalCode"), "undeliverable", ["$.postal_code"]),
        (("Multiple addresses match.", "Address.Line0"), "ambiguous", ["$.lines"]),
        (("Insufficient address information.", "address"), "ambiguous", ["$"]),
        (("The country is not supported.", "Address.Country"), "not_covered", []),
        (("Address not geocoded.", "address"), "unverified", []),
        (("Mercury is in retrograde.", "Address.City"), "unverified", []),
    ],
)
def test_a_complaint_is_understood_by_its_summary(
    message: tuple[str, str], outcome: str, paths: list[str]
) -> None:
    verdict = of(message)
    assert (verdict.outcome, [each.path for each in verdict.findings]) == (outcome, paths)
    assert verdict.address == ASKED


def test_the_worst_that_is_certain_holds_and_each_part_is_told_once() -> None:
    verdict = of(("Address not geocoded.", "address"), ("The address number is out of range.", "Address.Line0"))
    assert (verdict.outcome, len(verdict.findings)) == ("undeliverable", 2)


def test_a_remark_that_is_no_error_changes_nothing() -> None:
    remark = wire.AvaTaxMessage(summary="The address is not deliverable.", severity="Success")
    answer = wire.AddressResolutionModel(validatedAddresses=(FOUND,), messages=(remark,))
    assert mapping.verdict_of(ASKED, answer, 7).outcome == "corrected"


@pytest.mark.parametrize(
    "found",
    [
        (replace(FOUND, line1="2002 MAIN ST"),),
        (replace(FOUND, country="CA"),),
        (FOUND, replace(FOUND, line1="2000 MAIN AVE")),
    ],
)
def test_another_house_another_country_or_a_choice_is_nobodys_spelling(
    found: tuple[wire.AddressFound, ...],
) -> None:
    verdict = of(found=found)
    assert (verdict.outcome, verdict.address) == ("ambiguous", ASKED)
    assert verdict.findings[0].code == "address-ambiguous"


def test_the_same_house_found_twice_is_one() -> None:
    assert of(found=(FOUND, replace(FOUND, line1="2000 Main St."))).outcome == "corrected"


@pytest.mark.parametrize("found", [(), (replace(FOUND, addressType="UnknownAddressType"),)])
def test_an_answer_without_an_address_is_no_verdict(found: tuple[wire.AddressFound, ...]) -> None:
    assert of(found=found).outcome == "unverified"


@pytest.mark.parametrize(
    "address",
    [
        replace(ASKED, country="DE"),
        replace(ASKED, country=None),
        replace(ASKED, lines=("x" * 51,)),
        replace(ASKED, lines=("1 Main St", "x" * 101)),
        replace(ASKED, city="x" * 51),
        replace(ASKED, postal_code="9" * 12),
    ],
)
def test_what_the_description_does_not_let_through_is_not_asked(address: PostalAddress) -> None:
    assert mapping.is_covered(ASKED, ("US", "CA"))
    assert not mapping.is_covered(address, ("US", "CA"))


def test_lines_beyond_three_go_into_the_third() -> None:
    asked = mapping.question(replace(ASKED, lines=("2000 Main St", "Bldg 4", "Floor 2", "Door 3")))
    assert (asked.line1, asked.line2, asked.line3) == ("2000 Main St", "Bldg 4", "Floor 2, Door 3")
