"""Figures on customers for Prometheus: onboardings, how long activation takes, how fresh things are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from crossdock.identity.golden.canary import CanaryFreshness
from crossdock.identity.golden.freshness import FeedFreshness
from crossdock.identity.matching.scoring import Band
from crossdock.identity.onboarding.ledger import OnboardingFigures, OnboardingState
from crossdock.ports.address_validator import Outcome


def canary_figures(canaries: Sequence[CanaryFreshness]) -> Iterator[Metric]:
    """How long an edit took from one system to another; infinity where it was lost."""
    took = GaugeMetricFamily(
        "crossdock_canary_seconds", "From an edit in one system to its sight in another", labels=["canary"]
    )
    limits = GaugeMetricFamily(
        "crossdock_canary_limit_seconds", "Within which it has to be seen", labels=["canary"]
    )
    fresh = GaugeMetricFamily("crossdock_canary_fresh", "1 unless it is late, lost or silent", labels=["canary"])
    for each in canaries:
        lost = float("inf") if each.state == "lost" else None
        seconds = lost if lost is not None else each.seconds
        if seconds is not None:
            took.add_metric([each.canary], seconds)
        limits.add_metric([each.canary], each.within_seconds)
        fresh.add_metric([each.canary], float(each.fresh))
    yield from (took, limits, fresh)


def match_figures(decided: Mapping[Band, int]) -> Iterator[Metric]:
    """How many of the records that came new were somebody whom the hub knew (KPI-26)."""
    matches = CounterMetricFamily(
        "crossdock_customer_matches",
        "Records that came new to this process: linked to a known customer, in review, or new",
        labels=["decision"],
    )
    for band in get_args(Band):
        matches.add_metric([band], decided.get(band, 0))
    yield matches


def customer_figures(
    onboardings: OnboardingFigures, feeds: Sequence[FeedFreshness], addresses: Mapping[Outcome, int]
) -> Iterator[Metric]:
    """All of them. A feed that was never heard has an age of infinity."""
    states = GaugeMetricFamily("crossdock_onboardings", "Companies on their way, by state", labels=["state"])
    for state in get_args(OnboardingState):
        states.add_metric([state], onboardings.by_state.get(state, 0))
    yield states
    yield GaugeMetricFamily(
        "crossdock_credit_reviews_overdue", "Credit that nobody decided on in time", onboardings.overdue
    )
    yield CounterMetricFamily("crossdock_customers_activated", "Companies activated", onboardings.activated)
    yield CounterMetricFamily(
        "crossdock_customer_activation_seconds",
        "From the first word of them to their activation, all together",
        onboardings.activation_seconds,
    )
    verdicts = CounterMetricFamily(
        "crossdock_address_verdicts", "What this process was told of addresses", labels=["outcome"]
    )
    for outcome in get_args(Outcome):
        verdicts.add_metric([outcome], addresses.get(outcome, 0))
    yield verdicts
    ages = GaugeMetricFamily(
        "crossdock_customer_freshness_seconds",
        "Since the owner of what has to be fresh was last heard",
        labels=["rule", "system"],
    )
    limits = GaugeMetricFamily(
        "crossdock_customer_freshness_limit_seconds", "Within which it should be", labels=["rule", "system"]
    )
    for feed in feeds:
        ages.add_metric([feed.rule, feed.system], float("inf") if feed.age_seconds is None else feed.age_seconds)
        limits.add_metric([feed.rule, feed.system], feed.within_seconds)
    yield ages
    yield limits
