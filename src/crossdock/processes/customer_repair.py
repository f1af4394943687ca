"""What a merge of two customers, or its end, asks of one record in one system.

    join   both records become one there, as the deployment says: linked, blocked, merged
    part   that is taken back where the system can, with what belonged to the record then; where it was merged for
           good, or cannot come back any more, a new record may take its place
    clear  values that the record was told of the other customer are cleared, where nobody else says them

A refusal does not undo the merge: it is kept with it, and told. Runs about one customer in one system go one after
another, and beside no other write of the hub there (`customer_telling` has the same subject).

Requirements: CUS-17, CUS-18.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from crossdock.canonical.party import ExternalReference, under_name
from crossdock.contracts.customers import customer_subject
from crossdock.durable.process import Process, Stake
from crossdock.durable.run import Run, Startable
from crossdock.identity.golden.contributions import HeldRecord, Statement, plain_fields
from crossdock.identity.golden.fields import Fields, fields_of, party_of
from crossdock.identity.golden.joining import Line, Merge, MergeLedger, NoteRepair, Repair, leftovers
from crossdock.identity.golden.ledger import ChangeTaken, NoteTold, PartyLedger, TakeChange, record_key
from crossdock.identity.golden.ownership import Merging, Ownership
from crossdock.identity.golden.spreading import NAMES_ONE
from crossdock.identity.golden.survivorship import golden
from crossdock.identity.golden.work import RepairAsked, TouchedParty
from crossdock.kit.clock import Clock
from crossdock.kit.errors import (
    Conflict,
    CrossdockError,
    NotAuthorized,
    OutcomeUnknown,
    Rejected,
    Transient,
    Unsupported,
)
from crossdock.kit.failpoints import failpoint
from crossdock.ports.customer_sink import Belongings, CustomerMerge, CustomerRecord, CustomerSink, CustomerWrite

SETTLE_SECONDS = 60.0
STAYS = "stays with the survivor"


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known before the system is asked.

    `repair` as it stands now; `fields` to clear or to create with; what the record `shows` in their place.
    """

    repair: Repair | None = None
    stands: bool = False
    absorbed: str = ""
    fields: Fields = {}
    shows: Fields = {}
    version: str = ""


@dataclass(frozen=True)
class Collaborators:
    """The ledgers, who may say what, where it is written and with which mark, and who looks anew afterwards.

    `settle_seconds`: by system, after so long a write whose answer was lost has landed or never will.
    """

    parties: PartyLedger
    merges: MergeLedger
    ownership: Ownership
    sinks: Mapping[str, CustomerSink]
    clock: Clock
    mark: str
    settle_seconds: Mapping[str, float]
    update: Startable[TouchedParty]


def customer_repair(using: Collaborators) -> Process[RepairAsked]:
    """Put one record right."""

    async def body(run: Run, asked: RepairAsked) -> str:
        found = await run.step("look", lambda _key: _look(asked, using), returns=Found)
        if asked.does == "clear":
            return await _clear(run, asked, found, using)
        if found.repair is None or asked.system not in using.sinks:
            return "nothing to do"
        if asked.does == "join":
            return await _join(run, asked, found, using)
        return await _part(run, asked, found, using)

    return Process(
        name="customer_repair",
        version=1,
        input=RepairAsked,
        body=body,
        subject=lambda asked: f"{customer_subject(asked.party_id)}/{asked.system}",
        stake=lambda _asked: Stake(domain="service", severity=2),
        owner="data-stewards",
        desk="data-stewards",
        forgettable=True,
    )


# ── one out of two ──────────────────────────────────────────────────────────────────────────────────


async def _join(run: Run, asked: RepairAsked, found: Found, using: Collaborators) -> str:
    repair = found.repair
    if repair is None:
        return "nothing to do"
    if not found.stands:
        never = replace(repair, state="refused", code="merge-taken-back")
        await run.record("note_never", NoteRepair(merge_id=asked.merge_id, repair=never), returns=bool)
        return "the merge was taken back meanwhile"
    try:
        if repair.how == "merge":
            repair = await _merge_for_good(run, repair, using)
        else:
            await _link_or_block(run, repair, using)
        failpoint("repair.joined")
        noted = replace(repair, state="done")
    except Rejected as refusal:
        await run.compensate()
        noted = replace(repair, state="refused", code=refusal.code)
    await run.record("note_repair", NoteRepair(merge_id=asked.merge_id, repair=noted), returns=bool)
    return noted.state


async def _link_or_block(run: Run, repair: Repair, using: Collaborators) -> None:
    await run.step(
        "join_customers",
        lambda key: _joined(repair, key, run.correlation_id, using),
        returns=CustomerRecord,
        recall=lambda _key: _find_joined(repair, using),
        undo=lambda key: _parted(repair, key, run.correlation_id, using),
        settle_seconds=using.settle_seconds.get(repair.system, SETTLE_SECONDS),
    )


async def _merge_for_good(run: Run, repair: Repair, using: Collaborators) -> Repair:
    """What belongs to the record is noted first: afterwards nobody could tell it from what the survivor had."""
    noted = await run.step(
        "list_belongings",
        lambda _key: using.sinks[repair.system].list_belongings(repair.absorbed),
        returns=Belongings,
    )
    await run.step(
        "merge_customers",
        lambda key: _joined(repair, key, run.correlation_id, using),
        returns=CustomerRecord,
        recall=lambda _key: _find_joined(repair, using),
        pivot=True,
        settle_seconds=using.settle_seconds.get(repair.system, SETTLE_SECONDS),
    )
    named = tuple(replace(each, system=repair.system) for each in noted.records)
    return replace(repair, belongings=named, beyond=not noted.complete)


async def _joined(repair: Repair, key: str, correlation_id: str, using: Collaborators) -> CustomerRecord:
    """Raises Rejected also for what the system cannot do, or cannot any more since somebody there did otherwise.

    Then the merge stands without it, and says so.
    """
    try:
        return await using.sinks[repair.system].join_customers(_asked(repair, key, correlation_id, using))
    except (Conflict, Unsupported) as fault:
        raise Rejected(fault.message, code=fault.code, system=repair.system) from fault


async def _find_joined(repair: Repair, using: Collaborators) -> CustomerRecord | None:
    """The survivor, where the other one is gone. A link shows nowhere, and may be made twice."""
    survivor, absorbed = await using.sinks[repair.system].read_customers([repair.survivor, repair.absorbed])
    return survivor if absorbed is None and repair.how != "link" else None


# ── two again ───────────────────────────────────────────────────────────────────────────────────────


async def _part(run: Run, asked: RepairAsked, found: Found, using: Collaborators) -> str:
    repair = found.repair
    if repair is None or repair.state != "done":
        return "nothing was joined there"
    left: tuple[Line, ...] = ()
    try:
        if repair.how == "merge":
            await _bring_back(run, repair, using)
        else:
            await _set_free(run, repair, using)
        failpoint("repair.parted")
    except Rejected as refusal:
        await run.compensate()
        if repair.how == "merge":
            return await _create_anew(run, asked, replace(repair, code=refusal.code), found, using)
        noted = replace(repair, state="final", code=refusal.code)
    else:
        noted, left = await _give_back(run, replace(repair, state="undone"), using)
    await run.record("note_repair", NoteRepair(merge_id=asked.merge_id, repair=noted, left=left), returns=bool)
    run.start(using.update, run.run_id, TouchedParty(party_id=found.absorbed))
    return noted.state


async def _set_free(run: Run, repair: Repair, using: Collaborators) -> None:
    await run.step(
        "part_customers",
        lambda key: _parted(repair, key, run.correlation_id, using),
        returns=CustomerRecord,
        recall=lambda _key: _nothing(),
        undo=lambda key: _joined(repair, key, run.correlation_id, using),
        settle_seconds=using.settle_seconds.get(repair.system, SETTLE_SECONDS),
    )


async def _bring_back(run: Run, repair: Repair, using: Collaborators) -> None:
    await run.step(
        "bring_back",
        lambda key: _parted(repair, key, run.correlation_id, using),
        returns=CustomerRecord,
        recall=lambda _key: _nothing(),
        pivot=True,
        settle_seconds=using.settle_seconds.get(repair.system, SETTLE_SECONDS),
    )


async def _give_back(run: Run, repair: Repair, using: Collaborators) -> tuple[Repair, tuple[Line, ...]]:
    """What belonged to the record goes back to it, each by itself; what stays is told with its reason."""
    if not repair.belongings:
        return repair, ()
    fates = await run.step(
        "return_belongings",
        lambda key: _returned(repair, key, run.correlation_id, using),
        returns=list[str],
        recall=lambda _key: _nothing(),
        settle_seconds=using.settle_seconds.get(repair.system, SETTLE_SECONDS),
    )
    left = [
        Line(what="belonging", system=repair.system, record=record_key(each), why=f"{STAYS}: {code}")
        for each, code in zip(repair.belongings, fates, strict=True)
        if code
    ]
    if repair.beyond:
        words = f"more belonged to it than was noted when it was merged; the rest {STAYS}"
        left.append(Line(what="belonging", system=repair.system, record=record_key(repair.absorbed), why=words))
    return replace(repair, returned=fates.count("")), tuple(left)


async def _returned(repair: Repair, key: str, correlation_id: str, using: Collaborators) -> list[str]:
    """The code why each did not go back, empty where it did. A passing fault of one is one of all."""
    outcomes = await using.sinks[repair.system].return_belongings(
        _asked(repair, key, correlation_id, using), repair.belongings
    )
    for each in outcomes:
        if isinstance(each, Transient | OutcomeUnknown | NotAuthorized):
            raise each
    return [each.code if each is not None else "" for each in outcomes]


async def _parted(repair: Repair, key: str, correlation_id: str, using: Collaborators) -> CustomerRecord:
    """Raises Rejected also where somebody did something else with the record since: that stays, and is told."""
    try:
        return await using.sinks[repair.system].part_customers(_asked(repair, key, correlation_id, using))
    except (Conflict, Unsupported) as fault:
        raise Rejected(fault.message, code=fault.code, system=repair.system) from fault


async def _nothing() -> None:
    """Parting twice changes nothing, so nobody need look whether it was done."""
    return


async def _create_anew(run: Run, asked: RepairAsked, repair: Repair, found: Found, using: Collaborators) -> str:
    """What a system merged stays merged; where it is so declared, a new record says what the lost one said."""
    noted = replace(repair, state="final")
    if found.fields:
        made = await run.step(
            "create_anew",
            lambda key: _created(asked.system, found.fields, key, run.correlation_id, using),
            returns=CustomerRecord,
            recall=lambda key: using.sinks[asked.system].find_customer(key=key),
            settle_seconds=using.settle_seconds.get(asked.system, SETTLE_SECONDS),
        )
        record = replace(made.record, system=asked.system)
        now = using.clock.now()
        # What the system itself put there, such as its number, its stream tells with our mark: it is its word.
        shows = plain_fields(fields_of(under_name(made.says, made.record.system, asked.system)))
        # What looks as it does where nobody said anything, such as an unticked box, is nobody's word.
        no_word = frozenset(made.unset)
        assigned = {name: value for name, value in shows.items() if value is not None and name not in no_word}
        said = Statement(
            fields=assigned | dict(found.fields),
            said_at=now,
            counted_at=now,
            arrived_at=now,
            correlation_id=run.correlation_id,
            origin=using.mark,
        )
        await run.record(
            "take_anew",
            TakeChange(record=record, party_id=found.absorbed, statement=said, version=made.version),
            returns=ChangeTaken,
        )
        noted = replace(noted, state="recreated", anew=record)
    await run.record("note_repair", NoteRepair(merge_id=asked.merge_id, repair=noted), returns=bool)
    run.start(using.update, run.run_id, TouchedParty(party_id=found.absorbed))
    return noted.state


async def _created(
    system: str, fields: Fields, key: str, correlation_id: str, using: Collaborators
) -> CustomerRecord:
    write = CustomerWrite(key=key, says=party_of(fields), origin=using.mark, correlation_id=correlation_id)
    (outcome,) = await using.sinks[system].write_customers([write])
    if isinstance(outcome, CrossdockError):
        raise outcome
    return outcome


# ── the other one's values ──────────────────────────────────────────────────────────────────────────


async def _clear(run: Run, asked: RepairAsked, found: Found, using: Collaborators) -> str:
    record = asked.record
    if record is None or not found.fields or asked.system not in using.sinks:
        return "nothing to clear"
    cleared = await run.step(
        "clear_fields",
        lambda key: _cleared(record, found, key, run.correlation_id, using),
        returns=bool,
        recall=lambda _key: _find_cleared(record, found.fields, using),
        settle_seconds=using.settle_seconds.get(asked.system, SETTLE_SECONDS),
    )
    if cleared:
        await run.record(
            "note_told",
            NoteTold(
                record=record, party_id=asked.party_id, fields=found.fields, correlation_id=run.correlation_id
            ),
            returns=ChangeTaken,
        )
        return "cleared"
    why = "shows what it was told of the other customer: somebody changed the record, or it is gone"
    left = tuple(
        Line(what="shown", system=asked.system, record=record_key(record), field=name, why=why)
        for name in sorted(found.fields)
    )
    await run.record("note_left", NoteRepair(merge_id=asked.merge_id, left=left), returns=bool)
    return "left as it is"


async def _cleared(
    record: ExternalReference, found: Found, key: str, correlation_id: str, using: Collaborators
) -> bool:
    """False where it does not show any more what the hub told it: whose word that is, people have to see."""
    write = CustomerWrite(
        key=key,
        record=record,
        says=party_of(found.fields),
        version=found.version,
        origin=using.mark,
        correlation_id=correlation_id,
    )
    (outcome,) = await using.sinks[record.system].write_customers([write])
    if isinstance(outcome, Conflict):
        (there,) = await using.sinks[record.system].read_customers([record])
        shown = plain_fields(fields_of(there.says)) if there else {}
        if there is None or any(shown.get(name) != value for name, value in found.shows.items()):
            return False
        (outcome,) = await using.sinks[record.system].write_customers([replace(write, version=there.version)])
    if isinstance(outcome, Conflict | Rejected):
        return False
    if isinstance(outcome, CrossdockError):
        raise outcome
    return True


async def _find_cleared(record: ExternalReference, fields: Fields, using: Collaborators) -> bool | None:
    (there,) = await using.sinks[record.system].read_customers([record])
    shown = plain_fields(fields_of(there.says)) if there else {}
    return True if all(shown.get(name) is None for name in fields) else None


# ── looking ─────────────────────────────────────────────────────────────────────────────────────────


async def _look(asked: RepairAsked, using: Collaborators) -> Found:
    merge = await using.merges.read_merge(asked.merge_id)
    if merge is None:
        return Found()
    if asked.does == "clear":
        return await _look_at_shown(asked, merge, using)
    repair = merge.repair_of(asked.repair.absorbed) if asked.repair else None
    fields: Fields = {}
    if repair is not None and asked.does == "part":
        fields = await _lost_fields(merge, repair, using)
    return Found(repair=repair, stands=merge.stands, absorbed=merge.absorbed, fields=fields)


async def _look_at_shown(asked: RepairAsked, merge: Merge, using: Collaborators) -> Found:
    party = await using.parties.read_party(asked.party_id)
    record = next((each for each in party.records if each.reference == asked.record), None) if party else None
    if party is None or record is None:
        return Found()
    values = golden(party.records, using.ownership, using.clock.now(), party.pins)
    fields = leftovers(record.fields, merge.sequence, values.values())
    shows = {name: record.fields[name].shown for name in fields}
    return Found(fields=fields, shows=shows, version=record.version)


async def _lost_fields(merge: Merge, repair: Repair, using: Collaborators) -> Fields:
    """What a record said that was merged for good, where it is to be made anew and nothing has taken its place."""
    party = await using.parties.read_party(merge.absorbed)
    wanted = using.ownership.merging.get(repair.system, Merging()).on_unmerge == "recreate"
    if party is None or not wanted or repair.how != "merge" or party.record_of(repair.system) is not None:
        return {}
    lost = next((each for each in party.records if each.reference == repair.absorbed), None)
    return _said(lost) if lost else {}


def _said(record: HeldRecord) -> Fields:
    """All but its number: that leads to the record which was merged, as long as there is one."""
    return {
        name: held.said
        for name, held in record.fields.items()
        if held.has_said and held.said is not None and name != NAMES_ONE
    }


def _asked(repair: Repair, key: str, correlation_id: str, using: Collaborators) -> CustomerMerge:
    assert repair.how != "leave", "what is left as it is makes no repair"
    return CustomerMerge(
        key=key,
        survivor=repair.survivor,
        absorbed=repair.absorbed,
        how=repair.how,
        origin=using.mark,
        correlation_id=correlation_id,
    )
