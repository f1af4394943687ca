"""The lane: the guarded way to one system.

Calls come in by `call`. Where every limit lets them, they start at once, and nothing is asked of anybody. Else
they wait in order of rank while the pump gets from the ledger what is short: slots, budget, permits, the right
to probe. All state changes between two awaits of one thread, and everything that may set somebody free ends in
`_dispatch`; so nobody waits for a wake-up that was given before.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from crossdock.durable.lanes.breaker import status_at
from crossdock.durable.lanes.budget import Allotment, Quota, ceiling_of, day_of, forecast, shed
from crossdock.durable.lanes.gate import Gate
from crossdock.durable.lanes.ledger import LaneLedger, pause_lane, resume_lane
from crossdock.durable.lanes.limits import (
    CURRENT_PRIORITY,
    CURRENT_SINCE,
    PRIORITY_LEAST_URGENT,
    PRIORITY_MOST_URGENT,
    LaneLimits,
)
from crossdock.durable.lanes.pump import Fetch, Pump
from crossdock.durable.lanes.rate import Meter, Pace
from crossdock.durable.lanes.record import LaneAlert, LaneClosed, LaneRecord, LaneState
from crossdock.durable.lanes.slots import SlotLease
from crossdock.durable.lanes.verdict import ANSWERED, Verdict, judge
from crossdock.durable.lanes.waiting import Waiter, WaitingRoom
from crossdock.kit.clock import MICROSECONDS, Clock, Instant
from crossdock.kit.errors import Transient
from crossdock.kit.failpoints import failpoint

T = TypeVar("T")

IDLE_TICKS = 2
"""A lane without a call for so many ticks lets go of what it shares with others."""

FULL_FOR_US = MICROSECONDS
QUIET_US = MICROSECONDS
"""After somebody was shed, no runs are taken up for so long: those that come first would be shed again."""

log = structlog.get_logger("lanes")


def log_alert(alert: LaneAlert) -> None:
    """Where nobody else listens, an alert goes to the log."""
    log.error("lane needs a person", lane=alert.lane, reason_code=alert.kind)


class Lane:
    """One worker's end of a lane. Lanes of the same name over the same ledger share its limits.

    Keep it in `Lanes`, which ticks it every second: it then follows what other workers and operators do, and
    keeps its slots through long calls. `worker_id` must be this process's own. `on_alert` is called once per
    event that needs a person, over all workers. `jitter` returns numbers from 0 to 1.
    """

    def __init__(
        self,
        name: str,
        limits: LaneLimits,
        ledger: LaneLedger,
        clock: Clock,
        worker_id: str,
        *,
        on_alert: Callable[[LaneAlert], None] = log_alert,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.limits = limits
        self._ledger = ledger
        self.clock = clock
        self._worker_id = worker_id
        self._on_alert = on_alert
        self._gate = Gate(name, limits, worker_id, jitter=jitter, on_turn=self._turned)
        self._waiting = WaitingRoom(limits)
        self._slots = SlotLease(limits) if limits.in_flight_max else None
        self._allotment = Allotment(limits.daily_budget) if limits.daily_budget else None
        self._quota = Quota()
        self._pace = Pace(limits) if limits.rate_per_second else None
        self._meter = Meter()
        self._in_flight = 0
        self._pump = Pump(clock, need=self._need, turn=self._dispatch, on_trouble=self._no_ledger)
        self._stopping = False
        self._closed = False
        self._idle_ticks = 0
        self._refund_due = False
        self._listeners: list[Callable[[], None]] = []
        self._last_told = "open"
        self._had_no_room = False
        self._quiet_until: Instant = 0

    # ── for those who call ──────────────────────────────────────────────────────────────────────────

    async def call(
        self, fn: Callable[[], Awaitable[T]], *, priority: int | None = None, parent: str | None = None
    ) -> T:
        """Await `fn()` as soon as the lane lets it, and learn from how it ends.

        `priority` is 0 (most urgent) to 9, by default that of the run. Calls of one `parent` never overlap on
        this worker. Raises LaneClosed where the call was not made, else what `fn` raised.
        """
        now = self.clock.now()
        if priority is None:
            priority = CURRENT_PRIORITY.get()
        priority = max(PRIORITY_MOST_URGENT, min(priority, PRIORITY_LEAST_URGENT))
        if self._may_start_at_once(priority, parent, now):
            self._start(parent, now)
            probe = False
        else:
            probe = await self._wait(priority, parent, now)
        failpoint("lane.call_starts")
        try:
            result = await fn()
        except BaseException as error:
            failpoint("lane.call_failed")
            verdict = judge(error)
            self._end(parent, verdict, probe=probe)
            if probe and verdict.kind != "unclear" and isinstance(error, Transient) and (closed := self.closure()):
                raise closed.after_probe() from error
            raise
        failpoint("lane.call_answered")
        self._end(parent, None, probe=probe)
        return result

    # ── for the engine and the console ──────────────────────────────────────────────────────────────

    def room(self) -> int:
        """How many more runs to take up for this lane now: 0 while it is closed, 1 to probe it."""
        room = self._room(self.clock.now())
        self._had_no_room = room == 0
        return room

    def state(self) -> LaneState:
        """The picture of this moment."""
        now = self.clock.now()
        record, limits, allotment = self._gate.record, self.limits, self._allotment
        used = allotment.used(now) - allotment.left(now) if allotment else 0
        return LaneState(
            lane=self.name,
            status=status_at(record, now),
            reason=record.reason,
            detail=self._pump.trouble or record.detail,
            since=record.since,
            reopens_at=record.reopens_at if record.status == "closed" else None,
            in_flight=self._in_flight,
            in_flight_max=limits.in_flight_max,
            slots=self._slots.held if self._slots else 0,
            waiting=self._waiting.count,
            rate_per_second=limits.rate_per_second,
            rate_used_per_second=round(self._meter.per_second(now), 3),
            daily_budget=limits.daily_budget,
            budget_left=limits.daily_budget - used,
            budget_forecast=forecast(used, now),
            quota_left=self._quota.left(now),
            priority_ceiling=ceiling_of(allotment, self._quota, now),
        )

    def closure(self) -> LaneClosed | None:
        """Why no call may go now; None while the lane is open."""
        return None if self._gate.record.status == "open" else self._gate.closed(self.clock.now())

    def heed_quota(self, used: int, allowed: int) -> None:
        """The system says how much of its own quota is used, by us and others: the least urgent wait in time."""
        self._quota.told(used, allowed, self.clock.now())

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the status changes, and when there is room again after there was none."""
        self._listeners.append(listener)

    async def pause(self, *, actor: str, reason: str) -> None:
        """Stop the lane on every worker until it is resumed; returns when that is written, and audited."""
        now = self.clock.now()
        self._gate.learn(await pause_lane(self._ledger, self.name, now, actor=actor, reason=reason))

    async def resume(self, *, actor: str, reason: str = "") -> None:
        """Let it go on: at once if a person had paused it, else with one call that goes first. Audited."""
        now = self.clock.now()
        self._gate.learn(await resume_lane(self._ledger, self.name, now, actor=actor, reason=reason))

    def tick(self, record: LaneRecord) -> None:
        """Once a second: this is what the ledger has of the lane. Renews slots, returns what lies idle."""
        if self._closed:
            return
        self._idle_ticks += 1
        if self._slots is not None:
            self._slots.renewal_due = self._slots.is_listed
        if self._allotment is not None and self._idle_ticks >= IDLE_TICKS:
            self._refund_due = self._allotment.left(self.clock.now()) > 0
        self._gate.learn(record)

    def drain(self) -> None:
        """Turn away whoever waits and whoever comes; calls under way end as usual."""
        self._stopping = True
        self._turn_away(self._stopped(self.clock.now()))

    async def close(self) -> None:
        """Drain, and return slots and budget. What cannot be returned now lapses."""
        self.drain()
        self._closed = True
        self._idle_ticks = IDLE_TICKS
        await self._pump.close()
        with contextlib.suppress(Exception):
            if self._slots is not None and self._slots.is_listed:
                await self._take_slots()
            if self._allotment is not None and self._allotment.left(self.clock.now()):
                await self._return_budget()

    # ── a call's way ────────────────────────────────────────────────────────────────────────────────

    def _may_start_at_once(self, priority: int, parent: str | None, now: Instant) -> bool:
        return (
            self._gate.is_open
            and self._waiting.is_clear
            and not self._stopping
            and (parent is None or parent not in self._waiting.busy)
            and priority <= ceiling_of(self._allotment, self._quota, now)
            and self._is_clear(now)
        )

    def _is_clear(self, now: Instant) -> bool:
        """Whether every limit lets one more call start now."""
        return (
            (self._slots is None or self._slots.free(self._in_flight, now) > 0)
            and (self._allotment is None or self._allotment.left(now) > 0)
            and (self._pace is None or self._pace.ready(now))
        )

    def _start(self, parent: str | None, now: Instant) -> None:
        self._in_flight += 1
        self._idle_ticks = 0
        self._meter.count(now)
        if parent is not None:
            self._waiting.busy.add(parent)
        if self._allotment is not None:
            self._allotment.spend()
        if self._pace is not None:
            self._pace.take()

    async def _wait(self, priority: int, parent: str | None, now: Instant) -> bool:
        """Return when the call was started, and whether it is a probe. Raises LaneClosed."""
        if (closed := self._refusal(priority, now)) is not None:
            raise closed.again()
        waiter, evicted = self._waiting.enter(priority, parent, min(CURRENT_SINCE.get() or now, now))
        if evicted is not None:
            detail = f"{self.limits.waiting_max} calls wait already"
            evicted.refuse(LaneClosed(self.name, "full", now + FULL_FOR_US, detail))
            self._waiting.left()
        self._dispatch()
        try:
            await waiter.wait()
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise
        return waiter.probe

    def _withdraw(self, waiter: Waiter) -> None:
        """Whoever waited was cancelled; what it had been given goes back."""
        if waiter.granted:
            self._in_flight -= 1
            if self._allotment is not None:
                self._allotment.refund(self.clock.now())
            if waiter.parent is not None:
                self._waiting.parent_freed(waiter.parent)
            if waiter.probe:
                self._gate.probing = False
        elif waiter.waits:
            waiter.cancelled = True
            self._waiting.left()
        self._dispatch()

    def _end(self, parent: str | None, verdict: Verdict | None, *, probe: bool) -> None:
        """A call ended; without a verdict, well."""
        now = self.clock.now()
        self._in_flight -= 1
        if parent is not None:
            self._waiting.parent_freed(parent)
        if probe:
            self._gate.probing = False
            self._gate.heed(verdict or ANSWERED, now, probe=True)
        elif verdict is None:
            self._gate.answered(now)
        else:
            self._gate.heed(verdict, now, probe=False)
        slots, others = self._slots, self._in_flight or self._waiting.count
        if slots is not None and slots.contended and not others:
            slots.renewal_due = True
            self._idle_ticks = IDLE_TICKS
        if self._waiting.count or (slots is not None and slots.owes_news(self._in_flight)):
            self._dispatch()
        if self._had_no_room and self._room(now) >= max(1, (self._in_flight + self._ahead()) // 3):
            self._tell()

    # ── who may go ──────────────────────────────────────────────────────────────────────────────────

    def _dispatch(self) -> None:
        """Let whoever may start do so, in order; send back whom the lane does not take; get what is short."""
        now = self.clock.now()
        match self._gate.way(now):
            case "open":
                self._dispatch_all(now)
            case "probe_ready":
                self._dispatch_probe(now)
            case "shut":
                self._turn_away(self._gate.closed(now))
            case _:  # the pump loads the record, or claims the probe
                pass
        self._pump.look(now)

    def _dispatch_all(self, now: Instant) -> None:
        while (waiter := self._waiting.first()) is not None:
            closed = self._shed(waiter.priority, now)
            if closed is not None:
                waiter.refuse(closed)
                self._waiting.left()
            elif self._is_clear(now):
                self._grant(waiter, now, probe=False)
            else:
                break

    def _dispatch_probe(self, now: Instant) -> None:
        waiter = self._waiting.first()
        if waiter is None:
            self._gate.give_up_probe()
        elif self._is_clear(now):
            self._gate.probing = True
            self._grant(waiter, now, probe=True)

    def _grant(self, waiter: Waiter, now: Instant, *, probe: bool) -> None:
        self._start(waiter.parent, now)
        waiter.grant(probe=probe)
        self._waiting.left()

    def _turn_away(self, closed: LaneClosed) -> None:
        for waiter in self._waiting.empty():
            waiter.refuse(LaneClosed(closed.lane, closed.reason, closed.reopens_at, closed.detail))

    def _refusal(self, priority: int, now: Instant) -> LaneClosed | None:
        """Why a call may not even wait."""
        if self._stopping:
            return self._stopped(now)
        way = self._gate.way(now)
        if way == "shut" or (way in {"probe_free", "probe_ready"} and self._waiting.count):
            return self._gate.closed(now)
        return self._shed(priority, now)

    def _stopped(self, now: Instant) -> LaneClosed:
        return LaneClosed(self.name, "stopping", now, "this worker stops")

    def _shed(self, priority: int, now: Instant) -> LaneClosed | None:
        """Why budget or quota have nothing for a call of this priority."""
        closed = shed(self.name, priority, self._allotment, self._quota, now)
        if closed is not None and closed.reason == "shed":
            self._quiet_until = now + QUIET_US
        return closed

    def _room(self, now: Instant) -> int:
        waiting, way = self._waiting.count, self._gate.way(now)
        if self._stopping or way == "shut" or now < self._quiet_until:
            return 0
        if self._allotment is not None and self._allotment.ceiling(now) < 0:
            return 0
        if way in {"probe_free", "probe_ready"}:
            return 0 if waiting else 1
        room = self.limits.waiting_max - waiting
        if self._slots is not None:
            share = max(1, self._slots.target if self._slots.contended else self._slots.in_flight_max)
            soon = max(share, int(self._meter.per_second(now) / 4))
            room = min(room, share + soon - self._in_flight - self._ahead())
        if self._pace is not None:
            room = min(room, max(1, int(2 * self.limits.rate_per_second)) - self._ahead())
        return max(0, room)

    def _ahead(self) -> int:
        """How many wait here that go before the rows: those it turned away go before what came since it opened."""
        opened_at = self._gate.record.since
        return self._waiting.begun_before(opened_at) if opened_at else self._waiting.count

    # ── what is short ───────────────────────────────────────────────────────────────────────────────

    def _need(self, now: Instant) -> Fetch | None:
        """What to get from the ledger next. Each limit is asked only when those before it let a call go."""
        if self._gate.needs_saving:
            return self._save
        if self._slots is not None and self._slots.owes_news(self._in_flight):
            return self._take_slots
        if self._refund_due:
            return self._return_budget
        if self._stopping or self._waiting.first() is None:
            return None
        match self._gate.way(now):
            case "unknown":
                return self._load
            case "probe_free":
                return self._claim_probe
            case "shut":
                return None
            case _:
                return self._missing(now)

    def _missing(self, now: Instant) -> Fetch | None:
        """Which limit holds the next call back, and how to move it; None where only a call's end or time helps."""
        slots, allotment, pace = self._slots, self._allotment, self._pace
        if slots is not None and not slots.free(self._in_flight, now):
            if slots.is_trusted(now) and not slots.may_grow:
                return None
            if slots.is_trusted(now) and now < slots.retry_at:
                self._pump.wake_at(slots.retry_at)
                return None
            return self._take_slots
        if allotment is not None and not allotment.left(now):
            return self._take_budget
        if pace is not None and not pace.ready(now):
            if pace.next_at is None:
                return self._reserve
            self._pump.wake_at(pace.next_at)
        return None

    async def _load(self) -> None:
        await self._gate.load(self._ledger)

    async def _save(self) -> None:
        if await self._gate.save(self._ledger):
            record = self._gate.record
            self._on_alert(LaneAlert(lane=self.name, kind="unauthorised", detail=record.detail, at=record.since))

    async def _claim_probe(self) -> None:
        await self._gate.claim_probe(self._ledger, self.clock.now())
        failpoint("lane.probe_claimed")

    async def _take_slots(self) -> None:
        assert self._slots is not None
        now = self.clock.now()
        spare = 1 if self._idle_ticks < IDLE_TICKS else 0
        ask = self._slots.ask(self.name, self._worker_id, self._in_flight, self._waiting.count + spare)
        share = await self._ledger.lane_take_slots(ask, now)
        failpoint("lane.slots_taken")
        self._slots.granted(ask, share, now)

    async def _take_budget(self) -> None:
        assert self._allotment is not None
        now = self.clock.now()
        day, wanted = day_of(now), self._allotment.block(self._waiting.count, self._meter.per_second(now))
        grant = await self._ledger.lane_take_budget(
            self.name, day=day, wanted=wanted, daily_budget=self.limits.daily_budget
        )
        failpoint("lane.budget_taken")
        self._allotment.granted(day, grant.granted, grant.used)

    async def _return_budget(self) -> None:
        assert self._allotment is not None
        self._refund_due = False
        day, calls = self._allotment.give_back()
        failpoint("lane.budget_returned")
        await self._ledger.lane_return_budget(self.name, day=day, calls=calls)

    async def _reserve(self) -> None:
        assert self._pace is not None
        now = self.clock.now()
        free = self._slots.free(self._in_flight, now) if self._slots else self._waiting.count
        permits = self._pace.block(self._waiting.count, free, self._meter.per_second(now))
        first = await self._ledger.lane_reserve_rate(
            self.name,
            permits=permits,
            interval_us=self._pace.interval_us,
            tolerance_us=self._pace.tolerance_us,
            now=self._pace.from_when(now),
        )
        failpoint("lane.rate_reserved")
        self._pace.granted(permits, first, self.clock.now() - now)

    # ── whom to tell ────────────────────────────────────────────────────────────────────────────────

    def _turned(self) -> None:
        """The shared record may have changed, or time has changed what it means."""
        status = status_at(self._gate.record, self.clock.now())
        if status != self._last_told:
            self._last_told = status
            self._tell()
        self._dispatch()

    def _tell(self) -> None:
        self._had_no_room = False
        for listener in self._listeners:
            listener()

    def _no_ledger(self, trouble: str) -> None:
        self._on_alert(LaneAlert(lane=self.name, kind="ledger", detail=trouble, at=self.clock.now()))
