"""The canaries of a hub: begun on time, and how they do."""

from collections.abc import Mapping, Sequence

import structlog

from crossdock.bootstrap.releasing import HubStore
from crossdock.durable.codec import decode
from crossdock.durable.committer import Committer
from crossdock.durable.process import Process
from crossdock.durable.records import FINAL_STATES, Commit, RunState
from crossdock.durable.store import RunView
from crossdock.identity.golden.canary import (
    Beat,
    CanaryFreshness,
    CanaryRules,
    LatestBeat,
    Timed,
    freshness_of_canary,
)
from crossdock.kit.clock import Clock, seconds_to_us
from crossdock.kit.errors import CrossdockError
from crossdock.processes.customer_canary import canary_subject

LOOK_SECONDS = 5.0
BEATS_READ = 2

log = structlog.get_logger("canaries")


class Canaries:
    """Begins each canary's beats, one at a time; any number of workers may do so."""

    def __init__(
        self,
        canaries: Mapping[str, CanaryRules],
        process: Process[Beat],
        store: HubStore,
        committer: Committer,
        clock: Clock,
    ) -> None:
        self._canaries, self._process = canaries, process
        self._store, self._committer, self._clock = store, committer, clock

    async def begin_due(self) -> int:
        """Begin the beats whose time has come, where none is under way; how many those were."""
        now, begun = self._clock.now(), 0
        for name, rules in self._canaries.items():
            every_us = seconds_to_us(rules.every_seconds)
            latest = await self._latest(name, limit=1)
            if latest and (latest[0].state not in FINAL_STATES or latest[0].created_at > now - every_us):
                continue
            start = self._process.start(f"{name}@{now // every_us}", Beat(canary=name))
            await self._committer.submit(Commit(starts=(start,)))
            begun += 1
        return begun

    async def run_forever(self) -> None:
        """Look again and again."""
        while True:
            try:
                await self.begin_due()
            except CrossdockError as fault:
                log.warning("canaries could not be begun", code=fault.code)
            await self._clock.sleep(LOOK_SECONDS)

    async def freshness(self) -> Sequence[CanaryFreshness]:
        """How each does. Raises StoreUnavailable."""
        now = self._clock.now()
        return [
            freshness_of_canary(name, rules, [_beat(run) for run in await self._latest(name)], now)
            for name, rules in self._canaries.items()
        ]

    async def _latest(self, name: str, limit: int = BEATS_READ) -> Sequence[RunView]:
        return await self._store.list_runs(subject=canary_subject(name), limit=limit)


def _beat(run: RunView) -> LatestBeat:
    if run.state not in FINAL_STATES:
        return LatestBeat(began_at=run.created_at, stands=run.state is RunState.PARKED)
    timed = decode(run.result, Timed) if run.state is RunState.DONE else Timed(why="somebody gave it up")
    return LatestBeat(began_at=run.created_at, ended_at=run.updated_at, timed=timed)
