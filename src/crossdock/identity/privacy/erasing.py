"""Erasing a party: what is cleared in each system, what forbids it, and what the hub keeps afterwards (CUS-31).

Kept are the parties' and records' numbers as keyed hashes only, so that nobody is known by them but who asks with
the number in hand: by it a record that comes again is recognised.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from crossdock.canonical.party import ExternalReference
from crossdock.durable.records import Effect
from crossdock.identity.golden.contributions import HeldRecord
from crossdock.identity.golden.fields import Fields, FieldValue, Sensitivity, field_of
from crossdock.identity.golden.survivorship import GoldenValue
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Finding

NAME_LEFT = "erased"
"""In place of the one thing that no system lets be empty."""
LEGAL_HOLD = "legal-hold"
"""The code of a refusal while the law wants somebody kept."""
HOLD_LIFTED = "hold-lifted"
"""The signal to an erasure that waits to be asked for again."""
_BALANCES = ("receivables.balance", "receivables.overdue")


def erasure_subject(party_id: str) -> str:
    """What an erasure is about that waits: not the party, whose other work goes on."""
    return f"erasure/{party_id}"


class ErasureAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A party is to be forgotten, asks a person, for a reason. `attempt`: so often systems have refused so far."""

    erasure_id: str
    party_id: str
    by: str
    reason: str
    attempt: int = 0


class Cleared(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record: `confirmed` by its system, which was asked again, or `gone` there already."""

    record: ExternalReference
    fate: str


class ForgetParty(Effect, frozen=True, kw_only=True):
    """Destroy the keys of a party and its records, and take them out of every look-up; answered with Forgotten.

    Doing so again finds what came meanwhile. `cleared` says which systems confirmed it. The runs of `orders` tell
    of the party no more, while what was ordered stays.
    """

    asked: ErasureAsked
    cleared: tuple[Cleared, ...] = ()
    orders: tuple[str, ...] = ()


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """How many keys were destroyed, and of how many records; or nothing yet: who `refused`, and for what."""

    keys: int
    records: int
    refused: str = ""


class ErasureLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the log of erasures, which outlives the database: `subjects` and `orders` are keyed hashes.

    `systems` says for each system how many of its records were cleared.
    """

    erasure_id: str
    at: Instant
    by: str
    reason: str
    systems: Mapping[str, int]
    subjects: tuple[str, ...]
    orders: tuple[str, ...] = ()


class HoldParty(Effect, frozen=True, kw_only=True):
    """The law wants a party kept (`held`), or does so no more; answered with bool: whether that is new.

    Erasures that wait are told when it does so no more.
    """

    party_id: str
    held: bool


class ErasureLedger(Protocol):
    """Looks erasures up. Every method raises StoreUnavailable where the database does not answer."""

    async def held_since(self, party_id: str) -> Instant:
        """Since when the law wants the party kept, or one that became part of it; 0 where it does not."""
        ...

    async def is_erased(self, record: ExternalReference) -> bool:
        """Whether the record belonged to somebody who was erased."""
        ...

    async def erasure_subjects(self, party_id: str) -> Sequence[str]:
        """The keyed hashes of the party, its records and all else that is sealed for it."""
        ...

    async def hashed_orders(self, order_ids: Sequence[str]) -> Sequence[str]:
        """The keyed hashes of orders."""
        ...

    async def list_erasures(self) -> Sequence[ErasureLine]:
        """All erasures, oldest first."""
        ...


class ErasureLog(Protocol):
    """Where erasures are noted beside the database, so that a restored backup can be brought up to them."""

    async def note(self, line: ErasureLine) -> None:
        """Keep a line durably; the same one again is kept once. Raises Unavailable."""
        ...


def tells_of_somebody(said: Fields) -> bool:
    """Whether anything personal is said but what an erasure leaves behind."""
    return any(
        value not in {None, NAME_LEFT} and not name.startswith("consents.")
        for name, value in said.items()
        if field_of(name).sensitivity is Sensitivity.PERSONAL
    )


def clearing(record: HeldRecord) -> Fields:
    """What to write to a record so that it tells of nobody: personal values empty, consents withdrawn.

    A family name is replaced, since no system lets it be empty. What a record does not show needs no clearing.
    """
    return clearing_of({name: held.shown for name, held in record.fields.items()})


def clearing_of(shown: Fields) -> Fields:
    """The same for what a record shows."""
    cleared: dict[str, FieldValue] = {}
    for name, value in sorted(shown.items()):
        if value is None or field_of(name).sensitivity is not Sensitivity.PERSONAL:
            continue
        if name.startswith("consents."):
            if name.endswith(".status"):
                cleared[name] = "opt_out"
        else:
            cleared[name] = NAME_LEFT if name == "person.name.family" else None
    return cleared


def objections(holds: Mapping[str, GoldenValue], open_orders: Collection[str]) -> list[Finding]:
    """Why a party may not be forgotten yet: orders under way, money owed."""
    found = [
        Finding("order-open", f"$.orders.{number}", f"order {number} is not finished")
        for number in sorted(open_orders)
    ]
    for unit in _BALANCES:
        amount = holds[unit].values.get(f"{unit}.amount") if unit in holds else None
        if amount is not None and str(amount).strip("0.-"):
            found.append(Finding("money-owed", f"$.{unit}", "the account is not balanced"))
    return found
