"""A party is forgotten: in every system that can be written to, then here, where its keys are destroyed (CUS-31).

    nothing open ─ each system forgets in its own way ─ each record cleared ─ and asked whether it is ─┐
    ┌──────────────────────────────────────────────────────────────────────────────────────────────────┘
    └ noted beside the database ─ keys destroyed, orders tell of nobody ─ what came meanwhile goes, too, later

Whoever keeps money and documents is asked first. What a system refuses (invoices are open) is told, and asked for
again, less and less often, until it does; before that no record is cleared. What stands against it here (the law
wants the party kept, orders are open, money is owed) puts it off in the same way, with nothing done; when a legal
hold is lifted, it is looked at again at once. Meanwhile the party's other work goes on.

The run's own rows hold numbers of records and no values. It is not one of the customer's runs: those cannot be
read any more afterwards.

Requirements: CUS-31.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from crossdock.canonical.party import ExternalReference
from crossdock.contracts.customers import customer_subject
from crossdock.contracts.orders import order_subject
from crossdock.durable.process import Process, Stake
from crossdock.durable.run import Run, Startable
from crossdock.identity.golden.contributions import plain_fields
from crossdock.identity.golden.fields import Fields, fields_of, party_of
from crossdock.identity.golden.ledger import PartyFile, PartyLedger, record_key
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.survivorship import golden
from crossdock.identity.privacy.erasing import (
    LEGAL_HOLD,
    Cleared,
    ErasureAsked,
    ErasureLedger,
    ErasureLine,
    ErasureLog,
    ForgetParty,
    Forgotten,
    clearing,
    clearing_of,
    erasure_subject,
    objections,
)
from crossdock.identity.privacy.tracing import OrderTraces, Traced, is_named, traces_of_party
from crossdock.identity.recognition.reviews import NoteDeed
from crossdock.kit.clock import Clock, seconds_to_us, to_datetime
from crossdock.kit.errors import (
    Conflict,
    CrossdockError,
    Finding,
    Invalid,
    Rejected,
    Unavailable,
    Unsupported,
)
from crossdock.kit.failpoints import failpoint
from crossdock.kit.wording import said_at
from crossdock.ports.customer_sink import CustomerErasure, CustomerSink, CustomerWrite

SETTLE_SECONDS = 60.0
ASK_AGAIN_SECONDS, ASK_AGAIN_SECONDS_MAX = 86_400.0, 30 * 86_400.0
"""After so long a system that refused is asked again; each time twice as long, up to a month."""
SWEEP_SECONDS = 300.0
"""What was under way when the keys went has come to its end by then."""

UNKNOWN, MOVED = "party-unknown", "party-merged"
_MONEY = "receivables.balance"
NUMBER = "account.number"
OTHER_NAME = "the same e-mail or telephone, under another name: left as they are"

Busy = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Which of these subjects have runs that have not ended."""
OpenOrders = Callable[[str], Awaitable[Sequence[str]]]
"""The orders of a customer number that are not finished."""
OrdersOf = Callable[[str], Awaitable[Sequence[str]]]
"""All orders of a customer number."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A record and the fields to clear there, by name."""

    record: ExternalReference
    fields: Fields


@dataclass(frozen=True)
class Collaborators:
    """The ledgers, the systems that can be written to, the log beside the database, and who knows of orders.

    `again` is the process that waits after a refusal, and `erasure` the one that it starts then.
    """

    parties: PartyLedger
    erasures: ErasureLedger
    traces: OrderTraces
    ownership: Ownership
    sinks: Mapping[str, CustomerSink]
    log: ErasureLog
    open_orders: OpenOrders
    orders_of: OrdersOf
    busy: Busy
    clock: Clock
    mark: str
    settle_seconds: Mapping[str, float]
    again: Callable[[], Startable[ErasureAsked]]
    erasure: Callable[[], Startable[ErasureAsked]]


def party_erasure(using: Collaborators) -> Process[ErasureAsked]:
    """Forget a party."""

    async def body(run: Run, asked: ErasureAsked) -> Forgotten:
        try:
            due = await run.step("look", lambda _key: _due_at_rest(asked.party_id, using), returns=list[Due])
        except Rejected as objection:
            return _put_off_here(run, asked, objection, using)
        for number, each in enumerate(due):
            refusal = await run.step(
                f"erase_{number}",
                lambda key, each=each: _erase(each.record, key, run.correlation_id, using),  # type: ignore[misc]
                returns=str,
                recall=lambda _key: _nothing(),
                settle_seconds=using.settle_seconds.get(each.record.system, SETTLE_SECONDS),
            )
            if refusal:
                return _put_off(run, asked, each.record.system, refusal, using)
        orders = tuple(
            await run.step("find_orders", lambda _key: _orders(asked.party_id, using), returns=list[str])
        )
        left = await run.step("find_left", lambda _key: orders_left(asked.party_id, using), returns=list[str])
        if left:
            subject, said = customer_subject(asked.party_id), f"{', '.join(left)}: {OTHER_NAME}"
            run.attach("tell_left", NoteDeed(subject=subject, verb="erase-left", by=using.mark, reason=said))
        cleared = []
        for number, each in enumerate(due):
            fate = await run.step(
                f"clear_{number}",
                lambda key, each=each: _clear(each, key, run.correlation_id, using),  # type: ignore[misc]
                returns=str,
                recall=lambda _key, each=each: _confirmed(each, using),  # type: ignore[misc]
                settle_seconds=using.settle_seconds.get(each.record.system, SETTLE_SECONDS),
            )
            cleared.append(Cleared(record=each.record, fate=fate))
        failpoint("erasure.cleared")
        await run.step("note_in_log", lambda _key: _note(asked, cleared, orders, using), returns=int)
        failpoint("erasure.noted")
        forgotten = await run.record(
            "forget", ForgetParty(asked=asked, cleared=tuple(cleared), orders=orders), returns=Forgotten
        )
        failpoint("erasure.forgotten")
        await run.sleep_until("let_it_end", to_datetime(using.clock.now() + seconds_to_us(SWEEP_SECONDS)))
        await run.record("sweep", ForgetParty(asked=asked, orders=orders), returns=Forgotten)
        return forgotten

    return Process(
        name="party_erasure",
        version=1,
        input=ErasureAsked,
        body=body,
        subject=lambda asked: customer_subject(asked.party_id),
        stake=lambda _asked: Stake(domain="service", severity=3),
        owner="data-stewards",
        desk="data-stewards",
    )


async def _erase(record: ExternalReference, key: str, correlation_id: str, using: Collaborators) -> str:
    """Let a system forget in its own way, where it has one: the code of its refusal, empty where it did."""
    erasure = CustomerErasure(key=key, record=record, origin=using.mark, correlation_id=correlation_id)
    try:
        await using.sinks[record.system].erase_customer(erasure)
    except Unsupported:
        return ""
    except (Conflict, Invalid, Rejected) as refusal:
        return refusal.code
    return ""


def _put_off_here(run: Run, asked: ErasureAsked, objection: Rejected, using: Collaborators) -> Forgotten:
    """What is known here stands against it. Of whom nothing is known any more, nothing has to be forgotten."""
    if objection.code == UNKNOWN:
        return Forgotten(keys=0, records=0)
    if objection.code == MOVED:
        raise objection
    codes = dict.fromkeys(finding.code for finding in objection.findings)
    return _put_off(run, asked, using.mark, ", ".join(codes), using)


def _put_off(run: Run, asked: ErasureAsked, system: str, refusal: str, using: Collaborators) -> Forgotten:
    """It is refused: that is told, and it is asked again later. Meanwhile the party's other work goes on."""
    subject = customer_subject(asked.party_id)
    run.attach("tell", NoteDeed(subject=subject, verb="erase-refused", by=system, reason=refusal))
    run.start(using.again(), f"{asked.erasure_id}@{asked.attempt}", asked)
    return Forgotten(keys=0, records=0, refused=f"{system}: {refusal}")


async def _nothing() -> None:
    """Erasing twice changes nothing, so nobody need look whether it was done."""
    return


def erasure_again(using: Collaborators) -> Process[ErasureAsked]:
    """Ask again for an erasure that was refused, after a while. It keeps nothing of the party waiting."""

    async def ask_again(run: Run, asked: ErasureAsked) -> str:
        wait = min(ASK_AGAIN_SECONDS * 2**asked.attempt, ASK_AGAIN_SECONDS_MAX)
        await run.wait_for("hold-lifted", returns=bool, timeout_seconds=wait)
        once_more = replace(asked, attempt=asked.attempt + 1)
        run.start(using.erasure(), f"{asked.erasure_id}@{once_more.attempt}", once_more)
        return "asked again"

    return Process(
        name="erasure_again",
        version=2,
        continues=(1,),
        input=ErasureAsked,
        body=ask_again,
        subject=lambda asked: erasure_subject(asked.party_id),
        stake=lambda _asked: Stake(domain="service", severity=3),
        owner="data-stewards",
        desk="data-stewards",
    )


async def due_of(party_id: str, using: Collaborators) -> list[Due]:
    """What is to be cleared, or why nothing may be. Raises Rejected with every objection.

    First come the systems that keep the party's receivables: they are the ones to refuse.
    """
    since = await using.erasures.held_since(party_id)
    if since:
        words = f"a legal hold has been on the party since {said_at(since)}; lift it first"
        finding = Finding(LEGAL_HOLD, "$", words)
        raise Rejected(words, code=LEGAL_HOLD, findings=[finding])
    found = await using.parties.read_party(party_id)
    if found is not None and found.into:
        raise Rejected(f"the party is {found.into} now: have that forgotten", code=MOVED)
    if found is None or not found.records:
        raise Rejected("no records are known of this party", code=UNKNOWN)
    holds = golden(found.records, using.ownership, using.clock.now(), found.pins)
    findings = objections(holds, await _unfinished(found, using))
    living = [record for record in found.records if record.state == "live"]
    findings += [
        Finding("system-unreached", f"$.records.{record_key(record.reference)}", "the hub cannot write there")
        for record in living
        if record.reference.system not in using.sinks
    ]
    if findings:
        words = "; ".join(finding.message for finding in findings)
        raise Rejected(f"the party cannot be forgotten yet: {words}", code="erasure-forbidden", findings=findings)
    keepers = using.ownership.rule_of(_MONEY)
    first = keepers.may_write if keepers else ()
    living.sort(key=lambda record: record.reference.system not in first)
    return [Due(record=record.reference, fields=clearing(record)) for record in living]


async def _due_at_rest(party_id: str, using: Collaborators) -> list[Due]:
    """The same once nobody writes to those systems any more: what is under way would put values back."""
    due = await due_of(party_id, using)
    subjects = {f"{customer_subject(party_id)}/{each.record.system}" for each in due}
    if await using.busy(subjects):
        raise Unavailable("the party's systems are still being told something", code="party-busy")
    return due


async def _clear(due: Due, key: str, correlation_id: str, using: Collaborators) -> str:
    """Empty the record's personal fields, also those that nobody has told us of yet, and ask whether they are."""
    shown = await _shown(due, using)
    if shown is None:
        return "gone"
    fields = {**clearing_of(shown), **due.fields}
    if fields:
        write = CustomerWrite(
            key=key,
            record=due.record,
            says=party_of(fields),
            origin=using.mark,
            correlation_id=correlation_id,
        )
        (outcome,) = await using.sinks[due.record.system].write_customers([write])
        if isinstance(outcome, CrossdockError) and not isinstance(outcome, Rejected):
            raise outcome
    fate = await _confirmed(due, using)
    if fate is None:
        raise Unavailable(
            "the system does not show what was cleared", code="not-cleared", system=due.record.system
        )
    return fate


async def _confirmed(due: Due, using: Collaborators) -> str | None:
    """What the system says of the record now: `confirmed`, `gone`, or None where it still shows something.

    Of what it has no place for, such as consents in an ERP, it says nothing.
    """
    shown = await _shown(due, using)
    if shown is None:
        return "gone"
    fields = {**clearing_of(shown), **due.fields}
    return "confirmed" if all(shown.get(name, value) == value for name, value in fields.items()) else None


async def _shown(due: Due, using: Collaborators) -> Fields | None:
    """What the record shows in its system, or None once it is gone there."""
    (there,) = await using.sinks[due.record.system].read_customers([due.record])
    return plain_fields(fields_of(there.says)) if there is not None else None


async def _orders(party_id: str, using: Collaborators) -> list[str]:
    """All that was ordered under the numbers of the party's records. By now each of these is finished."""
    found = await using.parties.read_party(party_id)
    numbers = _numbers(found) if found else []
    orders = {order for number in numbers for order in await using.orders_of(number)}
    return sorted(orders | {guest.order_id for guest in await _guests(found, using)} if found else orders)


async def orders_left(party_id: str, using: Collaborators) -> list[str]:
    """Orders without a number that bear the party's e-mail or telephone under another name: those stay."""
    found = await using.parties.read_party(party_id)
    if found is None:
        return []
    traced = await using.traces.traced_orders(traces_of_party(found.records))
    return [each.order_id for each in traced if not is_named(each.name, found.records)]


async def _guests(found: PartyFile, using: Collaborators) -> list[Traced]:
    """What the party ordered without a number."""
    traced = await using.traces.traced_orders(traces_of_party(found.records))
    return [each for each in traced if is_named(each.name, found.records)]


async def _unfinished(found: PartyFile, using: Collaborators) -> set[str]:
    """The orders under any of the party's numbers that are not finished, or whose work here has not ended."""
    numbers = _numbers(found)
    subjects = {order_subject(order): order for number in numbers for order in await using.orders_of(number)}
    busy = {subjects[subject] for subject in await using.busy(subjects)}
    guests = {guest.order_id for guest in await _guests(found, using) if not guest.has_ended}
    return busy.union(guests, *[await using.open_orders(number) for number in numbers])


def _numbers(found: PartyFile) -> list[str]:
    """Every number under which its records know the party, or knew it: orders bear the one of their day."""
    held = [record.fields[NUMBER] for record in found.records if NUMBER in record.fields]
    return sorted({str(value) for each in held for value in (each.said, each.shown) if value})


async def _note(
    asked: ErasureAsked, cleared: Sequence[Cleared], orders: Sequence[str], using: Collaborators
) -> int:
    """Note it beside the database before anything is destroyed: what is noted is done again after a restore."""
    subjects = await using.erasures.erasure_subjects(asked.party_id)
    systems: dict[str, int] = {}
    for each in cleared:
        systems[each.record.system] = systems.get(each.record.system, 0) + 1
    await using.log.note(
        ErasureLine(
            erasure_id=asked.erasure_id,
            at=using.clock.now(),
            by=asked.by,
            reason=asked.reason,
            systems=systems,
            subjects=tuple(subjects),
            orders=tuple(await using.erasures.hashed_orders(orders)),
        )
    )
    return len(subjects)
