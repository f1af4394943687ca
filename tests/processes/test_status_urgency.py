"""When the sink's quota runs short, what somebody must act on is shown first, and no call is spent twice."""

from collections.abc import Sequence

import pytest

from crossdock.contracts.orders import OrderAccepted, OrderCaptured, OrderEvent, OrderRefused
from crossdock.durable.codec import encode
from crossdock.durable.lanes import CURRENT_PRIORITY, LaneClosed
from crossdock.durable.records import StoredEvent
from crossdock.durable.relay import Subscription
from crossdock.kit.errors import CrossdockError, Rejected
from crossdock.ports.status_sink import StatusUpdate
from crossdock.processes.status_feedback import Collaborators, status_feedback, status_report

pytestmark = pytest.mark.anyio


class ShortOfCalls:
    """A sink behind a lane that lets only calls up to `ceiling` pass."""

    def __init__(self) -> None:
        self.ceiling = 9
        self.calls: list[tuple[int, list[str]]] = []
        self.gone: set[str] = set()

    async def report_statuses(self, updates: Sequence[StatusUpdate]) -> Sequence[CrossdockError | None]:
        priority = CURRENT_PRIORITY.get()
        if priority > self.ceiling:
            raise LaneClosed("shop", "shed", None, "the day's budget runs short")
        self.calls.append((priority, [update.order_id for update in updates]))
        return [Rejected("gone", code="gone") if update.order_id in self.gone else None for update in updates]


@pytest.fixture
def sink() -> ShortOfCalls:
    return ShortOfCalls()


@pytest.fixture
def feedback(sink: ShortOfCalls) -> Subscription:
    async def events_of(_order_id: str) -> Sequence[StoredEvent]:
        return ()

    using = Collaborators(sink=sink, owns=bool, events_of=events_of, batch_max=2, linger_seconds=0.0)
    return status_feedback("status:shop", status_report(using), using)


def told(*events: OrderEvent) -> list[StoredEvent]:
    return [
        StoredEvent(
            sequence=number,
            event_id=str(number),
            type=event.type,
            subject=f"order/{event.order_id}",
            correlation_id="",
            at=event.at,
            data=encode(event),
        )
        for number, event in enumerate(events, 1)
    ]


def captured(order_id: str) -> OrderEvent:
    return OrderCaptured(order_id=order_id, record="R", at=1, source="hub", channel="web", currency="EUR", net="1")


def accepted(order_id: str) -> OrderEvent:
    return OrderAccepted(order_id=order_id, record="R", at=2, source="hub", erp="Books", erp_number="SO-1")


def refused(order_id: str) -> OrderEvent:
    return OrderRefused(order_id=order_id, record="R", at=2, source="hub", reason="no credit", code="credit-hold")


EVENTS = told(captured("C-1"), captured("C-2"), captured("C-3"), accepted("A-1"), refused("R-1"))


async def test_what_somebody_must_act_on_goes_first_and_takes_others_along(
    feedback: Subscription, sink: ShortOfCalls
) -> None:
    await feedback.deliver(EVENTS)
    assert [orders for _, orders in sink.calls] == [["R-1", "A-1"], ["C-1", "C-2"], ["C-3"]]
    urgencies = [priority for priority, _ in sink.calls]
    assert urgencies == sorted(urgencies)
    assert urgencies[0] < urgencies[1]


async def test_a_batch_that_was_shown_before_the_lane_closed_is_not_shown_again(
    feedback: Subscription, sink: ShortOfCalls
) -> None:
    sink.ceiling = 2
    for _ in range(3):
        with pytest.raises(LaneClosed):
            await feedback.deliver(EVENTS)
    assert [orders for _, orders in sink.calls] == [["R-1", "A-1"]]
    sink.ceiling = 9
    await feedback.deliver(EVENTS)
    assert [orders for _, orders in sink.calls[1:]] == [["C-1", "C-2"], ["C-3"]]


async def test_a_newer_status_is_shown_though_an_older_one_was(feedback: Subscription, sink: ShortOfCalls) -> None:
    sink.ceiling = 2
    with pytest.raises(LaneClosed):
        await feedback.deliver(told(refused("R-1"), captured("C-0"), captured("C-1")))
    sink.ceiling, sink.calls = 9, []
    await feedback.deliver(told(refused("R-1"), captured("C-0"), captured("C-1"), accepted("C-0")))
    assert [orders for _, orders in sink.calls] == [["C-0", "C-1"]]


async def test_what_the_sink_refused_before_the_lane_closed_still_becomes_work_of_its_own(
    feedback: Subscription, sink: ShortOfCalls
) -> None:
    sink.gone, sink.ceiling = {"R-1"}, 2
    with pytest.raises(LaneClosed):
        await feedback.deliver(EVENTS)
    sink.ceiling = 9
    (start,) = await feedback.deliver(EVENTS)
    assert getattr(start, "subject", "") == "status/R-1"
    assert getattr(start, "priority", 9) < 5, "it is as urgent as what it shows"
