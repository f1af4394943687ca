"""One run: a ground, a storm over it, calm, and the reckoning."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.crash.agreement import DOORS, ERP
from bench.crash.clerks import Clerks
from bench.crash.erp import Erp, erp_process
from bench.crash.fleet import Fleet
from bench.crash.hanging import tell_tasks, tell_what_hangs
from bench.crash.hub import LATE_SECONDS, SETTLE_SECONDS, Duty, deployment_for
from bench.crash.orders import Book, make_book
from bench.crash.people import make_cast
from bench.crash.people_reckoning import PeopleLeft, look, reckon_people
from bench.crash.plan import Plan
from bench.crash.proxy import FaultProxy, Network
from bench.crash.reckoning import ENDED, KEPT, Ledger, Reckoning, read_ledger, read_parked, reckon
from bench.crash.server import PostgresServer, free_port, own_postgres
from bench.crash.shop import Operator, Shop
from bench.crash.weather import Weather
from crossdock.bootstrap.hub import Hub, make_store
from crossdock.durable.store import StoreUnavailable
from crossdock.kit.clock import SystemClock
from crossdock.storage.sql_store import SqlStore

WRITES = frozenset({"/orders", "/partners/write", "/partners/join", "/partners/part"})
LOOK_SECONDS = 0.25
SHOWN_MAX = 8
SQUALL_SHARE = 0.9
DONE_FIRST = 0.1
"""So much of the orders comes before anybody has died."""

Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it, and out of how much."""


class Outcome(msgspec.Struct, kw_only=True):
    """What happened in one run, and what was left of it."""

    plan: Plan
    reckoning: Reckoning
    people: PeopleLeft
    faults: Counter[str]
    deaths: Counter[str]
    passes: Counter[str]
    answers: Counter[str]
    offers: int
    again: int
    recovery_seconds: list[float]
    converged_seconds: float
    seconds: float
    amiss: list[str]
    hangs: list[str]
    """Where the calm was not long enough: whatever still moved, or stood still, at its end."""

    @property
    def holds(self) -> bool:
        """Whether everything is as promised."""
        return not self.amiss


class Ground:
    """What a run stands on: the systems, the network to them, the database, the fleet and its customers."""

    def __init__(
        self,
        plan: Plan,
        book: Book,
        systems: Mapping[str, Erp],
        proxies: Mapping[str, FaultProxy],
        server: PostgresServer | None,
        folder: Path,
    ) -> None:
        self.plan, self.book, self.systems, self.server = plan, book, systems, server
        self.erp, self.network = systems[ERP], Network(list(proxies.values()))
        store = server.address if server else f"sqlite:{folder / 'hub.sqlite'}"
        urls = {name: proxy.url for name, proxy in proxies.items()}
        duty = Duty(
            number=0,
            store=store,
            erp_url=urls.pop(ERP),
            port=0,
            folder=str(folder),
            mutant=plan.mutant,
            doors=urls,
        )
        self.fleet = Fleet(plan, duty, [free_port() for _ in range(plan.hubs)], folder)
        self.shop = Shop(book, self.erp, self.fleet.urls, buyers=plan.buyers, seed=plan.seed + 2)
        self.operator = Operator(self.fleet.urls, plan.seed + 3)
        self.looking = Hub(deployment_for(duty), SystemClock())
        may_start = self.fleet.may_start
        self.weather = Weather(plan, self.network, self.erp, server, may_start, self.looking.store)
        cast = make_cast(plan.people, plan.seed + 4)
        self.clerks = Clerks(cast, systems, self.looking, self.fleet.urls)
        self.folder = folder
        self._duty = duty

    async def hangs(self, store: SqlStore) -> list[str]:
        """What still moves, or stands still."""
        return await tell_what_hangs(store, self.folder, now=SystemClock().now())

    @contextlib.asynccontextmanager
    async def store(self) -> AsyncIterator[SqlStore]:
        """The hub's database, to look at."""
        store = make_store(deployment_for(self._duty), SystemClock())
        await store.open()
        try:
            yield store
        finally:
            await store.close()


async def run(plan: Plan, folder: Path, progress: Progress) -> Outcome:
    """Make a ground in `folder`, let the storm pass over it, and reckon."""
    begun = time.monotonic()
    book = make_book(plan.orders, plan.seed)
    with contextlib.ExitStack() as exits:
        server = exits.enter_context(own_postgres(folder / "postgres")) if plan.store == "postgres" else None
        doors = DOORS if plan.people else ()
        asked = erp_process(book.on_hand, unique_reference=not plan.look_up_only, doors=doors)
        erp, at_doors = exits.enter_context(asked)
        systems = {ERP: erp, **at_doors}
        proxies = {name: _proxy(plan, name, system) for name, system in systems.items()}
        await Network(list(proxies.values())).start()
        ground = Ground(plan, book, systems, proxies, server, folder)
        try:
            return await _within(plan.seconds_max, ground, _run(ground, progress, begun))
        finally:
            await ground.shop.close()
            await ground.operator.close()
            await ground.clerks.close()
            await ground.looking.close()
            await ground.network.stop()


def _proxy(plan: Plan, name: str, system: Erp) -> FaultProxy:
    """The way to a system. An ERP that takes a second order under a reference is not asked twice."""
    repeats = name != ERP or not plan.look_up_only
    return FaultProxy(
        system.port,
        WRITES,
        seed=plan.seed + [ERP, *DOORS].index(name),
        late_seconds=LATE_SECONDS,
        lands_within_seconds=(LATE_SECONDS + SETTLE_SECONDS) / 2,
        repeats=repeats,
    )


async def _within(seconds: float, ground: Ground, running: Coroutine[Any, Any, Outcome]) -> Outcome:
    """What the run comes to; where it is not over in time, RuntimeError says what hangs."""
    task = asyncio.ensure_future(running)
    done, _ = await asyncio.wait([task], timeout=seconds)
    if not done:
        hangs = tell_tasks()
        async with ground.store() as store:
            hangs += await ground.hangs(store)
        task.cancel()
        await asyncio.wait([task])
        raise RuntimeError("\n".join([f"not over after {seconds:.0f} s:", *hangs]))
    return task.result()


async def _run(ground: Ground, progress: Progress, begun: float) -> Outcome:
    plan, fleet, weather = ground.plan, ground.fleet, ground.weather
    await fleet.prepare()
    await ground.looking.open()
    await weather.rise()
    sailing = [asyncio.ensure_future(fleet.sail(berth)) for berth in range(plan.hubs)]
    try:
        await _storm(ground, sailing, progress)
        await weather.settle()
        calm = time.monotonic()
        ledger, people, hangs = await _converge(ground, progress)
        converged_seconds = time.monotonic() - calm
    finally:
        fleet.stormy = False
        for each in sailing:
            each.cancel()
        await asyncio.gather(*sailing, return_exceptions=True)
    reckoning = reckon(ground.book, ground.shop.acknowledged, ground.erp, ledger)
    outcome = Outcome(
        plan=plan,
        reckoning=reckoning,
        people=people,
        faults=ground.network.injected + fleet.ends + weather.happened,
        deaths=fleet.deaths,
        passes=fleet.passes,
        answers=ground.shop.answers,
        offers=len(ground.book.offers),
        again=ground.book.again,
        recovery_seconds=ground.server.recovery_seconds if ground.server else [],
        converged_seconds=converged_seconds,
        seconds=time.monotonic() - begun,
        amiss=[],
        hangs=hangs,
    )
    outcome.amiss = _amiss(outcome, fleet)
    return outcome


async def _storm(ground: Ground, sailing: Sequence[asyncio.Future[None]], progress: Progress) -> None:
    """Orders come in the measure in which hubs have died, so that there is always work to die over."""
    plan, fleet, offers = ground.plan, ground.fleet, ground.book.offers
    deadline = time.monotonic() + plan.storm_seconds_max
    sending: set[asyncio.Task[None]] = set()
    given, weathering = 0, asyncio.ensure_future(ground.weather.go_on(0.0))
    while True:
        over = time.monotonic() >= deadline
        share = 1.0 if over else min(1.0, DONE_FIRST + fleet.killed / max(1, plan.deaths))
        due = offers[given : int(share * len(offers))]
        if due:
            given += len(due)
            sending.add(asyncio.ensure_future(ground.shop.send(due)))
        progress("died", fleet.killed, plan.deaths)
        for each in sailing:
            if each.done():
                each.result()
        progress("sent", ground.shop.sent, len(offers))
        if weathering.done():
            weathering.result()
            if over or (fleet.killed >= plan.deaths and ground.weather.is_over):
                break
            weathering = asyncio.ensure_future(ground.weather.go_on(share))
        await ground.operator.look()
        await ground.clerks.work(share)
        await asyncio.sleep(LOOK_SECONDS)
    fleet.stormy = False
    await asyncio.gather(*sending)
    await _squall(ground, deadline)


async def _squall(ground: Ground, deadline: float) -> None:
    """The hubs live again, the network does not mend yet: most of the work is done over a bad line."""
    async with ground.store() as store:
        while time.monotonic() < deadline:
            with contextlib.suppress(StoreUnavailable):
                counts = await store.count_runs()
                if sum(counts.get(state, 0) for state in ENDED) >= SQUALL_SHARE * sum(counts.values()):
                    return
            await ground.operator.look()
            await ground.clerks.work(1.0)
            await asyncio.sleep(LOOK_SECONDS)


async def _converge(ground: Ground, progress: Progress) -> tuple[Ledger, PeopleLeft, list[str]]:
    """Wait until nothing moves any more; what is parked and may be retried is, as a person would.

    Where the time is over first, also what hangs.
    """
    deadline = time.monotonic() + ground.plan.converge_seconds_max
    clerks = ground.clerks
    async with ground.store() as store:
        while True:
            with contextlib.suppress(StoreUnavailable):
                left = clerks.left + await _unheard(ground, store) + await _left(store, ground.plan.orders)
                progress("settled", ground.plan.orders - min(left, ground.plan.orders), ground.plan.orders)
                if not left or time.monotonic() >= deadline:
                    seen, shown = await look(store, clerks.log, ground.systems)
                    people = reckon_people(clerks.cast, clerks.log, seen, shown, left=clerks.left)
                    return await read_ledger(store), people, await ground.hangs(store) if left else []
            await ground.operator.look()
            await clerks.work(1.0)
            await asyncio.sleep(LOOK_SECONDS)


async def _unheard(ground: Ground, store: SqlStore) -> int:
    """Messages about customers that no hub has taken yet. What is taken is a run, so these are asked for first."""
    if not ground.plan.people:
        return 0
    ends = {name: await asyncio.to_thread(system.end_of_partners) for name, system in ground.systems.items()}
    cursors = await store.read_cursors()
    heard = {name: cursors.get(f"source:{name}:customers", "0").partition("@")[0] for name in ends}
    return sum(end - int(heard[name] or 0) for name, end in ends.items())


async def _left(store: SqlStore, orders: int) -> int:
    """Orders that have not arrived, runs that have not ended, and consumers that have not seen every event."""
    counts = await store.count_runs()
    arrived = await store._read(
        lambda tx: tx.execute("SELECT count(*) FROM inbox WHERE source = 'order'").fetchone()
    )
    asked_for = sum(1 for _, code in (await read_parked(store)).values() if code not in KEPT)
    end = str(await store.last_sequence())
    cursors = await store.read_cursors()
    behind = sum(1 for name, position in cursors.items() if name.startswith("relay:") and position != end)
    open_runs = sum(count for state, count in counts.items() if state not in ENDED)
    return orders - int(arrived[0]) + open_runs + asked_for + behind


def _amiss(outcome: Outcome, fleet: Fleet) -> list[str]:
    """In words, whatever is not as promised."""
    plan, reckoning = outcome.plan, outcome.reckoning
    faults = {**reckoning.faults, **outcome.people.faults}
    amiss = [f"{name}: {in_short(value)}" for name, value in faults.items()]
    if reckoning.acknowledged < reckoning.orders:
        amiss.append(f"only {reckoning.acknowledged} of {reckoning.orders} orders were acknowledged")
    if plan.deaths and fleet.killed < plan.deaths:
        amiss.append(f"only {fleet.killed} of {plan.deaths} hubs died")
    if plan.deaths and len(fleet.reached) < plan.places_min:
        amiss.append(f"only {len(fleet.reached)} failpoints were passed {plan.passes_each} times")
    if outcome.faults["network cut"] < plan.cuts:
        amiss.append(f"only {outcome.faults['network cut']} of {plan.cuts} cuts")
    if len(outcome.recovery_seconds) < plan.server_kills:
        amiss.append(f"only {len(outcome.recovery_seconds)} of {plan.server_kills} server kills")
    if max(outcome.recovery_seconds, default=0.0) > plan.recovery_seconds_max:
        amiss.append(f"PostgreSQL took {max(outcome.recovery_seconds):.1f} s to recover")
    return amiss


def in_short(found: object) -> str:
    """The figure, or the most frequent of many words."""
    if not isinstance(found, list):
        return str(found)
    often = Counter(found).most_common(SHOWN_MAX)
    return f"{len(found)}: " + ", ".join(f"{word} ({times})" if times > 1 else word for word, times in often)
