"""A run that reaches its limit says what hangs."""

import asyncio
from pathlib import Path

import pytest
from bench.crash.hanging import tell_tasks, tell_what_hangs
from tests.storage.rows import NOW, a_start, an_end, apply, claim, registered, start

from crossdock.storage.sql_store import SqlStore

pytestmark = pytest.mark.anyio


async def test_open_runs_their_holders_and_who_waits_are_told(store: SqlStore, tmp_path: Path) -> None:
    await registered(store, "w1")
    await start(store, a_start("held", "s1"), a_start("behind", "s1"), a_start("over", "s2"))
    over = {run.run_id: run for run in await claim(store)}["over"]
    await apply(store, an_end(over))
    told = "\n".join(await tell_what_hangs(store, tmp_path, now=NOW))
    assert "run held running" in told
    assert "run behind queued" in told
    assert "run over" not in told
    assert "subject s1 held 1" in told
    assert "worker w1" in told
    stuck = asyncio.create_task(asyncio.Event().wait(), name="stuck")
    await asyncio.sleep(0)
    assert any(line.startswith("task stuck at ") for line in tell_tasks())
    stuck.cancel()
