"""The operator's verbs on parked work: retry, repair, skip, compensate, assign. Every one is audited."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from crossdock.durable.codec import decode
from crossdock.durable.cookbook import Cookbook
from crossdock.durable.process import Happening, Process
from crossdock.durable.records import (
    IN_DOUBT,
    READY_QUEUE,
    Effect,
    InboxRow,
    JournalRow,
    Outgoing,
    RunState,
    StepState,
)
from crossdock.durable.run import REPAIRED
from crossdock.durable.step import undo_name
from crossdock.durable.store import Action, RunView, Store
from crossdock.kit.clock import Clock
from crossdock.kit.errors import Finding, Invalid
from crossdock.kit.failpoints import failpoint

Verb = Literal["retry", "repair", "skip", "compensate", "assign"]
REASON_CHARACTERS_MAX = 500


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a retry of a parked run will and won't do again."""

    run_id: str
    stays_done: tuple[str, ...]
    asked_first: tuple[str, ...]
    done_again: str


class Desk:
    """Where people put parked runs right. Each verb takes one or many runs and answers for each."""

    def __init__(self, store: Store, processes: Sequence[Process[Any]], clock: Clock) -> None:
        self._store = store
        self._cookbook = Cookbook(processes)
        self._clock = clock

    async def preview(self, run_id: str) -> Preview:
        """What retrying would repeat. Raises Invalid where no such run exists."""
        view = await self._parked(run_id)
        return Preview(
            run_id=run_id,
            stays_done=tuple(row.step for row in view.journal if row.state is StepState.DONE),
            asked_first=tuple(row.step for row in view.journal if row.state in IN_DOUBT),
            done_again=view.parking.step if view.parking else "",
        )

    async def retry(self, run_ids: Sequence[str], *, actor: str, reason: str = "") -> Mapping[str, bool]:
        """Go on where each stopped, with a fresh count of attempts; where it stopped at a refusal, ask again."""
        return await self._each(run_ids, actor, "retry", reason, "released")

    async def repair(
        self,
        run_id: str,
        *,
        actor: str,
        reason: str,
        new_input: bytes | None = None,
        results: Mapping[str, bytes] | None = None,
    ) -> bool:
        """Put in a corrected input, or the result of a step that somebody did by hand, and go on.

        With a new input, what the old one was checked against is asked anew, and what is held for it is given
        back; a write in doubt that turns out to have landed with the old one is a Conflict. What arrived as
        something else, or as nothing at all, is known from then on as if it had arrived like that. Raises Invalid
        with the path where the input is none for the process, or a result no JSON; and where it has arrived by
        itself meanwhile.
        """
        _check_reason(reason)
        view = await self._parked(run_id)
        process = self._cookbook.nearest(view.process, view.version)
        if process is None:
            raise Invalid(f"no process is named {view.process}", code="unknown-process")
        arrival = process.arrival(decode(new_input, process.input)) if new_input is not None else None
        now = self._clock.now()
        rows = {}
        if new_input is not None:
            in_doubt = [row for row in view.journal if row.state in IN_DOUBT]
            rows = {row.step: msgspec.structs.replace(row, payload=REPAIRED, attempts=0) for row in in_doubt}
        for step, payload in (results or {}).items():
            decode(payload, object)
            rows[step] = JournalRow(step, StepState.DONE, payload, 0, now)
        action = Action(
            run_id=run_id,
            verb="repair",
            actor=actor,
            reason=reason,
            state=RunState.READY,
            queue=READY_QUEUE,
            input=new_input,
            journal=tuple(rows.values()),
            forgotten=_with_undoing(process.asked_anew) if new_input is not None else (),
            arrival=arrival,
            is_other=arrival is not None and not _is_same(arrival, _arrived(view, process)),
            effects=self._given_back(view) if new_input is not None else (),
            events=self._events(view, "released", reason, new_input),
        )
        return (await self._store.operate([action], now))[0]

    async def skip(self, run_ids: Sequence[str], *, actor: str, reason: str) -> Mapping[str, bool]:
        """End each without doing the rest: what the hub holds for it is free, its subject's later work goes on."""
        _check_reason(reason)
        return await self._each(run_ids, actor, "skip", reason, "skipped", state=RunState.SKIPPED, queue="")

    async def compensate(self, run_ids: Sequence[str], *, actor: str, reason: str) -> Mapping[str, bool]:
        """Turn back: undo what was done so far; the reason is what the sales rep will read."""
        _check_reason(reason)
        return await self._each(run_ids, actor, "compensate", reason, "released", told=reason)

    async def assign(self, run_ids: Sequence[str], *, actor: str, owner: str) -> Mapping[str, bool]:
        """Give each to somebody; it stays parked."""
        _check_reason(owner)
        actions = [
            Action(run_id=run_id, verb="assign", actor=actor, reason=owner, state=RunState.PARKED, owner=owner)
            for run_id in run_ids
        ]
        done = await self._store.operate(actions, self._clock.now())
        return dict(zip(run_ids, done, strict=True))

    async def _each(
        self,
        run_ids: Sequence[str],
        actor: str,
        verb: Verb,
        reason: str,
        happening: Literal["released", "skipped"],
        *,
        state: RunState = RunState.READY,
        queue: str = READY_QUEUE,
        told: str = "",
    ) -> Mapping[str, bool]:
        actions = []
        answers = dict.fromkeys(run_ids, False)
        for run_id in run_ids:
            view = await self._store.find_run(run_id)
            if view is None or view.state is not RunState.PARKED:
                continue
            actions.append(
                Action(
                    run_id=run_id,
                    verb=verb,
                    actor=actor,
                    reason=reason,
                    state=state,
                    queue=queue,
                    told=told,
                    forgotten=_refused_at(view) if verb == "retry" else (),
                    effects=self._given_back(view) if state is RunState.SKIPPED else (),
                    events=self._events(view, happening, reason),
                )
            )
        failpoint("desk.decided")
        done = await self._store.operate(actions, self._clock.now()) if actions else []
        failpoint("desk.carried_out")
        answers.update({action.run_id: success for action, success in zip(actions, done, strict=True)})
        return answers

    async def _parked(self, run_id: str) -> RunView:
        view = await self._store.find_run(run_id)
        if view is None or view.state is not RunState.PARKED:
            state = "unknown" if view is None else view.state.value
            raise Invalid(f"{run_id} is {state}, not parked", code="not-parked")
        return view

    def _given_back(self, view: RunView) -> tuple[Effect, ...]:
        """What frees whatever the run's steps hold of the hub's own."""
        process = self._cookbook.nearest(view.process, view.version)
        done = {row.step for row in view.journal if row.state is StepState.DONE}
        if process is None:
            return ()
        return tuple(
            free(view.run_id)
            for step, free in process.gives_back.items()
            if step in done and undo_name(step) not in done
        )

    def _events(
        self, view: RunView, kind: Literal["released", "skipped"], reason: str, new_input: bytes | None = None
    ) -> tuple[Outgoing, ...]:
        process = self._cookbook.nearest(view.process, view.version)
        if process is None:
            return ()
        try:
            value = decode(new_input or view.input, process.input)
        except Invalid:
            value = None  # it never was one, and is told of by its run alone
        happening = Happening(
            kind=kind, reason=reason, parking=view.parking, run_id=view.run_id, correlation_id=view.correlation_id
        )
        try:
            return tuple(process.announce(value, happening))
        except ValueError as error:
            if new_input is None:
                return ()  # nobody could ever be told of it: that must not keep it from being skipped
            raise Invalid(f"nobody could be told of that input: {error}", code="untellable") from error


def _arrived(view: RunView, process: Process[Any]) -> InboxRow | None:
    """What the run's present input is to the inbox; None where it is none for the process."""
    try:
        return process.arrival(decode(view.input, process.input))
    except Invalid:
        return None


def _is_same(arrival: InboxRow, known: InboxRow | None) -> bool:
    return known is not None and (known.source, known.external_id) == (arrival.source, arrival.external_id)


def _refused_at(view: RunView) -> tuple[str, ...]:
    """The step whose refusal parked the run: as long as that is remembered, retrying would only repeat it."""
    step = view.parking.step if view.parking else ""
    refused = {row.step for row in view.journal if row.state is StepState.REFUSED}
    return (step,) if step in refused else ()


def _with_undoing(steps: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for step in steps for name in (step, undo_name(step)))


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > REASON_CHARACTERS_MAX:
        raise Invalid(
            "say why: the audit and whoever reads the order next need it",
            code="reason-missing",
            findings=[Finding("reason-missing", "$.reason", f"1 to {REASON_CHARACTERS_MAX} characters")],
        )
