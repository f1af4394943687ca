"""Events reach a broker at least once, in order per subject; one it never takes holds up its subject alone."""

from collections.abc import AsyncIterator, Collection, Sequence

import pytest
from tests.engine import Engine
from tests.stores import Stores

from crossdock.contracts.envelope import CloudEvent
from crossdock.durable.records import Commit, Outgoing, RunState
from crossdock.durable.relay import Relay
from crossdock.kit.errors import CrossdockError, Invalid, NotAuthorized, OutcomeUnknown, Unavailable
from crossdock.processes.event_publication import Collaborators, event_feed, event_publication
from crossdock.storage.sql_store import SqlStore
from crossdock.transport.in_order import send_in_order

pytestmark = pytest.mark.anyio


class Broker:
    """Keeps what it takes, in order. `poison` it never takes; while `fault` is set it takes nothing."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.poison: set[str] = set()
        self.fault: CrossdockError | None = None
        self.unheard: set[str] = set()

    async def publish_events(self, events: Sequence[CloudEvent]) -> Sequence[CrossdockError | None]:
        if self.fault is not None:
            raise self.fault
        return await send_in_order(events, self._take, system="broker")

    async def _take(self, event: CloudEvent) -> None:
        name = bytes(event.data).decode().strip('"')
        if name in self.poison:
            raise Invalid("too large", code="event-too-large", system="broker")
        self.kept.append(name)
        if name in self.unheard:
            self.unheard.discard(name)
            raise OutcomeUnknown("nobody heard", code="answer-lost", system="broker")


class Publishing:
    """An engine whose outbox goes to a broker."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._store: SqlStore | None = None
        self.broker = Broker()

    async def begin(self, *, batch_max: int = 4) -> None:
        self._store = self._store or await self._stores.open()
        using = Collaborators(sinks={"broker": self.broker}, busy=self._store.busy_subjects)
        process = event_publication(using)
        self.engine = Engine(self._store, self._stores.clock, [process])
        await self.engine.begin()
        feed = event_feed("broker", process, using, batch_max=batch_max, linger_seconds=0)
        self.relay: Relay = self.engine.subscribe(feed)

    async def tell(self, *names: str) -> None:
        """`a1` is told about subject a."""
        events = tuple(Outgoing("crossdock.test.v1", f"order/{name[0]}", f'"{name}"'.encode()) for name in names)
        await self.engine.committer.submit(Commit(events=events))

    async def flow(self) -> None:
        """Let time pass until everything was published or parked."""
        end = await self.engine.store.last_sequence()

        def through() -> bool:
            self.engine.clock.advance(0.1)
            return self.relay.position >= end

        await self.engine.until(through)
        await self.engine.settle()

    async def until_trouble(self) -> None:
        """Let time pass until the broker has failed."""

        def in_trouble() -> bool:
            self.engine.clock.advance(0.1)
            return self.relay.trouble != ""

        await self.engine.until(in_trouble)

    def kept(self, subject: str) -> list[str]:
        return [name for name in self.broker.kept if name.startswith(subject)]

    async def parked(self) -> Collection[str]:
        return [view.run_id for view in await self.engine.store.list_runs(state=RunState.PARKED)]


@pytest.fixture
async def publishing(stores: Stores) -> AsyncIterator[Publishing]:
    made = Publishing(stores)
    await made.begin()
    yield made
    await made.engine.crash()


async def test_every_event_is_published_in_the_order_of_its_subject(publishing: Publishing) -> None:
    names = [f"{subject}{number}" for number in range(7) for subject in "abc"]
    await publishing.tell(*names)
    await publishing.flow()
    for subject in "abc":
        assert publishing.kept(subject) == [f"{subject}{number}" for number in range(7)]


@pytest.mark.parametrize("fault", [Unavailable("away", code="x"), NotAuthorized("no", code="y")])
async def test_while_the_broker_is_away_events_wait_and_are_counted(
    publishing: Publishing, fault: CrossdockError
) -> None:
    publishing.broker.fault = fault
    await publishing.tell("a1", "b1")
    await publishing.until_trouble()
    assert publishing.broker.kept == []
    assert await publishing.parked() == []
    cursors = await publishing.engine.store.read_cursors()
    behind = await publishing.engine.store.read_events(int(cursors["relay:events:broker"] or 0), 10)
    assert len(behind) == 2
    publishing.broker.fault = None
    await publishing.flow()
    assert publishing.broker.kept == ["a1", "b1"]


async def test_a_poison_event_parks_with_its_owner_and_holds_up_its_subject_alone(publishing: Publishing) -> None:
    publishing.broker.poison = {"a2"}
    await publishing.tell("a1", "a2", "b1", "a3", "b2", "c1")
    await publishing.flow()
    await publishing.tell("a4", "b3")
    await publishing.flow()
    assert publishing.kept("a") == ["a1"]
    assert publishing.kept("b") == ["b1", "b2", "b3"]
    assert publishing.kept("c") == ["c1"]
    (parked,) = await publishing.engine.store.list_runs(state=RunState.PARKED)
    assert parked.parking is not None
    assert (parked.parking.code, parked.parking.owner) == ("event-too-large", "integration")
    assert parked.run_id.startswith("event_publication/broker:")
    assert len(await publishing.engine.store.list_runs(state=RunState.QUEUED)) == 2
    # Once the broker takes larger ones, it and what waited behind it go on, in order.
    publishing.broker.poison = set()
    await publishing.engine.desk.retry([parked.run_id], actor="ann", reason="limit raised")
    await publishing.engine.settle()
    assert publishing.kept("a") == ["a1", "a2", "a3", "a4"]
    await publishing.tell("a5")
    await publishing.flow()
    assert publishing.kept("a") == ["a1", "a2", "a3", "a4", "a5"]


async def test_a_poison_event_that_is_skipped_lets_its_subject_go_on(publishing: Publishing) -> None:
    publishing.broker.poison = {"a1"}
    await publishing.tell("a1", "a2")
    await publishing.flow()
    await publishing.engine.desk.skip(list(await publishing.parked()), actor="ann", reason="told by mail")
    await publishing.engine.settle()
    assert publishing.broker.kept == ["a2"]


async def test_what_was_acknowledged_in_a_batch_that_comes_again_is_not_repeated(publishing: Publishing) -> None:
    publishing.broker.unheard = {"b1"}
    await publishing.tell("a1", "b1", "b2", "c1")
    await publishing.flow()
    assert sorted(publishing.broker.kept) == ["a1", "b1", "b1", "b2", "c1"]
    assert publishing.kept("b") == ["b1", "b1", "b2"]


async def test_after_a_crash_before_the_mark_events_come_again_under_the_same_id(sqlite_only: Stores) -> None:
    publishing = Publishing(sqlite_only)
    await publishing.begin()
    publishing.broker.unheard = {"a2"}
    await publishing.tell("a1", "a2", "a3")
    await publishing.until_trouble()
    await publishing.engine.crash()
    await publishing.begin()
    await publishing.flow()
    assert publishing.broker.kept == ["a1", "a2", "a1", "a2", "a3"]
    await publishing.engine.crash()
