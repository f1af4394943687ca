"""One topic's feed: keeps a subscription standing, and says when something may have been missed.

Credit is the flow control. What was received and not yet taken by the hub counts against it, so a slow hub simply
stops asking. A gap is announced when the new subscription stands, never before: what happens while it is being
made belongs to the gap. A subscription without a position may stay silent for minutes; then the gap
is announced after a short while in peace, and closed by a second one with the first sign of life.
"""

import asyncio
import random

import msgspec
import structlog

from crossdock.adapters.salesforce import pubsub
from crossdock.adapters.salesforce import pubsub_api_pb2 as api
from crossdock.adapters.salesforce.changes import read_event
from crossdock.adapters.salesforce.client import SalesforceClient
from crossdock.adapters.salesforce.events import Interpret, Meaning
from crossdock.adapters.salesforce.failures import PositionLost
from crossdock.adapters.salesforce.position import TopicPosition
from crossdock.adapters.salesforce.settings import CREDITS_MAX
from crossdock.adapters.salesforce.sign_in import Session
from crossdock.adapters.salesforce.wire import SYSTEM
from crossdock.kit.clock import Instant, seconds_to_us
from crossdock.kit.errors import Finding, Misconfigured, NotAuthorized, Throttled, Transient, Unavailable
from crossdock.ports.order_source import Gap

CLOCK_PAD_SECONDS = 1.5
"""The org's time is known from HTTP dates: whole seconds, and as old as the answer."""

_log = structlog.get_logger("salesforce.events")


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One step forward in a topic: an event that concerns us, a gap, or only a later position.

    `credit` is what it holds until it is released: 1 for an event. `event_id` names the event; `raw` is its
    payload as it came, where that cannot be read.
    """

    topic: str
    position: TopicPosition
    credit: int = 0
    meaning: Meaning | None = None
    gap: Gap | None = None
    event_id: str = ""
    raw: bytes = b""

    @property
    def concerns_us(self) -> bool:
        """There is more to it than a later position."""
        return self.meaning is not None or self.gap is not None


class Failed(msgspec.Struct, frozen=True):
    """The feed has ended, with the error that nobody but the hub can mend."""

    error: BaseException


Inbox = asyncio.Queue[Delivery | Failed]


class Feed:
    """Reads one topic into an inbox shared with other topics. `run` until cancelled; `release` what was taken."""

    def __init__(
        self,
        topic: str,
        bus: pubsub.EventBus,
        client: SalesforceClient,
        inbox: Inbox,
        known: TopicPosition,
        interpret: Interpret,
    ) -> None:
        self._topic = topic
        self._bus = bus
        self._client = client
        self._clock = client.clock
        self._settings = client.settings.events
        self._inbox = inbox
        self._interpret = interpret
        self._replay_id = known.replay_id
        self._at: Instant = known.at
        self._missed = ""
        self._spoke = True
        self._held = 0
        self._asked = 0
        self._room = asyncio.Event()
        self._session: Session | None = None
        self._renewed = False
        self._attempts = 0

    async def run(self) -> None:
        """Listen, and begin again after every passing fault. What does not pass ends up in the inbox."""
        try:
            while True:
                try:
                    await self._listen()
                except PositionLost as lost:
                    await self._lose_position(lost)
                except NotAuthorized as refusal:
                    await self._renew(refusal)
                except Transient as fault:
                    await self._recover(fault)
        except Exception as error:  # noqa: BLE001 - whatever it is, the hub must hear of it
            self._inbox.put_nowait(Failed(error))

    def release(self, credit: int) -> None:
        """So many events are off our hands: others may come in their place."""
        self._held -= credit
        self._room.set()

    async def _listen(self) -> None:
        """Follow one subscription to its end, which is always an error."""
        while not self._credit():
            self._room.clear()
            await self._room.wait()
        start = self._start()
        credit = self._credit()
        subscription = await self._bus.subscribe(self._topic, start, credit)
        self._session, self._asked = subscription.session, credit
        funding = asyncio.create_task(self._fund(subscription))
        funding.add_done_callback(_noticed)
        try:
            while True:
                patience = self._settings.settle_seconds if self._missed else self._settings.silence_seconds_max
                response = await subscription.next(self._clock, patience)
                if response is not None:
                    await self._take(response)
                elif self._missed:
                    self._announce()
                    self._spoke = False
                else:
                    # A connection that died unheard looks alive from here: only a new one helps.
                    await self._bus.close()
                    raise Unavailable("no sign of life", code="salesforce-silence", system=SYSTEM)
        finally:
            funding.cancel()
            await subscription.close()
            self._asked = 0

    def _start(self) -> pubsub.Start:
        """Where to begin, and whether something was missed by beginning there.

        A bus that may have forgotten what we need tells what it still has, and a gap covers all of it.
        """
        age_us = self._client.server_now() - self._at + seconds_to_us(CLOCK_PAD_SECONDS)
        retained = age_us < self._settings.retained_us
        if self._replay_id and retained:
            return pubsub.after(self._replay_id)
        if self._replay_id:
            self._miss("the stored position is older than events are kept")
        elif not self._missed:
            first = "nothing was heard of this topic yet"
            self._missed = "the last subscription ended before it had spoken" if retained else first
        return pubsub.LATEST if retained else pubsub.EARLIEST

    async def _fund(self, subscription: pubsub.Subscription) -> None:
        """Ask for more events as room for them comes up, in portions worth a message."""
        portion = max(1, min(CREDITS_MAX, self._settings.gather_max) // 4)
        while True:
            await self._room.wait()
            self._room.clear()
            credit = self._credit()
            if credit >= portion or (credit and not self._asked):
                self._asked += credit
                await subscription.ask(credit)

    def _credit(self) -> int:
        """How many events may be asked for: two batches are held at most, one with the hub and one to come."""
        room = 2 * self._settings.gather_max - self._held - self._asked
        return max(0, min(CREDITS_MAX - self._asked, room))

    async def _take(self, response: api.FetchResponse) -> None:
        """Pass on what a response brings: events, or as a sign of life that there were none."""
        if not self._spoke:
            self._missed = "what happened until the new subscription spoke"
        if self._missed:
            self._announce()
        self._spoke, self._renewed, self._attempts = True, False, 0
        for event in response.events:
            await self._deliver(event)
        self._asked = max(0, self._asked - len(response.events))
        self._room.set()
        if not response.events and response.latest_replay_id:
            self._replay_id = response.latest_replay_id
            self._at = max(self._at, self._client.server_now())
            self._inbox.put_nowait(Delivery(topic=self._topic, position=self._position()))

    async def _deliver(self, event: api.ConsumerEvent) -> None:
        meaning = await self._meaning(event.event)
        since = min(self._at, meaning.at)
        self._at = max(self._at, meaning.at)
        self._replay_id = event.replay_id
        gap = Gap(since=since, until=self._now(), reason=meaning.resync) if meaning.resync else None
        if gap is not None:
            _log.warning("gap", topic=self._topic, reason_code=gap.reason)
        self._held += 1
        self._inbox.put_nowait(
            Delivery(
                topic=self._topic,
                position=self._position(),
                credit=1,
                meaning=None if meaning.is_nothing else meaning,
                gap=gap,
                event_id=event.event.id or event.replay_id.hex(),
                raw=event.event.payload if meaning.fault else b"",
            )
        )

    async def _meaning(self, event: api.ProducerEvent) -> Meaning:
        """What the event means; one that cannot be read is a fault of its own and holds nobody up."""
        try:
            schema = await self._bus.schema(event.schema_id)
            return self._interpret(read_event(event.payload, schema), schema, self._client.settings)
        except (ValueError, Misconfigured) as error:
            _log.warning("unreadable event", topic=self._topic, exc_type=type(error).__name__)
            finding = Finding(code="event-unreadable", path="$", message="the event cannot be read by its schema")
            return Meaning(at=self._at, fault=finding)

    def _announce(self) -> None:
        """Tell the hub of the stretch that was missed, up to now: the new subscription stands."""
        until = self._now()
        gap = Gap(since=self._at, until=until, reason=self._missed)
        _log.warning("gap", topic=self._topic, reason_code=self._missed)
        self._at, self._missed = until, ""
        self._inbox.put_nowait(Delivery(topic=self._topic, position=self._position(), gap=gap))

    async def _lose_position(self, lost: PositionLost) -> None:
        """Never ask with the same replay id again: begin at the latest event, with a gap."""
        if not self._replay_id:
            await self._recover(Unavailable("the bus refuses to begin", code="salesforce-events", system=SYSTEM))
            return
        self._miss(f"the event bus does not know the stored position any more ({lost.vendor_code})")

    async def _renew(self, refusal: NotAuthorized) -> None:
        """An expired session is renewed once; a second refusal in a row is for the hub to hear."""
        if self._renewed or self._session is None:
            raise refusal
        self._renewed = True
        await self._bus.sign_in.renew(self._session)

    async def _recover(self, fault: Transient) -> None:
        """Wait before the next attempt; with the event allowance used up, have orders read by query meanwhile."""
        if isinstance(fault, Throttled) and fault.exhausted and self._session is not None:
            self._miss("the org's event allowance is used up")
            self._announce()
            await self._clock.sleep(self._settings.poll_seconds)
            return
        settings = self._settings
        wait = min(settings.retry_seconds_max, settings.retry_seconds_min * 2 ** min(self._attempts, 20))
        wait = fault.retry_after_seconds or wait * random.uniform(0.5, 1.0)  # noqa: S311 - only spreads attempts
        self._attempts += 1
        _log.warning("event stream interrupted", topic=self._topic, code=fault.code, vendor_code=fault.vendor_code)
        await self._clock.sleep(wait)

    def _miss(self, reason: str) -> None:
        self._replay_id, self._missed = b"", reason

    def _position(self) -> TopicPosition:
        return TopicPosition(replay_id=self._replay_id, at=self._at)

    def _now(self) -> Instant:
        return self._client.server_now() + seconds_to_us(CLOCK_PAD_SECONDS)


def _noticed(funding: asyncio.Task[None]) -> None:
    """A stream that ends tells why by itself: whoever was just writing to it need not say so again."""
    if not funding.cancelled():
        funding.exception()
