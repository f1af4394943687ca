"""Whom a customer belongs to, by the number under which the system that is told knows them (CUS-21).

A parent, or a further party that a person stands for, is named by whatever number its owner has for it. A system
can only refer to a record of its own, so the record there is looked up; while there is none, the reference waits,
and nothing else does.
"""

from msgspec.structs import replace

from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.fields import FieldValue, group_of
from crossdock.identity.golden.ledger import PartyLedger
from crossdock.identity.golden.spreading import CONTACT, HIERARCHY, RELATION, Question, Telling

PARENT, RELATIONS = "hierarchy.parent", "relations."
_PARTS = ("system", "kind", "value")


async def with_parents(
    telling: Telling, parties: PartyLedger
) -> tuple[Telling | None, dict[str, ExternalReference]]:
    """The telling as its system can be told it, and by unit the parties it names that are not there yet.

    It is None where nothing is left of it: somebody's contact cannot be made before those he stands for.
    """
    fields, written = dict(telling.fields), dict[str, FieldValue]()
    missing: dict[str, ExternalReference] = {}
    for unit, named in _named(telling).items():
        place = PARENT if unit == PARENT else f"{unit}.party"
        there = await _there(named, telling.system, parties)
        if there is not None:
            written |= dict(
                zip((f"{place}.{part}" for part in _PARTS), (there.system, there.kind, there.value), strict=True)
            )
            continue
        missing[unit] = named
        beginning = HIERARCHY if unit == PARENT else f"{unit}."
        fields = {name: value for name, value in fields.items() if not name.startswith(beginning)}
    is_contact = telling.record is None and telling.fields.get(RELATION) == CONTACT
    if not fields or (is_contact and PARENT in missing):
        return None, missing
    return replace(telling, fields=fields, written=written), missing


def missing_parent(telling: Telling, unit: str, party: ExternalReference) -> Question:
    """What is open while a parent, or another party that somebody stands for, is not there."""
    return Question(kind="parent_missing", unit=unit, system=telling.system, record=party)


def _named(telling: Telling) -> dict[str, ExternalReference]:
    """By unit the parties that are named by another system's number."""
    units = {
        PARENT if name.startswith(f"{PARENT}.") else group_of(name)
        for name in telling.fields
        if name.startswith((f"{PARENT}.", RELATIONS))
    }
    named = {}
    for unit in sorted(units):
        place = PARENT if unit == PARENT else f"{unit}.party"
        parts = [telling.fields.get(f"{place}.{part}") for part in _PARTS]
        if parts[0] != telling.system and all(isinstance(part, str) for part in parts):
            named[unit] = ExternalReference(*map(str, parts))
    return named


async def _there(named: ExternalReference, system: str, parties: PartyLedger) -> ExternalReference | None:
    party_id = (await parties.find_parties([named])).get(named)
    file = await parties.read_party(party_id) if party_id else None
    record = file.record_of(system) if file else None
    return record.reference if record else None
