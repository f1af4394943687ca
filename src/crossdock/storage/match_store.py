"""The match index in the database, as it is read: candidates by their keys in one query, decisions, the model."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TypeVar

from crossdock.durable.codec import decode
from crossdock.identity.matching.record import Features
from crossdock.identity.recognition.index import (
    PAGE_ROWS_MAX,
    Edge,
    Finding,
    Nearby,
    SaidPair,
    StoredDecision,
)
from crossdock.storage.match_looks import Look, Looks, look_around
from crossdock.storage.transaction import Row, Transaction

T = TypeVar("T")
_DECISION = "number, at, decided_by, open, facts"


class MatchStore(ABC):
    """See MatchIndex."""

    def __init__(self) -> None:
        self._looks = Looks(lambda looks: self._read_by_index(partial(look_around, looks=looks)))

    @abstractmethod
    async def _read(self, work: Callable[[Transaction], T]) -> T: ...

    async def _read_by_index(self, work: Callable[[Transaction], T]) -> T:
        """Do `work`, which reads a few rows by their keys, however little the database knows of its tables."""
        return await self._read(work)

    async def look_nearby(self, record: str, keys: Sequence[int]) -> Nearby:
        """See MatchIndex. What is asked while the database answers is asked together."""
        return await self._looks.ask(Look(record, tuple(keys)))

    async def read_model(self) -> bytes | None:
        """See MatchIndex."""
        return await self._read(read_model)

    async def active_model(self) -> str:
        """See MatchIndex."""
        return await self._read(active_model)

    async def is_in_doubt(self, party_id: str) -> bool:
        """See Doubts."""
        return await self._read(partial(is_in_doubt, party_id=party_id))

    async def parties_in_doubt(self, party_ids: Collection[str]) -> Collection[str]:
        """See Doubts."""
        return await self._read(partial(parties_in_doubt, party_ids=party_ids))

    async def list_decisions(self, record: str, *, limit: int = 50) -> Sequence[StoredDecision]:
        """See MatchIndex."""
        return await self._read(partial(list_decisions, record=record, limit=min(limit, PAGE_ROWS_MAX)))

    async def list_said(self, *, behind: tuple[str, str] = ("", ""), limit: int = 50) -> Sequence[SaidPair]:
        """See MatchIndex."""
        return await self._read(partial(list_said, behind=behind, limit=min(limit, PAGE_ROWS_MAX)))

    async def read_faces(self, records: Collection[str]) -> Mapping[str, Features]:
        """See MatchIndex."""
        return await self._read(partial(read_faces, records=records))

    async def count_population(self) -> int:
        """See MatchIndex."""
        return await self._read(count_population)

    async def list_doubts(self, *, behind: int = 0, limit: int = 50) -> Sequence[StoredDecision]:
        """See MatchIndex."""
        return await self._read(partial(list_doubts, behind=behind, limit=min(limit, PAGE_ROWS_MAX)))


_EDGES = (
    "SELECT e.other, e.verdict, coalesce(p.party_id, '') FROM (SELECT other, verdict FROM match_edge "
    "WHERE one = ? UNION ALL SELECT one, verdict FROM match_edge WHERE other = ?) e "
    "LEFT JOIN match_face f ON f.record = e.other LEFT JOIN match_party p ON p.number = f.party"
)


_SIDES = (("one", "other"), ("other", "one"))
_IN_DOUBT = (
    "SELECT 1 FROM match_decision WHERE party_id = ? AND open = 1 UNION ALL "
    + " UNION ALL ".join(
        "SELECT 1 FROM match_party p JOIN match_face f ON f.party = p.number "
        f"JOIN match_edge e ON e.{mine} = f.record AND e.verdict = 'same' "
        f"JOIN match_face o ON o.record = e.{theirs} AND o.party <> f.party WHERE p.party_id = ?"
        for mine, theirs in _SIDES
    )
    + " LIMIT 1"
)


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


def parties_in_doubt(tx: Transaction, party_ids: Collection[str]) -> set[str]:
    """The same of several parties."""
    rows = tx.select_in("SELECT party_id FROM match_decision WHERE open = 1 AND party_id", party_ids)
    for mine, theirs in _SIDES:
        rows += tx.select_in(
            "SELECT p.party_id FROM match_party p JOIN match_face f ON f.party = p.number "
            f"JOIN match_edge e ON e.{mine} = f.record AND e.verdict = 'same' "
            f"JOIN match_face o ON o.record = e.{theirs} AND o.party <> f.party WHERE p.party_id",
            party_ids,
        )
    return {row[0] for row in rows}


def list_decisions(tx: Transaction, record: str, limit: int) -> list[StoredDecision]:
    """What was decided of a record, newest first."""
    sql = f"SELECT {_DECISION} FROM match_decision WHERE record = ? ORDER BY number DESC LIMIT ?"
    return [_stored(row) for row in tx.execute(sql, (record, limit)).fetchall()]


def list_said(tx: Transaction, behind: tuple[str, str], limit: int) -> list[SaidPair]:
    """People's words about pairs, in order."""
    rows = tx.execute(
        "SELECT one, other, verdict, decided_by, at FROM match_edge WHERE (one, other) > (?, ?) "
        "ORDER BY one, other LIMIT ?",
        (*behind, limit),
    ).fetchall()
    return [SaidPair(one=row[0], other=row[1], verdict=row[2], said_by=row[3], at=row[4]) for row in rows]


def read_faces(tx: Transaction, records: Collection[str]) -> dict[str, Features]:
    """What records show."""
    rows = tx.select_in("SELECT record, features FROM match_face WHERE record", records)
    return {record: decode(bytes(features), Features) for record, features in rows}


def count_population(tx: Transaction) -> int:
    """The number of the latest party, as a look tells it."""
    row = tx.execute("SELECT coalesce(max(number), 0) FROM match_party").fetchone()
    return int(row[0])


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
