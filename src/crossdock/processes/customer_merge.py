"""Two customers are one: a person says so, and the hub and every system follow.

    both parties ─ nobody ever said that they are not ─ records change hands ─ faces in the index ─┬ golden record
                                                                                                   └ other systems

The party that goes keeps its id for ever: it is retired, and answers with where it went. Whatever is done in other
systems is a run of its own (customer_repair), one per record, so that a system that is down holds up nothing here.

Requirements: CUS-11, CUS-12, CUS-16 to CUS-18.
"""

from dataclasses import dataclass

import msgspec

from crossdock.contracts.customers import CustomerMerged, customer_subject
from crossdock.durable.codec import encode
from crossdock.durable.process import Process, Stake
from crossdock.durable.records import Outgoing
from crossdock.durable.run import Run, Startable
from crossdock.identity.golden.joining import Joined, JoinParties
from crossdock.identity.golden.ledger import PartyLedger, record_key
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.work import MergeAsked, RepairAsked, TouchedParty
from crossdock.identity.recognition.index import JudgePair, MatchIndex, MoveRecord
from crossdock.kit.clock import Clock, Instant
from crossdock.kit.failpoints import failpoint
from crossdock.kit.ids import write_key


class Sight(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was seen before a merge: a record of each party, and whether somebody said that they are different."""

    one: str = ""
    other: str = ""
    apart: bool = False


class MergeEnd(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a merge ended.

    `joined`, or why not: `apart` (somebody said that they are not the same), `already` one, `unknown`, `moved_on`
    (the one that should go is part of a third customer).
    """

    fate: str
    survivor: str = ""


@dataclass(frozen=True)
class Collaborators:
    """The ledger, the index, who may say what, and the processes that follow."""

    parties: PartyLedger
    index: MatchIndex
    ownership: Ownership
    clock: Clock
    update: Startable[TouchedParty]
    repair: Startable[RepairAsked]


def customer_merge(using: Collaborators) -> Process[MergeAsked]:
    """Put two parties together."""

    async def body(run: Run, asked: MergeAsked) -> MergeEnd:
        sight = await run.step("look", lambda _key: see(asked.survivor, asked.absorbed, using), returns=Sight)
        if sight.apart:
            return MergeEnd(fate="apart")
        if sight.one and sight.other:
            holds = await run.record(
                "say_same",
                JudgePair(
                    one=sight.one, other=sight.other, verdict="same", decided_by=asked.by, reason=asked.reason
                ),
                returns=bool,
            )
            if not holds:
                return MergeEnd(fate="apart")
        joined = await run.record(
            "join",
            JoinParties(
                merge_id=asked.merge_id,
                survivor=asked.survivor,
                absorbed=asked.absorbed,
                by=asked.by,
                reason=asked.reason,
                merging=using.ownership.merging,
                pins=asked.pins,
                correlation_id=run.correlation_id,
            ),
            returns=Joined,
        )
        failpoint("merge.joined")
        if joined.fate != "joined":
            return MergeEnd(fate=joined.fate, survivor=joined.survivor)
        for number, record in enumerate(joined.moved):
            run.attach(f"move_{number}", MoveRecord(record=record, party_id=joined.survivor))
        run.publish(_merged(asked, joined, using.clock.now(), run.correlation_id))
        for repair in joined.repairs:
            owed = RepairAsked(
                merge_id=asked.merge_id,
                party_id=joined.survivor,
                system=repair.system,
                does="join",
                repair=repair,
            )
            run.start(using.repair, write_key(run.run_id, f"join/{record_key(repair.absorbed)}"), owed)
        touched = TouchedParty(party_id=joined.survivor)
        run.start(using.update, f"{joined.survivor}@{joined.sequence}", touched)
        return MergeEnd(fate="joined", survivor=joined.survivor)

    return Process(
        name="customer_merge",
        version=1,
        input=MergeAsked,
        body=body,
        subject=lambda asked: customer_subject(asked.survivor),
        stake=lambda _asked: Stake(domain="service", severity=2),
        owner="data-stewards",
        desk="data-stewards",
        forgettable=True,
    )


async def see(survivor: str, absorbed: str, using: Collaborators) -> Sight:
    """A record of each party, and whether any two were ever said to be different customers."""
    stays, goes = await using.parties.read_party(survivor), await using.parties.read_party(absorbed)
    if stays is None or goes is None:
        return Sight()
    there = [record_key(record.reference) for record in stays.records]
    here = [record_key(record.reference) for record in goes.records]
    apart = False
    for record in here:
        edges = (await using.index.look_nearby(record, ())).edges
        apart = apart or any(edge.verdict == "not_same" and edge.other in there for edge in edges)
    return Sight(one=here[0] if here else "", other=there[0] if there else "", apart=apart)


def _merged(asked: MergeAsked, joined: Joined, at: Instant, correlation_id: str) -> Outgoing:
    event = CustomerMerged(
        customer_id=joined.absorbed, at=at, into=joined.survivor, merge_id=asked.merge_id, records=joined.moved
    )
    return Outgoing(event.type, customer_subject(joined.absorbed), encode(event), correlation_id)
