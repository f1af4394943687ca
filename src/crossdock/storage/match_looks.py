"""Looks into the match index: who shares keys with a record, for as many records at once as are asked for.

One look alone is one query. While it is answered others are asked for; they go together in the next, so that a
busy hub spends little on asking.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from crossdock.durable.codec import decode, encode
from crossdock.identity.matching.record import Features
from crossdock.identity.recognition.index import CANDIDATES_MAX, PER_KEY_MAX, Candidate, Edge, Face, Nearby
from crossdock.storage.transaction import Transaction, Words

LOOKS_AT_ONCE_MAX = 64
STATE_STEP = 1_000_003
"""A party that comes under a key makes the state larger, whatever its number."""


class Look(msgspec.Struct, frozen=True):
    """A record that is looked for, and its keys."""

    record: str
    keys: tuple[int, ...]


class Looks:
    """Gathers looks; `look` answers several, in their order. Raises what `look` raises."""

    def __init__(self, look: Callable[[Sequence[Look]], Awaitable[Sequence[Nearby]]]) -> None:
        self._look = look
        self._waiting: deque[tuple[Look, asyncio.Future[Nearby]]] = deque()
        self._turn: asyncio.Task[None] | None = None

    async def ask(self, look: Look) -> Nearby:
        """What the index knows around a record."""
        future: asyncio.Future[Nearby] = asyncio.get_running_loop().create_future()
        self._waiting.append((look, future))
        if self._turn is None or self._turn.done():
            self._turn = asyncio.get_running_loop().create_task(self._answer(), name="match-looks")
        return await future

    async def _answer(self) -> None:
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(len(self._waiting), LOOKS_AT_ONCE_MAX))]
            asked = [(look, future) for look, future in some if not future.done()]
            try:
                answers = await self._look([look for look, _ in asked])
            except BaseException as error:
                for _, future in asked:
                    if not future.done():
                        future.set_exception(error)
                if not isinstance(error, Exception):
                    raise
                continue
            for (_, future), answer in zip(asked, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


def counted(per_key_max: int) -> str:
    """The SQL for how many parties stand under the key `k.value`, counted up to one more than the cap."""
    return f"(SELECT count(*) FROM (SELECT 1 FROM match_key c WHERE c.hash = k.value LIMIT {per_key_max + 1}) few)"


_CANDIDATE, _STATE, _COMMON, _EDGE, _PLACE, _POPULATION = range(6)
_COLUMNS = ("what", "owner", "nth", "record", "one", "two", "first", "second")
_FEATURES = "fourth"


@lru_cache(maxsize=8)
def look_query(words: Words, per_key_max: int = PER_KEY_MAX, candidates_max: int = CANDIDATES_MAX) -> str:
    """What is known around several records: lists of keys as one JSON array, and their records twice.

    Each key is first counted up to its cap in the index alone, so that a common name costs no more than a rare
    one. Parties come first under whose keys few others stand; at a tie, the oldest. Rows are told apart by `what`:
    candidates (nearest first by `nth`), the state under the keys, keys skipped, edges, the record's own place,
    the population.
    """
    return (
        f"WITH asked AS MATERIALIZED (SELECT k.owner, k.nth, k.value AS hash, {counted(per_key_max)} AS many "
        f"FROM {words.lists} k), "
        "shared AS MATERIALIZED (SELECT a.owner, m.party, count(*) AS shared, "
        f"sum(CAST(1 AS float) / a.many) AS near, {words.joined} AS held "
        "FROM asked a JOIN match_key m ON m.hash = a.hash "
        f"WHERE a.many BETWEEN 1 AND {per_key_max} GROUP BY a.owner, m.party), "
        "nearest AS MATERIALIZED (SELECT * FROM (SELECT s.*, row_number() OVER (PARTITION BY s.owner "
        f"ORDER BY s.near DESC, s.party) AS nth FROM shared s) r WHERE nth <= {candidates_max}), "
        f"around AS MATERIALIZED (SELECT owner, value FROM {words.texts} t) "
        f"SELECT {_CANDIDATE} AS what, n.owner, n.nth AS nth, f.record AS record, n.shared AS one, "
        "p.version AS two, n.held AS first, p.party_id AS second, f.features AS fourth "
        "FROM nearest n JOIN match_party p ON p.number = n.party JOIN match_face f ON f.party = n.party "
        f"UNION ALL SELECT {_STATE}, owner, 0, '', CAST(sum(shared * ({STATE_STEP} + party)) AS bigint), 0, "
        "'', '', NULL FROM shared GROUP BY owner "
        f"UNION ALL SELECT {_COMMON}, owner, nth, '', 0, 0, '', '', NULL FROM asked WHERE many > {per_key_max} "
        f"UNION ALL SELECT {_EDGE}, a.owner, 0, e.other, 0, 0, e.verdict, coalesce(p.party_id, ''), NULL "
        "FROM around a JOIN match_edge e ON e.one = a.value LEFT JOIN match_face f ON f.record = e.other "
        "LEFT JOIN match_party p ON p.number = f.party "
        f"UNION ALL SELECT {_EDGE}, a.owner, 0, e.one, 0, 0, e.verdict, coalesce(p.party_id, ''), NULL "
        "FROM around a JOIN match_edge e ON e.other = a.value LEFT JOIN match_face f ON f.record = e.one "
        "LEFT JOIN match_party p ON p.number = f.party "
        f"UNION ALL SELECT {_PLACE}, a.owner, 0, '', 0, 0, p.party_id, '', NULL FROM around a "
        "JOIN match_face f ON f.record = a.value JOIN match_party p ON p.number = f.party "
        f"UNION ALL SELECT {_POPULATION}, -1, 0, '', coalesce(max(number), 0), 0, '', '', NULL FROM match_party"
    )


def look_around(tx: Transaction, looks: Sequence[Look]) -> list[Nearby]:
    """Who shares keys with each record, what people said of it, and where it stands."""
    blinded = iter(tx.blinded([key for look in looks for key in look.keys]))
    keys = encode([[next(blinded) for _ in look.keys] for look in looks]).decode()
    records = encode([look.record for look in looks]).decode()
    rows = tx.gather(look_query(tx.words), _COLUMNS, (keys, records), _FEATURES)
    found = [_Around(look) for look in looks]
    population = 0
    # By their first columns: nearest candidates first, and their faces and the edges always in one order.
    rows.sort()
    for row in rows:
        if row[0] == _POPULATION:
            population = row[4]
        else:
            found[row[1]].hear(row)
    return [one.told(population) for one in found]


class _Around:
    """What one look finds, row by row."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._candidates: dict[str, tuple[int, int, str, list[Face]]] = {}
        self._edges: list[Edge] = []
        self._common: list[int] = []
        self._state = 0
        self._party_id = ""

    def hear(self, row: Sequence[Any]) -> None:
        """Take in a row of `look_query`."""
        what, _, nth, record, one, two, first, second, fourth = row
        if what == _CANDIDATE:
            known = self._candidates.get(second)
            if known is None:
                known = self._candidates[second] = two, one, first, []
            known[3].append(Face(record, decode(fourth, Features)))
        elif what == _STATE:
            self._state = one
        elif what == _COMMON:
            self._common.append(self._look.keys[nth])
        elif what == _EDGE:
            self._edges.append(Edge(other=record, verdict=first, party_id=second))
        else:
            self._party_id = first

    def told(self, population: int) -> Nearby:
        """All of it."""
        key = self._look.keys.__getitem__
        return Nearby(
            candidates=tuple(
                Candidate(party_id, version, shared, tuple(faces), tuple(map(key, map(int, held.split(",")))))
                for party_id, (version, shared, held, faces) in self._candidates.items()
            ),
            edges=tuple(self._edges),
            common=tuple(self._common),
            population=population,
            party_id=self._party_id,
            state=self._state,
        )
