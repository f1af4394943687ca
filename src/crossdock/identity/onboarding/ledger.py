"""What the hub keeps of each onboarding: where it stands, whose turn it is, what was decided (CUS-24, CUS-26).

One row per party, with the course of events it belongs to. It holds numbers and amounts, no names: whoever wants
to know whom it is about reads the golden record.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from crossdock.durable.records import Effect
from crossdock.kit.clock import Instant

OnboardingState = Literal["checking", "under_review", "active", "declined"]
Verdict = Literal["approved", "refused"]
Standing = Literal["credit_pending", "credit_refused"]
STANDING: Mapping[str, Standing] = {"under_review": "credit_pending", "declined": "credit_refused"}
"""What an onboarding's state means for orders on invoice; in every other state nothing."""

PAGE_ROWS_MAX = 200


class CreditDecision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody decided about a company's credit: `limit` and `terms` hold where it is approved."""

    verdict: Verdict
    by: str
    at: Instant
    reason: str = ""
    limit: str = ""
    terms: str = ""


class OnboardingFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One onboarding. Amounts are decimal text in `currency`.

    `owner` is whose turn it is, until `due_at`; `turn` counts whom the review passed to. `erp_number` is the
    customer's number there once it has one. `numbered_at`, `ended_at`: 0 until then.
    """

    party_id: str
    run_id: str
    correlation_id: str
    state: OnboardingState
    started_at: Instant
    erp_number: str = ""
    asked: str = ""
    currency: str = ""
    owner: str = ""
    turn: int = 0
    due_at: Instant = 0
    numbered_at: Instant = 0
    ended_at: Instant = 0
    decision: CreditDecision | None = None


class BeginOnboarding(Effect, frozen=True, kw_only=True):
    """An onboarding begins; answered with None. Beginning it again changes nothing."""

    party_id: str
    run_id: str
    correlation_id: str
    started_at: Instant


class OpenReview(Effect, frozen=True, kw_only=True):
    """The company has its number and waits for credit: `owner` decides until `due_at`; answered with None."""

    party_id: str
    erp_number: str
    asked: str
    currency: str
    owner: str
    due_at: Instant


class PassOn(Effect, frozen=True, kw_only=True):
    """Nobody decided in time: the review passes to `owner`; answered with Passed."""

    party_id: str
    owner: str


class Passed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose turn it is now, or the decision that came in the last moment."""

    turn: int = 0
    decision: CreditDecision | None = None


class DecideCredit(Effect, frozen=True, kw_only=True):
    """A person's decision, with its entry in the audit; answered with Decided. The first one holds."""

    party_id: str
    decision: CreditDecision


class Decided(msgspec.Struct, frozen=True, omit_defaults=True):
    """`decided`: it holds. `known`: it was decided before, as it says. `not_waiting`: nothing is under review."""

    fate: Literal["decided", "known", "not_waiting"]
    decision: CreditDecision | None = None


class EndOnboarding(Effect, frozen=True, kw_only=True):
    """The company is a customer, or is not; answered with None."""

    party_id: str
    state: Literal["active", "declined"]


class ReviewPosition(msgspec.Struct, frozen=True, order=True):
    """A place in the list of reviews: the next page begins behind it."""

    due_at: Instant
    party_id: str


class OnboardingFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How many stand where, since when the oldest waits, and how long those took that are active (KPI-16)."""

    by_state: Mapping[OnboardingState, int]
    overdue: int
    activated: int
    activation_seconds: float


class OnboardingLedger(Protocol):
    """Looks onboardings up. Every method raises StoreUnavailable where the database does not answer."""

    async def read_onboarding(self, party_id: str) -> OnboardingFile | None:
        """One onboarding, or None."""
        ...

    async def list_reviews(
        self, *, behind: ReviewPosition | None = None, limit: int = 50
    ) -> Sequence[OnboardingFile]:
        """Up to `limit` reviews that wait for a decision, the most urgent first, behind that position."""
        ...

    async def list_decided(self, *, limit: int = 12) -> Sequence[OnboardingFile]:
        """Up to `limit` onboardings that ended, active or declined, the latest due first."""
        ...

    async def find_standing(self, erp_numbers: Collection[str]) -> Mapping[str, Standing]:
        """Those of these customers who may not order on invoice, and why."""
        ...

    async def count_onboardings(self, now: Instant) -> OnboardingFigures:
        """The figures of all."""
        ...


def signal_of(turn: int) -> str:
    """The signal for which an onboarding waits while it is that turn."""
    return f"credit-{turn}"
