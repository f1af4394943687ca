"""What the hub keeps about parties: cross-references, statements, questions, decisions; and how it is changed.

Nothing here is the golden record: that is computed when somebody reads (see `survivorship`). A record belongs to a
party by its cross-reference alone, and keeps its statements whatever happens to that; so putting two parties
together and taking them apart again loses nothing (CUS-17, CUS-18).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from crossdock.canonical.party import ExternalReference
from crossdock.durable.records import Effect
from crossdock.identity.golden.contributions import HeldRecord, RecordState, Statement, Taken
from crossdock.identity.golden.fields import Fields
from crossdock.identity.golden.spreading import Question
from crossdock.identity.golden.survivorship import Pin
from crossdock.kit.clock import Instant

PAGE_ROWS_MAX = 200


def record_key(record: ExternalReference) -> str:
    """A record's number over all systems, as one text: `salesforce/Contact/003…`."""
    system, kind = (part.replace("%", "%25").replace("/", "%2F") for part in (record.system, record.kind))
    return f"{system}/{kind}/{record.value}"


class PartyFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is known of a party. `told` is the golden record as others were last told of it.

    `into`: the party was merged into this one; it has no records of its own until somebody takes that back.
    """

    party_id: str
    sequence: int
    records: tuple[HeldRecord, ...] = ()
    pins: tuple[Pin, ...] = ()
    told: Fields = {}
    into: str = ""

    def record_of(self, system: str) -> HeldRecord | None:
        """Its living record in that system, if there is one."""
        return next(
            (each for each in self.records if each.reference.system == system and each.state == "live"), None
        )

    def awaits(self, system: str) -> bool:
        """Whether a record there is about to come back."""
        return any(each.reference.system == system and each.state == "parting" for each in self.records)


class ChangeTaken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a change. `sequence` is the party's count of changes after it.

    `is_new`: nobody knew the record before. `moved`: it was deleted, merged away, or came back. `is_gone`: as far
    as is known now it is not there. `merged_with`: the record it was merged into belongs to this other party.
    """

    party_id: str
    sequence: int
    taken: Taken = Taken()
    is_new: bool = False
    moved: bool = False
    is_gone: bool = False
    merged_with: str = ""

    @property
    def matters(self) -> bool:
        """Whether anything is other than before."""
        return bool(self.taken.stated or self.taken.echoed or self.is_new or self.moved)


class TakeChange(Effect, frozen=True, kw_only=True):
    """Take over what a record says, and what became of it; answered with ChangeTaken.

    A record that nobody knows becomes one of `party_id`, which begins with it where there is no such party yet.
    """

    record: ExternalReference
    party_id: str
    statement: Statement
    state: RecordState | None = None
    version: str = ""
    into: ExternalReference | None = None


class NoteTold(Effect, frozen=True, kw_only=True):
    """The hub has written these fields to a record of the party, new or known; answered with ChangeTaken.

    `kept`, `since` and `mark`: see `contributions.tell`.
    """

    record: ExternalReference
    party_id: str
    fields: Fields
    version: str = ""
    correlation_id: str = ""
    kept: Fields = msgspec.field(default_factory=dict)
    since: int = 0
    mark: str = ""


class GoldenKept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was told of the golden record before, and the questions that are new."""

    before: Fields = {}
    asked: tuple[Question, ...] = ()


class KeepGolden(Effect, frozen=True, kw_only=True):
    """Note what others are told of the golden record now, and which questions are open; answered with GoldenKept.

    A question that is open already is not new; one that is not named any more is closed.
    """

    party_id: str
    fields: Fields
    questions: tuple[Question, ...] = ()
    correlation_id: str = ""


class DecideValue(Effect, frozen=True, kw_only=True):
    """A person's decision on a field or group, or (`pin` is None) its end; answered with ChangeTaken.

    With `expected` it holds only while that is the party's sequence: else nothing is done, and `moved` is False.
    """

    party_id: str
    unit: str
    pin: Pin | None
    expected: int | None = None


class OpenQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question as people look at it, oldest first."""

    party_id: str
    question: Question
    since: Instant


class QuestionPosition(msgspec.Struct, frozen=True, order=True):
    """A place in the list of questions: the next page begins behind it."""

    since: Instant
    party_id: str
    unit: str


class PartyEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a party's history: what happened to it, by which record, in which course of events."""

    number: int
    at: Instant
    what: str
    record: str = ""
    fields: tuple[str, ...] = ()
    correlation_id: str = ""


class PartyLedger(Protocol):
    """Looks parties up. Every method raises StoreUnavailable where the database does not answer."""

    async def find_parties(self, records: Collection[ExternalReference]) -> Mapping[ExternalReference, str]:
        """To which party each record belongs; an unknown one is simply absent."""
        ...

    async def read_party(self, party_id: str) -> PartyFile | None:
        """All that is known of a party, or None."""
        ...

    async def read_parties(self, *, behind: str = "", limit: int = 50) -> Sequence[PartyFile]:
        """Up to `limit` parties behind that id, in the order of their ids; retired ones are left out."""
        ...

    async def count_parties(self) -> int:
        """How many parties there are; retired ones do not count."""
        ...

    async def list_parties(self, *, behind: str = "", limit: int = 50) -> Sequence[str]:
        """Up to `limit` party ids behind that one, in order."""
        ...

    async def list_records(self, *, behind: str = "", limit: int = 50) -> Sequence[HeldRecord]:
        """Up to `limit` living records of all parties behind that one (see `record_key`), in order."""
        ...

    async def find_by_number(self, number: str, *, limit: int = 50) -> Sequence[str]:
        """The parties that have a record of that number, in whichever system."""
        ...

    async def list_waiting(self, records: Collection[ExternalReference]) -> Sequence[tuple[str, str]]:
        """Which parties wait for the party of one of these records to be in which system (`parent_missing`)."""
        ...

    async def list_questions(
        self, *, behind: QuestionPosition | None = None, limit: int = 50
    ) -> Sequence[OpenQuestion]:
        """Up to `limit` open questions behind that position, oldest first."""
        ...

    async def read_history(self, party_id: str, *, before: int = 0, limit: int = 50) -> Sequence[PartyEvent]:
        """A party's history, newest first, from before that number."""
        ...
