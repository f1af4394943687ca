"""Figures about requests, for the metrics page: counted per route and kind of answer, labels bound beforehand."""

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Histogram

BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class RequestFigures:
    """Counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        answers = Counter(
            "crossdock_http_answers",
            "Answers by route and kind",
            ["route", "kind"],
            registry=self.registry,
        )
        seconds = Histogram(
            "crossdock_http_seconds",
            "How long answers took, streams aside",
            ["route"],
            buckets=BUCKETS_SECONDS,
            registry=self.registry,
        )
        self._answers = lru_cache(maxsize=1_024)(answers.labels)
        self._seconds = lru_cache(maxsize=256)(seconds.labels)

    def answered(self, route: str, status: int, seconds: float | None) -> None:
        """Count an answer; `seconds` None for a stream."""
        self._answers(route, f"{status // 100}xx").inc()
        if seconds is not None:
            self._seconds(route).observe(seconds)
