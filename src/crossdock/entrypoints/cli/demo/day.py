"""The day itself: orders are handed in at their pace, things go wrong at their time, and everything is awaited."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossdock.canonical.order import Order
from crossdock.contracts.sources import SourceGap
from crossdock.durable.codec import decode
from crossdock.durable.records import RunState
from crossdock.entrypoints.cli.demo.books import books_of
from crossdock.entrypoints.cli.demo.customer_verdict import judge_customers
from crossdock.entrypoints.cli.demo.customers import Customers
from crossdock.entrypoints.cli.demo.faults import Scene, Trouble
from crossdock.entrypoints.cli.demo.open_ends import open_ends
from crossdock.entrypoints.cli.demo.shop import Channels
from crossdock.entrypoints.cli.demo.show import Show
from crossdock.entrypoints.cli.demo.stage import Stage
from crossdock.entrypoints.cli.demo.summary import Figures, measure
from crossdock.entrypoints.cli.demo.trade import TURNED_AWAY, Entry
from crossdock.entrypoints.cli.demo.verdict import Evidence, Promise, judge
from crossdock.entrypoints.cli.demo.watch import Watch
from crossdock.kit.errors import Invalid, Unavailable

LOOK_SECONDS = 0.4
STILL_SECONDS_MAX = 150.0
"""If nothing at all happens for so long, the day is over, and what is open counts as lost. Twice as long as the
hub waits at most before it trusts that a write which was cut off will not land any more."""

SHOWN_SECONDS_MAX = 45.0
SENDING_MAX = 20
POWER_CUT_SHARE = 0.7
"""After so much of the day the hub is not killed any more."""

DOUBTS_MAX = 10
SOURCE = "salesforce"
CUSTOMERS = ":customers"
"""How the names of streams of customers end."""


class Day:
    """One day of trade on a stage, with these troubles in it.

    Where the stage has customers, with `decides` a steward takes care of whom the hub is not sure about.
    """

    def __init__(self, stage: Stage, show: Show, troubles: Sequence[Trouble], *, decides: bool = False) -> None:
        self.stage = stage
        self.show = show
        self._estate = stage.estate
        self._process = stage.process
        self._hub = stage.hub
        self._market = stage.market
        self._troubles = troubles
        self._sent: dict[str, Entry] = {}
        self._turned_away: dict[str, int] = {}
        self._handed = 0
        self._gaps_told = 0
        self._doubts_told = False
        self._total = 0
        self._lanes_told: dict[str, str] = {}
        self.watch = Watch(stage.hub)
        self.channels = Channels(stage.process.address)
        self._power_is_safe = asyncio.Event()
        self.customers = (
            Customers(stage, show, self, self._power_is_safe, decides=decides)
            if stage.estate.has_customers
            else None
        )

    async def run(self, entries: Sequence[Entry], *, per_second: float) -> None:
        """Hand everything in while things go wrong, and wait until all of it has ended."""
        self._total = len(entries)
        looking = asyncio.create_task(self._keep_looking(), name="demo-look")
        try:
            async with as_one_error(), asyncio.TaskGroup() as group:
                sending = group.create_task(self._hand_in(entries, per_second))
                group.create_task(self._trouble(len(entries), len(entries) / per_second))
                group.create_task(self._await_ends(sending))
                if self.customers is not None:
                    group.create_task(self.customers.run())
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await self.channels.close()

    # ── orders in ───────────────────────────────────────────────────────────────────────────────────

    async def _hand_in(self, entries: Sequence[Entry], per_second: float) -> None:
        loop = asyncio.get_running_loop()
        begun, places = loop.time(), asyncio.Semaphore(SENDING_MAX)
        async with asyncio.TaskGroup() as group:
            for entry in entries:
                await asyncio.sleep(max(0.0, begun + entry.index / per_second - loop.time()))
                await places.acquire()
                task = group.create_task(self._hand_in_one(entry))
                task.add_done_callback(lambda _done: places.release())

    async def hand_in(self, entry: Entry) -> None:
        """Hand one more order in than was planned."""
        self._total += 1
        self.show.expect(self._total)
        await self._hand_in_one(entry)

    def end_of(self, order_id: str) -> str:
        """How an order ended; empty while it has not."""
        return self.watch.end_of(order_id)

    def ended(self) -> int:
        """How many orders have ended."""
        return self.watch.ended()

    def is_activated(self, number: str) -> bool:
        """Whether the company of this number may order on invoice from now on."""
        return number in self.watch.activated

    async def _hand_in_one(self, entry: Entry) -> None:
        if entry.door == SOURCE:
            await self._estate.desk.enter(entry)
        else:
            status = await self.channels.send(entry)
            if TURNED_AWAY in entry.ends:
                self._turned_away[entry.order_id] = status
            else:
                self._sent[entry.order_id] = entry
        self._handed += 1

    async def _trouble(self, total: int, day_seconds: float) -> None:
        """One trouble after another, each when its share of the day has been handed in."""
        scene = Scene(self._estate, self._process, self.show, day_seconds)
        for trouble in self._troubles:
            if trouble.share > POWER_CUT_SHARE:
                self._power_is_safe.set()
            await self._reach(trouble, total)
            await trouble.act(scene)
        self._power_is_safe.set()

    async def _reach(self, trouble: Trouble, total: int) -> None:
        while self._handed < trouble.share * total:  # noqa: ASYNC110 - a show may look at its clock
            await asyncio.sleep(LOOK_SECONDS / 2)

    # ── looking on ──────────────────────────────────────────────────────────────────────────────────

    async def _keep_looking(self) -> None:
        while True:
            await self.watch.look()
            self._tell_lanes()
            self._tell_gaps()
            await self._tell_doubts()
            ended = self.customers.ended if self.customers is not None else None
            self.show.update(self.watch, self._handed, hub_alive=self._process.running, customers=ended)
            await asyncio.sleep(LOOK_SECONDS)

    def _tell_lanes(self) -> None:
        for name in self.watch.lanes:
            now = self.watch.lane_status(name)
            before = self._lanes_told.get(name, "open")
            self._lanes_told[name] = now
            if now == before or {now, before} == {"closed", "half_open"}:
                continue
            title = self._hub.deployment.title_of(name)
            if now == "open":
                self.show.tell(f"The lane to {title} is open again.", good=True)
            else:
                self.show.tell(f"The lane to {title} has closed: nothing is tried in vain, work waits in rows.")

    def _tell_gaps(self) -> None:
        for gap in self.watch.gaps[self._gaps_told :]:
            if gap.state == "closed":
                words = f"{gap.seen} seen + {gap.refilled} refilled = {gap.changed} changed in Salesforce"
                self.show.tell(f"{_gap(gap)} is closed and proved: {words}.", good=True)
            elif gap.state == "not_proved":
                self.show.tell(
                    f"{_gap(gap)} could not be proved closed: {gap.seen} + {gap.refilled} ≠ {gap.changed}."
                )
        self._gaps_told = len(self.watch.gaps)

    async def _tell_doubts(self) -> None:
        """Towards the end, a few orders may be all that is left; people want to know what they wait for."""
        if self._doubts_told or self._open() > DOUBTS_MAX:
            return
        waiting = await self._hub.store.list_runs(state=RunState.WAITING, limit=DOUBTS_MAX)
        doubts = [run for run in waiting if "whether it landed" in run.waiting_on]
        if doubts and len(doubts) == self._open():
            self._doubts_told = True
            seconds = self._hub.deployment.manifest_of("erp").outcome_settles_seconds
            self.show.tell(
                f"Only {len(doubts)} left: calls that were cut off. The ERP has nothing of them yet, but for "
                f"{seconds:.0f} s they may still land, so the hub waits and asks again instead of sending twice."
            )

    def _open(self) -> int:
        """How many orders that were handed in have not ended; the whole day while it is still going on."""
        return self._total - len(self._turned_away) - self.watch.ended()

    # ── the end ─────────────────────────────────────────────────────────────────────────────────────

    async def _await_ends(self, sending: asyncio.Task[None]) -> None:
        """Return when everything that was handed in has ended, or when nothing has moved for too long.

        Raises Unavailable where not even all orders could be handed in.
        """
        loop = asyncio.get_running_loop()
        moved_at, before = loop.time(), (0, 0)
        while not (sending.done() and self._all_ended()):
            if loop.time() - moved_at > STILL_SECONDS_MAX:
                words = f"Nothing has moved for {STILL_SECONDS_MAX:.0f} s. Still open: {await self._open_ends()}."
                if not sending.done():
                    raise Unavailable(f"{words} See hub.log", code="demo-stuck")
                self.show.tell(words)
                return
            await asyncio.sleep(LOOK_SECONDS)
            now = (self._handed, self.watch.ended())
            if now != before:
                moved_at, before = loop.time(), now

    async def _open_ends(self) -> str:
        """What has not ended, and what the hub says each waits for."""
        handed = self.handed()
        waiting_on = {}
        for order_id in handed:
            if order_id in self.watch.rows and not self.watch.end_of(order_id):
                run = await self._hub.store.find_run(self._hub.submission.run_id(order_id))
                waiting_on[order_id] = run.waiting_on if run else ""
        missing = self._total - self._handed
        unsent = f"; {missing} not handed in yet" if missing else ""
        return open_ends(handed, self.watch, waiting_on) + unsent

    def _all_ended(self) -> bool:
        if self.watch.ended() < self._handed - len(self._turned_away):
            return False
        return all(self.watch.end_of(order_id) for order_id in self.handed())

    def handed(self) -> Mapping[str, Entry]:
        """What was handed in so far, by the order id the hub gives it."""
        prefix = self._hub.deployment.settings[SOURCE].order_prefix
        rows = self._estate.desk.rows()
        typed = {}
        for record, entry in list(self._estate.desk.records.items()):
            poison = "parked: untranslatable" in entry.ends
            typed[f"{SOURCE}:{record}" if poison else prefix + rows[record]["OrderNumber"]] = entry
        return {**self._sent, **typed}

    async def evidence(self) -> Evidence:
        """Everything the verdict rests on, asked from Salesforce, the hub and the ERP."""
        handed = self.handed()
        await self._await_statuses(handed)
        inputs = {}
        for order_id in handed:
            run = await self._hub.store.find_run(self._hub.submission.run_id(order_id))
            if run is not None:
                try:
                    inputs[order_id] = decode(run.input, Order)
                except Invalid:
                    continue  # the poison message is no order, and stays none
        return Evidence(
            handed=handed,
            turned_away=self._turned_away,
            inputs=inputs,
            booked=await books_of(self._estate.erp_name, self._estate.erp_settings).orders(),
            shown=self._shown(handed),
            scarce_product=self._market.scarce.code,
            scarce_pieces=self._market.scarce.pieces,
            writes_at_once_peak=self._estate.network.writes_in_flight_peak,
            writes_at_once_max=self._hub.deployment.manifest_of("erp").limits.in_flight_max,
        )

    async def _await_statuses(self, handed: Mapping[str, Entry]) -> None:
        """The last statuses are on their way in a batch; give them the time that takes."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SHOWN_SECONDS_MAX
        while loop.time() < until:
            await self.watch.look()
            shown = self._shown(handed)
            if all(
                text == self.watch.rows[order_id].status.value.replace("_", " ").capitalize()
                for order_id, text in shown.items()
                if order_id in self.watch.rows
            ):
                return
            await asyncio.sleep(LOOK_SECONDS)

    def _shown(self, handed: Mapping[str, Entry]) -> dict[str, str]:
        rows = self._estate.desk.rows()
        by_entry = {entry.index: record for record, entry in self._estate.desk.records.items()}
        return {
            order_id: rows[by_entry[entry.index]]["Hub_Status__c"] or ""
            for order_id, entry in handed.items()
            if entry.door == SOURCE
        }


def _gap(gap: SourceGap) -> str:
    return "A gap among customers" if gap.source.endswith(CUSTOMERS) else "A gap"


@dataclass(frozen=True)
class Played:
    """A day that is over."""

    figures: Figures
    promises: Sequence[Promise]

    @property
    def kept(self) -> bool:
        """Whether every promise was."""
        return all(promise.held for promise in self.promises)

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"figures": self.figures, "promises": self.promises}


async def play(day: Day, entries: Sequence[Entry], *, per_second: float) -> Played:
    """Let the day pass, gather the evidence, and judge."""
    begun = time.monotonic()
    with day.show.running():
        await day.run(entries, per_second=per_second)
    seconds = time.monotonic() - begun
    evidence = await day.evidence()
    figures = measure(
        evidence,
        day.watch,
        seconds=seconds,
        sent_again=day.channels.repeats,
        hub_starts=day.stage.process.starts,
        answers_lost=day.stage.estate.network.answers_lost,
        calls=day.stage.estate.salesforce.simulator.calls.snapshot(),
    )
    promises = judge(evidence, day.watch)
    if day.customers is not None:
        promises += judge_customers(await day.customers.evidence())
    return Played(figures, promises)


@contextlib.asynccontextmanager
async def as_one_error() -> AsyncIterator[None]:
    """Of several things that failed side by side, the first is what a person wants to read."""
    try:
        yield
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from group
