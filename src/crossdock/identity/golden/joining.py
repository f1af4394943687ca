"""Putting two parties together and taking them apart again, with nothing lost (CUS-17, CUS-18).

    join   the records of one party belong to the other; its id is retired and says where it went
    part   each record goes back to whom it came from, with all it has said meanwhile

A party's golden record is computed from its records' own statements, so moving the records is all it takes: there
is nothing to copy, and nothing to split. What a merge did in other systems is kept with it, place by place
(`Repair`), and an unmerge takes that back as far as the system allows and says what it does not.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from crossdock.canonical.party import ExternalReference
from crossdock.durable.records import Effect
from crossdock.identity.golden.contributions import Held
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.ledger import PartyFile, record_key
from crossdock.identity.golden.ownership import Merging, OnMerge
from crossdock.identity.golden.survivorship import GoldenValue, Pin
from crossdock.kit.clock import Instant

PAIRS_MAX = 1_000
"""So many pairs of records are said to be different people at most, when two parties are taken apart."""

RepairState = Literal["pending", "done", "refused", "undone", "final", "recreated"]
JoinFate = Literal["joined", "already", "unknown", "moved_on"]
PartFate = Literal["parted", "already", "unknown"]


class Repair(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a merge does about two records of one system, and how that went.

    `done`: linked, blocked or merged there. `refused`: the system would not, for the reason of `code`. After an
    unmerge `undone`: taken back; `final`: merged there for good; `recreated`: the same, and `anew` took its place.
    `belongings`: what belonged to the absorbed record when it was merged, as far as it can come back, and `beyond`
    says that there was more; `returned`: so many of them did.
    """

    system: str
    survivor: ExternalReference
    absorbed: ExternalReference
    how: OnMerge
    state: RepairState = "pending"
    code: str = ""
    anew: ExternalReference | None = None
    belongings: tuple[ExternalReference, ...] = ()
    beyond: bool = False
    returned: int = 0


class Merge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A merge as it is kept. `moved` and `stayed`: the records of both parties then, by `record_key`.

    `sequence`: every statement behind it was made after the merge. `pins`: the units for which decisions came to
    hold for the survivor with it. `parted_at` is 0 while it stands. `left`: what could not be cleared afterwards.
    """

    merge_id: str
    survivor: str
    absorbed: str
    at: Instant
    by: str
    reason: str
    sequence: int
    moved: tuple[str, ...] = ()
    stayed: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()
    parted_at: Instant = 0
    parted_by: str = ""
    parted_reason: str = ""
    left: tuple["Line", ...] = ()

    @property
    def stands(self) -> bool:
        """Whether nobody has taken it back."""
        return self.parted_at == 0

    def repair_of(self, absorbed: ExternalReference) -> Repair | None:
        """What is done about that record, as it stands."""
        return next((each for each in self.repairs if each.absorbed == absorbed), None)


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a report on an unmerge: what about which record or field, and why. It never holds a value."""

    what: Literal["belonging", "field", "pin", "record", "shown"]
    why: str
    system: str = ""
    record: str = ""
    field: str = ""


class Unmerged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an unmerge came to: what is as before, what stays as it became since, what cannot be brought back."""

    restored: tuple[Line, ...] = ()
    kept: tuple[Line, ...] = ()
    not_restorable: tuple[Line, ...] = ()
    under_way: tuple[Line, ...] = ()


# ── effects ─────────────────────────────────────────────────────────────────────────────────────────


class JoinParties(Effect, frozen=True, kw_only=True):
    """Put all records of `absorbed` under `survivor`, and retire it; answered with Joined.

    Ids that are retired stand for the party they went to. `pins` are the values that a person chose to survive.
    """

    merge_id: str
    survivor: str
    absorbed: str
    by: str
    reason: str
    merging: Mapping[str, Merging] = {}
    pins: tuple[Pin, ...] = ()
    correlation_id: str = ""


class Joined(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`already`: they are one party. `moved_on`: the absorbed one is part of a third. Only `joined` is a merge."""

    fate: JoinFate
    survivor: str = ""
    absorbed: str = ""
    sequence: int = 0
    moved: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()


class PartParties(Effect, frozen=True, kw_only=True):
    """Take a merge back: each record that came by it returns to its party; answered with Parted."""

    merge_id: str
    by: str
    reason: str
    correlation_id: str = ""


class Parted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`holder`: the party out of which the records were taken, the survivor or whom that went to since."""

    fate: PartFate
    holder: str = ""
    absorbed: str = ""
    sequence: int = 0
    moved: tuple[str, ...] = ()
    stayed: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()


class NoteRepair(Effect, frozen=True, kw_only=True):
    """Note how a repair went, or that fields of a record could not be cleared; answered with bool."""

    merge_id: str
    repair: Repair | None = None
    left: tuple[Line, ...] = ()


class MergeLedger(Protocol):
    """Looks merges up. Every method raises StoreUnavailable where the database does not answer."""

    async def read_merge(self, merge_id: str) -> Merge | None:
        """A merge, or None."""
        ...

    async def list_merges(self, party_id: str) -> Sequence[Merge]:
        """The merges in which a party was survivor or absorbed, newest first."""
        ...


# ── rules ───────────────────────────────────────────────────────────────────────────────────────────


def repairs_of(survivor: PartyFile, absorbed: PartyFile, merging: Mapping[str, Merging]) -> tuple[Repair, ...]:
    """What has to be done where: for each system in which both have a record, what the deployment says."""
    repairs = []
    for record in absorbed.records:
        system = record.reference.system
        target, how = survivor.record_of(system), merging.get(system, Merging()).on_merge
        if record.state == "live" and target is not None and how != "leave":
            repairs.append(Repair(system=system, survivor=target.reference, absorbed=record.reference, how=how))
    return tuple(repairs)


def as_one(survivor: PartyFile, absorbed: PartyFile) -> PartyFile:
    """What a merge makes of two: all records, and the survivor's decisions before the absorbed one's."""
    own = {pin.unit for pin in survivor.pins}
    return msgspec.structs.replace(
        survivor,
        sequence=max(survivor.sequence, absorbed.sequence),
        records=(*survivor.records, *absorbed.records),
        pins=(*survivor.pins, *(pin for pin in absorbed.pins if pin.unit not in own)),
    )


def apart(file: PartyFile, leaving: Sequence[Collection[str]]) -> list[PartyFile]:
    """A party that companies of records have left, and behind it a party of each company, without decisions."""
    by_key = {record_key(record.reference): record for record in file.records}
    left = {key for company in leaving for key in company}
    stays = tuple(record for key, record in by_key.items() if key not in left)
    begun = [
        msgspec.structs.replace(
            file,
            party_id=f"{file.party_id}+{number}",
            records=tuple(by_key[key] for key in company if key in by_key),
            pins=(),
            told={},
        )
        for number, company in enumerate(leaving, start=1)
    ]
    return [msgspec.structs.replace(file, records=stays), *begun]


def leftovers(fields: Mapping[str, Held], since: int, values: Iterable[GoldenValue]) -> dict[str, FieldValue]:
    """What a record shows only because the hub told it of somebody else since then: to be cleared there.

    What its party knows of, it is told in the ordinary way; this is what nobody says of it any more.
    """
    known = {name for value in values for name in value.values}
    return {
        name: None
        for name, held in fields.items()
        if held.told > since and held.shown is not None and name not in known
    }


def pairs_apart(moved: Sequence[str], stayed: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of records that are said to be different customers."""
    pairs = [(one, other) for one in moved for other in stayed if one != other]
    return pairs[:PAIRS_MAX]


def report(merge: Merge, holder: PartyFile, absorbed: PartyFile) -> Unmerged:
    """What taking a merge back came to, as things stand now."""
    restored, kept, lost, open_ = [], [], list(merge.left), []
    here = {record_key(record.reference): record for record in absorbed.records}
    there = {record_key(record.reference): record for record in holder.records}
    for key in merge.moved:
        if key in here:
            restored.append(_record(key, "belongs to its own customer again, with all that it said"))
        else:
            lost.append(_record(key, "was taken to a third customer since"))
    known = {*merge.moved, *merge.stayed}
    anew = {record_key(each.anew) for each in merge.repairs if each.anew}
    kept += [_record(key, "came after the merge, and stays") for key in sorted(there.keys() - known)]
    for key in sorted((here.keys() | there.keys()) & known):
        kept += _said_since(key, (here.get(key) or there[key]).fields, merge)
    kept += [
        Line(what="pin", field=pin.unit, why="was decided after the merge, and stays")
        for pin in holder.pins
        if merge.at < pin.at < merge.parted_at and pin.unit not in merge.pins
    ]
    for each in merge.repairs:
        line = _line(each)
        if each.state in {"pending", "done"}:
            open_.append(line)
        elif each.state == "undone":
            restored.append(line)
            restored += _returned(each)
        elif each.state in {"final", "recreated"}:
            lost.append(line)
    restored += [_record(key, "was created in place of the one that was merged") for key in sorted(anew)]
    return Unmerged(restored=tuple(restored), kept=tuple(kept), not_restorable=tuple(lost), under_way=tuple(open_))


_WORDS: Mapping[RepairState, str] = {
    "pending": "is still being put right",
    "done": "is still being set free",
    "refused": "was never joined there",
    "undone": "is free of the other one again",
    "final": "could not be taken back there: what belonged to it stays with the survivor",
    "recreated": "was merged there for good: what belonged to it stays with the survivor, and a new record begins",
}


def _line(repair: Repair) -> Line:
    words = _WORDS[repair.state]
    return Line(
        what="record",
        why=f"{words} ({repair.code})" if repair.code else words,
        system=repair.system,
        record=record_key(repair.absorbed),
    )


def _returned(repair: Repair) -> list[Line]:
    if not repair.returned:
        return []
    words = f"{repair.returned} of {len(repair.belongings)} records that belonged to it do so again"
    return [Line(what="belonging", why=words, system=repair.system, record=record_key(repair.absorbed))]


def _record(key: str, why: str) -> Line:
    return Line(what="record", record=key, system=key.partition("/")[0], why=why)


def _said_since(key: str, fields: Mapping[str, Held], merge: Merge) -> list[Line]:
    return [
        Line(
            what="field",
            record=key,
            system=key.partition("/")[0],
            field=name,
            why="was changed after the merge, and stays with the record that said it",
        )
        for name, held in sorted(fields.items())
        if held.has_said and held.sequence > merge.sequence
    ]
