"""A day that does not end says what it waits for, order by order, instead of waiting for ever."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from tests.entrypoints.cli.demo.days import accepted, captured, entry, watched

from crossdock.entrypoints.cli.demo import day as demo_day
from crossdock.entrypoints.cli.demo.day import Day
from crossdock.entrypoints.cli.demo.open_ends import open_ends
from crossdock.kit.errors import Unavailable

pytestmark = pytest.mark.anyio

HANDED = {f"O-{index}": entry(index) for index in range(1, 4)}


def test_what_is_open_is_told_with_what_it_waits_for() -> None:
    watch = watched(captured("O-1"), accepted("O-1", "S1"), captured("O-2"))
    words = open_ends(HANDED, watch, {"O-2": "erp: closed"})
    assert words == "1 captured, waiting for erp: closed (O-2); 1 typed into Salesforce and not in the hub (O-3)"


def test_a_day_that_has_ended_waits_for_nothing() -> None:
    assert open_ends({"O-1": entry(1)}, watched(captured("O-1"), accepted("O-1", "S1")), {}) == ""


def a_stuck_day(monkeypatch: pytest.MonkeyPatch) -> tuple[Day, list[str]]:
    """Of two orders one never reaches the hub, and patience is short."""
    monkeypatch.setattr(demo_day, "STILL_SECONDS_MAX", 0.02)
    monkeypatch.setattr(demo_day, "LOOK_SECONDS", 0.01)
    told: list[str] = []
    stage: Any = SimpleNamespace(
        estate=SimpleNamespace(has_customers=False),
        process=SimpleNamespace(address="http://127.0.0.1:9"),
        hub=None,
        market=None,
    )
    show: Any = SimpleNamespace(tell=told.append)
    day = Day(stage, show, ())
    day.watch = watched(captured("O-1"), accepted("O-1", "S1"))
    monkeypatch.setattr(day, "handed", lambda: {"O-1": entry(1), "O-2": entry(2)})
    monkeypatch.setattr(day, "_handed", 2)
    return day, told


async def test_a_day_on_which_nothing_moves_any_more_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    day, told = a_stuck_day(monkeypatch)
    sending = asyncio.create_task(asyncio.sleep(0))
    await asyncio.wait_for(day._await_ends(sending), 10)
    await day.channels.close()
    assert "1 typed into Salesforce and not in the hub (O-2)" in told[0]


async def test_a_day_whose_orders_cannot_be_handed_in_fails_with_what_is_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    day, _ = a_stuck_day(monkeypatch)
    sending = asyncio.create_task(asyncio.sleep(60))
    with pytest.raises(Unavailable, match="O-2"):
        await asyncio.wait_for(day._await_ends(sending), 10)
    sending.cancel()
    await day.channels.close()
