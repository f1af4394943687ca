"""What another ownership, or another grouping, would change: values, writes, questions (CUS-11, CUS-18).

    what records said ─┬ golden as it is ───────────────── who would be told what, what would be asked
                       └ by another ownership, or with other records together ─ the difference is counted

The golden record is computed, never stored, so the past can be read under any rules, and for any company of
records. Nothing here writes: it takes what is known of parties and returns counts, with samples that name fields
and rules, and values only if asked for.

Requirements: CUS-11, CUS-13, CUS-18, CUS-34.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from crossdock.identity.golden.contributions import plain
from crossdock.identity.golden.fields import Fields, FieldValue, field_of, group_of, pattern_of
from crossdock.identity.golden.joining import Repair
from crossdock.identity.golden.ledger import PartyFile, record_key
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.spreading import Question, QuestionKind, golden_fields, questions, tellings
from crossdock.identity.golden.survivorship import GoldenValue, golden
from crossdock.kit.clock import Instant

SAMPLES_PER_FIELD_MAX = 3
"""So many parties are named for each field that changes, and for each system that would be written to."""
PINS_SHOWN_MAX = 50

Values = Mapping[str, GoldenValue]
Place = tuple[str, str]
"""A system and a record in it, by `record_key`; where there is none yet, NEW and whom it would be of."""
NEW = "+"


class Way(NamedTuple):
    """An ownership as it would be carried out.

    `told`: the systems that can be told. `own_way`: the system into which a party goes by a process of its own
    instead of being told to it, "" for none.
    """

    ownership: Ownership
    told: Collection[str]
    own_way: Callable[[PartyFile, Values], str]


class Seen(NamedTuple):
    """A party under one way: what holds, what each place would be told, what is asked."""

    values: Values
    owed: Mapping[Place, Fields]
    asked: frozenset[tuple[QuestionKind, str, str]]


class FieldCount(msgspec.Struct, frozen=True, kw_only=True):
    """How often a field would hold something else: another value, one where there was none, none any more."""

    field: str
    domain: str
    other: int = 0
    begins: int = 0
    ends: int = 0

    @property
    def changed(self) -> int:
        """In how many parties (keyed fields: entries of them) it would be another."""
        return self.other + self.begins + self.ends


class SystemCount(msgspec.Struct, frozen=True, kw_only=True):
    """What would follow in a system: records written to, of which `creates` would be new; `fields` by field.

    `stops`: records that are to be told something now and would not be any more. `owed`: those that are to be told
    the same with or without the change. `repairs`: pairs of its records that a merge would link, block or merge.
    """

    system: str
    writes: int = 0
    creates: int = 0
    fields: Mapping[str, int] = {}
    stops: int = 0
    owed: int = 0
    repairs: int = 0


class QuestionCount(msgspec.Struct, frozen=True, kw_only=True):
    """Questions that people would be asked, and those that nobody would ask any more, by kind."""

    kind: QuestionKind
    opened: int = 0
    closed: int = 0


class Regrouped(msgspec.Struct, frozen=True, kw_only=True):
    """What another way to decide would do to customers, were all of them matched by it, and what would follow.

    `joined` would become part of another customer. From `parted` records would leave, with which `begun` would
    begin. `held` would wait for a steward and do not now, `freed` would not and do. `beyond`: so many more would
    change, and are followed no further.
    """

    joined: int
    parted: int
    begun: int
    held: int
    freed: int
    beyond: int
    consequences: "Consequences"


class SampleField(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A field of a sample: by which rule and whose word it holds, before and after; values only if asked for."""

    field: str
    rule_before: str = ""
    rule_after: str = ""
    system_before: str = ""
    system_after: str = ""
    before: FieldValue | UnsetType = UNSET
    after: FieldValue | UnsetType = UNSET


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A party that would be other than it is, and the systems that would be written to."""

    party_id: str
    fields: tuple[SampleField, ...]
    systems: tuple[str, ...]


class PinFate(msgspec.Struct, frozen=True, kw_only=True):
    """A person's decision that the rules used to agree with and would not any more; it holds all the same."""

    party_id: str
    unit: str
    by: str


class PinCount(msgspec.Struct, frozen=True, kw_only=True):
    """People's decisions on values: all, and those that the rules alone would answer otherwise."""

    decided: int = 0
    contradicted_before: int = 0
    contradicted: int = 0
    newly: int = 0
    shown: tuple[PinFate, ...] = ()


class Consequences(msgspec.Struct, frozen=True, kw_only=True):
    """What would follow of a change. `unreadable`: parties with a field that this release does not know."""

    parties: int
    changed: int
    unreadable: int
    fields: tuple[FieldCount, ...]
    systems: tuple[SystemCount, ...]
    questions: tuple[QuestionCount, ...]
    pins: PinCount
    samples: tuple[Sample, ...]

    @property
    def values_changed(self) -> int:
        """How many golden values would be other than they are."""
        return sum(each.changed for each in self.fields)

    @property
    def writes(self) -> int:
        """How many records would be written to."""
        return sum(each.writes for each in self.systems)


def seen(file: PartyFile, way: Way, now: Instant, *, in_doubt: bool) -> Seen:
    """A party under one way. Raises Invalid for a field that nobody knows."""
    values = golden(file.records, way.ownership, now, file.pins)
    own_way = "" if in_doubt else way.own_way(file, values)
    anew = NEW + file.party_id
    owed = {
        (each.system, record_key(each.record) if each.record else anew): each.fields
        for each in tellings(file.records, values, way.ownership, in_doubt=in_doubt)
        if each.system in way.told and not (each.record is None and each.system == own_way)
    }
    if own_way:
        owed[own_way, anew] = {}
    return Seen(values, owed, frozenset(map(_question, questions(values, way.ownership))))


def _question(question: Question) -> tuple[QuestionKind, str, str]:
    return question.kind, question.unit, record_key(question.record) if question.record else ""


class Tally:
    """Counts the differences, party by party; what it holds does not grow with their number."""

    def __init__(self, *, show_values: bool = False) -> None:
        self._show_values = show_values
        self._parties = self._changed = self._unreadable = 0
        self._fields: dict[str, Counter[str]] = {}
        self._systems: dict[str, Counter[str]] = {}
        self._written: dict[str, Counter[str]] = {}
        self._questions: dict[QuestionKind, Counter[str]] = {}
        self._pins: Counter[str] = Counter()
        self._pins_shown: list[PinFate] = []
        self._sampled: Counter[str] = Counter()
        self._samples: list[Sample] = []

    def skip(self) -> None:
        """A party that cannot be read under any rules."""
        self._unreadable += 1

    def pass_by(self, parties: int) -> None:
        """So many parties that stay as they are."""
        self._parties += parties

    def add(self, party_id: str, was: Seen, now: Seen) -> None:
        """A party before and after."""
        self.regroup({party_id: was}, {party_id: now}, [(party_id, party_id)])

    def regroup(
        self,
        was: Mapping[str, Seen],
        now: Mapping[str, Seen],
        heirs: Sequence[tuple[str, str]],
        repairs: Sequence[Repair] = (),
    ) -> None:
        """Parties before and after their records change hands; `heirs`: of whom before, and whose after.

        A party that becomes part of another has that for its heir, and one that records leave has several.
        """
        self._parties += len(was)
        written = self._count_writes(_owed(was), _owed(now))
        for repair in repairs:
            self._systems.setdefault(repair.system, Counter())["repairs"] += 1
        asked, asking = (Counter(each for one in side.values() for each in one.asked) for side in (was, now))
        for what, more in (("opened", asking - asked), ("closed", asked - asking)):
            for (kind, _, _), times in more.items():
                self._questions.setdefault(kind, Counter())[what] += times
        changed = set()
        for one, other in heirs:
            names = self._count_fields(was[one], now[other])
            changed |= {one} if names else set()
            self._take_sample(one, was[one], now[other], names, written)
        self._changed += len(changed)

    def _count_fields(self, was: Seen, now: Seen) -> list[str]:
        before, after = (_plain(one.values) for one in (was, now))
        # A value that is empty and none at all look alike to whoever reads them.
        names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        for name in names:
            has_before, has_after = before.get(name) is not None, after.get(name) is not None
            what = "other" if has_before and has_after else "begins" if has_after else "ends"
            self._fields.setdefault(pattern_of(name), Counter())[what] += 1
        return names

    def _count_writes(self, was: Mapping[Place, Fields], now: Mapping[Place, Fields]) -> set[str]:
        written = set()
        for place in was.keys() | now.keys():
            system = place[0]
            counts = self._systems.setdefault(system, Counter())
            told, owed = now.get(place), was.get(place)
            if told is None:
                counts["stops"] += 1
            elif told == owed:
                counts["owed"] += 1
            else:
                fields = [name for name in told if owed is None or name not in owed or told[name] != owed[name]]
                if owed is not None and not fields:
                    counts["owed"] += 1  # it is told less than it would have been
                    continue
                written.add(system)
                counts["writes"] += 1
                counts["creates"] += place[1].startswith(NEW)
                self._written.setdefault(system, Counter()).update(map(pattern_of, fields))
        return written

    def _take_sample(
        self, party_id: str, was: Seen, now: Seen, names: Sequence[str], written: Collection[str]
    ) -> None:
        marks = {*map(pattern_of, names), *(f"system {system}" for system in written)}
        if all(self._sampled[mark] >= SAMPLES_PER_FIELD_MAX for mark in marks):
            return
        self._sampled.update(marks)
        before, after = golden_fields(was.values), golden_fields(now.values)
        fields = [self._sample_field(name, was, now, before, after) for name in names]
        self._samples.append(Sample(party_id=party_id, fields=tuple(fields), systems=tuple(sorted(written))))

    def _sample_field(self, name: str, was: Seen, now: Seen, before: Fields, after: Fields) -> SampleField:
        one, other = (each.values.get(group_of(name)) for each in (was, now))
        return SampleField(
            field=name,
            rule_before=one.rule if one else "",
            rule_after=other.rule if other else "",
            system_before=_speaker(one),
            system_after=_speaker(other),
            before=before.get(name) if self._show_values else UNSET,
            after=after.get(name) if self._show_values else UNSET,
        )

    def judge_pins(self, before: PartyFile, after: PartyFile, ways: tuple[Way, Way], now: Instant) -> None:
        """What the rules alone would say where a person has decided: of a party as it is, and as it would be."""
        if not before.pins:
            return
        sides = zip((before, after), ways, strict=True)
        was, is_ = (_plain(golden(file.records, way.ownership, now)) for file, way in sides)
        for pin in before.pins:
            wanted = {name: plain(value) for name, value in pin.values.items()}
            against_before = any(was.get(name) != value for name, value in wanted.items())
            against = any(is_.get(name) != value for name, value in wanted.items())
            self._pins["decided"] += 1
            self._pins["contradicted_before"] += against_before
            self._pins["contradicted"] += against
            if against and not against_before:
                self._pins["newly"] += 1
                if len(self._pins_shown) < PINS_SHOWN_MAX:
                    self._pins_shown.append(PinFate(party_id=before.party_id, unit=pin.unit, by=pin.by))

    def told(self) -> Consequences:
        """All counts, the most frequent first."""
        fields = [
            FieldCount(field=name, domain=field_of(name).domain.value, **counts)
            for name, counts in self._fields.items()
        ]
        systems = [
            SystemCount(system=name, fields=dict(self._written.get(name, Counter()).most_common()), **counts)
            for name, counts in self._systems.items()
        ]
        return Consequences(
            parties=self._parties,
            changed=self._changed,
            unreadable=self._unreadable,
            fields=tuple(sorted(fields, key=lambda each: (-each.changed, each.field))),
            systems=tuple(sorted(systems, key=lambda each: (-each.writes, each.system))),
            questions=tuple(
                QuestionCount(kind=kind, **counts) for kind, counts in sorted(self._questions.items())
            ),
            pins=PinCount(shown=tuple(self._pins_shown), **self._pins),
            samples=tuple(self._samples),
        )


def _owed(parties: Mapping[str, Seen]) -> dict[Place, Fields]:
    return {place: fields for one in parties.values() for place, fields in one.owed.items()}


def _plain(values: Values) -> dict[str, FieldValue]:
    return {name: plain(value) for name, value in golden_fields(values).items()}


def _speaker(value: GoldenValue | None) -> str:
    return value.winner.record.system if value and value.winner else ""
