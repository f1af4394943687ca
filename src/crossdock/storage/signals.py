"""Signals: what a run waits for, left for it by whoever knows."""

from crossdock.durable.records import READY_QUEUE, RunState
from crossdock.kit.clock import Instant
from crossdock.storage.transaction import Transaction


def leave_signal(tx: Transaction, run_id: str, name: str, payload: bytes, now: Instant) -> bool:
    """Leave a signal for an open run and wake it if it waits for this one."""
    state = tx.execute(f"SELECT state, waiting_on FROM run WHERE id = ? {tx.locks}", (run_id,)).fetchone()
    if state is None or state[0] in {RunState.DONE.value, RunState.SKIPPED.value}:
        return False
    row = (run_id, name, payload, now)
    new = tx.insert_new("signal", ("run_id", "name", "payload", "at"), ("run_id", "name"), [row])
    if new and state[0] == RunState.WAITING.value and state[1] == f"signal {name}":
        tx.execute(
            "UPDATE run SET state = ?, queue = ?, wake_at = NULL, updated_at = ? WHERE id = ?",
            (RunState.READY.value, READY_QUEUE, now, run_id),
        )
        tx.news.add(READY_QUEUE)
    return bool(new)
