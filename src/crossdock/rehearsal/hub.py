"""One hub process on a virtual machine: the production worker, committer, lanes, relays, intake and processes.

It is put together as bootstrap does it, from what one life of the machine needs; after a death another one is
made on a machine of its own, over the same database.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from crossdock.bootstrap.masters import Customers, Prices, Products
from crossdock.bootstrap.stores import MemoryDatabase, MemoryStore
from crossdock.contracts.orders import order_subject
from crossdock.durable.committer import Committer
from crossdock.durable.desk import Desk
from crossdock.durable.lanes import LaneLimits, Lanes, guard
from crossdock.durable.process import Process
from crossdock.durable.records import StoredEvent
from crossdock.durable.relay import Relay, Subscription
from crossdock.durable.retries import RetryPolicy
from crossdock.durable.worker import Worker
from crossdock.insight.order_board import order_board
from crossdock.policies.order_acceptance import AcceptanceRules
from crossdock.ports.manifest import ROLE_METHODS, Role
from crossdock.processes import order_intake, order_submission, status_feedback
from crossdock.processes.order_capture import OrderCapture
from crossdock.rehearsal.erp import SYSTEM as ERP
from crossdock.rehearsal.erp import ErpDock
from crossdock.rehearsal.machine import Machine
from crossdock.rehearsal.shop import SYSTEM as SHOP
from crossdock.rehearsal.shop import ShopDock
from crossdock.rehearsal.store_line import StoreLine

ORDER_EVENTS_MAX = 200
ERP_ROLES = (Role.ORDER_GATEWAY, Role.CUSTOMER_DIRECTORY, Role.PRODUCT_SOURCE, Role.PRICE_SOURCE)


@dataclass(frozen=True)
class Pace:
    """How the hub is set. By default as in production; a simulation of many seeds is in more of a hurry."""

    lease_seconds: float = 15.0
    poll_seconds: float = 0.5
    idle_seconds: float = 0.25
    settle_seconds: float = 60.0
    linger_seconds: float = 0.1
    reference_age_seconds: float = 60.0
    runs_max: int = 500
    statuses_max: int = 20
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    erp: LaneLimits = field(default_factory=lambda: LaneLimits(in_flight_max=8))
    shop: LaneLimits = field(default_factory=lambda: LaneLimits(in_flight_max=4))


class VirtualHub:
    """A hub process. Begin `run` on its machine; look at the parts from anywhere."""

    def __init__(
        self,
        machine: Machine,
        database: MemoryDatabase,
        line: StoreLine,
        erp: ErpDock,
        shop: ShopDock,
        *,
        pace: Pace,
        subscriptions: Sequence[Subscription] = (),
    ) -> None:
        self.machine = machine
        self._pace = pace
        clock = machine.clock
        self.store = MemoryStore(database, clock, line)
        self.committer = Committer(self.store, clock)
        self.lanes = Lanes(self.store, clock, machine.name, on_alert=lambda _alert: None)
        self._erp = guard(self.lanes.add(ERP, pace.erp), erp, _methods(*ERP_ROLES))
        self._shop = guard(self.lanes.add(SHOP, pace.shop), shop, _methods(Role.STATUS_SINK))
        self.submission = _paced(order_submission.order_submission(self._collaborators()), pace)
        self._feedback = status_feedback.Collaborators(
            sink=self._shop,
            owns=lambda _record: True,
            events_of=self._events_of,
            batch_max=pace.statuses_max,
            linger_seconds=pace.linger_seconds,
        )
        report = _paced(status_feedback.status_report(self._feedback), pace)
        self.processes: list[Process[Any]] = [self.submission, report]
        self.worker = Worker(
            self.store,
            self.committer,
            self.processes,
            self.lanes,
            clock,
            runs_max=pace.runs_max,
            lease_seconds=pace.lease_seconds,
            poll_seconds=pace.poll_seconds,
            name=machine.name,
        )
        self.capture = OrderCapture(self.submission, self.worker.commit, clock)
        self.desk = Desk(self.store, self.processes, clock)
        feedback = status_feedback.status_feedback(f"status:{SHOP}", report, self._feedback)
        self.relays = [
            Relay(subscription, self.store, self.worker, clock, idle_seconds=pace.idle_seconds)
            for subscription in (feedback, order_board(self.store), *subscriptions)
        ]
        self.intake = order_intake.OrderIntake(
            SHOP,
            shop,
            self.capture.take_arrival,
            self.worker.commit,
            self.store,
            lambda: self.worker.worker_id,
            clock,
        )

    async def run(self) -> None:
        """Start, and read from the shop for ever."""
        await self.store.open()
        self.machine.clock.agree(await self.store.time())
        self.committer.start()
        await self.lanes.start()
        await self.worker.start()
        for relay in self.relays:
            relay.start()
        await self.intake.run_forever()

    def _collaborators(self) -> order_submission.Collaborators:
        age, clock = self._pace.reference_age_seconds, self.machine.clock
        return order_submission.Collaborators(
            erp=self._erp,
            customers=Customers(self._erp),
            products=Products(self._erp, age, clock),
            prices=Prices(self._erp, age, clock),
            rules=AcceptanceRules(),
            clock=clock,
            erp_name="the ERP",
            settle_seconds=self._pace.settle_seconds,
        )

    async def _events_of(self, order_id: str) -> Sequence[StoredEvent]:
        return await self.store.read_events(0, ORDER_EVENTS_MAX, order_subject(order_id))


def _methods(*roles: Role) -> list[str]:
    return [method for role in roles for method in ROLE_METHODS[role]]


def _paced(process: Process[Any], pace: Pace) -> Process[Any]:
    return replace(process, retries=pace.retries)
