"""The hub, put together: one object that opens, runs and closes everything a deployment names."""

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from functools import cached_property, partial
from socket import gethostname
from typing import Any, Self

import structlog

from crossdock.bootstrap.canaries import Canaries
from crossdock.bootstrap.customers import CustomerProcesses, CustomerStream, systems_with
from crossdock.bootstrap.deployment import SQLITE_PREFIX, Deployment
from crossdock.bootstrap.erasures import FileErasureLog
from crossdock.bootstrap.gathering import GatheredWrites
from crossdock.bootstrap.masters import Customers, Prices, Products
from crossdock.bootstrap.rehearsals import HubPast
from crossdock.bootstrap.releasing import Releasing
from crossdock.bootstrap.retention import retention_of
from crossdock.contracts.orders import order_subject
from crossdock.durable.committer import Committer
from crossdock.durable.desk import Desk
from crossdock.durable.lanes import Lane, LaneClosed, LaneLimits, Lanes, guard
from crossdock.durable.process import Process
from crossdock.durable.records import Commit, EffectStep
from crossdock.durable.relay import Relay, Subscription
from crossdock.durable.worker import Worker
from crossdock.identity.golden.freshness import FeedFreshness, FieldFreshness, feeds_of, freshness_of
from crossdock.identity.golden.survivorship import golden
from crossdock.insight.durations import Durations
from crossdock.insight.order_board import order_board
from crossdock.kit.clock import Clock, Instant, SteadyClock, SystemClock
from crossdock.kit.failpoints import failpoint
from crossdock.kit.ids import new_id
from crossdock.ports.manifest import ROLE_METHODS, Role
from crossdock.ports.order_board import OrderBoard
from crossdock.ports.order_source import OrderSource
from crossdock.ports.usage import ApiUsage, TellsUsage
from crossdock.processes import customer_canary, event_publication, order_intake, order_submission, status_feedback
from crossdock.processes.credit_desk import CreditDesk
from crossdock.processes.customer_capture import CustomerCapture
from crossdock.processes.customer_rehearsal import Collaborators, Rehearsals, customer_rehearsal
from crossdock.processes.customer_validation import CustomerValidation
from crossdock.processes.order_capture import OrderCapture
from crossdock.stock.holds import CountStock, StockCount
from crossdock.storage.keyring import GivenKeys, KeyFile
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.sqlite import SqliteStore
from crossdock.storage.vault import Vault

log = structlog.get_logger("hub")

ORDER_EVENTS_MAX = 1_000
OPEN_SECONDS_FIRST = 1.0
OPEN_SECONDS_MAX = 60.0
KEY_FILE = ".crossdock/keys"
"""Where the secrets lie that nobody gave by reference."""
LONG_ROLES = frozenset({Role.ORDER_SOURCE, Role.CUSTOMER_SOURCE})
"""Roles whose calls are streams: their own flow control protects the system, not the lane."""


class Hub:
    """A deployment at work.

    `open` connects to the store and prepares the docks; `run` takes up work: runs, sources, status feedback.
    Used without `run` it can look, and put parked runs right, beside a hub that works.
    """

    def __init__(self, deployment: Deployment, clock: Clock | None = None) -> None:
        self.deployment = deployment
        self.clock = clock or SystemClock()
        self.store = make_store(deployment, self.clock)
        self.board: OrderBoard = self.store
        self.erasure_log = FileErasureLog(deployment.folder / deployment.hub.erasures)
        self.decisions = Durations()
        self.committer = Committer(self.store, self.clock)
        self.docks: dict[str, Any] = {}
        name = worker_name()
        self.lanes = Lanes(self.store, self.clock, worker_id=name, news=self.store.news)
        self._exits = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self.relays: list[Relay] = []
        self.intakes: dict[str, order_intake.OrderIntake] = {}
        self._make_docks()
        self.submission = order_submission.order_submission(self._submission_collaborators())
        self.reports = {name: self._report(name) for name in deployment.routes.status_sinks}
        self.processes: list[Process[Any]] = [
            self.submission,
            *(report for report, _ in self.reports.values()),
        ]
        self.publishing = event_publication.Collaborators(
            sinks={name: self.guarded(name) for name in deployment.routes.event_sinks},
            busy=self.store.busy_subjects,
        )
        self.publication = event_publication.event_publication(self.publishing)
        self.processes.append(self.publication)
        self.releasing = Releasing(self.store, lambda: self.desk, self.clock)
        self.customers: CustomerProcesses | None = None
        self.rehearsals: Rehearsals | None = None
        if deployment.ownership is not None:
            self.customers = CustomerProcesses(
                deployment,
                deployment.ownership,
                self.store,
                self.committer.submit,
                lambda: self.worker.worker_id,
                self._guarded,
                self.clock,
                self.erasure_log,
                self.releasing.resume_onboarding,
            )
            past = HubPast(deployment, self.store, self.clock)
            rehearsal = customer_rehearsal(Collaborators(past))
            self.rehearsals = Rehearsals(self.store, rehearsal, self.committer.submit)
            self.processes += [*self.customers.all, rehearsal]
        canary = customer_canary.customer_canary(self._canary_collaborators())
        self.canaries = Canaries(deployment.policies.canaries, canary, self.store, self.committer, self.clock)
        self.processes += [canary] if deployment.policies.canaries else []
        self.worker = Worker(
            self.store,
            self.committer,
            self.processes,
            self.lanes,
            self.clock,
            runs_max=deployment.hub.runs_max,
            name=name,
        )
        self.retention = retention_of(deployment, self.store, self.clock)
        self.capture = OrderCapture(self.submission, self.worker.commit, self.clock)
        self.desk = Desk(self.store, self.processes, self.clock)
        self.credit: CreditDesk | None = None
        if deployment.policies.onboarding is not None:
            rules = deployment.policies.onboarding.credit
            self.credit = CreditDesk(self.store, rules, self.committer.submit, self.clock)
        self.validation: CustomerValidation | None = None
        if deployment.ownership is not None:
            self.validation = CustomerValidation(self.store, deployment.ownership, self, self.clock)

    # ── life ────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Connect to the store. Raises Misconfigured or StoreUnavailable."""
        await self.store.open()
        await self.replay_erasures()
        if isinstance(self.clock, SteadyClock):
            # Leases, timers and what may still land are read by every worker: by one clock, the database's.
            self.clock.agree(await self.store.time())
        failpoint("hub.store_open")
        self._exits.push_async_callback(self.store.close)
        self.committer.start()
        self._exits.push_async_callback(self.committer.close)

    async def replay_erasures(self) -> int:
        """Forget anew whom the log names and a restored database still knows; how many erasures that were."""
        lines = self.erasure_log.read()
        return await self.store.replay_erasures(lines, self.clock.now()) if lines else 0

    async def run(self, *, intake: bool = True) -> None:
        """Take up work; with `intake`, also from the order sources.

        Systems that do not answer yet are opened as soon as they do.
        """
        tune_garbage_collector()
        await self.store.listen()
        await self.lanes.start()
        self._exits.push_async_callback(self.lanes.close)
        for name, dock in self.docks.items():
            await self._open_dock(name, dock)
        failpoint("hub.docks_open")
        if self.customers is not None:
            await self.customers.prepare()
        for writes in self._gathering:
            self._exits.push_async_callback(writes.close)
        await self.worker.start()
        self._exits.push_async_callback(self.worker.stop)
        if self.customers is not None:
            self._keep(self.customers.indexing.fill(), "match-index")
        if self.credit is not None and self.deployment.policies.acceptance.before_credit == "hold":
            self._keep(self.releasing.watch_orders(), "held-orders")
        self._keep(self.retention.run_forever(lambda: self.worker.worker_id), "retention")
        if self.deployment.policies.canaries:
            self._keep(self.canaries.run_forever(), "canaries")
        for name in self.deployment.routes.status_sinks:
            report, using = self.reports[name]
            self._start_relay(status_feedback.status_feedback(f"status:{name}", report, using))
        for name in self.deployment.routes.event_sinks:
            self._start_relay(self._feed(name))
        self._start_relay(order_board(self.board, self.decisions.observe))
        for name in self.deployment.routes.order_sources if intake else ():
            self._start_intake(name)
        for name in systems_with(self.deployment, Role.CUSTOMER_SOURCE) if intake else ():
            self._start_customer_intake(name)
        self._exits.push_async_callback(self._stop_tasks)

    async def close(self) -> None:
        """Stop taking work, hand back what is under way, disconnect; closing twice is fine."""
        await self._exits.aclose()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def load_stock(self) -> int:
        """Take over the stock master's counts; how many levels it named."""
        routes = self.deployment.routes
        levels = await self.guarded(routes.stock or routes.erp).read_stock([])
        counts = tuple(StockCount(level.product, level.location, level.forecast.micro) for level in levels)
        await self.committer.submit(Commit(effects=(EffectStep("count_stock", CountStock(counts=counts)),)))
        return len(counts)

    @cached_property
    def customer_capture(self) -> CustomerCapture | None:
        """Takes what systems and channels tell of customers; None where nobody keeps any."""
        if self.customers is None:
            return None
        return CustomerCapture(self.customers.change, self.worker.commit, self.store.is_erased)

    # ── how fresh customers are ─────────────────────────────────────────────────────────────────────

    async def heard_of_customers(self) -> Mapping[str, Instant]:
        """When each system's feed of customers brought anything last; one that was never heard is absent.

        A channel has no feed that could stand still: it speaks when it has something to say.
        """
        now, times = self.clock.now(), await self.store.read_cursor_times()
        feeds = {name: f"source:{name}:customers" for name in self.deployment.systems}
        heard = {name: times[feed] for name, feed in feeds.items() if feed in times}
        return heard | dict.fromkeys(self.deployment.routes.customer_channels, now)

    async def customer_feeds(self) -> Sequence[FeedFreshness]:
        """How long each owner of what has to be fresh has not been heard of."""
        ownership = self.deployment.ownership
        return feeds_of(ownership, await self.heard_of_customers(), self.clock.now()) if ownership else []

    async def customer_freshness(self, party_id: str) -> Sequence[FieldFreshness] | None:
        """How fresh each field of a customer is that has to be; None for a customer that nobody knows."""
        file, ownership, now = await self.store.read_party(party_id), self.deployment.ownership, self.clock.now()
        if file is None or ownership is None:
            return None
        values = golden(file.records, ownership, now, file.pins)
        return freshness_of(values, ownership, await self.heard_of_customers(), now)

    # ── docks ───────────────────────────────────────────────────────────────────────────────────────

    def guarded(self, system: str) -> Any:
        """The dock of a system behind its lane."""
        return self._guarded[system]

    def _make_docks(self) -> None:
        self._guarded: dict[str, Any] = {}
        self._gathering: list[GatheredWrites] = []
        for name in self.deployment.systems:
            manifest = self.deployment.manifest_of(name)
            dock = manifest.make_dock(self.deployment.settings[name], self.clock)
            limits = manifest.limits
            lane = self.lanes.add(
                name,
                LaneLimits(
                    in_flight_max=limits.in_flight_max,
                    rate_per_second=limits.rate_per_second,
                    daily_budget=limits.daily_budget,
                ),
            )
            methods = [method for role in sorted(manifest.roles - LONG_ROLES) for method in ROLE_METHODS[role]]
            if isinstance(dock, TellsUsage):
                dock.on_usage(partial(_heed, lane))
            self.docks[name] = dock
            guarded = guard(lane, dock, methods)
            if Role.CUSTOMER_SINK in manifest.roles and limits.batch_max > 1:
                guarded = GatheredWrites(lane, dock, guarded, limits)
                self._gathering.append(guarded)
            self._guarded[name] = guarded

    async def _open_dock(self, name: str, dock: Any) -> None:
        """A system that is down or refuses us now must not keep the hub from accepting orders for it."""
        self._exits.push_async_callback(dock.close)
        if not await self._opens(name, dock.open()):
            self._keep(self._open_later(name, dock), f"open-{name}")

    async def _open_later(self, name: str, dock: Any) -> None:
        """Until it is open every call fails: try again, less and less often, unless somebody paused its lane."""
        lane, wait_seconds = self.lanes[name], OPEN_SECONDS_FIRST
        while True:
            await self.clock.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, OPEN_SECONDS_MAX)
            status = lane.state().status
            if status == "paused":
                continue
            # An open lane learns from it; a closed one would give its one probe to a run, which fails like all.
            if await self._opens(name, lane.call(dock.open) if status == "open" else dock.open()):
                log.info("system answers", system=name)
                return

    async def _opens(self, name: str, opening: Awaitable[None]) -> bool:
        try:
            await opening
        except (Exception, LaneClosed) as error:  # noqa: BLE001 - the lane will meet the same fault and act on it
            code = getattr(error, "code", type(error).__name__)
            log.warning("system does not answer yet", system=name, code=code)
            return False
        return True

    # ── processes ───────────────────────────────────────────────────────────────────────────────────

    def _submission_collaborators(self) -> order_submission.Collaborators:
        deployment, routes = self.deployment, self.deployment.routes
        age = deployment.policies.reference_age_seconds
        return order_submission.Collaborators(
            erp=self.guarded(routes.erp),
            customers=Customers(
                self.guarded(routes.customers or routes.erp),
                self.store.find_standing if deployment.policies.onboarding else None,
            ),
            products=Products(self.guarded(routes.products or routes.erp), age, self.clock),
            prices=Prices(self.guarded(routes.prices or routes.erp), age, self.clock),
            rules=deployment.policies.acceptance,
            clock=self.clock,
            erp_name=deployment.title_of(routes.erp),
            settle_seconds=deployment.manifest_of(routes.erp).outcome_settles_seconds,
        )

    def _canary_collaborators(self) -> customer_canary.Collaborators:
        deployment = self.deployment
        canaries = deployment.policies.canaries
        systems = {system for rules in canaries.values() for system in (rules.source, rules.reader)}
        return customer_canary.Collaborators(
            canaries=canaries,
            sinks={name: self.guarded(name) for name in systems},
            parties=self.store,
            clock=self.clock,
            settle_seconds={name: deployment.manifest_of(name).outcome_settles_seconds for name in systems},
        )

    def _report(self, system: str) -> tuple[Process[Any], status_feedback.Collaborators]:
        limits = self.deployment.manifest_of(system).limits
        using = status_feedback.Collaborators(
            sink=self.guarded(system),
            owns=getattr(self.docks[system], "owns_record", lambda _record: True),
            events_of=lambda order_id: self.store.read_events(0, ORDER_EVENTS_MAX, order_subject(order_id)),
            batch_max=limits.batch_max,
            linger_seconds=limits.linger_seconds,
        )
        return status_feedback.status_report(using), using

    def _feed(self, system: str) -> Subscription:
        limits = self.deployment.manifest_of(system).limits
        return event_publication.event_feed(
            system,
            self.publication,
            self.publishing,
            batch_max=limits.batch_max,
            linger_seconds=limits.linger_seconds,
        )

    def _start_relay(self, subscription: Subscription) -> None:
        relay = Relay(subscription, self.store, self.worker, self.clock)
        relay.start()
        self.relays.append(relay)
        self._exits.push_async_callback(relay.stop)

    def _start_intake(self, name: str) -> None:
        self._pump(name, self.docks[name], self.capture.take_arrival)

    def _pump(self, name: str, source: OrderSource, take: order_intake.TakeArrival) -> None:
        self._keep(self._intake(name, source, take).run_forever(), f"intake-{name}")

    def _intake(self, name: str, source: OrderSource, take: order_intake.TakeArrival) -> order_intake.OrderIntake:
        intake = order_intake.OrderIntake(
            name, source, take, self.worker.commit, self.store, lambda: self.worker.worker_id, self.clock
        )
        self.intakes[name] = intake
        return intake

    def _start_customer_intake(self, name: str) -> None:
        assert self.customers is not None
        assert self.customer_capture is not None
        beginning, indexing, capture = self.customers.beginning, self.customers.indexing, self.customer_capture
        stream: Any = CustomerStream(self.docks[name])

        async def take(_stream: str, arrival: Any) -> str:
            return await capture.take_arrival(name, arrival)

        intake = self._intake(f"{name}:customers", stream, take)

        async def read() -> None:
            await beginning.settle()
            await indexing.wait()
            await intake.run_forever()

        self._keep(read(), f"intake-{name}:customers")

    def _keep(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Let it go on until the hub is closed."""
        self._tasks.append(asyncio.get_running_loop().create_task(work, name=name))

    async def _stop_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []


def worker_name() -> str:
    """A name of this process's own: where it runs, for people, and what makes it unique, for the database."""
    return f"{gethostname()[:40]}-{new_id()[-12:]}"


def _heed(lane: Lane, usage: ApiUsage) -> None:
    lane.heed_quota(usage.used, usage.allowed)


def tune_garbage_collector() -> None:
    """Collect seldom: records die by reference count, and full collections walked through all the living ones.

    Measured on the full order process: 40 % more orders a second (docs/decisions/0001). Not more seldom than this:
    nothing is answered while it collects, 3 to 5 ms with 10,000 records and 30 to 80 with 100,000.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 50)


def make_store(deployment: Deployment, clock: Clock) -> SqlStore:
    """The store a deployment names."""
    address, given = deployment.hub.store, deployment.hub.keys
    source = GivenKeys(given) if given else KeyFile(deployment.folder / KEY_FILE)
    vault = Vault(source, clock, seals_orders=deployment.hub.seal_orders)
    if address.startswith(SQLITE_PREFIX):
        return SqliteStore(deployment.folder / address.removeprefix(SQLITE_PREFIX), clock, vault=vault)
    return PostgresStore(address, clock, vault)


def known_systems(deployment: Deployment) -> Mapping[str, str]:
    """Names of systems and channels, and what people call them."""
    names = (*deployment.systems, *deployment.routes.customer_channels)
    return {name: deployment.title_of(name) for name in names}
