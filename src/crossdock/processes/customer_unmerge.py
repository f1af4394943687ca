"""Two customers are two after all: taken apart by their records, with nothing that was said since lost.

    merge ─ each record goes back to its party ─ for good: not the same ─┬ both golden records
                                                                         ├ records that show the other's values
                                                                         └ what was joined in other systems

Each record keeps its own statements, also those made after the merge. What cannot be brought back is told by the
merge itself (`report`): records that a system merged for good, and values that somebody changed meanwhile.

Requirements: CUS-11, CUS-12, CUS-16 to CUS-18.
"""

from dataclasses import dataclass

import msgspec

from crossdock.canonical.party import ExternalReference
from crossdock.contracts.customers import CustomerUnmerged, customer_subject
from crossdock.durable.codec import encode
from crossdock.durable.process import Process, Stake
from crossdock.durable.records import Outgoing
from crossdock.durable.run import Run, Startable
from crossdock.identity.golden.joining import Parted, PartParties, pairs_apart
from crossdock.identity.golden.ledger import PartyLedger, record_key
from crossdock.identity.golden.work import RepairAsked, TouchedParty, UnmergeAsked
from crossdock.identity.recognition.index import JudgePair, MoveRecord
from crossdock.kit.clock import Clock, Instant
from crossdock.kit.failpoints import failpoint
from crossdock.kit.ids import write_key


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """A living record of one of the two parties, as they are again."""

    party_id: str
    record: ExternalReference


@dataclass(frozen=True)
class Collaborators:
    """The ledger, and the processes that follow."""

    parties: PartyLedger
    clock: Clock
    update: Startable[TouchedParty]
    repair: Startable[RepairAsked]


def customer_unmerge(using: Collaborators) -> Process[UnmergeAsked]:
    """Take a merge back."""

    async def body(run: Run, asked: UnmergeAsked) -> Parted:
        parted = await run.record(
            "part",
            PartParties(
                merge_id=asked.merge_id, by=asked.by, reason=asked.reason, correlation_id=run.correlation_id
            ),
            returns=Parted,
        )
        failpoint("merge.parted")
        if parted.fate != "parted":
            return parted
        for number, record in enumerate(parted.moved):
            run.attach(f"move_{number}", MoveRecord(record=record, party_id=parted.absorbed))
        for number, (one, other) in enumerate(pairs_apart(parted.moved, parted.stayed)):
            run.attach(
                f"apart_{number}",
                JudgePair(one=one, other=other, verdict="not_same", decided_by=asked.by, reason=asked.reason),
            )
        run.publish(_unmerged(asked, parted, using.clock.now(), run.correlation_id))
        both = (parted.holder, parted.absorbed)
        living = await run.step("look", lambda _key: _living(both, using), returns=list[Live])
        for repair in parted.repairs:
            owed = RepairAsked(
                merge_id=asked.merge_id,
                party_id=parted.holder,
                system=repair.system,
                does="part",
                repair=repair,
            )
            run.start(using.repair, write_key(run.run_id, f"part/{record_key(repair.absorbed)}"), owed)
        for each in living:
            owed = RepairAsked(
                merge_id=asked.merge_id,
                party_id=each.party_id,
                system=each.record.system,
                does="clear",
                record=each.record,
            )
            run.start(using.repair, write_key(run.run_id, f"clear/{record_key(each.record)}"), owed)
        for party_id in both:
            run.start(using.update, f"{party_id}@{parted.sequence}", TouchedParty(party_id=party_id))
        return parted

    return Process(
        name="customer_unmerge",
        version=1,
        input=UnmergeAsked,
        body=body,
        subject=lambda asked: customer_subject(asked.survivor),
        stake=lambda _asked: Stake(domain="service", severity=3),
        owner="data-stewards",
        desk="data-stewards",
        forgettable=True,
    )


async def _living(party_ids: tuple[str, ...], using: Collaborators) -> list[Live]:
    found = []
    for party_id in party_ids:
        party = await using.parties.read_party(party_id)
        records = party.records if party else ()
        found += [Live(party_id=party_id, record=record.reference) for record in records if record.state == "live"]
    return found


def _unmerged(asked: UnmergeAsked, parted: Parted, at: Instant, correlation_id: str) -> Outgoing:
    event = CustomerUnmerged(
        customer_id=parted.absorbed,
        at=at,
        parted_from=parted.holder,
        merge_id=asked.merge_id,
        records=parted.moved,
    )
    return Outgoing(event.type, customer_subject(parted.absorbed), encode(event), correlation_id)
