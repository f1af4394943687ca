"""Where people decide about a company's credit: who may, by amount; the first decision holds (CUS-24).

A decision, its entry in the audit and the word to the run that waits for it are one commit.
"""

from collections.abc import Awaitable, Callable

from crossdock.durable.codec import decode
from crossdock.durable.records import Commit, EffectStep, Outcome
from crossdock.identity.onboarding.ledger import (
    CreditDecision,
    DecideCredit,
    Decided,
    OnboardingFile,
    OnboardingLedger,
)
from crossdock.kit.clock import Clock
from crossdock.kit.errors import Conflict, Finding, Invalid, Rejected
from crossdock.policies.customer_onboarding import CreditRules, is_amount, may_approve, may_refuse

Committing = Callable[[Commit], Awaitable[Outcome]]
REASON_CHARACTERS_MAX = 255


class CreditDesk:
    """Approves and refuses. `commit` makes a commit durable."""

    def __init__(self, ledger: OnboardingLedger, rules: CreditRules, commit: Committing, clock: Clock) -> None:
        self._ledger = ledger
        self._rules = rules
        self._commit = commit
        self._clock = clock

    async def approve(
        self, party_id: str, *, actor: str, reason: str = "", limit: str = "", terms: str = ""
    ) -> CreditDecision:
        """Approve the credit that is asked for, or another `limit`, with these payment `terms`.

        Raises Invalid for what is no amount (`amount-wrong`), Rejected (`approver-not-allowed`) where somebody
        else has to decide, Conflict where nothing waits (`nothing-to-decide`) or it was decided otherwise
        (`decided-already`).
        """
        if limit and not is_amount(limit):
            finding = Finding("amount-wrong", "$.limit", "an amount in decimal digits is expected")
            raise Invalid(finding.message, code=finding.code, findings=[finding])
        review = await self._review(party_id)
        amount = limit or review.asked
        if not may_approve(actor, amount, self._rules, overdue=review.turn > 0):
            raise _not_allowed(f"{actor} may not approve {amount} {review.currency}; {review.owner} decides")
        decision = CreditDecision(
            verdict="approved", by=actor, at=self._clock.now(), reason=_reason(reason), limit=amount, terms=terms
        )
        return await self._decide(party_id, decision)

    async def refuse(self, party_id: str, *, actor: str, reason: str) -> CreditDecision:
        """Refuse the credit; the reason is shown wherever credit is. Raises as `approve` does."""
        if not reason.strip():
            finding = Finding("reason-missing", "$.reason", f"1 to {REASON_CHARACTERS_MAX} characters")
            raise Invalid("say why: the customer's record will show it", code=finding.code, findings=[finding])
        review = await self._review(party_id)
        if not may_refuse(actor, self._rules):
            raise _not_allowed(f"{actor} may not decide about credit; {review.owner} does")
        decision = CreditDecision(verdict="refused", by=actor, at=self._clock.now(), reason=_reason(reason))
        return await self._decide(party_id, decision)

    async def _review(self, party_id: str) -> OnboardingFile:
        review = await self._ledger.read_onboarding(party_id)
        if review is None or (review.state != "under_review" and review.decision is None):
            raise _nothing_waits()
        return review

    async def _decide(self, party_id: str, decision: CreditDecision) -> CreditDecision:
        effect = DecideCredit(party_id=party_id, decision=decision)
        outcome = await self._commit(Commit(effects=(EffectStep("decide_credit", effect),)))
        decided = decode(outcome.findings[0], Decided)
        if decided.fate == "not_waiting" or decided.decision is None:
            raise _nothing_waits()
        same = (decided.decision.verdict, decided.decision.limit) == (decision.verdict, decision.limit)
        if decided.fate == "known" and not same:
            message = f"{decided.decision.by} has decided already: {decided.decision.verdict}"
            raise Conflict(message, code="decided-already")
        return decided.decision


def _reason(text: str) -> str:
    return " ".join(text.split())[:REASON_CHARACTERS_MAX]


def _not_allowed(message: str) -> Rejected:
    return Rejected(message, code="approver-not-allowed")


def _nothing_waits() -> Conflict:
    return Conflict("no credit of this customer waits for a decision", code="nothing-to-decide")
