"""What the engine asks of a store. SQLite and PostgreSQL implement it, under one suite."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from crossdock.durable.lanes.ledger import LaneLedger
from crossdock.durable.news import News
from crossdock.durable.records import (
    ClaimedRun,
    Commit,
    Effect,
    InboxRow,
    JournalRow,
    Known,
    Outcome,
    Outgoing,
    Parking,
    RunState,
    StoredEvent,
)
from crossdock.kit.clock import Instant
from crossdock.kit.errors import CrossdockError


class StoreUnavailable(CrossdockError):
    """The database does not answer; nothing of the batch was applied."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One operator's verb on one parked run, and the audit entry that goes with it.

    `state` and `queue` say where the run goes; `told` is handed to it; `input` or `journal` repair it.
    Steps that are `forgotten` will be done anew, and `effects` give back what the run holds of the hub's own.
    `arrival` is left in the inbox, where it must be new if it `is_other` than what the run arrived as.
    """

    run_id: str
    verb: str
    actor: str
    reason: str
    state: RunState
    queue: str = ""
    told: str = ""
    owner: str = ""
    input: bytes | None = None
    journal: tuple[JournalRow, ...] = ()
    forgotten: tuple[str, ...] = ()
    arrival: InboxRow | None = None
    is_other: bool = False
    effects: tuple[Effect, ...] = ()
    events: tuple[Outgoing, ...] = ()


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run as people look at it."""

    run_id: str
    process: str
    version: int
    subject: str
    state: RunState
    waiting_on: str
    wake_at: Instant | None
    priority: int
    correlation_id: str
    created_at: Instant
    updated_at: Instant
    input: bytes
    result: bytes
    parking: Parking | None
    parked_at: Instant | None
    journal: tuple[JournalRow, ...] = ()


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what to which run and why; `digest` chains it to the entry before.

    For what people do to a lane, `run_id` is the lane's subject (`lane/erp`).
    """

    sequence: int
    at: Instant
    actor: str
    verb: str
    run_id: str
    reason: str
    digest: str


class WorkerView(msgspec.Struct, frozen=True, kw_only=True):
    """A registered worker as people look at it. `recipes` are the processes it knows, as `name@version`."""

    worker_id: str
    started_at: Instant
    lease_until: Instant
    recipes: tuple[str, ...]
    runs: int


class Positions(Protocol):
    """How far things got, by name; one worker at a time moves a position. Raises StoreUnavailable."""

    async def hold_cursor(self, name: str, worker_id: str) -> str | None:
        """Take or keep the cursor; its position, or None where a living worker holds it."""
        ...

    async def read_cursors(self) -> Mapping[str, str]:
        """How far every source was read (`source:…`) and every subscription got (`relay:…`)."""
        ...


class Store(LaneLedger, Positions, Protocol):
    """Keeps runs, journal, inbox, outbox, stock and lanes in one database."""

    @property
    def news(self) -> News:
        """Where to hear what was committed."""
        ...

    async def open(self) -> None:
        """Connect and bring the schema up to date. Raises Misconfigured or StoreUnavailable."""
        ...

    async def listen(self) -> None:
        """Begin to hear the news of other processes, where the database can tell them."""
        ...

    async def close(self) -> None:
        """Finish what is under way and disconnect."""
        ...

    async def apply(self, commits: Sequence[Commit], now: Instant) -> Sequence[Outcome]:
        """Apply all in one transaction; one that cannot be applied fails alone. At most one per run.

        Raises StoreUnavailable where nothing was applied.
        """
        ...

    async def register(self, worker_id: str, known: Known, now: Instant, lease_until: Instant) -> None:
        """Announce a worker and what it can carry out."""
        ...

    async def beat(self, worker_id: str, now: Instant, lease_until: Instant) -> bool:
        """Prolong the worker's lease, take back what dead workers hold. False: our own lease is lost."""
        ...

    async def retire(self, worker_id: str, now: Instant) -> None:
        """Hand everything back that the worker holds."""
        ...

    async def claim(
        self, worker_id: str, known: Known, queues: Mapping[str, int], now: Instant
    ) -> Sequence[ClaimedRun]:
        """Take up to so many runs per queue in order of rank, and due timers along with `ready`.

        Only runs of the `known` versions; each is made one of the version under which it is carried on.
        """
        ...

    async def next_work(self, queues: Collection[str]) -> Instant | None:
        """When there is something to take up: 0 where it lies in one of the queues now, else the next timer."""
        ...

    async def park_strangers(self, now: Instant) -> int:
        """Park runs that have waited long for a worker that knows their version; how many."""
        ...

    async def ready_since(self) -> Instant | None:
        """Since when the run whose turn is next has been ready; None where none is."""
        ...

    async def list_workers(self) -> Sequence[WorkerView]:
        """Who is registered, longest first."""
        ...

    async def signal(self, run_id: str, name: str, payload: bytes, now: Instant) -> bool:
        """Leave a signal and wake the run. False: no such open run, or the signal was already there."""
        ...

    async def operate(self, actions: Sequence[Action], now: Instant) -> Sequence[bool]:
        """Carry out verbs on parked runs, each with its audit entry; False where the run is not parked.

        Raises Invalid (`already-taken`), with nothing done, where a repaired arrival came by itself meanwhile.
        """
        ...

    async def read_events(self, after: int, limit: int, subject: str = "") -> Sequence[StoredEvent]:
        """Events behind that sequence, oldest first."""
        ...

    async def time(self) -> Instant:
        """The time by the database's clock, which all workers have in common."""
        ...

    async def last_sequence(self) -> int:
        """The sequence of the latest event; 0 before the first."""
        ...

    async def busy_subjects(self, subjects: Collection[str]) -> Collection[str]:
        """Which of these have runs that have not ended: what is started there now comes after them."""
        ...

    async def read_cursor_times(self) -> Mapping[str, Instant]:
        """When each of them moved last; one that never did is absent."""
        ...

    async def find_run(self, run_id: str) -> RunView | None:
        """One run with its journal."""
        ...

    async def list_runs(
        self,
        *,
        state: RunState | None = None,
        subject: str = "",
        signature: str = "",
        before: str = "",
        limit: int = 50,
    ) -> Sequence[RunView]:
        """Newest first, without journals; `before` is the run_id of the last one seen (keyset)."""
        ...

    async def count_runs(self) -> Mapping[str, int]:
        """How many runs stand in each state."""
        ...

    async def list_audit(self, *, run_id: str = "", limit: int = 100) -> Sequence[AuditEntry]:
        """The latest entries, newest first."""
        ...
