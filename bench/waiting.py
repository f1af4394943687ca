"""Memory and claim cost with many runs waiting: they are rows, not tasks."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from rich.table import Table

FEW = 1_000
HEADINGS = ("waiting runs", "resident MB", "before", "captured/s", "claim of 10 runs, ms CPU")


async def measure_waiting(folder: Path, count: int) -> Table:
    """Resident memory of a hub of its own after so many orders were captured while the ERP's lane is paused."""
    table = Table(title="Runs that wait for a closed lane (SQLite, a hub in its own process each)")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for waiting in (FEW, count):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            found = await _hold(Path(place), waiting)
        table.add_row(
            f"{waiting:,}",
            f"{found['resident_mb']:.0f}",
            f"{found['before_mb']:.0f}",
            f"{found['captured_per_second']:,.0f}",
            f"{found['claim_cpu_ms']:.2f}",
        )
    return table


async def _hold(folder: Path, count: int) -> dict[str, float]:
    """What `bench.backlog.hub hold` tells; its log comes by the same way."""
    words = ("-m", "bench.backlog.hub", "hold", "sqlite:hub.sqlite", str(folder), str(count))
    quiet = asyncio.subprocess.DEVNULL
    hub = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE, stderr=quiet
    )
    said, _ = await hub.communicate()
    found: dict[str, float] = json.loads(said.decode().strip().splitlines()[-1])
    return found
