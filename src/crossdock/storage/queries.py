"""Reading for people: runs, events, counts. Keyset pages, never OFFSET."""

from collections.abc import Collection, Mapping, Sequence

from crossdock.durable.codec import decode
from crossdock.durable.records import ERASED, READY_QUEUE, JournalRow, Parking, RunState, StepState, StoredEvent
from crossdock.durable.store import RunView
from crossdock.kit.clock import Instant
from crossdock.storage.transaction import Row, Transaction
from crossdock.storage.vault import UNREADABLE

_VIEW = (
    "SELECT r.id, r.process, r.version, r.subject, r.state, r.waiting_on, r.wake_at, r.priority, "
    "r.correlation_id, r.created_at, r.updated_at, r.input, r.result, p.facts, p.at "
    "FROM run r LEFT JOIN parked p ON p.run_id = r.id"
)
_EVENTS = "SELECT sequence, event_id, type, subject, correlation_id, at, data FROM event"


def find_run(tx: Transaction, run_id: str) -> RunView | None:
    """One run with its journal in the order it was written."""
    row = tx.execute(f"{_VIEW} WHERE r.id = ?", (run_id,)).fetchone()
    if row is None:
        return None
    rows = tx.execute(
        "SELECT step, state, payload, attempts, at FROM journal WHERE run_id = ? ORDER BY at, step", (run_id,)
    ).fetchall()
    journal = tuple(JournalRow(step, StepState(state), bytes(data), n, at) for step, state, data, n, at in rows)
    return _view(row, journal)


def parking_of(facts: bytes) -> Parking:
    """Why work stands still; where that told of somebody who was erased since, just so much."""
    return _ERASED if facts in {ERASED, UNREADABLE} else decode(facts, Parking)


_ERASED = Parking(
    category="repair",
    code="customer-erased",
    signature="v1:erased",
    reason="the customer was erased: skip what is left, and have the record erased where it comes from",
    owner="data-stewards",
    severity=2,
)


def list_runs(
    tx: Transaction, state: RunState | None, subject: str, signature: str, before: str, limit: int
) -> list[RunView]:
    """Newest first."""
    conditions, parameters = [], []
    wanted = {"r.state": state.value if state else "", "r.subject": subject, "p.signature": signature}
    for column, value in wanted.items():
        if value:
            conditions.append(f"{column} = ?")
            parameters.append(value)
    if before:
        conditions.append("(r.created_at, r.id) < (SELECT created_at, id FROM run WHERE id = ?)")
        parameters.append(before)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    # Where only parked runs are wanted, the few parked ones lead, not the many runs.
    view = _VIEW.replace("LEFT JOIN", "JOIN") if state is RunState.PARKED or signature else _VIEW
    rows = tx.execute(
        f"{view} {where} ORDER BY r.created_at DESC, r.id DESC LIMIT ?", (*parameters, limit)
    ).fetchall()
    return [_view(row, ()) for row in rows]


def _view(row: Row, journal: tuple[JournalRow, ...]) -> RunView:
    return RunView(
        run_id=row[0],
        process=row[1],
        version=row[2],
        subject=row[3],
        state=RunState(row[4]),
        waiting_on=row[5],
        wake_at=row[6],
        priority=row[7],
        correlation_id=row[8],
        created_at=row[9],
        updated_at=row[10],
        input=bytes(row[11]),
        result=bytes(row[12]),
        parking=parking_of(bytes(row[13])) if row[13] else None,
        parked_at=row[14],
        journal=journal,
    )


def count_runs(tx: Transaction) -> Mapping[str, int]:
    """Runs per state."""
    return dict(tx.execute("SELECT state, count(*) FROM run GROUP BY state").fetchall())


def ready_since(tx: Transaction) -> Instant | None:
    """Of the first in the queue: one look at the index, however many there are."""
    row = tx.execute("SELECT updated_at FROM run WHERE queue = ? ORDER BY rank LIMIT 1", (READY_QUEUE,)).fetchone()
    return None if row is None else int(row[0])


def read_events(tx: Transaction, after: int, limit: int, subject: str) -> Sequence[StoredEvent]:
    """Behind `after`, oldest first."""
    where, parameters = ("subject = ? AND ", [subject]) if subject else ("", [])
    sql = f"{_EVENTS} WHERE {where}sequence > ? ORDER BY sequence LIMIT ?"
    rows = tx.execute(sql, (*parameters, after, limit)).fetchall()
    return [
        StoredEvent(
            sequence=row[0],
            event_id=row[1],
            type=row[2],
            subject=row[3],
            correlation_id=row[4],
            at=row[5],
            data=bytes(row[6]),
        )
        for row in rows
    ]


def last_sequence(tx: Transaction) -> int:
    """The latest event's."""
    return int(tx.execute("SELECT coalesce(max(sequence), 0) FROM event").fetchone()[0])


def busy_subjects(tx: Transaction, subjects: Collection[str]) -> Collection[str]:
    """Those that have a run which has not ended; runs queued behind it are after it."""
    return {row[0] for row in tx.select_in("SELECT subject FROM subject WHERE subject", subjects)}


def read_cursor_times(tx: Transaction) -> Mapping[str, Instant]:
    """When each position moved last, by name; one that never did is absent."""
    return dict(tx.execute("SELECT name, at FROM cursor WHERE position <> ''").fetchall())


def read_cursors(tx: Transaction) -> Mapping[str, str]:
    """Positions by name."""
    return dict(tx.execute("SELECT name, position FROM cursor").fetchall())
