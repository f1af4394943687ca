"""A Salesforce org and an ERP that know the same customers, and a hub between them whose time is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

from tests.processes.books import MARK, Books, CustomerHub, WrongClock, _Counting
from tests.stores import Stores

from crossdock.adapters.memory.simulator.server import share_surface
from crossdock.adapters.salesforce import ADAPTER
from crossdock.adapters.salesforce.local import connection
from crossdock.adapters.salesforce.party_mapping import SOBJECT
from crossdock.adapters.salesforce.position import decode_position
from crossdock.adapters.salesforce.settings import COMMON_FIELDS, PERSON_FIELDS
from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.canonical.party import ExternalReference
from crossdock.durable.lanes import guard
from crossdock.identity.golden.contributions import plain_fields
from crossdock.identity.golden.fields import Fields, FieldValue, fields_of
from crossdock.identity.golden.ownership import Ownership
from crossdock.kit.clock import Clock, Instant, ManualClock
from crossdock.ports.customer_source import CustomerArrival
from crossdock.ports.manifest import ROLE_METHODS, Role

SALESFORCE_FIELDS = {**COMMON_FIELDS, **PERSON_FIELDS}
PATIENCE_SECONDS = 120


class _OfTheHub:
    """The hub's time, in which waits for the network last as long as they do."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def now(self) -> Instant:
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Org(Books):
    """An org's person accounts; its clock may be off."""

    def __init__(
        self,
        name: str,
        clock: ManualClock,
        off_seconds: float = 0,
        customers: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.name = name
        self.customers = dict(customers)
        self.simulator = SalesforceSimulator(clock=WrongClock(clock, off_seconds))

    def dock(self, clock: Clock) -> Any:
        """A dock to it, not yet open."""
        assert isinstance(clock, ManualClock)
        by_key = connection(self.simulator)
        values = {name: value for name, value in by_key.items() if name not in {"private_key", "username"}}
        values |= {"flow": "client_credentials", "client_secret": self.simulator.credentials.client_secret}
        events = {
            "gather_seconds": 0.01,
            "settle_seconds": 0.05,
            "retry_seconds_min": 0.05,
            "retry_seconds_max": 0.2,
        }
        events["silence_seconds_max"] = 1e9  # the hub's time leaps
        settings = ADAPTER.load_settings(values | {"events": events, "customers": self.customers})
        self.topics: tuple[str, ...] = settings.customers.listened
        return ADAPTER.make_dock(settings, _OfTheHub(clock))

    def make(self, card: Mapping[str, FieldValue]) -> str:
        return self.simulator.seed.rows(SOBJECT, [_row(card)], announce=True)[0]

    def edit(self, number: str, card: Mapping[str, FieldValue]) -> None:
        self.simulator.seed.update(SOBJECT, number, _row(card))

    def ends(self) -> dict[str, int]:
        """The number of the last event of each stream that is listened to."""
        logs = {topic: self.simulator.org.log.read(topic, 0, 1_000_000) for topic in self.topics}
        return {topic: events[-1].replay_id if events else 0 for topic, events in logs.items()}


def _row(card: Mapping[str, FieldValue]) -> dict[str, Any]:
    """What a clerk would type into the org's fields."""
    return {
        SALESFORCE_FIELDS[name]: "\n".join(value) if isinstance(value, tuple) else value
        for name, value in card.items()
        if name != "kind"
    }


class _BehindItsLane:
    """A dock behind the lane that the hub has by now: a hub that begins anew has lanes of its own."""

    def __init__(self, hub: CustomerHub, name: str, dock: Any) -> None:
        self._hub, self._name, self._dock = hub, name, dock

    def __getattr__(self, method: str) -> Any:
        guarded = guard(self._hub.engine.lanes[self._name], self._dock, ROLE_METHODS[Role.CUSTOMER_SINK])
        return getattr(guarded, method)


class TwoWayHub(CustomerHub):
    """A hub between an org and an ERP, behind their lanes; it listens to the org all the time."""

    def __init__(self, stores: Stores, books: Mapping[str, Books], ownership: Ownership, mark: str = MARK) -> None:
        super().__init__(stores, books, ownership, mark)
        self.calls = 0
        self._told: list[CustomerArrival] = []
        self._came = asyncio.Condition()

    def _sink(self, name: str, dock: Any) -> Any:
        return _BehindItsLane(self, name, _Counting(self, dock))

    async def open(self) -> None:
        await super().open()
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def close(self) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await super().close()

    async def _listen(self) -> None:
        async with contextlib.aclosing(self.docks["crm"].customer_changes("")) as batches:
            async for batch in batches:
                found = [batch]
                if batch.gap is not None:
                    found = [part async for part in self.docks["crm"].refill_customers(batch.gap)]
                async with self._came:
                    self._told += [arrival for part in found for arrival in part.arrivals]
                    self.positions["crm"] = batch.position
                    self._came.notify_all()

    def _are_heard(self, ends: Mapping[str, int]) -> bool:
        topics = decode_position(self.positions["crm"])
        return all(
            topic in topics and int.from_bytes(topics[topic].replay_id, "big") >= end
            for topic, end in ends.items()
        )

    async def heard(self, system: str) -> list[CustomerArrival]:
        """What is new in a system's stream."""
        if system != "crm":
            return await super().heard(system)
        org = self.books["crm"]
        assert isinstance(org, Org)
        ends = org.ends()
        async with asyncio.timeout(PATIENCE_SECONDS), self._came:
            await self._came.wait_for(lambda: self._are_heard(ends))
            arrivals, self._told = self._told, []
        return arrivals

    @staticmethod
    def reference(system: str, number: str) -> ExternalReference:
        return ExternalReference(system, "Account" if system == "crm" else "partner", number)

    async def shown(self, record: ExternalReference) -> Fields:
        """What a record shows, as its system says."""
        (found,) = await self.docks[record.system].read_customers([record])
        assert found is not None, record
        return plain_fields(fields_of(found.says))


@asynccontextmanager
async def two_way_hub(
    stores: Stores,
    ownership: Ownership,
    *,
    off_seconds: Mapping[str, float],
    customers: Mapping[str, Any] = MappingProxyType({}),
    prepare: Callable[[Org], None] = lambda _org: None,
) -> AsyncIterator[TwoWayHub]:
    """A hub between the org `crm` and the ERP `erp`, at work.

    `customers` are settings of the org's dock; `prepare` enters what has to be there before anybody looks.
    """
    org = Org("crm", stores.clock, off_seconds["crm"], customers)
    erp = Books("erp", stores.clock, off_seconds["erp"])
    hub = TwoWayHub(stores, {"crm": org, "erp": erp}, ownership)
    async with org.simulator:
        prepare(org)
        try:
            await hub.open()
            try:
                yield hub
            finally:
                await hub.close()
        finally:
            share_surface(erp.ledger, None)
