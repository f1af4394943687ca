"""What stands still when a run reaches its limit: work and who holds it, lanes, processes and their last words."""

import asyncio
import multiprocessing
from collections.abc import Sequence
from pathlib import Path

from bench.crash.reckoning import ENDED
from crossdock.durable.store import StoreUnavailable
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.transaction import Transaction

SHOWN_MAX = 20
LAST_WORDS_BYTES = 1_500

_ASKED = {
    "run": "SELECT id, state, queue, waiting_on, worker, epoch, wake_at, updated_at FROM run WHERE state NOT IN "
    f"({', '.join(repr(state) for state in sorted(ENDED))}) ORDER BY updated_at LIMIT {SHOWN_MAX}",
    "parked": f"SELECT run_id, signature, owner FROM parked ORDER BY at LIMIT {SHOWN_MAX}",
    "subject": f"SELECT subject, head, waiting FROM subject ORDER BY subject LIMIT {SHOWN_MAX}",
    "worker": "SELECT id, started_at, lease_until FROM worker ORDER BY id",
    "lane": "SELECT lane, status, reason, detail, reopens_at, probe_by, probe_until FROM lane",
    "lane_slot": "SELECT lane, worker_id, held, wanted, lease_until FROM lane_slot",
    "cursor": "SELECT name, position, holder FROM cursor",
    "event": "SELECT max(sequence) FROM event",
}
_SESSIONS = (
    "SELECT pid, state, wait_event_type, wait_event, pg_blocking_pids(pid)::text, left(query, 120) "
    "FROM pg_stat_activity WHERE application_name = 'crossdock' AND state <> 'idle'"
)


async def tell_what_hangs(store: SqlStore, folder: Path, *, now: int) -> list[str]:
    """One line each: open runs, leases, lanes, cursors, sessions of the database, hubs and their last words."""
    asked = dict(_ASKED) | ({"session": _SESSIONS} if store.url.get_backend_name() == "postgresql" else {})
    told = [f"now {now}"]
    for what, sql in asked.items():

        def look(tx: Transaction, sql: str = sql) -> Sequence[tuple[object, ...]]:
            return tx.execute(sql).fetchall()

        try:
            told += [f"{what} {' '.join(str(value) for value in row)}" for row in await store._read(look)]
        except StoreUnavailable as silent:
            told.append(f"{what}: {silent.message}")
    return [*told, *_hubs(folder)]


def tell_tasks() -> list[str]:
    """Where each task of this process stands."""
    told = []
    for task in asyncio.all_tasks():
        frames = task.get_stack(limit=1)
        place = f"{frames[0].f_code.co_filename}:{frames[0].f_lineno}" if frames else "nowhere"
        told.append(f"task {task.get_name()} at {place}")
    return told


def _hubs(folder: Path) -> list[str]:
    told = []
    for process in multiprocessing.active_children():
        told.append(f"process {process.name} pid {process.pid}")
        log = folder / f"{process.name.replace(' ', '-')}.log"
        if log.exists():
            told += [f"  {line}" for line in log.read_text("utf-8", "replace")[-LAST_WORDS_BYTES:].splitlines()]
    return told
