"""The queue of stewards: doubts that are open, whose they are, which are alike, and the words that close them.

A review is an open decision of the match index (see `index`). Reviews with equal evidence have equal signatures,
so that a steward can look at one and decide all. Every word is an entry in the audit chain, under the review.
"""

import hashlib
from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from crossdock.durable.records import Effect
from crossdock.identity.recognition.index import Finding
from crossdock.kit.clock import Instant

STEWARDS = "data-stewards"
"""Whose a review is until somebody gives it to somebody."""

Word = Literal["assign", "later", "not_same", "same"]


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A doubt as a steward meets it. `later_until`: put off until then; `number` is that of its decision."""

    number: int
    at: Instant
    is_open: bool
    owner: str
    later_until: Instant
    signature: str
    finding: Finding


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """How many open reviews have one signature, and the oldest of them."""

    signature: str
    count: int
    first: int


class NoteWord(Effect, frozen=True, kw_only=True):
    """A steward's word about a review; answered with bool: whether it was open.

    `same` and `not_same` close it, where `closes`; `later` puts it off `until`, `assign` gives it to `owner`.
    """

    number: int
    word: Word
    by: str
    reason: str
    closes: bool = False
    until: Instant = 0
    owner: str = ""


class NoteDeed(Effect, frozen=True, kw_only=True):
    """What a person did to a customer, or that he looked at one, for the audit chain; answered with True."""

    subject: str
    verb: str
    by: str
    reason: str = ""


class ReviewDesk(Protocol):
    """Looks reviews up. Every method raises StoreUnavailable where the database does not answer."""

    async def list_match_reviews(
        self, now: Instant, *, behind: int = 0, signature: str = "", owner: str = "", limit: int = 50
    ) -> Sequence[Review]:
        """Open reviews behind that number, oldest first; those that are put off beyond `now` are left out."""
        ...

    async def read_match_review(self, number: int) -> Review | None:
        """One review, open or not; None where nobody was ever asked under this number."""
        ...

    async def list_alike(self, *, limit: int = 50) -> Sequence[Alike]:
        """Signatures of open reviews, the most frequent first."""
        ...


def review_subject(number: int) -> str:
    """The name of a review in the audit chain."""
    return f"review/{number}"


def signature_of(finding: Finding) -> str:
    """Equal evidence has equal signatures; no weight and no value is part of it. `v1` names this way."""
    parts = [finding.rule, str(len(finding.doubtful))]
    for one in finding.weighed:
        if one.party_id in finding.doubtful:
            decision = one.decision
            found = sorted(f"{each.comparison}={each.found}" for each in decision.evidence)
            parts += [decision.band, decision.rule, str(decision.likely_household), *found]
    return "v1:" + hashlib.blake2s("\x00".join(parts).encode(), digest_size=8).hexdigest()
