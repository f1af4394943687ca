"""Orders, crashes, faults, operators and time in any sequence, against a model of a few lines.

The model knows what was asked for; the ERP is asked what it has. The ERP minds no second order under one
reference and the dock does not look before it writes: that nothing is doubled is the engine's doing alone.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.durable.recipes import a_process
from tests.engine import Engine
from tests.stores import Stores

from crossdock.adapters.memory import ADAPTER
from crossdock.adapters.memory.settings import MemorySettings
from crossdock.adapters.memory.simulator.estate import STANDARD_ESTATE, Stock
from crossdock.adapters.memory.simulator.faults import (
    CommitLate,
    Fault,
    LoseAnswer,
    RefuseBeforeCommit,
    RejectOrder,
    Throttle,
)
from crossdock.adapters.memory.simulator.server import share_surface
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.canonical.order import Order
from crossdock.contracts.orders import order_subject
from crossdock.durable.cookbook import Cookbook
from crossdock.durable.lanes import guard
from crossdock.durable.records import Commit, EffectStep, RunState
from crossdock.durable.run import Run
from crossdock.durable.store import RunView
from crossdock.policies.order_acceptance import AcceptanceRules
from crossdock.ports.manifest import ROLE_METHODS, Role
from crossdock.processes.order_capture import Captured, OrderCapture
from crossdock.processes.order_submission import Collaborators, erp_key, order_submission
from crossdock.stock.holds import CountStock, StockCount
from crossdock.testing.builders import a_line, an_order

T = TypeVar("T")
MICRO = 1_000_000
ON_HAND = {"P-100": 1_000, "P-110": 12}
SETTLE_SECONDS = 5.0
ROUNDS_TO_REST = 60

ROLES = (Role.ORDER_GATEWAY, Role.CUSTOMER_DIRECTORY, Role.PRODUCT_SOURCE, Role.PRICE_SOURCE)

FAULTS: dict[str, Fault] = {
    "answer lost": LoseAnswer(on="/orders"),
    "lands late": CommitLate(seconds=3, on="/orders"),
    "refuses": RejectOrder(code="PERIOD_CLOSED"),
    "cannot read it": RefuseBeforeCommit(on="/orders", status=400),
    "is busy": RefuseBeforeCommit(on="/orders"),
    "throttles": Throttle(on="/orders", wait_seconds=20),
    "cannot be asked": RefuseBeforeCommit(on="/orders/find", status=400),
    "cannot cancel": RejectOrder(on="/orders/cancel", code="PERIOD_CLOSED"),
}

orders = st.builds(
    lambda product, quantity, partial: {"product": product, "quantity": quantity, "partial": partial},
    st.sampled_from(sorted(ON_HAND)),
    st.integers(1, 5),
    st.booleans(),
)


NUMBERS = st.integers(0, 1_000)


def one_of(choices: Iterable[str], which: int) -> str:
    """One of them, the same whenever they are the same."""
    ordered = sorted(choices)
    return ordered[which % len(ordered)]


class OrderMachine(RuleBasedStateMachine):
    """`stores` are on an empty database."""

    def __init__(self, stores: Stores) -> None:
        super().__init__()
        self.stores = stores
        self.clock = stores.clock
        self.runner = asyncio.Runner()
        self.orders: dict[str, Order] = {}
        self.started: dict[str, list[str]] = {}
        self.operated: Counter[tuple[str, str]] = Counter()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    # ── the stage ───────────────────────────────────────────────────────────────────────────────────

    @initialize()
    def open(self) -> None:
        self.do(self._open())

    async def _open(self) -> None:
        self.name = uuid.uuid4().hex
        estate = msgspec.structs.replace(
            STANDARD_ESTATE, stock=tuple(Stock(product, "W1", str(count)) for product, count in ON_HAND.items())
        )
        self.erp = Surface(clock=self.clock, estate=estate, unique_reference=False)
        share_surface(self.name, self.erp)
        self.store = await self.stores.open()
        self.engine = Engine(self.store, self.clock)
        await self._begin()
        counts = tuple(StockCount(product, "W1", count * MICRO) for product, count in ON_HAND.items())
        await self.engine.worker.commit(Commit(effects=(EffectStep("count", CountStock(counts=counts)),)))

    async def _begin(self) -> None:
        await self.engine.begin()
        dock = ADAPTER.make_dock(MemorySettings(ledger=self.name, unique_reference=True), self.clock)
        await dock.open()
        methods = [method for role in ADAPTER.roles for method in ROLE_METHODS[role]]
        guarded = guard(
            self.engine.lanes["erp"], dock, [name for name in methods if name not in ("arrivals", "refill")]
        )
        using = Collaborators(
            erp=guarded,
            customers=guarded,
            products=guarded,
            prices=guarded,
            rules=AcceptanceRules(check_prices=False),
            clock=self.clock,
            erp_name="ERP",
            settle_seconds=SETTLE_SECONDS,
        )
        self.submission = order_submission(using)
        self.noting = a_process(_note, name="note", subject=lambda value: order_subject(value[0]))
        self.engine.processes = [self.submission, self.noting]
        cookbook = Cookbook(self.engine.processes)
        self.engine.worker._cookbook = cookbook  # they need the lanes, which need the engine
        self.engine.desk._cookbook = cookbook
        self.capture = OrderCapture(self.submission, self.engine.worker.commit, self.clock)

    # ── what happens ────────────────────────────────────────────────────────────────────────────────

    @rule(facts=orders)
    def an_order_is_captured(self, facts: dict[str, Any]) -> None:
        order_id = f"O-{len(self.orders):03}"
        line = a_line("1", product=facts["product"], quantity=str(facts["quantity"]))
        order = an_order(order_id, lines=[line], accepts_partial=facts["partial"])
        assert self.do(self.capture.take(order)) is Captured.TAKEN
        self.orders[order_id] = order
        self.started[order_id] = [self.submission.run_id(order_id)]

    @precondition(lambda self: self.orders)
    @rule(which=NUMBERS)
    def an_order_is_captured_again(self, which: int) -> None:
        order = self.orders[one_of(self.orders, which)]
        assert self.do(self.capture.take(order)) is Captured.KNOWN

    @precondition(lambda self: self.orders)
    @rule(which=NUMBERS)
    def something_else_about_an_order_is_started(self, which: int) -> None:
        order_id = one_of(self.orders, which)
        number = sum(map(len, self.started.values()))
        run_id = self.do(self.engine.start(self.noting, f"{order_id}-{number}", [order_id, number]))
        self.started[order_id].append(run_id)

    @rule(kind=st.sampled_from(sorted(FAULTS)))
    def the_erp_gets_a_fault(self, kind: str) -> None:
        self.erp.faults.add(FAULTS[kind])

    @rule(down=st.booleans())
    def the_erp_goes_down_or_comes_back(self, down: bool) -> None:
        self.erp.down = down

    @rule(seconds=st.sampled_from([0, 1, 6, 40, 600]))
    def time_passes(self, seconds: int) -> None:
        self.do(self.engine.advance(seconds))

    @rule(turns=st.integers(0, 40))
    def the_hub_crashes(self, turns: int) -> None:
        self.do(self._turn(turns))
        self.do(self.engine.crash())
        self.do(self._begin())

    @rule(turns=st.integers(0, 10))
    def the_hub_is_restarted(self, turns: int) -> None:
        self.do(self._turn(turns))
        self.do(self.engine.stop())
        self.do(self._begin())

    async def _turn(self, turns: int) -> None:
        """Let things go on for a little."""
        for _ in range(turns):
            await asyncio.sleep(0.0003 if turns % 2 else 0)

    @rule(
        verb=st.sampled_from(["retry", "repair", "skip", "compensate", "assign"]),
        which=NUMBERS,
    )
    def a_person_acts(self, verb: str, which: int) -> None:
        parked = {view.run_id: view for view in self.do(self.store.list_runs(state=RunState.PARKED))}
        if not parked:
            return
        run_id = one_of(parked, which)
        parking = parked[run_id].parking
        event(f"{verb} of {parking.code if parking else ''}")
        if self.do(self._act(verb, run_id)):
            self.operated[verb, run_id] += 1

    async def _act(self, verb: str, run_id: str) -> bool:
        desk, reason = self.engine.desk, "because"
        match verb:
            case "retry":
                return (await desk.retry([run_id], actor="ann", reason=reason))[run_id]
            case "skip":
                return (await desk.skip([run_id], actor="ann", reason=reason))[run_id]
            case "compensate":
                return (await desk.compensate([run_id], actor="ann", reason=reason))[run_id]
            case "assign":
                return (await desk.assign([run_id], actor="ann", owner="bob"))[run_id]
        order = self.orders[run_id.partition("/")[2]]
        smaller = msgspec.structs.replace(order, lines=(a_line("1", product=order.lines[0].product),))
        self.orders[order.order_id] = smaller
        return await desk.repair(run_id, actor="ann", reason=reason, new_input=msgspec.json.encode(smaller))

    # ── what is always so ───────────────────────────────────────────────────────────────────────────

    @invariant()
    def nothing_is_lost_doubled_or_out_of_turn(self) -> None:
        states = self.do(self._states())
        assert set(states) == {run_id for runs in self.started.values() for run_id in runs}
        for order_id in self.orders:
            assert len(self._documents(order_id)) <= 1, f"{order_id} is doubled"
        for available, held in self.do(self._levels()).values():
            assert available >= 0
            assert held >= 0
        for runs in self.started.values():
            self._expect_turns([(run_id, states[run_id]) for run_id in runs])

    def _expect_turns(self, turns: list[tuple[str, str]]) -> None:
        """Of one subject: what has ended, then the run whose turn it is, then those in the queue."""
        busy = ""
        for run_id, state in turns:
            if state in {RunState.DONE, RunState.SKIPPED}:
                assert not busy, f"{run_id} ended before {busy}"
            elif busy:
                assert state == RunState.QUEUED, f"{run_id} beside {busy}"
            else:
                assert state != RunState.QUEUED, f"{run_id} is queued behind nobody"
                busy = run_id

    async def _states(self) -> dict[str, str]:
        return dict(await self.store._read(lambda tx: tx.execute("SELECT id, state FROM run").fetchall()))

    async def _levels(self) -> dict[str, tuple[int, int]]:
        sql = "SELECT product, available, held FROM stock_level"
        rows = await self.store._read(lambda tx: tx.execute(sql).fetchall())
        return {product: (available // MICRO, held // MICRO) for product, available, held in rows}

    def _documents(self, order_id: str) -> list[Any]:
        found = self.erp.ledger.orders(erp_key(order_id))
        return [document for document in found if document.state != "CANCELLED"]

    # ── how it ends ─────────────────────────────────────────────────────────────────────────────────

    def teardown(self) -> None:
        try:
            if hasattr(self, "engine"):
                self.do(self._come_to_rest())
                self._expect_a_clean_end(self.do(self.store.list_runs(limit=10_000)))
        finally:
            self.do(self._close())
            self.runner.close()

    async def _come_to_rest(self) -> None:
        self.erp.faults.clear()
        self.erp.down = False
        for _ in range(ROUNDS_TO_REST):
            await self.engine.advance(100)
            for view in await self.store.list_runs(state=RunState.PARKED):
                # What landed before it was repaired cannot go on with the repaired input.
                landed = view.parking is not None and view.parking.code == "landed-before-repair"
                verb = "compensate" if landed else "retry"
                self.operated[verb, view.run_id] += await self._act(verb, view.run_id)
            if set(await self.store.count_runs()) <= {"done", "skipped"}:
                return
        raise AssertionError(f"does not come to rest:\n{await self.engine.picture()}")

    def _expect_a_clean_end(self, views: Sequence[RunView]) -> None:
        gone: Counter[str] = Counter()
        for view in views:
            if view.process != "order_submission":
                continue
            order_id = view.run_id.partition("/")[2]
            documents = self._documents(order_id)
            outcome = msgspec.json.decode(view.result or b"{}").get("outcome", "skipped")
            if view.state is RunState.DONE:
                assert bool(documents) == (outcome in {"accepted", "partly_accepted"}), f"{order_id}: {outcome}"
            event(f"ends {outcome}")
            for document in documents:
                gone[document.content.positions[0].article] += int(document.results[0].confirmed)
            self._expect_events(order_id, view, self.do(self._told(order_id)))
        levels = self.do(self._levels())
        skipped = {
            self.orders[view.run_id.partition("/")[2]].lines[0].product for view in views if _is_skipped(view)
        }
        for product, count in ON_HAND.items():
            available, held = levels[product]
            assert held == 0
            if product not in skipped:
                assert count - available == gone[product], f"{product} is not conserved"

    def _expect_events(self, order_id: str, view: RunView, told: Counter[str]) -> None:
        """Each transition is told once."""
        run_id = f"order_submission/{order_id}"
        times = {verb: self.operated[verb, run_id] for verb in ("retry", "repair", "compensate", "skip")}
        released = times["retry"] + times["repair"] + times["compensate"]
        assert told["OrderCaptured"] == 1
        assert told["OrderReleased"] == released
        assert told["OrderNeedsAttention"] == released + times["skip"]
        assert told["OrderAccepted"] + told["OrderRefused"] == 1, view.state
        assert told["OrderWaiting"] <= 2 * (1 + released), "once for the masters, once for the ERP"

    async def _told(self, order_id: str) -> Counter[str]:
        names = {
            "captured": "OrderCaptured",
            "held": "StockHeld",
            "accepted": "OrderAccepted",
            "refused": "OrderRefused",
            "waiting": "OrderWaiting",
            "exception": "OrderNeedsAttention",
            "released": "OrderReleased",
        }
        events = await self.store.read_events(0, 10_000, order_subject(order_id))
        return Counter(names[event.type.split(".")[2]] for event in events)

    async def _close(self) -> None:
        if hasattr(self, "engine"):
            await self.engine.crash()
            share_surface(self.name, None)
        await self.stores.close()


async def _note(run: Run, value: Any) -> None:
    async def noted(_key: str) -> int:
        return int(value[1])

    await run.step("note", noted, returns=int)


def _is_skipped(view: RunView) -> bool:
    return view.process == "order_submission" and view.state is RunState.SKIPPED
