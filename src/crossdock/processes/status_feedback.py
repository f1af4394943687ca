"""Telling the system an order came from how it stands, in batches, each order's latest only (ORD-16, ORD-18).

    events ─ latest per order ─ batch of up to 200 ─ record updated
                                      └ one refused ─ a run of its own: retried, parked, seen

A batch is as urgent as the most urgent update in it. What may wait does so where the system's quota runs short;
meanwhile it grows together, so that a day's last calls show the most.

Requirements: ORD-16, ORD-18, RES-10.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from crossdock.contracts.orders import ORDER_EVENTS
from crossdock.durable.codec import decode
from crossdock.durable.lanes import CURRENT_PRIORITY
from crossdock.durable.process import Process, Stake
from crossdock.durable.records import RunStart, StoredEvent
from crossdock.durable.relay import Subscription
from crossdock.durable.run import Run
from crossdock.kit.failpoints import failpoint
from crossdock.policies.order_status import reason_of, status_after, urgency_of
from crossdock.ports.status_sink import StatusSink, StatusUpdate

REASON_CHARACTERS_MAX = 255

log = structlog.get_logger("status-feedback")


@dataclass(frozen=True)
class Collaborators:
    """The sink, which records are its own (others' orders have others), and all that was told of an order."""

    sink: StatusSink
    owns: Callable[[str], bool]
    events_of: Callable[[str], Awaitable[Sequence[StoredEvent]]]
    batch_max: int
    linger_seconds: float


def status_report(using: Collaborators) -> Process[StatusUpdate]:
    """One update that a batch could not deliver, as work of its own."""

    async def body(run: Run, update: StatusUpdate) -> None:
        await run.step("report", lambda _key: _report_one(update, using), returns=object)

    return Process(
        name="status_report",
        version=1,
        input=StatusUpdate,
        body=body,
        subject=lambda update: f"status/{update.order_id}",
        priority=_urgency,
        stake=lambda _update: Stake(domain="service", severity=1),
        owner="integration",
    )


async def _report_one(update: StatusUpdate, using: Collaborators) -> None:
    """Show how the order stands by now, not how it stood when the batch failed.

    The batches go on meanwhile: what is the latest before and after the write is shown at the end.
    """
    shown: StatusUpdate | None = None
    while (latest := await _latest(update, using)) != shown:
        (fault,) = await using.sink.report_statuses([latest])
        failpoint("feedback.one_shown")
        if fault is not None:
            raise fault
        shown = latest


async def _latest(update: StatusUpdate, using: Collaborators) -> StatusUpdate:
    updates = latest_updates(await using.events_of(update.order_id), using.owns)
    return updates[-1] if updates else update


def status_feedback(name: str, report: Process[StatusUpdate], using: Collaborators) -> Subscription:
    """The subscription that keeps the sink's records up to date."""
    shown: dict[str, StatusUpdate] = {}

    async def deliver(events: Sequence[StoredEvent]) -> Sequence[RunStart]:
        # Where the lane closes between two batches, the same events come again: nothing is shown twice for that.
        updates = [update for update in latest_updates(events, using.owns) if shown.get(update.order_id) != update]
        updates.sort(key=_urgency)
        starts: list[RunStart] = []
        for begin in range(0, len(updates), using.batch_max):
            part = updates[begin : begin + using.batch_max]
            CURRENT_PRIORITY.set(_urgency(part[0]))
            faults = await using.sink.report_statuses(part)
            failpoint("feedback.batch_shown")
            for update, fault in zip(part, faults, strict=True):
                if fault is None:
                    shown[update.order_id] = update
                    continue
                log.warning("status not shown", order_id=update.order_id, code=fault.code)
                starts.append(report.start(f"{update.order_id}:{update.as_of}", update))
        shown.clear()
        return starts

    # Several events of one order usually come together: read more of them than the sink takes updates.
    return Subscription(name, deliver, batch_max=using.batch_max * 4, linger_seconds=using.linger_seconds)


def _urgency(update: StatusUpdate) -> int:
    return urgency_of(update.status)


def latest_updates(events: Sequence[StoredEvent], owns: Callable[[str], bool]) -> list[StatusUpdate]:
    """The latest status of each order among `events`, for records that `owns` knows."""
    latest: dict[str, StatusUpdate] = {}
    for stored in events:
        kind = ORDER_EVENTS.get(stored.type)
        if kind is None:
            continue
        event = decode(stored.data, kind)
        status = status_after(event)
        if status is None or not event.record or not owns(event.record):
            continue
        before = latest.pop(event.order_id, None)
        number = getattr(event, "erp_number", "") or (before.erp_number if before else "")
        latest[event.order_id] = StatusUpdate(
            order_id=event.order_id,
            record=event.record,
            status=status,
            as_of=event.at,
            reason=reason_of(event)[:REASON_CHARACTERS_MAX],
            erp_number=number,
            correlation_id=stored.correlation_id,
        )
    return list(latest.values())
