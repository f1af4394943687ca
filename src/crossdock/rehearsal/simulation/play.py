"""One seed played: the scenario's day, an operator at its end, and what was found wrong."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from crossdock.bootstrap.stores import MemoryStore
from crossdock.canonical.order import Order, OrderLine
from crossdock.canonical.party import Address, Customer, ExternalReference
from crossdock.durable.records import Commit, EffectStep
from crossdock.kit.clock import SteadyClock
from crossdock.kit.ids import DRAW
from crossdock.kit.money import MICRO, Price, Quantity
from crossdock.rehearsal.chance import Chance
from crossdock.rehearsal.hub import VirtualHub
from crossdock.rehearsal.loop import Standstill, VirtualLoop
from crossdock.rehearsal.machine import WallClock
from crossdock.rehearsal.shop import SYSTEM as SHOP
from crossdock.rehearsal.simulation.invariants import (
    AFTER_COMMIT,
    AT_THE_END,
    Books,
    every_run_ends,
    one_order_per_key,
    record_of,
)
from crossdock.rehearsal.simulation.scenario import PRODUCTS, PlannedOrder, Scenario
from crossdock.rehearsal.simulation.trace import Trace
from crossdock.rehearsal.simulation.world import PRICE, World
from crossdock.stock.holds import CountStock, StockCount

HORIZON_SECONDS = 120.0
"""So long after the last fault everything has ended, or it never will."""

LOOK_SECONDS = 1.0
ANSWER_SECONDS = 2.0
TURNS_MAX = 200_000
ROUNDS = 2
"""How often the operator goes through what is parked."""

_OPEN = "SELECT count(*) FROM run WHERE state NOT IN ('done', 'skipped', 'parked')"
_PARKED = "SELECT id FROM run WHERE state = 'parked' ORDER BY id"
_BEHIND = """
    SELECT count(*) FROM cursor WHERE name LIKE 'relay:%' AND position <>
        (SELECT coalesce(max(sequence), 0) FROM event)
"""


class Found(msgspec.Struct, frozen=True):
    """An invariant that did not hold, and when that was seen."""

    invariant: str
    detail: str
    at: float


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How a scenario came out. `injected` counts the faults that struck, by kind."""

    scenario: Scenario
    found: tuple[Found, ...]
    injected: Mapping[str, int]
    seconds: float
    turns: int
    lines: tuple[str, ...] = ()


def play(scenario: Scenario, *, traced: bool = False) -> Verdict:
    """Play a scenario to its end, or to the first thing that is wrong. The same every time."""
    die = Chance(scenario.seed).of("turns")
    loop = VirtualLoop(die.randrange if scenario.shuffled else None)
    day = Day(scenario, loop, traced=traced)
    dice = random.getstate()
    random.seed(scenario.seed)
    with _logs_to(day):
        try:
            loop.run_until_complete(_drawing_ids(day))
        except Standstill as standstill:
            day.fail("no_standstill", str(standstill))
        finally:
            day.ended = True
            loop.bury()
            day.world.database.close()
            random.setstate(dice)
    return Verdict(
        scenario=scenario,
        found=tuple(day.found),
        injected=dict(day.world.injected),
        seconds=loop.time(),
        turns=loop.turns,
        lines=tuple(day.trace.lines),
    )


async def _drawing_ids(day: "Day") -> None:
    DRAW.set(Chance(day.scenario.seed).draw_id)
    await day.pass_by()


class Day:
    """A day under way."""

    def __init__(self, scenario: Scenario, loop: VirtualLoop, *, traced: bool) -> None:
        self.scenario = scenario
        self.found: list[Found] = []
        self.ended = False
        self.trace = Trace(loop.time, on=traced)
        self._loop = loop
        self._changes_seen = -1
        self._over = asyncio.Event()
        self.world = World(
            scenario, loop, self.trace, after_commit=self._after_commit, after_booking=self._after_booking
        )
        self._clock = WallClock(loop)

    def fail(self, invariant: str, detail: str) -> None:
        """Something is wrong: nobody needs to go on."""
        self.trace.say("FOUND", f"{invariant}: {detail}")
        self.found.append(Found(invariant, detail, round(self._loop.time(), 4)))
        self._over.set()

    async def pass_by(self) -> None:
        """The whole day; ends early where something is wrong."""
        day = self._loop.create_task(self._pass(), name="day")
        over = self._loop.create_task(self._over.wait(), name="over")
        await asyncio.wait([day, over], return_when=asyncio.FIRST_COMPLETED)
        if day.done():
            day.result()

    async def _pass(self) -> None:
        self.world.context.run(self.world.begin)
        await self._count_stock()
        for planned in self.scenario.orders:
            self._plan(planned)
        await asyncio.sleep(self._last_fault_seconds())
        ended = await self._until_quiet()
        for _ in range(ROUNDS):
            if ended and not self.found:
                await self._operate()
                ended = await self._until_quiet()
        await self._finish(ended=ended)

    async def _count_stock(self) -> None:
        counts = tuple(StockCount(product, "W1", self.scenario.pieces * MICRO) for product in PRODUCTS)
        store = MemoryStore(
            self.world.database, SteadyClock(self._clock.now, self._clock.elapsed), self.world.store_line("stock")
        )
        await store.open()
        await store.apply([Commit(effects=(EffectStep("count", CountStock(counts=counts)),))], self._clock.now())

    def _last_fault_seconds(self) -> float:
        ends = [fault.at + fault.seconds for fault in self.scenario.faults]
        ends += [max((order.at, *order.again, order.changed_at or 0)) for order in self.scenario.orders]
        return max(ends) + LOOK_SECONDS

    # ── orders come ─────────────────────────────────────────────────────────────────────────────────

    def _plan(self, planned: PlannedOrder) -> None:
        order = order_of(planned)
        for at in (planned.at, *planned.again):
            self._loop.call_later(at, self._bring, planned, order, context=self.world.context)
        if planned.changed_at is not None:
            changed = order_of(planned, more_pieces=1)
            self._loop.call_later(planned.changed_at, self._bring, planned, changed, context=self.world.context)

    def _bring(self, planned: PlannedOrder, order: Order) -> None:
        self.trace.say(planned.door, f"{order.order_id} comes, {order.net().amount} {order.currency}")
        if planned.door == "stream":
            self.world.shop.deliver(order, self._clock.now())
        else:
            self._loop.create_task(self._call(order), name=f"buyer of {order.order_id}")

    async def _call(self, order: Order) -> None:
        """A channel calls until it is answered: an answer may be lost with the worker that gave it."""
        asked = 0
        while True:
            hubs = self.world.hubs()
            if hubs:
                hub = hubs[asked % len(hubs)]
                asked += 1
                taking = hub.machine.begin(hub.capture.take(order), name=f"{hub.machine}: capture")
                await asyncio.wait([taking], timeout=ANSWER_SECONDS)
                if taking.done() and taking.exception() is None:
                    self.trace.say("channel", f"{order.order_id} is {taking.result()}")
                    return
            await asyncio.sleep(LOOK_SECONDS)

    # ── the end ─────────────────────────────────────────────────────────────────────────────────────

    async def _until_quiet(self) -> bool:
        """Whether nothing is left to do in time."""
        until = self._loop.time() + HORIZON_SECONDS
        while not self._is_quiet():
            if self._loop.time() > until:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True

    def _is_quiet(self) -> bool:
        execute = self.world.database.connection.execute
        if execute(_OPEN).fetchone()[0] or execute(_BEHIND).fetchone()[0]:
            return False
        known = {run_id for (run_id,) in execute("SELECT id FROM run")}
        wanted = {f"order_submission/{planned.order_id}" for planned in self.scenario.orders}
        position = execute("SELECT position FROM cursor WHERE name = ?", (f"source:{SHOP}",)).fetchone()
        read = position is not None and int(position[0] or 0) >= len(self.world.shop.stream)
        return wanted <= known and read and len(self.world.hubs()) == len(self.world.workers)

    async def _operate(self) -> None:
        """A person goes through what is parked: other versions of an order are dropped, the rest goes on."""
        parked = [run_id for (run_id,) in self.world.database.connection.execute(_PARKED)]
        hub: VirtualHub = self.world.hubs()[0]
        variants = [run_id for run_id in parked if "@" in run_id]
        rest = [run_id for run_id in parked if "@" not in run_id]
        if variants:
            await hub.desk.skip(variants, actor="operator", reason="The order stands as it was submitted.")
        if rest and self.scenario.verb == "retry":
            await hub.desk.retry(rest, actor="operator")
        elif rest:
            await hub.desk.compensate(rest, actor="operator", reason="Nobody can deliver this.")

    async def _finish(self, *, ended: bool) -> None:
        books = Books(self.world)
        if not ended and not any(every_run_ends(books)):
            self.fail("everything_settles", "the relays, the source or a worker did not come to rest")
        for check in AT_THE_END:
            for detail in check(books):
                self.fail(check.__name__, detail)
        for fault in self._loop.faults:
            self.fail("nothing_is_raised_to_nobody", f"{fault.get('message')}: {fault.get('exception')!r}")

    # ── after every step ────────────────────────────────────────────────────────────────────────────

    def _after_commit(self) -> None:
        changes = self.world.database.connection.total_changes
        if changes == self._changes_seen:
            return
        self._changes_seen = changes
        for check in AFTER_COMMIT:
            for detail in check(self.world):
                self.fail(check.__name__, detail)
        if self._loop.turns > TURNS_MAX:
            self.fail("nothing_spins", f"{self._loop.turns} turns in {self._loop.time():.0f} s")

    def _after_booking(self, key: str) -> None:
        self.trace.say(
            "erp", f"books {[each.number for each in self.world.erp.documents[key] if not each.cancelled]}"
        )
        for detail in one_order_per_key(self.world, key):
            self.fail(one_order_per_key.__name__, detail)

    def hear(self, method: str, event: MutableMapping[str, Any]) -> None:
        """What the hub logs: an exception that nobody foresaw is a fault, whatever became of it."""
        if self.ended:
            return  # what is buried still says that it was interrupted
        facts = " ".join(
            f"{name}={value}" for name, value in sorted(event.items()) if name not in {"event", "exc_info"}
        )
        self.trace.say("log", f"{event.get('event')} {facts}")
        if method in {"error", "exception"} and "exc_type" in event:
            self.fail("every_fault_is_foreseen", f"{event.get('event')}: {facts}")


def order_of(planned: PlannedOrder, *, more_pieces: int = 0) -> Order:
    """The order as the shop or channel sends it."""
    return Order(
        order_id=planned.order_id,
        channel=planned.door,
        currency="EUR",
        ordered_at=datetime(2026, 1, 1, tzinfo=UTC),
        customer=Customer(name="Ada Beispiel", number=planned.customer),
        shipping_address=Address(
            name="Ada Beispiel", lines=("Musterweg 1",), postal_code="10115", city="Berlin", country="DE"
        ),
        lines=tuple(
            OrderLine(
                line_id=str(number + 1),
                product=line.product,
                quantity=Quantity.of(line.pieces + more_pieces),
                unit_price=Price(PRICE, "EUR"),
            )
            for number, line in enumerate(planned.lines)
        ),
        references=(ExternalReference("shop", "Order", record_of(planned.order_id)),),
        accepts_partial=planned.accepts_partial,
    )


@contextlib.contextmanager
def _logs_to(day: Day) -> Iterator[None]:
    before = structlog.get_config()

    def hear(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        day.hear(method, event)
        raise structlog.DropEvent

    structlog.configure(
        processors=[hear],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)
