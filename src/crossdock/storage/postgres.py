"""PostgreSQL: several workers, several machines.

When the connection breaks during a commit, nobody told us whether it took effect. The transaction's own id is
asked for first, and after reconnecting PostgreSQL says what became of it (`pg_xact_status`).
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psycopg
from psycopg import errors
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from crossdock.durable.store import StoreUnavailable
from crossdock.kit.clock import Clock, Instant
from crossdock.kit.errors import Misconfigured
from crossdock.kit.failpoints import failpoint
from crossdock.storage.postgres_line import BY_INDEX, PostgresLine
from crossdock.storage.postgres_news import CHANNEL, NOTIFY, PostgresNews, payload_of
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.transaction import PostgresTransaction, Row, Transaction
from crossdock.storage.vault import Vault

T = TypeVar("T")
CONTENTION_ATTEMPTS_MAX = 6
STATUS_POLL_SECONDS = 0.1
STATUS_POLLS_BEFORE_TERMINATION = 50
CONTENTION = (errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation)
THE_RECORDS_FAULT = (errors.ProgramLimitExceeded, errors.StatementTooComplex)
"""Operational errors that would come back for ever, for the very same record."""

CONNECTION = {
    "connect_timeout": 5,
    "application_name": "crossdock",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A server that vanished without a word is noticed within half a minute."""


class PostgresStore(SqlStore):
    """A hub's database on a PostgreSQL server, named by a `postgresql://` address."""

    def __init__(self, address: str, clock: Clock, vault: Vault | None = None) -> None:
        super().__init__(clock, vault)
        try:
            self._url = make_url(address).set(drivername="postgresql+psycopg")
        except ArgumentError:
            raise Misconfigured("the database address is no postgresql:// URL", code="database-address") from None
        self._address = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._writing: PostgresLine | None = None
        self._reading: psycopg.Connection[Row] | None = None
        self._seeking: psycopg.Connection[Row] | None = None
        self._seeker = ThreadPoolExecutor(1, thread_name_prefix="store-seek")
        self._closing = threading.Event()
        self._hearing = PostgresNews(self._address, CONNECTION, self.news, is_own=self._is_own)

    @property
    def url(self) -> URL:
        """See SqlStore."""
        return self._url

    async def close(self) -> None:
        """See Store."""
        self._closing.set()
        await self._hearing.stop()
        await super().close()
        self._seeker.shutdown()

    async def listen(self) -> None:
        """See Store."""
        self._hearing.start()

    def _is_own(self, backend: int) -> bool:
        """Whether that is the connection on which this process writes."""
        return (
            self._writing is not None
            and not self._writing.closed
            and self._writing.connection.info.backend_pid == backend
        )

    async def time(self) -> Instant:
        """See Store."""
        return await self._read(lambda tx: int(tx.execute(_TIME).fetchone()[0]))

    def _connect(self) -> None:
        self._writing = self._open_line()
        self._reading = self._open_connection()
        self._reading.autocommit = True

    def _open_connection(self) -> psycopg.Connection[Row]:
        try:
            return psycopg.connect(self._address, **CONNECTION)  # type: ignore[arg-type]
        except psycopg.OperationalError as error:
            raise StoreUnavailable("PostgreSQL does not answer", code="store-unreachable") from error

    def _open_line(self) -> PostgresLine:
        connection = self._open_connection()
        try:
            return PostgresLine(connection)
        except psycopg.OperationalError as error:
            connection.close()
            raise StoreUnavailable("PostgreSQL went away", code="store-lost") from error

    def _disconnect(self) -> None:
        for end in (self._writing, self._reading, self._seeking):
            if end is not None:
                end.close()
        self._writing = self._reading = self._seeking = None

    def _transact(self, work: Callable[[Transaction], T]) -> T:
        for _attempt in range(CONTENTION_ATTEMPTS_MAX):
            try:
                return self._transact_once(work)
            except CONTENTION as error:
                last = error
        raise last

    def _transact_once(self, work: Callable[[Transaction], T]) -> T:
        if self._writing is None or self._writing.closed:
            self._writing = self._open_line()
        line, transaction_id = self._writing, ""
        transaction = PostgresTransaction(line.connection)
        try:
            named = line.begin()
            result = work(self._through_vault(transaction))
            if transaction.news:
                line.connection.execute(NOTIFY, (CHANNEL, payload_of(transaction.news)))
            row = named.fetchone()
            assert row is not None
            transaction_id = row[0]
            failpoint("postgres.commits")
            line.commit()
            failpoint("postgres.committed")
        except psycopg.Error as error:
            alive = line.roll_back()
            if alive and not _is_away(error):
                raise
            failpoint("postgres.lost")
            if not alive and transaction_id and self._committed(transaction_id):
                self._tell(transaction.news)
                return result
            # After a failover the old server takes no writes: the next connection may reach the new one.
            line.close()
            raise StoreUnavailable("PostgreSQL went away", code="store-lost") from error
        except BaseException:
            line.roll_back()
            raise
        self._tell(transaction.news)
        return result

    def _committed(self, transaction_id: str) -> bool:
        """What became of a transaction whose commit was not answered; waits until that is certain."""
        polls = 0
        while not self._closing.is_set():
            with (
                contextlib.suppress(StoreUnavailable, psycopg.OperationalError),
                self._open_connection() as asking,
            ):
                asking.autocommit = True
                row = asking.execute(b"SELECT pg_xact_status(%s::text::xid8)", (transaction_id,)).fetchone()
                failpoint("postgres.asked")
                if row is None or row[0] != "in progress":
                    return row is not None and row[0] == "committed"
                polls += 1
                if polls >= STATUS_POLLS_BEFORE_TERMINATION:
                    # The server has not noticed that nobody is there any more; our locks would stay for hours.
                    asking.execute(_TERMINATE, (transaction_id,))
            self._closing.wait(STATUS_POLL_SECONDS)
        raise StoreUnavailable("closed before PostgreSQL told what became of a commit", code="store-lost")

    def _look(self, work: Callable[[Transaction], T]) -> T:
        if self._reading is None or self._reading.closed:
            self._reading = self._open_connection()
            self._reading.autocommit = True
        try:
            return work(self._through_vault(PostgresTransaction(self._reading)))
        except psycopg.OperationalError as error:
            raise StoreUnavailable("PostgreSQL went away", code="store-lost") from error

    async def _read_by_index(self, work: Callable[[Transaction], T]) -> T:
        """See MatchStore. On a connection of its own, which waits for no list that somebody looks at."""
        return await asyncio.get_running_loop().run_in_executor(self._seeker, self._seek, work)

    def _seek(self, work: Callable[[Transaction], T]) -> T:
        try:
            if self._seeking is None or self._seeking.closed:
                self._seeking = self._open_connection()
                self._seeking.autocommit = True
                self._seeking.execute(BY_INDEX)
            return work(self._through_vault(PostgresTransaction(self._seeking)))
        except psycopg.OperationalError as error:
            raise StoreUnavailable("PostgreSQL went away", code="store-lost") from error


_TIME = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_TERMINATE = b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_xid = %s::text::xid8::xid"


def _is_away(error: psycopg.Error) -> bool:
    """Whether the server, asked again or another one asked, may do what this one did not."""
    if isinstance(error, (*CONTENTION, *THE_RECORDS_FAULT)):
        return False
    return isinstance(error, (psycopg.OperationalError, errors.ReadOnlySqlTransaction))
