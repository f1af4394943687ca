"""Applying a batch of commits in one transaction; what cannot be applied fails alone.

Locks are taken in one order on every worker: runs, cursors, inbox, subjects, stock, and last the outbox. First
it is settled which commits apply, then they are applied: a refused one leaves nothing behind.
"""

from collections.abc import Sequence

from crossdock.durable.codec import encode
from crossdock.durable.news import EVENTS
from crossdock.durable.records import (
    FENCED,
    READY_QUEUE,
    Commit,
    EffectStep,
    Fate,
    InboxRow,
    Outcome,
    Outgoing,
    Parking,
    RunStart,
    RunState,
    StepState,
    Transition,
)
from crossdock.kit.clock import Instant
from crossdock.kit.failpoints import failpoint
from crossdock.kit.ids import new_id
from crossdock.storage.effects import apply_effects
from crossdock.storage.subjects import enter_subjects, leave_subjects
from crossdock.storage.transaction import Answer, Transaction

PRIORITY_STEP_US = 60_000_000
"""How long a run of one priority lower waits before a newer, more urgent one no longer overtakes it."""

_NEXT: str | None = READY_QUEUE
_NOBODY: str | None = None

RUN_COLUMNS = (
    "id process version subject turn state queue rank worker epoch priority correlation_id "
    "created_at updated_at input result"
).split()
JOURNAL_COLUMNS = "run_id step state payload attempts at".split()
JOURNAL_CONFLICT = (
    "ON CONFLICT (run_id, step) DO UPDATE SET state = excluded.state, payload = excluded.payload, "
    "attempts = excluded.attempts, at = excluded.at"
)
EVENT_COLUMNS = "event_id type subject correlation_id at data".split()
PARKED_COLUMNS = "run_id signature category owner severity at facts".split()
PARKED_CONFLICT = (
    "ON CONFLICT (run_id) DO UPDATE SET signature = excluded.signature, category = excluded.category, "
    "owner = excluded.owner, severity = excluded.severity, at = excluded.at, facts = excluded.facts"
)


def apply_batch(tx: Transaction, commits: Sequence[Commit], now: Instant) -> list[Outcome]:
    """Apply all, and say for each what became of it."""
    outcomes: list[Outcome | None] = [None] * len(commits)
    _fence(tx, commits, outcomes)
    failpoint("batch.fenced")
    arrivals = _ask_for_arrivals(tx, commits, outcomes, now)
    present = _ask_for_starts(tx, commits, outcomes)
    _admit(tx, arrivals, outcomes)
    alive = [index for index, outcome in enumerate(outcomes) if outcome is None]
    living = [commits[index] for index in alive]
    failpoint("batch.admitted")
    leased = _start(tx, living, present, now)
    failpoint("batch.started")
    found = _change_records(tx, living, now)
    failpoint("batch.records_changed")
    _journal(tx, living, found, now)
    failpoint("batch.journalled")
    _move(tx, living, now)
    failpoint("batch.moved")
    _move_cursors(tx, living, now)
    _publish(tx, living, now)
    failpoint("batch.published")
    for index, commit, findings in zip(alive, living, found, strict=True):
        outcomes[index] = Outcome(
            Fate.APPLIED,
            findings,
            tuple(start.run_id for start in commit.starts if start.run_id in leased and commit.lease_to),
        )
    return [outcome for outcome in outcomes if outcome is not None]


def _fence(tx: Transaction, commits: Sequence[Commit], outcomes: list[Outcome | None]) -> None:
    """A worker that lost a run or a cursor cannot write for it, nor do what was to be done together with it."""
    run_ids = sorted({commit.run_id for commit in commits if commit.run_id})
    names = sorted({commit.cursor.name for commit in commits if commit.cursor})
    runs = tx.ask_in("SELECT id, epoch, state FROM run WHERE id", run_ids, f"ORDER BY id {tx.locks}")
    cursors = tx.ask_in("SELECT name, holder FROM cursor WHERE name", names, f"ORDER BY name {tx.locks}")
    epochs = {run_id: epoch for run_id, epoch, state in runs.fetchall() if state == RunState.RUNNING}
    holders: dict[str, str] = dict(cursors.fetchall())
    for index, commit in enumerate(commits):
        lost_run = commit.run_id and epochs.get(commit.run_id) != commit.epoch
        if lost_run or (commit.cursor and holders.get(commit.cursor.name) != commit.cursor.holder):
            outcomes[index] = FENCED


class _Arrivals:
    """Who brings which arrival first, who brings it again, and the answer that says which of them are new."""

    def __init__(self) -> None:
        self.first: dict[tuple[str, str], tuple[int, InboxRow]] = {}
        self.again: list[tuple[int, InboxRow]] = []
        self.new: Answer | None = None


def _ask_for_arrivals(
    tx: Transaction, commits: Sequence[Commit], outcomes: Sequence[Outcome | None], now: Instant
) -> _Arrivals:
    arrivals = _Arrivals()
    for index, commit in enumerate(commits):
        row = commit.inbox
        if row is None or outcomes[index] is not None:
            continue
        first = arrivals.first.setdefault((row.source, row.external_id), (index, row))
        if first[0] != index:
            arrivals.again.append((index, row))
    rows = [(*key, arrivals.first[key][1].digest, now) for key in sorted(arrivals.first)]
    if rows:
        columns = ("source", "external_id", "digest", "at")
        arrivals.new = tx.ask_new("inbox", columns, ("source", "external_id"), rows)
    return arrivals


def _ask_for_starts(tx: Transaction, commits: Sequence[Commit], outcomes: Sequence[Outcome | None]) -> Answer:
    """Which of the runs that may be started are there already."""
    alive = (commit for commit, outcome in zip(commits, outcomes, strict=True) if outcome is None)
    return tx.ask_in(
        "SELECT id FROM run WHERE id", sorted({start.run_id for one in alive for start in one.starts})
    )


def _admit(tx: Transaction, arrivals: _Arrivals, outcomes: list[Outcome | None]) -> None:
    """An arrival is taken once, whoever brings it again; other content under its number is a conflict."""
    if arrivals.new is None:
        return
    new = set(arrivals.new.fetchall())
    again = [*arrivals.again, *(first for key, first in arrivals.first.items() if key not in new)]
    for index, row in again:
        known = tx.execute(
            "SELECT digest FROM inbox WHERE source = ? AND external_id = ?", (row.source, row.external_id)
        ).fetchone()
        same = known is not None and known[0] == row.digest
        outcomes[index] = Outcome(Fate.DUPLICATE if same else Fate.CONFLICT)


def _move_cursors(tx: Transaction, commits: Sequence[Commit], now: Instant) -> None:
    positions = {commit.cursor.name: commit.cursor.position for commit in commits if commit.cursor}
    rows = [(positions[name], now, name) for name in sorted(positions)]
    tx.update("cursor", ("position", "at"), ("name",), rows)


def _start(tx: Transaction, commits: Sequence[Commit], asked_for: Answer, now: Instant) -> set[str]:
    """Begin runs that are not there yet; the ids of those that are leased to whoever started them."""
    asked: dict[str, tuple[RunStart, str]] = {}
    for commit in commits:
        for start in commit.starts:
            asked.setdefault(start.run_id, (start, commit.lease_to))
    if not asked:
        return set()
    present = {row[0] for row in asked_for.fetchall()}
    fresh = {run_id: entry for run_id, entry in asked.items() if run_id not in present}
    turns = enter_subjects(tx, [(start.subject, run_id) for run_id, (start, _) in fresh.items()])
    rows, parked, leased = [], [], set()
    for run_id, (start, lease_to) in sorted(fresh.items()):
        turn, is_head = turns[run_id]
        state, queue, worker, epoch = RunState.READY, _NEXT, _NOBODY, 0
        if start.parking is not None:
            state, queue = RunState.PARKED, None
            parked.append(parked_row(run_id, start.parking, now))
        elif not is_head:
            state, queue = RunState.QUEUED, None
        elif lease_to:
            state, queue, worker, epoch = RunState.RUNNING, None, lease_to, 1
            leased.add(run_id)
        rank = now + start.priority * PRIORITY_STEP_US
        rows.append(
            (
                *(run_id, start.process, start.version, start.subject, turn, state.value, queue, rank, worker),
                *(epoch, start.priority, start.correlation_id, now, now, start.input, b""),
            )
        )
        if queue is not None:
            tx.news.add(queue)
    tx.insert("run", RUN_COLUMNS, rows)
    tx.insert("parked", PARKED_COLUMNS, parked)
    return leased


def _change_records(tx: Transaction, commits: Sequence[Commit], now: Instant) -> list[tuple[bytes, ...]]:
    """The effects of all commits, each answered with what it found."""
    steps: list[EffectStep] = [step for commit in commits for step in commit.effects]
    if not steps:
        return [()] * len(commits)
    answers = iter(apply_effects(tx, [step.effect for step in steps], now))
    return [tuple(encode(next(answers)) for _ in commit.effects) for commit in commits]


def _journal(tx: Transaction, commits: Sequence[Commit], found: Sequence[tuple[bytes, ...]], now: Instant) -> None:
    rows = []
    for commit, findings in zip(commits, found, strict=True):
        rows += [
            (commit.run_id, row.step, row.state.value, row.payload, row.attempts, row.at) for row in commit.journal
        ]
        if commit.run_id:
            rows += [
                (commit.run_id, step.step, StepState.DONE.value, finding, 0, now)
                for step, finding in zip(commit.effects, findings, strict=True)
            ]
    tx.insert("journal", JOURNAL_COLUMNS, rows, JOURNAL_CONFLICT)


def _move(tx: Transaction, commits: Sequence[Commit], now: Instant) -> None:
    """Where the runs go now, and whose turn it is after those that ended."""
    rows, parked, ended = [], [], []
    for commit in commits:
        transition = commit.transition
        if transition is None:
            continue
        state, queue = transition.state, transition.queue or None
        if state is RunState.WAITING and _signal_came(tx, commit.run_id, transition):
            state, queue = RunState.READY, READY_QUEUE
        if queue is not None:
            tx.news.add(queue)
        rows.append(
            (
                *(state.value, queue, transition.wake_at, transition.waiting_on, None, transition.result, now),
                commit.run_id,
            )
        )
        if transition.parking is not None:
            parked.append(parked_row(commit.run_id, transition.parking, now))
        if state in {RunState.DONE, RunState.SKIPPED}:
            ended.append(commit.run_id)
    columns = ("state", "queue", "wake_at", "waiting_on", "worker", "result", "updated_at")
    tx.update("run", columns, ("id",), rows)
    tx.insert("parked", PARKED_COLUMNS, parked, PARKED_CONFLICT)
    leave_subjects(tx, ended, now)


def _signal_came(tx: Transaction, run_id: str, transition: Transition) -> bool:
    """A signal that came while its run was about to wait for it must not be slept through."""
    kind, _, name = transition.waiting_on.partition(" ")
    if kind != "signal":
        return False
    return tx.execute("SELECT 1 FROM signal WHERE run_id = ? AND name = ?", (run_id, name)).fetchone() is not None


def _publish(tx: Transaction, commits: Sequence[Commit], now: Instant) -> None:
    append_events(tx, [event for commit in commits for event in commit.events], now)


def append_events(tx: Transaction, events: Sequence[Outgoing], now: Instant) -> None:
    """Into the outbox, numbered in the order of commits. Call it last: others wait for their number."""
    if events:
        tx.order_commits()
        rows = [(new_id(), event.type, event.subject, event.correlation_id, now, event.data) for event in events]
        tx.insert("event", EVENT_COLUMNS, rows)
        tx.news.add(EVENTS)


def parked_row(run_id: str, parking: Parking, now: Instant) -> tuple[object, ...]:
    """The row of the `parked` table."""
    return (
        run_id,
        parking.signature,
        parking.category,
        parking.owner,
        parking.severity,
        now,
        encode(parking),
    )
