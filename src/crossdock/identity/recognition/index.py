"""The stored half of matching: who may be meant, what was decided and by whom, and the effects that change it.

Between a look and the commit that rests on it others may commit, too. So the commit takes a lock per key, in one
order, and looks again whether anybody new stands under the record's keys: if so, nothing is written and the answer
is LOOK_AGAIN. Two arrivals at once that are one person therefore make one party (CUS-05).
"""

from collections.abc import Collection, Mapping, Sequence, Sized
from typing import Literal, Protocol

import msgspec

from crossdock.durable.records import Effect
from crossdock.identity.matching.keys import atom
from crossdock.identity.matching.record import Features
from crossdock.identity.matching.scoring import Band, Decision
from crossdock.kit.clock import Instant

PER_KEY_MAX = 50
"""A key that more parties share is no key but a common name."""
CANDIDATES_MAX = 25
"""So many parties are compared at most: those under whose keys few others stand."""
CANDIDATES_SURE = 12
"""So many of them are compared however little they share, the others only where two keys say so: among a million
parties everybody has dozens who share one thing with him, his street or his birthday."""
LOCKS = 1_024
"""Keys share so many locks, which is what PostgreSQL holds in its default memory."""
PAGE_ROWS_MAX = 200

Verdict = Literal["same", "not_same"]
Fate = Literal["settled", "known", "look_again"]


def nearest_of(near: Mapping[int, float], shared: Mapping[int, Sized]) -> list[int]:
    """The parties that are compared, out of all that share keys with a record; at a tie the older is nearer.

    `near`: how few others stand under the shared keys. `shared`: which keys each party shares.
    """
    least = min(sorted(near.values(), reverse=True)[:CANDIDATES_MAX], default=0.0)
    ranked = sorted([(-weight, party) for party, weight in near.items() if weight >= least])[:CANDIDATES_MAX]
    nearest = [party for _, party in ranked]
    return nearest[:CANDIDATES_SURE] + [one for one in nearest[CANDIDATES_SURE:] if len(shared[one]) > 1]


def lock_of(key: int) -> int:
    """The lock that a key falls under."""
    return key % LOCKS


def record_lock(record: str) -> int:
    """The lock of a record itself: the same record twice at once is settled once."""
    return atom(record) % LOCKS


class Face(msgspec.Struct, frozen=True, gc=False):
    """What one record shows of its party. `record` as by `record_key`."""

    record: str
    features: Features


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A party that shares keys with the record; `version` grows with every change of its faces.

    `keys`: those that it shares, but for common ones.
    """

    party_id: str
    version: int
    shared: int
    faces: tuple[Face, ...]
    keys: tuple[int, ...] = ()


class Edge(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person's word about two records; `other` belongs to `party_id` ("" where it is in no party)."""

    other: str
    verdict: Verdict
    party_id: str = ""


class Nearby(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the index knows around a record.

    `common`: those of its keys that more parties share than the cap, and that led nowhere. `population`: how
    many parties the index ever had. `party_id`: where the record itself stands already. `state` is another where
    other parties stand under its keys.
    """

    candidates: tuple[Candidate, ...] = ()
    edges: tuple[Edge, ...] = ()
    common: tuple[int, ...] = ()
    population: int = 0
    party_id: str = ""
    state: int = 0


class Weighed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One candidate party and what was found: the decision about its best face, or the word that overruled it."""

    party_id: str
    record: str
    decision: Decision


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Whose a record is, and why. `weighed`: the best candidates, strongest first."""

    record: str
    party_id: str
    band: Band
    rule: str = ""
    weighed: tuple[Weighed, ...] = ()
    doubtful: tuple[str, ...] = ()
    """Parties that a steward should compare with this one."""
    keys_skipped: int = 0
    population: int = 0
    model_version: str = ""


class SaidPair(msgspec.Struct, frozen=True, kw_only=True):
    """A person's word about two records, as it is kept: by a review, a merge, its end, or straight."""

    one: str
    other: str
    verdict: Verdict
    said_by: str
    at: Instant


class StoredDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as it was stored. `is_open`: a steward has to look."""

    number: int
    at: Instant
    decided_by: str
    is_open: bool
    finding: Finding


class SettleRecord(Effect, frozen=True, kw_only=True):
    """Give the record its place, as found; answered with Settled.

    `keys` are all of its keys, `added` those that its party does not have. `seen`: the parties that were weighed,
    and how many keys each shared then; one that shares more now has a face that was not weighed. `state` and
    `common`: as the look found them; where the state is the same still, nobody came. `creates`: the party may be
    new. `version`: look again where the party has another by now, since what it grew by may forbid the link; -1
    where nothing could. `certain`: whose it is was not weighed, so nobody can come between.
    """

    finding: Finding
    features: Features
    keys: tuple[int, ...]
    added: tuple[int, ...]
    seen: Mapping[str, int]
    state: int = -1
    common: tuple[int, ...] = ()
    creates: bool
    version: int = -1
    certain: bool = False
    decided_by: str = "hub"


class Settled(msgspec.Struct, frozen=True):
    """`settled`: as found. `known`: the record had a party already, and its face is as told now."""

    party_id: str
    fate: Fate


class IndexKnown(Effect, frozen=True, kw_only=True):
    """Give a record its place under the party that the ledger says, whatever it is like; answered with bool.

    False: the ledger has no such record, or it is no more, and the index does not have it either.
    """

    record: str
    features: Features
    keys: tuple[int, ...]


class MoveRecord(Effect, frozen=True, kw_only=True):
    """Put a record's face under another party, or (`party_id` is empty) out of the index; answered with bool."""

    record: str
    party_id: str


class JudgePair(Effect, frozen=True, kw_only=True):
    """A person's word about two records; answered with bool: whether it holds.

    "Not the same" is permanent: no later word and no model takes it back.
    """

    one: str
    other: str
    verdict: Verdict
    decided_by: str
    reason: str = ""


class RaiseDoubt(Effect, frozen=True, kw_only=True):
    """Somebody takes the record's party and others for one, so a steward has to look; answered with bool: asked.

    He is not where he looks already, or where people have said of the records that were weighed.
    """

    finding: Finding
    decided_by: str = "hub"


class KeepModel(Effect, frozen=True, kw_only=True):
    """Keep a model, and weigh with it from now on; answered with its version."""

    content: bytes
    version: str
    note: str = ""


class Doubts(Protocol):
    """Whether it is open who a customer is."""

    async def is_in_doubt(self, party_id: str) -> bool:
        """Whether a steward has yet to say if the party is one with another, or has said so and they are two yet.

        Raises StoreUnavailable.
        """
        ...

    async def parties_in_doubt(self, party_ids: Collection[str]) -> Collection[str]:
        """Of which of these that is so. Raises StoreUnavailable."""
        ...


class MatchIndex(Doubts, Protocol):
    """Looks. Every method raises StoreUnavailable where the database does not answer."""

    async def look_nearby(self, record: str, keys: Sequence[int]) -> Nearby:
        """Who shares keys with the record, what people said of it, and where it stands."""
        ...

    async def read_model(self) -> bytes | None:
        """The active model (see `matching.model.decoded`), or None where none was kept."""
        ...

    async def active_model(self) -> str:
        """The version of the active model, "" where none was kept."""
        ...

    async def list_decisions(self, record: str, *, limit: int = 50) -> Sequence[StoredDecision]:
        """What was decided of a record, newest first."""
        ...

    async def list_said(self, *, behind: tuple[str, str] = ("", ""), limit: int = 50) -> Sequence[SaidPair]:
        """Up to `limit` words of people about pairs, behind that pair, in order."""
        ...

    async def read_faces(self, records: Collection[str]) -> Mapping[str, Features]:
        """What records show; one that is not in the index is absent."""
        ...

    async def count_population(self) -> int:
        """How many parties the index ever had, by which weights are scaled."""
        ...

    async def list_doubts(self, *, behind: int = 0, limit: int = 50) -> Sequence[StoredDecision]:
        """What stewards have to look at, oldest first, behind that number."""
        ...
