"""The floor: bare keyed group commit. Six journal rows per order, one after another, and nothing else.

No runs, no leases, no inbox, no outbox, no stock, no process: what the database and one event loop can do at
all. Same durability settings, same drivers, same concurrency as the hub that is measured beside it.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import psycopg

STEPS = 6
PAYLOAD = b'{"step":"result","of":"about two hundred bytes","as":"a real step returns them"}'.ljust(200, b" ")
Row = tuple[str, str, str, bytes, int, int]
Write = Callable[[Sequence[Row]], None]
Call = Callable[[int], Awaitable[object]]

_TABLE = (
    "CREATE TABLE journal (run_id TEXT, step TEXT, state TEXT NOT NULL, payload {blob} NOT NULL, "
    "attempts INTEGER NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (run_id, step)) {tail}"
)


def sqlite_writer(path: Path) -> Write:
    """Writes batches into a fresh SQLite file, WAL, synchronous=FULL."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    connection.execute(_TABLE.format(blob="BLOB", tail="WITHOUT ROWID"))

    def write(rows: Sequence[Row]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")

    return write


def postgres_writer(address: str) -> Write:
    """Writes batches into a fresh PostgreSQL database, synchronous_commit as the server has it."""
    connection = psycopg.connect(address)
    connection.execute(_TABLE.format(blob="BYTEA", tail=""))
    connection.commit()
    arrays = b"%s::text[], %s::text[], %s::text[], %s::bytea[], %s::int[], %s::bigint[]"
    sql = b"INSERT INTO journal SELECT * FROM unnest(" + arrays + b")"

    def write(rows: Sequence[Row]) -> None:
        connection.execute(sql, [list(column) for column in zip(*rows, strict=True)])
        connection.commit()

    return write


class GroupCommit:
    """Gathers whatever rows are pending and writes them in one transaction, in a thread of its own."""

    def __init__(self, write: Write) -> None:
        self.transactions = 0
        self._write = write
        self._thread = ThreadPoolExecutor(1)
        self._pending: list[tuple[Row, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._committer = asyncio.get_running_loop().create_task(self._commit_forever())
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._committer.cancel()
        self._thread.shutdown()

    def put(self, row: Row) -> asyncio.Future[None]:
        """Done when the row is durable."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((row, future))
        self._wake.set()
        return future

    async def _commit_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            await asyncio.sleep(0)
            self._wake.clear()
            batch, self._pending = self._pending, []
            if not batch:
                continue
            await loop.run_in_executor(self._thread, self._write, [row for row, _ in batch])
            self.transactions += 1
            for _, future in batch:
                future.set_result(None)


async def run_floor(write: Write, orders: int, concurrency: int, call: Call | None = None) -> float:
    """Seconds for so many orders; with `call`, each makes one outside call half-way."""
    loop = asyncio.get_running_loop()
    numbers = iter(range(orders))

    async def worker(journal: GroupCommit) -> None:
        for number in numbers:
            for step in range(STEPS):
                name = f"order_submission/F-{number:07d}"
                await journal.put((name, f"step-{step}", "done", PAYLOAD, 1, number))
                if call is not None and step == STEPS // 2:
                    await call(number)

    async with GroupCommit(write) as journal:
        began = loop.time()
        await asyncio.gather(*(worker(journal) for _ in range(concurrency)))
        return loop.time() - began
