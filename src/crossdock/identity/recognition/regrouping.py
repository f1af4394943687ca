"""Whom another way to decide would put together, part, or leave to a steward: of all customers of the hub.

    a party's records ─┬ beside one another ─ who is linked now and would not be any more leaves
                       └ beside the parties nearby ─ who is not linked now and would be is put together with them

Only what the two ways see differently counts. What holds a party together for another reason (a number that a
system told, a record that the hub made, a word of a person) stays together; people's words go before both ways.
A record speaks by what its system said of its own accord: what the hub wrote there says nothing about whose it is.

Parties are read page by page. What is kept grows with what would change, up to CHANGES_MAX, not with
customers.

Requirements: CUS-16, CUS-18.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from crossdock.identity.golden.contributions import HeldRecord
from crossdock.identity.golden.fields import party_of
from crossdock.identity.golden.ledger import PAGE_ROWS_MAX, PartyFile, record_key
from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.record import Features
from crossdock.identity.matching.rules import Rule
from crossdock.identity.matching.scoring import Band
from crossdock.identity.matching.weighing import FAR_BELOW
from crossdock.identity.recognition.index import Nearby, Verdict
from crossdock.identity.recognition.profiles import profile_of
from crossdock.identity.recognition.rehearsing import Scorers, SourceChange, Way, scorers_of
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Invalid

CHANGES_MAX = 100_000
"""So many parties that would be put together or parted are followed; a way that changes more is told as that."""
RECORDS_MAX = 60
"""A party of more records is not taken apart here: beside one another they are too many."""
_RANKS: Mapping[Band, int] = {"new": 0, "review": 1, "link": 2}
_BANDS: tuple[Band, ...] = ("new", "review", "link")

Progress = Callable[[str, float], None]
Pair = tuple[str, str]


class Surroundings(Protocol):
    """What is known of parties and around them, to be read."""

    async def count_parties(self) -> int:
        """See PartyLedger."""
        ...

    async def read_parties(self, *, behind: str = "", limit: int = 50) -> Sequence[PartyFile]:
        """See PartyLedger."""
        ...

    async def count_population(self) -> int:
        """See MatchIndex."""
        ...

    async def look_nearby(self, record: str, keys: Sequence[int]) -> Nearby:
        """See MatchIndex."""
        ...


class Spoken(NamedTuple):
    """What a record says of its own accord, as it is compared; since when."""

    record: str
    system: str
    features: Features
    since: Instant


class Sight(NamedTuple):
    """A pair under one way, whatever people said of it."""

    band: Band
    is_forbidden: bool
    weight: float


def spoken(records: Iterable[HeldRecord]) -> list[Spoken]:
    """The living records that say anything themselves. Raises Invalid for one that fits no field any more."""
    found = []
    for record in records:
        own = {name: held for name, held in record.fields.items() if held.has_said}
        if record.state == "live" and own:
            says = party_of({name: held.said for name, held in own.items()})
            features = features_of(profile_of(says, record.reference))
            since = min(held.arrived_at for held in own.values())
            found.append(Spoken(record_key(record.reference), record.reference.system, features, since))
    return found


def sights(mine: Features, others: Sequence[Features], scorers: Scorers) -> tuple[list[Sight], list[Sight]]:
    """A record beside others, both ways. One model is asked once, whatever its bands."""
    was, now = scorers
    first = was.weigh(mine, others)
    second = first if was.version == now.version else now.weigh(mine, others)
    found = []
    for scorer, weighings in ((was, first), (now, second)):
        seen = []
        for weighing in weighings:
            weight, rule = (weighing.weight, weighing.rule) if weighing else (FAR_BELOW, Rule.NONE)
            band: Band = scorer.band(mine.kind, weight, rule) if weighing else "new"
            seen.append(Sight(band, weighing is None or rule < Rule.NONE, weight))
        found.append(seen)
    return found[0], found[1]


def companies(names: Iterable[str], pairs: Iterable[Pair]) -> dict[str, str]:
    """The least name in the company of each, where pairs keep company."""
    above = {name: name for name in names}

    def least(name: str) -> str:
        while above[name] != name:
            above[name] = above[above[name]]
            name = above[name]
        return name

    for one, other in pairs:
        first, second = sorted((least(one), least(other)))
        above[second] = first
    return {name: least(name) for name in above}


class _Meeting:
    """A party beside another under one way: the best of what their records are to one another."""

    __slots__ = ("is_forbidden", "rank", "weight")

    def __init__(self) -> None:
        self.rank, self.weight, self.is_forbidden = 0, FAR_BELOW, False

    def see(self, sight: Sight) -> None:
        self.is_forbidden |= sight.is_forbidden
        self.rank, self.weight = max((self.rank, self.weight), (_RANKS[sight.band], sight.weight))

    def band(self, said: Verdict | None) -> Band:
        """People's words go before rules, rules before weights."""
        if said is not None:
            return "link" if said == "same" else "new"
        return "new" if self.is_forbidden else _BANDS[self.rank]


class Regrouping:
    """What two ways to decide see differently, party by party.

    `pairs` would be put together, by their weight. `leaving`: companies of records that would leave their party.
    `held` would wait for a steward and do not, `freed` would not and do. `apart`: people said that they are two.
    `unreadable` parties have a record that fits no field any more; `beyond` changes were too many to be followed.
    """

    def __init__(self, scorers: Scorers) -> None:
        self._scorers = scorers
        self._records: dict[str, Counter[str]] = {}
        self.pairs: dict[Pair, float] = {}
        self.leaving: dict[str, tuple[tuple[str, ...], ...]] = {}
        self.held: set[str] = set()
        self.freed: set[str] = set()
        self.apart: set[Pair] = set()
        self.parties = self.unreadable = self.beyond = 0

    def take(self, party_id: str, records: Sequence[Spoken], around: Sequence[Nearby]) -> None:
        """A party by its records that speak, and what the index knows around each."""
        self.parties += 1
        best: tuple[dict[str, int], dict[str, int]] = {}, {}
        self._take_inside(party_id, records, around, best)
        self._take_outside(party_id, records, around, best)
        for one in records:
            was, now = (_BANDS[ranks.get(one.record, 0)] for ranks in best)
            counts = self._records.setdefault(one.system, Counter())
            counts["records"] += 1
            if was != now:
                counts[f"{was} > {now}"] += 1

    def sources(self, moved: Mapping[str, int]) -> tuple[SourceChange, ...]:
        """Records by system; `moved`: how many of each would come to another party."""
        return tuple(
            SourceChange(
                source=name,
                records=counts["records"],
                other_band=counts.total() - counts["records"],
                other_cluster=moved.get(name, 0),
                bands={each: count for each, count in sorted(counts.items()) if each != "records"},
            )
            for name, counts in sorted(self._records.items())
        )

    def groups(self) -> list[tuple[str, ...]]:
        """All parties for which anything would change; together those that would be put together."""
        alone = {*self.leaving, *self.held, *self.freed}
        least = companies(alone.union(*self.pairs), self.pairs)
        found: dict[str, list[str]] = {}
        for party_id in sorted(least):
            found.setdefault(least[party_id], []).append(party_id)
        return [tuple(group) for group in found.values()]

    def put_together(self, files: Mapping[str, Sequence[Spoken]]) -> list[list[str]]:
        """How the parties of a group would be put together: the surest first, and none who must not be one."""
        company = {party_id: [party_id] for party_id in sorted(files)}
        pairs = [pair for pair in self.pairs if pair[0] in company and pair[1] in company]
        for one, other in sorted(pairs, key=lambda pair: (-self.pairs[pair], pair)):
            first, second = company[one], company[other]
            if first is second or any(self._must_not(a, b, files) for a in first for b in second):
                continue
            first += second
            first.sort()
            for each in second:
                company[each] = first
        return [members for party_id, members in company.items() if members[0] == party_id]

    def _must_not(self, one: str, other: str, files: Mapping[str, Sequence[Spoken]]) -> bool:
        if _pair(one, other) in self.apart:
            return True
        if _pair(one, other) in self.pairs:
            return False  # they were looked at
        faces = [each.features for each in files[other]]
        return any(
            sight.is_forbidden for each in files[one] for sight in sights(each.features, faces, self._scorers)[1]
        )

    def _take_inside(
        self,
        party_id: str,
        records: Sequence[Spoken],
        around: Sequence[Nearby],
        best: tuple[dict[str, int], dict[str, int]],
    ) -> None:
        """Who would leave: those who are with somebody now, and would be with nobody who stays."""
        if not 1 < len(records) <= RECORDS_MAX:
            return
        words = {
            (one.record, edge.other): edge.verdict
            for one, near in zip(records, around, strict=True)
            for edge in near.edges
        }
        linked: tuple[list[Pair], list[Pair]] = [], []
        for place, one in enumerate(records[:-1]):
            others = records[place + 1 :]
            seen = sights(one.features, [each.features for each in others], self._scorers)
            for links, ranks, sides in zip(linked, best, seen, strict=True):
                for other, sight in zip(others, sides, strict=True):
                    for name in (one.record, other.record):
                        ranks[name] = max(ranks.get(name, 0), _RANKS[sight.band])
                    said = words.get((one.record, other.record)) or words.get((other.record, one.record))
                    if said == "same" or (said is None and sight.band == "link"):
                        links.append((one.record, other.record))
        if linked[0] == linked[1]:
            return
        was, now = (companies((each.record for each in records), links) for links in linked)
        # Of each company the record that was there first stays, and with it whoever is still with that one.
        first = {was[each.record]: now[each.record] for each in sorted(records, key=_age, reverse=True)}
        gone: dict[str, list[str]] = {}
        for each in records:
            if now[each.record] not in first.values():
                gone.setdefault(now[each.record], []).append(each.record)
        if gone and self._follows():
            self.leaving[party_id] = tuple(tuple(company) for company in gone.values())

    def _take_outside(
        self,
        party_id: str,
        records: Sequence[Spoken],
        around: Sequence[Nearby],
        best: tuple[dict[str, int], dict[str, int]],
    ) -> None:
        met: tuple[dict[str, _Meeting], dict[str, _Meeting]] = {}, {}
        said: dict[str, Verdict] = {}
        for one, near in zip(records, around, strict=True):
            for edge in near.edges:
                if edge.party_id and edge.party_id != party_id and said.get(edge.party_id) != "not_same":
                    said[edge.party_id] = edge.verdict
            faces = [
                (candidate.party_id, face.features)
                for candidate in near.candidates
                if candidate.party_id != party_id
                for face in candidate.faces
            ]
            seen = sights(one.features, [features for _, features in faces], self._scorers)
            for meetings, ranks, sides in zip(met, best, seen, strict=True):
                for (other, _), sight in zip(faces, sides, strict=True):
                    meetings.setdefault(other, _Meeting()).see(sight)
                    ranks[one.record] = max(ranks.get(one.record, 0), _RANKS[sight.band])
        self.apart |= {_pair(party_id, other) for other, verdict in said.items() if verdict == "not_same"}
        self._weigh(party_id, met, said)

    def _weigh(
        self, party_id: str, met: tuple[dict[str, _Meeting], dict[str, _Meeting]], said: Mapping[str, Verdict]
    ) -> None:
        was, now = ({other: each.band(said.get(other)) for other, each in side.items()} for side in met)
        linked = [other for other, band in now.items() if band == "link" and was[other] != "link"]
        doubtful = [other for other in met[0] if was[other] == "review"]
        doubted = [other for other, band in now.items() if band == "review"]
        if linked:
            # As when it arrives: it is put together with the likest; whether with the others, a steward says.
            likest = max(linked, key=lambda other: (met[1][other].weight, other))
            doubted += [other for other in linked if other != likest]
            if _pair(party_id, likest) in self.pairs or self._follows():
                self.pairs[_pair(party_id, likest)] = met[1][likest].weight
        # Who came later is who waits for the word.
        before, after = (any(other < party_id for other in others) for others in (doubtful, doubted))
        if before != after and self._follows():
            (self.held if after else self.freed).add(party_id)

    def _follows(self) -> bool:
        """Whether one more change is followed."""
        many = len(self.pairs) + len(self.leaving) + len(self.held) + len(self.freed)
        self.beyond += many >= CHANGES_MAX
        return many < CHANGES_MAX


def _age(one: Spoken) -> tuple[Instant, str]:
    return one.since, one.record


def _pair(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


async def regroup(past: Surroundings, before: Way, after: Way, progress: Progress) -> Regrouping:
    """Both ways beside one another over all parties. Raises StoreUnavailable."""
    found = Regrouping(scorers_of(before, after, await past.count_population()))
    total, behind, done = await past.count_parties(), "", 0
    while files := await past.read_parties(behind=behind, limit=PAGE_ROWS_MAX):
        speaking: list[tuple[str, list[Spoken]]] = []
        for file in files:
            try:
                speaking.append((file.party_id, spoken(file.records)))
            except Invalid:
                found.unreadable += 1
        records = list(itertools.chain.from_iterable(each for _, each in speaking))
        looks = await asyncio.gather(*(past.look_nearby(one.record, keys_of(one.features)) for one in records))
        around = {one.record: near for one, near in zip(records, looks, strict=True)}
        for party_id, own in speaking:
            found.take(party_id, own, [around[one.record] for one in own])
            await asyncio.sleep(0)
        behind, done = files[-1].party_id, done + len(files)
        progress("looking who is whom", min(1.0, done / max(total, 1)))
    return found
