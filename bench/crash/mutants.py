"""The hub with one of its guarantees switched off, in a process of its own: the runs must find each of them out.

The product has no such switches; its seams are replaced in the process that is to be found out.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from crossdock.adapters.memory.adapter import MemoryDock
from crossdock.durable.records import Commit, Fate, Outcome
from crossdock.kit.clock import Instant
from crossdock.storage import batch
from crossdock.storage.sql_store import SqlStore

GAP_SECONDS = 0.05
"""Between work and its event: so long it would take on a busy day."""

Mutant = Literal["", "dedupe", "fencing", "recall", "outbox"]


def put(owner: object, name: str, value: object) -> None:
    """Replace a seam, in this process."""
    assert hasattr(owner, name), f"{owner} has no {name} any more"
    setattr(owner, name, value)


def without_dedupe() -> None:
    """What was taken before is taken again."""

    def admit_everything(*_arguments: object) -> None:
        pass

    put(batch, "_admit", admit_everything)


def without_fencing() -> None:
    """Whoever lost a run or a cursor goes on writing for it."""

    def let_pass(*_arguments: object) -> None:
        pass

    put(batch, "_fence", let_pass)


def without_recall() -> None:
    """Nobody asks whether a write that was not answered took effect."""

    async def find_nothing(_dock: MemoryDock, *, key: str) -> None:
        assert key

    put(MemoryDock, "find_order", find_nothing)


def without_one_transaction() -> None:
    """Events are published after the work is committed, in a transaction of their own."""

    async def apply(self: SqlStore, commits: Sequence[Commit], now: Instant) -> Sequence[Outcome]:
        silent = [replace(commit, events=()) for commit in commits]
        outcomes = await self._write(lambda tx: batch.apply_batch(tx, silent, now))
        told = [
            event
            for commit, outcome in zip(commits, outcomes, strict=True)
            for event in commit.events
            if outcome.fate is Fate.APPLIED
        ]
        if told:
            await asyncio.sleep(GAP_SECONDS)
            await self._write(lambda tx: batch.append_events(tx, told, now))
        return outcomes

    put(SqlStore, "apply", apply)


MUTANTS: Mapping[str, Callable[[], None]] = {
    "dedupe": without_dedupe,
    "fencing": without_fencing,
    "recall": without_recall,
    "outbox": without_one_transaction,
}
