"""A dock behind its lane."""

from collections.abc import AsyncIterator

import pytest
from tests.durable.lanes.conftest import OpenLane
from tests.durable.lanes.stage import result_of

from crossdock.durable.lanes import CURRENT_PRIORITY, LaneClosed, guard
from crossdock.kit.errors import Unavailable, Unsupported

pytestmark = pytest.mark.anyio


class Erp:
    title = "An ERP"

    def __init__(self) -> None:
        self.submitted: list[str] = []
        self.down = False

    async def submit_order(self, order: str, *, key: str) -> str:
        """Take it."""
        if self.down:
            raise Unavailable("no")
        self.submitted.append(f"{key}: {order}")
        return f"SO-{len(self.submitted)}"

    async def check(self) -> bool:
        return not self.down

    async def changes(self) -> AsyncIterator[int]:
        yield 1


async def test_guarded_methods_go_through_the_lane_and_the_rest_does_not(open_lane: OpenLane) -> None:
    lane, erp = await open_lane(failures_max=2), Erp()
    guarded = guard(lane, erp, ["submit_order"])
    assert await guarded.submit_order("ten lamps", key="XD1") == "SO-1"
    assert erp.submitted == ["XD1: ten lamps"]
    erp.down = True
    assert isinstance(await result_of(guarded.submit_order("x", key="XD2")), Unavailable)
    assert await guarded.check() is False
    assert guarded.title == "An ERP"
    assert [number async for number in guarded.changes()] == [1]


async def test_a_call_that_closes_its_lane_counts_as_not_made(open_lane: OpenLane) -> None:
    lane, erp = await open_lane(failures_max=2), Erp()
    guarded = guard(lane, erp, ["submit_order"])
    erp.down = True
    assert isinstance(await result_of(guarded.submit_order("x", key="XD2")), Unavailable)
    closed = await result_of(guarded.submit_order("x", key="XD2"))
    assert isinstance(closed, LaneClosed)
    assert closed.reason == "breaker"
    assert isinstance(await result_of(guarded.submit_order("x", key="XD2")), LaneClosed)


async def test_priority_and_parent_are_found_from_the_call(open_lane: OpenLane) -> None:
    lane, seen = await open_lane(), []
    call = lane.call

    async def spied(fn: object, *, priority: int | None, parent: str | None) -> object:
        seen.append((priority, parent))
        return await call(fn, priority=priority, parent=parent)  # type: ignore[arg-type]

    lane.call = spied  # type: ignore[method-assign,assignment]
    guarded = guard(
        lane,
        Erp(),
        ["submit_order", "check"],
        priority_of=lambda method, *_args, **_facts: 1 if method == "check" else None,
        parent_of=lambda _method, *args, **_facts: args[0] if args else None,
    )
    await guarded.check()
    token = CURRENT_PRIORITY.set(7)
    await guarded.submit_order("acme", key="XD1")
    CURRENT_PRIORITY.reset(token)
    assert seen == [(1, None), (None, "acme")]


async def test_a_method_the_dock_does_not_have_is_found_out_at_the_start(open_lane: OpenLane) -> None:
    lane = await open_lane()
    with pytest.raises(Unsupported, match="no method refund"):
        guard(lane, Erp(), ["refund"])
