"""Runs that ended long ago, in the database: found in the order in which they began, deleted in small pages."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TypeVar

from crossdock.durable.records import RunState
from crossdock.durable.retention import EndedRun, Looked, Place
from crossdock.kit.clock import Instant
from crossdock.storage.transaction import Transaction

T = TypeVar("T")
BARE = b"null"
"""What a run carries whose content was cleared."""
_PAGE = 1_000


class ClearingStore(ABC):
    """See RunClearing."""

    @abstractmethod
    async def _read(self, work: Callable[[Transaction], T]) -> T: ...

    @abstractmethod
    async def _write(self, work: Callable[[Transaction], T]) -> T: ...

    async def look_for_ended(self, behind: Place, before: Instant, limit: int) -> Looked:
        """See RunClearing."""
        return await self._read(partial(look_for_ended, behind=behind, before=before, limit=limit))

    async def open_correlations(self) -> Collection[str]:
        """See RunClearing. Page by page, since a million runs may wait."""
        found: set[str] = set()
        for work in (_heads, _standing):
            behind: str | None = ""
            while behind is not None:
                page, behind = await self._read(partial(work, behind=behind))
                found |= page
        return found

    async def clear_runs(self, run_ids: Sequence[str], *, keep_rows: bool) -> int:
        """See RunClearing."""
        return await self._write(partial(clear_runs, run_ids=run_ids, keep_rows=keep_rows))


def look_for_ended(tx: Transaction, behind: Place, before: Instant, limit: int) -> Looked:
    """See RunClearing."""
    rows = tx.execute(
        "SELECT id, process, correlation_id, created_at, updated_at, state, length(input) FROM run "
        "WHERE (created_at, id) > (?, ?) AND created_at <= ? ORDER BY created_at, id LIMIT ?",
        (behind.created_at, behind.run_id, before, limit),
    ).fetchall()
    done = tuple(
        EndedRun(
            run_id=row[0], process=row[1], correlation_id=row[2], updated_at=row[4], is_bare=row[6] <= len(BARE)
        )
        for row in rows
        if row[5] == RunState.DONE
    )
    return Looked(done=done, place=Place(rows[-1][3], rows[-1][0]) if len(rows) == limit else None)


def _heads(tx: Transaction, behind: str) -> tuple[set[str], str | None]:
    """Of the runs whose turn it is, by subject."""
    rows = tx.execute(
        "SELECT s.subject, r.correlation_id FROM subject s LEFT JOIN run r ON r.id = s.head "
        "WHERE s.subject > ? ORDER BY s.subject LIMIT ?",
        (behind, _PAGE),
    ).fetchall()
    return {row[1] for row in rows if row[1] is not None}, rows[-1][0] if len(rows) == _PAGE else None


def _standing(tx: Transaction, behind: str) -> tuple[set[str], str | None]:
    """Of those that stand behind them, or stand still: all of a subject at once."""
    found = tx.execute(
        "SELECT subject FROM run WHERE state IN ('queued', 'parked') AND subject > ? "
        "GROUP BY subject ORDER BY subject LIMIT ?",
        (behind, _PAGE),
    ).fetchall()
    subjects = [row[0] for row in found]
    rows = tx.select_in("SELECT correlation_id FROM run WHERE state IN ('queued', 'parked') AND subject", subjects)
    return {row[0] for row in rows}, subjects[-1] if len(subjects) == _PAGE else None


def clear_runs(tx: Transaction, run_ids: Sequence[str], keep_rows: bool) -> int:  # noqa: FBT001 - see RunClearing
    """See RunClearing."""
    rows = tx.select_in(
        "SELECT id FROM run WHERE id",
        sorted(run_ids),
        f"AND state = '{RunState.DONE.value}' ORDER BY id {tx.locks}",
    )
    ids = [row[0] for row in rows]
    for table in ("journal", "signal", "parked"):
        tx.ask_in(f"DELETE FROM {table} WHERE run_id", ids, "RETURNING run_id").fetchall()
    if keep_rows:
        tx.update("run", ("input",), ("id",), [(BARE, one) for one in ids])
    else:
        tx.ask_in("DELETE FROM run WHERE id", ids, "RETURNING id").fetchall()
    return len(ids)
