"""One run at a time per subject: the head works, later ones are queued behind it in the order they came.

The subject's row is the lock: whoever starts or ends a run of the subject holds it until the commit, so that
no run is left queued behind nobody. It also numbers the turns: workers' clocks may differ, turns do not.
"""

from collections.abc import Sequence

from crossdock.durable.records import READY_QUEUE, RunState
from crossdock.kit.clock import Instant
from crossdock.kit.failpoints import failpoint
from crossdock.storage.transaction import Transaction

FOLLOWING = (
    "SELECT id, state FROM run WHERE subject = ? AND state IN ('queued', 'parked') AND id <> ? "
    "ORDER BY turn, created_at LIMIT 1"
)
"""Whose turn comes after the head's. The states stand as they do in the index `run_by_turn`, or it is not used."""


def enter_subjects(tx: Transaction, starts: Sequence[tuple[str, str]]) -> dict[str, tuple[int, bool]]:
    """Enter (subject, run_id) pairs in the order given; by run its turn, and whether it is the head."""
    members: dict[str, list[str]] = {}
    for subject, run_id in starts:
        members.setdefault(subject, []).append(run_id)
    rows = [(subject, members[subject][0], len(members[subject]) - 1) for subject in sorted(members)]
    columns = ("subject", "head", "waiting", "turns")
    new = tx.insert_new("subject", columns, ("subject",), [(*row, row[2] + 1) for row in rows])
    turns: dict[str, tuple[int, bool]] = {}
    for subject, head, waiting in rows:
        last = waiting + 1
        if (subject,) not in new:
            # The upsert waits for a run that is just ending, and takes the row anew if it went away.
            head, last = tx.execute(  # noqa: PLW2901 - what the database says in place of what we hoped
                "INSERT INTO subject (subject, head, waiting, turns) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (subject) DO UPDATE SET waiting = subject.waiting + excluded.turns, "
                "turns = subject.turns + excluded.turns RETURNING head, turns",
                (subject, head, waiting, waiting + 1),
            ).fetchone()
        for turn, run_id in enumerate(members[subject], last - waiting):
            turns[run_id] = (turn, run_id == head)
    return turns


def leave_subjects(tx: Transaction, ended: Sequence[str], now: Instant) -> None:
    """The runs have ended: each subject's next run is ready, or the subject's row goes."""
    if not ended:
        return
    rows = tx.select_in(
        "SELECT s.subject, s.waiting, s.head FROM subject s JOIN run r ON r.subject = s.subject "
        "AND s.head = r.id WHERE r.id",
        ended,
        f"ORDER BY s.subject {tx.locks and 'FOR UPDATE OF s'}",
    )
    idle = [subject for subject, waiting, _ in rows if not waiting]
    if idle:
        tx.ask_in("DELETE FROM subject WHERE subject", idle, "RETURNING subject")
    failpoint("subjects.left")
    for subject, waiting, head in rows:
        if waiting:
            _promote(tx, subject, head, now)
            failpoint("subjects.next_promoted")


def leave_queue(tx: Transaction, run_id: str) -> None:
    """The run has ended before its turn came."""
    tx.execute(
        "UPDATE subject SET waiting = waiting - 1 WHERE subject = (SELECT subject FROM run WHERE id = ?)",
        (run_id,),
    )


def is_head(tx: Transaction, run_id: str) -> bool:
    """Whether it is the run's turn; nobody else's becomes it until the commit."""
    row = tx.execute(
        "SELECT s.head FROM subject s JOIN run r ON r.subject = s.subject WHERE r.id = ? "
        f"{tx.locks and 'FOR UPDATE OF s'}",
        (run_id,),
    ).fetchone()
    return row is None or row[0] == run_id


def _promote(tx: Transaction, subject: str, head: str, now: Instant) -> None:
    """It is the next run's turn. One that began parked stays so, and holds its subject until it is released."""
    following = tx.execute(FOLLOWING, (subject, head)).fetchone()
    if following is None:
        tx.execute("DELETE FROM subject WHERE subject = ?", (subject,))
        return
    tx.execute("UPDATE subject SET head = ?, waiting = waiting - 1 WHERE subject = ?", (following[0], subject))
    if following[1] == RunState.QUEUED.value:
        tx.news.add(READY_QUEUE)
        tx.execute(
            "UPDATE run SET state = ?, queue = ?, updated_at = ? WHERE id = ?",
            (RunState.READY.value, READY_QUEUE, now, following[0]),
        )
