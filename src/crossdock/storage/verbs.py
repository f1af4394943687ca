"""The operator's verbs in the database, each with its entry in the audit chain."""

from collections.abc import Sequence

from msgspec.structs import replace

from crossdock.durable.codec import encode
from crossdock.durable.records import InboxRow, RunState, StepState
from crossdock.durable.store import Action
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Invalid
from crossdock.kit.failpoints import failpoint
from crossdock.storage.audit import write_audit
from crossdock.storage.batch import JOURNAL_COLUMNS, JOURNAL_CONFLICT, append_events
from crossdock.storage.effects import apply_effects
from crossdock.storage.queries import parking_of
from crossdock.storage.subjects import is_head, leave_queue, leave_subjects
from crossdock.storage.transaction import Transaction


def operate(tx: Transaction, actions: Sequence[Action], now: Instant) -> list[bool]:
    """Carry out each verb whose run is still parked."""
    states: dict[str, str] = dict(
        tx.select_in(
            "SELECT id, state FROM run WHERE id",
            sorted({action.run_id for action in actions}),
            f"ORDER BY id {tx.locks}",
        )
    )
    done = []
    for action in actions:
        parked = states.get(action.run_id) == RunState.PARKED.value
        if parked:
            _carry_out(tx, action, now)
            states[action.run_id] = action.state.value
        done.append(parked)
    carried_out = [action for action, success in zip(actions, done, strict=True) if success]
    failpoint("verbs.carried_out")
    append_events(tx, [event for action in carried_out for event in action.events], now)
    for action in carried_out:
        write_audit(tx, now, action.actor, action.verb, action.run_id, action.reason)
    failpoint("verbs.audited")
    return done


def _carry_out(tx: Transaction, action: Action, now: Instant) -> None:
    if action.owner:
        _assign(tx, action)
        return
    state, queue, its_turn = action.state, action.queue, is_head(tx, action.run_id)
    if state is RunState.READY and not its_turn:
        state, queue = RunState.QUEUED, ""
    if queue:
        tx.news.add(queue)
    # The epoch tells whoever takes the run up that its journal holds something.
    tx.execute(
        "UPDATE run SET state = ?, queue = ?, wake_at = NULL, told = ?, waiting_on = '', epoch = epoch + 1, "
        "updated_at = ? WHERE id = ?",
        (state.value, queue or None, action.told, now, action.run_id),
    )
    if action.arrival is not None:
        _leave_arrival(tx, action.arrival, now, is_other=action.is_other)
    if action.input is not None:
        tx.update("run", ("input",), ("id",), [(action.input, action.run_id)])
    for step in action.forgotten:
        tx.execute("DELETE FROM journal WHERE run_id = ? AND step = ?", (action.run_id, step))
    apply_effects(tx, action.effects, now)
    # A fresh count of attempts: what is tried again deserves all its tries.
    tx.execute(
        "UPDATE journal SET attempts = 0 WHERE run_id = ? AND state <> ?", (action.run_id, StepState.DONE.value)
    )
    rows = [
        (action.run_id, row.step, row.state.value, row.payload, row.attempts, row.at) for row in action.journal
    ]
    tx.insert("journal", JOURNAL_COLUMNS, rows, JOURNAL_CONFLICT)
    tx.execute("DELETE FROM parked WHERE run_id = ?", (action.run_id,))
    if state is RunState.SKIPPED and its_turn:
        leave_subjects(tx, [action.run_id], now)
    elif state is RunState.SKIPPED:
        leave_queue(tx, action.run_id)


def _leave_arrival(tx: Transaction, row: InboxRow, now: Instant, *, is_other: bool) -> None:
    """Whatever arrives under that id from now on is known, or a conflict."""
    rows = [(row.source, row.external_id, row.digest, now)]
    new = tx.insert_new("inbox", ("source", "external_id", "digest", "at"), ("source", "external_id"), rows)
    if is_other and not new:
        raise Invalid(f"{row.external_id} has arrived already: skip this one", code="already-taken")


def _assign(tx: Transaction, action: Action) -> None:
    row = tx.execute("SELECT facts FROM parked WHERE run_id = ?", (action.run_id,)).fetchone()
    facts = parking_of(bytes(row[0]))
    changed = replace(facts, owner=action.owner)
    tx.update("parked", ("owner", "facts"), ("run_id",), [(action.owner, encode(changed), action.run_id)])
