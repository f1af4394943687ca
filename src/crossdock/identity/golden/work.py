"""What the processes about customers hand to each other."""

from typing import Literal

import msgspec

from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.joining import Repair
from crossdock.identity.golden.survivorship import Pin
from crossdock.kit.clock import Instant
from crossdock.ports.customer_source import CustomerChange


class ArrivedChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change as it arrived; its records bear the name of the system in this deployment."""

    change: CustomerChange
    received_at: Instant


class TouchedParty(msgspec.Struct, frozen=True, kw_only=True):
    """A party of which something may be other than before."""

    party_id: str


class MergeAsked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Two parties are one, says a person. `pins` are the values that he chose to survive."""

    merge_id: str
    survivor: str
    absorbed: str
    by: str
    reason: str
    pins: tuple[Pin, ...] = ()


class UnmergeAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A merge was wrong, says a person. `survivor` is the party that it went to."""

    merge_id: str
    survivor: str
    by: str
    reason: str


class RepairAsked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be put right in one system after a merge or its end, about a party.

    `join`: the two records of `repair` become one. `part`: that is taken back. `clear`: `record` shows no longer
    what it was told of the other customer.
    """

    merge_id: str
    party_id: str
    system: str
    does: Literal["clear", "join", "part"]
    repair: Repair | None = None
    record: ExternalReference | None = None


class OwedTelling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record, or a system in which there is none yet, that may have to be told something."""

    party_id: str
    system: str
    record: ExternalReference | None = None
