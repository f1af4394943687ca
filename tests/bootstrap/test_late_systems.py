"""A system that is down while the hub starts is used as soon as it answers, without a restart."""

from pathlib import Path

import pytest
from tests.hubs import a_hub, eventually

from crossdock.bootstrap import hub as hub_module
from crossdock.durable.records import RunState
from crossdock.kit.errors import Unavailable
from crossdock.testing.builders import an_order

pytestmark = pytest.mark.anyio


async def test_orders_for_a_system_that_comes_late_go_there_when_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "OPEN_SECONDS_FIRST", 0.01)
    async with a_hub(tmp_path, works=False) as (hub, surface):
        dock, refusals = hub.docks["erp"], 3
        really_open = dock.open

        async def open_late() -> None:
            nonlocal refusals
            if refusals:
                refusals -= 1
                raise Unavailable("connection refused", code="unreachable", system="erp")
            await really_open()

        dock.open = open_late
        await hub.run()
        assert refusals == 2, "the start asks once, and does not wait"
        await eventually(lambda: _answers(hub))
        assert await hub.load_stock()
        await hub.capture.take(an_order())

        async def is_done() -> bool:
            view = await hub.store.find_run("order_submission/O-1001")
            return view is not None and view.state is RunState.DONE

        await eventually(is_done)
        assert len(surface.ledger.orders()) == 1


async def _answers(hub: hub_module.Hub) -> bool:
    return bool((await hub.docks["erp"].check()).ok)
