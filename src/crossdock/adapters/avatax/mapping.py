"""Between AvaTax's words and ours: pure functions, no I/O."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from crossdock.adapters.avatax import wire
from crossdock.canonical.party import PostalAddress
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Finding
from crossdock.ports.address_validator import AddressVerdict, Difference, Outcome

V = TypeVar("V")

BY = "avatax"
LINE_CHARACTERS_MAX, CITY_CHARACTERS_MAX, POSTAL_CODE_CHARACTERS_MAX = 50, 50, 11
FURTHER_LINE_CHARACTERS_MAX = 100
"""More the description does not let through; who sent it would only be refused."""

NOT_FOUND_TYPE = "UnknownAddressType"
NOTHING_THERE = ("not deliverable", "out of range", "street name match", "not be found", "not found", "unknown")
SEVERAL = ("multiple", "more than one", "ambiguous", "not unique")
TOO_LITTLE = ("insufficient", "incomplete", "is required", "missing")
NOT_COVERED = ("country not supported", "unsupported country", "country is not supported")
"""AvaTax tells its messages apart by their summaries only. One with none of these words is no verdict."""

_SEVERE = frozenset({"error", "exception"})
_PARTS: Mapping[str, str] = {
    "line": "$.lines",
    "street": "$.lines",
    "city": "$.city",
    "region": "$.region",
    "state": "$.region",
    "postal": "$.postal_code",
    "zip": "$.postal_code",
    "country": "$.country",
}
_NUMBER = re.compile(r"\d+\w*")
_WORDS = re.compile(r"[^\W_]+")


def is_covered(address: PostalAddress, countries: Collection[str]) -> bool:
    """Whether AvaTax knows addresses of that country, and could be told this one."""
    lines = _lines(address)
    return (
        address.country in countries
        and len(lines[0]) <= LINE_CHARACTERS_MAX
        and max(len(line) for line in lines[1:]) <= FURTHER_LINE_CHARACTERS_MAX
        and len(address.city or "") <= CITY_CHARACTERS_MAX
        and len(address.postal_code or "") <= POSTAL_CODE_CHARACTERS_MAX
    )


def question(address: PostalAddress) -> wire.AddressAsked:
    """An address as AvaTax is asked about it: where it is, not whose it is."""
    line1, line2, line3 = _lines(address)
    return wire.AddressAsked(
        textCase="Mixed",
        line1=line1,
        line2=line2,
        line3=line3,
        city=address.city or "",
        region=address.region or "",
        country=address.country or "",
        postalCode=address.postal_code or "",
    )


def not_covered(address: PostalAddress, at: Instant) -> AddressVerdict:
    """They know nothing of it."""
    return AddressVerdict(outcome="not_covered", address=address, by=BY, at=at)


def verdict_of(address: PostalAddress, answer: wire.AddressResolutionModel, at: Instant) -> AddressVerdict:
    """What the answer says about the address that was asked for."""
    complaints = [each for each in answer.messages if each.severity.lower() in _SEVERE]
    if complaints:
        outcome = _outcome_of(complaints)
        findings = _findings(outcome, complaints)
        return AddressVerdict(outcome=outcome, address=address, findings=findings, by=BY, at=at)
    found = [each for each in answer.validatedAddresses if each.addressType != NOT_FOUND_TYPE]
    if not found:
        return AddressVerdict(outcome="unverified", address=address, by=BY, at=at)
    if len({_key(_written(address, each)) for each in found}) > 1:
        return _ambiguous(address, "several addresses are meant by this: say which", at)
    written = _written(address, found[0])
    if _is_elsewhere(address, written):
        return _ambiguous(address, "another house, or another country, was found instead", at)
    differences = _differences(address, written)
    outcome = "corrected" if differences else "validated"
    kept = written if differences else address
    return AddressVerdict(outcome=outcome, address=kept, differences=differences, by=BY, at=at)


# ── what it complains about ─────────────────────────────────────────────────────────────────────────


def _outcome_of(complaints: Sequence[wire.AvaTaxMessage]) -> Outcome:
    """The worst that is certain. What nobody here knows is no verdict: it may as well mean that it is fine."""
    said = " / ".join(each.summary.lower() for each in complaints)
    outcomes: tuple[tuple[Outcome, Sequence[str]], ...] = (
        ("not_covered", NOT_COVERED),
        ("ambiguous", SEVERAL),
        ("undeliverable", NOTHING_THERE),
        ("ambiguous", TOO_LITTLE),
    )
    return next((outcome for outcome, words in outcomes if any(word in said for word in words)), "unverified")


def _findings(outcome: Outcome, complaints: Sequence[wire.AvaTaxMessage]) -> tuple[Finding, ...]:
    """One for each part that is complained about, in our words: theirs quote the address."""
    paths = dict.fromkeys(_path(each.refersTo) for each in complaints)
    if outcome == "undeliverable":
        return tuple(Finding("address-undeliverable", path, "there is no such address") for path in paths)
    if outcome == "ambiguous":
        message = "this does not tell which address is meant"
        return tuple(Finding("address-ambiguous", path, message) for path in paths)
    return ()


def _path(refers_to: str) -> str:
    """`Address.Line0` is `$.lines`; what refers to the whole, or to nothing known, is `$`."""
    word = refers_to.rpartition(".")[2].lower()
    return next((path for part, path in _PARTS.items() if word.startswith(part)), "$")


def _ambiguous(address: PostalAddress, message: str, at: Instant) -> AddressVerdict:
    finding = Finding("address-ambiguous", "$", message)
    return AddressVerdict(outcome="ambiguous", address=address, findings=(finding,), by=BY, at=at)


# ── what it found ───────────────────────────────────────────────────────────────────────────────────


def _lines(address: PostalAddress) -> tuple[str, str, str]:
    lines = (*(address.lines or ()), "", "")
    return lines[0], lines[1], ", ".join(line for line in lines[2:] if line)


def _written(address: PostalAddress, found: wire.AddressFound) -> PostalAddress:
    """The address as it was found; whose it is stays, and what was not said stays unsaid."""
    lines = tuple(line for line in (found.line1, found.line2, found.line3) if line)
    return replace(
        address,
        lines=_kept(address.lines, lines),
        postal_code=_kept(address.postal_code, found.postalCode),
        city=_kept(address.city, found.city),
        region=_kept(address.region, found.region),
        country=_kept(address.country, found.country),
    )


def _kept(said: V | UnsetType | None, found: V) -> V | UnsetType | None:
    return UNSET if said is UNSET else found or said


def _is_elsewhere(address: PostalAddress, written: PostalAddress) -> bool:
    """Whether this is another country, or another number in the street: that is nobody's spelling."""
    numbers = [_NUMBER.search(" ".join(each.lines or ())) for each in (address, written)]
    moved = numbers[0] and numbers[1] and numbers[0][0].lower() != numbers[1][0].lower()
    return bool(moved) or (written.country or "") != (address.country or "")


def _differences(address: PostalAddress, written: PostalAddress) -> tuple[Difference, ...]:
    """Every part that is another text, capitals, blanks and dots aside."""
    before, after = _texts(address), _texts(written)
    return tuple(
        Difference(part=part, said=before[part], written=after[part])
        for part in before
        if _plain(before[part]) != _plain(after[part])
    )


def _texts(address: PostalAddress) -> dict[str, str]:
    return {
        "lines": ", ".join(address.lines or ()),
        "postal_code": address.postal_code or "",
        "city": address.city or "",
        "region": address.region or "",
        "country": address.country or "",
    }


def _key(address: PostalAddress) -> tuple[str, ...]:
    return tuple(_plain(text) for text in _texts(address).values())


def _plain(text: str) -> str:
    return " ".join(_WORDS.findall(text.casefold()))
