"""Subscriptions: what happens with events after they were committed, in order, each at least once.

A subscription is a cursor over the outbox, held by one worker at a time. It moves only together with
whatever its handler caused.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

import structlog

from crossdock.contracts.envelope import CloudEvent, envelope
from crossdock.durable.lanes import LaneClosed
from crossdock.durable.lease import CURRENT_LEASE
from crossdock.durable.news import EVENTS, LEFT, Bell
from crossdock.durable.records import Commit, CursorWrite, Effect, EffectStep, Fate, RunStart, StoredEvent
from crossdock.durable.store import Store
from crossdock.durable.worker import Worker
from crossdock.kit.clock import Clock
from crossdock.kit.errors import CrossdockError
from crossdock.kit.failpoints import failpoint

IDLE_SECONDS = 0.25
RETRY_SECONDS_FIRST = 1.0
RETRY_SECONDS_MAX = 60.0

log = structlog.get_logger("relay")

Deliver = Callable[[Sequence[StoredEvent]], Awaitable[Sequence[RunStart | Effect]]]


@dataclass(frozen=True)
class Subscription:
    """Who gets events: `deliver` is called with up to `batch_max`, gathered for up to `linger_seconds`.

    It returns runs to start for what it could not deliver, and effects on the hub's own records; both are
    committed with the cursor. It raises where nothing was delivered, and is then called again with the same
    events.
    """

    name: str
    deliver: Deliver
    batch_max: int = 200
    linger_seconds: float = 0.0


def cloud_event(stored: StoredEvent) -> CloudEvent:
    """A stored event as it travels."""
    return envelope(
        event_id=stored.event_id,
        kind=stored.type,
        subject=stored.subject,
        at=stored.at,
        correlation_id=stored.correlation_id,
        sequence=stored.sequence,
        data=stored.data,
    )


class Relay:
    """Runs one subscription on this worker, or stands by while another worker does."""

    def __init__(
        self,
        subscription: Subscription,
        store: Store,
        worker: Worker,
        clock: Clock,
        *,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.name = subscription.name
        self._subscription = subscription
        self._store = store
        self._worker = worker
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._task: asyncio.Task[None] | None = None
        self._bell = Bell()
        self._held_as = ""
        self.position = 0
        self.trouble = ""

    def start(self) -> None:
        """Begin to deliver."""
        self._store.news.on(self._hear)
        self._task = asyncio.get_running_loop().create_task(
            self._deliver_forever(), name=f"relay-{self._subscription.name}"
        )

    async def stop(self) -> None:
        """Stop; what was not delivered stays."""
        if self._task is not None:
            self._store.news.off(self._hear)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _deliver_forever(self) -> None:
        wait_seconds = RETRY_SECONDS_FIRST
        while True:
            self._bell.hush()
            try:
                moved = await self._deliver_once()
            except LaneClosed as closed:
                self.trouble = f"{closed.lane}: {closed.detail or closed.reason}"
                await self._clock.sleep(wait_seconds)
            except CrossdockError as fault:
                self.trouble = fault.message
                log.warning("delivery failed", consumer=self._subscription.name, code=fault.code)
                await self._clock.sleep(wait_seconds)
                wait_seconds = min(wait_seconds * 2, RETRY_SECONDS_MAX)
            except Exception as error:
                self.trouble = type(error).__name__
                log.exception("delivery failed", consumer=self._subscription.name, exc_type=type(error).__name__)
                await self._clock.sleep(wait_seconds)
                wait_seconds = min(wait_seconds * 2, RETRY_SECONDS_MAX)
            else:
                self.trouble, wait_seconds = "", RETRY_SECONDS_FIRST
                if not moved:
                    await self._bell.wait(self._clock, self._store.news.pause_seconds(self._idle_seconds))

    def _hear(self, topics: Collection[str]) -> None:
        self._bell.hear(topics, EVENTS, LEFT)

    async def _hold(self, name: str) -> bool:
        """Whether the cursor is ours. Once it is, nobody else moves it unless our commits are fenced off."""
        worker_id = self._worker.worker_id
        if self._held_as != worker_id:
            position = await self._store.hold_cursor(name, worker_id)
            if position is None:
                return False
            self._held_as, self.position = worker_id, int(position or 0)
        return True

    async def _deliver_once(self) -> bool:
        name = f"relay:{self._subscription.name}"
        CURRENT_LEASE.set(self._worker.lease)
        if not await self._hold(name):
            return False
        events = await self._store.read_events(self.position, self._subscription.batch_max)
        if not events:
            return False
        if self._subscription.linger_seconds and len(events) < self._subscription.batch_max:
            await self._clock.sleep(self._subscription.linger_seconds)
            events = await self._store.read_events(self.position, self._subscription.batch_max)
        failpoint("relay.read")
        caused = await self._subscription.deliver(events)
        failpoint("relay.delivered")
        starts = tuple(part for part in caused if isinstance(part, RunStart))
        effects = tuple(EffectStep(name, part) for part in caused if isinstance(part, Effect))
        cursor = CursorWrite(name, str(events[-1].sequence), self._held_as)
        outcome = await self._worker.commit(Commit(starts=starts, effects=effects, cursor=cursor))
        failpoint("relay.position_committed")
        if outcome.fate is Fate.APPLIED:
            self.position = events[-1].sequence
        else:
            self._held_as = ""
        return True
