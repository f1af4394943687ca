"""Where the CPU goes: the full process under cProfile, time booked to the room whose code (or call) it is."""

import cProfile
import pstats
from collections import defaultdict
from pathlib import Path

from rich.table import Table

from bench.full import submit_all
from bench.stage import hub_at_work
from bench.workload import orders


async def profile_rooms(folder: Path, count: int) -> Table:
    """Shares of the event loop's thread per room. The profiler slows Python code down: read shares, not times."""
    async with hub_at_work(folder, "sqlite:hub.sqlite") as hub:
        await submit_all(hub, list(orders(200, prefix="W")), concurrency=200)
        profile = cProfile.Profile()
        profile.enable()
        await submit_all(hub, list(orders(count, prefix="R")), concurrency=200)
        profile.disable()
    rooms: dict[str, float] = defaultdict(float)
    for (path, _line, _name), (_calls, _total, own, _cumulative, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if path.startswith("~") and callers:
            for (caller, _l, _n), (_c, _t, part, _cum) in callers.items():
                rooms[_room(caller)] += part
        else:
            rooms[_room(path)] += own
    whole = sum(rooms.values()) - rooms.pop("idle", 0.0)
    table = Table(title=f"Where the event loop's time goes ({count:,} orders, SQLite)")
    table.add_column("room")
    table.add_column("share", justify="right")
    for room, seconds in sorted(rooms.items(), key=lambda item: -item[1]):
        if seconds / whole >= 0.005:
            table.add_row(room, f"{seconds / whole:.1%}")
    return table


def _room(path: str) -> str:
    parts = Path(path).parts
    if "crossdock" in parts and "site-packages" not in parts:
        room = parts[len(parts) - 1 - parts[::-1].index("crossdock") + 1 :]
        return "/".join(room[:2]) if room[0] in {"adapters", "durable"} and len(room) > 2 else room[0]
    if "selectors.py" in path:
        return "idle"
    return "asyncio" if "asyncio" in parts else "other libraries"
