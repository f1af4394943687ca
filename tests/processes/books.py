"""Two systems that know the same customers, a hub (or two) between them, and time that stands still until told."""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from tests.engine import Engine
from tests.stores import Stores

from crossdock.adapters.memory import ADAPTER
from crossdock.adapters.memory.settings import MemorySettings
from crossdock.adapters.memory.simulator.server import share_surface
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.adapters.memory.wire import PartnerWrite
from crossdock.bootstrap.customers import open_orders, orders_of
from crossdock.canonical.party import ExternalReference
from crossdock.contracts.customers import CUSTOMER_EVENTS
from crossdock.durable.codec import decode
from crossdock.durable.lanes import LaneLimits
from crossdock.durable.process import Process
from crossdock.durable.records import Commit, EffectStep, Outcome
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.ledger import NoteTold, PartyFile
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.survivorship import GoldenValue, golden
from crossdock.identity.golden.work import RepairAsked, TouchedParty
from crossdock.identity.privacy.erasing import ErasureLine
from crossdock.kit.clock import Instant, ManualClock, seconds_to_us
from crossdock.ports.customer_source import CustomerArrival
from crossdock.processes import (
    customer_change,
    customer_merge,
    customer_repair,
    customer_telling,
    customer_unmerge,
    customer_update,
    party_erasure,
)
from crossdock.processes.customer_capture import CustomerCapture
from crossdock.processes.customer_recognition import MatchingRecognition, Recogniser
from crossdock.processes.customer_stewardship import Stewards

SYSTEMS = ("crm", "erp")
MARK = "crossdock"


class WrongClock:
    """A clock that is off by some seconds."""

    def __init__(self, clock: ManualClock, off_seconds: float) -> None:
        self._clock, self._off_us = clock, seconds_to_us(off_seconds)

    def now(self) -> Instant:
        return self._clock.now() + self._off_us

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


class Books:
    """A memory ERP's partners; its clock may be off."""

    def __init__(self, name: str, clock: ManualClock, off_seconds: float = 0) -> None:
        self.name = name
        self.ledger = uuid.uuid4().hex
        self.surface = Surface(clock=WrongClock(clock, off_seconds))
        self.book = self.surface.partners
        share_surface(self.ledger, self.surface)
        self._writes = 0

    def dock(self, clock: ManualClock) -> Any:
        """A dock to it, not yet open."""
        settings = MemorySettings(ledger=self.ledger, unique_reference=True, arrivals_wait_seconds=0)
        return ADAPTER.make_dock(settings, clock)

    def make(self, card: Mapping[str, FieldValue]) -> str:
        """Somebody there makes a partner; its number."""
        return self._write(card, "")

    def edit(self, number: str, card: Mapping[str, FieldValue]) -> None:
        """Somebody there changes one."""
        self._write(card, number)

    def _write(self, card: Mapping[str, FieldValue], number: str) -> str:
        self._writes += 1
        write = PartnerWrite(write=f"{self.name}-clerk-{self._writes}", card=dict(card), number=number)
        return self.book.write(write).number

    def card(self, number: str) -> dict[str, Any]:
        """What a partner's card shows; None once it is gone."""
        (found,) = self.book.read([number])
        assert found is not None
        return dict(found.card)


class CustomerHub:
    """A hub with nothing but the customer processes."""

    def __init__(self, stores: Stores, books: Mapping[str, Books], ownership: Ownership, mark: str = MARK) -> None:
        self.stores, self.books, self.ownership, self.mark = stores, books, ownership, mark
        self.clock = stores.clock
        self.docks: dict[str, Any] = {}
        self.positions = dict.fromkeys(books, "")
        self.read = dict.fromkeys(books, 0)
        self.writes = 0
        self.began = 0
        self.erasure_log: list[ErasureLine] = []
        self.orders: list[str] = []
        self.further: list[Process[Any]] = []

    def way_into_the_erp(self, _update: Callable[[], Process[Any]]) -> customer_update.Onboarding | None:
        """How companies become customers; here as everybody does."""
        return None

    async def open(self) -> None:
        self.store = await self.stores.open()
        self.engine = Engine(self.store, self.clock, lanes={name: LaneLimits() for name in self.books})
        for name, books in self.books.items():
            self.docks[name] = books.dock(self.clock)
            await self.docks[name].open()
        sinks: dict[str, Any] = {name: self._sink(name, dock) for name, dock in self.docks.items()}
        telling = customer_telling.customer_telling(
            customer_telling.Collaborators(
                parties=self.store,
                doubts=self.store,
                ownership=self.ownership,
                sinks=sinks,
                clock=self.clock,
                mark=self.mark,
                settle_seconds={},
                update=lambda: update,
            )
        )
        update = customer_update.customer_update(
            customer_update.Collaborators(
                parties=self.store,
                doubts=self.store,
                ownership=self.ownership,
                told=tuple(self.docks),
                clock=self.clock,
                telling=telling,
                onboarding=self.way_into_the_erp(lambda: update),
            )
        )
        change = customer_change.customer_change(
            customer_change.Collaborators(
                recognition=MatchingRecognition(
                    Recogniser(self.store, clock=self.clock), self.store, self._submit, self.mark, self._filled
                ),
                ownership=self.ownership,
                clock=self.clock,
                update=update,
                began=lambda: self.began,
            )
        )
        self.change, self.update = change, update
        repair = self._make_mergers(sinks, update)
        erasing = self._erasing(sinks)
        self.erasure = party_erasure.party_erasure(erasing)
        self.erasing_again = party_erasure.erasure_again(erasing)
        self.engine.processes = [change, update, telling, self.merging, self.unmerging, repair]
        self.engine.processes += [self.erasure, self.erasing_again, *self.further]
        await self._begin()

    def _make_mergers(self, sinks: dict[str, Any], update: Process[TouchedParty]) -> Process[RepairAsked]:
        repair = customer_repair.customer_repair(
            customer_repair.Collaborators(
                parties=self.store,
                merges=self.store,
                ownership=self.ownership,
                sinks=sinks,
                clock=self.clock,
                mark=self.mark,
                settle_seconds={},
                update=update,
            )
        )
        self.merging = customer_merge.customer_merge(
            customer_merge.Collaborators(
                parties=self.store,
                index=self.store,
                ownership=self.ownership,
                clock=self.clock,
                update=update,
                repair=repair,
            )
        )
        self.unmerging = customer_unmerge.customer_unmerge(
            customer_unmerge.Collaborators(parties=self.store, clock=self.clock, update=update, repair=repair)
        )
        self.stewards = Stewards(
            self.store,
            self.ownership,
            self._submit,
            self.clock,
            merge=self.merging,
            unmerge=self.unmerging,
            update=update,
        )
        return repair

    def _erasing(self, sinks: Mapping[str, Any]) -> party_erasure.Collaborators:
        return party_erasure.Collaborators(
            parties=self.store,
            erasures=self.store,
            traces=self.store,
            ownership=self.ownership,
            sinks=sinks,
            log=self,
            open_orders=self.open_orders,
            orders_of=self.orders_of,
            busy=self.store.busy_subjects,
            clock=self.clock,
            mark=self.mark,
            settle_seconds={},
            again=lambda: self.erasing_again,
            erasure=lambda: self.erasure,
        )

    async def note(self, line: ErasureLine) -> None:
        """See ErasureLog."""
        if line not in self.erasure_log:
            self.erasure_log.append(line)

    async def open_orders(self, number: str) -> list[str]:
        """Orders that stand in the way of an erasure: those on the board, and what a test says."""
        return [*self.orders, *await open_orders(self.store, number)]

    async def orders_of(self, number: str) -> list[str]:
        """All that a customer ordered."""
        return await orders_of(self.store, number)

    def _sink(self, _name: str, dock: Any) -> Any:
        """The dock as the processes have it; here without its lane, so that every fault is theirs to bear."""
        return _Counting(self, dock)

    async def _begin(self) -> None:
        await self.engine.begin()
        self.capture = CustomerCapture(self.change, self.engine.worker.commit, self.store.is_erased)

    async def restart(self) -> None:
        """Die, come back, and go on with what was under way."""
        await self.engine.crash()
        await self._begin()
        await self.engine.settle()

    async def _filled(self) -> None:
        """Nothing is known here that the index has not."""

    async def _submit(self, commit: Commit) -> Outcome:
        return await self.engine.committer.submit(commit)

    async def close(self) -> None:
        await self.engine.crash()
        for dock in self.docks.values():
            await dock.close()

    # ── work ────────────────────────────────────────────────────────────────────────────────────────

    async def heard(self, system: str) -> list[CustomerArrival]:
        """What is new in a system's stream."""
        end = len(self.books[system].book.stream._slots)
        arrivals: list[CustomerArrival] = []
        if self.read[system] < end:
            async with aclosing(self.docks[system].customer_changes(self.positions[system])) as batches:
                async for batch in batches:
                    arrivals += batch.arrivals
                    self.positions[system] = batch.position
                    self.read[system] = int(batch.position.partition("@")[0])
                    if self.read[system] >= end:
                        break
        return arrivals

    async def take(self, system: str, arrivals: Sequence[CustomerArrival]) -> list[str]:
        """Let changes arrive, in this order, and let happen what follows."""
        taken = [await self.capture.take_arrival(system, arrival) for arrival in arrivals]
        await self.engine.settle()
        return taken

    async def pump(self) -> int:
        """Read every stream until nothing is new; how many changes arrived."""
        count = 0
        for _round in range(50):
            arrived = 0
            for system in self.books:
                arrivals = await self.heard(system)
                await self.take(system, arrivals)
                arrived += len(arrivals)
            if not arrived:
                return count
            count += arrived
        raise AssertionError("they never come to rest")

    async def link(self, records: Mapping[str, str], party_id: str = "P-1") -> None:
        """Say that these records are one customer."""
        effects = tuple(
            EffectStep(system, NoteTold(record=self.reference(system, number), party_id=party_id, fields={}))
            for system, number in records.items()
        )
        await self.engine.worker.commit(Commit(effects=effects))

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────

    @staticmethod
    def reference(system: str, number: str) -> ExternalReference:
        return ExternalReference(system, "partner", number)

    async def party(self, system: str, number: str) -> PartyFile:
        """The party of a record."""
        reference = self.reference(system, number)
        party_id = (await self.store.find_parties([reference]))[reference]
        found = await self.store.read_party(party_id)
        assert found is not None
        return found

    async def holds(self, system: str, number: str) -> dict[str, GoldenValue]:
        """What holds of a record's party."""
        found = await self.party(system, number)
        return golden(found.records, self.ownership, self.clock.now(), found.pins)

    async def told(self, party_id: str = "P-1") -> list[Any]:
        """What the world was told of a customer, oldest first."""
        events = await self.store.read_events(0, 10_000, f"customer/{party_id}")
        return [decode(event.data, CUSTOMER_EVENTS[event.type]) for event in events]


class _Counting:
    """A dock that counts the customers written."""

    def __init__(self, hub: CustomerHub, dock: Any) -> None:
        self._hub, self._dock = hub, dock

    async def write_customers(self, writes: Sequence[Any]) -> Any:
        self._hub.writes += len(writes)
        return await self._dock.write_customers(writes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dock, name)


@asynccontextmanager
async def customer_hub(
    stores: Stores, ownership: Ownership, *, off_seconds: Mapping[str, float] | None = None
) -> AsyncIterator[CustomerHub]:
    """A hub between `crm` and `erp`, at work."""
    books = {name: Books(name, stores.clock, (off_seconds or {}).get(name, 0)) for name in SYSTEMS}
    try:
        async with hub_between(stores, books, ownership) as hub:
            yield hub
    finally:
        for each in books.values():
            share_surface(each.ledger, None)


@asynccontextmanager
async def hub_between(
    stores: Stores, books: Mapping[str, Books], ownership: Ownership, mark: str = MARK
) -> AsyncIterator[CustomerHub]:
    """A hub between these, at work."""
    hub = CustomerHub(stores, books, ownership, mark)
    await hub.open()
    try:
        yield hub
    finally:
        await hub.close()
