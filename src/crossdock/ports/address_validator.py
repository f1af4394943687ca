"""Who says whether something can be delivered to an address, and how it is properly written (CUS-23)."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from crossdock.canonical.party import PostalAddress
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Finding

Deliverability = Literal["deliverable", "undeliverable", "unknown"]


class AddressVerdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one address.

    `address` is it as it is properly written, as far as that is known; what is not said stays unsaid. `findings`
    have their paths below the address (`$.postal_code`). `unknown`: nobody could say, which is no objection.
    `by` is who said so, `at` when.
    """

    verdict: Deliverability
    address: PostalAddress
    findings: tuple[Finding, ...] = ()
    by: str
    at: Instant


class AddressValidator(Protocol):
    """Looks addresses up (read); nothing is kept at the provider for it."""

    async def validate_addresses(self, addresses: Sequence[PostalAddress]) -> Sequence[AddressVerdict]:
        """A verdict for each, in order.

        Raises Unavailable, Throttled, NotAuthorized, or Invalid for an answer that nobody can read.
        """
        ...
