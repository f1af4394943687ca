"""Telling one record what it does not show yet, as things stand by then: only those fields, by its version.

A write goes on only while the record is as the hub knows it. Where somebody was faster, what they said is waited
for; where only the version moved, what holds is looked up anew (customer_update). What a system put into a record
that was made there (its number, its terms) is its own word, though the stream tells it with the hub's mark.

Requirements: CUS-03, CUS-04 to CUS-08, CUS-17, CUS-25.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from crossdock.canonical.party import ExternalReference, under_name
from crossdock.contracts.customers import customer_subject
from crossdock.durable.process import Process, Stake
from crossdock.durable.run import Run, Startable
from crossdock.identity.golden.contributions import Statement, plain_fields
from crossdock.identity.golden.fields import Fields, FieldValue, fields_of, party_of
from crossdock.identity.golden.forms import other_forms
from crossdock.identity.golden.ledger import ChangeTaken, NoteTold, PartyLedger, TakeChange, record_key
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.parents import with_parents
from crossdock.identity.golden.spreading import Telling, tellings
from crossdock.identity.golden.survivorship import golden
from crossdock.identity.golden.work import OwedTelling, TouchedParty
from crossdock.identity.recognition.index import Doubts
from crossdock.kit.clock import Clock, Instant, seconds_to_us, to_datetime
from crossdock.kit.errors import Conflict, CrossdockError, Rejected
from crossdock.kit.failpoints import failpoint
from crossdock.kit.ids import write_key
from crossdock.ports.customer_sink import CustomerRecord, CustomerSink, CustomerWrite

SETTLE_SECONDS = 60.0
PAUSE_SECONDS = 60.0


class Written(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a write ended: with the record as it is now, or `moved`: somebody was faster. `gone`: it is no more.

    `assigned` is what the system put into a new record beyond what it was told, and `at` when that was seen.
    `kept` is what it says it made of what it was told.
    """

    record: ExternalReference | None = None
    version: str = ""
    assigned: Fields = {}
    kept: Fields = {}
    at: Instant = 0
    moved: bool = False
    gone: bool = False


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record after a write met another version of it. `same`: all that the hub knows of it is as it was."""

    record: ExternalReference | None = None
    version: str = ""
    same: bool = True
    shows: Fields = {}
    at: Instant = 0


@dataclass(frozen=True)
class Collaborators:
    """The ledger, who is in doubt, who may say what, where it is written and with which mark, who looks anew then.

    `settle_seconds`: by system, after so long a write whose answer was lost has landed or never will.
    """

    parties: PartyLedger
    doubts: Doubts
    ownership: Ownership
    sinks: Mapping[str, CustomerSink]
    clock: Clock
    mark: str
    settle_seconds: Mapping[str, float]
    update: Callable[[], Startable[TouchedParty]]


def customer_telling(using: Collaborators) -> Process[OwedTelling]:
    """Write to one record what it does not show yet, as things stand by then."""

    async def body(run: Run, owed: OwedTelling) -> str:
        due = await run.step("look", lambda _key: _due(owed, using), returns=list[Telling])
        if not due:
            return "nothing to tell"
        telling = due[0]
        written = await run.step(
            "write_customer",
            lambda key: _write(telling, key, run.correlation_id, using),
            returns=Written,
            recall=lambda key: find_written(telling, key, using),
            settle_seconds=using.settle_seconds.get(owed.system, SETTLE_SECONDS),
            key="" if telling.record else _key_of(owed, telling),
        )
        failpoint("telling.written")
        if written.gone:
            return "the record is gone"
        if written.moved or written.record is None:
            return await _read_again(run, owed, telling, using)
        if written.assigned:
            await _take_assigned(run, owed, written, using)
        noted = await run.record(
            "note_told",
            NoteTold(
                record=written.record,
                party_id=owed.party_id,
                fields=telling.fields,
                version=written.version,
                correlation_id=run.correlation_id,
                kept=written.kept,
                since=telling.sequence,
                mark=using.mark,
            ),
            returns=ChangeTaken,
        )
        record = written.record
        if telling.record is None:
            # Whoever waited for it to be there can be told of it now.
            run.start(using.update(), f"{noted.party_id}@{noted.sequence}", TouchedParty(party_id=noted.party_id))
        elif await run.step("look_again", lambda _key: _differs(noted.party_id, record, using), returns=bool):
            run.start(using.update(), f"{noted.party_id}@{noted.sequence}", TouchedParty(party_id=noted.party_id))
        return "told"

    return Process(
        name="customer_telling",
        version=1,
        input=OwedTelling,
        body=body,
        subject=lambda owed: f"{customer_subject(owed.party_id)}/{owed.system}",
        stake=lambda _owed: Stake(domain="service", severity=2),
        desk="data-stewards",
        forgettable=True,
    )


def _key_of(owed: OwedTelling, telling: Telling) -> str:
    """Under which key the customer's record there is made, by whichever run.

    In the place of a record that is gone comes another one: by the key of the first it would be taken for that.
    """
    gone = (record_key(record) for record in telling.instead)
    return write_key(customer_subject(owed.party_id), "\x00".join([owed.system, *gone]))


async def _due(owed: OwedTelling, using: Collaborators) -> list[Telling]:
    found = await using.parties.read_party(owed.party_id)
    if found is None:
        return []
    values = golden(found.records, using.ownership, using.clock.now(), found.pins)
    in_doubt = await using.doubts.is_in_doubt(owed.party_id)
    due = tellings(found.records, values, using.ownership, in_doubt=in_doubt)
    mine = [each for each in due if each.system == owed.system and each.record == owed.record]
    told = [(await with_parents(each, using.parties))[0] for each in mine]
    return [replace(each, sequence=found.sequence) for each in told if each is not None]


async def _differs(party_id: str, record: ExternalReference, using: Collaborators) -> bool:
    """Whether the record has to be told again: something else may hold since the write was put down.

    Whoever looked meanwhile saw what the record showed before it, and so may have seen nothing to tell.
    """
    found = await using.parties.read_party(party_id)
    if found is None:
        return False
    values = golden(found.records, using.ownership, using.clock.now(), found.pins)
    due = [each for each in tellings(found.records, values, using.ownership) if each.record == record]
    return any([(await with_parents(each, using.parties))[0] is not None for each in due])


async def _write(telling: Telling, key: str, correlation_id: str, using: Collaborators) -> Written:
    """One write, also where the system could take many: the lane in between gathers. Raises what the dock did."""
    asked = CustomerWrite(
        key=key,
        record=telling.record,
        says=party_of({**telling.fields, **telling.written}),
        version=telling.version,
        origin=using.mark,
        correlation_id=correlation_id,
    )
    (outcome,) = await using.sinks[telling.system].write_customers([asked])
    if isinstance(outcome, Conflict):
        return Written(moved=True)
    if isinstance(outcome, Rejected) and telling.record is not None:
        (found,) = await using.sinks[telling.system].read_customers([telling.record])
        if found is None:
            return Written(gone=True)
    if isinstance(outcome, CrossdockError):
        raise outcome
    return _written(outcome, telling, using.clock.now())


async def find_written(telling: Telling, key: str, using: Collaborators) -> Written | None:
    """What a write came to whose answer nobody heard, or None: the record does not show it, so it did not land."""
    if telling.record is None:
        found = await using.sinks[telling.system].find_customer(key=key)
        return _written(found, telling, using.clock.now()) if found else None
    (found,) = await using.sinks[telling.system].read_customers([telling.record])
    if found is None:
        return Written(gone=True)
    shown = _shown(found, telling)
    expected = {**telling.fields, **other_forms(telling.fields, shown), **telling.written}
    landed = all(shown.get(name) == value for name, value in expected.items())
    return _written(found, telling, using.clock.now()) if landed else None


def _written(outcome: CustomerRecord, telling: Telling, at: Instant) -> Written:
    shows = _shown(outcome, telling)
    no_word = {*telling.fields, *outcome.unset}
    assigned = {name: value for name, value in shows.items() if value is not None and name not in no_word}
    kept = {name: value for name, value in plain_fields(fields_of(outcome.kept)).items() if name in telling.fields}
    return Written(
        record=_named(outcome, telling),
        version=outcome.version,
        assigned={} if telling.record else assigned,
        kept={**other_forms(telling.fields, shows), **kept, **telling.written},
        at=at,
    )


async def _take_assigned(run: Run, owed: OwedTelling, written: Written, using: Collaborators) -> None:
    """Before the record is noted as told: its stream waits for that, and would tell all of it as our echo."""
    assert written.record is not None
    taken = await run.record(
        "take_assigned",
        TakeChange(
            record=written.record,
            party_id=owed.party_id,
            statement=_read_there(written.assigned, written.at, run.correlation_id),
            version=written.version,
        ),
        returns=ChangeTaken,
    )
    run.start(using.update(), f"{taken.party_id}@{taken.sequence}", TouchedParty(party_id=taken.party_id))


async def _read_again(run: Run, owed: OwedTelling, telling: Telling, using: Collaborators) -> str:
    """Somebody was faster. What they said comes by the stream, with the mark of who said it: that is waited for.

    Where it does not come, what the record shows counts as said by its system. Where nothing that the hub knows of
    has changed, only the version is noted. Then it is told again.
    """
    key = _key_of(owed, telling)
    found = await run.step("read_customer", lambda _key: _found(telling, owed, key, using), returns=Found)
    if not found.same:
        await run.sleep_until("let_it_come", to_datetime(using.clock.now() + seconds_to_us(PAUSE_SECONDS)))
        found = await run.step("read_again", lambda _key: _found(telling, owed, key, using), returns=Found)
    if found.record is None:
        return "the record is gone"
    if not found.same:
        taken = await run.record(
            "take_change",
            TakeChange(
                record=found.record,
                party_id=owed.party_id,
                statement=_read_there(found.shows, found.at, run.correlation_id),
                version=found.version,
            ),
            returns=ChangeTaken,
        )
        run.start(using.update(), f"{taken.party_id}@{taken.sequence}", TouchedParty(party_id=taken.party_id))
        return "somebody was faster"
    noted = await run.record(
        "note_version",
        NoteTold(record=found.record, party_id=owed.party_id, fields={}, version=found.version),
        returns=ChangeTaken,
    )
    run.start(using.update(), f"{noted.party_id}@{noted.sequence}", TouchedParty(party_id=noted.party_id))
    return "the version had moved"


async def _found(telling: Telling, owed: OwedTelling, key: str, using: Collaborators) -> Found:
    if telling.record is None:
        made = await using.sinks[telling.system].find_customer(key=key)
        return Found(record=_named(made, telling), version=made.version) if made else Found()
    (there,) = await using.sinks[telling.system].read_customers([telling.record])
    if there is None:
        return Found()
    shows = _shown(there, telling)
    party = await using.parties.read_party(owed.party_id)
    known = next((each.fields for each in party.records if each.reference == telling.record), {}) if party else {}
    shows = {name: value for name, value in shows.items() if name in known or name not in there.unset}
    same = all(shows.get(name, held.shown) == held.shown for name, held in known.items())
    return Found(record=telling.record, version=there.version, same=same, shows=shows, at=using.clock.now())


def _read_there(fields: Fields, at: Instant, correlation_id: str) -> Statement:
    """What the hub saw when it looked, as said by whoever keeps the record."""
    return Statement(
        fields=fields, said_at=at, counted_at=at, arrived_at=at, correlation_id=correlation_id, was_read=True
    )


def _shown(record: CustomerRecord, telling: Telling) -> dict[str, FieldValue]:
    return plain_fields(fields_of(under_name(record.says, record.record.system, telling.system)))


def _named(made: CustomerRecord, telling: Telling) -> ExternalReference:
    return replace(made.record, system=telling.system)
