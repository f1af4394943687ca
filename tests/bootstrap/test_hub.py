"""What the hub is put together from hears of each other."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.hubs import a_hub

from crossdock.adapters.memory.adapter import MemoryDock
from crossdock.ports.usage import ApiUsage

pytestmark = pytest.mark.anyio


async def test_what_a_system_says_of_its_quota_reaches_its_lane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listeners: list[Callable[[ApiUsage], None]] = []
    monkeypatch.setattr(MemoryDock, "usage", None, raising=False)
    monkeypatch.setattr(MemoryDock, "on_usage", lambda _dock, listener: listeners.append(listener), raising=False)
    async with a_hub(tmp_path, works=False) as (hub, _):
        assert hub.lanes["erp"].state().quota_left is None

        for listener in listeners:
            listener(ApiUsage(99_900, 100_000, at=hub.clock.now()))

        state = hub.lanes["erp"].state()
        assert (state.quota_left, state.priority_ceiling) == (100, 1)
