"""A hub between a Salesforce org and a real Tryton whose time is told: what Tryton stamps counts as of that time.

Tryton's clock is the machine's, the hub's stands still until it is advanced. So that clocks can be off by what a
test says, what Tryton tells is put to when it was by the hub's clock, and that much beside it.
"""

import asyncio
import contextlib
import random
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace
from tests.adapters.tryton.bench import PARTY_WRITES, TrytonBench
from tests.processes.books import Books
from tests.processes.clerks import Card, Gone, RefusedError
from tests.processes.orgs import Org, TwoWayHub
from tests.stores import Stores

from crossdock.adapters.tryton import ADAPTER, party_mapping
from crossdock.adapters.tryton.catalogue import CatalogueReader
from crossdock.adapters.tryton.customers import Position
from crossdock.adapters.tryton.local.template import ADMIN_USER
from crossdock.adapters.tryton.mapping import Catalogue
from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.ownership import Ownership
from crossdock.kit.clock import Clock, Instant, ManualClock, SystemClock, seconds_to_us
from crossdock.kit.errors import CrossdockError
from crossdock.ports.customer_source import CustomerArrival, CustomerBatch

POLL_SECONDS = 0.123
OVERLAP_SECONDS = 2.0
PATIENCE_SECONDS = 120.0


class ToldTime(ManualClock):
    """A clock that stands still until it is advanced, and knows what it showed at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self._machine = SystemClock()
        self._moments, self._showed = [self._machine.now()], [self.now()]

    def advance(self, seconds: float) -> None:
        """See `ManualClock`."""
        super().advance(seconds)
        self._moments.append(self._machine.now())
        self._showed.append(self.now())

    def at(self, moment: Instant) -> Instant:
        """What it showed then."""
        return self._showed[max(bisect_right(self._moments, moment) - 1, 0)]


class _Polling(Clock):
    """The dock's clock: the hub's time; between two polls of the stream it rests until it is asked for one."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._rests = asyncio.Event()
        self._poll = asyncio.Event()

    def now(self) -> Instant:
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        if seconds != POLL_SECONDS:
            await asyncio.sleep(seconds)
            return
        self._rests.set()
        await self._poll.wait()
        self._poll.clear()

    async def everything_told(self) -> None:
        """Return when a poll that began after this call found nothing more."""
        for _poll in range(2):
            self._rests.clear()
            self._poll.set()
            await self._rests.wait()


class Parties(Books):
    """The parties of a real Tryton; what its people do there is done by its administrator."""

    def __init__(self, bench: TrytonBench, clock: ToldTime, off_seconds: float) -> None:
        self.name = "erp"
        self.bench, self._time, self._off = bench, clock, seconds_to_us(off_seconds)
        self.polling = _Polling(clock)

    def dock(self, _clock: ManualClock) -> Any:
        """A dock to it, not yet open."""
        settings = {**self.bench.settings, "catalogue_seconds": 1e9, "customer_poll_seconds": POLL_SECONDS}
        loaded = ADAPTER.load_settings(settings | {"change_overlap_seconds": OVERLAP_SECONDS})
        return _InToldTime(ADAPTER.make_dock(loaded, self.polling), self._time, self._off)


class _InToldTime:
    """A dock whose changes are of the hub's time, off by what the test says."""

    def __init__(self, dock: Any, clock: ToldTime, off_us: int) -> None:
        self._dock, self._time, self._off = dock, clock, off_us

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dock, name)

    async def customer_changes(self, position: str) -> AsyncGenerator[CustomerBatch, None]:
        async with contextlib.aclosing(self._dock.customer_changes(position)) as batches:
            async for batch in batches:
                yield replace(batch, arrivals=tuple(self._of_then(arrival) for arrival in batch.arrivals))

    def _of_then(self, arrival: CustomerArrival) -> CustomerArrival:
        assert arrival.change is not None, arrival.findings
        at = self._time.at(arrival.change.changed_at) + self._off
        return replace(arrival, change=replace(arrival.change, changed_at=at))


class BothWays(TwoWayHub):
    """The hub between them; it listens to both all the time."""

    async def open(self) -> None:
        begins = Position(SystemClock().now() + seconds_to_us(OVERLAP_SECONDS))
        self.positions["erp"] = msgspec.json.encode(begins).decode()
        self._of_erp: list[CustomerArrival] = []
        await super().open()
        self.engine.patience_seconds = PATIENCE_SECONDS
        self._polled = asyncio.get_running_loop().create_task(self._poll())

    async def close(self) -> None:
        self._polled.cancel()
        await asyncio.gather(self._polled, return_exceptions=True)
        await super().close()

    async def _poll(self) -> None:
        async with contextlib.aclosing(self.docks["erp"].customer_changes(self.positions["erp"])) as batches:
            async for batch in batches:
                self._of_erp += batch.arrivals

    async def heard(self, system: str) -> list[CustomerArrival]:
        """What is new in a system's stream."""
        if system != "erp":
            return await super().heard(system)
        parties = self.books["erp"]
        assert isinstance(parties, Parties)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await parties.polling.everything_told()
        arrivals, self._of_erp = self._of_erp, []
        return arrivals

    @staticmethod
    def reference(system: str, number: str) -> ExternalReference:
        return ExternalReference(system, "Account" if system == "crm" else party_mapping.MODEL, number)


class PartyClerk:
    """Somebody at Tryton's own screens."""

    deeds = ("delete", "close", "open", "merge")

    def __init__(self, bench: TrytonBench, chance: random.Random) -> None:
        self.bench, self._chance, self._closed = bench, chance, Gone()
        self._terms: dict[str, int] = {}
        self._catalogue: Catalogue | None = None

    async def begin(self) -> None:
        """Look what there is already: that is none of the storm's."""
        admin = self.bench.admin
        self._before = {row["id"] for row in await self._everything()}
        rows = await admin.search_read("account.invoice.payment_term", [], ["id", "name"])
        self._terms = {row["name"]: row["id"] for row in rows}
        settings = ADAPTER.load_settings(self.bench.local.settings(ADMIN_USER))
        self._catalogue = await CatalogueReader(admin, settings, SystemClock()).get()

    async def _everything(self) -> Sequence[Mapping[str, Any]]:
        domain = [("active", "in", [True, False])]
        return await self.bench.admin.search_read("party.party", domain, ["id", "replaced_by"])

    async def edit(self, number: str, card: Card) -> None:
        row = await self.bench.party_row(party_mapping.reference_to(int(number)))
        if row is None or row.replaced_by:
            raise RefusedError("there is no such party")
        values = self._values(dict(card), row)
        try:
            await self.bench.admin.write("party.party", [row.id], values)
        except CrossdockError as refusal:
            raise RefusedError(refusal.code) from refusal

    def _values(self, card: dict[str, FieldValue], row: Any) -> dict[str, Any]:
        assert self._catalogue is not None
        credit = card.pop("credit.status", "")
        values = party_mapping.values_of(card, row, self._catalogue, self._terms)
        if credit:
            values["credit_limit_amount"] = Decimal(0) if credit == "on_hold" else None
        return values

    async def delete(self, number: str, _other: str) -> None:
        await self._do("model.party.party.delete", [int(number)])

    async def close(self, number: str, _other: str) -> None:
        await self._do("model.party.party.write", [int(number)], {"active": False})
        self._closed.put(number)

    async def open(self, _number: str, _other: str) -> None:
        number = self._closed.draw(self._chance)
        await self._do("model.party.party.write", [int(number)], {"active": True})

    async def merge(self, number: str, other: str) -> None:
        rows = [await self.bench.party_row(party_mapping.reference_to(int(each))) for each in (number, other)]
        if number == other or any(row is None or row.replaced_by for row in rows):
            raise RefusedError("there is no such party")
        try:
            await self.bench.merge_customers(*(party_mapping.reference_to(int(each)) for each in (number, other)))
        except CrossdockError as refusal:
            raise RefusedError(refusal.code) from refusal

    async def _do(self, method: str, ids: list[int], *values: Any) -> None:
        try:
            row = await self.bench.party_row(party_mapping.reference_to(ids[0]))
            if row is None or row.replaced_by:
                raise RefusedError("there is no such party")
            await self.bench.admin.command(method, ids, *values)
        except CrossdockError as refusal:
            raise RefusedError(refusal.code) from refusal

    async def present(self) -> set[str]:
        rows = await self._everything()
        return {str(row["id"]) for row in rows if not row["replaced_by"] and row["id"] not in self._before}

    def trouble(self, *, lost: bool, times: int | None) -> None:
        proxy = self.bench.proxy
        if lost:
            proxy.cut_next_of = PARTY_WRITES
        else:
            proxy.refuse(PARTY_WRITES, times)

    def clear(self) -> None:
        self.bench.proxy.refuse(frozenset(), None)
        self.bench.proxy.cut_next_of = frozenset()

    async def forget(self) -> None:
        """Leave nobody behind who might be recognised in another test."""
        made = [row["id"] for row in await self._everything() if row["id"] not in self._before]
        await self.bench.admin.write("party.party", made, {"active": False})


@asynccontextmanager
async def both_ways(
    stores: Stores, bench: TrytonBench, rules: Ownership, *, off_seconds: Mapping[str, float]
) -> AsyncIterator[BothWays]:
    """A hub between the org `crm` and the Tryton `erp`, at work."""
    assert isinstance(stores.clock, ToldTime)
    org = Org("crm", stores.clock, off_seconds["crm"])
    parties = Parties(bench, stores.clock, off_seconds["erp"])
    hub = BothWays(stores, {"crm": org, "erp": parties}, rules)
    async with org.simulator:
        await hub.open()
        try:
            yield hub
        finally:
            await hub.close()
