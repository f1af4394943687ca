"""How good a matcher's answer is, against the truth.

Pairs of records: precision is the share of pairs it named that are the same person, recall the share of all true
pairs that it named, and those it never looked at are missed as well. Clusters are judged by the pairs they imply.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Real = NDArray[np.float64]
CLUSTER_STEPS = 12
"""At how many thresholds clusters are tried for the best one."""


@dataclass(frozen=True)
class Verdict:
    """Precision and recall at a threshold."""

    true: int
    named: int
    right: int
    threshold: float | None = None

    @property
    def precision(self) -> float:
        return self.right / self.named if self.named else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.true + self.named) if self.true + self.named else 1.0


@dataclass(frozen=True)
class Scored:
    """Pairs by the places of their records in the file, and how sure the matcher is; higher is surer."""

    left: Whole
    right: Whole
    score: Real


@dataclass
class Truth:
    """Who each record really is, and of which file; in a link only pairs of different files count."""

    persons: Whole
    files: Whole
    link: bool
    true: int = field(init=False)

    def __post_init__(self) -> None:
        self.true = pairs_within(self.persons)
        if self.link:
            self.true -= pairs_within(self.persons * (int(self.files.max()) + 1) + self.files)

    def pairs(self, scored: Scored, threshold: float) -> Verdict:
        """The pairs at or above a threshold."""
        kept = scored.score >= threshold
        left, right = scored.left[kept], scored.right[kept]
        same = self.persons[left] == self.persons[right]
        return Verdict(self.true, len(left), int(same.sum()), threshold)

    def best_pairs(self, scored: Scored) -> Verdict:
        """At the threshold that, knowing the truth, is the best."""
        order = np.argsort(-scored.score, kind="stable")
        score = scored.score[order]
        right = np.cumsum(self.persons[scored.left[order]] == self.persons[scored.right[order]])
        named = np.arange(1, len(score) + 1)
        ends = np.flatnonzero(np.append(score[1:] != score[:-1], True)) if len(score) else np.zeros(0, np.int64)
        if not len(ends):
            return Verdict(self.true, 0, 0)
        best = ends[np.argmax(2 * right[ends] / (self.true + named[ends]))]
        return Verdict(self.true, int(named[best]), int(right[best]), float(score[best]))

    def clusters(self, labels: Whole, threshold: float | None = None) -> Verdict:
        """Who the matcher thinks each record is: all pairs that this implies."""
        both = self.persons * (int(labels.max(initial=0)) + 1) + labels
        named, right = pairs_within(labels), pairs_within(both)
        if self.link:
            count = int(self.files.max()) + 1
            named -= pairs_within(labels * count + self.files)
            right -= pairs_within(both * count + self.files)
        return Verdict(self.true, named, right, threshold)

    def best_clusters(self, scored: Scored, natural: float, gather: "Gather") -> Verdict:
        """At thresholds from below the natural one up, the best clusters that `gather` makes."""
        lowest = float(scored.score.min(initial=natural))
        highest = float(np.quantile(scored.score, 0.9)) if len(scored.score) else natural
        # Half of the steps above the natural threshold, half below.
        below = np.linspace(max(lowest, natural - (highest - natural)), natural, CLUSTER_STEPS // 2 + 1)
        above = np.linspace(natural, highest, CLUSTER_STEPS // 2 + 1)
        tried = sorted({float(step) for step in (*below, *above)})
        verdicts = [self.clusters(gather(len(self.persons), scored, at), at) for at in tried]
        return max(verdicts, key=lambda verdict: verdict.f1)


Gather = Callable[[int, Scored, float], Whole]
"""How a matcher makes clusters of so many records out of scored pairs, at a threshold: a label per record."""


def truth_of(persons: Sequence[str], files: Sequence[str], *, link: bool) -> Truth:
    """From the names of persons and files, in the order of the records."""
    return Truth(np.unique(np.array(persons), return_inverse=True)[1].astype(np.int64),
                 np.unique(np.array(files), return_inverse=True)[1].astype(np.int64), link)  # fmt: skip


def pairs_within(labels: Whole) -> int:
    """How many pairs of records have the same label."""
    counts = np.unique(labels, return_counts=True)[1].astype(np.int64)
    return int((counts * (counts - 1) // 2).sum())


def connected(count: int, scored: Scored, threshold: float) -> Whole:
    """A label per record: the same where pairs at or above the threshold connect them."""
    root = list(range(count))

    def find(place: int) -> int:
        while root[place] != place:
            root[place] = root[root[place]]
            place = root[place]
        return place

    kept = scored.score >= threshold
    for one, other in zip(scored.left[kept].tolist(), scored.right[kept].tolist(), strict=True):
        first, second = find(one), find(other)
        if first != second:
            root[max(first, second)] = min(first, second)
    return np.array([find(place) for place in range(count)], dtype=np.int64)
