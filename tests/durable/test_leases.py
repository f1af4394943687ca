"""Who may have lost its lease sends nothing more, and the system it was meant for is not blamed."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.durable.conftest import Begin
from tests.durable.recipes import World, a_process

from crossdock.durable.lanes import guard
from crossdock.durable.lease import CURRENT_LEASE, Lease, LeaseOver, check_lease
from crossdock.durable.records import RunState
from crossdock.durable.run import Run
from crossdock.kit.clock import ManualClock

pytestmark = pytest.mark.anyio


def test_a_lease_holds_for_a_little_less_than_the_store_counts() -> None:
    clock = ManualClock()
    lease, held = Lease(clock, 10), list[bool]()
    for seconds in (0, 8.9, 0.2):
        clock.advance(seconds)
        if not held:
            lease.renew(clock.now())
        held.append(lease.holds)
    assert held == [True, True, False]


def test_a_lease_counts_from_when_it_was_asked_for() -> None:
    clock = ManualClock()
    lease, asked_at = Lease(clock, 10), clock.now()
    clock.advance(6)
    lease.renew(asked_at)
    clock.advance(4)
    assert not lease.holds


def test_a_lease_that_was_lost_does_not_come_back_by_itself() -> None:
    clock = ManualClock()
    lease = Lease(clock, 10)
    lease.renew(clock.now())
    lease.give_up()
    assert not lease.holds


def test_work_that_nobody_else_could_do_needs_no_lease() -> None:
    check_lease("erp")


def test_work_under_a_lease_that_is_over_may_not_leave() -> None:
    CURRENT_LEASE.set(Lease(ManualClock(), 10))
    with pytest.raises(LeaseOver):
        check_lease("erp")
    CURRENT_LEASE.set(None)


def _nothing() -> None:
    """It is not stopped."""


class Erp:
    """An ERP whose dock looks first; the first time, its worker is stopped between the two."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.stop: Callable[[], None] = _nothing

    async def submit(self, key: str) -> str:
        await self.world.find("order", key)
        stop, self.stop = self.stop, _nothing
        stop()
        try:
            check_lease("erp")
        except LeaseOver:
            self.world.calls.append("kept back")
            raise
        return str(await self.world.write("order", key))


async def test_a_worker_that_stood_still_between_looking_and_writing_does_not_write(
    begin: Begin, world: World
) -> None:
    erp, docks = Erp(world), list[Any]()

    async def body(run: Run, _: object) -> str:
        return await run.step("submit", docks[0].submit, returns=str)

    process = a_process(body)
    engine = await begin(process, lease_seconds=30.0)
    docks.append(guard(engine.lanes["erp"], erp, ["submit"]))
    erp.stop = lambda: engine.clock.advance(40)
    run_id = await engine.start(process, "1", 1)
    await engine.until(lambda: "kept back" in world.calls)
    assert engine.lanes["erp"].closure() is None
    await engine.advance(11, steps=11)
    assert world.calls[:2] == ["find order", "kept back"]
    assert world.calls[-2:] == ["find order", "order"]
    assert world.counts["order"] == 1
    assert (await engine.view(run_id)).state is RunState.DONE
