"""Where events leave the hub for whoever subscribes there: a broker that acknowledges each one it keeps."""

from collections.abc import Sequence
from typing import Protocol

from crossdock.contracts.envelope import CloudEvent
from crossdock.kit.errors import CrossdockError


class EventSink(Protocol):
    """Publishes events. The same event again is recognised: by the broker, or by its id in the envelope."""

    async def publish_events(self, events: Sequence[CloudEvent]) -> Sequence[CrossdockError | None]:
        """Publish events and wait until the broker has acknowledged them.

        Returns None or the error for each event, in order: Invalid where the broker will never take that event
        as it is (code `event-too-large`), else what ails the broker. Events of one `partitionkey` reach it in
        the order given: behind one that failed none of its key is sent, and each of those fails with Unavailable
        (code `behind-another`).
        Raises only where no event got through and the fault is not an event's own: the broker is away, slow,
        full, or refuses us.
        """
        ...
