"""Telling one record what it does not show yet, as things stand by then: only those fields, by its version.

A write goes on only while the record is as the hub knows it. Where somebody was faster, the record is read again,
that is kept as a statement like any other, and what holds is looked up anew (customer_update).

Requirements: CUS-03, CUS-04 to CUS-08, CUS-17, CUS-25.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from crossdock.canonical.party import ExternalReference
from crossdock.contracts.customers import customer_subject
from crossdock.durable.process import Process, Stake
from crossdock.durable.run import Run, Startable
from crossdock.identity.golden.contributions import Statement, plain_fields
from crossdock.identity.golden.fields import fields_of, party_of
from crossdock.identity.golden.ledger import ChangeTaken, NoteTold, PartyLedger, TakeChange
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.spreading import Telling, tellings
from crossdock.identity.golden.survivorship import golden
from crossdock.identity.golden.work import OwedTelling, TouchedParty
from crossdock.kit.clock import Clock
from crossdock.kit.errors import Conflict, CrossdockError, Rejected
from crossdock.kit.ids import write_key
from crossdock.ports.customer_sink import CustomerRecord, CustomerSink, CustomerWrite

SETTLE_SECONDS = 60.0


class Written(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a write ended: with the record as it is now, or `moved`: somebody was faster. `gone`: it is no more."""

    record: ExternalReference | None = None
    version: str = ""
    moved: bool = False
    gone: bool = False


@dataclass(frozen=True)
class Collaborators:
    """The ledger, who may say what, where it is written and with which mark, and who looks anew afterwards.

    `settle_seconds`: by system, after so long a write whose answer was lost has landed or never will.
    """

    parties: PartyLedger
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
            key="" if telling.record else write_key(customer_subject(owed.party_id), owed.system),
        )
        if written.gone:
            return "the record is gone"
        if written.moved or written.record is None:
            return await _read_again(run, owed, telling, using)
        await run.record(
            "note_told",
            NoteTold(
                record=written.record,
                party_id=owed.party_id,
                fields=telling.fields,
                version=written.version,
                correlation_id=run.correlation_id,
            ),
            returns=ChangeTaken,
        )
        return "told"

    return Process(
        name="customer_telling",
        version=1,
        input=OwedTelling,
        body=body,
        subject=lambda owed: f"{customer_subject(owed.party_id)}/{owed.system}",
        stake=lambda _owed: Stake(domain="service", severity=2),
    )


async def _due(owed: OwedTelling, using: Collaborators) -> list[Telling]:
    found = await using.parties.read_party(owed.party_id)
    if found is None:
        return []
    values = golden(found.records, using.ownership, using.clock.now(), found.pins)
    due = tellings(found.records, values, using.ownership)
    return [each for each in due if each.system == owed.system and each.record == owed.record]


async def _write(telling: Telling, key: str, correlation_id: str, using: Collaborators) -> Written:
    """One write, also where the system could take many: the lane in between gathers. Raises what the dock did."""
    asked = CustomerWrite(
        key=key,
        record=telling.record,
        says=party_of(telling.fields),
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
    return _written(outcome, telling)


async def find_written(telling: Telling, key: str, using: Collaborators) -> Written | None:
    """What a write came to whose answer nobody heard, or None: the record does not show it, so it did not land."""
    if telling.record is None:
        found = await using.sinks[telling.system].find_customer(key=key)
        return _written(found, telling) if found else None
    (found,) = await using.sinks[telling.system].read_customers([telling.record])
    if found is None:
        return Written(gone=True)
    shown = plain_fields(fields_of(found.says))
    landed = all(shown.get(name) == value for name, value in telling.fields.items())
    return _written(found, telling) if landed else None


def _written(outcome: CustomerRecord, telling: Telling) -> Written:
    return Written(record=replace(outcome.record, system=telling.system), version=outcome.version)


async def _read_again(run: Run, owed: OwedTelling, telling: Telling, using: Collaborators) -> str:
    """Somebody was faster: what the record says now is a statement like any other, and what holds follows anew."""
    key = write_key(customer_subject(owed.party_id), owed.system)
    seen = await run.step("read_customer", lambda _key: _seen(telling, key, using), returns=list[CustomerRecord])
    if not seen:
        return "the record is gone"
    now = run.created_at
    statement = Statement(
        fields=plain_fields(fields_of(seen[0].says)),
        said_at=now,
        counted_at=now,
        arrived_at=now,
        correlation_id=run.correlation_id,
    )
    taken = await run.record(
        "take_change",
        TakeChange(record=seen[0].record, party_id=owed.party_id, statement=statement, version=seen[0].version),
        returns=ChangeTaken,
    )
    run.start(using.update(), f"{taken.party_id}@{taken.sequence}", TouchedParty(party_id=taken.party_id))
    return "somebody was faster"


async def _seen(telling: Telling, key: str, using: Collaborators) -> list[CustomerRecord]:
    if telling.record is None:
        found = await using.sinks[telling.system].find_customer(key=key)
    else:
        (found,) = await using.sinks[telling.system].read_customers([telling.record])
    if found is None:
        return []
    return [replace(found, record=replace(found.record, system=telling.system))]
