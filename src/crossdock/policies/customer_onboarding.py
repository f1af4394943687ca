"""How a customer comes to be one: people at once, companies by onboarding; what a company must tell (CUS-21).

    companies without a number in the ERP ─ checked, numbered, provisional ─ credit review ─ active
    people, and companies that the ERP knows ─ told to whoever reads them, and that is all

Requirements: CUS-21, CUS-22, CUS-24, SCN-08.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from crossdock.canonical.party import Party
from crossdock.kit.errors import Finding
from crossdock.policies.legal_entity import check_exemption, check_legal_entity

AmountText = Annotated[str, Meta(pattern=r"^\d{1,15}(\.\d{1,4})?$")]

REQUIRED = (
    "organisation.name",
    "tax.number",
    "billing.address.lines",
    "billing.address.city",
    "billing.address.country",
    "contact.email",
)


class ApprovalLevel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may approve credit up to an amount: `team` is told, `approvers` decide (empty: whoever is let in).

    `up_to` is decimal text in the currency of the rules; empty has no limit.
    """

    team: Annotated[str, Meta(min_length=1, max_length=80)]
    up_to: AmountText | Literal[""] = ""
    approvers: tuple[str, ...] = ()


class CreditRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How credit is decided.

    `levels` from the smallest amount to the largest; a higher level may decide what a lower one may. Up to
    `approved_up_to` nobody is asked. Who asks for nothing is considered for `limit`. After `decide_within_hours`
    the review passes to `overdue_owner`, who may decide like the highest level.
    """

    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    levels: Annotated[tuple[ApprovalLevel, ...], Meta(min_length=1)]
    limit: AmountText = "0"
    approved_up_to: AmountText | Literal[""] = ""
    terms: str = ""
    decide_within_hours: Annotated[float, Meta(gt=0)] = 48.0
    overdue_owner: Annotated[str, Meta(min_length=1, max_length=80)] = "finance"


class OnboardingRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a deployment asks of a new company: `required` fields, and how its credit is decided.

    `erp` is the system that numbers customers. A company may order on invoice only once its credit is approved.
    """

    erp: str
    credit: CreditRules
    required: tuple[str, ...] = REQUIRED


def way_of(party: Party) -> Literal["light", "onboarding"]:
    """Which way a customer goes who is not in the ERP yet.

    A company by its kind; where nobody says what it is, by its segment. One that bears an ERP number already is
    known there, whatever this system says: it needs no second one.
    """
    if party.account.number:
        return "light"
    if party.kind == "organisation" or (not party.kind and party.account.segment == "b2b"):
        return "onboarding"
    return "light"


def check_completeness(said: Mapping[str, object], rules: OnboardingRules) -> list[Finding]:
    """Every field that is asked for and not there, by its path; a company's legal name may stand for its name."""
    findings = []
    for name in rules.required:
        named = [name, "organisation.legal_name"] if name == "organisation.name" else [name]
        if not any(said.get(each) for each in named):
            findings.append(Finding("customer-field-missing", f"$.{name}", "a new company has to tell this"))
    return findings


def check_company(party: Party, said: Mapping[str, object], rules: OnboardingRules, today: date) -> list[Finding]:
    """All that keeps a company from becoming a customer, as far as rules alone can tell."""
    return [
        *check_completeness(said, rules),
        *check_legal_entity(party),
        *check_exemption(party, today),
    ]


def tax_class_of(party: Party, today: date) -> str:
    """`exempt` with a certificate that holds, else what is said, else `standard`."""
    if party.tax.exemption.exempt and not check_exemption(party, today):
        return "exempt"
    return party.tax.classification or "standard"


# ── credit ──────────────────────────────────────────────────────────────────────────────────────────


def asked_limit(said: Mapping[str, object], rules: CreditRules) -> str:
    """The credit that is asked for, where it is asked for in the currency of the rules; else the usual one."""
    amount, currency = said.get("credit.limit.amount"), said.get("credit.limit.currency")
    if isinstance(amount, str) and currency == rules.currency and is_amount(amount):
        return amount
    return rules.limit


def is_amount(text: str) -> bool:
    """Whether a text is an amount of money that is not below nothing."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return False
    return amount.is_finite() and amount >= 0


def decides_itself(amount: str, rules: CreditRules) -> bool:
    """Whether nobody has to be asked."""
    return bool(rules.approved_up_to) and Decimal(amount) <= Decimal(rules.approved_up_to)


def level_for(amount: str, rules: CreditRules) -> ApprovalLevel:
    """The first level that may decide on the amount; the last, where it is beyond all."""
    return next((level for level in rules.levels if _may(level, amount)), rules.levels[-1])


def may_approve(actor: str, amount: str, rules: CreditRules, *, overdue: bool = False) -> bool:
    """Whether this person may approve so much; who may approve more may approve less.

    With `overdue` whoever the rules name then may, too.
    """
    if overdue and actor == rules.overdue_owner:
        return True
    allowed = [level for level in rules.levels if _may(level, amount)]
    return any(not level.approvers or actor in level.approvers for level in allowed)


def may_refuse(actor: str, rules: CreditRules) -> bool:
    """Whether this person may refuse: whoever may approve anything, or takes over what is overdue."""
    open_to_all = any(not level.approvers for level in rules.levels)
    named = {rules.overdue_owner, *(name for level in rules.levels for name in level.approvers)}
    return open_to_all or actor in named


def check_credit_rules(rules: CreditRules, place: str) -> Sequence[Finding]:
    """Levels that never decide anything, each with its path below `place`."""
    findings = []
    reached = Decimal(-1)
    for index, level in enumerate(rules.levels):
        limit = Decimal(level.up_to) if level.up_to else Decimal("Infinity")
        if limit <= reached:
            path = f"{place}.levels[{index}].up_to"
            findings.append(Finding("rule-idle", path, "a level before this one may decide as much"))
        reached = max(reached, limit)
    return findings


def _may(level: ApprovalLevel, amount: str) -> bool:
    return not level.up_to or Decimal(amount) <= Decimal(level.up_to)
