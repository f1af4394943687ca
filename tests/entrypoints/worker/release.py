"""A worker of release N-1 or N, in a process of its own: `python -m tests.entrypoints.worker.release 1 DSN`.

N has the process in version 2, with a step added, goes on with what N-1 began, and migrates the database further.
The outside world is a table that takes every write that reaches it, however often.
"""

import asyncio
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from crossdock.durable.committer import Committer
from crossdock.durable.lanes import Lanes
from crossdock.durable.process import Process
from crossdock.durable.run import Run
from crossdock.durable.worker import Worker
from crossdock.kit.clock import SystemClock
from crossdock.storage import migrate
from crossdock.storage.postgres import PostgresStore

NAME = "upgraded"
STEPS = {1: ("hold", "submit"), 2: ("hold", "check", "submit")}
CALL_SECONDS = 0.05
RUNS_MAX = 40
WORLD = "CREATE TABLE world (id bigserial, run_id text, step text, version int)"

MIGRATION = '''
"""What release N adds."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", {head!r}, None, None
def upgrade() -> None:
    op.add_column("run", sa.Column("added_by_n", sa.Text(), nullable=False, server_default=""))
    op.create_table("added_by_n", sa.Column("id", sa.Text(), primary_key=True))
'''


class World:
    """Writes, and finds what was written."""

    def __init__(self, line: psycopg.AsyncConnection[Any], version: int) -> None:
        self._line = line
        self._version = version

    async def write(self, run_id: str, step: str) -> str:
        await asyncio.sleep(CALL_SECONDS)
        sql = "INSERT INTO world (run_id, step, version) VALUES (%s, %s, %s)"
        await self._line.execute(sql, (run_id, step, self._version))
        return step

    async def find(self, run_id: str, step: str) -> str | None:
        found = await self._line.execute("SELECT 1 FROM world WHERE run_id = %s AND step = %s", (run_id, step))
        return step if await found.fetchone() else None


def recipe(version: int, world: World | None = None) -> Process[Any]:
    """The process as that release has it."""

    async def body(run: Run, _value: Any) -> None:
        assert world is not None
        for step in STEPS[version]:
            await run.step(
                step,
                lambda _key, step=step: world.write(run.run_id, step),  # type: ignore[misc]
                recall=lambda _key, step=step: world.find(run.run_id, step),  # type: ignore[misc]
                returns=str,
            )

    continues = tuple(range(1, version))
    return Process(NAME, version, object, body, lambda value: f"{NAME}/{value}", continues=continues)


def with_the_next_migration(folder: Path) -> Path:
    """Our migrations and one more."""
    copy = folder / "migrations"
    shutil.copytree(migrate.MIGRATIONS, copy)
    head = max(path.name.partition("_")[0] for path in (copy / "versions").glob("[0-9]*.py"))
    (copy / "versions" / "9999_what_n_adds.py").write_text(MIGRATION.format(head=head))
    return copy


async def work(version: int, dsn: str) -> None:
    """Until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    clock = SystemClock()
    store = PostgresStore(dsn, clock)
    await store.open()
    committer = Committer(store, clock)
    committer.start()
    await store.listen()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as line:
        lanes = Lanes(store, clock, "unused", news=store.news)
        processes = [recipe(version, World(line, version))]
        worker = Worker(store, committer, processes, lanes, clock, runs_max=RUNS_MAX)
        await worker.start()
        sys.stdout.write("up\n")
        sys.stdout.flush()
        await stop.wait()
        await worker.stop()
    await committer.close()
    await store.close()


def main(version: int, dsn: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if version > 1:
            migrate.MIGRATIONS = with_the_next_migration(Path(folder))
        asyncio.run(work(version, dsn))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
