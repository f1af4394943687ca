"""What the hub tells the world about customers (EVT-01). One subject per customer: `customer/<customer_id>`.

No event holds a value: it names fields, and who said them. Whoever may see the values asks the hub, so that
nothing personal lies in a broker that nobody can erase.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from crossdock.canonical.party import ExternalReference
from crossdock.kit.clock import Instant


def customer_subject(customer_id: str) -> str:
    """The subject under which everything about a customer is told."""
    return f"customer/{customer_id}"


class FieldChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A field of the golden record that has another value now, or none, and where that came from."""

    field: str
    rule: str = ""
    system: str = ""
    record: str = ""
    said_at: Instant = 0


class CustomerEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all of them carry. `at` is when the hub decided it."""

    type: ClassVar[str]
    customer_id: str
    at: Instant


class CustomerChanged(CustomerEvent, frozen=True, kw_only=True):
    """The golden record of a customer changed. `records` are the numbers that systems know the customer by."""

    type: ClassVar[str] = "crossdock.customer.changed.v1"
    changes: tuple[FieldChange, ...]
    records: tuple[ExternalReference, ...] = ()


class CustomerDisputed(CustomerEvent, frozen=True, kw_only=True):
    """Systems disagree about a field or group.

    `kind`: `cannot_know` (nobody can tell which is newer), `nothing_valid`, `merge` (a system merged records of
    two customers): a person decides. `proposed`: `system` wants to change what is `owner`'s. `refused`: the same,
    and the deployment does not allow it. `not_kept`: `system` makes something else of it whenever it is told.
    `parent_missing`: whom the customer belongs to is not in `system` yet; it is told when they are.
    """

    type: ClassVar[str] = "crossdock.customer.disputed.v1"
    kind: str
    field: str
    system: str = ""
    owner: str = ""


class CustomerMerged(CustomerEvent, frozen=True, kw_only=True):
    """The customer turned out to be the same as `into`, and this id is retired. `records` go along with it.

    What else knows the customer by one of those numbers (a loyalty account, an order) belongs to `into` as well.
    """

    type: ClassVar[str] = "crossdock.customer.merged.v1"
    into: str
    merge_id: str
    records: tuple[str, ...] = ()


class CustomerUnmerged(CustomerEvent, frozen=True, kw_only=True):
    """The customer is not the same as `parted_from` after all: this id, and its `records`, are its own again."""

    type: ClassVar[str] = "crossdock.customer.unmerged.v1"
    parted_from: str
    merge_id: str
    records: tuple[str, ...] = ()


class CustomerOnboarded(CustomerEvent, frozen=True, kw_only=True):
    """A company has its number in the ERP. It may order, and on invoice only once it is activated.

    `records` are the numbers that systems know it by, `erp_number` is the one to order with. `unverified` names
    the addresses (`billing.address`) of which nobody could say whether they are there.
    """

    type: ClassVar[str] = "crossdock.customer.onboarded.v1"
    erp_number: str
    records: tuple[ExternalReference, ...] = ()
    unverified: tuple[str, ...] = ()


class CustomerAddressesVerified(CustomerEvent, frozen=True, kw_only=True):
    """Addresses that nobody could verify when the company was onboarded are there.

    Those in `corrected` are properly written otherwise than systems have them.
    """

    type: ClassVar[str] = "crossdock.customer.addresses_verified.v1"
    verified: tuple[str, ...]
    corrected: tuple[str, ...] = ()


class CustomerActivated(CustomerEvent, frozen=True, kw_only=True):
    """A company's credit is approved: it may order on invoice. `waited_us`: since the hub first heard of it."""

    type: ClassVar[str] = "crossdock.customer.activated.v1"
    erp_number: str
    waited_us: int
    records: tuple[ExternalReference, ...] = ()


class CustomerDeclined(CustomerEvent, frozen=True, kw_only=True):
    """A company's credit is refused: it may order, but not on invoice."""

    type: ClassVar[str] = "crossdock.customer.declined.v1"
    erp_number: str
    records: tuple[ExternalReference, ...] = ()


class CreditReviewOverdue(CustomerEvent, frozen=True, kw_only=True):
    """Nobody decided about a company's credit in time; it is `owner`'s turn now."""

    type: ClassVar[str] = "crossdock.customer.credit_overdue.v1"
    owner: str


CUSTOMER_EVENTS: Mapping[str, type[Any]] = {
    event.type: event
    for event in (
        CustomerChanged,
        CustomerDisputed,
        CustomerMerged,
        CustomerUnmerged,
        CustomerOnboarded,
        CustomerAddressesVerified,
        CustomerActivated,
        CustomerDeclined,
        CreditReviewOverdue,
    )
}
