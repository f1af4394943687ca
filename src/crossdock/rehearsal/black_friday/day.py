"""The evening as it passes: one hub on a machine, the ERP and the shop beside it, arrivals, outage, midnight."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context, copy_context
from decimal import Decimal
from typing import Any

import structlog

from crossdock.bootstrap.stores import MemoryDatabase, MemoryStore
from crossdock.contracts.orders import ORDER_EVENTS, OrderAccepted, OrderCaptured, OrderRefused, OrderWaiting
from crossdock.durable.codec import decode
from crossdock.durable.lanes import LaneLimits
from crossdock.durable.lanes.budget import day_of
from crossdock.durable.records import Commit, EffectStep, StoredEvent
from crossdock.kit.clock import MICROSECONDS, Instant, SteadyClock, seconds_to_us
from crossdock.kit.errors import CrossdockError
from crossdock.kit.ids import DRAW
from crossdock.kit.money import MICRO, Quantity
from crossdock.policies.order_status import reason_of, status_after
from crossdock.ports.status_sink import StatusUpdate
from crossdock.processes.order_submission import erp_key
from crossdock.rehearsal.black_friday.plan import (
    Evening,
    customers,
    is_blocked,
    plan,
    prices,
    record_of,
)
from crossdock.rehearsal.black_friday.story import LaneSample, Story, Told
from crossdock.rehearsal.chance import Chance
from crossdock.rehearsal.erp import SYSTEM as ERP
from crossdock.rehearsal.erp import ErpDock, VirtualErp
from crossdock.rehearsal.hub import Pace, VirtualHub
from crossdock.rehearsal.loop import VirtualLoop
from crossdock.rehearsal.machine import Machine, WallClock
from crossdock.rehearsal.network import Call, Link
from crossdock.rehearsal.shop import SYSTEM as SHOP
from crossdock.rehearsal.shop import ShopDock, VirtualShop
from crossdock.rehearsal.store_line import StoreLine
from crossdock.stock.holds import CountStock, StockCount

SAMPLE_SECONDS = 2.0
BELIEVED = 1.25
"""The deployment believes that the ERP takes this much more than it does: so there are 429s."""

PIECES = 1_000_000
EVENTS_READ_MAX = 10_000

Progress = Callable[[float, float], None]
"""Told how many seconds of the evening have passed, and of how many."""


def pace_of(evening: Evening) -> Pace:
    """As in production; where nothing happens it is looked at less often, which costs a rehearsal most."""
    return Pace(
        idle_seconds=5.0,
        poll_seconds=5.0,
        statuses_max=200,
        erp=LaneLimits(in_flight_max=8, rate_per_second=evening.erp_per_second * BELIEVED),
        shop=LaneLimits(in_flight_max=4, daily_budget=evening.calls_a_day),
    )


def play(evening: Evening, progress: Progress = lambda _passed, _of: None) -> Told:
    """Let the evening pass; the same every time."""
    loop = VirtualLoop()
    day = Day(evening, loop)
    dice = random.getstate()
    random.seed(evening.seed)
    with _quiet_logs():
        try:
            return loop.run_until_complete(day.pass_by(progress))
        finally:
            loop.bury()
            day.database.close()
            random.setstate(dice)


class Records(VirtualShop):
    """The shop's records, and when each first showed which status."""

    def __init__(self, time: Callable[[], float]) -> None:
        super().__init__()
        self.shown_at: dict[tuple[str, str], float] = {}
        self._time = time

    def show(self, updates: Sequence[StatusUpdate]) -> list[CrossdockError | None]:
        """See VirtualShop."""
        for update in updates:
            self.shown_at.setdefault((update.record, update.status), self._time())
        return super().show(updates)


class Day:
    """An evening under way."""

    def __init__(self, evening: Evening, loop: VirtualLoop) -> None:
        self.evening = evening
        self._wall = WallClock(loop, evening.begins_at)
        self._clock = SteadyClock(self._wall.now, self._wall.elapsed)
        self.database = MemoryDatabase(self._clock)
        self.erp = VirtualErp(unique_reference=True)
        self.erp.prices = prices()
        self.erp.blocked = {number for number in customers() if is_blocked(number)}
        self.shop = Records(loop.time)
        self._loop = loop
        self._world: Context = copy_context()
        self._chance = Chance(evening.seed)
        self._calls: Counter[str] = Counter()
        self._to_erp = Link(loop, self._world, self._chance, ERP, watch=self._watch)
        self._to_erp.weather.rate_per_second = evening.erp_per_second
        self._to_shop = Link(loop, self._world, self._chance, SHOP)
        self._status_calls = 0
        self._lanes: list[LaneSample] = []

    async def pass_by(self, progress: Progress) -> Told:
        """The whole evening."""
        DRAW.set(self._chance.draw_id)
        machine = Machine(self._loop, "hub", self._wall)
        store = MemoryStore(self.database, self._clock, self._line("desk"))
        await store.open()
        await self._stock_up(store, self._clock.now())
        await self._use_up_quota(store, self._clock.now())
        hub = VirtualHub(
            machine,
            self.database,
            self._line("hub"),
            ErpDock(self.erp, self._to_erp),
            ShopDock(self.shop, self._to_shop, look_again_seconds=SAMPLE_SECONDS),
            pace=pace_of(self.evening),
        )
        running = machine.begin(hub.run(), name="hub")
        stories = self._plan()
        while self._loop.time() < self.evening.ends_at and not running.done():
            self._look(hub)
            progress(self._loop.time(), self.evening.ends_at)
            await asyncio.sleep(SAMPLE_SECONDS)
        if running.done():
            running.result()
        await self._read_events(store, stories)
        return self._told(stories)

    # ── what happens ────────────────────────────────────────────────────────────────────────────────

    def _plan(self) -> dict[str, Story]:
        stories = {}
        for planned in plan(self.evening):
            at = self.evening.begins_at + seconds_to_us(planned.at)
            self._at(planned.at, self.shop.capture, planned.order, at)
            stories[planned.order.order_id] = Story(order=planned.order, arrived_at=planned.at)
        self._at(self.evening.outage_at, setattr, self._to_erp.weather, "down", True)
        self._at(self.evening.outage_ends_at, setattr, self._to_erp.weather, "down", False)
        self._at(self.evening.midnight_at, self._count_status_calls)
        return stories

    def _at(self, seconds: float, what: Callable[..., object], *args: Any) -> None:
        self._loop.call_at(seconds, what, *args, context=self._world)

    def _count_status_calls(self) -> None:
        self._status_calls = self._to_shop.calls["statuses"]

    def _watch(self, _call: Call, what: str) -> None:
        self._calls[what] += 1

    async def _stock_up(self, store: MemoryStore, now: Instant) -> None:
        counts = tuple(StockCount(product, "W1", PIECES * MICRO) for product in self.erp.prices)
        await store.apply([Commit(effects=(EffectStep("count", CountStock(counts=counts)),))], now)

    async def _use_up_quota(self, store: MemoryStore, now: Instant) -> None:
        """What others in the company called today."""
        used, budget = self.evening.calls_a_day - self.evening.calls_left, self.evening.calls_a_day
        if used > 0:
            await store.lane_take_budget(SHOP, day=day_of(now), wanted=used, daily_budget=budget)

    def _line(self, name: str) -> StoreLine:
        return StoreLine(self._loop, self._world, unit=self._chance.of("line", name).random)

    # ── what is seen ────────────────────────────────────────────────────────────────────────────────

    def _look(self, hub: VirtualHub) -> None:
        lanes = dict(hub.lanes.items())
        erp, shop = lanes[ERP].state(), lanes[SHOP].state()
        feedback = next(relay for relay in hub.relays if relay.name == f"status:{SHOP}")
        self._lanes.append(
            LaneSample(
                at=self._loop.time(),
                erp=erp.status,
                erp_reason=erp.reason,
                ceiling=shop.priority_ceiling,
                quota_left=shop.budget_left,
                feedback=feedback.trouble,
            )
        )

    async def _read_events(self, store: MemoryStore, stories: dict[str, Story]) -> None:
        after = 0
        while events := await store.read_events(after, EVENTS_READ_MAX):
            for stored in events:
                self._read(stored, stories)
            after = events[-1].sequence

    def _read(self, stored: StoredEvent, stories: dict[str, Story]) -> None:
        kind = ORDER_EVENTS.get(stored.type)
        event = decode(stored.data, kind) if kind else None
        story = stories.get(event.order_id) if event else None
        if story is None:
            return
        at = (stored.at - self.evening.begins_at) / MICROSECONDS
        match event:
            case OrderCaptured():
                story.captured_at = at
            case OrderWaiting():
                story.waiting_at = at if story.waiting_at is None else story.waiting_at
                story.waiting_reason = story.waiting_reason or reason_of(event)
            case OrderAccepted() | OrderRefused():
                story.decided_at, story.ended = at, status_after(event)
                story.ends += 1
        if isinstance(event, OrderAccepted):
            price = {line.line_id: line.unit_price for line in story.order.lines}
            net = sum(
                (price[moved.line_id].times(Quantity.from_micro(moved.micro)).decimal for moved in event.lines),
                Decimal(0),
            )
            story.net = str(net)

    def _told(self, stories: dict[str, Story]) -> Told:
        for order_id, story in stories.items():
            story.documents = [book for book in self.erp.documents[erp_key(order_id)] if not book.cancelled]
            record = record_of(order_id)
            last = self.shop.shown.get(record)
            if last is not None and last.status == story.ended:
                story.shown_at = self.shop.shown_at[record, last.status]
        return Told(
            evening=self.evening,
            stories=list(stories.values()),
            lanes=self._lanes,
            erp_calls=dict(self._calls),
            status_calls=self._status_calls or self._to_shop.calls["statuses"],
            faults=[f"{fault.get('message')}: {fault.get('exception')!r}" for fault in self._loop.faults],
        )


@contextlib.contextmanager
def _quiet_logs() -> Iterator[None]:
    """What the hub logs belongs to the evening, not to the terminal: an outage is no news here."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), processors=[lambda *_: ""])
    try:
        yield
    finally:
        structlog.configure(**before)
