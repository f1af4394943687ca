"""Runs that ended long ago are cleared away, in small pages, beside the work.

    page by page, oldest first ─ which of these ended long ago, and were not given up by a person ─┐
    ┌──────────────────────────────────────────────────────────────────────────────────────────────┘
    └ which could still be begun again by a run that is at work: those stay ─ rows deleted ─ a pause

Only runs that are done go. Who was parked and skipped stays, as do the audit, the inbox (by which an arrival is
known when it comes again), events, and everything of the hub's own books. A run that is begun once because its row
is there, whatever comes again, keeps that row: only its content goes (`keeps_row`).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec
import structlog

from crossdock.kit.clock import Clock, Instant, seconds_to_us
from crossdock.kit.errors import CrossdockError

CURSOR = "retention"
DAY_SECONDS = 86_400.0
LOOKED_AT, CLEARED = 1_000, 200
"""Rows looked at, and runs cleared, at most in one step."""
PAUSE_SECONDS = 0.5
"""Between two steps; others use the database meanwhile."""
FIRST_SECONDS, ROUND_SECONDS = 60.0, 6 * 3600.0

log = structlog.get_logger("retention")


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """How long ended runs of some processes are kept; `keeps_row`: only what they carried is cleared."""

    kind: str
    processes: frozenset[str]
    days: float
    keeps_row: bool = False


class Place(NamedTuple):
    """How far a round got: runs are looked at in the order in which they began."""

    created_at: Instant
    run_id: str


START = Place(-1, "")


class EndedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is done."""

    run_id: str
    process: str
    correlation_id: str
    updated_at: Instant
    is_bare: bool
    """What it carried was cleared already."""


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """Some runs that began one after another: those of them that are done, and the last one's place."""

    done: tuple[EndedRun, ...]
    place: Place | None
    """None behind the last one."""


class RunClearing(Protocol):
    """Looks for runs that ended, and clears them. Raises StoreUnavailable."""

    async def look_for_ended(self, behind: Place, before: Instant, limit: int) -> Looked:
        """The next runs that began before then, in the order in which they did."""
        ...

    async def open_correlations(self) -> Collection[str]:
        """The correlations of all runs that have not ended: what they began may be begun again by them."""
        ...

    async def clear_runs(self, run_ids: Sequence[str], *, keep_rows: bool) -> int:
        """Delete what these carry, and but for `keep_rows` the runs; only those that are done. How many."""
        ...

    async def hold_cursor(self, name: str, worker_id: str) -> str | None:
        """See Positions."""
        ...


class Retention:
    """Clears by these rules. `cleared` counts by kind, `ended_at` is when this process last came to an end."""

    def __init__(self, store: RunClearing, keepings: Sequence[Keeping], clock: Clock) -> None:
        self._store, self._clock = store, clock
        self.keepings = tuple(keeping for keeping in keepings if keeping.days > 0)
        self._by_process = {process: each for each in self.keepings for process in each.processes}
        self.cleared: Counter[str] = Counter({each.kind: 0 for each in self.keepings})
        self.ended_at: Instant = 0

    async def run_round(
        self, *, only_count: bool = False, pause_seconds: float = PAUSE_SECONDS
    ) -> Mapping[str, int]:
        """Look at every run once; how many were cleared, or would be, by kind."""
        found = Counter({each.kind: 0 for each in self.keepings})
        if not self.keepings:
            return found
        now = self._clock.now()
        place: Place | None = START
        held = frozenset(await self._store.open_correlations())
        while place is not None:
            looked = await self._store.look_for_ended(place, self._latest(now), LOOKED_AT)
            due = self._due(looked.done, held, now)
            for keeping, run_ids in due.items():
                found[keeping.kind] += len(run_ids)
                if not only_count:
                    await self._clear(keeping, run_ids, pause_seconds)
            place = looked.place
            if place is not None and pause_seconds:
                await self._clock.sleep(pause_seconds)
        if not only_count:
            self.ended_at = self._clock.now()
        return found

    async def run_forever(self, worker_id: Callable[[], str]) -> None:
        """Round after round, in one worker at a time."""
        await self._clock.sleep(FIRST_SECONDS)
        while True:
            try:
                if await self._store.hold_cursor(CURSOR, worker_id()) is not None:
                    found = await self.run_round()
                    log.info("ended runs cleared", **found)
            except CrossdockError as fault:
                log.warning("ended runs could not be cleared", code=fault.code)
            await self._clock.sleep(ROUND_SECONDS)

    async def _clear(self, keeping: Keeping, run_ids: Sequence[str], pause_seconds: float) -> None:
        for start in range(0, len(run_ids), CLEARED):
            page = run_ids[start : start + CLEARED]
            self.cleared[keeping.kind] += await self._store.clear_runs(page, keep_rows=keeping.keeps_row)
            await (self._clock.sleep(pause_seconds) if pause_seconds else asyncio.sleep(0))

    def _latest(self, now: Instant) -> Instant:
        """Nobody younger has to be looked at."""
        return max(now - seconds_to_us(each.days * DAY_SECONDS) for each in self.keepings)

    def _due(
        self, done: Sequence[EndedRun], held: Collection[str], now: Instant
    ) -> Mapping[Keeping, Sequence[str]]:
        due: dict[Keeping, list[str]] = {}
        for run in done:
            keeping = self._by_process.get(run.process)
            if keeping is None or run.updated_at > now - seconds_to_us(keeping.days * DAY_SECONDS):
                continue
            if run.is_bare if keeping.keeps_row else run.correlation_id in held:
                continue
            due.setdefault(keeping, []).append(run.run_id)
        return due
