"""Short words for what stores are told in these tests."""

from collections.abc import Sequence
from typing import Any

from crossdock.durable.records import (
    READY_QUEUE,
    ClaimedRun,
    Commit,
    JournalRow,
    Outcome,
    Outgoing,
    Parking,
    RunStart,
    RunState,
    StepState,
    Transition,
)
from crossdock.kit.clock import MICROSECONDS, Instant
from crossdock.storage.claims import register_worker
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.transaction import Transaction

NOW: Instant = 1_767_225_600 * MICROSECONDS
LEASE = 15 * MICROSECONDS

KNOWN = {("p", 1): 1}

PARKING = Parking(
    category="repair",
    code="incomplete",
    signature="v1:abc",
    reason="a line lacks its product",
    owner="order-desk",
    severity=2,
)


def a_start(run_id: str, subject: str = "", **facts: Any) -> RunStart:
    """A run of its own subject, unless it shares one."""
    fields: dict[str, Any] = {"process": "p", "version": 1, "input": b"{}"} | facts
    return RunStart(run_id=run_id, subject=subject or run_id, **fields)


def an_event(type_: str = "happened", subject: str = "s") -> Outgoing:
    return Outgoing(type_, subject, b"{}")


def a_row(step: str, state: StepState = StepState.DONE, payload: bytes = b"1", attempts: int = 1) -> JournalRow:
    return JournalRow(step, state, payload, attempts, NOW)


def an_end(claimed: ClaimedRun, state: RunState = RunState.DONE, **facts: Any) -> Commit:
    """The end of an execution."""
    return Commit(run_id=claimed.run_id, epoch=claimed.epoch, transition=Transition(state=state, **facts))


async def apply(store: SqlStore, *commits: Commit, now: Instant = NOW) -> Sequence[Outcome]:
    return await store.apply(commits, now)


async def start(store: SqlStore, *starts: RunStart, now: Instant = NOW) -> None:
    await store.apply([Commit(starts=starts)], now)


async def claim(
    store: SqlStore, worker_id: str = "w1", count: int = 100, queue: str = READY_QUEUE, now: Instant = NOW
) -> Sequence[ClaimedRun]:
    return await store.claim(worker_id, KNOWN, {queue: count}, now)


async def claim_one(store: SqlStore, worker_id: str = "w1") -> ClaimedRun:
    (claimed,) = await claim(store, worker_id)
    return claimed


async def states(store: SqlStore) -> dict[str, RunState]:
    """Where each run stands."""
    return {view.run_id: view.state for view in await store.list_runs(limit=1_000)}


async def state_of(store: SqlStore, run_id: str) -> RunState:
    view = await store.find_run(run_id)
    assert view is not None
    return view.state


async def registered(store: SqlStore, *worker_ids: str, now: Instant = NOW) -> None:
    """Several workers: on SQLite only one may be, so its own ceremony is left out."""

    def register(tx: Transaction) -> None:
        for worker_id in worker_ids:
            register_worker(tx, worker_id, KNOWN, now, now + LEASE)

    await store._write(register)


async def analyse(store: SqlStore) -> None:
    """Have PostgreSQL count what is there now: what it plans next rests on this, and on nothing older."""

    def count(tx: Transaction) -> None:
        if tx.locks:
            tx.execute("ANALYZE run")

    await store._write(count)


async def plan_of(store: SqlStore, sql: str, parameters: Sequence[Any], *, trusting: bool = False) -> str:
    """In lower case, how the database says that it would carry out `sql`; on SQLite `b-tree` is a sort."""

    def explain(tx: Transaction) -> str:
        if trusting:
            tx.trust_indexes()
        if not tx.locks:
            return str(tx.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()).lower()
        return str(tx.execute(f"EXPLAIN {sql}", parameters).fetchall()).lower()

    return await store._write(explain)
