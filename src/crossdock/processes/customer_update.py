"""What holds of a customer, looked up anew after something was said: told to the world and to each record.

    statements ─ golden record ─┬ changed fields told as an event, disagreements as another
                                ├ each record that shows something else is told (customer_telling)
                                └ a company that the ERP does not know becomes a customer (customer_onboarding),
                                  and is checked again where that was parked for what was wrong with it

While a steward has yet to say whether the customer is one with another, nobody gets a new record of him. Whoever
commits that word starts this process for both, and then they do.

Nobody is told because something happened, only because a record shows something else than what holds: where all
agree, everything is at rest (CUS-03).

Requirements: CUS-01 to CUS-08, CUS-11, CUS-12, CUS-16.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

import msgspec

from crossdock.canonical.party import ExternalReference
from crossdock.contracts.customers import CustomerChanged, CustomerDisputed, FieldChange, customer_subject
from crossdock.durable.codec import encode
from crossdock.durable.process import Process, Stake
from crossdock.durable.records import Outgoing
from crossdock.durable.run import Run, Startable
from crossdock.identity.golden.contributions import plain
from crossdock.identity.golden.fields import Fields, party_of
from crossdock.identity.golden.ledger import GoldenKept, KeepGolden, PartyFile, PartyLedger, record_key
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.parents import missing_parent, with_parents
from crossdock.identity.golden.spreading import (
    Question,
    Telling,
    golden_fields,
    insistences,
    questions,
    tellings,
)
from crossdock.identity.golden.survivorship import GoldenValue, golden
from crossdock.identity.golden.work import OwedTelling, TouchedParty
from crossdock.identity.onboarding.telling import told_fields
from crossdock.identity.onboarding.work import NewCompany
from crossdock.identity.recognition.index import Doubts
from crossdock.kit.clock import Clock, Instant
from crossdock.kit.ids import write_key
from crossdock.policies.customer_onboarding import way_of


class Outlook(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What holds of a party, with its lineage, what is asked, and who has to be told.

    `children` wait for a record of this party, to which they belong.
    """

    fields: Fields = {}
    lineage: Mapping[str, FieldChange] = {}
    questions: tuple[Question, ...] = ()
    owed: tuple[OwedTelling, ...] = ()
    records: tuple[ExternalReference, ...] = ()
    children: tuple[str, ...] = ()
    onboards: bool = False


@dataclass(frozen=True)
class Onboarding:
    """Companies that `erp` does not know are not simply told to it: `process` makes customers of them.

    `resume` lets a company's onboarding go on that was parked for what was wrong with it; it raises Unavailable
    while the company is being checked, since nobody knows then whether it has seen what was mended.
    """

    erp: str
    process: Startable[NewCompany]
    resume: Callable[[str], Awaitable[bool]]


@dataclass(frozen=True)
class Collaborators:
    """The ledger, who is in doubt, who may say what, the systems that can be told, the process that tells one.

    With `onboarding` companies go their own way into the ERP.
    """

    parties: PartyLedger
    doubts: Doubts
    ownership: Ownership
    told: Collection[str]
    clock: Clock
    telling: Startable[OwedTelling]
    onboarding: Onboarding | None = None


def customer_update(using: Collaborators) -> Process[TouchedParty]:
    """Look what holds now, tell the world what changed, and see to it that each record is told."""
    process: Process[TouchedParty]

    async def body(run: Run, touched: TouchedParty) -> tuple[str, ...]:
        party_id = touched.party_id
        outlook = await run.step("look", lambda _key: _look(party_id, using), returns=Outlook)
        kept = await run.record(
            "keep_golden",
            KeepGolden(
                party_id=party_id,
                fields=outlook.fields,
                questions=outlook.questions,
                correlation_id=run.correlation_id,
            ),
            returns=GoldenKept,
        )
        changes = _changes(kept.before, outlook)
        if changes:
            run.publish(_changed(party_id, changes, outlook, using.clock.now(), run.correlation_id))
        for question in kept.asked:
            run.publish(_disputed(party_id, question, using.clock.now(), run.correlation_id))
        for owed in outlook.owed:
            place = record_key(owed.record) if owed.record else owed.system
            run.start(using.telling, write_key(run.run_id, place), owed)
        for child in outlook.children:
            run.start(process, write_key(run.run_id, child), TouchedParty(party_id=child))
        if outlook.onboards and using.onboarding is not None:
            run.start(using.onboarding.process, party_id, NewCompany(party_id=party_id))
        return tuple(change.field for change in changes)

    process = Process(
        name="customer_update",
        version=1,
        input=TouchedParty,
        body=body,
        subject=lambda touched: customer_subject(touched.party_id),
        stake=lambda _touched: Stake(domain="service", severity=2),
        desk="data-stewards",
        forgettable=True,
    )
    return process


async def _look(party_id: str, using: Collaborators) -> Outlook:
    found = await using.parties.read_party(party_id)
    if found is None:
        return Outlook()
    values = golden(found.records, using.ownership, using.clock.now(), found.pins)
    in_doubt = await using.doubts.is_in_doubt(party_id)
    onboards = not in_doubt and _onboards(found, values, using)
    records = tuple(record.reference for record in found.records if record.state == "live")
    owed: list[Telling] = []
    waiting: list[Question] = []
    for each in tellings(found.records, values, using.ownership, in_doubt=in_doubt):
        telling, missing = await with_parents(each, using.parties)
        waiting += [missing_parent(each, unit, party) for unit, party in missing.items()]
        owed += [telling] if telling else []
    if onboards and using.onboarding is not None:
        await using.onboarding.resume(party_id)
    return Outlook(
        fields=golden_fields(values),
        lineage={name: _lineage(name, value) for value in values.values() for name in value.values},
        questions=(
            *questions(values, using.ownership),
            *insistences(found.records, values, using.ownership),
            *waiting,
        ),
        owed=tuple(
            OwedTelling(party_id=party_id, system=each.system, record=each.record)
            for each in owed
            if each.system in using.told and not (onboards and _is_new_to_erp(each, using))
        ),
        onboards=onboards,
        records=records,
        children=await _children(found, records, using),
    )


async def _children(
    found: PartyFile, records: Collection[ExternalReference], using: Collaborators
) -> tuple[str, ...]:
    """Who belongs to this party and waited for it to be somewhere, where it is now."""
    waiting = await using.parties.list_waiting(records)
    return tuple(dict.fromkeys(child for child, system in waiting if found.record_of(system) is not None))


def _onboards(file: PartyFile, values: Mapping[str, GoldenValue], using: Collaborators) -> bool:
    return using.onboarding is not None and goes_its_own_way(file, values, using.onboarding.erp)


def goes_its_own_way(file: PartyFile, values: Mapping[str, GoldenValue], erp: str) -> bool:
    """Whether it is a company that the ERP does not know, and that is known somewhere."""
    if file.record_of(erp) is not None or file.awaits(erp):
        return False
    living = any(record.state == "live" for record in file.records)
    return living and way_of(party_of(told_fields(file.records, values))) == "onboarding"


def _is_new_to_erp(telling: Telling, using: Collaborators) -> bool:
    return telling.record is None and using.onboarding is not None and telling.system == using.onboarding.erp


def _lineage(name: str, value: GoldenValue) -> FieldChange:
    if value.winner is None:
        return FieldChange(field=name, rule=value.rule)
    return FieldChange(
        field=name,
        rule=value.rule,
        system=value.winner.record.system,
        record=record_key(value.winner.record),
        said_at=value.winner.said_at,
    )


def _changes(before: Fields, outlook: Outlook) -> list[FieldChange]:
    """Fields that have another value than was told, or one of the two."""
    after = {name: plain(value) for name, value in outlook.fields.items()}
    known = {name: plain(value) for name, value in before.items()}
    names = {*known.keys() ^ after.keys(), *(name for name in known.keys() & after if known[name] != after[name])}
    return [outlook.lineage.get(name) or FieldChange(field=name) for name in sorted(names)]


def _changed(
    party_id: str, changes: list[FieldChange], outlook: Outlook, at: Instant, correlation_id: str
) -> Outgoing:
    event = CustomerChanged(customer_id=party_id, at=at, changes=tuple(changes), records=outlook.records)
    return Outgoing(event.type, customer_subject(party_id), encode(event), correlation_id)


def _disputed(party_id: str, question: Question, at: Instant, correlation_id: str) -> Outgoing:
    event = CustomerDisputed(
        customer_id=party_id,
        at=at,
        kind=question.kind,
        field=question.unit,
        system=question.system,
        owner=question.to,
    )
    return Outgoing(event.type, customer_subject(party_id), encode(event), correlation_id)
