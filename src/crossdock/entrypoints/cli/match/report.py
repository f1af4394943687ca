"""What a dedupe found, on a page: one file, nothing fetched, light or dark as the reader has it."""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from crossdock.entrypoints.cli.match.reading import Crowd
from crossdock.identity.matching.model import Model
from crossdock.identity.matching.outcome import LINK, REVIEW, Outcome
from crossdock.identity.matching.population import Group, Population
from crossdock.identity.matching.scoring import Decision, Scorer
from crossdock.insight.pages import Bar, bars, environment

EXAMPLES = 6
MEMBERS_SHOWN_MAX = 8
KEYS_SHOWN = 14
SIZES_SHOWN = 10
BITS_LOWEST, BITS_HIGHEST, BITS_WIDTH = -8, 40, 2
SHOWN = ("name", "organisation", "birth_date", "line", "postcode", "city", "email", "phone")


class Part(NamedTuple):
    """One comparison of an example; `left` and `width` place its bar, in percent."""

    words: str
    found: str
    bits: float
    left: float
    width: float


class Example(NamedTuple):
    """Some records side by side, and the evidence about two of them."""

    title: str
    records: list[dict[str, str]]
    decision: Decision | None
    parts: list[Part]
    more: int = 0


def page(crowd: Crowd, population: Population, model: Model, outcome: Outcome, seconds: float) -> str:
    """The page."""
    examples = _Examples(crowd, population, model, outcome)
    bands = Counter(outcome.bands.tolist())
    clusters = sum(outcome.cluster_sizes().values())
    return (
        environment("crossdock.entrypoints.cli.match")
        .get_template("report.html")
        .render(
            files=crowd.files,
            maps=crowd.maps,
            seconds=seconds,
            size=outcome.size,
            clusters=clusters,
            surplus=outcome.size - clusters,
            linked=bands[LINK],
            review=bands[REVIEW],
            alone=outcome.size - bands[LINK] - bands[REVIEW],
            doubts=len(outcome.to_review),
            homes=len(outcome.households),
            borders=_borders(outcome),
            sizes=_sizes(outcome),
            weights=_weights(outcome),
            overlap=_overlap(crowd, outcome),
            keys=_keys(population, outcome),
            clustered=examples.clusters(),
            doubtful=examples.doubts(),
            households=examples.households(),
            shown=[name for name in SHOWN if examples.has(name)],
            version=model.version,
        )
    )


def _borders(outcome: Outcome) -> list[tuple[float, str]]:
    """Where bands begin, in percent of the width, and words at the last; kinds apart where they differ."""
    told = outcome.thresholds
    places = sorted({bits for each in told.values() for bits in (each.review, each.link)})
    alike = len(set(map(str, told.values()))) <= 1
    said = [
        f"{'' if alike else f'{kind}s: '}link from {each.link:g}, review from {each.review:g} bits"
        for kind, each in told.items()
    ]
    words = "\n".join(dict.fromkeys(said))
    return [(_percent_of_bits(bits), words if bits == places[-1] else "") for bits in places]


def _percent_of_bits(bits: float) -> float:
    return min(100.0, max(0.0, (bits - BITS_LOWEST) / (BITS_HIGHEST + BITS_WIDTH - BITS_LOWEST) * 100))


def _sizes(outcome: Outcome) -> list[Bar]:
    sizes = outcome.cluster_sizes()
    counts = [(str(size), sizes.get(size, 0), "") for size in range(1, min(SIZES_SHOWN, max(sizes)) + 1)]
    if more := sum(count for size, count in sizes.items() if size > SIZES_SHOWN):
        counts.append((f"over {SIZES_SHOWN}", more, ""))
    return bars(counts)


def _weights(outcome: Outcome) -> list[Bar]:
    """Pairs by their bits: two humps with little between them are well told apart.

    Where the kinds differ, what is in no one band of both counts as for review.
    """
    edges = np.arange(BITS_LOWEST, BITS_HIGHEST + 2 * BITS_WIDTH, BITS_WIDTH)
    weights = outcome.pairs.weights
    kept = np.clip(weights[weights >= BITS_LOWEST], BITS_LOWEST, BITS_HIGHEST)
    counts, _ = np.histogram(kept, edges)
    told = outcome.thresholds.values()
    link, review = max(each.link for each in told), min(each.review for each in told)
    kinds = ["link" if edge >= link else "review" if edge >= review else "new" for edge in edges.tolist()]
    return bars(
        [
            (f"{edge} to {edge + BITS_WIDTH} bits", count, kind)
            for edge, count, kind in zip(edges.tolist(), counts.tolist(), kinds, strict=False)
        ]
    )


def _overlap(crowd: Crowd, outcome: Outcome) -> list[list[int]]:
    """For each file how many of its records have company in each file."""
    files = len(crowd.files)
    present = np.unique(outcome.clusters * files + crowd.source)
    held = np.zeros((outcome.size, files), bool)
    held[present // files, present % files] = True
    together = held[outcome.clusters]
    several = outcome.sizes > 1
    counted = np.bincount(outcome.clusters * files + crowd.source, minlength=outcome.size * files)
    own = counted.reshape(-1, files)[outcome.clusters, crowd.source] > 1
    found = []
    for one in range(files):
        mine = (crowd.source == one) & several
        row = [int((mine & together[:, other]).sum()) for other in range(files)]
        row[one] = int((mine & own).sum())
        found.append(row)
    return found


def _keys(population: Population, outcome: Outcome) -> list[Bar]:
    """The key functions that brought most matches, with how many pairs they brought in all."""
    found: list[tuple[str, int, int]] = []
    inside = np.flatnonzero(outcome.inside)
    for group in population.groups:
        matched = _packed(group, population, outcome.pairs.left[inside], outcome.pairs.right[inside])
        found += [
            (f"{name}{'' if group.kind == 'person' else ' (organisations)'}", pairs.size, _within(pairs, matched))
            for name, pairs in group.brought.items()
        ]
    found = sorted((one for one in found if one[1]), key=lambda one: (-one[2], one[1]))[:KEYS_SHOWN]
    longest = max((count for _, count, _ in found), default=1)
    return [
        Bar(
            name.replace("place.", "").replace("_", " "),
            count,
            count / longest * 100,
            "",
            hit / longest * 100,
            hit,
        )
        for name, count, hit in found
    ]


def _packed(group: Group, population: Population, left: Any, right: Any) -> Any:
    place = np.full(population.size, -1)
    place[group.rows] = np.arange(len(group))
    one, other = place[left], place[right]
    mine = (one >= 0) & (other >= 0)
    packed = one[mine] * len(group) + other[mine]
    packed.sort()
    return packed


def _within(pairs: Any, matched: Any) -> int:
    if not matched.size:
        return 0
    at = np.minimum(np.searchsorted(matched, pairs), matched.size - 1)
    return int(np.unique(pairs[matched[at] == pairs]).size)


class _Examples:
    """Records side by side, chosen alike in every run."""

    def __init__(self, crowd: Crowd, population: Population, model: Model, outcome: Outcome) -> None:
        self.crowd = crowd
        self.outcome = outcome
        for group in population.groups:
            model = model.rescaled(len(group), group.kind)
        self.scorer = Scorer(model, outcome.by_kind)

    def has(self, name: str) -> bool:
        """Whether anybody's column holds that."""
        return name == "name" or name in self.crowd.table.columns

    def clusters(self) -> list[Example]:
        """The largest cluster, the least certain ones, and some of the usual size."""
        outcome = self.outcome
        heads = np.flatnonzero((outcome.clusters == np.arange(outcome.size)) & (outcome.sizes > 1))
        if not heads.size:
            return []
        largest = heads[np.argmax(outcome.sizes[heads])]
        sure = outcome.pairs.weights[outcome.strongest[heads]]
        rows = [largest, *heads[np.argsort(sure, kind="stable")[: EXAMPLES // 3]]]
        rows += list(heads[:: max(1, heads.size // EXAMPLES)])
        chosen = list(dict.fromkeys(int(row) for row in rows))[:EXAMPLES]
        return [self._cluster(head, "the largest" if head == largest else "") for head in chosen]

    def _cluster(self, head: int, title: str) -> Example:
        members = self.outcome.members(head)
        one = min(members, key=lambda row: self.outcome.pairs.weights[self.outcome.strongest[row]])
        other = self.outcome.partner(one)
        shown = list(dict.fromkeys([one, other, *members]))[:MEMBERS_SHOWN_MAX]
        words = f"{len(members)} records of one" + (f", {title}" if title else "")
        return self._example(words, shown, (one, other), len(members) - len(shown))

    def doubts(self) -> list[Example]:
        """Pairs for review, spread from the surest to the least sure."""
        return self._pairs(self.outcome.to_review, "One or two?")

    def households(self) -> list[Example]:
        """Pairs of one household."""
        return self._pairs(self.outcome.households, "Two of one household")

    def _pairs(self, places: Any, title: str) -> list[Example]:
        chosen = places[:: max(1, places.size // EXAMPLES)][:EXAMPLES].tolist()
        pairs = self.outcome.pairs
        rows = [(int(pairs.left[place]), int(pairs.right[place])) for place in chosen]
        return [self._example(title, list(pair), pair) for pair in rows]

    def _example(self, title: str, rows: list[int], pair: tuple[int, int], more: int = 0) -> Example:
        decision = self.scorer.pair(*(self.crowd.features(row) for row in pair))
        return Example(title, [self._record(row) for row in rows], decision, _parts(decision), more)

    def _record(self, row: int) -> dict[str, str]:
        table = self.crowd.table
        found = {name: ", ".join(table.values(name, row)) for name in SHOWN}
        parts = [table.value(name, row) for name in ("given", "middle", "family")]
        found["name"] = " ".join(filter(None, parts)) or found["name"]
        return {"id": self.crowd.name(row), **found}


def _parts(decision: Decision) -> list[Part]:
    """The evidence as bars to both sides of a line in the middle."""
    widest = max((abs(one.weight) for one in decision.evidence), default=1.0) or 1.0
    found = []
    for one in sorted(decision.evidence, key=lambda one: -abs(one.weight)):
        width = abs(one.weight) / widest * 50
        left = 50.0 if one.weight >= 0 else 50 - width
        found.append(Part(one.comparison, one.found, one.weight, left, width))
    return found
