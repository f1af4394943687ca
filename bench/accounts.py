"""Who used the processors: a tree of processes, and everybody else on the machine. Linux only (`/proc`)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1
SHARED_ABOVE = 0.10


@dataclass(frozen=True)
class Books:
    """CPU seconds so far: of the side that is measured, of all of us, of all programs on the machine."""

    side: float
    ours: float
    machine: float

    def foreign_share(self, before: "Books", seconds: float) -> float:
        """The part of all cores that others had between the two, a hypervisor included."""
        foreign = (self.machine - before.machine) - (self.ours - before.ours)
        return max(0.0, foreign) / (CORES * seconds)


def read_books(apart: int | None = None) -> Books:
    """The books of the moment. Ours is everything below us; what is below the process `apart` is no side's."""
    user, nice, system, _idle, _wait, _irq, _softirq, stolen = (
        int(field) / TICKS_PER_SECOND for field in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    ours = tree_seconds(os.getpid())
    return Books(
        side=ours - (tree_seconds(apart) if apart else 0.0), ours=ours, machine=user + nice + system + stolen
    )


def tell_shared(foreign_shares: Sequence[float]) -> str:
    """What a reader must know: whether others had the machine meanwhile."""
    worst, typical = max(foreign_shares, default=0.0), median(foreign_shares or [0.0])
    if worst <= SHARED_ABOVE:
        return f"machine ours alone (others had at most {worst:.0%} of its cores in any part)"
    return f"machine shared: {typical:.0%} of its cores went to others (median), {worst:.0%} at worst"


def tree_seconds(root: int) -> float:
    """CPU of a process and all below it, the ended ones that were waited for included."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue  # it ended meanwhile
            parents[int(folder.name)] = int(fields[1])
            seconds[int(folder.name)] = sum(int(field) for field in fields[11:15]) / TICKS_PER_SECOND
    return sum(spent for process, spent in seconds.items() if _is_below(process, root, parents))


def _is_below(process: int, root: int, parents: dict[int, int]) -> bool:
    while process not in (root, 0):
        process = parents.get(process, 0)
    return process == root
