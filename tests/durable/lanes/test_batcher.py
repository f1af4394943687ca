"""Batches: when they go, what is in them, and what each item gets back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from tests.durable.lanes.conftest import OpenLane
from tests.durable.lanes.stage import Stage, result_of, settle

from crossdock.durable.lanes import Batcher, Lane, LaneClosed
from crossdock.kit.errors import Rejected, Unavailable

pytestmark = pytest.mark.anyio
Answer = Sequence[str | Exception]


class Sink:
    """The system at the end of the lane: each batch is answered when the test says so."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.answers: list[asyncio.Future[Answer]] = []

    async def send(self, batch: list[str]) -> Answer:
        self.batches.append(batch)
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]

    async def answer(self, index: int = -1) -> None:
        self.answers[index].set_result([item.upper() for item in self.batches[index]])
        await settle()


OpenBatcher = Callable[..., Awaitable[Batcher[str, str]]]


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def open_batcher(sink: Sink) -> AsyncIterator[OpenBatcher]:
    opened: list[Batcher[str, str]] = []

    async def open_on(lane: Lane, batch_max: int = 3, linger_seconds: float = 1.0) -> Batcher[str, str]:
        def parent_of(item: str) -> str | None:
            return item.partition("/")[0] if "/" in item else None

        opened.append(Batcher(lane, sink.send, batch_max, linger_seconds, parent_of))
        return opened[-1]

    yield open_on
    for batcher in opened:
        await batcher.close()


def submit(batcher: Batcher[str, str], *items: str, priority: int = 5) -> list[asyncio.Task[object]]:
    loop = asyncio.get_running_loop()
    return [loop.create_task(result_of(batcher.submit(item, priority))) for item in items]


async def test_a_full_batch_goes_at_once_and_each_item_gets_its_result(
    open_lane: OpenLane, open_batcher: OpenBatcher, sink: Sink
) -> None:
    tasks = submit(await open_batcher(await open_lane()), "a", "b", "c")
    await settle()
    assert sink.batches == [["a", "b", "c"]]
    await sink.answer()
    assert [task.result() for task in tasks] == ["A", "B", "C"]


async def test_a_lonely_item_goes_after_the_linger(
    open_lane: OpenLane, open_batcher: OpenBatcher, sink: Sink, stage: Stage
) -> None:
    submit(await open_batcher(await open_lane(), linger_seconds=1.0), "a")
    await stage.pass_time(0.999)
    assert sink.batches == []
    await stage.pass_time(0.001)
    assert sink.batches == [["a"]]


async def test_one_items_failure_is_its_own_and_the_batchs_is_everybodys(
    open_lane: OpenLane, open_batcher: OpenBatcher, sink: Sink
) -> None:
    batcher = await open_batcher(await open_lane(), batch_max=2)
    locked, down = Unavailable("row locked"), Unavailable("503")
    first = submit(batcher, "a", "b")
    await settle()
    sink.answers[-1].set_result(["A", locked])
    second = submit(batcher, "c", "d")
    await settle()
    sink.answers[-1].set_exception(down)
    await settle()
    assert [task.result() for task in first] == ["A", locked]
    assert [task.result() for task in second] == [down, down]


async def test_too_few_results_are_a_bug_that_nobody_overlooks(
    open_lane: OpenLane, open_batcher: OpenBatcher, sink: Sink
) -> None:
    tasks = submit(await open_batcher(await open_lane(), batch_max=2), "a", "b")
    await settle()
    sink.answers[-1].set_result(["A"])
    await settle()
    assert [type(task.result()) for task in tasks] == [RuntimeError, RuntimeError]


async def test_batches_grow_while_the_lane_is_busy(
    open_lane: OpenLane, open_batcher: OpenBatcher, sink: Sink
) -> None:
    batcher = await open_batcher(await open_lane(in_flight_max=1), batch_max=4, linger_seconds=0)
    for item in "abcdefg":
        submit(batcher, item)
        await settle()
    assert sink.batches == [["a"]]
    await sink.answer()
    await sink.answer()
    assert sink.batches == [["a"], ["b", "c", "d", "e"], ["f", "g"]]


async def test_items_of_one_parent_never_travel_in_two_batches_at_a_time(
    open_lane: OpenLane, open_batcher: OpenBatcher, sink: Sink
) -> None:
    batcher = await open_batcher(await open_lane(in_flight_max=5), batch_max=2, linger_seconds=0)
    tasks = submit(batcher, "acme/1", "acme/2", "acme/3", "globex/1", "loner")
    await settle()
    assert sink.batches == [["acme/1", "acme/2"], ["globex/1", "loner"]]
    await sink.answer(1)
    assert len(sink.batches) == 2
    await sink.answer(0)
    assert sink.batches[2:] == [["acme/3"]]
    await sink.answer(2)
    assert all(task.done() for task in tasks)


async def test_the_most_urgent_items_travel_first(
    open_lane: OpenLane, open_batcher: OpenBatcher, sink: Sink, stage: Stage
) -> None:
    lane = await open_lane(in_flight_max=1)
    batcher = await open_batcher(lane, batch_max=2, linger_seconds=0)
    busy = await stage.begin(lane)
    submit(batcher, "late", priority=9)
    submit(batcher, "soon", "sooner", priority=5)
    await settle()
    other = await stage.begin(lane, priority=3)
    submit(batcher, "urgent", priority=0)
    await settle()
    await busy.end()
    assert sink.batches == [["urgent", "soon"]]  # the urgent one drew the batch before the other call
    assert other.waits
    await sink.answer()
    await other.end()
    await settle()
    assert sink.batches[1] == ["sooner", "late"]
    await sink.answer()
    assert lane.state().waiting == 0


async def test_a_closed_lane_sends_all_items_back(
    open_lane: OpenLane, open_batcher: OpenBatcher, sink: Sink
) -> None:
    lane = await open_lane(in_flight_max=1)
    batcher = await open_batcher(lane, batch_max=2, linger_seconds=0)
    tasks = submit(batcher, *"abcdef")
    await settle()
    await lane.pause(actor="ops", reason="a test")
    await settle()
    assert [task.done() for task in tasks] == [False] * 2 + [True] * 4
    assert all(isinstance(task.result(), LaneClosed) for task in tasks[2:])
    await sink.answer()
    assert [task.result() for task in tasks[:2]] == ["A", "B"]
    late = submit(batcher, "g")
    await settle()
    assert isinstance(late[0].result(), LaneClosed)


async def test_a_cancelled_item_does_not_travel_and_the_others_do(
    open_lane: OpenLane, open_batcher: OpenBatcher, sink: Sink, stage: Stage
) -> None:
    batcher = await open_batcher(await open_lane(), batch_max=3)
    first, second = [asyncio.get_running_loop().create_task(batcher.submit(item)) for item in "ab"]
    await settle()
    first.cancel()
    await stage.pass_time(1)
    assert sink.batches == [["b"]]
    second.cancel()
    await sink.answer()
    assert second.cancelled()
    again = submit(batcher, "c", "d", "e")
    await settle()
    await sink.answer()
    assert [task.result() for task in again] == ["C", "D", "E"]


async def test_a_thousand_items_need_as_many_calls_as_batches(open_lane: OpenLane, stage: Stage) -> None:
    lane = await open_lane(in_flight_max=2, waiting_max=5)
    sizes: list[int] = []

    async def send(batch: list[int]) -> list[int | Exception]:
        sizes.append(len(batch))
        await stage.clock.sleep(0.1)
        return [item if item % 7 else Rejected(str(item)) for item in batch]

    batcher: Batcher[int, int] = Batcher(lane, send, 200, 0.05)
    tasks = [asyncio.get_running_loop().create_task(result_of(batcher.submit(item))) for item in range(1000)]
    await stage.pass_time(5)
    assert sizes == [200] * 5
    for item, task in enumerate(tasks):
        result = task.result()
        assert result == item if item % 7 else isinstance(result, Rejected) and result.message == str(item)
