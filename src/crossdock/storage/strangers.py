"""Runs of versions that no worker knows: left alone for a while, for an upgrade may be under way, then parked."""

from collections.abc import Iterator

from crossdock.durable.codec import decode
from crossdock.durable.parking import parking_for
from crossdock.durable.process import Stake
from crossdock.durable.records import READY_QUEUE, RunState
from crossdock.kit.clock import MICROSECONDS, Instant
from crossdock.kit.errors import Misconfigured
from crossdock.storage.batch import PARKED_COLUMNS, PARKED_CONFLICT, parked_row
from crossdock.storage.transaction import Transaction

WAIT_US = 600 * MICROSECONDS
AT_ONCE_MAX = 200


def park_strangers(tx: Transaction, now: Instant) -> int:
    """Park runs that lay in a queue for `WAIT_US` while no worker knew their version; how many."""
    _queue_overdue(tx, now)
    known = {
        recipe
        for (recipes,) in tx.execute("SELECT recipes FROM worker").fetchall()
        for recipe in decode(recipes.encode(), list[str])
    }
    parked = 0
    for process, version in list(_queued_versions(tx)):
        if recipe_name(process, version) not in known:
            parked += _park(tx, process, version, now)
    return parked


def recipe_name(process: str, version: int) -> str:
    """How a version of a process is written in a worker's row."""
    return f"{process}@{version}"


def _queued_versions(tx: Transaction) -> Iterator[tuple[str, int]]:
    """Each one that lies in some queue, by one look at the index for each: there may be a million runs."""
    last = ("", 0)
    while True:
        row = tx.execute(
            "SELECT process, version FROM run WHERE queue IS NOT NULL AND (process, version) > (?, ?) "
            "ORDER BY process, version LIMIT 1",
            last,
        ).fetchone()
        if row is None:
            return
        last = (row[0], row[1])
        yield last


def _queue_overdue(tx: Transaction, now: Instant) -> None:
    """A timer that nobody heeded for so long is a stranger's: let it lie in the queue like the others."""
    overdue = tx.execute(
        f"SELECT id FROM run WHERE wake_at <= ? ORDER BY id LIMIT ? {tx.skips_locked}",
        (now - WAIT_US, AT_ONCE_MAX),
    ).fetchall()
    columns = ("state", "queue", "wake_at")
    tx.update("run", columns, ("id",), [(RunState.READY.value, READY_QUEUE, None, row[0]) for row in overdue])


def _park(tx: Transaction, process: str, version: int, now: Instant) -> int:
    rows = tx.execute(
        "SELECT id FROM run WHERE queue IS NOT NULL AND process = ? AND version = ? AND updated_at <= ? "
        f"ORDER BY id LIMIT ? {tx.skips_locked}",
        (process, version, now - WAIT_US, AT_ONCE_MAX),
    ).fetchall()
    fault = Misconfigured(f"no worker knows {recipe_name(process, version)}", code="unknown-process")
    parking = parking_for(fault, None, "", Stake())
    columns = ("state", "queue", "wake_at", "updated_at")
    tx.update("run", columns, ("id",), [(RunState.PARKED.value, None, None, now, row[0]) for row in rows])
    tx.insert("parked", PARKED_COLUMNS, [parked_row(row[0], parking, now) for row in rows], PARKED_CONFLICT)
    return len(rows)
