"""Addresses that nobody could verify are looked up again, less and less often, until somebody can say (CUS-23).

    unverified ─ wait ─ ask ─┬ it is there: told
                             ├ it is not, or it may be several: a person has it mended
                             └ nobody could say: again, after twice as long, ASKED_MAX times in all

The company went on meanwhile. What is looked up is what holds then, not what was said in the beginning; the run
keeps names of fields, no values.

Requirements: CUS-23.
"""

from dataclasses import dataclass

import msgspec

from crossdock.contracts.customers import CustomerAddressesVerified, customer_subject
from crossdock.durable.codec import encode
from crossdock.durable.process import Process, Stake
from crossdock.durable.records import Outgoing
from crossdock.durable.run import Run
from crossdock.identity.golden.ledger import PartyLedger
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.survivorship import golden
from crossdock.identity.onboarding.addresses import addresses_in, objections_to
from crossdock.identity.onboarding.telling import told_fields
from crossdock.identity.onboarding.work import UnverifiedAddresses
from crossdock.kit.clock import Clock, seconds_to_us, to_datetime
from crossdock.kit.errors import Finding, Invalid
from crossdock.ports.address_validator import AddressValidator

WAIT_SECONDS, WAIT_SECONDS_MAX = 600.0, 86_400.0
ASKED_MAX = 10
"""So often it is asked in all, which takes some four days."""


class Looked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a look: those that are there, of which `corrected` are properly written otherwise; the rest."""

    verified: tuple[str, ...] = ()
    corrected: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class Collaborators:
    """Who knows the company, what holds of it, and who can say whether an address is there."""

    parties: PartyLedger
    ownership: Ownership
    addresses: AddressValidator
    clock: Clock


def customer_addresses(using: Collaborators) -> Process[UnverifiedAddresses]:
    """The process, started once per company with addresses that nobody could verify."""

    async def body(run: Run, asked: UnverifiedAddresses) -> Looked:
        left, told = asked.units, Looked()
        for turn in range(ASKED_MAX):
            wait = seconds_to_us(min(WAIT_SECONDS * 2**turn, WAIT_SECONDS_MAX))
            await run.sleep_until(f"turn_{turn}", to_datetime(using.clock.now() + wait))
            units = left
            looked = await run.step(
                f"look_{turn}",
                lambda _key, units=units: _look(asked.party_id, units, using),  # type: ignore[misc]
                returns=Looked,
            )
            if looked.verified:
                run.publish(_told(asked.party_id, looked, run, using))
            left = looked.left
            told = Looked(
                verified=(*told.verified, *looked.verified),
                corrected=(*told.corrected, *looked.corrected),
                left=left,
            )
            if not left:
                break
        return told

    return Process(
        name="customer_addresses",
        version=1,
        input=UnverifiedAddresses,
        body=body,
        subject=lambda asked: f"{customer_subject(asked.party_id)}/addresses",
        priority=lambda _asked: 9,
        stake=lambda _asked: Stake(domain="fulfilment", severity=1),
        owner="data-stewards",
        desk="data-stewards",
        forgettable=True,
    )


async def _look(party_id: str, units: tuple[str, ...], using: Collaborators) -> Looked:
    """Raises Invalid where nothing can be delivered to one of them. One that is no more is not asked about."""
    file = await using.parties.read_party(party_id)
    while file is not None and file.into:
        file = await using.parties.read_party(file.into)
    if file is None:
        return Looked()
    values = golden(file.records, using.ownership, using.clock.now(), file.pins)
    known = addresses_in(told_fields(file.records, values))
    asked = {unit: known[unit] for unit in units if unit in known}
    verdicts = dict(zip(asked, await using.addresses.validate_addresses(list(asked.values())), strict=True))
    findings: list[Finding] = []
    for unit, verdict in verdicts.items():
        findings += objections_to(unit, verdict)
    if findings:
        message = "; ".join(f"{each.path} {each.message}" for each in findings)
        raise Invalid(message, code="address-undeliverable", findings=findings)
    outcomes = {unit: verdict.outcome for unit, verdict in verdicts.items()}
    return Looked(
        verified=tuple(unit for unit, outcome in outcomes.items() if outcome in {"validated", "corrected"}),
        corrected=tuple(unit for unit, outcome in outcomes.items() if outcome == "corrected"),
        left=tuple(unit for unit, outcome in outcomes.items() if outcome == "unverified"),
    )


def _told(party_id: str, looked: Looked, run: Run, using: Collaborators) -> Outgoing:
    event = CustomerAddressesVerified(
        customer_id=party_id, at=using.clock.now(), verified=looked.verified, corrected=looked.corrected
    )
    return Outgoing(event.type, customer_subject(party_id), encode(event), run.correlation_id)
