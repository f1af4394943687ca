"""The engine broken on purpose, one guarantee at a time: the simulation has to notice each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from crossdock.durable.lease import Lease
from crossdock.durable.records import Commit, Fate, Outcome
from crossdock.durable.run import Run
from crossdock.kit.clock import Instant, SteadyClock
from crossdock.storage import batch
from crossdock.storage.sql_store import SqlStore

Break = Callable[[pytest.MonkeyPatch], None]


def without_dedupe(patch: pytest.MonkeyPatch) -> None:
    """What arrives again is taken again."""
    patch.setattr(batch, "_admit", lambda *_: None)


def without_fencing(patch: pytest.MonkeyPatch) -> None:
    """A worker that lost a run goes on writing for it."""
    patch.setattr(batch, "_fence", lambda *_: None)


def without_recall(patch: pytest.MonkeyPatch) -> None:
    """Nobody asks whether a write landed before it is made again."""

    async def found_nothing(*_: Any) -> None:
        return None

    patch.setattr(Run, "_ask", found_nothing)


def without_waiting_for_what_may_land(patch: pytest.MonkeyPatch) -> None:
    """A write that nobody heard of and that is not found is made again at once."""
    patch.setattr(Run, "_settle", lambda *_: None)


def without_one_transaction(patch: pytest.MonkeyPatch) -> None:
    """Events are written after what they tell of."""
    whole = SqlStore.apply

    async def in_two(store: SqlStore, commits: Sequence[Commit], now: Instant) -> Sequence[Outcome]:
        told = [commit.events for commit in commits]
        outcomes = await whole(store, [replace(commit, events=()) for commit in commits], now)
        applied = [events for events, outcome in zip(told, outcomes, strict=True) if outcome.fate is Fate.APPLIED]
        events = [event for part in applied for event in part]
        if events:
            await store._write(lambda tx: batch.append_events(tx, events, now))
        return outcomes

    patch.setattr(SqlStore, "apply", in_two)


def without_the_lease_check(patch: pytest.MonkeyPatch) -> None:
    """A worker that stood still sends what others have sent meanwhile."""
    patch.setattr(Lease, "holds", property(lambda _lease: True))


def with_a_jumping_clock(patch: pytest.MonkeyPatch) -> None:
    """Waits are over when somebody sets the clock."""
    patch.setattr(SteadyClock, "now", lambda clock: clock._wall())


BREAKS: Mapping[str, Break] = {
    "dedupe": without_dedupe,
    "fencing": without_fencing,
    "recall": without_recall,
    "one transaction": without_one_transaction,
    "waiting for what may land": without_waiting_for_what_may_land,
    "lease check": without_the_lease_check,
    "steady clock": with_a_jumping_clock,
}
