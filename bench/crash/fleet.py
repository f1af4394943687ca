"""The hubs: started, made to die where a death is owed, killed at random, stalled beyond their lease, counted."""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import msgspec

from bench.crash.ailments import AILMENTS
from bench.crash.hub import LEASE_SECONDS, NAMES, STALL_SECONDS, Duty, read_tally, work
from bench.crash.plan import Plan
from bench.crash.processes import PROCESSES

PATIENCE_SECONDS = 2.5
"""So long a hub may take to come to a place, once it is up; then it is killed wherever it is."""

LIFE_SECONDS_MAX = 30.0
FAILED_IN_A_ROW_MAX = 30

OWED_SHARE, AILING_SHARE, STALLED_SHARE = 0.7, 0.12, 0.08
"""How lives are meant to end: at a place that is owed, after an ailment, after a stall; the rest at any time."""

OF_CUSTOMERS_SHARE = 0.4
OF_CUSTOMERS = (
    "change.",
    "erasure.",
    "indexing.",
    "memory.customers_",
    "merge.",
    "onboarding.",
    "recognition.",
    "repair.",
    "telling.",
)
"""Where customers come in, of the lives that end at a place so many end where only their work comes by."""

UNTOUCHED_SHARE = 0.7
PAUSED_SHARE = 0.4
STOPPED_SHARE = 0.4
"""Most lives end as they are meant to. Of the rest some are paused, some are asked to stop, all are killed."""

STOP_SECONDS_MAX = 20.0
REST_SECONDS = 0.05


class Fleet:
    """As many hubs as there are ports; `owed` says how many deaths are still wanted at each place.

    While `may_start` is not set no hub is started: without a database it would only say so and end.
    """

    def __init__(self, plan: Plan, duty: Duty, ports: Sequence[int], folder: Path) -> None:
        self.ends: Counter[str] = Counter()
        self.deaths: Counter[str] = Counter()
        self.passes: Counter[str] = Counter()
        self.stormy = True
        self.may_start = asyncio.Event()
        self.may_start.set()
        self._plan = plan
        self._duty = duty
        self._ports = ports
        self._folder = folder
        self._chance = random.Random(plan.seed)
        self._started = 0
        self._failed_in_a_row = 0
        reachable = [name for name in NAMES if not name.startswith(_other_stores(plan.store))]
        self.owed = Counter(dict.fromkeys(plan.places or reachable, plan.deaths_each))

    @property
    def urls(self) -> list[str]:
        """Where the hubs' APIs are."""
        return [f"http://127.0.0.1:{port}" for port in self._ports]

    @property
    def killed(self) -> int:
        """Hubs that died by SIGKILL, their own or ours."""
        return sum(count for end, count in self.ends.items() if end.startswith("killed"))

    @property
    def reached(self) -> list[str]:
        """Places that were passed often enough."""
        return [name for name, passes in self.passes.items() if passes >= self._plan.passes_each]

    async def prepare(self) -> None:
        """Let one hub make the tables and take the stock over."""
        number, process = self._begin(0, prepares=True)
        await asyncio.to_thread(process.join)
        assert process.exitcode == 0, f"hub {number} could not prepare: see its log in {self._folder}"
        self._count(number, process, "")

    async def sail(self, berth: int) -> None:
        """One hub after another at this berth: in the storm each to its end, then one until it is stopped."""
        try:
            while self.stormy:
                await self.may_start.wait()
                await self._one_life(berth)
                await asyncio.sleep(REST_SECONDS)
            number, process = self._begin(berth)
            try:
                await asyncio.to_thread(process.join)
            finally:
                await self._stop(number, process)
        except asyncio.CancelledError:
            pass

    async def _one_life(self, berth: int) -> None:
        facts = self._draw()
        lives_seconds = PATIENCE_SECONDS + (STALL_SECONDS if facts.get("ends") == "stalls" else 0)
        if self._plan.patient:
            lives_seconds = LIFE_SECONDS_MAX
        number, process = self._begin(berth, lives_seconds=lives_seconds, **facts)
        try:
            if self._plan.patient or self._chance.random() < UNTOUCHED_SHARE:
                await asyncio.to_thread(process.join, LIFE_SECONDS_MAX)
            else:
                await asyncio.to_thread(process.join, self._chance.uniform(0.5, PATIENCE_SECONDS))
            why = facts.get("ailment") or ("after a stall" if facts.get("ends") == "stalls" else "at random")
            if process.is_alive() and self._chance.random() < PAUSED_SHARE:
                why = await self._pause(process)
            if process.is_alive() and self._chance.random() < STOPPED_SHARE:
                process.terminate()
                await asyncio.to_thread(process.join, STOP_SECONDS_MAX)
        finally:
            process.kill()
            process.join()
            self._count(number, process, why)

    def _draw(self) -> dict[str, Any]:
        """How the next life ends: mostly at one of the places where a death is owed."""
        owed = [name for name, left in self.owed.items() if left > 0]
        drawn = self._chance.random()
        if self._plan.places or (owed and drawn < OWED_SHARE):
            some = self._plan.places or self._chance.sample(owed, (len(owed) + 1) // 2)
            spared = self._chance.randint(0, self._plan.spared_max)
            theirs = [name for name in owed if name.startswith(OF_CUSTOMERS)]
            if theirs and self._plan.people and self._chance.random() < OF_CUSTOMERS_SHARE:
                some, spared = theirs, 0
            return {"owed": tuple(some), "spared": spared, "ends": self._plan.ends}
        if self._plan.ailments and drawn < OWED_SHARE + AILING_SHARE:
            return {"ailment": self._chance.choice(AILMENTS)}
        if drawn < OWED_SHARE + AILING_SHARE + STALLED_SHARE:
            return {"owed": NAMES, "spared": self._chance.randint(50, 500), "ends": "stalls"}
        return {}

    async def _pause(self, process: BaseProcess) -> str:
        """Stop the whole process for longer than its lease, as a machine does that is short of memory."""
        assert process.pid is not None
        with contextlib.suppress(ProcessLookupError):  # it may die by itself just now
            os.kill(process.pid, signal.SIGSTOP)
            await asyncio.sleep(2 * LEASE_SECONDS)
            os.kill(process.pid, signal.SIGCONT)
        await asyncio.to_thread(process.join, LEASE_SECONDS)
        return "after a pause"

    def _begin(self, berth: int, **facts: Any) -> tuple[int, BaseProcess]:
        self._started += 1
        duty = msgspec.structs.replace(self._duty, number=self._started, port=self._ports[berth], **facts)
        process = PROCESSES.Process(target=work, args=(duty,), name=f"hub {self._started}")
        process.start()
        return self._started, process

    async def _stop(self, number: int, process: BaseProcess) -> None:
        process.terminate()
        await asyncio.shield(asyncio.to_thread(process.join, STOP_SECONDS_MAX))
        process.kill()
        process.join()
        self._count(number, process, "because it did not stop")

    def _count(self, number: int, process: BaseProcess, why: str) -> None:
        tally = self._folder / f"hub-{number}.tally"
        passes, place = read_tally(tally)
        self.passes += passes
        if process.exitcode != -signal.SIGKILL:
            self.ends["stopped by itself" if process.exitcode == 0 else f"ended with {process.exitcode}"] += 1
            self._failed_in_a_row += process.exitcode != 0
            if self._failed_in_a_row > FAILED_IN_A_ROW_MAX:
                raise RuntimeError(f"no hub comes up any more: see hub-{number}.log in {self._folder}")
            return
        self._failed_in_a_row = 0
        stalled = place and why == "after a stall"
        self.ends["killed at a failpoint" if place and not stalled else f"killed {why}"] += 1
        if place:
            self.deaths[place] += 1
            self.owed[place] -= 1


def _other_stores(store: str) -> str:
    return "sqlite." if store == "postgres" else "postgres."
