"""Virtual time: hours pass at once, in a known order, and nothing waits for the real world."""

import asyncio
import time
from random import Random

import pytest
from tests.rehearsal.conftest import Play

from crossdock.rehearsal.loop import Standstill, VirtualLoop


async def order_of_three() -> list[int]:
    seen: list[int] = []

    async def note(number: int) -> None:
        await asyncio.sleep(0)
        seen.append(number)

    await asyncio.gather(*(note(number) for number in range(5)))
    return seen


def test_a_day_passes_at_once(loop: VirtualLoop, play: Play) -> None:
    began = time.monotonic()
    play(asyncio.sleep(86_400))
    assert loop.time() == 86_400
    assert time.monotonic() - began < 60


def test_timers_ring_in_the_order_of_their_times(play: Play) -> None:
    seen: list[float] = []

    async def ring(seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append(seconds)

    async def all_of_them() -> None:
        await asyncio.gather(*(ring(seconds) for seconds in (3, 0.5, 2, 0.25)))

    play(all_of_them())
    assert seen == [0.25, 0.5, 2, 3]


def test_a_timeout_is_over_in_virtual_time(loop: VirtualLoop, play: Play) -> None:
    async def wait_too_long() -> None:
        async with asyncio.timeout(7):
            await loop.create_future()

    with pytest.raises(TimeoutError):
        play(wait_too_long())
    assert loop.time() == 7


def test_waiting_for_what_never_comes_is_a_standstill(loop: VirtualLoop, play: Play) -> None:
    async def wait_for_nothing() -> None:
        await loop.create_future()

    with pytest.raises(Standstill):
        play(wait_for_nothing())


def test_threads_are_turns_of_the_loop(loop: VirtualLoop, play: Play) -> None:
    async def ask() -> int:
        return await loop.run_in_executor(None, lambda: 42)

    assert play(ask()) == 42


def test_a_threads_error_reaches_who_asked(loop: VirtualLoop, play: Play) -> None:
    async def ask() -> float:
        return await loop.run_in_executor(None, lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        play(ask())


def test_the_order_of_what_is_ready_is_the_seeds() -> None:
    orders = set()
    for seed in range(20):
        played = []
        for _again in range(2):
            loop = VirtualLoop(Random(seed).randrange)
            played.append(tuple(loop.run_until_complete(order_of_three())))
            loop.bury()
        assert played[0] == played[1]
        orders.add(played[0])
    assert len(orders) > 10


def test_what_nobody_caught_is_a_fault(loop: VirtualLoop, play: Play) -> None:
    loop.call_soon(lambda: 1 / 0)
    play(asyncio.sleep(1))
    (fault,) = loop.faults
    assert isinstance(fault["exception"], ZeroDivisionError)
    loop.faults.clear()
