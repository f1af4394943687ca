"""The world of a simulation: one database, workers that die and come back, an ERP, a shop, a broker, faults."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextvars import copy_context
from functools import partial

from crossdock.bootstrap.stores import MemoryDatabase
from crossdock.durable.lanes import LaneLimits
from crossdock.durable.retries import RetryPolicy
from crossdock.kit.clock import SteadyClock
from crossdock.rehearsal.broker import SYSTEM as BROKER
from crossdock.rehearsal.broker import VirtualBroker, to_broker
from crossdock.rehearsal.chance import Chance
from crossdock.rehearsal.erp import SYSTEM as ERP
from crossdock.rehearsal.erp import ErpDock, VirtualErp
from crossdock.rehearsal.hub import Pace, VirtualHub
from crossdock.rehearsal.loop import VirtualLoop
from crossdock.rehearsal.machine import Machine, WallClock
from crossdock.rehearsal.network import Call, Link, Trouble
from crossdock.rehearsal.shop import SYSTEM as SHOP
from crossdock.rehearsal.shop import ShopDock, VirtualShop
from crossdock.rehearsal.simulation.scenario import (
    BLOCKED,
    CALL_KINDS,
    DISCONTINUED,
    LEASE_SECONDS,
    PRODUCTS,
    SETTLE_SECONDS,
    Fault,
    Scenario,
)
from crossdock.rehearsal.simulation.trace import Trace
from crossdock.rehearsal.store_line import StoreLine

CALL_SECONDS_MAX = 2.0
RESTART_SECONDS = 1.0
PRICE = "10.00"
_DONE = "SELECT (SELECT count(*) FROM journal) + (SELECT coalesce(max(sequence), 0) FROM event)"

PACE = Pace(
    lease_seconds=LEASE_SECONDS,
    poll_seconds=2.0,
    idle_seconds=1.0,
    settle_seconds=SETTLE_SECONDS,
    linger_seconds=0.0,
    retries=RetryPolicy(attempts_max=5, first_wait_seconds=0.5, wait_seconds_max=4.0),
    erp=LaneLimits(
        in_flight_max=4, failures_max=4, cool_down_seconds=1, cool_down_max_seconds=3, slot_lease_seconds=4
    ),
    shop=LaneLimits(in_flight_max=2, failures_max=4, cool_down_seconds=1, cool_down_max_seconds=3),
)
"""In more of a hurry than in production, so that a seed is cheap; the proportions are the same."""


class Worker:
    """One of the hubs, through all its lives."""

    def __init__(self, world: "World", number: int) -> None:
        self._world = world
        self.name = f"worker-{number}"
        self.machine = Machine(world.loop, self.name)
        self.line = world.store_line(self.name, self._committed)
        self.hub: VirtualHub | None = None
        self.waits_for_work: list[Callable[[], object]] = []
        self._lives = 0

    @property
    def works(self) -> bool:
        """Whether somebody who calls it is heard."""
        return self.hub is not None and self.machine.alive

    def begin(self) -> None:
        """A new life, with nothing but the database. The machine's wall clock goes on as it was set."""
        self._lives += 1
        world, wall = self._world, self.machine.wall
        self.machine = Machine(world.loop, f"{self.name}.{self._lives}", wall)
        self.machine.on_death = self._die
        world.trace.say(self.machine, "begins")
        self.machine.context().run(self._make)
        assert self.hub is not None
        run = self.machine.begin(self.hub.run(), name=f"{self.machine}: hub")
        run.add_done_callback(lambda _ended: self.machine.kill(), context=world.context)

    def _committed(self) -> None:
        """What waited for it to work happens now."""
        self._world.committed()
        if self.waits_for_work and self._world.has_worked():
            waiting, self.waits_for_work = self.waits_for_work, []
            for happening in waiting:
                happening()

    def _make(self) -> None:
        world = self._world
        self.hub = VirtualHub(
            self.machine,
            world.database,
            self.line,
            ErpDock(world.erp, world.to_erp, trusting=world.scenario.erp == "trusting"),
            ShopDock(world.shop, world.to_shop),
            pace=PACE,
            subscriptions=[to_broker(world.broker, world.to_broker)],
        )

    def _die(self) -> None:
        self._world.trace.say(self.machine, "dies")
        self._world.loop.call_later(RESTART_SECONDS, self.begin, context=self._world.context)


class World:
    """Everything outside of the machines. `after_commit` and `after_booking` are called when something changed."""

    def __init__(
        self,
        scenario: Scenario,
        loop: VirtualLoop,
        trace: Trace,
        *,
        after_commit: Callable[[], None],
        after_booking: Callable[[str], None],
    ) -> None:
        self.scenario = scenario
        self.loop = loop
        self.trace = trace
        self.chance = Chance(scenario.seed)
        self.context = copy_context()
        wall = WallClock(loop)
        self.database = MemoryDatabase(SteadyClock(wall.now, wall.elapsed))
        self.erp = VirtualErp(unique_reference=scenario.erp == "refuses_twice", on_booking=after_booking)
        self.erp.prices = dict.fromkeys(PRODUCTS, PRICE)
        self.erp.blocked, self.erp.discontinued = {BLOCKED}, {DISCONTINUED}
        self.shop = VirtualShop()
        self.broker = VirtualBroker()
        self.injected: Counter[str] = Counter()
        self._after_commit = after_commit
        self._done = 0
        self._troubles = sorted(
            (fault for fault in scenario.faults if fault.kind in CALL_KINDS), key=lambda fault: fault.at
        )
        self.to_erp, self.to_shop, self.to_broker = (self._link(system) for system in (ERP, SHOP, BROKER))
        self.workers = [Worker(self, number) for number in range(scenario.workers)]

    def store_line(self, name: str, after: Callable[[], None] | None = None) -> StoreLine:
        """A way to the database of its own."""
        unit = self.chance.of("line", name).random
        return StoreLine(self.loop, self.context, unit=unit, after=after or self.committed)

    def begin(self) -> None:
        """Start the workers, and let the faults happen at their times."""
        for worker in self.workers:
            worker.begin()
        for fault in self.scenario.faults:
            if fault.kind not in CALL_KINDS:
                self.loop.call_later(fault.at, self._strike, fault, context=self.context)

    def hubs(self) -> list[VirtualHub]:
        """The hubs that work at present."""
        return [worker.hub for worker in self.workers if worker.works and worker.hub is not None]

    # ── faults ──────────────────────────────────────────────────────────────────────────────────────

    def _strike(self, fault: Fault) -> None:
        """A fault begins; most end by themselves."""
        if fault.target.isdigit():
            self._strike_worker(fault, self.workers[int(fault.target)])
        else:
            self._strike_system(fault, self.to_erp if fault.target == ERP else self.to_shop)

    def _strike_worker(self, fault: Fault, worker: Worker) -> None:
        machine, line = worker.machine, worker.line
        match fault.kind:
            case "crash" | "pause" if fault.at_work:
                self.has_worked()
                worker.waits_for_work.append(lambda: self._strike_soon(fault, worker.machine))
                return
            case "crash" | "pause":
                self._strike_soon(fault, machine)
                return
            case "clock":
                machine.wall.jump(fault.number)
                undo: Callable[[], object] = partial(machine.wall.jump, -fault.number)
            case "store_down":
                line.down = True
                undo = partial(setattr, line, "down", False)
            case "store_refuses":
                line.refuse_next = fault.number
                undo = _nothing
            case _:
                line.answer_late_seconds = fault.seconds
                undo = _nothing
        self._until(fault, machine, undo)

    def _strike_soon(self, fault: Fault, machine: Machine) -> None:
        """A crash or a pause, after so many turns."""

        def happen() -> None:
            if fault.kind == "crash":
                self._count(fault)
                machine.kill()
            else:
                machine.pause()
                self._until(fault, machine, machine.resume)

        self.trace.say(machine, f"{fault.kind} in {fault.number} turns")
        machine.after_turns(fault.number, happen)

    def _strike_system(self, fault: Fault, link: Link) -> None:
        weather, name = link.weather, fault.kind
        value = {"down": True, "hung": True, "slowness": 20.0, "rate": 2.0}[name]
        field = "rate_per_second" if name == "rate" else name
        before = getattr(type(weather)(), field)
        setattr(weather, field, value)
        self._until(fault, link.system, lambda: setattr(weather, field, before))

    def _until(self, fault: Fault, who: object, undo: Callable[[], object]) -> None:
        self._count(fault)
        self.trace.say(who, f"{fault.kind} for {fault.seconds} s" if fault.seconds else fault.kind)

        def end() -> None:
            self.trace.say(who, f"{fault.kind} is over")
            undo()

        self.loop.call_later(fault.seconds, end, context=self.context)

    def _trouble_of(self, call: Call) -> tuple[Trouble, float] | None:
        """The first call after a fault's time meets it."""
        for place, fault in enumerate(self._troubles):
            if fault.at > self.loop.time():
                return None
            if fault.at_work and not call.writes:
                continue
            if fault.target == call.system or (fault.target == SHOP and call.system == BROKER):
                del self._troubles[place]
                self._count(fault)
                return fault.kind, fault.seconds  # type: ignore[return-value]  # these are calls' kinds
        return None

    def _count(self, fault: Fault) -> None:
        self.injected[fault.kind] += 1

    def _link(self, system: str) -> Link:
        return Link(
            self.loop,
            self.context,
            self.chance,
            system,
            trouble_of=self._trouble_of,
            timeout_seconds=CALL_SECONDS_MAX,
            watch=self._watch if self.trace.on else lambda _call, _what: None,
        )

    def _watch(self, call: Call, what: str) -> None:
        task = asyncio.current_task() if what != "landed" else None
        where = f" from {task.get_name()}" if task else ""
        self.trace.say(call.system, f"{call.method} {call.key} ({call.number}): {what}{where}")

    def committed(self) -> None:
        """The database has done something."""
        self.trace.see(self.database)
        self._after_commit()

    def has_worked(self) -> bool:
        """Whether something was journalled or told since this was asked last."""
        (done,) = self.database.connection.execute(_DONE).fetchone()
        before, self._done = self._done, done
        return bool(done != before)


def _nothing() -> None:
    """This fault ends by itself."""
