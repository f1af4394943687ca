"""Who works on what: leases of workers, claims of runs, timers, cursors."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from crossdock.durable.codec import decode, encode
from crossdock.durable.news import LEFT
from crossdock.durable.records import (
    READY_QUEUE,
    ClaimedRun,
    JournalRow,
    Known,
    RunState,
    SignalRow,
    StepState,
)
from crossdock.durable.store import WorkerView
from crossdock.kit.clock import MICROSECONDS, Instant
from crossdock.kit.failpoints import failpoint
from crossdock.storage.strangers import recipe_name
from crossdock.storage.transaction import Row, Transaction

CLOCK_AHEAD_US = 60 * MICROSECONDS
"""No honest worker's clock is further ahead of another's."""

_CLAIMED = "id, process, version, subject, epoch, priority, correlation_id, input, created_at, told, rank"
_TAKE = (
    # Chosen first, once: a sub-select with a limit that PostgreSQL runs for every row takes more than the limit.
    "WITH chosen AS MATERIALIZED (SELECT id FROM run WHERE {condition} AND {known} ORDER BY {order} LIMIT ? "
    "{skips_locked}) "
    "UPDATE run SET state = 'running', queue = NULL, wake_at = NULL, worker = ?, epoch = epoch + 1, "
    "updated_at = ? WHERE id IN (SELECT id FROM chosen) "
    f"RETURNING {_CLAIMED}"
)


def register_worker(tx: Transaction, worker_id: str, known: Known, now: Instant, lease_until: Instant) -> None:
    """Announce a worker and what it can carry out."""
    recipes = encode(sorted(recipe_name(*version) for version in known)).decode()
    tx.execute(
        "INSERT INTO worker (id, started_at, lease_until, recipes) VALUES (?, ?, ?, ?)",
        (worker_id, now, lease_until, recipes),
    )


def prolong_lease(
    tx: Transaction, worker_id: str, now: Instant, lease_until: Instant, *, ran_ahead: bool = False
) -> bool:
    """Prolong our lease unless somebody already took our runs back; take back those of dead workers.

    Nobody waits for the end of a lease that is far beyond its length, nor for timers set together with it: a clock
    that ran wrong wrote them. `ran_ahead`: our own did, and was set back.
    """
    beyond = lease_until + (lease_until - now)
    others = tx.execute(
        "SELECT id, lease_until FROM worker WHERE (lease_until < ? OR lease_until > ?) "
        f"ORDER BY id {tx.skips_locked}",
        (now, beyond),
    ).fetchall()
    ours = tx.execute(
        "UPDATE worker SET lease_until = ? WHERE id = ? AND lease_until >= ? RETURNING id",
        (lease_until, worker_id, now),
    ).fetchall()
    alive = {row[0] for row in ours}
    bury_workers(tx, [*(row[0] for row in others if row[0] not in alive), *unknown_workers(tx)], now)
    if ran_ahead or any(row[1] > beyond for row in others):
        _wake_sleepers(tx, now, beyond)
    return bool(ours)


def bury_workers(tx: Transaction, worker_ids: Sequence[str], now: Instant) -> None:
    """Take everything back that these workers hold; a new epoch keeps them from writing."""
    if not worker_ids:
        return
    rows = tx.select_in("SELECT id FROM run WHERE worker", worker_ids, f"ORDER BY id {tx.locks}")
    back = [(RunState.READY.value, READY_QUEUE, None, now, row[0]) for row in rows]
    failpoint("claims.dead_found")
    tx.update("run", ("state", "queue", "worker", "updated_at"), ("id",), back)
    tx.ask_in("UPDATE run SET epoch = epoch + 1 WHERE id", [row[0] for row in rows], "RETURNING id")
    tx.ask_in("UPDATE cursor SET holder = '' WHERE holder", worker_ids, "RETURNING name")
    tx.ask_in("DELETE FROM worker WHERE id", worker_ids, "RETURNING id")
    tx.news.add(LEFT)
    if rows:
        tx.news.add(READY_QUEUE)
    _wake_sleepers(tx, now, now + CLOCK_AHEAD_US)  # its clock may have run wrong before anybody saw it
    failpoint("claims.dead_buried")


def _wake_sleepers(tx: Transaction, now: Instant, beyond: Instant) -> None:
    """End timers that were set at a time which has not come yet."""
    woken = tx.execute(
        "UPDATE run SET wake_at = ? WHERE wake_at > ? AND updated_at > ? RETURNING id", (now, now, beyond)
    ).fetchall()
    if woken:
        tx.news.add(READY_QUEUE)


def unknown_workers(tx: Transaction) -> list[str]:
    """Who holds runs and is not registered: it took them up just after others had buried it."""
    rows = tx.execute(
        "SELECT DISTINCT worker FROM run WHERE worker IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM worker w WHERE w.id = run.worker)"
    )
    return [row[0] for row in rows.fetchall()]


def other_workers(tx: Transaction, worker_id: str) -> list[str]:
    """Everybody else who is registered or holds something."""
    rows = tx.execute("SELECT id FROM worker WHERE id <> ?", (worker_id,)).fetchall()
    return [*(row[0] for row in rows), *unknown_workers(tx)]


def claim_runs(
    tx: Transaction, worker_id: str, known: Known, queues: Mapping[str, int], now: Instant
) -> list[ClaimedRun]:
    """Take up runs of the known versions: due timers first, then each queue in order of rank."""
    tx.trust_indexes()  # statistics from before a burst say that there is next to nothing to sort
    taken: list[Row] = []
    versions = tuple(part for version in sorted(known) for part in version)
    due, queued = (_take(tx.skips_locked, order, len(known)) for order in ("wake_at", "rank"))
    for queue, count in queues.items():
        if queue == READY_QUEUE:
            taken += tx.execute(due, (now, *versions, count, worker_id, now)).fetchall()
            count -= len(taken)  # noqa: PLW2901 - timers use up the room of the queue they would go to
        taken += tx.execute(queued, (queue, *versions, count, worker_id, now)).fetchall()
    taken.sort(key=lambda row: row[-1])
    if taken:
        failpoint("claims.taken")
    return _carried_on(tx, _with_journals(tx, taken), known)


@lru_cache
def _take(skips_locked: str, order: str, versions: int) -> str:
    """Take up by the queue's own index alone, which has the order; the CASE hides the versions from theirs."""
    known = " OR ".join(["(process = ? AND version = ?)"] * versions) or "1 = 0"
    condition = "queue = ?" if order == "rank" else "wake_at <= ?"
    return _TAKE.format(
        condition=condition,
        known=f"CASE WHEN {known} THEN TRUE ELSE FALSE END",
        order=order,
        skips_locked=skips_locked,
    )


def _carried_on(tx: Transaction, runs: list[ClaimedRun], known: Known) -> list[ClaimedRun]:
    """From here on each follows the newer recipe: no worker that only knows the older one may take it again."""
    raised = []
    for run in runs:
        version = known[run.process, run.version]
        if version != run.version:
            run.version = version
            raised.append((version, run.run_id))
    tx.update("run", ("version",), ("id",), raised)
    return runs


def next_work(tx: Transaction, queues: Collection[str]) -> Instant | None:
    """0 where something lies in one of the queues, else the next timer: one look, whatever lies there."""
    marks = ", ".join("?" * len(queues))
    row = tx.execute(
        f"SELECT CASE WHEN EXISTS (SELECT 1 FROM run WHERE queue IN ({marks})) THEN 0 "
        "ELSE (SELECT min(wake_at) FROM run WHERE wake_at IS NOT NULL) END",
        tuple(queues),
    ).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def list_workers(tx: Transaction) -> list[WorkerView]:
    """Who is registered, longest first."""
    rows = tx.execute(
        "SELECT w.id, w.started_at, w.lease_until, w.recipes, (SELECT count(*) FROM run WHERE worker = w.id) "
        "FROM worker w ORDER BY w.started_at, w.id"
    ).fetchall()
    return [
        WorkerView(
            worker_id=row[0],
            started_at=row[1],
            lease_until=row[2],
            recipes=tuple(decode(row[3].encode(), list[str])),
            runs=row[4],
        )
        for row in rows
    ]


def _with_journals(tx: Transaction, rows: Sequence[Row]) -> list[ClaimedRun]:
    seen_before = [row[0] for row in rows if row[4] != 1]  # the first epoch has nothing behind it
    journals: dict[str, list[JournalRow]] = defaultdict(list)
    signals: dict[str, list[SignalRow]] = defaultdict(list)
    if seen_before:
        sql = "SELECT run_id, step, state, payload, attempts, at FROM journal WHERE run_id"
        for run_id, step, state, payload, attempts, at in tx.select_in(sql, seen_before):
            journals[run_id].append(JournalRow(step, StepState(state), bytes(payload), attempts, at))
        for run_id, name, payload in tx.select_in(
            "SELECT run_id, name, payload FROM signal WHERE run_id", seen_before
        ):
            signals[run_id].append(SignalRow(name, bytes(payload)))
    return [
        ClaimedRun(
            run_id=row[0],
            process=row[1],
            version=row[2],
            subject=row[3],
            epoch=row[4],
            priority=row[5],
            correlation_id=row[6],
            input=bytes(row[7]),
            created_at=row[8],
            told=row[9],
            journal=tuple(journals.get(row[0], ())),
            signals=tuple(signals.get(row[0], ())),
        )
        for row in rows
    ]


def take_cursor(tx: Transaction, name: str, worker_id: str, now: Instant) -> str | None:
    """Hold a cursor unless a living worker does; its position."""
    tx.insert_new("cursor", ("name", "position", "holder", "at"), ("name",), [(name, "", worker_id, now)])
    row = tx.execute(f"SELECT position, holder FROM cursor WHERE name = ? {tx.locks}", (name,)).fetchone()
    if row[1] == worker_id:
        return str(row[0])
    alive = tx.execute("SELECT 1 FROM worker WHERE id = ? AND lease_until >= ?", (row[1], now)).fetchone()
    if alive is not None:
        return None
    tx.execute("UPDATE cursor SET holder = ? WHERE name = ?", (worker_id, name))
    failpoint("claims.cursor_taken")
    return str(row[0])
