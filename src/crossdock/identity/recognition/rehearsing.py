"""Another model, or other bands, on what people said of pairs of records: which would be judged otherwise.

    a word of a person ─ both records as they are ─┬ judged as now
                                                   └ judged the other way; against the word, or only otherwise

The words are those that the hub keeps for good: decisions of stewards, merges and their ends. Nothing is written.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.model import Bands, Model
from crossdock.identity.matching.record import Features
from crossdock.identity.matching.scoring import Band, Scorer
from crossdock.identity.recognition.index import PAGE_ROWS_MAX, SaidPair

PAIRS_SHOWN_MAX = 200
AGAINST: dict[bool, Band] = {True: "new", False: "link"}
"""The band that contradicts a person's word: the same taken for strangers, others taken for one."""


class Way(NamedTuple):
    """One way to decide."""

    model: Model
    bands: Bands


Scorers = tuple[Scorer, Scorer]
"""Two ways made ready: as it is now, and the other one."""


class SourceChange(msgspec.Struct, frozen=True, kw_only=True):
    """What would change for the records of one source; `bands` counts them as `before > after`."""

    source: str
    records: int
    other_band: int
    other_cluster: int
    bands: dict[str, int]


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A decided pair under both ways."""

    one: str
    other: str
    verdict: str
    before: Band
    after: Band
    weight_before: float
    weight_after: float
    contradicts: bool


class SaidRehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `pairs`: those that change their band or contradict, at most 200, contradictions first.

    `moved` counts all that change their band. `gone`: words about records that are no more. `apart`: pairs that
    are the same, and would never be compared, since they have no key in common; another record of theirs may.
    """

    decided: int
    gone: int
    moved: int
    contradicted_before: int
    contradicted: int
    apart: int
    pairs: tuple[Changed, ...]


class Words(Protocol):
    """People's words, to be read."""

    async def list_said(self, *, behind: tuple[str, str] = ("", ""), limit: int = 50) -> Sequence[SaidPair]:
        """See MatchIndex."""
        ...

    async def read_faces(self, records: Collection[str]) -> Mapping[str, Features]:
        """See MatchIndex."""
        ...

    async def count_population(self) -> int:
        """See MatchIndex."""
        ...


def judged(names: tuple[str, str], pair: tuple[Features, Features], ways: Scorers, *, same: bool) -> Changed:
    """A pair of which people said whether they are the same, under both ways."""
    was, now = (way.pair(*pair) for way in ways)
    return Changed(
        one=names[0],
        other=names[1],
        verdict="same" if same else "not_same",
        before=was.band,
        after=now.band,
        weight_before=was.weight,
        weight_after=now.weight,
        contradicts=now.band == AGAINST[same],
    )


def scorers_of(before: Way, after: Way, population: int) -> Scorers:
    """Both ways as a hub that knows so many would weigh."""
    size = 1 << max(10, population.bit_length())
    was, now = (Scorer(way.model.rescaled(size), way.bands) for way in (before, after))
    return was, now


async def rehearse_words(
    words: Words, before: Way, after: Way, progress: Callable[[str, float], None]
) -> SaidRehearsed:
    """Both ways beside one another, as a hub of this size would weigh. Raises StoreUnavailable."""
    ways = scorers_of(before, after, await words.count_population())
    decided = gone = moved = against_before = against = apart = 0
    shown: list[Changed] = []
    behind = ("", "")
    progress("what people said", 0.0)
    while page := await words.list_said(behind=behind, limit=PAGE_ROWS_MAX):
        faces = await words.read_faces({record for said in page for record in (said.one, said.other)})
        for said in page:
            one, other = faces.get(said.one), faces.get(said.other)
            if one is None or other is None:
                gone += 1
                continue
            same = said.verdict == "same"
            found = judged((said.one, said.other), (one, other), ways, same=same)
            decided += 1
            moved += found.before != found.after
            against_before += found.before == AGAINST[same]
            against += found.contradicts
            apart += same and set(keys_of(one)).isdisjoint(keys_of(other))
            if found.contradicts or found.before != found.after:
                shown.append(found)
        shown = sorted(shown, key=lambda each: not each.contradicts)[:PAIRS_SHOWN_MAX]
        behind = page[-1].one, page[-1].other
    progress("what people said", 1.0)
    return SaidRehearsed(
        decided=decided,
        gone=gone,
        moved=moved,
        contradicted_before=against_before,
        contradicted=against,
        apart=apart,
        pairs=tuple(shown),
    )
