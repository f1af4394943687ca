"""Several workers share what the systems bear, and what one leaves behind the others go on with at once."""

import asyncio
import signal
from pathlib import Path

import pytest
from tests.entrypoints.worker.several import (
    an_erp,
    at_once,
    crew,
    hand_in,
    held_by,
    lane_calls,
    onlooker,
    overrun,
    write_deployment,
)
from tests.hubs import eventually

from crossdock.adapters.memory.simulator.calls import Call
from crossdock.adapters.memory.simulator.faults import Latency
from crossdock.adapters.memory.simulator.server import MemoryErp
from crossdock.bootstrap.hub import Hub
from crossdock.durable.records import RunState, StepState
from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.entrypoints.worker.running import FORCED
from crossdock.kit.clock import MICROSECONDS

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

RATE, BURST, IN_FLIGHT = 20.0, 10, 3
WINDOWS_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0)
ORDERS = 60
PATIENCE_SECONDS = 90.0


async def all_done(hub: Hub, count: int) -> bool:
    return await hub.store.count_runs() == {RunState.DONE: count}


async def wait_for_calls(erp: MemoryErp, count: int) -> None:
    async def made() -> bool:
        return len(lane_calls(erp)) >= count

    await eventually(made, within_seconds=PATIENCE_SECONDS)


async def test_a_rate_and_a_number_at_once_hold_over_workers_that_come_and_go(
    tmp_path: Path, postgres_dsn: str, request: pytest.FixtureRequest
) -> None:
    count = int(request.config.getoption("--lane-workers"))
    async with an_erp() as erp:
        folder = write_deployment(tmp_path, postgres_dsn, erp, in_flight_max=IN_FLIGHT, rate_per_second=RATE)
        erp.surface.faults.add(Latency(seconds=0.1, times=0))
        with crew(folder) as members:
            async with onlooker(folder) as hub:
                first, second, *_ = await asyncio.gather(
                    *(asyncio.to_thread(members.worker) for _ in range(count))
                )
                await hand_in(hub, ORDERS)
                await wait_for_calls(erp, 40)
                assert await asyncio.to_thread(first.end) == ExitCode.OK
                second.process.kill()
                await asyncio.to_thread(members.worker)
                await eventually(lambda: all_done(hub, ORDERS), within_seconds=PATIENCE_SECONDS)
        calls = lane_calls(erp)
        assert len({member.name for member in members.processes}) == count + 1
        assert len({call.session for call in calls}) >= 2, "the work was shared"
        overruns = {seconds: overrun(calls, RATE, BURST, IN_FLIGHT, seconds) for seconds in WINDOWS_SECONDS}
        assert max(overruns.values()) <= 0, overruns
        assert at_once(calls) <= IN_FLIGHT + 1, "and one that the killed worker had left behind"
        assert len(erp.surface.ledger.orders()) == ORDERS


def test_the_count_itself_finds_workers_that_do_not_share() -> None:
    def calls(per_second: float, seconds: int) -> list[Call]:
        step = MICROSECONDS / per_second
        count = round(per_second * seconds)
        return [
            Call(path="/orders", at=round(n * step), session=0, until=round(n * step) + 1) for n in range(count)
        ]

    assert overrun(calls(20.0, 10), 20.0, 10, 3, 2.0) <= 0
    assert overrun(calls(60.0, 10), 20.0, 10, 3, 2.0) > 0
    assert at_once([Call(path="/", at=0, until=10, session=0), Call(path="/", at=5, until=9, session=1)]) == 2


async def test_a_worker_that_is_told_to_stop_hands_over_what_it_cannot_finish(
    tmp_path: Path, postgres_dsn: str
) -> None:
    async with an_erp() as erp:
        folder = write_deployment(tmp_path, postgres_dsn, erp, in_flight_max=2)
        with crew(folder) as members:
            async with onlooker(folder) as hub:
                leaving = await asyncio.to_thread(members.worker)
                erp.surface.faults.add(Latency(on="/orders", seconds=600, times=2))
                run_ids = await hand_in(hub, 6)
                await eventually(lambda: under_way(hub, run_ids, 2))
                leaving.tell(signal.SIGTERM)
                assert await asyncio.to_thread(leaving.wait) == ExitCode.OK
                assert held_by(postgres_dsn, leaving.name) == (0, 0), "nobody has to wait for its lease to end"
                await asyncio.to_thread(members.worker)
                await eventually(lambda: all_done(hub, 6), within_seconds=PATIENCE_SECONDS)
        assert len(erp.surface.ledger.orders()) == 6


async def test_a_second_signal_stops_at_once_and_loses_nothing(tmp_path: Path, postgres_dsn: str) -> None:
    async with an_erp() as erp:
        folder = write_deployment(tmp_path, postgres_dsn, erp, in_flight_max=2)
        with crew(folder) as members:
            async with onlooker(folder) as hub:
                leaving = await asyncio.to_thread(members.worker)
                erp.surface.faults.add(Latency(on="/orders", seconds=600, times=1))
                run_ids = await hand_in(hub, 1)
                await eventually(lambda: under_way(hub, run_ids, 1))
                leaving.tell(signal.SIGTERM)
                await asyncio.to_thread(leaving.read_until, "stopping")
                leaving.tell(signal.SIGTERM)
                assert await asyncio.to_thread(leaving.wait) == FORCED
                runs, known = held_by(postgres_dsn, leaving.name)
                assert (runs, known) == (1, 1), "it said good-bye to nobody: its lease ends by itself"


async def under_way(hub: Hub, run_ids: list[str], count: int) -> bool:
    """Whether so many of the runs have announced a write and not heard its answer."""
    views = [await hub.store.find_run(run_id) for run_id in run_ids]
    states = [{row.step: row.state for row in view.journal} for view in views if view]
    return sum(state.get("submit_to_erp") is StepState.INTENT for state in states) >= count


async def test_a_hub_that_does_not_work_takes_orders_and_a_worker_carries_them_out(
    tmp_path: Path, postgres_dsn: str
) -> None:
    async with an_erp() as erp:
        folder = write_deployment(tmp_path, postgres_dsn, erp, in_flight_max=4)
        with crew(folder) as members:
            async with onlooker(folder) as hub:
                await asyncio.to_thread(members.start, "up", "--no-work", "--port", "0")
                await hand_in(hub, 3)
                assert await hub.store.count_runs() == {RunState.READY: 3}
                await asyncio.to_thread(members.start, "worker", "--port", "0")
                await eventually(lambda: all_done(hub, 3), within_seconds=PATIENCE_SECONDS)
