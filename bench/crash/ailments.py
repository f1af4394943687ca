"""What else befalls a hub for a while: its clock jumps, the disk is full, no file can be opened."""

import asyncio
import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from crossdock.kit.clock import MICROSECONDS, Instant, SteadyClock, elapsed_evenly, wall_now

Ailment = Literal["", "clock_forward", "clock_back", "disk_full", "no_files"]
AILMENTS: tuple[Ailment, ...] = ("clock_forward", "clock_back", "disk_full", "no_files")
FIRST_SECONDS = 0.4
LASTS_SECONDS = 1.2
NO_LIMIT = 1 << 40
HOUR_US: Instant = 3_600 * MICROSECONDS


class ShiftedClock(SteadyClock):
    """The hub's clock over the machine's, which somebody sets wrong by `shift_us`."""

    def __init__(self) -> None:
        self.shift_us: Instant = 0
        super().__init__(lambda: wall_now() + self.shift_us, elapsed_evenly)


async def suffer(ailment: Ailment, clock: ShiftedClock, store: str) -> None:
    """Let this process suffer from it for a while."""
    await asyncio.sleep(FIRST_SECONDS)
    match ailment:
        case "clock_forward" | "clock_back":
            clock.shift_us = HOUR_US if ailment == "clock_forward" else -HOUR_US
            await asyncio.sleep(LASTS_SECONDS)
            clock.shift_us = 0
        case "disk_full":
            with _limited(resource.RLIMIT_FSIZE, _size_of(store)):
                await asyncio.sleep(LASTS_SECONDS)
        case "no_files":
            with _limited(resource.RLIMIT_NOFILE, _files_open()):
                await asyncio.sleep(LASTS_SECONDS)
        case _:
            pass


@contextlib.contextmanager
def _limited(kind: int, most: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))


def _size_of(store: str) -> int:
    """As much as SQLite's log holds now: the next page does not fit. PostgreSQL's disk is not this process's."""
    log = Path(f"{store.removeprefix('sqlite:')}-wal")
    return log.stat().st_size if log.exists() else NO_LIMIT


def _files_open() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
