"""The store of the engine, in SQL: the same rules on both databases, each method one transaction."""

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import URL

from crossdock.durable.news import News
from crossdock.durable.records import ClaimedRun, Commit, Known, Outcome, RunState, StoredEvent
from crossdock.durable.store import Action, AuditEntry, RunView, WorkerView
from crossdock.kit.clock import Clock, Instant
from crossdock.storage.audit import read_audit
from crossdock.storage.batch import apply_batch
from crossdock.storage.claims import (
    bury_workers,
    claim_runs,
    list_workers,
    next_work,
    prolong_lease,
    register_worker,
    take_cursor,
)
from crossdock.storage.clearing import ClearingStore
from crossdock.storage.erasing import ErasureStore
from crossdock.storage.lane_store import LaneStore
from crossdock.storage.match_store import MatchStore
from crossdock.storage.migrate import migrate
from crossdock.storage.onboarding_store import OnboardingStore
from crossdock.storage.order_board import BoardStore
from crossdock.storage.order_tracing import TracingStore
from crossdock.storage.party_merging import MergeStore
from crossdock.storage.party_store import PartyStore
from crossdock.storage.party_waiting import WaitingStore
from crossdock.storage.queries import (
    busy_subjects,
    count_runs,
    find_run,
    last_sequence,
    list_runs,
    read_cursor_times,
    read_cursors,
    read_events,
    ready_since,
)
from crossdock.storage.resealing import ResealingStore
from crossdock.storage.review_store import ReviewStore
from crossdock.storage.rotating import RotationStore
from crossdock.storage.sealing import SealedTransaction
from crossdock.storage.signals import leave_signal
from crossdock.storage.strangers import park_strangers
from crossdock.storage.transaction import Transaction
from crossdock.storage.vault import Vault
from crossdock.storage.verbs import operate

T = TypeVar("T")


class SqlStore(
    LaneStore,
    BoardStore,
    PartyStore,
    WaitingStore,
    MergeStore,
    MatchStore,
    ReviewStore,
    OnboardingStore,
    ErasureStore,
    RotationStore,
    ClearingStore,
    ResealingStore,
    TracingStore,
):
    """What both databases have in common. Drivers block, so each connection lives in a thread of its own.

    With a `vault` personal data is sealed on its way into the database; without, as in rehearsals, it is not.
    """

    def __init__(self, clock: Clock, vault: Vault | None = None) -> None:
        super().__init__()
        self._clock = clock
        self._vault = vault
        self._latest: Instant = 0
        self.news = News()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="store-read")

    # ── what each database does its own way ─────────────────────────────────────────────────────────

    @property
    @abstractmethod
    def url(self) -> URL:
        """Where the database is, for migrations."""

    @abstractmethod
    def _connect(self) -> None:
        """Open both connections. Runs in the writer's thread."""

    @abstractmethod
    def _disconnect(self) -> None:
        """Close both connections. Runs in the writer's thread."""

    @abstractmethod
    def _transact(self, work: Callable[[Transaction], T]) -> T:
        """Do `work`, commit it and `_tell` its news, or nothing of it. Raises StoreUnavailable.

        Runs in the writer's thread.
        """

    @abstractmethod
    def _look(self, work: Callable[[Transaction], T]) -> T:
        """Do `work`, which only reads. Raises StoreUnavailable. Runs in the reader's thread."""

    async def _write(self, work: Callable[[Transaction], T]) -> T:
        self._loop = asyncio.get_running_loop()
        return await self._loop.run_in_executor(self._writer, self._transact, work)

    async def _read(self, work: Callable[[Transaction], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._look, work)

    def _tell(self, topics: Collection[str]) -> None:
        """Tell this process what was committed; from any thread, also where nobody waits for the answer."""
        if topics and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: there is nobody to tell
                self._loop.call_soon_threadsafe(self.news.tell, topics)

    # ── the store ───────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """See Store."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, migrate, self.url)
        await loop.run_in_executor(self._writer, self._connect)
        if self._vault is not None:
            await self._unlock(self._vault)

    async def _unlock(self, vault: Vault) -> None:
        try:
            await self._write(vault.unlock)
        except BaseException:
            await self.close()
            raise

    def _through_vault(self, tx: Transaction) -> Transaction:
        """The transaction as everybody else sees it."""
        if self._vault is None or self._vault.keyring is None:
            return tx
        return SealedTransaction(tx, self._vault)

    async def listen(self) -> None:
        """See Store. Where nothing tells what others commit, there is nothing to begin."""

    async def close(self) -> None:
        """See Store."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._hang_up)
        self._writer.shutdown()

    def _hang_up(self) -> None:
        """A connection must not go away under the thread that reads on it: the driver would crash the process."""
        self._reader.shutdown()
        self._disconnect()

    async def apply(self, commits: Sequence[Commit], now: Instant) -> Sequence[Outcome]:
        """See Store."""
        self._latest = max(self._latest, now)
        return await self._write(lambda tx: apply_batch(tx, commits, now))

    async def register(self, worker_id: str, known: Known, now: Instant, lease_until: Instant) -> None:
        """See Store."""
        await self._write(lambda tx: register_worker(tx, worker_id, known, now, lease_until))

    async def beat(self, worker_id: str, now: Instant, lease_until: Instant) -> bool:
        """See Store. Where our clock was set back, what was put to sleep by it meanwhile is woken."""
        ran_ahead = self._latest > lease_until
        kept = await self._write(lambda tx: prolong_lease(tx, worker_id, now, lease_until, ran_ahead=ran_ahead))
        self._latest = min(self._latest, now)
        return kept

    async def retire(self, worker_id: str, now: Instant) -> None:
        """See Store."""
        await self._write(lambda tx: bury_workers(tx, [worker_id], now))

    async def claim(
        self, worker_id: str, known: Known, queues: Mapping[str, int], now: Instant
    ) -> Sequence[ClaimedRun]:
        """See Store."""
        if not queues:
            return []
        return await self._write(lambda tx: claim_runs(tx, worker_id, known, queues, now))

    async def next_work(self, queues: Collection[str]) -> Instant | None:
        """See Store."""
        return await self._read(lambda tx: next_work(tx, queues)) if queues else None

    async def park_strangers(self, now: Instant) -> int:
        """See Store."""
        return await self._write(lambda tx: park_strangers(tx, now))

    async def ready_since(self) -> Instant | None:
        """See Store."""
        return await self._read(ready_since)

    async def list_workers(self) -> Sequence[WorkerView]:
        """See Store."""
        return await self._read(list_workers)

    async def signal(self, run_id: str, name: str, payload: bytes, now: Instant) -> bool:
        """See Store."""
        return await self._write(lambda tx: leave_signal(tx, run_id, name, payload, now))

    async def operate(self, actions: Sequence[Action], now: Instant) -> Sequence[bool]:
        """See Store."""
        return await self._write(lambda tx: operate(tx, actions, now))

    async def hold_cursor(self, name: str, worker_id: str) -> str | None:
        """See Store."""
        now = self._clock.now()
        return await self._write(lambda tx: take_cursor(tx, name, worker_id, now))

    async def read_events(self, after: int, limit: int, subject: str = "") -> Sequence[StoredEvent]:
        """See Store."""
        return await self._read(lambda tx: read_events(tx, after, limit, subject))

    async def time(self) -> Instant:
        """See Store. A database within this process has no other time."""
        return self._clock.now()

    async def last_sequence(self) -> int:
        """See Store."""
        return await self._read(last_sequence)

    async def busy_subjects(self, subjects: Collection[str]) -> Collection[str]:
        """See Store."""
        return await self._read(lambda tx: busy_subjects(tx, subjects)) if subjects else ()

    async def read_cursors(self) -> Mapping[str, str]:
        """See Store."""
        return await self._read(read_cursors)

    async def read_cursor_times(self) -> Mapping[str, Instant]:
        """See Store."""
        return await self._read(read_cursor_times)

    async def find_run(self, run_id: str) -> RunView | None:
        """See Store."""
        return await self._read(lambda tx: find_run(tx, run_id))

    async def list_runs(
        self,
        *,
        state: RunState | None = None,
        subject: str = "",
        signature: str = "",
        before: str = "",
        limit: int = 50,
    ) -> Sequence[RunView]:
        """See Store."""
        return await self._read(lambda tx: list_runs(tx, state, subject, signature, before, limit))

    async def count_runs(self) -> Mapping[str, int]:
        """See Store."""
        return await self._read(count_runs)

    async def list_audit(self, *, run_id: str = "", limit: int = 100) -> Sequence[AuditEntry]:
        """See Store."""
        return await self._read(lambda tx: read_audit(tx, run_id, limit))
