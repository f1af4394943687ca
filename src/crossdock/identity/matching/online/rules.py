"""What is decided of one pair without weighing: the scalar sibling of `rules`."""

from collections.abc import Iterable

from crossdock.identity.matching.comparisons import DIFFERENT
from crossdock.identity.matching.online.side import Side
from crossdock.identity.matching.online.words import words
from crossdock.identity.matching.record import Features
from crossdock.identity.matching.rules import Rule


def rule_of(one: Side, other: Side) -> Rule:
    """The rule that speaks of the pair, the same of several that arrays find."""
    mine, theirs = one.record, other.record
    if mine.tax_ids and theirs.tax_ids and _tax_ids_differ(mine, theirs):
        return Rule.TAX_IDS_DIFFER
    if mine.registrations and theirs.registrations and _registers_differ(mine, theirs):
        return Rule.REGISTRATIONS_DIFFER
    if mine.customer_numbers and _share(mine.customer_numbers, theirs.customer_numbers):
        return Rule.CUSTOMER_NUMBER
    if mine.tax_ids and _share_tax_id(mine, theirs):
        return Rule.TAX_ID
    if mine.generation and theirs.generation and mine.generation != theirs.generation:
        return Rule.GENERATIONS_DIFFER
    if (
        mine.loyalty_ids
        and _share(mine.loyalty_ids, theirs.loyalty_ids)
        and words(mine.root, theirs.root) < DIFFERENT
    ):
        return Rule.LOYALTY_ID
    if mine.references and _share(mine.references, theirs.references):
        return Rule.REFERENCE
    return _by_name(one, other) if mine.verified_emails or mine.registrations else Rule.NONE


def _by_name(one: Side, other: Side) -> Rule:
    mine, theirs = one.record, other.record
    if _share(mine.verified_emails, theirs.verified_emails):
        same = mine.root and one.family and mine.root == theirs.root and one.family == other.family
        if same:
            return Rule.VERIFIED_EMAIL_AND_NAME
    same = mine.organisation and mine.organisation == theirs.organisation
    return Rule.REGISTRATION_AND_NAME if same and _share(mine.registrations, theirs.registrations) else Rule.NONE


def _share(one: Iterable[str], other: tuple[str, ...]) -> bool:
    return bool(other) and any(value and value in other for value in one)


def _share_tax_id(one: Features, other: Features) -> bool:
    """A number whose checksum holds, with its country."""
    return _share(_valid(one), _valid(other)) if one.tax_ids and other.tax_ids else False


def _valid(record: Features) -> tuple[str, ...]:
    return tuple(f"{one.country}{one.value}" for one in record.tax_ids if one.valid)


def _registers_differ(one: Features, other: Features) -> bool:
    return not (_share(one.registrations, other.registrations) or _share_tax_id(one, other))


def _tax_ids_differ(one: Features, other: Features) -> bool:
    return not _share_tax_id(one, other) and any(
        mine.valid
        and theirs.valid
        and mine.country == theirs.country != ""
        and len(mine.value) == len(theirs.value)
        for mine in one.tax_ids
        for theirs in other.tax_ids
    )
