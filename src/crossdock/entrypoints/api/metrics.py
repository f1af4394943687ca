"""Figures for Prometheus: orders, runs, lanes, commits, events, intake. No ids in labels."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

import msgspec
from litestar import Response, get
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from crossdock.bootstrap.hub import Hub
from crossdock.canonical.status import OrderStatus
from crossdock.durable.lanes import LaneState
from crossdock.durable.records import RunState
from crossdock.entrypoints.api.customer_figures import canary_figures, customer_figures, match_figures
from crossdock.entrypoints.entrance.backlogs import Backlog, read_backlogs
from crossdock.entrypoints.entrance.context import Entrance, Here
from crossdock.identity.golden.canary import CanaryFreshness
from crossdock.identity.golden.freshness import FeedFreshness
from crossdock.identity.onboarding.ledger import OnboardingFigures
from crossdock.kit.clock import MICROSECONDS

OPEN = "open"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was read for one page."""

    orders: Mapping[OrderStatus, int]
    runs: Mapping[str, int]
    backlogs: Sequence[Backlog]
    ready_age_seconds: float
    lanes: tuple[LaneState, ...]
    onboardings: OnboardingFigures
    feeds: Sequence[FeedFreshness]
    canaries: Sequence[CanaryFreshness]


@get("/metrics", name="metrics")
async def metrics(entrance: Here) -> Response[bytes]:
    """All figures in Prometheus' text format."""
    figures = await read_figures(entrance.hub)
    registry = CollectorRegistry()
    registry.register(_Page(entrance, figures))
    page = generate_latest(entrance.figures.registry) + generate_latest(registry)
    return Response(page, media_type=CONTENT_TYPE_LATEST)


ROUTES = (metrics,)


async def read_figures(hub: Hub) -> Figures:
    """Ask the store and the lanes. Raises StoreUnavailable."""
    ready_since, now = await hub.store.ready_since(), hub.clock.now()
    return Figures(
        orders=await hub.board.count_orders(),
        runs=await hub.store.count_runs(),
        backlogs=await read_backlogs(hub.store, now),
        ready_age_seconds=0.0 if ready_since is None else max(0, now - ready_since) / MICROSECONDS,
        lanes=tuple(lane.state() for lane in hub.lanes.values()),
        onboardings=await hub.store.count_onboardings(now),
        feeds=await hub.customer_feeds(),
        canaries=await hub.canaries.freshness(),
    )


class _Page:
    """Collects once, from figures that were read before."""

    def __init__(self, entrance: Entrance, figures: Figures) -> None:
        self._entrance = entrance
        self._hub = entrance.hub
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client's Collector."""
        yield from self._of_orders()
        yield from self._of_lanes()
        yield from self._of_commits()
        yield from self._of_streams()
        customers = self._hub.customers
        addresses = customers.addresses.outcomes if customers else {}
        yield from customer_figures(self._figures.onboardings, self._figures.feeds, addresses)
        yield from match_figures(customers.recogniser.outcomes if customers else {})
        yield from canary_figures(self._figures.canaries)

    def _of_orders(self) -> Iterator[Metric]:
        figures = self._figures
        yield _gauge("crossdock_orders", "Orders by status", "status", figures.orders)
        runs = {state.value: figures.runs.get(state.value, 0) for state in RunState}
        yield _gauge("crossdock_runs", "Runs by state", "state", runs)
        yield GaugeMetricFamily(
            "crossdock_ready_age_seconds",
            "For how long the run whose turn is next has been ready and no worker took it",
            figures.ready_age_seconds,
        )
        decided = HistogramMetricFamily(
            "crossdock_order_seconds", "From capture to the decision, by what was decided", labels=["decision"]
        )
        durations = self._hub.decisions
        bounds = [*map(str, durations.bounds_seconds), "+Inf"]
        for decision, (counts, total) in durations.counted().items():
            buckets = list(zip(bounds, accumulate(counts), strict=True))
            decided.add_metric([decision], buckets, total)
        yield decided

    def _of_lanes(self) -> Iterator[Metric]:
        lanes = {state.lane: state for state in self._figures.lanes}
        yield _gauge(
            "crossdock_lane_open",
            "1 while the way to the system is open",
            "lane",
            {name: float(state.status == OPEN) for name, state in lanes.items()},
        )
        now = self._hub.clock.now()
        closed = {n: (now - s.since) / MICROSECONDS if s.status != OPEN else 0.0 for n, s in lanes.items()}
        yield _gauge("crossdock_lane_closed_seconds", "For how long the way has been closed", "lane", closed)
        for field, help_text in (
            ("in_flight", "Calls under way"),
            ("in_flight_max", "Calls the system bears at once"),
            ("waiting", "Calls that wait in memory"),
            ("rate_used_per_second", "Calls started in a second"),
            ("budget_left", "Calls left of the day's budget"),
            ("budget_forecast", "Calls by the end of the day if it goes on like this"),
        ):
            values = {name: getattr(state, field) for name, state in lanes.items()}
            yield _gauge(f"crossdock_lane_{field}", help_text, "lane", values)
        used = {name: usage for name, dock in self._hub.docks.items() if (usage := getattr(dock, "usage", None))}
        told = "as the system itself says"
        yield _gauge("crossdock_quota_used", f"Calls used of the quota, {told}", "system", _field(used, "used"))
        allowed = _field(used, "allowed")
        yield _gauge("crossdock_quota_allowed", f"Calls allowed, {told}", "system", allowed)

    def _of_commits(self) -> Iterator[Metric]:
        committer, worker = self._hub.committer, self._hub.worker
        figures = committer.figures
        yield _counter("crossdock_transactions", "Transactions of group commits", figures.transactions)
        yield _counter("crossdock_commits", "Commits made durable by them", figures.commits)
        yield _counter("crossdock_store_outages", "Times the database did not answer", figures.outages)
        sizes = sorted(figures.batch_sizes) or [0]
        batch = GaugeMetricFamily(
            "crossdock_commit_batch", "Commits per transaction among the latest", labels=["quantile"]
        )
        for quantile in (0.5, 0.9, 1.0):
            batch.add_metric([str(quantile)], sizes[min(int(len(sizes) * quantile), len(sizes) - 1)])
        yield batch
        yield GaugeMetricFamily("crossdock_commit_backlog", "Commits that wait for the store", committer.backlog)
        yield GaugeMetricFamily("crossdock_runs_active", "Runs this process executes now", worker.active)
        yield _counter("crossdock_runs_finished", "Executions this process has ended", worker.finished)
        retention = self._hub.retention
        cleared = CounterMetricFamily(
            "crossdock_runs_cleared", "Ended runs this process cleared away, by kind", labels=["kind"]
        )
        for kind, count in sorted(retention.cleared.items()):
            cleared.add_metric([kind], count)
        yield cleared
        yield GaugeMetricFamily(
            "crossdock_retention_ended_timestamp_seconds",
            "When this process last came to the end of clearing; 0 where it has not",
            retention.ended_at / MICROSECONDS,
        )

    def _of_streams(self) -> Iterator[Metric]:
        backlogs = {backlog.consumer: backlog for backlog in self._figures.backlogs}
        yield _gauge("crossdock_outbox_lag", "Events not delivered yet", "consumer", _field(backlogs, "behind"))
        waits = _field(backlogs, "oldest_seconds")
        yield _gauge("crossdock_outbox_oldest_seconds", "How long the oldest of them waits", "consumer", waits)
        troubled = {relay.name: float(bool(relay.trouble)) for relay in self._hub.relays}
        yield _gauge("crossdock_outbox_trouble", "1 while they cannot be delivered", "consumer", troubled)
        taken = CounterMetricFamily(
            "crossdock_intake", "Arrivals by what became of them", labels=["source", "fate"]
        )
        for source, intake in self._hub.intakes.items():
            for fate, count in sorted(intake.taken.items()):
                taken.add_metric([source, fate], count)
        yield taken
        trouble = {name: float(bool(intake.trouble)) for name, intake in self._hub.intakes.items()}
        yield _gauge("crossdock_intake_trouble", "1 while a source cannot be read", "source", trouble)
        followers = self._entrance.tail.followers
        yield GaugeMetricFamily("crossdock_streams", "Open event streams", followers)


def _gauge(name: str, help_text: str, label: str, values: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family


def _counter(name: str, help_text: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, help_text, value)


def _field(values: Mapping[str, Any], field: str) -> Mapping[str, float]:
    return {name: getattr(value, field) for name, value in values.items()}
