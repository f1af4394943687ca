"""The worker: takes runs up, executes them side by side, and gives back what it cannot finish."""

import asyncio
import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import structlog

from crossdock.durable.codec import decode, encode
from crossdock.durable.committer import Committer
from crossdock.durable.cookbook import Cookbook
from crossdock.durable.interrupts import FenceLost, Suspended
from crossdock.durable.lanes import CURRENT_PRIORITY, CURRENT_SINCE, Lane, LaneClosed
from crossdock.durable.lease import CURRENT_LEASE, Lease
from crossdock.durable.news import ANYTHING, LEFT, Bell
from crossdock.durable.parking import parking_for
from crossdock.durable.process import Happening, Process, Stake
from crossdock.durable.records import (
    ERASED,
    LANE_QUEUE_PREFIX,
    READY_QUEUE,
    ClaimedRun,
    Commit,
    Fate,
    Outcome,
    Outgoing,
    Parking,
    RunStart,
    RunState,
    Transition,
)
from crossdock.durable.retries import RetryPolicy
from crossdock.durable.run import Run
from crossdock.durable.store import Store, StoreUnavailable
from crossdock.kit.clock import MICROSECONDS, Clock, Instant, seconds_to_us
from crossdock.kit.errors import Misconfigured
from crossdock.kit.failpoints import failpoint
from crossdock.kit.ids import new_id

RUNS_MAX = 500
POLL_SECONDS = 0.5
LEASE_SECONDS = 15.0
STOP_GRACE_SECONDS = 5.0
CLAIM_MAX = 100
"""So many runs are taken up at a time: what came at once is shared among workers."""

BEATS_PER_STRANGERS = 12
_NEVER: Instant = 2**62

log = structlog.get_logger("worker")


class Worker:
    """Executes runs of the given processes. One per event loop; any number of processes on PostgreSQL.

    With `runs_max` 0 it executes none and only stands for its process: what that starts is left to others.
    `name` is its own among all that ever work here; after a lost lease it comes back as `name.2`.
    """

    def __init__(
        self,
        store: Store,
        committer: Committer,
        processes: Sequence[Process[Any]],
        lanes: Mapping[str, Lane],
        clock: Clock,
        *,
        runs_max: int = RUNS_MAX,
        lease_seconds: float = LEASE_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        name: str = "",
    ) -> None:
        self.worker_id = self._name = name or new_id()
        self._lives = 1
        self._store = store
        self._committer = committer
        self._cookbook = Cookbook(processes)
        self._lanes = lanes
        self._clock = clock
        self._runs_max = runs_max
        self.lease = Lease(clock, lease_seconds)
        self._lease_seconds = lease_seconds
        self._lease_us = seconds_to_us(lease_seconds)
        self._beat_seconds = lease_seconds / 3
        self._poll_seconds = poll_seconds
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._under_way: set[Run] = set()
        self._bell = Bell()
        self._timer_at: Instant = _NEVER
        self._look_at: Instant = 0
        self._claiming = asyncio.Lock()
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self._beginning: set[asyncio.Future[Outcome]] = set()
        self._promised = 0
        self._handing_back: set[asyncio.Task[None]] = set()
        self.finished = 0

    # ── life ────────────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Register and begin to take up runs."""
        await self._register()
        failpoint("worker.registered")
        for lane in self._lanes.values():
            lane.on_change(self._bell.ring)
        self._store.news.on(self._hear)
        loop = asyncio.get_running_loop()
        self._loops = {
            "claims": loop.create_task(self._claim_forever(), name="worker-claims"),
            "beats": loop.create_task(self._beat_forever(), name="worker-beats"),
        }

    async def stop(self, *, grace_seconds: float = STOP_GRACE_SECONDS) -> None:
        """Take up nothing more, let running calls finish for a while, hand the rest back.

        What waits for its turn in a lane is handed back at once: others can make those calls.
        """
        self._stopping = True
        if claims := self._loops.get("claims"):
            claims.cancel()
        for lane in self._lanes.values():
            lane.drain()
        await self._drain(grace_seconds)
        await self._drop_all()
        failpoint("worker.retiring")
        with contextlib.suppress(StoreUnavailable):
            await self._store.retire(self.worker_id, self._clock.now())

    async def abort(self) -> None:
        """Stop as a crash would: nothing is handed back, the lease runs out by itself."""
        self._stopping = True
        await self._drop_all()

    async def _drain(self, grace_seconds: float) -> None:
        """Until nothing runs any more and nothing is about to begin, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                while self._tasks or self._beginning:
                    under_way: list[asyncio.Future[Any]] = [*self._tasks.values(), *self._beginning]
                    await asyncio.wait(under_way)

    async def _drop_all(self) -> None:
        if self._loops:
            self._store.news.off(self._hear)
        tasks = [*self._tasks.values(), *self._loops.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._handing_back, return_exceptions=True)
        self._loops = {}

    async def _register(self) -> None:
        now = self._clock.now()
        await self._store.register(self.worker_id, self._cookbook.known, now, now + self._lease_us)
        self.lease.renew(now)

    # ── work ────────────────────────────────────────────────────────────────────────────────────────

    @property
    def active(self) -> int:
        """Runs being executed now."""
        return len(self._tasks)

    @property
    def alive(self) -> bool:
        """Whether it was started and still takes runs up and renews its lease."""
        return bool(self._loops) and not any(task.done() for task in self._loops.values())

    @property
    def takes_more(self) -> bool:
        """Whether a run that starts now may begin here at once."""
        return not self._stopping and self._room() > 0

    def task_of(self, run_id: str) -> asyncio.Task[None] | None:
        """The execution of a run, while it is here."""
        return self._tasks.get(run_id)

    def wake(self) -> None:
        """There may be something to take up."""
        self._bell.ring()

    async def commit(self, commit: Commit) -> Outcome:
        """Commit something that may start runs; those begin here at once where there is room.

        They begin also where whoever asked for the commit is cancelled meanwhile.
        """
        if not commit.starts:
            return await self._committer.submit(commit)
        if self.takes_more and all(self._knows(start) for start in commit.starts):
            commit.lease_to = self.worker_id
            self._promised += len(commit.starts)
        future = self._committer.submit(commit)
        self._beginning.add(future)
        future.add_done_callback(lambda done: self._begin(commit, done))
        return await asyncio.shield(future)

    def _knows(self, start: RunStart) -> bool:
        return self._cookbook.known.get((start.process, start.version)) == start.version

    def _begin(self, commit: Commit, done: asyncio.Future[Outcome]) -> None:
        """The commit is decided: execute the runs that are leased to this worker with it."""
        self._beginning.discard(done)
        if commit.lease_to:
            self._promised -= len(commit.starts)
        if done.cancelled() or done.exception() is not None:
            return
        failpoint("worker.start_committed")
        leased = set(done.result().leased)
        if leased and commit.lease_to != self.worker_id:
            self._hand_back(commit.lease_to)
        elif not self._stopping:
            for start in commit.starts:
                if start.run_id in leased:
                    self._adopt(start)

    def _hand_back(self, former_name: str) -> None:
        """What was taken up under a name that was lost meanwhile is nobody's: others can have it at once."""

        async def hand_back() -> None:
            with contextlib.suppress(StoreUnavailable):  # then others find it at their next beat
                await self._store.retire(former_name, self._clock.now())

        task = asyncio.get_running_loop().create_task(hand_back(), name="worker-hands-back")
        self._handing_back.add(task)
        task.add_done_callback(self._handing_back.discard)

    def _adopt(self, start: RunStart) -> None:
        self._execute(
            ClaimedRun(
                run_id=start.run_id,
                process=start.process,
                version=start.version,
                subject=start.subject,
                epoch=1,
                priority=start.priority,
                correlation_id=start.correlation_id,
                input=start.input,
                value=start.value,
                created_at=self._clock.now(),
            )
        )

    async def _claim_forever(self) -> None:
        while True:
            self._bell.hush()
            try:
                claimed = await self._claim()
            except Exception as error:  # noqa: BLE001 - told of below; the next look comes soon
                claimed = False
                self._look_at = self._clock.now() + seconds_to_us(self._poll_seconds)
                self._tell_of(error, "claiming failed")
            if not (claimed and self.takes_more):
                await self._until_work()

    async def _claim(self) -> bool:
        """Take up what there is room for; whether there was anything."""
        async with self._claiming:
            now = self._clock.now()
            claimed = await self._store.claim(self.worker_id, self._cookbook.known, self._wanted(), now)
            if claimed:
                failpoint("worker.claimed")
            for run in claimed:
                self._execute(run)
        return bool(claimed)

    async def _until_work(self) -> None:
        """Return when there may be something to take up: it rang, a timer is due, or a look found something."""
        while True:
            wait_us = max(0, min(self._timer_at, self._look_at) - self._clock.now())
            if await self._bell.wait(self._clock, wait_us / MICROSECONDS):
                return
            now = self._clock.now()
            if self._timer_at <= now:
                self._timer_at, self._look_at = _NEVER, now  # once these are taken up, see which is next
                return
            if await self._look(now):
                return

    async def _look(self, now: Instant) -> bool:
        """Whether there is something to take up now; where not, remember when there will be."""
        self._look_at = now + seconds_to_us(self._store.news.pause_seconds(self._poll_seconds))
        try:
            next_at = await self._store.next_work(self._wanted())
        except Exception as error:  # noqa: BLE001 - told of; looked again when it is time
            self._tell_of(error, "looking failed")
            return False
        if next_at is not None and next_at > now:
            self._timer_at = min(self._timer_at, next_at)
        return next_at is not None and next_at <= now

    def _hear(self, topics: Collection[str]) -> None:
        """Somebody committed something."""
        everything = ANYTHING in topics or LEFT in topics
        if everything:
            self._look_at = 0
        if everything or any(queue in topics for queue in self._wanted()):
            self._bell.ring()

    def _heed_timer(self, wake_at: Instant | None) -> None:
        """A run that ended here sleeps until then: nobody else was told."""
        if wake_at is not None and wake_at < self._timer_at:
            self._timer_at = wake_at
            self._bell.ring()

    def _tell_of(self, error: Exception, what: str) -> None:
        if isinstance(error, StoreUnavailable):
            log.warning("store unavailable", worker_id=self.worker_id)
        else:
            log.error(what, worker_id=self.worker_id, exc_type=type(error).__name__, exc_info=error)

    def _room(self) -> int:
        """How many more runs there is room for, those counted that are about to begin here."""
        return max(0, self._runs_max - len(self._tasks) - self._promised)

    def _wanted(self) -> dict[str, int]:
        room = min(CLAIM_MAX, self._room())
        wanted = {READY_QUEUE: room}
        for name, lane in self._lanes.items():
            wanted[LANE_QUEUE_PREFIX + name] = min(room, lane.room())
        return {queue: count for queue, count in wanted.items() if count > 0}

    async def _beat_forever(self) -> None:
        beats = 0
        while True:
            await self._clock.sleep(self._beat_seconds)
            now = self._clock.now()
            beats += 1
            failpoint("worker.beats")
            self._tell_who_waits(now)
            try:
                if await self._store.beat(self.worker_id, now, now + self._lease_us):
                    self.lease.renew(now)
                else:
                    await self._begin_again()
                failpoint("worker.beat")
                if beats % BEATS_PER_STRANGERS == 0 and (parked := await self._store.park_strangers(now)):
                    log.error("no worker knows their version", worker_id=self.worker_id, count=parked)
            except StoreUnavailable:
                continue
            except Exception as error:
                log.exception("beating failed", worker_id=self.worker_id, exc_type=type(error).__name__)

    def _tell_who_waits(self, now: Instant) -> None:
        """What stands in a lane's queue, or has no answer, for long must not look as if it were going on."""
        for run in tuple(self._under_way):
            try:
                run.tell_if_late(now)
            except Exception as error:
                log.exception("waiting not told", run_id=run.run_id, exc_type=type(error).__name__)

    async def _begin_again(self) -> None:
        """The lease ran out (a long pause): others have our runs. Drop them and come back as somebody new."""
        former = self.worker_id
        log.error("lease lost", worker_id=former, count=len(self._tasks))
        self.lease.give_up()
        async with self._claiming:  # what is being taken up under the old name is seen first, and dropped, too
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            failpoint("worker.lease_lost")
            self._lives += 1
            self.worker_id = f"{self._name}.{self._lives}"
            self.lease = Lease(self._clock, self._lease_seconds)
            await self._register()
        await self._store.retire(former, self._clock.now())

    def _execute(self, claimed: ClaimedRun) -> None:
        if former := self._tasks.get(claimed.run_id):
            former.cancel()  # the run was taken from us meanwhile, and has come back under another epoch
        task = asyncio.get_running_loop().create_task(self._run(claimed), name=claimed.run_id)
        self._tasks[claimed.run_id] = task
        task.add_done_callback(lambda ended: self._leave(claimed.run_id, ended))

    def _leave(self, run_id: str, ended: asyncio.Task[None]) -> None:
        if self._tasks.get(run_id) is ended:  # it may have been taken up again already
            del self._tasks[run_id]
        self.finished += 1
        if len(self._tasks) == self._runs_max * 4 // 5:
            self._bell.ring()

    async def _run(self, claimed: ClaimedRun) -> None:
        process = self._cookbook.recipe(claimed.process, claimed.version)
        run = Run(claimed, process.retries if process else RetryPolicy(), self._committer, self._clock)
        CURRENT_PRIORITY.set(claimed.priority)
        CURRENT_SINCE.set(claimed.created_at)
        CURRENT_LEASE.set(self.lease)
        self._under_way.add(run)
        try:
            end = await self._carry_out(run, claimed, process)
        except Suspended as wait:
            end = wait.end
        except LaneClosed as closed:
            end = Suspended(Commit(), waiting_on=str(closed), queue=LANE_QUEUE_PREFIX + closed.lane).end
        except FenceLost:
            log.warning("fence lost", run_id=claimed.run_id, epoch=claimed.epoch)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the run parks with it and nobody loses it
            end = self._park(claimed, process, run.current_step, error)
        finally:
            self._under_way.discard(run)
            run.close()
        run.add_outcomes(end)
        await self._end(claimed, process, run.current_step, end)

    async def _end(self, claimed: ClaimedRun, process: Process[Any] | None, step: str, end: Commit) -> None:
        """Make the end durable. Where the database does not take it, the run parks with that, and nothing else."""
        end.run_id, end.epoch = claimed.run_id, claimed.epoch
        failpoint("worker.run_ends")
        try:
            outcome = await self.commit(end)
            failpoint("worker.end_committed")
            if end.transition is not None:
                self._heed_timer(end.transition.wake_at)
        except Exception as error:
            log.exception("end not taken", run_id=claimed.run_id, step=step, exc_type=type(error).__name__)
            parking = parking_for(error, process, step, Stake())
            bare = Commit(transition=Transition(state=RunState.PARKED, parking=parking))
            bare.run_id, bare.epoch = claimed.run_id, claimed.epoch
            outcome = await self.commit(bare)
        if outcome.fate is not Fate.APPLIED:
            log.warning("fence lost", run_id=claimed.run_id, epoch=claimed.epoch)

    async def _carry_out(self, run: Run, claimed: ClaimedRun, process: Process[Any] | None) -> Commit:
        if process is None:
            raise Misconfigured(f"no process is named {claimed.process}", code="unknown-process")
        failpoint("worker.run_begins")
        if process.forgettable and claimed.input == ERASED:
            log.info("nobody is left to work for", run_id=claimed.run_id)
            return Commit(transition=Transition(state=RunState.SKIPPED))
        value = claimed.value if claimed.value is not None else decode(claimed.input, process.input)
        result = await process.body(run, value)
        end = Commit(transition=Transition(state=RunState.DONE, result=encode(result)))
        run.add_leftovers(end)
        return end

    def _park(self, claimed: ClaimedRun, process: Process[Any] | None, step: str, error: Exception) -> Commit:
        stake, value = Stake(), None
        if process is not None:
            with contextlib.suppress(Exception):
                value = decode(claimed.input, process.input)
                stake = process.stake(value)
        parking = parking_for(error, process, step, stake)
        failpoint("worker.parks")
        log.warning(
            "parked",
            run_id=claimed.run_id,
            step=step,
            category=parking.category,
            code=parking.code,
            system=parking.system,
            vendor_code=parking.vendor_code,
            signature=parking.signature,
            exc_type=type(error).__name__,
            exc_info=error if parking.category == "bug" else None,
        )
        events: Sequence[Outgoing] = ()
        if process is not None and value is not None:
            try:
                events = process.announce(value, _parked(claimed, parking))
            except Exception as fault:
                log.exception("parking not told", run_id=claimed.run_id, exc_type=type(fault).__name__)
        return Commit(events=tuple(events), transition=Transition(state=RunState.PARKED, parking=parking))


def _parked(claimed: ClaimedRun, parking: Parking) -> Happening:
    return Happening(
        kind="parked",
        reason=parking.reason,
        parking=parking,
        run_id=claimed.run_id,
        correlation_id=claimed.correlation_id,
    )
