"""Whether every system shows the consent that holds: since when, or how long it is owed (CUS-31).

    what holds (survivorship) ─ who has to be told (spreading) ─ since when each record differs (contributions)

Computed when somebody asks, from nothing but what is stored: the same `tellings` that a write follows from say
who still shows something else, so what is reported here and what is done cannot disagree. Times are the hub's own:
when it heard of a change, when it wrote, when a record said otherwise. No value is told but a consent's status.

Requirements: CUS-31.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.contributions import Held, HeldRecord
from crossdock.identity.golden.fields import FieldValue, group_of
from crossdock.identity.golden.ledger import PartyEvent, PartyFile, record_key
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.spreading import Telling, tellings
from crossdock.identity.golden.survivorship import GoldenValue, golden
from crossdock.kit.clock import Instant

CONSENTS = "consents."
REARRANGED = frozenset({"deleted", "live", "merged", "parted", "restored"})
DECIDED = frozenset({"decided", "decision ended"})

PlaceState = Literal["held_back", "no_record", "nothing_holds", "owed", "shows"]


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One system that has to be told a consent, or one of its records.

    `shows`: what holds, `since` then. `owed`: something else, in `fields`, since what holds is other than what it
    shows. `held_back`: the same, or no record yet, while a person has to say what or who it is. `no_record`: the
    customer is not known there. `nothing_holds`: nobody whose word counts has said anything. `status` is what is
    shown.
    """

    system: str
    state: PlaceState
    record: ExternalReference | None = None
    status: FieldValue = None
    since: Instant = 0
    fields: tuple[str, ...] = ()

    def waited_us(self, now: Instant) -> int:
        """For how long it has been owed or held back; 0 in every other state."""
        return max(0, now - self.since) if self.state in {"held_back", "owed"} and self.since else 0

    def is_late(self, now: Instant, within_us: int) -> bool:
        """Whether a record shows something else for longer than that; without a record nobody acts on it."""
        return self.record is not None and self.waited_us(now) > within_us


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """One consent of a party: what holds and why, and how far it has got. `since`: the hub has known of it."""

    unit: str
    status: FieldValue
    value: GoldenValue
    since: Instant
    places: tuple[Place, ...]


def consents_of(
    file: PartyFile,
    ownership: Ownership,
    now: Instant,
    *,
    in_doubt: bool = False,
    history: Sequence[PartyEvent] = (),
) -> list[Consent]:
    """Every consent of a party, by name, with all places it has to reach.

    What is owed since a merge, its end, a deletion, the end of a decision or a new link cannot be seen in
    statements: `history` tells of those. Without it such a thing counts as owed since what holds was said.
    """
    records = [_consents_only(record) for record in file.records]
    values = golden(records, ownership, now, [pin for pin in file.pins if pin.unit.startswith(CONSENTS)])
    live = [record for record in records if record.state == "live"]
    shown = {group_of(name) for record in live for name in record.fields}
    due = _by_place(tellings(records, values, ownership, in_doubt=in_doubt))
    everything = replace(ownership, cannot_know="newest")
    differing = _by_place(tellings(records, values, everything, to_the_letter=True))
    found = []
    for unit in sorted({*values, *shown}):
        value = values.get(unit) or GoldenValue(unit=unit, values={}, rule="none")
        look = _Look(unit, value, live, due, differing, history)
        rule = ownership.rule_of(unit)
        places = tuple(place for system in (rule.readers if rule else ()) for place in look.places(system))
        status = value.values.get(f"{unit}.status")
        found.append(Consent(unit=unit, status=status, value=value, since=look.holds_since(), places=places))
    return found


_ByPlace = Mapping[tuple[str, str], Telling]


def _by_place(told: Sequence[Telling]) -> dict[tuple[str, str], Telling]:
    return {(each.system, record_key(each.record) if each.record else ""): each for each in told}


def _consents_only(record: HeldRecord) -> HeldRecord:
    return replace(
        record, fields={name: held for name, held in record.fields.items() if name.startswith(CONSENTS)}
    )


class _Look:
    """One consent, looked at from each place."""

    def __init__(
        self,
        unit: str,
        value: GoldenValue,
        live: Sequence[HeldRecord],
        due: _ByPlace,
        differing: _ByPlace,
        history: Sequence[PartyEvent],
    ) -> None:
        self._unit, self._value, self._live = unit, value, live
        self._due, self._differing, self._history = due, differing, history

    def holds_since(self) -> Instant:
        """When the hub came to know of the latest part of what holds; 0 where nothing does."""
        return max((self._changed_at(name) for name in self._value.values), default=0)

    def places(self, system: str) -> list[Place]:
        """How far it has got in a system: by record, where there is any."""
        records = [record for record in self._live if record.reference.system == system]
        return [self._place(record) for record in records] or [self._without_record(system)]

    def _place(self, record: HeldRecord) -> Place:
        system, key = record.reference.system, record_key(record.reference)
        held = record.fields.get(f"{self._unit}.status")
        place = Place(system=system, state="shows", record=record.reference, status=held.shown if held else None)
        if not self._value.values:
            return replace(place, state="nothing_holds")
        differs = self._of(self._differing.get((system, key)))
        if not differs:
            shown = [record.fields[name] for name in self._value.values if name in record.fields]
            return replace(place, since=max(map(_shown_since, shown), default=0))
        owed = self._of(self._due.get((system, key)))
        since = min(self._differs_since(name, record.fields.get(name)) for name in differs)
        since = max(since, self._rearranged_at(key))
        return replace(place, state="owed" if owed else "held_back", since=since, fields=differs)

    def _without_record(self, system: str) -> Place:
        differs = self._of(self._differing.get((system, "")))
        if not differs:
            return Place(system=system, state="no_record")
        owed = self._of(self._due.get((system, "")))
        since = max(min(map(self._changed_at, differs)), self._rearranged_at(""))
        return Place(system=system, state="owed" if owed else "held_back", since=since, fields=differs)

    def _of(self, telling: Telling | None) -> tuple[str, ...]:
        names = telling.fields if telling else ()
        return tuple(sorted(name for name in names if group_of(name) == self._unit))

    def _differs_since(self, name: str, held: Held | None) -> Instant:
        """Since what holds changed, or since the record began to show something else: whichever came last."""
        shown = _shown_since(held) if held else 0
        return max(self._changed_at(name), shown)

    def _changed_at(self, name: str) -> Instant:
        """When the hub heard of this part: what is said later of another part does not make it look new."""
        if self._value.pin is not None:
            return self._value.pin.at
        winner = self._value.winner
        if winner is None:
            return 0
        fields = next((each.fields for each in self._live if each.reference == winner.record), {})
        held = fields.get(name)
        if held is not None and held.has_said and held.said == self._value.values.get(name):
            return held.arrived_at
        return winner.arrived_at

    def _rearranged_at(self, key: str) -> Instant:
        """When what may hold of this last changed without a statement, or the record joined; 0 if never."""
        return max((event.at for event in self._history if self._rearranges(event, key)), default=0)

    def _rearranges(self, event: PartyEvent, key: str) -> bool:
        if event.what in DECIDED:
            return self._unit in event.fields
        return event.what in REARRANGED or (event.what == "linked" and event.record == key)


def _shown_since(held: Held) -> Instant:
    """Since when a record shows this: since it said so, or a hub wrote it there (whose sequence is a time)."""
    own = held.has_said and held.said == held.shown and held.sequence > held.told
    return held.arrived_at if own else held.told
