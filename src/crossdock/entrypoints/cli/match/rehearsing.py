"""What another model, or other thresholds, would change: decided pairs first, then every record."""

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
from rich.text import Text

from crossdock.entrypoints.cli.match.reading import Crowd
from crossdock.entrypoints.cli.match.views import STYLES, plain_table
from crossdock.entrypoints.cli.output import note, out, plain
from crossdock.identity.matching.bulk import dedupe
from crossdock.identity.matching.model import Bands, Model
from crossdock.identity.matching.outcome import BANDS, Outcome
from crossdock.identity.matching.population import Population
from crossdock.identity.matching.scoring import Band, Scorer
from crossdock.identity.matching.training import Label, Progress

AGAINST: dict[bool, Band] = {True: "new", False: "link"}
"""The band that contradicts a person's word: the same taken for strangers, others taken for one."""


class Way(msgspec.Struct, frozen=True):
    """One way to decide."""

    model: Model
    bands: Bands


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


class SourceChange(msgspec.Struct, frozen=True, kw_only=True):
    """What would change for the records of one source; `bands` counts them as `before > after`."""

    source: str
    records: int
    other_band: int
    other_cluster: int
    bands: dict[str, int]


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What a rehearsal came to. `pairs` are the decided ones that change their band or contradict."""

    decided: int
    contradicted_before: int
    contradicted: int
    pairs: tuple[Changed, ...]
    sources: tuple[SourceChange, ...]


def rehearse(
    crowd: Crowd, population: Population, labels: Sequence[Label], before: Way, after: Way, progress: Progress
) -> Rehearsed:
    """Both ways beside one another."""
    judged = _judged(crowd, population, labels, before, after)
    return Rehearsed(
        decided=len(judged),
        contradicted_before=sum(AGAINST[pair.verdict == "same"] == pair.before for pair in judged),
        contradicted=sum(pair.contradicts for pair in judged),
        pairs=tuple(pair for pair in judged if pair.contradicts or pair.before != pair.after),
        sources=_sources(crowd, population, before, after, progress),
    )


def _judged(
    crowd: Crowd, population: Population, labels: Sequence[Label], before: Way, after: Way
) -> list[Changed]:
    first, second = _scorer(population, before), _scorer(population, after)
    found = []
    for label in labels:
        pair = crowd.features(label.left), crowd.features(label.right)
        was, now = first.pair(*pair), second.pair(*pair)
        found.append(
            Changed(
                one=crowd.name(label.left),
                other=crowd.name(label.right),
                verdict="same" if label.same else "not_same",
                before=was.band,
                after=now.band,
                weight_before=was.weight,
                weight_after=now.weight,
                contradicts=now.band == AGAINST[label.same],
            )
        )
    return found


def _scorer(population: Population, way: Way) -> Scorer:
    model = way.model
    for group in population.groups:
        model = model.rescaled(len(group), group.kind)
    return Scorer(model, way.bands)


def _sources(
    crowd: Crowd, population: Population, before: Way, after: Way, progress: Progress
) -> tuple[SourceChange, ...]:
    was, now = (
        Outcome(dedupe(population, way.model, progress=progress), way.bands, population) for way in (before, after)
    )
    moved, apart = was.bands != now.bands, was.clusters != now.clusters
    found = []
    for number, name in enumerate(crowd.files):
        mine = crowd.source == number
        pairs = zip(was.bands[mine & moved].tolist(), now.bands[mine & moved].tolist(), strict=True)
        bands = Counter(f"{BANDS[one]} > {BANDS[other]}" for one, other in pairs)
        found.append(
            SourceChange(
                source=name,
                records=int(mine.sum()),
                other_band=int((mine & moved).sum()),
                other_cluster=int(np.count_nonzero(mine & apart)),
                bands=dict(sorted(bands.items())),
            )
        )
    return tuple(found)


def print_rehearsed(found: Rehearsed) -> None:
    """The contradictions, the decided pairs that move, and what would change per source."""
    console = out()
    table = plain_table()
    for pair in found.pairs:
        mark = Text("AGAINST", "bad") if pair.contradicts else Text("moves", "quiet")
        table.add_row(
            mark,
            Text(plain(f"{pair.one} and {pair.other}"), "name"),
            Text(f"said: {pair.verdict.replace('_', ' ')}", "quiet"),
            Text.assemble((pair.before, STYLES[pair.before]), " > ", (pair.after, STYLES[pair.after])),
            Text(f"{pair.weight_before:+.1f} > {pair.weight_after:+.1f} bits", "quiet"),
        )
    console.print(table)
    for source in found.sources:
        words = f"{source.other_band:,} of {source.records:,} records would change their band"
        bands = ", ".join(f"{band} {count:,}" for band, count in source.bands.items())
        line = f"{source.source}: {words}{f' ({bands})' if bands else ''}, {source.other_cluster:,} their cluster"
        console.print(Text(plain(line)))
    word = "good" if not found.contradicted else "bad"
    line = f"{found.contradicted} of {found.decided} decided pairs would be judged against somebody's word"
    console.print(Text(f"{line}; {found.contradicted_before} are now.", word))
    if found.contradicted:
        note("Exit code 1: do not use this model before that is understood.")
