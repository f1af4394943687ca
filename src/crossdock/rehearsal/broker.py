"""A simulated broker: what was published, in the order in which it came, repetitions included."""

from collections.abc import Sequence

from crossdock.durable.records import RunStart, StoredEvent
from crossdock.durable.relay import Subscription
from crossdock.rehearsal.network import Link

SYSTEM = "broker"
NAME = "broker"


class VirtualBroker:
    """Keeps everything that reached it."""

    def __init__(self) -> None:
        self.published: list[StoredEvent] = []

    def publish(self, events: Sequence[StoredEvent]) -> None:
        """Take a batch."""
        self.published += events


def to_broker(broker: VirtualBroker, link: Link) -> Subscription:
    """A subscription that publishes every event of the outbox."""

    async def deliver(events: Sequence[StoredEvent]) -> Sequence[RunStart]:
        await link.call("publish", str(events[0].sequence), lambda: broker.publish(events), writes=True)
        return ()

    return Subscription(NAME, deliver)
