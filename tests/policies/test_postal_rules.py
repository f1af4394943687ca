"""An address is judged by the rules of its own country, and written as people there write it."""

import pytest
from msgspec import UNSET

from crossdock.canonical.party import PostalAddress
from crossdock.policies.postal_rules import check_address


def an_address(country: str | None, code: str, city: str = "X-Stadt", region: str | None = None) -> PostalAddress:
    return PostalAddress(lines=("Weg 1",), postal_code=code, city=city, region=region, country=country)


@pytest.mark.parametrize(
    ("address", "code", "city", "region"),
    [
        (an_address("DE", " 10115 ", "berlin"), "10115", "Berlin", None),
        (an_address("NL", "1012ab", "Den Haag"), "1012 AB", "Den Haag", None),
        (an_address("GB", "sw1a1aa", "London"), "SW1A 1AA", "London", None),
        (an_address("CA", "m5v2t6", "Toronto", "Ontario"), "M5V 2T6", "Toronto", "ON"),
        (an_address("US", "94043", "Mountain View", "california"), "94043", "Mountain View", "CA"),
        (an_address("IE", "", "Dublin"), None, "Dublin", None),
    ],
)
def test_it_is_written_as_its_country_writes_it(
    address: PostalAddress, code: str | None, city: str, region: str | None
) -> None:
    verdict = check_address(address, 0)
    assert verdict.verdict == "unknown"
    assert verdict.findings == ()
    assert (verdict.address.postal_code, verdict.address.city, verdict.address.region) == (code, city, region)


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        (an_address("DE", "1011"), {"$.postal_code": "address-part-wrong"}),
        (an_address("FR", ""), {"$.postal_code": "address-part-missing"}),
        (an_address("US", "94043", region="Bavaria"), {"$.region": "address-part-wrong"}),
        (an_address("US", "10001", region="CA"), {"$.postal_code": "address-part-wrong"}),
        (an_address("XX", "1"), {"$.country": "address-part-wrong"}),
        (an_address(None, "1"), {"$.country": "address-part-missing"}),
        (PostalAddress(city="Berlin", postal_code="10115", country="DE"), {"$.lines": "address-part-missing"}),
    ],
)
def test_every_part_that_cannot_be_is_named_with_its_path(address: PostalAddress, wrong: dict[str, str]) -> None:
    verdict = check_address(address, 0)
    assert verdict.verdict == "undeliverable"
    assert {finding.path: finding.code for finding in verdict.findings} == wrong


def test_what_is_not_said_stays_unsaid() -> None:
    told = check_address(PostalAddress(lines=("Weg 1",), postal_code="10115", city="Berlin", country="DE"), 0)
    assert told.address.region is UNSET
    assert told.address.name is UNSET


def test_nothing_at_all_is_no_wrong_address() -> None:
    assert check_address(PostalAddress(), 0).verdict == "unknown"
    assert check_address(PostalAddress(city=None, country=None), 0).findings == ()
