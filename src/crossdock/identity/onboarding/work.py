"""What the process of onboarding is handed, and what its steps hand on."""

import msgspec

from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.fields import Fields


class NewCompany(msgspec.Struct, frozen=True, kw_only=True):
    """A company that the ERP does not know yet."""

    party_id: str


class UnverifiedAddresses(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses of a company that nobody could verify, by the groups of their fields."""

    party_id: str
    units: tuple[str, ...]


class Company(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A company that was checked: what the ERP is told when it is made there, and the credit that is asked for.

    `told` is what its systems say, `record` what the ERP has of it already, if it does. `unverified` names the
    addresses of which nobody could say whether they are there, `ask_again` those of which somebody may later.
    """

    says: Fields
    told: Fields
    limit: str
    terms: str = ""
    record: ExternalReference | None = None
    unverified: tuple[str, ...] = ()
    ask_again: tuple[str, ...] = ()


class Numbered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The company as the ERP keeps it now, and the numbers by which systems know it."""

    number: str
    shows: Fields
    version: str = ""
    records: tuple[ExternalReference, ...] = ()


class Onboarded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an onboarding ended."""

    outcome: str
    erp_number: str = ""
    reason: str = ""
