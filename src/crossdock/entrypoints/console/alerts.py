"""What somebody should look at now, in one line each: streams that cannot be read, gaps, the store, the worker."""

from typing import Literal

import msgspec

from crossdock.bootstrap.hub import Hub
from crossdock.contracts.sources import SourceGap
from crossdock.durable.codec import decode
from crossdock.identity.golden.freshness import FeedFreshness
from crossdock.insight.wording import duration_in_words
from crossdock.kit.clock import MICROSECONDS

BACKLOG_WORTH_TELLING = 500
CLOSED_GAP_SHOWN_US = 3_600 * MICROSECONDS
GAPS_READ_MAX = 500


_STATES = {
    "late": "an edit takes longer than it may",
    "lost": "an edit was never seen",
    "silent": "nothing was timed for long",
}


class Alert(msgspec.Struct, frozen=True):
    """One line. `bad` needs somebody, `info` is good to know."""

    tone: Literal["bad", "wait", "info"]
    words: str


async def find_alerts(hub: Hub) -> list[Alert]:
    """All of this moment. Raises StoreUnavailable."""
    alerts = []
    if not hub.worker.alive:
        alerts.append(Alert("wait", "No worker runs in this process: orders are taken in, and wait."))
    if hub.committer.backlog > BACKLOG_WORTH_TELLING:
        alerts.append(Alert("bad", f"The database is slow: {hub.committer.backlog} commits wait for it."))
    for name, intake in hub.intakes.items():
        if intake.trouble:
            alerts.append(Alert("bad", f"{hub.deployment.title_of(name)} cannot be read: {intake.trouble}"))
    troubles = [relay.trouble for relay in hub.relays if relay.trouble]
    alerts += [Alert("wait", f"Events wait to be delivered: {trouble}") for trouble in troubles]
    alerts += await _freshness_of(hub)
    for name in hub.deployment.routes.order_sources:
        alert = await _gap_of(hub, name)
        if alert is not None:
            alerts.append(alert)
    return alerts


async def _freshness_of(hub: Hub) -> list[Alert]:
    """Promises of freshness that are broken: of owners that were not heard in time, and of edits on their way."""
    alerts = []
    stale: dict[str, list[FeedFreshness]] = {}
    for feed in await hub.customer_feeds():
        if not feed.fresh:
            stale.setdefault(feed.system, []).append(feed)
    for system, feeds in stale.items():
        age, limit = feeds[0].age_seconds, min(feed.within_seconds for feed in feeds)
        heard = "never" if age is None else f"not for {_in_words(age)}"
        rules = ", ".join(feed.rule.partition(".")[2] for feed in feeds)
        words = (
            f"{hub.deployment.title_of(system)} was heard of {heard}; {rules}: fresh within {_in_words(limit)}."
        )
        alerts.append(Alert("wait", words))
    for canary in await hub.canaries.freshness():
        if not canary.fresh:
            way = f"{hub.deployment.title_of(canary.source)} to {hub.deployment.title_of(canary.reader)}"
            alerts.append(Alert("bad", f"Canary {canary.canary}, {way}: {_STATES[canary.state]}."))
    return alerts


def _in_words(seconds: float) -> str:
    return duration_in_words(int(seconds * MICROSECONDS))


async def _gap_of(hub: Hub, source: str) -> Alert | None:
    """The latest gap of a source, while it is news."""
    events = await hub.store.read_events(0, GAPS_READ_MAX, f"source/{source}")
    gaps = [event for event in events if event.type == SourceGap.type]
    if not gaps:
        return None
    gap, title = decode(gaps[-1].data, SourceGap), hub.deployment.title_of(source)
    proof = f"{gap.seen} seen + {gap.refilled} refilled, {gap.changed} changed there"
    if gap.state == "open":
        return Alert("wait", f"{title} has a gap ({gap.reason}): it is being refilled.")
    if gap.state != "closed":
        return Alert("bad", f"{title} has a gap that could not be proved closed ({gap.reason}): {proof}.")
    if hub.clock.now() - gaps[-1].at < CLOSED_GAP_SHOWN_US:
        return Alert("info", f"{title} had a gap ({gap.reason}). It is closed, proved by count: {proof}.")
    return None
