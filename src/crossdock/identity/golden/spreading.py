"""Who has to be told what: the difference between what holds and what each record shows, field by field (CUS-03).

A record is told a field only if its system reads it, shows something else, and the field is not held for a person.
Nothing is sent because something happened; only because two values differ.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.contributions import Held, HeldRecord
from crossdock.identity.golden.fields import Fields, FieldValue, group_of
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.survivorship import GoldenValue, Opinion

HIERARCHY, RELATION, CONTACT = "hierarchy.", "hierarchy.relation", "contact"
NAMES_ONE = "account.number"
"""A customer's number leads to one record: of several in a system, only one is told it."""

QuestionKind = Literal[
    "cannot_know", "merge", "not_kept", "nothing_valid", "parent_missing", "proposed", "refused"
]


class Telling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a system is to be told: of one record, or of a customer it does not have yet.

    `sequence` is the party's when somebody looked. `written`: how some of the fields are put there (`parents`).
    `instead`: the records there that are gone, in whose place a new one is made.
    """

    system: str
    record: ExternalReference | None = None
    fields: Fields
    version: str = ""
    sequence: int = 0
    written: Fields = {}
    instead: tuple[ExternalReference, ...] = ()


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A disagreement that is never dropped silently.

    `proposed`: somebody whose word does not count proposes this to the owner. `refused`: the same, where the
    deployment refuses it; nobody has to answer, but it can be seen. `not_kept`: the record makes something else of
    it whenever it is told, and is not told any more. `parent_missing`: `record` is a parent that is not in
    `system` yet, which is told of it when it is. The others wait for a person.
    """

    kind: QuestionKind
    unit: str
    system: str = ""
    record: ExternalReference | None = None
    to: str = ""
    sequence: int = 0


def golden_fields(values: Mapping[str, GoldenValue]) -> dict[str, FieldValue]:
    """What holds, field by field. Fields whose group does not mention them are absent."""
    return {name: value for each in values.values() for name, value in each.values.items()}


def tellings(
    records: Sequence[HeldRecord],
    values: Mapping[str, GoldenValue],
    ownership: Ownership,
    *,
    in_doubt: bool = False,
    to_the_letter: bool = False,
) -> list[Telling]:
    """What each live record has to be told, and which systems need one; nothing where all agree.

    Who is known only as one of the people of a business is no customer: systems for contacts get a record of them.
    A system to which a record is about to come back needs none.
    While it is `in_doubt` whether the party is one with another, nobody gets a record of it: it might be a second.
    What a record does not keep however often it is told is left, unless asked for `to_the_letter`.
    """
    live = [record for record in records if record.state == "live"]
    bearers = _bearers(live, values)
    told = [
        Telling(system=record.reference.system, record=record.reference, fields=fields, version=record.version)
        for record in live
        if (
            fields := _difference(
                record, _told_to(record, values, bearers), ownership, to_the_letter=to_the_letter
            )
        )
    ]
    there = {record.reference.system for record in records if record.state in {"live", "parting"}}
    creates = ownership.creates_contacts if live and all(map(_is_contact, live)) else ownership.creates
    for system in () if in_doubt else creates:
        empty = HeldRecord(reference=ExternalReference(system, "new", "new"))
        if live and system not in there and (fields := _difference(empty, values, ownership)):
            gone = (record.reference for record in records if record.reference.system == system)
            told.append(Telling(system=system, fields=fields, instead=tuple(sorted(gone, key=_number))))
    return told


def _number(record: ExternalReference) -> tuple[str, str]:
    return record.kind, record.value


def _bearers(live: Sequence[HeldRecord], values: Mapping[str, GoldenValue]) -> set[ExternalReference]:
    """In each system, the record that the number leads to: the one that shows it, else the first."""
    wanted = values[NAMES_ONE].values.get(NAMES_ONE) if NAMES_ONE in values else None
    found: dict[str, ExternalReference] = {}
    for record in live:
        held = record.fields.get(NAMES_ONE)
        if record.reference.system not in found or (held is not None and held.shown == wanted):
            found[record.reference.system] = record.reference
    return set(found.values())


def _told_to(
    record: HeldRecord, values: Mapping[str, GoldenValue], bearers: set[ExternalReference]
) -> Mapping[str, GoldenValue]:
    """What holds, but the number for a record that it does not lead to."""
    if record.reference in bearers:
        return values
    return {unit: value for unit, value in values.items() if unit != NAMES_ONE}


def _difference(
    record: HeldRecord, values: Mapping[str, GoldenValue], ownership: Ownership, *, to_the_letter: bool = False
) -> dict[str, FieldValue]:
    by_unit: dict[str, list[str]] = {}
    for name in record.fields:
        by_unit.setdefault(group_of(name), []).append(name)
    changes: dict[str, FieldValue] = {}
    # To whom a contact belongs is the word of that record alone: one person may stand for two businesses.
    relation = values.get(RELATION)
    of_contact = relation is not None and relation.values.get(RELATION) == CONTACT
    for unit, value in values.items():
        rule = ownership.rule_of(unit)
        held_back = value.review == "cannot_know" and ownership.cannot_know == "hold"
        if rule is None or record.reference.system not in rule.readers or held_back or not value.values:
            continue
        if unit.startswith(HIERARCHY) and (_is_contact(record) or (record.fields and of_contact)):
            continue
        names = sorted({*value.values, *by_unit.get(unit, ())})
        held = {name: record.fields.get(name) or Held(field=name) for name in names}
        wanted = {name: value.values.get(name) for name in names}
        # A part that is kept in another form goes along with the others of its group: they may be one there.
        differs = {name: value for name, value in wanted.items() if value != held[name].shown}
        agrees = Held.is_another_form if to_the_letter else Held.agrees
        if not all(agrees(held[name], value) for name, value in differs.items()):
            changes |= differs
    return changes


def _is_contact(record: HeldRecord) -> bool:
    held = record.fields.get(RELATION)
    return held is not None and held.shown == CONTACT


def insistences(
    records: Sequence[HeldRecord], values: Mapping[str, GoldenValue], ownership: Ownership
) -> list[Question]:
    """Every record that shows something else again and again, by field or group."""
    found: dict[tuple[str, ExternalReference], int] = {}
    for record in records if values else ():
        for name, held in record.fields.items():
            unit = group_of(name)
            rule = ownership.rule_of(unit)
            holds = values.get(unit)
            is_told = rule is not None and record.reference.system in rule.readers and record.state == "live"
            if is_told and holds is not None and holds.values and held.insists(holds.values.get(name)):
                key = (unit, record.reference)
                found[key] = max(held.told, found.get(key, 0))
    return [
        Question(kind="not_kept", unit=unit, system=record.system, record=record, sequence=sequence)
        for (unit, record), sequence in found.items()
    ]


def questions(values: Mapping[str, GoldenValue], ownership: Ownership) -> list[Question]:
    """Every disagreement that is open now: what nobody can know, what is not valid, what is not theirs to say."""
    found = []
    for unit, value in values.items():
        rule = ownership.rule_of(unit)
        if value.review:
            found.append(Question(kind=value.review, unit=unit, sequence=_latest(value)))
        if rule is None:
            continue
        found += [
            Question(
                kind="proposed" if rule.others == "propose" else "refused",
                unit=unit,
                system=loser.record.system,
                record=loser.record,
                to=rule.may_write[0],
                sequence=loser.sequence,
            )
            for loser in value.losers
            if loser.why_not == "not_owner" and _differs(loser, value)
        ]
    return found


def _differs(loser: Opinion, value: GoldenValue) -> bool:
    return any(value.values.get(name) != said for name, said in loser.values.items())


def _latest(value: GoldenValue) -> int:
    opinions = [*value.losers, *([value.winner] if value.winner else [])]
    return max((each.sequence for each in opinions), default=0)
