"""What another model, or other thresholds, would change: decided pairs first, then every record."""

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np

from crossdock.entrypoints.cli.match.reading import Crowd
from crossdock.identity.matching.bulk import dedupe
from crossdock.identity.matching.outcome import BANDS, Outcome
from crossdock.identity.matching.population import Population
from crossdock.identity.matching.scoring import Scorer
from crossdock.identity.matching.training import Label, Progress
from crossdock.identity.recognition.rehearsing import AGAINST, Changed, SourceChange, Way, judged


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
    pairs = _judged(crowd, population, labels, before, after)
    return Rehearsed(
        decided=len(pairs),
        contradicted_before=sum(AGAINST[pair.verdict == "same"] == pair.before for pair in pairs),
        contradicted=sum(pair.contradicts for pair in pairs),
        pairs=tuple(pair for pair in pairs if pair.contradicts or pair.before != pair.after),
        sources=by_source(crowd, population, before, after, progress),
    )


def _judged(
    crowd: Crowd, population: Population, labels: Sequence[Label], before: Way, after: Way
) -> list[Changed]:
    ways = _scorer(population, before), _scorer(population, after)
    return [
        judged(
            (crowd.name(label.left), crowd.name(label.right)),
            (crowd.features(label.left), crowd.features(label.right)),
            ways,
            same=label.same,
        )
        for label in labels
    ]


def _scorer(population: Population, way: Way) -> Scorer:
    model = way.model
    for group in population.groups:
        model = model.rescaled(len(group), group.kind)
    return Scorer(model, way.bands)


def by_source(
    crowd: Crowd, population: Population, before: Way, after: Way, progress: Progress
) -> tuple[SourceChange, ...]:
    """How many records of each source would have another band or cluster, were all of them matched at once."""
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
