"""The network does to a call what networks do, and the caller hears no more of it than callers do."""

import asyncio
from contextvars import copy_context

import pytest
from tests.rehearsal.conftest import Play

from crossdock.kit.errors import OutcomeUnknown, Throttled, Unavailable
from crossdock.rehearsal.chance import Chance
from crossdock.rehearsal.loop import VirtualLoop
from crossdock.rehearsal.machine import Machine
from crossdock.rehearsal.network import Link, Trouble


class Books:
    """A system that writes down each call that lands."""

    def __init__(self) -> None:
        self.entries: list[float] = []

    def enter(self) -> int:
        self.entries.append(asyncio.get_running_loop().time())
        return len(self.entries)


@pytest.fixture
def books() -> Books:
    return Books()


def link(loop: VirtualLoop, trouble: Trouble | None = None, seconds: float = 0.0) -> Link:
    """A way on which the first call of each key meets trouble."""

    def trouble_of(call: object) -> tuple[Trouble, float] | None:
        return (trouble, seconds) if trouble and getattr(call, "number", 0) == 1 else None

    return Link(loop, copy_context(), Chance(1), "erp", trouble_of=trouble_of, timeout_seconds=5)


async def write(link: Link, books: Books) -> int:
    return await link.call("place", "K", books.enter, writes=True)


def test_an_answer_takes_its_way_there_and_back(loop: VirtualLoop, play: Play, books: Books) -> None:
    assert play(write(link(loop), books)) == 1
    assert 0 < books.entries[0] < loop.time()


@pytest.mark.parametrize(
    ("trouble", "landed"),
    [("request_lost", 0), ("answer_lost", 1), ("answer_late", 1), ("lands_late", 1)],
)
def test_a_write_nobody_answered_may_have_landed(
    loop: VirtualLoop, play: Play, books: Books, trouble: Trouble, landed: int
) -> None:
    with pytest.raises(OutcomeUnknown):
        play(write(link(loop, trouble, 20), books))
    assert loop.time() == 5
    play(asyncio.sleep(60))
    assert len(books.entries) == landed


def test_a_question_nobody_answered_may_be_asked_again(loop: VirtualLoop, play: Play, books: Books) -> None:
    with pytest.raises(Unavailable):
        play(link(loop, "answer_lost").call("find", "K", books.enter))


def test_what_lands_late_lands_after_the_caller_gave_up(loop: VirtualLoop, play: Play, books: Books) -> None:
    with pytest.raises(OutcomeUnknown):
        play(write(link(loop, "lands_late", 20), books))
    assert books.entries == []
    play(asyncio.sleep(60))
    assert 20 < books.entries[0] < 21


def test_something_on_the_way_may_send_it_again(loop: VirtualLoop, play: Play, books: Books) -> None:
    assert play(write(link(loop, "lands_twice", 3), books)) == 1
    play(asyncio.sleep(10))
    assert len(books.entries) == 2


@pytest.mark.parametrize(("trouble", "fault"), [("refused", Unavailable), ("throttled", Throttled)])
def test_a_refused_call_has_done_nothing(
    loop: VirtualLoop, play: Play, books: Books, trouble: Trouble, fault: type[Exception]
) -> None:
    way = link(loop, trouble, 9)
    with pytest.raises(fault):
        play(write(way, books))
    assert books.entries == []
    assert play(write(way, books)) == 1


def test_a_call_lands_although_its_machine_died(loop: VirtualLoop, play: Play, books: Books) -> None:
    machine = Machine(loop, "worker-1")
    machine.begin(write(link(loop), books))
    machine.after_turns(1, machine.kill)
    play(asyncio.sleep(1))
    assert len(books.entries) == 1


def test_a_dead_system_refuses_connections_and_a_hung_one_says_nothing(
    loop: VirtualLoop, play: Play, books: Books
) -> None:
    way = link(loop)
    way.weather.down = True
    with pytest.raises(Unavailable):
        play(write(way, books))
    way.weather.down, way.weather.hung = False, True
    with pytest.raises(OutcomeUnknown):
        play(write(way, books))
    assert books.entries == []


def test_a_system_takes_no_more_than_its_rate(loop: VirtualLoop, play: Play, books: Books) -> None:
    way = link(loop)
    way.weather.rate_per_second = 10

    async def crowd() -> list[object]:
        return await asyncio.gather(*(write(way, books) for _ in range(50)), return_exceptions=True)

    answers = play(crowd())
    refused = [answer for answer in answers if isinstance(answer, Throttled)]
    assert len(refused) + len(books.entries) == 50
    assert 10 <= len(books.entries) <= 12
    assert all(answer.retry_after_seconds and answer.retry_after_seconds > 0 for answer in refused)


def test_latency_does_not_depend_on_other_calls(loop: VirtualLoop, play: Play, books: Books) -> None:
    async def alone() -> float:
        await write(link(loop), books)
        return loop.time()

    async def in_company() -> float:
        way, began = link(loop), loop.time()
        await asyncio.gather(way.call("place", "other", books.enter, writes=True), write(way, books))
        await asyncio.sleep(1 - (loop.time() - began))
        return 0.0

    play(alone())
    first = books.entries[0]
    began = loop.time()
    play(in_company())
    assert any(abs(at - began - first) < 1e-9 for at in books.entries[1:])
