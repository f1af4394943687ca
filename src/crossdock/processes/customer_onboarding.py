"""A company becomes a customer: checked, numbered by the ERP, provisional until its credit is approved (SCN-08).

    check ─ look for doubles ─ provisional ─ made in the ERP ═ number written back ─ credit review ─┬ active
      │            │                                                 │ nobody in time: passed on     └ declined
     all findings: a person repairs or decides, and it goes on

What its systems are told goes the usual way (customer_update): the number, profile, tax class and terms as the
ERP's word, "provisional" and "pending" as a decision that is taken back when the credit is approved.

Requirements: CUS-15, CUS-17, CUS-21 to CUS-24, CUS-26, CUS-27, SCN-08, KPI-16.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from crossdock.canonical.party import ExternalReference, PostalAddress
from crossdock.contracts.customers import (
    CreditReviewOverdue,
    CustomerActivated,
    CustomerDeclined,
    CustomerEvent,
    CustomerOnboarded,
    customer_subject,
)
from crossdock.durable.codec import encode
from crossdock.durable.process import Process, Stake
from crossdock.durable.records import Outgoing
from crossdock.durable.run import Run, Startable
from crossdock.identity.golden.contributions import Statement, plain_fields
from crossdock.identity.golden.fields import Fields, FieldValue, fields_of, party_of
from crossdock.identity.golden.forms import other_forms
from crossdock.identity.golden.ledger import (
    ChangeTaken,
    DecideValue,
    NoteTold,
    PartyFile,
    PartyLedger,
    TakeChange,
    record_key,
)
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.survivorship import Pin, golden
from crossdock.identity.golden.work import TouchedParty
from crossdock.identity.onboarding.addresses import addresses_in, objections_to
from crossdock.identity.onboarding.ledger import (
    BeginOnboarding,
    CreditDecision,
    EndOnboarding,
    OpenReview,
    Passed,
    PassOn,
)
from crossdock.identity.onboarding.telling import as_said, as_told, for_erp, told_fields
from crossdock.identity.onboarding.work import Company, NewCompany, Numbered, Onboarded, UnverifiedAddresses
from crossdock.kit.clock import Clock, seconds_to_us, to_datetime
from crossdock.kit.errors import CrossdockError, Finding, Invalid, Rejected
from crossdock.kit.failpoints import failpoint
from crossdock.kit.ids import write_key
from crossdock.kit.wording import counted
from crossdock.policies.customer_onboarding import (
    OnboardingRules,
    asked_limit,
    check_company,
    decides_itself,
    level_for,
    tax_class_of,
)
from crossdock.ports.address_validator import AddressValidator, Outcome
from crossdock.ports.customer_sink import CustomerRecord, CustomerSink, CustomerWrite

HOURS = 3_600
POLICY = "credit policy"
REVIEW = "credit review"
UNDECIDED = "the credit is not decided yet"
STATUS, CREDIT, REASON = "account.status", "credit.status", "credit.reason"
NOBODY_CAN_SAY, NOT_YET = "not_covered", "unverified"
PROVISIONAL: Mapping[str, FieldValue] = {STATUS: "provisional", CREDIT: "pending"}


class Doubles(Protocol):
    """Looks whether a company is known under another number, in the ERP or anywhere else."""

    async def find_doubles(self, file: PartyFile, told: Fields) -> Sequence[str]:
        """Records (as by `record_key`) of other parties that may be this company, the likeliest first."""
        ...


@dataclass(frozen=True)
class Collaborators:
    """The ledger, who owns what, the ERP, who looks for doubles and at addresses, and who tells the others.

    `settle_seconds`: after so long a write whose answer was lost has landed in the ERP or never will. `again`
    looks up later what addresses nobody could verify; None where there is nobody to ask.
    """

    parties: PartyLedger
    ownership: Ownership
    erp: CustomerSink
    doubles: Doubles
    addresses: AddressValidator
    rules: OnboardingRules
    clock: Clock
    mark: str
    settle_seconds: float
    update: Callable[[], Startable[TouchedParty]]
    again: Startable[UnverifiedAddresses] | None = None


def customer_onboarding(using: Collaborators) -> Process[NewCompany]:
    """The process, ready to be started with `start(party_id, NewCompany(party_id=…))`: once per party."""

    async def body(run: Run, new: NewCompany) -> Onboarded:
        return await onboard(run, new.party_id, using)

    return Process(
        name="customer_onboarding",
        version=1,
        input=NewCompany,
        body=body,
        subject=lambda new: f"{customer_subject(new.party_id)}/onboarding",
        stake=lambda _new: Stake(domain="billing", severity=2),
        owner="data-stewards",
        desk="data-stewards",
        forgettable=True,
    )


async def onboard(run: Run, party_id: str, using: Collaborators) -> Onboarded:
    """The recipe."""
    await run.record(
        "begin",
        BeginOnboarding(
            party_id=party_id,
            run_id=run.run_id,
            correlation_id=run.correlation_id,
            started_at=run.created_at,
        ),
        returns=object,
    )
    company = await run.step("check_company", lambda _key: _check(party_id, using), returns=Company)
    await _mark_provisional(run, party_id, using)
    failpoint("onboarding.provisional")
    record = await _make_in_erp(run, party_id, company, using)
    numbered = await _take_number(run, party_id, record, company, using)
    await _open_review(run, party_id, company, numbered, using)
    decision = await _decision(run, party_id, company, using)
    failpoint("onboarding.decided")
    numbered = await _write_decision(run, party_id, record, _terms_of(decision, company, using), using)
    if decision.verdict == "approved":
        await _activate(run, party_id, numbered, using)
    else:
        await _decline(run, party_id, numbered, decision, using)
    return Onboarded(outcome=decision.verdict, erp_number=numbered.number, reason=decision.reason)


# ── before the ERP ──────────────────────────────────────────────────────────────────────────────────


async def _check(party_id: str, using: Collaborators) -> Company:
    """Raises Invalid with everything that keeps it from becoming a customer: incomplete, impossible, known."""
    file = await using.parties.read_party(party_id)
    if file is None:
        raise Invalid("there is no such customer any more", code="customer-gone")
    values = golden(file.records, using.ownership, using.clock.now(), file.pins)
    told = told_fields(file.records, values)
    today = to_datetime(using.clock.now()).date()
    party = party_of(told)
    findings = check_company(party, told, using.rules, today)
    written, addressed, outcomes = await _addresses(told, using)
    findings += addressed
    if findings:
        message = f"{counted(len(findings), 'finding')}: " + "; ".join(
            f"{each.path} {each.message}" for each in findings
        )
        raise Invalid(message, code="company-incomplete", findings=findings)
    known = file.record_of(using.rules.erp)
    if known is None:
        await _refuse_doubles(file, told, using)
    says = for_erp({**told, **written}, using.ownership, using.rules.erp)
    says |= {**PROVISIONAL, "tax.classification": tax_class_of(party, today)}
    credit = using.rules.credit
    terms = told.get("terms.code")
    return Company(
        says=says,
        told=told,
        limit=asked_limit(told, credit),
        terms=terms if isinstance(terms, str) else credit.terms,
        record=known.reference if known else None,
        unverified=tuple(unit for unit, each in outcomes.items() if each in {NOT_YET, NOBODY_CAN_SAY}),
        ask_again=tuple(unit for unit, each in outcomes.items() if each == NOT_YET),
    )


async def _addresses(
    told: Fields, using: Collaborators
) -> tuple[dict[str, FieldValue], list[Finding], Mapping[str, Outcome]]:
    """Every address as it is properly written, what keeps one from being one, and what became of each."""
    asked = addresses_in(told)
    verdicts = await using.addresses.validate_addresses(list(asked.values()))
    written: dict[str, FieldValue] = {}
    findings: list[Finding] = []
    for unit, verdict in zip(asked, verdicts, strict=True):
        objections = objections_to(unit, verdict)
        if objections:
            findings += objections
            continue
        parts = {name: getattr(verdict.address, name) for name in PostalAddress.__struct_fields__}
        written |= {f"{unit}.{name}": value for name, value in parts.items() if f"{unit}.{name}" in told and value}
    outcomes = {unit: each.outcome for unit, each in zip(asked, verdicts, strict=True)}
    return written, findings, outcomes


async def _refuse_doubles(file: PartyFile, told: Fields, using: Collaborators) -> None:
    """Raises Invalid where the company may be somebody's customer already: a steward says whether it is."""
    doubles = await using.doubles.find_doubles(file, told)
    if doubles:
        message = "may be the same company"
        findings = [Finding("possible-duplicate", f"$.{record}", message) for record in doubles]
        raise Invalid(
            f"{counted(len(doubles), 'other record')} may be this company: "
            "merge them, or say that they are not the same",
            code="possible-duplicate",
            findings=findings,
        )


async def _mark_provisional(run: Run, party_id: str, using: Collaborators) -> None:
    """Whatever anybody says, it is provisional from here, in every system that is told so."""
    pin = Pin(unit=STATUS, values={STATUS: "provisional"}, by=REVIEW, reason=UNDECIDED, at=run.created_at)
    await run.record("mark_provisional", DecideValue(party_id=party_id, unit=STATUS, pin=pin), returns=ChangeTaken)
    pin = Pin(unit=CREDIT, values={CREDIT: "pending"}, by=REVIEW, reason=UNDECIDED, at=run.created_at)
    taken = await run.record(
        "mark_pending", DecideValue(party_id=party_id, unit=CREDIT, pin=pin), returns=ChangeTaken
    )
    run.start(using.update(), f"{party_id}@{taken.sequence}", TouchedParty(party_id=party_id))


# ── in the ERP ──────────────────────────────────────────────────────────────────────────────────────


async def _make_in_erp(run: Run, party_id: str, company: Company, using: Collaborators) -> ExternalReference:
    """The company's record in the ERP: there already, or made once, under a key that is the company's own."""
    if company.record is not None:
        return company.record
    write = CustomerWrite(
        key=write_key(customer_subject(party_id), using.rules.erp),
        says=party_of(company.says),
        origin=using.mark,
        correlation_id=run.correlation_id,
    )
    made = await run.step(
        "make_in_erp",
        lambda _key: _write(write, using),
        returns=ExternalReference,
        recall=lambda key: _find(key, using),
        settle_seconds=using.settle_seconds,
        key=write.key,
    )
    failpoint("onboarding.made")
    return made


async def _write(write: CustomerWrite, using: Collaborators) -> ExternalReference:
    (outcome,) = await using.erp.write_customers([write])
    if isinstance(outcome, CrossdockError):
        raise outcome
    return _named(outcome, using)


async def _find(key: str, using: Collaborators) -> ExternalReference | None:
    found = await using.erp.find_customer(key=key)
    return _named(found, using) if found else None


def _named(record: CustomerRecord, using: Collaborators) -> ExternalReference:
    return replace(record.record, system=using.rules.erp)


async def _read(party_id: str, record: ExternalReference, using: Collaborators) -> Numbered:
    file = await using.parties.read_party(party_id)
    known = {each.reference for each in file.records if each.state == "live"} if file else set()
    (found,) = await using.erp.read_customers([record])
    if found is None:
        raise Rejected("the ERP has put the new customer aside", code="record-gone", system=using.rules.erp)
    shows = plain_fields(fields_of(found.says))
    number = found.says.account.number or record.value
    return Numbered(
        number=number,
        shows={**shows, "account.number": number},
        version=found.version,
        records=tuple(sorted({*known, record}, key=record_key)),
    )


async def _take_number(
    run: Run, party_id: str, record: ExternalReference, company: Company, using: Collaborators
) -> Numbered:
    """The company's number, and what else the ERP made of it."""
    numbered = await run.step("read_number", lambda _key: _read(party_id, record, using), returns=Numbered)
    told = {**company.says, **{name: value for name, value in company.told.items() if name in company.says}}
    known = as_told(told, using.ownership, using.rules.erp)
    await run.record(
        "note_told",
        NoteTold(
            record=record,
            party_id=party_id,
            fields=known,
            version=numbered.version,
            correlation_id=run.correlation_id,
            kept=other_forms(known, numbered.shows),
        ),
        returns=ChangeTaken,
    )
    taken = await run.record(
        "take_number",
        TakeChange(
            record=record,
            party_id=party_id,
            statement=_word(run, told, numbered, using),
            version=numbered.version,
        ),
        returns=ChangeTaken,
    )
    run.start(using.update(), f"{taken.party_id}@{taken.sequence}", TouchedParty(party_id=taken.party_id))
    return numbered


def _word(run: Run, told: Fields, numbered: Numbered, using: Collaborators) -> Statement:
    """What the ERP shows of its own fields is its word, and so is what it wrote otherwise than it was told.

    Its stream may have brought that before as our echo, which is nobody's.
    """
    now = using.clock.now()
    return Statement(
        fields=as_said(told, numbered.shows, using.ownership, using.rules.erp),
        said_at=now,
        counted_at=now,
        arrived_at=now,
        correlation_id=run.correlation_id,
        tolerance_us=seconds_to_us(using.ownership.clock_tolerance_seconds),
        was_read=True,
        is_word=True,
    )


# ── credit ──────────────────────────────────────────────────────────────────────────────────────────


async def _open_review(
    run: Run, party_id: str, company: Company, numbered: Numbered, using: Collaborators
) -> None:
    rules = using.rules.credit
    onboarded = CustomerOnboarded(
        customer_id=party_id,
        at=using.clock.now(),
        erp_number=numbered.number,
        records=numbered.records,
        unverified=company.unverified,
    )
    run.publish(_outgoing(onboarded, run))
    if company.ask_again and using.again is not None:
        run.start(using.again, party_id, UnverifiedAddresses(party_id=party_id, units=company.ask_again))
    await run.record(
        "open_review",
        OpenReview(
            party_id=party_id,
            erp_number=numbered.number,
            asked=company.limit,
            currency=rules.currency,
            owner=level_for(company.limit, rules).team,
            due_at=using.clock.now() + seconds_to_us(rules.decide_within_hours * HOURS),
        ),
        returns=object,
    )


async def _decision(run: Run, party_id: str, company: Company, using: Collaborators) -> CreditDecision:
    """A person's word; the rules' own for small amounts. Whoever lets the time pass passes it on."""
    rules = using.rules.credit
    if decides_itself(company.limit, rules):
        return CreditDecision(verdict="approved", by=POLICY, at=run.created_at, limit=company.limit)
    within = rules.decide_within_hours * HOURS
    decision = await run.wait_for("credit-0", returns=CreditDecision, timeout_seconds=within)
    if decision is not None:
        return decision
    passed = await run.record("pass_on", PassOn(party_id=party_id, owner=rules.overdue_owner), returns=Passed)
    if passed.decision is not None:
        return passed.decision
    overdue = CreditReviewOverdue(customer_id=party_id, at=using.clock.now(), owner=rules.overdue_owner)
    run.publish(_outgoing(overdue, run))
    last = await run.wait_for("credit-1", returns=CreditDecision)
    assert last is not None
    return last


def _terms_of(decision: CreditDecision, company: Company, using: Collaborators) -> dict[str, FieldValue]:
    """What the ERP is told of a decision."""
    if decision.verdict == "refused":
        return {CREDIT: "refused"}
    terms = decision.terms or company.terms
    granted: dict[str, FieldValue] = {
        STATUS: "active",
        CREDIT: "approved",
        "credit.limit.amount": decision.limit or company.limit,
        "credit.limit.currency": using.rules.credit.currency,
    }
    return {**granted, "terms.code": terms} if terms else granted


async def _write_decision(
    run: Run, party_id: str, record: ExternalReference, says: Fields, using: Collaborators
) -> Numbered:
    """What was decided, written in the ERP as far as that keeps such things; its word is what it shows then."""
    await run.step(
        "write_decision",
        lambda key: _write_fields(record, says, key, run, using),
        returns=ExternalReference,
        recall=lambda _key: _landed(party_id, record, says, using),
        settle_seconds=using.settle_seconds,
    )
    numbered = await run.step("read_decision", lambda _key: _read(party_id, record, using), returns=Numbered)
    taken = await run.record(
        "take_decision",
        TakeChange(
            record=record,
            party_id=party_id,
            statement=_word(run, says, numbered, using),
            version=numbered.version,
        ),
        returns=ChangeTaken,
    )
    run.start(using.update(), f"{taken.party_id}@{taken.sequence}", TouchedParty(party_id=taken.party_id))
    return numbered


async def _write_fields(
    record: ExternalReference, says: Fields, key: str, run: Run, using: Collaborators
) -> ExternalReference:
    write = CustomerWrite(
        key=key, record=record, says=party_of(says), origin=using.mark, correlation_id=run.correlation_id
    )
    return await _write(write, using)


async def _landed(
    party_id: str, record: ExternalReference, says: Fields, using: Collaborators
) -> ExternalReference | None:
    shows = (await _read(party_id, record, using)).shows
    return record if all(shows.get(name) == value for name, value in says.items() if name in shows) else None


async def _activate(run: Run, party_id: str, numbered: Numbered, using: Collaborators) -> None:
    """From here the ERP's word holds again."""
    await run.record("end_provisional", DecideValue(party_id=party_id, unit=STATUS, pin=None), returns=ChangeTaken)
    taken = await run.record(
        "end_pending", DecideValue(party_id=party_id, unit=CREDIT, pin=None), returns=ChangeTaken
    )
    run.start(using.update(), f"{party_id}@{taken.sequence}", TouchedParty(party_id=party_id))
    now = using.clock.now()
    activated = CustomerActivated(
        customer_id=party_id,
        at=now,
        erp_number=numbered.number,
        waited_us=max(0, now - run.created_at),
        records=numbered.records,
    )
    run.publish(_outgoing(activated, run))
    await run.record("activate", EndOnboarding(party_id=party_id, state="active"), returns=object)


async def _decline(
    run: Run, party_id: str, numbered: Numbered, decision: CreditDecision, using: Collaborators
) -> None:
    """The refusal and its reason hold in every system that reads credit."""
    by, why = decision.by, decision.reason
    pin = Pin(unit=CREDIT, values={CREDIT: "refused"}, by=by, reason=why, at=decision.at)
    await run.record("mark_refused", DecideValue(party_id=party_id, unit=CREDIT, pin=pin), returns=ChangeTaken)
    pin = Pin(unit=REASON, values={REASON: why}, by=by, reason=why, at=decision.at)
    taken = await run.record("tell_why", DecideValue(party_id=party_id, unit=REASON, pin=pin), returns=ChangeTaken)
    run.start(using.update(), f"{party_id}@{taken.sequence}", TouchedParty(party_id=party_id))
    declined = CustomerDeclined(
        customer_id=party_id, at=using.clock.now(), erp_number=numbered.number, records=numbered.records
    )
    run.publish(_outgoing(declined, run))
    await run.record("decline", EndOnboarding(party_id=party_id, state="declined"), returns=object)


def _outgoing(event: CustomerEvent, run: Run) -> Outgoing:
    return Outgoing(event.type, customer_subject(event.customer_id), encode(event), run.correlation_id)
