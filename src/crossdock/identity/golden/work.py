"""What the processes about customers hand to each other."""

import msgspec

from crossdock.canonical.party import ExternalReference
from crossdock.kit.clock import Instant
from crossdock.ports.customer_source import CustomerChange


class ArrivedChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change as it arrived; its records bear the name of the system in this deployment."""

    change: CustomerChange
    received_at: Instant


class TouchedParty(msgspec.Struct, frozen=True, kw_only=True):
    """A party of which something may be other than before."""

    party_id: str


class OwedTelling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record, or a system in which there is none yet, that may have to be told something."""

    party_id: str
    system: str
    record: ExternalReference | None = None
