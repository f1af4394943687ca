"""What somebody should look at now, in one line each: streams that cannot be read, gaps, the store, the worker."""

from typing import Literal

import msgspec

from crossdock.bootstrap.hub import Hub
from crossdock.contracts.sources import SourceGap
from crossdock.durable.codec import decode
from crossdock.kit.clock import MICROSECONDS

BACKLOG_WORTH_TELLING = 500
CLOSED_GAP_SHOWN_US = 3_600 * MICROSECONDS
GAPS_READ_MAX = 500


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
    for name in hub.deployment.routes.order_sources:
        alert = await _gap_of(hub, name)
        if alert is not None:
            alerts.append(alert)
    return alerts


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
