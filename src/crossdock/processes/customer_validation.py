"""What a till, a checkout or an agent's desk may rely on, answered at once from what the hub knows (CUS-32).

    who ─ golden record ─┬ account, credit, tax: what holds, and how fresh it is
    address ─ rules of its country ─┘

Nobody else is asked, so it answers whether or not the ERP does; whoever needs more than the answer's freshness
waits for the ERP. It tells no value that is personal (GOV-23).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec

from crossdock.canonical.party import ExternalReference, Party, PostalAddress
from crossdock.identity.golden.fields import party_of
from crossdock.identity.golden.freshness import FieldFreshness, freshness_of
from crossdock.identity.golden.ledger import PartyFile, PartyLedger
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.spreading import golden_fields
from crossdock.identity.golden.survivorship import golden
from crossdock.kit.clock import Clock, Instant, to_datetime
from crossdock.kit.errors import Finding
from crossdock.policies.customer_onboarding import tax_class_of
from crossdock.policies.legal_entity import check_exemption, is_exempt
from crossdock.policies.postal_rules import check_address
from crossdock.ports.address_validator import AddressVerdict


class CustomerQuestion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who is meant, by any number of any system, and where to send to, if that is asked, too."""

    record: ExternalReference
    address: PostalAddress | None = None


class CustomerValidated(msgspec.Struct, frozen=True, kw_only=True):
    """What may be relied on.

    `status` and `credit` are empty where nobody has said anything. `on_invoice`: whether an order on invoice will
    be taken, as things stand. `freshness` covers every field that has to be fresh; what is stale there may be
    another by now. `findings` are what is wrong with the exemption or the address, with their paths.
    """

    known: bool
    status: str = ""
    credit: str = ""
    on_invoice: bool = False
    tax_class: str = ""
    tax_exempt: bool = False
    deliverable: Literal["", "deliverable", "undeliverable", "unknown"] = ""
    address: PostalAddress | None = None
    freshness: tuple[FieldFreshness, ...] = ()
    findings: tuple[Finding, ...] = ()


class Heard(Protocol):
    """When each system's feed of customers brought anything last."""

    async def heard_of_customers(self) -> Mapping[str, Instant]:
        """By system; one that was never heard is absent."""
        ...


@dataclass(frozen=True)
class CustomerValidation:
    """Answers questions. Raises StoreUnavailable where the database does not answer."""

    parties: PartyLedger
    ownership: Ownership
    heard: Heard
    clock: Clock

    async def ask(self, question: CustomerQuestion) -> CustomerValidated:
        """What may be relied on of this customer, and of this address."""
        verdict = check_address(question.address, self.clock.now()) if question.address else None
        party_id = (await self.parties.find_parties([question.record])).get(question.record)
        file = await self.parties.read_party(party_id) if party_id else None
        answer = await self._of(file) if file else CustomerValidated(known=False)
        return _with_address(answer, verdict) if verdict else answer

    async def _of(self, file: PartyFile) -> CustomerValidated:
        now = self.clock.now()
        values = golden(file.records, self.ownership, now, file.pins)
        party = party_of(golden_fields(values))
        today = to_datetime(now).date()
        heard = await self.heard.heard_of_customers()
        return CustomerValidated(
            known=True,
            status=party.account.status or "",
            credit=party.credit.status or "",
            on_invoice=_on_invoice(party),
            tax_class=tax_class_of(party, today),
            tax_exempt=is_exempt(party, today),
            freshness=tuple(freshness_of(values, self.ownership, heard, now)),
            findings=tuple(check_exemption(party, today)),
        )


def _on_invoice(party: Party) -> bool:
    status, credit = party.account.status, party.credit.status
    return status not in {"blocked", "closed", "provisional"} and credit not in {"on_hold", "pending", "refused"}


def _with_address(answer: CustomerValidated, verdict: AddressVerdict) -> CustomerValidated:
    found = tuple(Finding(each.code, f"$.address{each.path[1:]}", each.message) for each in verdict.findings)
    return msgspec.structs.replace(
        answer,
        deliverable=verdict.verdict,
        address=verdict.address,
        findings=(*answer.findings, *found),
    )
