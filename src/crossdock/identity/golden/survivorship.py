"""The golden record, computed when it is read: which statement survives, and why (CUS-11, CUS-12, CUS-16, CUS-19).

    statements of live records ─ whose word counts ─ what is valid ─ the rule ─ winner, losers with reasons

What survives is a field, or a group of fields as a whole. Nothing is stored but the statements, so that another
ownership gives another record from the same past, and taking records apart again loses nothing.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.contributions import Held, HeldRecord
from crossdock.identity.golden.fields import Fields, FieldValue, group_of, pattern_of
from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.kit.clock import MICROSECONDS, Instant, seconds_to_us
from crossdock.kit.wording import said_at

DAY_US = 86_400 * MICROSECONDS

WhyNot = Literal[
    "empty", "incomplete", "initial_only", "less_trusted", "lower_precedence", "not_owner", "older", "pinned_over",
    "same_time", "unknown_to_all",
]  # fmt: skip
Review = Literal["", "cannot_know", "nothing_valid"]


class Opinion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one record says about one field or group, with its lineage; `why_not` where it does not survive."""

    record: ExternalReference
    values: Fields
    said_at: Instant
    counted_at: Instant
    arrived_at: Instant
    sequence: int
    saw: int = 0
    correlation_id: str = ""
    origin: str = ""
    why_not: WhyNot | Literal[""] = ""

    @property
    def is_empty(self) -> bool:
        """Whether all it says is that there is nothing."""
        return all(value is None for value in self.values.values())


class Pin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person's decision: these values hold, whatever is said, until it is taken back."""

    unit: str
    values: Fields
    by: str
    reason: str
    at: Instant


class GoldenValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What holds of one field or group, and why.

    `rule` is the rule that decided (`pin` for a person, `initial` while the owner has said nothing). `review` is
    filled where a person has to look: then `values` are those that seem to hold.
    """

    unit: str
    values: Fields
    rule: str
    winner: Opinion | None = None
    losers: tuple[Opinion, ...] = ()
    pin: Pin | None = None
    review: Review = ""

    def why(self) -> str:
        """Why this value, in a sentence for people; it names systems and times, never a value."""
        if self.pin is not None:
            return f"{self.pin.by} decided so on {said_at(self.pin.at)}: {self.pin.reason}"
        if self.winner is None:
            return "nobody whose word counts has said anything valid about it"
        record = self.winner.record
        said = f"{record.system} {record.kind} {record.value} said so on {said_at(self.winner.counted_at)}"
        others = ", ".join(f"{each.record.system}: {WHY_NOT_WORDS[each.why_not]}" for each in self.losers)
        return f"{said}, by rule {self.rule}" + (f"; others: {others}" if others else "")


WHY_NOT_WORDS: Mapping[str, str] = {
    "": "survives",
    "empty": "has no value",
    "incomplete": "is incomplete",
    "initial_only": "counts only until the owner speaks",
    "less_trusted": "is trusted less",
    "lower_precedence": "comes later in the list",
    "not_owner": "may not say this",
    "older": "is older",
    "pinned_over": "was overruled by a person",
    "same_time": "was said at about the same time",
    "unknown_to_all": "has no rule",
}
"""Why a word does not hold, for people; each follows the name of a system."""


def golden(
    records: Sequence[HeldRecord], ownership: Ownership, now: Instant, pins: Sequence[Pin] = ()
) -> dict[str, GoldenValue]:
    """What holds of a party, by field or group."""
    units: dict[str, list[Opinion]] = {}
    led: dict[str, Opinion] = {}
    for record in records:
        if record.state == "live":
            for unit, opinion in _opinions(record):
                units.setdefault(unit, []).append(opinion)
            for unit, written in _written_by(ownership.leaders, record):
                led[unit] = max(led.get(unit, written), written, key=lambda each: (each.sequence, _key(each)))
    pinned = {pin.unit: pin for pin in pins}
    return {
        unit: golden_value(unit, units.get(unit, ()), ownership, now, pinned.get(unit), led.get(unit))
        for unit in sorted({*units, *pinned})
    }


def _opinions(record: HeldRecord) -> Iterator[tuple[str, Opinion]]:
    groups: dict[str, list[Held]] = {}
    for name in sorted(record.fields):
        groups.setdefault(group_of(name), []).append(record.fields[name])
    for unit, fields in groups.items():
        said = [held for held in fields if held.has_said]
        if not said:
            continue
        latest = max(said, key=lambda held: (held.sequence, held.field))
        yield (
            unit,
            Opinion(
                record=record.reference,
                values=_as_a_whole(fields, latest.sequence),
                said_at=latest.said_at,
                counted_at=max(held.counted_at for held in said),
                arrived_at=latest.arrived_at,
                sequence=latest.sequence,
                saw=max(held.saw for held in said),
                correlation_id=latest.correlation_id,
                origin=latest.origin,
            ),
        )


def _as_a_whole(fields: Sequence[Held], latest: int) -> dict[str, FieldValue]:
    """What the record meant when it last spoke of the group: who changes the street leaves the city as it stands.

    As it stands there by what the record said of it, or by what a hub had written since and before.
    """
    values: dict[str, FieldValue] = {}
    for held in fields:
        if held.sequence < held.told <= latest:
            values[held.field] = held.shown
        elif held.has_said:
            values[held.field] = held.said
    return values


def _written_by(leaders: Collection[str], record: HeldRecord) -> Iterator[tuple[str, Opinion]]:
    """What hubs that lead wrote there last and stands there still, by field or group."""
    units = {group_of(name) for name, held in record.fields.items() if held.told_by in leaders}
    for unit in sorted(units):
        fields = [held for name, held in record.fields.items() if group_of(name) == unit]
        latest = max(
            (held for held in fields if held.told_by in leaders), key=lambda held: (held.told, held.field)
        )
        yield (
            unit,
            Opinion(
                record=record.reference,
                values={held.field: held.shown for held in fields},
                said_at=latest.told,
                counted_at=latest.told,
                arrived_at=latest.told,
                sequence=latest.told,
                origin=latest.told_by,
            ),
        )


def golden_value(
    unit: str,
    opinions: Sequence[Opinion],
    ownership: Ownership,
    now: Instant,
    pin: Pin | None = None,
    led: Opinion | None = None,
) -> GoldenValue:
    """What holds of one field or group. The order in which opinions are given makes no difference.

    Two hubs that heard of the same statements in another order may judge otherwise which is newer. So where a hub
    that leads has written something (`led`) since the statement that seems newest was made, its judgement holds.
    """
    if pin is not None:
        losers = tuple(_lost(each, "pinned_over") for each in _in_order(opinions))
        return GoldenValue(unit=unit, values=pin.values, rule="pin", losers=losers, pin=pin)
    rule = ownership.rule_of(unit)
    if rule is None:
        losers = tuple(_lost(each, "unknown_to_all") for each in _in_order(opinions))
        return GoldenValue(unit=unit, values={}, rule="none", losers=losers)
    heard = [each for each in opinions if each.record.system in rule.may_write]
    losers_ = [_lost(each, "not_owner") for each in opinions if each.record.system not in rule.may_write]
    name: str = rule.rule
    if rule.initial and not heard and opinions:
        heard, losers_, name = list(opinions), [], "initial"
    valid = [each for each in heard if is_valid(unit, each.values)]
    losers_ += [_lost(each, "incomplete") for each in heard if not is_valid(unit, each.values)]
    if not valid:
        review: Review = "nothing_valid" if heard else ""
        return GoldenValue(unit=unit, values={}, rule=name, losers=tuple(_in_order(losers_)), review=review)
    winner, rest, review = _choose(valid, rule, ownership, now, is_initial=name == "initial")
    if led is not None and rule.rule == "newest_valid" and led.sequence > winner.sequence:
        winner, rest, review = _led(led, valid)
    return GoldenValue(
        unit=unit,
        values=winner.values,
        rule=name,
        winner=winner,
        losers=tuple(_in_order([*losers_, *rest])),
        review=review,
    )


def _choose(
    valid: Sequence[Opinion], rule: Rule, ownership: Ownership, now: Instant, *, is_initial: bool
) -> tuple[Opinion, list[Opinion], Review]:
    if rule.rule in {"precedence", "most_trusted"}:
        return *_ranked(valid, rule, now), ""
    if rule.rule == "owner" and not is_initial:
        first, *rest = sorted(valid, key=_newest_first)
        return first, [_lost(each, "older") for each in rest], ""
    return _newest(valid, rule, seconds_to_us(ownership.clock_tolerance_seconds))


def _ranked(valid: Sequence[Opinion], rule: Rule, now: Instant) -> tuple[Opinion, list[Opinion]]:
    """By list or by trust; who has no value gives way to anybody who has one."""
    places = {system: place for place, system in enumerate(rule.may_write)}

    def rank(opinion: Opinion) -> tuple[bool, float, object]:
        weight = float(places[opinion.record.system])
        if rule.rule == "most_trusted":
            weight = -trust_now(rule, opinion, now)
        return opinion.is_empty, weight, _newest_first(opinion)

    first, *rest = sorted(valid, key=rank)
    why: WhyNot = "less_trusted" if rule.rule == "most_trusted" else "lower_precedence"
    lost = []
    for each in rest:
        same_system = each.record.system == first.record.system
        reason: WhyNot = "empty" if each.is_empty and not first.is_empty else "older" if same_system else why
        lost.append(_lost(each, reason))
    return first, lost


def trust_now(rule: Rule, opinion: Opinion, now: Instant) -> float:
    """A system's trust, halved for every half-life since it said so."""
    trust = float(rule.trust[opinion.record.system])
    if not rule.half_life_days:
        return trust
    half_lives = max(0, now - opinion.counted_at) / DAY_US / rule.half_life_days
    return trust * math.exp2(-half_lives)


def _newest(valid: Sequence[Opinion], rule: Rule, tolerance_us: int) -> tuple[Opinion, list[Opinion], Review]:
    """The newest. Who had been told what another said before he spoke is newer, whatever the clocks say.

    Of two that knew nothing of each other, the later by more than the clocks' tolerance is newer; within it nobody
    can know, and if they differ a person is asked.
    """
    places = {system: place for place, system in enumerate(rule.may_write)}

    def knew(later: Opinion, earlier: Opinion) -> bool:
        if later.record == earlier.record:
            return later.sequence > earlier.sequence
        return later.saw >= earlier.sequence and later.sequence > earlier.sequence

    open_ = [each for each in valid if not any(knew(other, each) for other in valid)] or list(valid)
    first = min(open_, key=lambda each: (-each.counted_at, places.get(each.record.system, 0), _key(each)))
    lost: list[Opinion] = []
    review: Review = ""
    for each in valid:
        if each is first:
            continue
        near = each in open_ and first.counted_at - each.counted_at <= tolerance_us
        if near and each.record.system != first.record.system and each.values != first.values:
            review = "cannot_know"
        lost.append(_lost(each, "same_time" if near else "older"))
    return first, lost, review


def _led(led: Opinion, valid: Sequence[Opinion]) -> tuple[Opinion, list[Opinion], Review]:
    """The statement that the leading hub holds for the newest; where we have not heard of it, what it wrote."""
    meant = next((each for each in valid if _told(each) == _told(led)), led)
    return meant, [_lost(each, "older") for each in valid if each is not meant], ""


def _told(opinion: Opinion) -> dict[str, FieldValue]:
    """What it says but for what is empty: parts that a group does not mention are empty, too."""
    return {name: value for name, value in opinion.values.items() if value is not None}


def is_valid(unit: str, values: Fields) -> bool:
    """Whether it can stand by itself: an address has lines, a city and a country, or is empty altogether."""
    if not pattern_of(unit).endswith("address"):
        return True
    needed = [values.get(f"{unit}.{part}") for part in ("lines", "city", "country")]
    return all(needed) or all(value is None for value in values.values())


def _newest_first(opinion: Opinion) -> tuple[int, int, tuple[str, str, str]]:
    return -opinion.counted_at, -opinion.sequence, _key(opinion)


def _key(opinion: Opinion) -> tuple[str, str, str]:
    return opinion.record.system, opinion.record.kind, opinion.record.value


def _in_order(opinions: Sequence[Opinion]) -> list[Opinion]:
    return sorted(opinions, key=_key)


def _lost(opinion: Opinion, why_not: WhyNot) -> Opinion:
    return msgspec.structs.replace(opinion, why_not=why_not)
