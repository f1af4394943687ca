"""Another way to decide, or another ownership, tried on all that the hub knows, while whoever asked goes on.

    asked, and noted who did ─ one step, which only reads ─ what it came to is the run's own

One goes after another, after everything that is more urgent. Where a worker stops meanwhile another one begins
anew: nothing was done yet.

Requirements: CUS-16, CUS-18.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from crossdock.durable.codec import decode
from crossdock.durable.process import Process, Stake
from crossdock.durable.records import Commit, EffectStep, Outcome, RunState
from crossdock.durable.run import Run
from crossdock.durable.store import RunView
from crossdock.identity.recognition.reviews import NoteDeed
from crossdock.identity.recognition.work import RehearsalAsked, RehearsalTold
from crossdock.kit.clock import Instant

SUBJECT = "customers/rehearsal"


class Past(Protocol):
    """What the hub knows."""

    async def rehearse(self, asked: RehearsalAsked) -> RehearsalTold:
        """Try it there; nothing is written."""
        ...


@dataclass(frozen=True)
class Collaborators:
    """What it is tried on."""

    past: Past


def customer_rehearsal(using: Collaborators) -> Process[RehearsalAsked]:
    """The process, started once per rehearsal."""

    async def body(run: Run, asked: RehearsalAsked) -> RehearsalTold:
        return await run.step("rehearse", lambda _key: using.past.rehearse(asked), returns=RehearsalTold)

    return Process(
        name="customer_rehearsal",
        version=1,
        input=RehearsalAsked,
        body=body,
        subject=lambda _asked: SUBJECT,
        priority=lambda _asked: 9,
        stake=lambda _asked: Stake(domain="service", severity=1),
        owner="data-stewards",
        desk="data-stewards",
    )


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """A rehearsal as people look at it. `told` is None until it is done, `code` says why it stands still."""

    number: str
    asked: RehearsalAsked
    state: RunState
    since: Instant
    until: Instant
    told: RehearsalTold | None = None
    code: str = ""


class Runs(Protocol):
    """Where rehearsals are kept."""

    async def find_run(self, run_id: str) -> RunView | None:
        """See Store."""
        ...

    async def list_runs(self, *, subject: str = "", limit: int = 50) -> Sequence[RunView]:
        """See Store."""
        ...


class Rehearsals:
    """Where people begin rehearsals, and look what came of them."""

    def __init__(
        self, runs: Runs, process: Process[RehearsalAsked], submit: Callable[[Commit], Awaitable[Outcome]]
    ) -> None:
        self._runs, self._process, self._submit = runs, process, submit

    async def begin(self, number: str, asked: RehearsalAsked, reason: str) -> None:
        """Begin one. The same number again begins nothing."""
        deed = NoteDeed(subject=SUBJECT, verb="rehearse", by=asked.by, reason=reason)
        start = self._process.start(number, asked)
        await self._submit(Commit(effects=(EffectStep("note", deed),), starts=(start,)))

    async def read(self, number: str) -> Rehearsal | None:
        """One, or None."""
        run = await self._runs.find_run(self._process.run_id(number))
        return rehearsal_of(run) if run else None

    async def latest(self, limit: int) -> list[Rehearsal]:
        """The latest, newest first."""
        return [rehearsal_of(run) for run in await self._runs.list_runs(subject=SUBJECT, limit=limit)]


def rehearsal_of(run: RunView) -> Rehearsal:
    """A rehearsal, out of its run."""
    return Rehearsal(
        number=run.run_id.partition("/")[2],
        asked=decode(run.input, RehearsalAsked),
        state=run.state,
        since=run.created_at,
        until=run.updated_at,
        told=decode(run.result, RehearsalTold) if run.state is RunState.DONE else None,
        code=run.parking.code if run.parking else "",
    )
