"""A run as its process sees it: steps whose results survive, events, undo, waiting.

The process function is executed again from the top after every wait and crash. Steps that are done return
what they returned; results are found by the step's name, so code around them may change.

What a step came to goes into the run's next commit: that of the next step's intention, of a record, of the end.
Where there is none before the run calls outside again, one is made for it; so nothing is ever done outside on
the strength of an outcome that a crash could take back.
"""

from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from crossdock.durable.codec import decode, decode_refusal, encode, encode_refusal
from crossdock.durable.committer import Committer
from crossdock.durable.interrupts import FenceLost, Suspended
from crossdock.durable.lanes import LaneClosed
from crossdock.durable.records import (
    IN_DOUBT,
    LANE_QUEUE_PREFIX,
    ClaimedRun,
    Commit,
    Effect,
    EffectStep,
    Fate,
    JournalRow,
    Outcome,
    Outgoing,
    RunStart,
    StepState,
)
from crossdock.durable.retries import RetryPolicy
from crossdock.durable.step import UNDO_PREFIX, Action, Declared, undo_name
from crossdock.durable.turns import ANNOUNCED, NO_ANSWER, NOTHING, OnWait, announced, late_at, tells_at
from crossdock.kit.clock import Clock, Instant, from_datetime, iso, seconds_to_us
from crossdock.kit.errors import CompensationFailed, Conflict, OutcomeUnknown, Rejected, Transient
from crossdock.kit.failpoints import failpoint
from crossdock.kit.ids import write_key

T = TypeVar("T")
C_contra = TypeVar("C_contra", contravariant=True)

REPAIRED = b'"repaired"'
"""In place of what a step in doubt knew: its input was changed since."""

ASK_AGAIN_SECONDS = 10.0


class Startable(Protocol[C_contra]):
    """A process, as far as a run needs to know one to start it."""

    def start(self, key: str, value: C_contra, *, correlation_id: str = "") -> RunStart:
        """A start, to be committed."""
        ...


class Run:
    """One execution of one run. Not for use outside its process function."""

    def __init__(self, claimed: ClaimedRun, retries: RetryPolicy, committer: Committer, clock: Clock) -> None:
        self.run_id = claimed.run_id
        self.correlation_id = claimed.correlation_id
        self.created_at = claimed.created_at
        self.current_step = ""
        self._epoch = claimed.epoch
        self._told = claimed.told
        self._retries = retries
        self._committer = committer
        self._clock = clock
        self._journal = {row.step: row for row in claimed.journal}
        self._signals = {signal.name: signal.payload for signal in claimed.signals}
        self._declared: dict[str, Declared] = {}
        self._events: list[Outgoing] = []
        self._starts: list[RunStart] = []
        self._effects: list[EffectStep] = []
        self._unsaved: Commit | None = None
        self._on_wait: OnWait | None = None

    def close(self) -> None:
        """Let go of the recipe's functions, which hold the run: else only a collection of all garbage ends it."""
        self._declared.clear()
        self._on_wait = None

    # ── what a process calls ────────────────────────────────────────────────────────────────────────

    async def step(
        self,
        name: str,
        action: Action[T],
        *,
        returns: type[T],
        undo: Action[object] | None = None,
        recall: Action[T | None] | None = None,
        pivot: bool = False,
        settle_seconds: float = 0.0,
        on_wait: OnWait | None = None,
        key: str = "",
    ) -> T:
        """Do `action(key)` once and remember what it returned, as `returns`.

        A step with `undo` or `recall` writes outside: its intention is durable before the call. If nobody
        heard the outcome, `recall(key)` is asked; where it finds nothing, the call is repeated (or undone) no
        sooner than `settle_seconds` after that was noticed, for until then it may still land. `undo(key)` must
        be content with nothing to undo. After a `pivot` nothing is undone any more. `on_wait` makes the event
        that tells others, once, that the step waits for its lane or its turn (see durable.turns). `key` replaces
        the one of run and step where the outside world must know the object by one key, whichever run writes it.

        Raises Rejected as the action did, now and on every replay.
        """
        key = key or write_key(self.run_id, name)
        known = self._reach(Declared(name, key, undo, None, pivot, settle_seconds))
        if known is not None and known.state is StepState.DONE:
            return decode(known.payload, returns)
        self._obey()
        self._on_wait = on_wait
        try:
            if undo is None and recall is None:
                await self._save()
                result = await action(key)
            else:
                result = await self._write_outside(name, key, known, action, recall, settle_seconds, on_wait)
        except Rejected as refusal:
            self._conclude(self._remember(name, StepState.REFUSED, encode_refusal(refusal)))
            raise
        except LaneClosed as closed:
            raise self._held_back(name, closed, on_wait) from None
        except Transient as fault:
            raise self._delayed(name, fault) from fault
        except OutcomeUnknown as unheard:
            if undo is not None or recall is not None:
                raise
            raise self._delayed(name, unheard) from unheard  # a question may simply be asked again
        failpoint("run.step_done")
        self._conclude(self._remember(name, StepState.DONE, encode(result)))
        return result

    async def record(self, name: str, effect: Effect, *, returns: type[T], undo: Effect | None = None) -> T:
        """Change the hub's own records by `effect`, together with this step; the store says what it found."""
        known = self._reach(Declared(name, "", undo_effect=undo))
        if known is not None:
            return decode(known.payload, returns)
        self._obey()
        outcome = await self._commit(Commit(effects=(EffectStep(name, effect),)))
        failpoint("run.effect_recorded")
        self._remember(name, StepState.DONE, outcome.findings[0])
        return decode(outcome.findings[0], returns)

    def heed(self) -> None:
        """Turn back here, if an operator said so and nothing beyond this point was done.

        For places between steps from which a recipe may park: a step that is not done heeds by itself.
        Raises Rejected with the operator's reason.
        """
        if all(step in self._declared or step.startswith(UNDO_PREFIX) for step in self._journal):
            self._obey()

    def attach(self, name: str, effect: Effect) -> None:
        """Change the hub's own records with the next step, or with the end of the run, as `publish` does."""
        self._effects.append(EffectStep(name, effect))

    def publish(self, event: Outgoing) -> None:
        """Publish with the next step, or with the end of the run: never for work that did not commit."""
        self._events.append(event)

    def start(self, process: Startable[T], key: str, value: T) -> None:
        """Start another process with the next step, or with the end of this run."""
        self._starts.append(process.start(key, value, correlation_id=self.correlation_id))

    async def wait_for(self, signal: str, *, returns: type[T], timeout_seconds: float | None = None) -> T | None:
        """The payload of `signal`, waited for without memory; None when the time is over."""
        name = f"signal:{signal}"
        known = self._reach(Declared(name, ""))
        if known is not None and known.state is StepState.DONE:
            return None if known.payload == NOTHING else decode(known.payload, returns)
        self._obey()
        if signal in self._signals:
            await self._record(name, StepState.DONE, self._signals[signal])
            return decode(self._signals[signal], returns)
        deadline = decode(known.payload, int) if known and known.payload != NOTHING else None
        if known is None and timeout_seconds is not None:
            deadline = self._clock.now() + seconds_to_us(timeout_seconds)
        if deadline is not None and self._clock.now() >= deadline:
            await self._record(name, StepState.DONE, NOTHING)
            return None
        row = JournalRow(name, StepState.INTENT, encode(deadline), 0, self._clock.now())
        raise self._suspend(f"signal {signal}", wake_at=deadline, row=row)

    async def sleep_until(self, name: str, moment: datetime) -> None:
        """Go on at `moment`, as a row until then. `name` tells this pause from the run's others."""
        step = f"timer:{name}"
        known = self._reach(Declared(step, ""))
        if known is not None and known.state is StepState.DONE:
            return
        self._obey()
        wake_at = decode(known.payload, int) if known else from_datetime(moment)
        if self._clock.now() >= wake_at:
            await self._record(step, StepState.DONE, NOTHING)
            return
        row = JournalRow(step, StepState.INTENT, encode(wake_at), 0, self._clock.now())
        raise self._suspend(f"{iso(wake_at)}", wake_at=wake_at, row=row)

    async def compensate(self) -> None:
        """Undo, in reverse, every step that did or may have done something.

        Raises CompensationFailed where an undo is refused; AssertionError after the pivot, which is a bug in
        the process: what the other side has accepted is taken back by another process, in the open.
        """
        reached = list(self._declared.values())
        for declared in reached:
            if declared.pivot and self._is_done(declared.name):
                raise AssertionError(f"{self.run_id} tried to undo {declared.name} after the pivot")
        self._told = ""
        failpoint("run.compensation_begins")
        for declared in reversed(reached):
            state = self._journal[declared.name].state if declared.name in self._journal else None
            if state is None or (declared.undo is None and declared.undo_effect is None):
                continue
            if state is StepState.REFUSED or (state is StepState.DELAYED and not self._attempts(declared.name)):
                continue  # refused whole, or never called: nothing is left there
            await self._undo(declared)
            failpoint("run.step_undone")

    # ── what the worker asks ────────────────────────────────────────────────────────────────────────

    @property
    def epoch(self) -> int:
        """The fence of this execution."""
        return self._epoch

    def tell_if_late(self, now: Instant) -> None:
        """Tell others, once, that the run waits, where a call has been under way for long."""
        if self._on_wait is None or now < late_at(self.created_at):
            return
        row = announced(self.current_step, self._journal.get(self.current_step), now)
        if row is not None:
            self._journal[row.step] = row
            event = self._on_wait(NO_ANSWER)
            telling = Commit(run_id=self.run_id, epoch=self._epoch, journal=(row,), events=(event,))
            # Whatever keeps it from being written meets the run's next commit, too.
            self._committer.submit(telling).add_done_callback(lambda done: done.cancelled() or done.exception())
            failpoint("run.waiting_told")

    def add_leftovers(self, commit: Commit) -> None:
        """Let what was published, started and attached, and has not gone with a step, go with `commit`."""
        commit.events = (*self._events, *commit.events)
        commit.starts = (*self._starts, *commit.starts)
        commit.effects = (*commit.effects, *self._effects)
        self._forget_leftovers()

    def add_outcomes(self, commit: Commit) -> None:
        """Let what steps came to since the last commit become durable with `commit`, and all that goes with it."""
        unsaved, self._unsaved = self._unsaved, None
        if unsaved is not None:
            commit.journal = (*unsaved.journal, *commit.journal)
            commit.events = (*unsaved.events, *commit.events)
            commit.starts = (*unsaved.starts, *commit.starts)
            commit.effects = (*commit.effects, *unsaved.effects)

    def _forget_leftovers(self) -> None:
        self._events.clear()
        self._starts.clear()
        self._effects.clear()

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────

    def _reach(self, declared: Declared) -> JournalRow | None:
        """Come to a step: what the journal knows of it. Raises the refusal it ended with."""
        assert declared.name not in self._declared, f"two steps are named {declared.name}"
        self._declared[declared.name] = declared
        self.current_step = declared.name
        self._on_wait = None
        known = self._journal.get(declared.name)
        if known is None:
            return None
        # What was published before this step went out when it was first reached.
        self._forget_leftovers()
        if known.state is StepState.REFUSED:
            raise decode_refusal(known.payload)
        return known

    def _obey(self) -> None:
        """An operator told the run to turn back: it does so at the first step that is not done."""
        if not self._told:
            return
        for declared in self._declared.values():
            if declared.pivot and self._is_done(declared.name):
                raise CompensationFailed(
                    f"{declared.name} is done and cannot be taken back here: {self._told}", code="past-pivot"
                )
        raise Rejected(self._told, code="told-to-compensate", system="operator")

    async def _write_outside(
        self,
        name: str,
        key: str,
        known: JournalRow | None,
        action: Action[T],
        recall: Action[T | None] | None,
        settle_seconds: float,
        on_wait: OnWait | None,
    ) -> T:
        unheard: OutcomeUnknown | None = None
        if known is not None and known.state in IN_DOUBT:
            await self._save()
            unheard = OutcomeUnknown(f"whether {name} took effect is not known", code="outcome-unknown")
        while True:
            if unheard is None:
                await self._record(name, StepState.INTENT, self._told_others(name), self._attempts(name) + 1)
                failpoint("run.intention_recorded")
                try:
                    return await action(key)
                except OutcomeUnknown as lost:
                    failpoint("run.outcome_unheard")
                    unheard = lost
            if recall is None:
                raise unheard
            found = await self._ask(name, key, recall, on_wait)
            failpoint("run.recalled")
            if found is not None and self._journal[name].payload == REPAIRED:
                raise Conflict(
                    f"{name} took effect with the input as it was before the repair", code="landed-before-repair"
                )
            if found is not None:
                return found
            self._settle(name, settle_seconds)
            if self._attempts(name) >= self._retries.attempts_max:
                raise unheard
            unheard = None

    def _settle(self, name: str, settle_seconds: float) -> None:
        """Go on once a write that nobody heard of has landed or never will; until then, wait as a row.

        The time runs from here: an intention may have waited long in its lane before the call was made.
        """
        row, now = self._journal[name], self._clock.now()
        if row.state is StepState.INTENT or row.at > now:  # noticed just now, or by a clock that ran ahead
            row = self._remember(name, StepState.UNHEARD, row.payload)
            if not settle_seconds:
                return
            wake_at = row.at + seconds_to_us(settle_seconds)
            raise self._suspend(f"{name}: whether it landed", wake_at=wake_at, row=row)
        settled_at = row.at + seconds_to_us(settle_seconds)
        if now < settled_at:
            raise self._suspend(f"{name}: whether it landed", wake_at=settled_at)

    async def _ask(self, name: str, key: str, recall: Action[T | None], on_wait: OnWait | None) -> T | None:
        """Look the write up. While the system cannot be asked, the step stays what it is: in doubt."""
        try:
            return await recall(key)
        except LaneClosed as closed:
            raise self._held_back(name, closed, on_wait, in_doubt=True) from None
        except Transient as fault:
            wait = fault.retry_after_seconds or ASK_AGAIN_SECONDS
            wake_at = self._clock.now() + seconds_to_us(wait)
            raise self._suspend(f"{name}: asking whether it landed", wake_at=wake_at) from fault
        except Rejected as refusal:
            # Who will not tell has refused the question, not the write.
            raise OutcomeUnknown(
                f"whether {name} took effect is not told: {refusal.message}",
                code="outcome-unknown",
                system=refusal.system,
                vendor_code=refusal.vendor_code,
            ) from refusal

    async def _undo(self, declared: Declared) -> None:
        name = undo_name(declared.name)
        if declared.undo_effect is not None:
            await self.record(name, declared.undo_effect, returns=object)
            return
        undo, key = declared.undo, declared.key
        assert undo is not None
        if name not in self._journal and self._journal[declared.name].state in IN_DOUBT:
            self._settle(declared.name, declared.settle_seconds)

        async def undoing(_own_key: str) -> None:
            try:
                await undo(key)
            except Rejected as refusal:
                # No refusal of the step: once a person has talked to the other side, it may be tried again.
                raise CompensationFailed(
                    f"{declared.name} cannot be undone: {refusal.message}",
                    code="undo-refused",
                    system=refusal.system,
                    vendor_code=refusal.vendor_code,
                ) from refusal

        await self.step(name, undoing, returns=object)

    def _is_done(self, name: str) -> bool:
        known = self._journal.get(name)
        return known is not None and known.state is StepState.DONE

    def _attempts(self, name: str) -> int:
        known = self._journal.get(name)
        return known.attempts if known else 0

    def _remember(self, name: str, state: StepState, payload: bytes, attempts: int | None = None) -> JournalRow:
        row = JournalRow(
            name, state, payload, self._attempts(name) if attempts is None else attempts, self._clock.now()
        )
        self._journal[name] = row
        return row

    async def _record(self, name: str, state: StepState, payload: bytes, attempts: int | None = None) -> None:
        await self._commit(Commit(journal=(self._remember(name, state, payload, attempts),)))

    def _conclude(self, row: JournalRow) -> None:
        """A step came to something: what was published on the way to it goes with it, and no later thing does."""
        commit = Commit(journal=(row,))
        if self._events or self._starts or self._effects:
            self.add_leftovers(commit)
        self.add_outcomes(commit)
        self._unsaved = commit

    async def _save(self) -> None:
        """Make what steps came to durable, before anything else is done outside."""
        unsaved, self._unsaved = self._unsaved, None
        if unsaved is not None:
            await self._submit(unsaved)
            failpoint("run.outcomes_saved")

    async def _commit(self, commit: Commit) -> Outcome:
        if self._events or self._starts or self._effects:
            self.add_leftovers(commit)
        return await self._submit(commit)

    async def _submit(self, commit: Commit) -> Outcome:
        commit.run_id, commit.epoch = self.run_id, self._epoch
        self.add_outcomes(commit)
        outcome = await self._committer.submit(commit)
        if outcome.fate is not Fate.APPLIED:
            raise FenceLost(self.run_id)
        return outcome

    def _suspend(
        self,
        waiting_on: str,
        *,
        queue: str = "",
        wake_at: Instant | None = None,
        row: JournalRow | None = None,
        event: Outgoing | None = None,
    ) -> Suspended:
        """The end of this execution. What was published on the way here goes along with the step's row."""
        failpoint("run.suspends")
        end = Commit(journal=(row,) if row else (), events=(event,) if event else ())
        if row is not None:
            self.add_leftovers(end)
        return Suspended(end, waiting_on=waiting_on, queue=queue, wake_at=wake_at)

    def _told_others(self, name: str) -> bytes:
        """Whether `on_wait` of this step was published: once per step is enough."""
        known = self._journal.get(name)
        return ANNOUNCED if known is not None and known.payload == ANNOUNCED else NOTHING

    def _calls_made(self, name: str, *, failed: bool) -> int:
        """Calls so far. An intention counted the call before it was made; a closed lane made none."""
        known = self._journal.get(name)
        if known is not None and known.state is StepState.INTENT:
            return known.attempts if failed else known.attempts - 1
        return self._attempts(name) + failed

    def _held_back(
        self, name: str, closed: LaneClosed, on_wait: OnWait | None, *, in_doubt: bool = False
    ) -> Suspended:
        """A closed lane took no call: the step is as it was, or certainly not done; that is no attempt."""
        told = self._journal[name].payload if in_doubt else self._told_others(name)
        event, wake_at = None, None
        if on_wait is not None and told == NOTHING:
            wake_at = tells_at(closed, self.created_at, self._clock.now())
            if wake_at is None:
                event, told = on_wait(closed), ANNOUNCED
        if in_doubt:
            row = msgspec.structs.replace(self._journal[name], payload=told)
        else:
            calls = self._calls_made(name, failed=False)
            row = JournalRow(name, StepState.DELAYED, told, calls, self._clock.now())
        waiting_on = f"{closed.lane}: {closed.detail or closed.reason}"
        if closed.reason == "shed" or closed.probed:
            # Others go first: the lane's queue would bring this run back at once, or as the next probe.
            return self._suspend(waiting_on, wake_at=closed.reopens_at, row=row, event=event)
        return self._suspend(
            waiting_on, queue=LANE_QUEUE_PREFIX + closed.lane, wake_at=wake_at, row=row, event=event
        )

    def _delayed(self, name: str, fault: Transient | OutcomeUnknown) -> Suspended:
        """A passing fault: try again after a wait that doubles, or the one the system named."""
        attempts = self._calls_made(name, failed=True)
        policy = self._retries
        if attempts >= policy.attempts_max:
            raise fault
        wait = policy.wait_seconds(attempts) if fault.retry_after_seconds is None else fault.retry_after_seconds
        row = JournalRow(name, StepState.DELAYED, self._told_others(name), attempts, self._clock.now())
        wake_at = self._clock.now() + seconds_to_us(wait)
        return self._suspend(f"{fault.system or name}: {fault.code}", wake_at=wake_at, row=row)
