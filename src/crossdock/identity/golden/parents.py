"""Whom a customer belongs to, by the number under which the system that is told knows them (CUS-21).

A parent is named by whatever number its owner has for it. A system can only refer to a record of its own, so the
parent's record there is looked up; while there is none, the reference waits, and nothing else does.
"""

from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.ledger import PartyLedger
from crossdock.identity.golden.spreading import CONTACT, HIERARCHY, RELATION, Question, Telling

PARENT = "hierarchy.parent"
_SYSTEM, _KIND, _VALUE = (f"{PARENT}.{part}" for part in ("system", "kind", "value"))


async def with_parent(telling: Telling, parties: PartyLedger) -> tuple[Telling | None, ExternalReference | None]:
    """The telling as its system can be told it, and the parent that is not there yet.

    It is None where nothing is left of it: somebody's contact cannot be made before those he stands for.
    """
    named = _named(telling)
    if named is None:
        return telling, None
    there = await _there(named, telling.system, parties)
    if there is not None:
        written: dict[str, FieldValue] = {_SYSTEM: there.system, _KIND: there.kind, _VALUE: there.value}
        return _replaced(telling, written=written), None
    left = {name: value for name, value in telling.fields.items() if not name.startswith(HIERARCHY)}
    is_contact = telling.record is None and telling.fields.get(RELATION) == CONTACT
    return (None if is_contact or not left else _replaced(telling, fields=left)), named


def missing_parent(telling: Telling, parent: ExternalReference) -> Question:
    """What is open while a parent is not there."""
    return Question(kind="parent_missing", unit=PARENT, system=telling.system, record=parent)


def _named(telling: Telling) -> ExternalReference | None:
    """The parent, where it is named by another system's number."""
    parts = [telling.fields.get(name) for name in (_SYSTEM, _KIND, _VALUE)]
    if parts[0] == telling.system or not all(isinstance(part, str) for part in parts):
        return None
    return ExternalReference(*map(str, parts))


async def _there(named: ExternalReference, system: str, parties: PartyLedger) -> ExternalReference | None:
    party_id = (await parties.find_parties([named])).get(named)
    file = await parties.read_party(party_id) if party_id else None
    record = file.record_of(system) if file else None
    return record.reference if record else None


def _replaced(
    telling: Telling,
    *,
    fields: dict[str, FieldValue] | None = None,
    written: dict[str, FieldValue] | None = None,
) -> Telling:
    return Telling(
        system=telling.system,
        record=telling.record,
        fields=telling.fields if fields is None else fields,
        version=telling.version,
        sequence=telling.sequence,
        written=written or {},
    )
