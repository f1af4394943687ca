"""How long things took, counted in buckets: cheap to keep, enough for percentiles and alarms."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

SUB_SECOND = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5)
BOUNDS_SECONDS = (*SUB_SECOND, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 86_400.0)


class Durations:
    """Counts of durations by label, in buckets with these upper bounds (and one above the last)."""

    def __init__(self, bounds_seconds: Sequence[float] = BOUNDS_SECONDS) -> None:
        self.bounds_seconds = tuple(bounds_seconds)
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def observe(self, label: str, seconds: float) -> None:
        """Count one; what a clock put below zero took no time."""
        counts = self._counts.setdefault(label, [0] * (len(self.bounds_seconds) + 1))
        counts[bisect_left(self.bounds_seconds, max(seconds, 0.0))] += 1
        self._sums[label] = self._sums.get(label, 0.0) + max(seconds, 0.0)

    def counted(self) -> Mapping[str, tuple[Sequence[int], float]]:
        """Per label: how many fell into each bucket, and the seconds of all together."""
        return {label: (tuple(counts), self._sums[label]) for label, counts in self._counts.items()}
