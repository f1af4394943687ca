"""Virtual machines die, stand still and have their clocks set, as real ones do."""

import asyncio
from contextvars import copy_context

import pytest
from tests.rehearsal.conftest import Play

from crossdock.durable.store import StoreUnavailable
from crossdock.kit.clock import MICROSECONDS
from crossdock.rehearsal.loop import VirtualLoop
from crossdock.rehearsal.machine import Machine
from crossdock.rehearsal.store_line import StoreLine


@pytest.fixture
def machine(loop: VirtualLoop) -> Machine:
    return Machine(loop, "worker-1")


class Diary:
    """What a machine did, second by second."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.farewell = False

    async def keep(self) -> None:
        try:
            while True:
                await asyncio.sleep(1)
                self.seconds.append(asyncio.get_running_loop().time())
        finally:
            self.farewell = True


def test_a_dead_machine_does_nothing_more_not_even_finally(machine: Machine, play: Play) -> None:
    diary = Diary()
    machine.begin(diary.keep())
    play(asyncio.sleep(3.5))
    machine.kill()
    play(asyncio.sleep(10))
    assert diary.seconds == [1, 2, 3]
    assert not diary.farewell


def test_what_a_machine_began_dies_with_it(machine: Machine, play: Play) -> None:
    diary = Diary()

    async def delegate() -> None:
        await asyncio.create_task(diary.keep())

    machine.begin(delegate())
    play(asyncio.sleep(1.5))
    machine.kill()
    play(asyncio.sleep(5))
    assert diary.seconds == [1]


def test_a_machine_can_die_between_any_two_turns(loop: VirtualLoop, play: Play) -> None:
    reached = []
    for turns in range(1, 12):
        machine, diary = Machine(loop, "worker"), Diary()
        machine.after_turns(turns, machine.kill)
        machine.begin(diary.keep())
        play(asyncio.sleep(20))
        assert not machine.alive
        reached.append(len(diary.seconds))
    assert reached == sorted(reached)
    assert reached[0] < reached[-1]


def test_a_machine_that_stood_still_goes_on_with_what_was_due(machine: Machine, play: Play) -> None:
    diary = Diary()
    machine.begin(diary.keep())
    play(asyncio.sleep(1.5))
    machine.pause()
    play(asyncio.sleep(10))
    assert diary.seconds == [1]
    machine.resume()
    play(asyncio.sleep(1.5))
    assert diary.seconds == [1, 11.5, 12.5]


@pytest.mark.parametrize("seconds", [-3_600, 3_600])
def test_setting_a_clock_wakes_nobody(machine: Machine, loop: VirtualLoop, play: Play, seconds: float) -> None:
    other = Machine(loop, "worker-2")
    before = machine.clock.now()
    machine.wall.jump(seconds)
    play(machine.clock.sleep(10))
    assert loop.time() == 10
    assert 9 * MICROSECONDS < machine.clock.now() - before < 11 * MICROSECONDS
    assert other.clock.now() - before == 10 * MICROSECONDS


class Database:
    """Counts what it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def answer(self) -> int:
        self.asked += 1
        return self.asked


@pytest.fixture
def line(loop: VirtualLoop) -> StoreLine:
    return StoreLine(loop, copy_context(), unit=lambda: 0.5)


async def question(loop: VirtualLoop, line: StoreLine, database: Database) -> int:
    return await loop.run_in_executor(line, database.answer)


def test_a_database_takes_its_time(loop: VirtualLoop, line: StoreLine, play: Play) -> None:
    assert play(question(loop, line, Database())) == 1
    assert 0 < loop.time() < 0.1


def test_a_database_that_refuses_has_done_nothing(loop: VirtualLoop, line: StoreLine, play: Play) -> None:
    database = Database()
    line.refuse_next = 1
    with pytest.raises(StoreUnavailable):
        play(question(loop, line, database))
    assert database.asked == 0
    assert play(question(loop, line, database)) == 1


def test_a_commit_whose_answer_is_late_has_happened(loop: VirtualLoop, line: StoreLine, play: Play) -> None:
    database = Database()
    line.answer_late_seconds = 60
    asked = loop.create_task(question(loop, line, database))
    play(asyncio.sleep(1))
    assert database.asked == 1
    assert not asked.done()
    play(asyncio.sleep(60))
    assert asked.result() == 1


def test_what_a_dead_machine_asked_of_the_database_still_happens(
    loop: VirtualLoop, machine: Machine, line: StoreLine, play: Play
) -> None:
    database, heard = Database(), []

    async def ask() -> None:
        heard.append(await question(loop, line, database))

    machine.begin(ask())
    machine.after_turns(1, machine.kill)
    play(asyncio.sleep(1))
    assert database.asked == 1
    assert heard == []
