"""Who says whether something can be delivered to an address, and how it is properly written (CUS-23)."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from crossdock.canonical.party import PostalAddress
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Finding

Deliverability = Literal["deliverable", "undeliverable", "unknown"]
Outcome = Literal["validated", "corrected", "ambiguous", "undeliverable", "not_covered", "unverified"]

DELIVERABILITY: Mapping[Outcome, Deliverability] = {
    "validated": "deliverable",
    "corrected": "deliverable",
    "undeliverable": "undeliverable",
}
"""What an outcome means for a parcel; every other one leaves that unknown."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an address that is properly written otherwise than it was said; lines are joined by commas."""

    part: str
    said: str
    written: str


class AddressVerdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one address.

    `validated`: it is as it was said. `corrected`: it is there, and `differences` say which parts are written
    otherwise. `ambiguous`: it may be several, or a part is missing that tells them apart; somebody has to say.
    `undeliverable`: there is no such address. `not_covered`: they know no addresses of that country.
    `unverified`: nobody could say (an answer that means nothing to us, a provider that is away).

    `address` is it as it is properly written, as far as that is known; what is not said stays unsaid. `findings`
    have their paths below the address (`$.postal_code`). `by` is who said so, `at` when.
    """

    outcome: Outcome
    address: PostalAddress
    differences: tuple[Difference, ...] = ()
    findings: tuple[Finding, ...] = ()
    by: str
    at: Instant

    @property
    def verdict(self) -> Deliverability:
        """Whether something can be delivered there; `unknown` is no objection."""
        return DELIVERABILITY.get(self.outcome, "unknown")


class AddressValidator(Protocol):
    """Looks addresses up (read). It is told where, never who; nothing is kept at the provider for it."""

    async def validate_addresses(self, addresses: Sequence[PostalAddress]) -> Sequence[AddressVerdict]:
        """A verdict for each, in order.

        Raises Unavailable, Throttled, NotAuthorized, or Invalid for an answer that nobody can read.
        """
        ...
