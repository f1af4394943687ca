"""The connection a PostgreSQL store writes on: statements follow one another without waiting for their answers.

A thread that waits for an answer lets go of the interpreter, and gets it back only when the event loop's thread
gives it up. So a transaction waits where it reads, and once at its end: what is written meanwhile is sent, and
the server is busy with it, while the next statement is still being put together.
"""

import contextlib
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

Row = tuple[Any, ...]
BY_INDEX = b"SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off"
"""What is written is found by its key. A table that grew since PostgreSQL last looked is taken for small and read
from end to end, by a plan that is kept; and to compile a statement takes longer than to carry it out."""

OPEN = (TransactionStatus.INTRANS, TransactionStatus.INERROR)


class PostgresLine:
    """Owns `connection` and closes it. What a statement came to is known once an answer behind it was fetched.

    A statement that fails takes those behind it with it, COMMIT too; its error is raised by whichever later call
    hears of it first.
    """

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        connection.autocommit = True  # transactions are begun below: the driver would wait for each BEGIN
        connection.execute(BY_INDEX)
        self.connection = connection
        self._exits = contextlib.ExitStack()
        self._pipeline = self._exits.enter_context(connection.pipeline())

    @property
    def closed(self) -> bool:
        """Whether the connection is gone."""
        return self.connection.closed

    def begin(self) -> psycopg.Cursor[Row]:
        """Begin a transaction; the cursor's one row has the transaction's id."""
        self.connection.execute(b"BEGIN", prepare=False)
        return self.connection.execute(b"SELECT pg_current_xact_id()::text")

    def commit(self) -> None:
        """Send COMMIT behind everything that was sent, and wait for the answers. Raises the first one's error."""
        ended = self.connection.execute(b"COMMIT", prepare=False)
        self._pipeline.sync()
        if ended.statusmessage != "COMMIT":
            raise psycopg.errors.InFailedSqlTransaction(f"COMMIT was answered by {ended.statusmessage}")

    def roll_back(self) -> bool:
        """Undo what the transaction did; False where the connection is gone, and the server does it."""
        with contextlib.suppress(psycopg.Error):
            if self._settle():
                if self.connection.info.transaction_status in OPEN:
                    self.connection.rollback()
                    return not self.closed
                # BEGIN or COMMIT itself was refused. What the driver prepared behind it the server does not know.
                self.close()
                return True
        self.close()
        return False

    def close(self) -> None:
        """Hang up."""
        self.connection.close()
        with contextlib.suppress(psycopg.Error):
            self._exits.close()

    def _settle(self) -> bool:
        """Hear all answers that are still due, whatever they say; whether the server gave them."""
        due = len(self._pipeline.result_queue) + 1
        for _ in range(due):
            if self.closed:
                return False
            with contextlib.suppress(psycopg.Error):
                self._pipeline.sync()
                return True
        return False
