"""Where the hub is killed: every boundary of a step, every side of a commit.

The product knows nothing of this. In the process that is to die, the seams are wrapped: the committer, the
store's connection, the dock. A seam that moves makes its point unreachable, and the test says so.
"""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

from crossdock.adapters.memory.adapter import MemoryDock
from crossdock.durable.committer import Committer
from crossdock.durable.records import Commit, Outcome, RunState, StepState
from crossdock.storage import sql_store
from crossdock.storage.postgres_line import PostgresLine
from crossdock.storage.sql_store import SqlStore

UNDER_WAY_SECONDS = 0.003

Matches = Callable[[Commit], bool]


def _writes(step: str, state: StepState) -> Matches:
    return lambda commit: any((row.step, row.state) == (step, state) for row in commit.journal)


def _ends(state: RunState) -> Matches:
    return lambda commit: commit.transition is not None and commit.transition.state is state


def _moves(cursor: str) -> Matches:
    return lambda commit: commit.cursor is not None and commit.cursor.name.startswith(cursor)


def _changes(step: str) -> Matches:
    return lambda commit: any(effect.step == step for effect in commit.effects)


COMMITS: dict[str, Matches] = {
    "arrival": lambda commit: commit.inbox is not None,
    "position": _moves("source:"),
    "enrich": _writes("enrich", StepState.DONE),
    "hold": _changes("hold_stock"),
    "intent": _writes("submit_to_erp", StepState.INTENT),
    "result": _writes("submit_to_erp", StepState.DONE),
    "refusal": _writes("submit_to_erp", StepState.REFUSED),
    "undo": _changes("undo:hold_stock"),
    "wait": _ends(RunState.WAITING),
    "end": _ends(RunState.DONE),
    "feedback": _moves("relay:status"),
    "board": _moves("relay:order_board"),
}
"""The commits of an order's way; each is died before and after."""

CALLS = {"submit": "submit_order", "recall": "find_order", "report": "report_statuses"}
"""The dock's calls; each is died before it is made, under way, and once it is answered."""

POINTS = (
    *(f"{side} {name} is committed" for name in COMMITS for side in ("before", "after")),
    *(f"{side} {name}" for name in CALLS for side in ("before", "during", "after")),
    "inside a claim",
    "after a claim",
    "before any COMMIT",
    "after any COMMIT",
)


class Death:
    """Comes at the n-th visit of its place, without a word: SIGKILL."""

    def __init__(self, visits: int) -> None:
        self._left = visits

    def visit(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.come()

    def come(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str, visits: int) -> None:
    """Let this process die at `point`, the so-manyth time it gets there."""
    death = Death(visits)
    side, _, place = point.partition(" ")
    if place.endswith(" is committed"):
        _arm_commit(death, side, COMMITS[place.removesuffix(" is committed")])
    elif place in CALLS:
        _arm_call(death, side, CALLS[place])
    elif place == "a claim":
        _arm_claim(death, side)
    else:
        assert place == "any COMMIT"
        _arm_transaction(death, side)


def wrap(owner: Any, name: str, wrapped: Callable[[Any], Any]) -> None:
    """Put something around a seam, in this process."""
    setattr(owner, name, wrapped(getattr(owner, name)))


def _arm_commit(death: Death, side: str, matches: Matches) -> None:
    def wrapped(submit: Any) -> Any:
        def dying(self: Committer, commit: Commit) -> asyncio.Future[Outcome]:
            if matches(commit) and side == "before":
                death.visit()
            future: asyncio.Future[Outcome] = submit(self, commit)
            if matches(commit) and side == "after":
                future.add_done_callback(lambda _done: death.visit())
            return future

        return dying

    wrap(Committer, "submit", wrapped)


def _arm_call(death: Death, side: str, method: str) -> None:
    def wrapped(call: Any) -> Any:
        async def dying(*args: Any, **facts: Any) -> Any:
            if side == "before":
                death.visit()
            if side == "during":
                asyncio.get_running_loop().call_later(UNDER_WAY_SECONDS, death.visit)
            result = await call(*args, **facts)
            if side == "after":
                death.visit()
            return result

        return dying

    wrap(MemoryDock, method, wrapped)


def _arm_claim(death: Death, side: str) -> None:
    def wrapped_inside(claim_runs: Any) -> Any:
        def dying(*args: Any) -> Any:
            claimed = claim_runs(*args)
            if claimed:
                death.visit()
            return claimed

        return dying

    def wrapped_after(claim: Any) -> Any:
        async def dying(*args: Any) -> Any:
            claimed = await claim(*args)
            if claimed:
                death.visit()
            return claimed

        return dying

    if side == "inside":
        wrap(sql_store, "claim_runs", wrapped_inside)
    else:
        wrap(SqlStore, "claim", wrapped_after)


def _arm_transaction(death: Death, side: str) -> None:
    def around(commit: Callable[[], Any]) -> Any:
        if side == "before":
            death.visit()
        answer = commit()
        if side == "after":
            death.visit()
        return answer

    class DyingConnection(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
            run = partial(super().execute, sql, *args)
            found: sqlite3.Cursor = around(run) if sql == "COMMIT" else run()
            return found

    wrap(sqlite3, "connect", lambda connect: partial(connect, factory=DyingConnection))
    wrap(PostgresLine, "commit", lambda commit: lambda self: around(partial(commit, self)))
