"""The pump: works while there is work, tries again what failed, and rings at the nearest instant."""

from collections.abc import Awaitable, Callable

import pytest
from tests.durable.lanes.stage import pass_time, settle

from crossdock.durable.lanes.pump import Pump
from crossdock.kit.clock import MICROSECONDS, Instant, ManualClock

pytestmark = pytest.mark.anyio


class Works:
    """So many fetches to do, some of which fail."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.left = 0
        self.failures = 0
        self.turns: list[Instant] = []
        self.troubles: list[str] = []
        self.pump = Pump(clock, need=self.need, turn=self.turn, on_trouble=self.troubles.append)

    def need(self, _now: Instant) -> Callable[[], Awaitable[None]] | None:
        return self.fetch if self.left else None

    async def fetch(self) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("gone")
        self.left -= 1

    def turn(self) -> None:
        self.turns.append(self.clock.now())
        self.pump.look(self.clock.now())


@pytest.fixture
def works(clock: ManualClock) -> Works:
    return Works(clock)


async def test_it_fetches_until_nothing_is_short(works: Works, clock: ManualClock) -> None:
    works.left = 3
    works.pump.look(clock.now())
    await settle()
    assert works.left == 0
    assert len(works.turns) == 3


async def test_what_failed_is_tried_again_each_second_and_told_once(works: Works, clock: ManualClock) -> None:
    works.left, works.failures = 1, 3
    works.pump.look(clock.now())
    await pass_time(clock, 2.9)
    assert (works.left, works.pump.trouble) == (1, "the ledger does not answer: ConnectionError")
    for _ in range(10):
        works.pump.look(clock.now())  # whoever comes meanwhile does not hurry it
    await settle()
    assert works.failures == 0
    await pass_time(clock, 0.1)
    assert (works.left, works.pump.trouble) == (0, "")
    assert len(works.troubles) == 1


async def test_the_alarm_rings_at_the_nearest_instant(works: Works, clock: ManualClock) -> None:
    now = clock.now()
    for seconds in (5, 2, 3):
        works.pump.wake_at(now + seconds * MICROSECONDS)
    await pass_time(clock, 10)
    assert works.turns == [now + 2 * MICROSECONDS]


async def test_after_closing_no_alarm_rings(works: Works, clock: ManualClock) -> None:
    works.pump.wake_at(clock.now() + MICROSECONDS)
    await works.pump.close()
    works.pump.wake_at(clock.now() + MICROSECONDS)
    await pass_time(clock, 10)
    assert works.turns == []
