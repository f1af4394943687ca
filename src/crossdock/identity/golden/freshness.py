"""How old what the hub says of a customer may be: per critical field, since its owner was last heard (OBS-05).

A feed tells everything in order. So what an owner said is confirmed by whatever its feed brought last: had the
field changed before that, the hub would know. `fresh_within_seconds` of a rule is what the business asks for.

Requirements: CUS-07, CUS-30, CUS-35, OBS-05.
"""

from collections.abc import Mapping, Sequence

import msgspec

from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.identity.golden.survivorship import GoldenValue
from crossdock.kit.clock import MICROSECONDS, Instant, seconds_to_us


class FieldFreshness(msgspec.Struct, frozen=True, kw_only=True):
    """How fresh one field or group is. `age_seconds` is None where its owner was never heard."""

    unit: str
    system: str
    age_seconds: float | None
    within_seconds: float
    fresh: bool


class FeedFreshness(msgspec.Struct, frozen=True, kw_only=True):
    """How long an owner has not been heard of, and within which time it should be: per rule that asks for it."""

    rule: str
    system: str
    age_seconds: float | None
    within_seconds: float
    fresh: bool


def freshness_of(
    values: Mapping[str, GoldenValue], ownership: Ownership, heard: Mapping[str, Instant], now: Instant
) -> list[FieldFreshness]:
    """Every field of a party that has to be fresh. `heard`: by system, when its feed brought anything last."""
    found = []
    for unit, value in values.items():
        rule = ownership.rule_of(unit)
        if rule is None or not rule.fresh_within_seconds:
            continue
        winner = value.winner
        system = winner.record.system if winner else _speaker(rule)
        confirmed = max(heard.get(system, 0), winner.arrived_at if winner else 0)
        age = _age(confirmed, now)
        found.append(
            FieldFreshness(
                unit=unit,
                system=system,
                age_seconds=age,
                within_seconds=rule.fresh_within_seconds,
                fresh=_is_fresh(confirmed, rule, now),
            )
        )
    return found


def feeds_of(ownership: Ownership, heard: Mapping[str, Instant], now: Instant) -> list[FeedFreshness]:
    """Every rule that asks for freshness, with each system whose word counts by it."""
    return [
        FeedFreshness(
            rule=name,
            system=system,
            age_seconds=_age(heard.get(system, 0), now),
            within_seconds=rule.fresh_within_seconds,
            fresh=_is_fresh(heard.get(system, 0), rule, now),
        )
        for name, rule in ownership.rules().items()
        if rule.fresh_within_seconds
        for system in rule.may_write
    ]


def stale(fields: Sequence[FieldFreshness]) -> list[str]:
    """The fields that are not as fresh as they should be."""
    return [each.unit for each in fields if not each.fresh]


def _speaker(rule: Rule) -> str:
    return rule.may_write[0] if rule.may_write else ""


def _age(at: Instant, now: Instant) -> float | None:
    return max(0, now - at) / MICROSECONDS if at else None


def _is_fresh(at: Instant, rule: Rule, now: Instant) -> bool:
    return bool(at) and now - at <= seconds_to_us(rule.fresh_within_seconds)
