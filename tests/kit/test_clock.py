"""Time is a port: instants compare and add, and a manual clock wakes sleepers in order."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.kit.clock import (
    MICROSECONDS,
    ManualClock,
    SteadyClock,
    SystemClock,
    from_datetime,
    iso,
    seconds_to_us,
    to_datetime,
)

moments = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments)
def test_an_instant_is_its_moment_to_the_microsecond(moment: datetime) -> None:
    assert to_datetime(from_datetime(moment)) == moment


def test_the_same_moment_in_another_zone_is_the_same_instant() -> None:
    noon = datetime(2026, 3, 29, 12, tzinfo=UTC)
    assert from_datetime(noon.astimezone(timezone(timedelta(hours=5, minutes=45)))) == from_datetime(noon)


def test_a_datetime_without_zone_names_no_moment() -> None:
    with pytest.raises(ValueError, match="names no moment"):
        from_datetime(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    assert iso(1_767_225_600_123_999) == "2026-01-01T00:00:00.123Z"


class Watch:
    """A wall clock that can be set, and an even count of microseconds."""

    def __init__(self) -> None:
        self.wall = 1_000 * MICROSECONDS
        self.elapsed = 0
        self.clock = SteadyClock(lambda: self.wall, lambda: self.elapsed)

    def pass_time(self, seconds: float) -> int:
        before = self.clock.now()
        self.wall += seconds_to_us(seconds)
        self.elapsed += seconds_to_us(seconds)
        return self.clock.now() - before


@pytest.mark.parametrize("set_by", [-3_600, -1, 1, 3_600])
def test_a_clock_that_is_set_neither_jumps_nor_goes_back_and_follows_slowly(set_by: float) -> None:
    watch = Watch()
    watch.wall += seconds_to_us(set_by)
    for _ in range(100):
        assert 0.95 * MICROSECONDS <= watch.pass_time(1) <= 1.05 * MICROSECONDS
    off = abs(watch.wall - watch.clock.now())
    assert off == max(0, seconds_to_us(abs(set_by)) - 5 * MICROSECONDS)


def test_a_clock_that_nobody_sets_is_the_walls() -> None:
    watch = Watch()
    for seconds in (0.0001, 3, 0.5, 86_400):
        watch.pass_time(seconds)
        assert watch.clock.now() == watch.wall


@pytest.mark.anyio
async def test_a_manual_clock_wakes_who_is_due_in_order_and_nobody_else() -> None:
    clock, woken = ManualClock(), list[str]()

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    tasks = [
        asyncio.create_task(sleeper(*each)) for each in (("late", 3), ("second", 1), ("third", 1), ("now", 0))
    ]
    await asyncio.sleep(0.001)
    assert woken == ["now"]
    clock.advance(1)
    await asyncio.sleep(0.001)
    assert woken == ["now", "second", "third"]
    began = clock.now()
    clock.advance(10)
    await asyncio.gather(*tasks)
    assert woken[-1] == "late"
    assert clock.now() - began == seconds_to_us(10)


@pytest.mark.anyio
async def test_a_sleeper_that_gave_up_does_not_stop_the_clock() -> None:
    clock = ManualClock()
    gone, there = (asyncio.create_task(clock.sleep(1)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    clock.advance(2)
    await there
    assert gone.cancelled()


def test_the_systems_clock_goes_forward() -> None:
    clock = SystemClock()
    assert clock.now() <= clock.now()
    assert clock.now() > from_datetime(datetime(2026, 1, 1, tzinfo=UTC))
