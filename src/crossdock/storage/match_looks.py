"""Looks into the match index: who shares keys with a record, for as many records at once as are asked for.

A look is two queries: which parties stand under the keys, and what the nearest of them show. While they are
answered others are asked for; they go together in the next ones, so that a busy hub spends little on asking.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import lru_cache

import msgspec

from crossdock.durable.codec import encode
from crossdock.identity.matching.record import Features
from crossdock.identity.recognition.index import PER_KEY_MAX, Candidate, Edge, Face, Nearby, nearest_of
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


_STANDING, _EDGE, _PLACE, _POPULATION = range(4)
_COLUMNS = ("what", "owner", "number", "one", "two", "three")
_SHOWN = ("party", "version", "party_id", "record")
_features = msgspec.json.Decoder(Features).decode
lists_of = msgspec.json.Decoder(list[list[int]]).decode


def standing(words: Words, named: str, per_key_max: int) -> str:
    """The SQL for the parties under keys `k.value`: one text, a JSON array of arrays, each begun by `named`.

    Of a key no more parties are told than the cap and one; a key without any is left out.
    """
    few = f"SELECT c.party AS number FROM match_key c WHERE c.hash = k.value LIMIT {per_key_max + 1}"
    told = f"'[' || {named} || ',' || (SELECT {words.joined} FROM ({few}) few) || ']'"
    return f"SELECT {words.joined} FROM (SELECT {told} AS number FROM {words.numbered} k) told"


@lru_cache(maxsize=8)
def around_query(words: Words, per_key_max: int = PER_KEY_MAX) -> str:
    """What is known around several records: all their keys as one JSON array, and the records three times.

    Under a key no more is read than the cap, so that a common name costs no more than a rare one. Rows are told
    apart by `what`: the parties under the keys (each by its place), edges, the record's own place, the population.
    """
    return (
        f"SELECT {_STANDING} AS what, 0 AS owner, 0 AS number, "
        f"({standing(words, 'k.owner', per_key_max)}) AS one, '' AS two, '' AS three "
        f"UNION ALL SELECT {_EDGE}, a.owner, 0, e.other, e.verdict, coalesce(p.party_id, '') "
        f"FROM {words.texts} a JOIN match_edge e ON e.one = a.value LEFT JOIN match_face f ON f.record = e.other "
        "LEFT JOIN match_party p ON p.number = f.party "
        f"UNION ALL SELECT {_EDGE}, a.owner, 0, e.one, e.verdict, coalesce(p.party_id, '') "
        f"FROM {words.texts} a JOIN match_edge e ON e.other = a.value LEFT JOIN match_face f ON f.record = e.one "
        "LEFT JOIN match_party p ON p.number = f.party "
        f"UNION ALL SELECT {_PLACE}, a.owner, 0, p.party_id, '', '' FROM {words.texts} a "
        "JOIN match_face f ON f.record = a.value JOIN match_party p ON p.number = f.party "
        f"UNION ALL SELECT {_POPULATION}, -1, coalesce(max(number), 0), '', '', '' FROM match_party"
    )


@lru_cache(maxsize=8)
def shown_query(words: Words) -> str:
    """What parties show by now, their numbers as one JSON array."""
    return (
        "SELECT p.number AS party, p.version AS version, p.party_id AS party_id, f.record AS record, "
        f"f.features AS features FROM {words.numbers} k JOIN match_party p ON p.number = k.value "
        "JOIN match_face f ON f.party = p.number"
    )


def look_around(tx: Transaction, looks: Sequence[Look]) -> list[Nearby]:
    """Who shares keys with each record, what people said of it, and where it stands."""
    keys = encode(tx.blinded([key for look in looks for key in look.keys])).decode()
    records = encode([look.record for look in looks]).decode()
    found = [_Around(look) for look in looks]
    population = 0
    # By their first columns: edges always in one order.
    for what, owner, number, one, two, three in sorted(
        tx.gather(around_query(tx.words), _COLUMNS, (keys, records, records, records))
    ):
        if what == _STANDING:
            _share(found, lists_of(f"[{one or ''}]"))
        elif what == _EDGE:
            found[owner].edges.append(Edge(other=one, verdict=two, party_id=three))
        elif what == _PLACE:
            found[owner].party_id = one
        else:
            population = number
    parties = _shown(tx, {party for one in found for party in one.nearest()})
    return [one.told(parties, population) for one in found]


def _share(found: Sequence["_Around"], standing_there: list[list[int]]) -> None:
    """Tell each look who stands under its keys, in their order: floating numbers are added up in that order."""
    places = [(one, nth) for one in found for nth in range(len(one.look.keys))]
    standing_there.sort()
    for owner, *parties in standing_there:
        around, nth = places[owner]
        around.share(nth, parties)


_Shown = tuple[str, int, tuple[Face, ...]]


def _shown(tx: Transaction, numbers: Collection[int]) -> dict[int, _Shown]:
    """Id, version and faces of parties by their numbers; one without a face is absent."""
    if not numbers:
        return {}
    rows = tx.gather(shown_query(tx.words), _SHOWN, (encode(sorted(numbers)).decode(),), "features")
    faces: dict[int, list[Face]] = defaultdict(list)
    ids: dict[int, tuple[str, int]] = {}
    for party, version, party_id, record, features in rows:
        ids[party] = party_id, version
        faces[party].append(Face(record, _features(features)))
    return {
        party: (*ids[party], tuple(shown if len(shown) == 1 else sorted(shown, key=_record)))
        for party, shown in faces.items()
    }


def _record(face: Face) -> str:
    return face.record


class _Around:
    """What one look finds."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.party_id = ""
        self.edges: list[Edge] = []
        self._common: list[int] = []
        self._state = 0
        self._near: dict[int, float] = {}
        self._held: dict[int, list[int]] = {}
        self._nearest: list[int] | None = None

    def share(self, nth: int, parties: Sequence[int]) -> None:
        """Take in who stands under the key at that place."""
        many, near, held = len(parties), self._near, self._held
        if many > PER_KEY_MAX:
            self._common.append(nth)
            return
        self._state += STATE_STEP * many + sum(parties)
        for party in parties:
            if party in near:
                near[party] += 1 / many
                held[party].append(nth)
            else:
                near[party] = 1 / many
                held[party] = [nth]

    def nearest(self) -> list[int]:
        """The parties that are compared."""
        if self._nearest is None:
            self._nearest = nearest_of(self._near, self._held)
        return self._nearest

    def told(self, parties: Mapping[int, _Shown], population: int) -> Nearby:
        """All of it."""
        key = self.look.keys.__getitem__
        return Nearby(
            candidates=tuple(
                Candidate(party_id, version, len(self._held[party]), faces, tuple(map(key, self._held[party])))
                for party in self.nearest()
                if party in parties
                for party_id, version, faces in (parties[party],)
            ),
            edges=tuple(self.edges),
            common=tuple(map(key, self._common)),
            population=population,
            party_id=self.party_id,
            state=self._state,
        )
