"""Subscriptions: every event at least once, in order, and the cursor moves only with what it caused."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tests.durable.conftest import Begin
from tests.durable.recipes import World, a_process, fault, told
from tests.engine import Engine
from tests.stores import Stores

from crossdock.durable.lanes import LaneClosed
from crossdock.durable.records import Commit, Effect, RunStart, StoredEvent
from crossdock.durable.relay import Relay, Subscription
from crossdock.durable.run import Run
from crossdock.kit.errors import OutcomeUnknown, Unavailable

pytestmark = pytest.mark.anyio


class Reader:
    """Remembers what it was given; fails as told, before or after it took the events."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.faults: list[BaseException | None] = []
        self.starts: list[RunStart] = []

    @property
    def seen(self) -> list[str]:
        return [type_ for batch in self.batches for type_ in batch]

    async def deliver(self, events: Sequence[StoredEvent]) -> Sequence[RunStart | Effect]:
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        self.batches.append([event.type for event in events])
        return self.starts

    def subscription(self, **facts: Any) -> Subscription:
        return Subscription("reader", self.deliver, **facts)


async def publish(engine: Engine, *types: str) -> None:
    await engine.committer.submit(Commit(events=tuple(told(type_) for type_ in types)))


async def passes(engine: Engine, relay: Relay, reader: Reader, count: int) -> None:
    """Let time pass until so many events were seen and the cursor has followed."""

    def reached() -> bool:
        engine.clock.advance(0.05)
        return len(reader.seen) >= count

    await engine.until(reached)
    end = await engine.store.last_sequence()

    def caught_up() -> bool:
        engine.clock.advance(0.05)
        return relay.position >= end

    await engine.until(caught_up)


async def test_events_come_in_order_in_batches_and_only_once_when_all_is_well(begin: Begin) -> None:
    engine, reader = await begin(), Reader()
    await publish(engine, *"abcde")
    relay = engine.subscribe(reader.subscription(batch_max=2))
    await passes(engine, relay, reader, 5)
    await publish(engine, "f")
    await passes(engine, relay, reader, 6)
    assert reader.batches == [["a", "b"], ["c", "d"], ["e"], ["f"]]


async def test_what_was_not_delivered_is_delivered_again_and_later_and_later(begin: Begin) -> None:
    engine, reader = await begin(), Reader()
    reader.faults = [fault(Unavailable), fault(OutcomeUnknown), ValueError("a bug"), None]
    await publish(engine, *"ab")
    relay = engine.subscribe(reader.subscription())
    began = engine.clock.now()
    await passes(engine, relay, reader, 2)
    assert reader.batches == [["a", "b"]]
    assert engine.clock.now() - began >= (1 + 2 + 4) * 1_000_000
    assert relay.trouble == ""


async def test_a_closed_lane_holds_events_back_without_a_call(begin: Begin) -> None:
    engine, reader = await begin(), Reader()
    reader.faults = [LaneClosed("crm", "paused", None, "closed for a while")] * 3
    await publish(engine, "a")
    relay = engine.subscribe(reader.subscription())
    await engine.until(lambda: relay.trouble != "")
    assert relay.trouble == "crm: closed for a while"
    await passes(engine, relay, reader, 1)
    assert reader.batches == [["a"]]


async def test_events_of_a_while_are_gathered(begin: Begin) -> None:
    engine, reader = await begin(), Reader()
    await publish(engine, "a")
    relay = engine.subscribe(reader.subscription(linger_seconds=2.0))
    await asyncio.sleep(0.01)
    await publish(engine, "b")
    await passes(engine, relay, reader, 2)
    assert reader.batches == [["a", "b"]]


async def test_after_a_crash_between_delivery_and_commit_events_come_again(begin: Begin) -> None:
    engine, reader = await begin(), Reader()
    await publish(engine, *"ab")
    relay = engine.subscribe(reader.subscription())
    delivered = asyncio.Event()

    async def deliver_and_hang(events: Sequence[StoredEvent]) -> Sequence[RunStart]:
        await reader.deliver(events)
        delivered.set()
        await asyncio.Event().wait()
        return ()

    await passes(engine, relay, reader, 2)
    await relay.stop()
    await publish(engine, "c")
    engine.subscribe(Subscription("reader", deliver_and_hang))
    await engine.until(delivered.is_set)
    await engine.crash()
    await engine.begin()
    again = engine.subscribe(reader.subscription())
    await passes(engine, again, reader, 4)
    assert reader.seen == ["a", "b", "c", "c"]


async def test_what_a_delivery_causes_is_committed_with_the_cursor(begin: Begin, world: World) -> None:
    async def body(run: Run, _value: Any) -> None:
        await run.step("work", lambda _key: world.read("work"), returns=str)

    process = a_process(body)
    engine, reader = await begin(process), Reader()
    reader.starts = [process.start("1", "1")]
    await publish(engine, "a")
    relay = engine.subscribe(reader.subscription())
    await passes(engine, relay, reader, 1)
    await engine.settle()
    assert world.counts["work"] == 1
    assert await engine.store.read_cursors() == {"relay:reader": str(relay.position)}


async def test_one_worker_delivers_and_another_takes_over_where_it_stopped(stores: Stores) -> None:
    reader = Reader()
    first = second = Engine(await stores.open(), stores.clock)
    if stores.kind != "sqlite":  # on a SQLite file only one process works; its next life takes over
        second = Engine(await stores.open(), stores.clock)
    engines = [first] if second is first else [first, second]
    for engine in engines:
        await engine.begin()
    relay = first.subscribe(reader.subscription())
    await publish(first, *"ab")
    await passes(first, relay, reader, 2)
    standby = second.subscribe(reader.subscription()) if second is not first else relay
    await publish(first, "c")
    await passes(first, relay, reader, 3)
    await first.crash()
    if second is first:
        await first.begin()
        standby = first.subscribe(reader.subscription())
    await publish(second, "d")
    await passes(second, standby, reader, 4)
    assert reader.seen == list("abcd")
    await second.crash()


async def test_a_worker_that_begins_again_goes_on_delivering(begin: Begin) -> None:
    engine, reader = await begin(lease_seconds=15), Reader()
    relay = engine.subscribe(reader.subscription())
    await publish(engine, "a")
    await passes(engine, relay, reader, 1)
    before = engine.worker.worker_id

    def begun_again() -> bool:
        engine.clock.advance(60)  # again and again: the worker may have been about to beat
        return engine.worker.worker_id != before

    await engine.until(begun_again)
    await publish(engine, "b")
    await passes(engine, relay, reader, 2)
    assert list(dict.fromkeys(reader.seen)) == ["a", "b"], "in order, and at least once"
