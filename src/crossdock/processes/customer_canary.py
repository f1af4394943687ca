"""One edit of a canary, timed from the system where it is made to the one where it has to be seen (CUS-35).

    the other value is chosen ─ written in `source`, as anybody would ─ `reader` is asked until it shows it

The write bears a mark that is no hub's, so that it comes back as somebody's edit. `reader` is asked the less often
the longer it takes: what is timed is exact to a tenth, or to a second. While a system is away the run is a row.

Requirements: CUS-35, OBS-05, KPI-17.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from crossdock.canonical.party import ExternalReference
from crossdock.durable.process import Process, Stake
from crossdock.durable.retries import RetryPolicy
from crossdock.durable.run import Run
from crossdock.identity.golden.canary import CANARY_MARK, GIVEN_UP_AFTER, Beat, CanaryRules, Timed
from crossdock.identity.golden.contributions import plain_fields
from crossdock.identity.golden.fields import fields_of, party_of
from crossdock.identity.golden.ledger import PartyLedger
from crossdock.kit.clock import MICROSECONDS, Clock, Instant
from crossdock.kit.errors import CrossdockError, Unavailable
from crossdock.ports.customer_sink import CustomerSink, CustomerWrite

LOOK_SECONDS_MIN = 1.0
LOOK_AGAIN_AFTER = 0.1
"""The next look comes after so much of the time that it took so far."""


@dataclass(frozen=True)
class Collaborators:
    """The canaries by name, where customers are written and read, and which records are one party's."""

    canaries: Mapping[str, CanaryRules]
    sinks: Mapping[str, CustomerSink]
    parties: PartyLedger
    clock: Clock
    settle_seconds: Mapping[str, float]


class Edit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is written; without a value there is nobody to be edited."""

    value: str = ""


def canary_subject(name: str) -> str:
    """The subject of a canary's beats: one goes after another."""
    return f"canary/{name}"


def customer_canary(using: Collaborators) -> Process[Beat]:
    """The process, started once per round."""

    async def body(run: Run, beat: Beat) -> Timed:
        rules = using.canaries.get(beat.canary)
        if rules is None:
            return Timed(why="the deployment has no such canary any more")
        edit = await run.step("choose", lambda _key: _choose(rules, using), returns=Edit)
        if not edit.value:
            return Timed(why=f"{rules.source} has no such customer")
        written_at = await run.step(
            "edit",
            lambda key: _edit(rules, edit, key, using),
            returns=int,
            recall=lambda _key: _landed(rules, edit, using),
            settle_seconds=using.settle_seconds.get(rules.source, 0.0),
        )
        return await run.step("watch", lambda _key: _watch(rules, edit, written_at, using), returns=Timed)

    return Process(
        name="customer_canary",
        version=1,
        input=Beat,
        body=body,
        subject=lambda beat: canary_subject(beat.canary),
        priority=lambda _beat: 7,
        stake=lambda _beat: Stake(domain="service", severity=1),
        retries=RetryPolicy(attempts_max=1_000_000, wait_seconds_max=60.0),
    )


async def _shown(system: str, record: ExternalReference, field: str, using: Collaborators) -> str | None:
    """What a record shows of the field; None where there is no such record, empty where it shows nothing."""
    (found,) = await using.sinks[system].read_customers([record])
    if found is None:
        return None
    value = plain_fields(fields_of(found.says)).get(field)
    return value if isinstance(value, str) else ""


async def _choose(rules: CanaryRules, using: Collaborators) -> Edit:
    shown = await _shown(rules.source, rules.customer, rules.field, using)
    if shown is None:
        return Edit()
    first, second = rules.values
    return Edit(value=second if shown == first else first)


async def _edit(rules: CanaryRules, edit: Edit, key: str, using: Collaborators) -> Instant:
    says = party_of({rules.field: edit.value})
    write = CustomerWrite(key=key, record=rules.customer, says=says, origin=CANARY_MARK)
    (outcome,) = await using.sinks[rules.source].write_customers([write])
    if isinstance(outcome, CrossdockError):
        raise outcome
    return using.clock.now()


async def _landed(rules: CanaryRules, edit: Edit, using: Collaborators) -> Instant | None:
    shown = await _shown(rules.source, rules.customer, rules.field, using)
    return using.clock.now() if shown == edit.value else None


async def _watch(rules: CanaryRules, edit: Edit, written_at: Instant, using: Collaborators) -> Timed:
    """Raises Unavailable where it is not to be seen yet: ask again."""
    party_id = (await using.parties.find_parties([rules.customer])).get(rules.customer)
    file = await using.parties.read_party(party_id) if party_id else None
    there = file.record_of(rules.reader) if file else None
    shown = await _shown(rules.reader, there.reference, rules.field, using) if there else None
    seconds = (using.clock.now() - written_at) / MICROSECONDS
    if shown == edit.value:
        return Timed(seconds=seconds)
    if seconds > rules.within_seconds * GIVEN_UP_AFTER:
        return Timed(why=f"{rules.reader} never showed it" if there else f"{rules.reader} has no such customer")
    raise Unavailable(
        "the edit is not to be seen yet",
        code="canary-unseen",
        retry_after_seconds=max(LOOK_SECONDS_MIN, seconds * LOOK_AGAIN_AFTER),
    )
