"""A change of a customer, from any system, taken over: whose it is, and what it says (CUS-12, CUS-17, CUS-19).

    change ─ whose is it ─ statement kept ─ what holds is looked up (customer_update)

What the hub wrote comes back with its mark, or as the value it wrote, and is nobody's opinion: no loop begins.
A change that says nothing new ends here. What bears its mark from before it began, it did not write.

A record that is gone leads nobody to its party any more. Where a system made one record of two parties', a steward
is asked whether they are one.

Requirements: CUS-03, CUS-12, CUS-17, CUS-19.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from crossdock.contracts.customers import CustomerDisputed, customer_subject
from crossdock.durable.codec import encode
from crossdock.durable.process import Process, Stake
from crossdock.durable.records import Outgoing
from crossdock.durable.run import Run, Startable
from crossdock.identity.golden.contributions import RecordState, Statement, counted_at, plain_fields
from crossdock.identity.golden.fields import fields_of
from crossdock.identity.golden.ledger import ChangeTaken, TakeChange, record_key
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.work import ArrivedChange, TouchedParty
from crossdock.identity.recognition.index import Finding, MoveRecord, RaiseDoubt
from crossdock.kit.clock import Clock, Instant, seconds_to_us
from crossdock.kit.failpoints import failpoint
from crossdock.ports.customer_source import CustomerChange

_STATES: Mapping[str, RecordState] = {"deleted": "deleted", "merged": "merged", "undeleted": "live"}


class Recognition(Protocol):
    """Says whose a record is."""

    async def recognise(self, change: CustomerChange) -> str:
        """The party that the changed record belongs to, or the id of a new one. Raises Unavailable: ask later."""
        ...

    async def compare_merged(self, change: CustomerChange, party_id: str, other_id: str) -> Finding:
        """How alike the record that was merged away and the one of another party are that it was merged into."""
        ...


@dataclass(frozen=True)
class Collaborators:
    """To which party a record belongs, who may say what, and the process that looks what holds then.

    `began`: since when the hub keeps customers, 0 where that is not known.
    """

    recognition: Recognition
    ownership: Ownership
    clock: Clock
    update: Startable[TouchedParty]
    began: Callable[[], Instant] = lambda: 0


def customer_change(using: Collaborators) -> Process[ArrivedChange]:
    """Take a change over: whose it is, what it says."""

    async def body(run: Run, arrived: ArrivedChange) -> ChangeTaken:
        arrived = replace(arrived, change=_of_this_hub(arrived.change, using))
        change = arrived.change
        party_id = await run.step("recognise", lambda _key: using.recognition.recognise(change), returns=str)
        statement = statement_of(arrived, using.ownership, run.correlation_id)
        taken = await run.record(
            "take_change",
            TakeChange(
                record=change.record,
                party_id=party_id,
                statement=statement,
                state=_STATES.get(change.kind),
                version=change.version,
                into=change.into,
            ),
            returns=ChangeTaken,
        )
        failpoint("change.taken")
        if taken.is_gone:
            run.attach("leave_index", MoveRecord(record=record_key(change.record), party_id=""))
        if taken.merged_with:
            finding = await run.step(
                "compare_merged",
                lambda _key: using.recognition.compare_merged(change, taken.party_id, taken.merged_with),
                returns=Finding,
            )
            await run.record(
                "ask_steward", RaiseDoubt(finding=finding, decided_by=change.record.system), returns=bool
            )
            run.publish(_merged_elsewhere(taken, change, using.clock.now(), run.correlation_id))
        if taken.matters:
            run.start(using.update, f"{taken.party_id}@{taken.sequence}", TouchedParty(party_id=taken.party_id))
        return taken

    return Process(
        name="customer_change",
        version=1,
        input=ArrivedChange,
        body=body,
        subject=lambda arrived: f"customer-record/{record_key(arrived.change.record)}",
        stake=lambda _arrived: Stake(domain="service", severity=2),
        desk="data-stewards",
        forgettable=True,
    )


def _of_this_hub(change: CustomerChange, using: Collaborators) -> CustomerChange:
    """The change without our mark where it was made before this hub was: then it is what its system has to say."""
    before = using.began() - seconds_to_us(using.ownership.clock_tolerance_seconds)
    is_marked = bool(change.origin) and (change.origin,) == using.ownership.marks[:1]
    return replace(change, origin="") if is_marked and change.changed_at < before else change


def statement_of(arrived: ArrivedChange, ownership: Ownership, correlation_id: str) -> Statement:
    """What a change says, in comparable values, and when that counts as said."""
    change = arrived.change
    tolerance_us = seconds_to_us(ownership.clock_tolerance_seconds)
    return Statement(
        fields=plain_fields(fields_of(change.says)),
        said_at=change.changed_at,
        counted_at=counted_at(change.changed_at, arrived.received_at, tolerance_us),
        arrived_at=arrived.received_at,
        correlation_id=correlation_id,
        origin=change.origin,
        tolerance_us=tolerance_us,
        unset=change.unset,
        from_hub=bool(change.origin) and change.origin in ownership.marks,
        from_us=bool(change.origin) and (change.origin,) == ownership.marks[:1],
    )


def _merged_elsewhere(taken: ChangeTaken, change: CustomerChange, at: Instant, correlation_id: str) -> Outgoing:
    """A system takes two customers for one: whether they are is for a person to say."""
    event = CustomerDisputed(
        customer_id=taken.party_id, at=at, kind="merge", field="kind", system=change.record.system
    )
    return Outgoing(event.type, customer_subject(taken.party_id), encode(event), correlation_id)
