"""What a dedupe came to, record by record: its band, its company, with whom, and which pairs ask for a person."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.bulk import HOUSEHOLD_MIN, Deduped
from crossdock.identity.matching.model import Bands, Thresholds
from crossdock.identity.matching.population import Population
from crossdock.identity.matching.record import Kind
from crossdock.identity.matching.scoring import Band

Rows = NDArray[np.int64]
BANDS: tuple[Band, Band, Band] = ("link", "review", "new")
LINK, REVIEW, NEW = range(3)


class Outcome:
    """A population's clusters, read with the bands of each kind. Rows are places in the population."""

    def __init__(self, found: Deduped, bands: Bands, population: Population) -> None:
        self.clusters = found.clusters
        self.pairs = found.pairs
        self.size = len(found.clusters)
        self.by_kind = bands
        self.thresholds: dict[Kind, Thresholds] = {}
        """Of each kind of which there are records."""
        self._link, self._review = np.zeros(self.size), np.zeros(self.size)
        for group in population.groups:
            if len(group):
                told = self.thresholds[group.kind] = bands.of(group.kind)
                self._link[group.rows], self._review[group.rows] = told.link, told.review

    @cached_property
    def sizes(self) -> Rows:
        """How many records stand in each row's cluster."""
        return np.bincount(self.clusters, minlength=self.size)[self.clusters]

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Which pairs stand in one cluster."""
        pairs = self.pairs
        same: NDArray[np.bool_] = self.clusters[pairs.left] == self.clusters[pairs.right]
        return same

    @cached_property
    def strongest(self) -> Rows:
        """For each row the place of its heaviest pair (of one within its cluster, if it has company), or -1."""
        pairs = self.pairs
        # Places rise with the weight, pairs inside clusters above all others: the greatest place is the heaviest.
        order = np.lexsort((pairs.weights, self.inside))
        found = np.full(self.size, -1)
        for side in (pairs.left, pairs.right):
            np.maximum.at(found, side[order], np.arange(order.size))
        heaviest: Rows = np.append(order, -1)[found]
        return heaviest

    @cached_property
    def bands(self) -> NDArray[np.int8]:
        """A place in `BANDS` for each row: by its heaviest pair."""
        weights = np.full(self.size, -np.inf)
        paired = self.strongest >= 0
        weights[paired] = self.pairs.weights[self.strongest[paired]]
        return np.select([weights >= self._link, weights >= self._review], [LINK, REVIEW], NEW).astype(np.int8)

    @cached_property
    def to_review(self) -> Rows:
        """Places of the pairs that a steward should look at, heaviest first."""
        weights, one = self.pairs.weights, self.pairs.left  # both of a pair are of one kind
        found = np.flatnonzero((weights >= self._review[one]) & (weights < self._link[one]))
        return found[np.argsort(-weights[found], kind="stable")]

    @cached_property
    def households(self) -> Rows:
        """Places of the pairs that are likely two people of one household, surest first."""
        homes = self.pairs.households
        found = np.flatnonzero((homes >= HOUSEHOLD_MIN) & ~self.inside)
        return found[np.argsort(-homes[found], kind="stable")]

    def cluster_sizes(self) -> dict[int, int]:
        """How many clusters there are of each size."""
        own = np.flatnonzero(self.clusters == np.arange(self.size))
        sizes, counts = np.unique(self.sizes[own], return_counts=True)
        return dict(zip(sizes.tolist(), counts.tolist(), strict=True))

    def members(self, cluster: int) -> list[int]:
        """The rows of a cluster."""
        found: list[int] = np.flatnonzero(self.clusters == cluster).tolist()
        return found

    def partner(self, row: int) -> int:
        """The other row of a row's heaviest pair, or -1."""
        place = int(self.strongest[row])
        if place < 0:
            return -1
        left, right = int(self.pairs.left[place]), int(self.pairs.right[place])
        return right if left == row else left
