"""The match index in the database, as it is read: candidates by their keys in one query, decisions, the model."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TypeVar

from crossdock.durable.codec import decode, encode
from crossdock.identity.matching.record import Features
from crossdock.identity.recognition.index import (
    CANDIDATES_MAX,
    PAGE_ROWS_MAX,
    PER_KEY_MAX,
    Candidate,
    Edge,
    Face,
    Finding,
    Nearby,
    StoredDecision,
)
from crossdock.storage.transaction import Row, Transaction

T = TypeVar("T")
_DECISION = "number, at, decided_by, open, facts"


class MatchStore(ABC):
    """See MatchIndex."""

    @abstractmethod
    async def _read(self, work: Callable[[Transaction], T]) -> T: ...

    async def look_nearby(self, record: str, keys: Sequence[int]) -> Nearby:
        """See MatchIndex."""
        return await self._read(partial(look_nearby, record=record, keys=keys))

    async def read_model(self) -> bytes | None:
        """See MatchIndex."""
        return await self._read(read_model)

    async def active_model(self) -> str:
        """See MatchIndex."""
        return await self._read(active_model)

    async def is_in_doubt(self, party_id: str) -> bool:
        """See Doubts."""
        return await self._read(partial(is_in_doubt, party_id=party_id))

    async def list_decisions(self, record: str, *, limit: int = 50) -> Sequence[StoredDecision]:
        """See MatchIndex."""
        return await self._read(partial(list_decisions, record=record, limit=min(limit, PAGE_ROWS_MAX)))

    async def list_doubts(self, *, behind: int = 0, limit: int = 50) -> Sequence[StoredDecision]:
        """See MatchIndex."""
        return await self._read(partial(list_doubts, behind=behind, limit=min(limit, PAGE_ROWS_MAX)))


@lru_cache(maxsize=8)
def candidate_query(numbers: str, per_key_max: int = PER_KEY_MAX, candidates_max: int = CANDIDATES_MAX) -> str:
    """Shared keys, party, its version and faces, for keys in one JSON array; the last row counts keys skipped.

    Each key is first counted up to its cap in the index alone, so that a common name costs no more than a rare
    one. Parties that share most keys come first; at a tie, the oldest.
    """
    return (
        f"{_asked(numbers, per_key_max)}, near AS MATERIALIZED ("
        "SELECT m.party, count(*) AS shared FROM asked a JOIN match_key m ON m.hash = a.hash "
        f"WHERE a.many BETWEEN 1 AND {per_key_max} GROUP BY m.party "
        f"ORDER BY shared DESC, m.party LIMIT {candidates_max}) "
        "SELECT n.shared, n.party, p.party_id, p.version, f.record, f.features FROM near n "
        "JOIN match_party p ON p.number = n.party JOIN match_face f ON f.party = n.party "
        f"UNION ALL SELECT (SELECT count(*) FROM asked WHERE many > {per_key_max}), "
        "(SELECT coalesce(max(number), 0) FROM match_party), NULL, 0, '', NULL"
    )


@lru_cache(maxsize=8)
def sharing_query(numbers: str, per_key_max: int = PER_KEY_MAX) -> str:
    """Key, party and its id for keys in one JSON array; a key over its cap comes once, without a party."""
    return (
        f"{_asked(numbers, per_key_max)} "
        "SELECT a.hash, m.party, p.party_id FROM asked a JOIN match_key m ON m.hash = a.hash "
        f"JOIN match_party p ON p.number = m.party WHERE a.many BETWEEN 1 AND {per_key_max} "
        f"UNION ALL SELECT hash, 0, '' FROM asked WHERE many > {per_key_max}"
    )


def _asked(numbers: str, per_key_max: int) -> str:
    return (
        "WITH asked AS MATERIALIZED (SELECT k.value AS hash, (SELECT count(*) FROM (SELECT 1 FROM match_key c "
        f"WHERE c.hash = k.value LIMIT {per_key_max + 1}) few) AS many FROM {numbers} k)"
    )


_EDGES = (
    "SELECT e.other, e.verdict, coalesce(p.party_id, '') FROM (SELECT other, verdict FROM match_edge "
    "WHERE one = ? UNION ALL SELECT one, verdict FROM match_edge WHERE other = ?) e "
    "LEFT JOIN match_face f ON f.record = e.other LEFT JOIN match_party p ON p.number = f.party"
)
_AROUND = (
    f"{_EDGES} UNION ALL SELECT '', '', p.party_id FROM match_face f JOIN match_party p ON p.number = f.party "
    "WHERE f.record = ?"
)


_IN_DOUBT = (
    "SELECT 1 FROM match_decision WHERE party_id = ? AND open = 1 UNION ALL "
    + " UNION ALL ".join(
        "SELECT 1 FROM match_party p JOIN match_face f ON f.party = p.number "
        f"JOIN match_edge e ON e.{mine} = f.record AND e.verdict = 'same' "
        f"JOIN match_face o ON o.record = e.{theirs} AND o.party <> f.party WHERE p.party_id = ?"
        for mine, theirs in (("one", "other"), ("other", "one"))
    )
    + " LIMIT 1"
)


def look_nearby(tx: Transaction, record: str, keys: Sequence[int]) -> Nearby:
    """Who shares keys with the record, what people said of it, and where it stands."""
    rows = tx.execute(candidate_query(tx.numbers), (encode(tx.blinded(keys)).decode(),)).fetchall()
    found: dict[str, tuple[int, int, list[Face]]] = {}
    skipped = population = 0
    for shared, party, party_id, version, other, features in sorted(rows, key=_nearest_first):
        if party_id is None:
            skipped, population = shared, party
            continue
        face = Face(other, decode(bytes(features), Features))
        found.setdefault(party_id, (version, shared, []))[2].append(face)
    around = tx.execute(_AROUND, (record, record, record)).fetchall()
    return Nearby(
        candidates=tuple(
            Candidate(party_id, version, shared, tuple(faces))
            for party_id, (version, shared, faces) in found.items()
        ),
        edges=tuple(_edge(row) for row in around if row[0]),
        keys_skipped=skipped,
        population=population,
        party_id=next((row[2] for row in around if not row[0]), ""),
    )


def _nearest_first(row: Row) -> tuple[int, int, str]:
    return -row[0], row[1], row[4]


def read_edges(tx: Transaction, record: str) -> list[Edge]:
    """What people said of a record and others."""
    return [_edge(row) for row in tx.execute(_EDGES, (record, record)).fetchall()]


def _edge(row: Row) -> Edge:
    return Edge(other=row[0], verdict=row[1], party_id=row[2])


def read_model(tx: Transaction) -> bytes | None:
    """The active model."""
    row = tx.execute("SELECT content FROM match_model WHERE active = 1").fetchone()
    return None if row is None else bytes(row[0])


def active_model(tx: Transaction) -> str:
    """The version of the active model."""
    row = tx.execute("SELECT version FROM match_model WHERE active = 1").fetchone()
    return "" if row is None else str(row[0])


def is_in_doubt(tx: Transaction, party_id: str) -> bool:
    """Whether a steward has yet to look at the party, or what he said of it has yet to be carried out."""
    return tx.execute(_IN_DOUBT, (party_id, party_id, party_id)).fetchone() is not None


def list_decisions(tx: Transaction, record: str, limit: int) -> list[StoredDecision]:
    """What was decided of a record, newest first."""
    sql = f"SELECT {_DECISION} FROM match_decision WHERE record = ? ORDER BY number DESC LIMIT ?"
    return [_stored(row) for row in tx.execute(sql, (record, limit)).fetchall()]


def list_doubts(tx: Transaction, behind: int, limit: int) -> list[StoredDecision]:
    """What stewards have to look at."""
    sql = f"SELECT {_DECISION} FROM match_decision WHERE open = 1 AND number > ? ORDER BY number LIMIT ?"
    return [_stored(row) for row in tx.execute(sql, (behind, limit)).fetchall()]


def _stored(row: Row) -> StoredDecision:
    return StoredDecision(
        number=row[0],
        at=row[1],
        decided_by=row[2],
        is_open=bool(row[3]),
        finding=decode(bytes(row[4]), Finding),
    )
