"""Many seeds on all cores: each process takes a stretch of them at a time."""

import gc
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field

import msgspec

from crossdock.rehearsal.simulation.play import Found, play
from crossdock.rehearsal.simulation.scenario import scenario_of

STRETCH = 50
FAILING_MAX = 20
"""More failing seeds say nothing new."""


class Failing(msgspec.Struct, frozen=True):
    """A seed whose day went wrong."""

    seed: int
    found: Found


@dataclass
class Sum:
    """What many seeds came to."""

    seeds: int = 0
    orders: int = 0
    turns: int = 0
    virtual_seconds: float = 0.0
    injected: Counter[str] = field(default_factory=Counter)
    failing: list[Failing] = field(default_factory=list)

    def add(self, other: "Sum") -> None:
        """Take another sum into this one."""
        self.seeds += other.seeds
        self.orders += other.orders
        self.turns += other.turns
        self.virtual_seconds += other.virtual_seconds
        self.injected.update(other.injected)
        self.failing += other.failing


def play_many(seeds: Sequence[int], processes: int, progress: Callable[[Sum], None]) -> Sum:
    """Play all, or until too many have failed; `progress` hears of each stretch as it ends."""
    total = Sum()
    for part in _parts(seeds, processes):
        total.add(part)
        progress(total)
        if len(total.failing) >= FAILING_MAX:
            break
    total.failing.sort(key=lambda failing: failing.seed)
    return total


def _parts(seeds: Sequence[int], processes: int) -> Iterator[Sum]:
    stretches = [seeds[start : start + STRETCH] for start in range(0, len(seeds), STRETCH)]
    if processes == 1:
        yield from map(play_stretch, stretches)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare)
    try:
        for ended in as_completed([pool.submit(play_stretch, stretch) for stretch in stretches]):
            yield ended.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare() -> None:
    """Worlds come and go: what is there before them is not looked through each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def play_stretch(seeds: Sequence[int]) -> Sum:
    """Play these one after another in this process."""
    total = Sum()
    for seed in seeds:
        verdict = play(scenario_of(seed))
        total.seeds += 1
        total.orders += len(verdict.scenario.orders)
        total.turns += verdict.turns
        total.virtual_seconds += verdict.seconds
        total.injected.update(verdict.injected)
        if verdict.found:
            total.failing.append(Failing(seed, verdict.found[0]))
    return total
